"""`continuo demo`: the whole way once, from example clips over a daemon of its own to files and a picture."""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import NamedTuple

from continuo_daw.assistant.drawing.piano_roll import Row, piano_roll, rows_of
from continuo_daw.assistant.errors import AssistantError
from continuo_daw.assistant.music.clip import Clip
from continuo_daw.assistant.music.midi import read_midi
from continuo_daw.assistant.music.midi_write import write_midi
from continuo_daw.assistant.option import Value
from continuo_daw.assistant.paths import examples_dir
from continuo_daw.osc_bridge.clients.child import daemon
from continuo_daw.osc_bridge.clients.client import Client


class Step(NamedTuple):
    """One request of the demo."""

    name: str
    title: str
    task: str
    examples: tuple[str, ...]
    options: dict[str, Value]


TUNE, OTHER, PIANO = "sicilian_mariners.mid", "ah_vous_dirai_je.mid", "sonatina.mid"
PLAYED = "played_theme.mid"
STEPS = (
    Step("tune", "Sicilian Mariners' Hymn", "continue", (TUNE,), {"bars": 4, "candidates": 2, "seed": 7}),
    Step("piano", "André, Sonatina", "continue", (PIANO,), {"bars": 4, "candidates": 2, "seed": 7}),
    Step("free", "From nothing", "generate", (), {"bars": 8, "seed": 7}),
    Step(
        "steered",
        "In D dorian, denser and denser",
        "generate",
        (),
        {"bars": 8, "key": "D dorian", "density": "0.5,0.5,1,1,1.5,1.5,2,2", "register": 67, "seed": 7},
    ),
    Step("between", "From one tune to the other", "interpolate", (TUNE, OTHER), {"steps": 6, "seed": 7}),
    Step("blend", "Half of each", "blend", (TUNE, OTHER), {"seed": 7}),
    Step("varied", "The hymn, a little different", "vary", (TUNE,), {"amount": 0.4, "candidates": 2, "seed": 7}),
    Step("denser", "The hymn with more notes", "vary", (TUNE,), {"density": 0.5, "seed": 7}),
    Step("walk", "A walk from the hymn", "walk", (TUNE,), {"bars": 16, "seed": 7}),
    Step("written", "Mozart as a pianist played it, as it is written", "refine_duration", (PLAYED,), {}),
    Step("louder", "The sonatina with velocities", "refine_velocity", (PIANO,), {"spread": 14, "seed": 7}),
    Step("like", "The sonatina as loud and as soft as Mozart was played", "refine", (PIANO, PLAYED), {"seed": 7}),
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
    with daemon() as child, Client(child.host, child.port) as client:
        _say(f"{child.line}   ({child.ready_s:.2f} s after its start)")
        for number, step in enumerate(STEPS, 1):
            rows += _ask(client, step, number, args.out)
    _say("the daemon is stopped")
    picture = args.out / "demo.png"
    piano_roll(rows, picture, "Continuo demo")
    _say(f"{picture}: what was given in blue, what is new in orange")
    return 0


def _ask(client: Client, step: Step, number: int, folder: Path) -> list[Row]:
    """Send one request, print what comes back and when, write each candidate; a row of the picture for each."""
    given = [read_midi(examples_dir() / example) for example in step.examples]
    asked = " ".join(f"{key} {value}" for key, value in step.options.items())
    _say(f"\n{number}. {step.title}, {_in_words(step.examples, given)}\n   asked: {step.task} {asked}")
    heard: list[float] = []
    start = time.perf_counter()
    result = client.run(
        step.task,
        given,
        on_notes=lambda *_: heard.append(time.perf_counter() - start),
        on_progress=None,
        context=(),
        **step.options,
    )
    whole = time.perf_counter() - start
    first = f"first notes after {heard[0] * 1000:.0f} ms, " if heard else ""
    _say(f"   {result.model}: {first}all after {whole * 1000:.0f} ms")
    titled = []
    for index, candidate in enumerate(result.candidates):
        file = folder / f"{step.name}.{index}.mid"
        write_midi(candidate.clip, file)
        shared = candidate.measures.get("copied_notes")
        copied = f"; longest run shared with a piece of the corpus: {shared:.0f} notes" if shared is not None else ""
        _say(f"   {file}: {len(candidate.clip.notes)} notes, {candidate.clip.bars} bars{copied}")
        titled.append((f"{step.title}, {step.task} by {result.model}: {file.name}", candidate))
    return rows_of(given, titled)


def _in_words(examples: tuple[str, ...], clips: list[Clip]) -> str:
    if not clips:
        return "no clip given"
    words = (
        f"{example} ({len(clip.notes)} notes, {clip.bars} bars of {clip.meter[0]}/{clip.meter[1]})"
        for example, clip in zip(examples, clips, strict=True)
    )
    return " and ".join(words)


def _say(text: str) -> None:
    print(text, flush=True)
