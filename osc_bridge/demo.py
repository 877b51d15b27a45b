"""`continuo demo`: the whole way once, from example clips over a daemon of its own to files and a picture."""

from __future__ import annotations

import argparse
import os
import queue
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, NamedTuple

from assistant.clip import Clip
from assistant.midi import read_midi, write_midi
from assistant.option import Value
from assistant.paths import examples_dir
from assistant.picture import Row, piano_roll
from assistant.request import AssistantError
from osc_bridge.client import Client

DAEMON = (sys.executable, "-m", "assistant", "serve", "--port", "0")
START_SECONDS = 60.0  # a cold disk and a virus scanner included
STOP_SECONDS = 5.0


class Step(NamedTuple):
    """One request of the demo; without an example nothing is given."""

    name: str
    title: str
    task: str
    example: str
    options: dict[str, Value]


STEPS = (
    Step(
        "tune", "Sicilian Mariners' Hymn", "continue", "sicilian_mariners.mid", {"bars": 4, "candidates": 2, "seed": 7}
    ),
    Step("piano", "André, Sonatina", "continue", "sonatina.mid", {"bars": 4, "candidates": 2, "seed": 7}),
    Step("free", "From nothing", "generate", "", {"bars": 8, "seed": 7}),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `continuo demo`."""
    parser.add_argument(
        "--out", type=Path, default=Path("continuo-demo"), metavar="DIR", help="where files are written"
    )


def run(args: argparse.Namespace) -> int:
    """Start a daemon, ask it everything in `STEPS`, write the answers, stop it."""
    try:
        args.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise AssistantError("bad_args", f"cannot make the folder {args.out}: {error.strerror}") from None
    _say("starting a daemon on a free port ...")
    rows: list[Row] = []
    with _daemon() as (host, port), Client(host, port) as client:
        for number, step in enumerate(STEPS, 1):
            rows += _ask(client, step, number, args.out)
    _say("the daemon is stopped")
    picture = args.out / "demo.png"
    piano_roll(rows, picture, "Continuo demo")
    _say(f"{picture}: what was given in blue, what is new in orange")
    return 0


def _ask(client: Client, step: Step, number: int, folder: Path) -> list[Row]:
    """Send one request, print what comes back and when, write each candidate; a row of the picture for each."""
    given = read_midi(examples_dir() / step.example) if step.example else None
    asked = " ".join(f"{key} {value}" for key, value in step.options.items())
    _say(f"\n{number}. {step.title}, {_in_words(step.example, given)}\n   asked: {step.task} {asked}")
    heard: list[float] = []
    start = time.perf_counter()
    result = client.run(
        step.task,
        [given] if given else [],
        on_notes=lambda *_: heard.append(time.perf_counter() - start),
        on_progress=None,
        **step.options,
    )
    whole = time.perf_counter() - start
    first = f"first notes after {heard[0] * 1000:.0f} ms, " if heard else ""
    _say(f"   {result.model}: {first}all after {whole * 1000:.0f} ms")
    rows = []
    for index, candidate in enumerate(result.candidates):
        file = folder / f"{step.name}.{index}.mid"
        write_midi(candidate.clip, file)
        _say(f"   {file}: {len(candidate.clip.notes)} notes, {candidate.clip.bars} bars")
        rows.append(
            Row(f"{step.title}, {step.task} by {result.model}: {file.name}", given, candidate.clip, candidate.at)
        )
    return rows


def _in_words(example: str, clip: Clip | None) -> str:
    if clip is None:
        return "no clip given"
    return f"{example} ({len(clip.notes)} notes, {clip.bars} bars of {clip.meter[0]}/{clip.meter[1]})"


@contextmanager
def _daemon() -> Iterator[tuple[str, int]]:
    """Host and port of a daemon that runs as long as the block. Raises AssistantError where it does not get ready."""
    environment = os.environ | {"PYTHONUNBUFFERED": "1"}
    start = time.perf_counter()
    with tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(DAEMON, stdout=subprocess.PIPE, stderr=errors, text=True, env=environment)
        try:
            assert process.stdout is not None
            line = _first_line(process.stdout)
            address = re.search(r"(\d+\.\d+\.\d+\.\d+):(\d+)", line)
            if address is None:
                process.kill()
                process.wait()
                errors.seek(0)
                said = "\n".join([line, *errors.read().splitlines()[-10:]]).strip()
                raise AssistantError("internal", f"the daemon did not get ready; it said:\n{said or 'nothing'}")
            _say(f"{line}   ({time.perf_counter() - start:.2f} s after its start)")
            yield address[1], int(address[2])
        finally:
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            if process.stdout is not None:
                process.stdout.close()


def _first_line(stream: IO[str]) -> str:
    """The first line, or nothing where none comes in `START_SECONDS`."""
    lines: queue.Queue[str] = queue.Queue()
    threading.Thread(target=lambda: lines.put(stream.readline()), daemon=True).start()
    try:
        return lines.get(timeout=START_SECONDS).strip()
    except queue.Empty:
        return ""


def _say(text: str) -> None:
    print(text, flush=True)
