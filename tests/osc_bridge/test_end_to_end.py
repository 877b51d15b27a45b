"""`continuo serve` with the real engine and the models that ship."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from conftest import ROOT, Wire

from assistant.clip import Clip, Note, clip_of
from assistant.midi import read_midi
from assistant.paths import bundled_models
from assistant.request import AssistantError
from osc_bridge.client import Client
from osc_bridge.link import Target

TUNE = clip_of(Note(k * 480, pitch, 480) for k, pitch in enumerate((60, 62, 64, 65, 67, 65, 64, 62) * 2))


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[[], Target]]:
    """Start `continuo serve` on the processor."""
    if not list(bundled_models().glob("*/card.json")):
        missing = "no model is shipped in assistant/models"
        if os.environ.get("CONTINUO_REQUIRE_ALL") == "1":
            pytest.fail(missing)
        pytest.skip(missing)
    processes = []

    def start() -> Target:
        command = [sys.executable, "-m", "assistant", "serve", "--port", "0", "--device", "cpu"]
        places = {"PYTHONPATH": str(ROOT), "CONTINUO_HOME": str(tmp_path)}
        process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            cwd=ROOT,
            env={**os.environ, **places},
        )
        processes.append(process)
        assert process.stdout
        host, _, port = process.stdout.readline().split()[3].rstrip(",").partition(":")
        return host, int(port)

    yield start
    for process in processes:
        process.kill()
        process.wait()
        assert process.stdout
        process.stdout.close()


def test_the_same_seed_gives_the_same_notes_in_every_run(serve: Callable[[], Target]) -> None:
    results = []
    for _ in range(2):
        with Client(*serve()) as client:
            for task, clips in (("generate", ()), ("continue", (TUNE,))):
                results.append(client.run(task, clips, bars=2, candidates=2, seed=11).candidates)
    assert results[:2] == results[2:]
    assert all(candidate.clip.notes for candidates in results for candidate in candidates)
    assert [candidate.at for candidate in results[1]] == [TUNE.length] * 2
    assert [candidate.clip.bars for candidate in results[1]] == [2, 2]


def test_streamed_notes_are_the_notes_of_the_result(serve: Callable[[], Target]) -> None:
    heard: dict[int, list[Note]] = {0: [], 1: []}

    def on_notes(candidate: int, first: int, notes: tuple[Note, ...], total: int) -> None:
        assert first == len(heard[candidate])
        heard[candidate] += notes

    with Client(*serve()) as client:
        result = client.run("continue", [TUNE], bars=8, candidates=2, seed=3, on_notes=on_notes)
    for index, candidate in enumerate(result.candidates):
        assert Clip(tuple(heard[index]), candidate.clip.length) == candidate.clip


def test_cancel_within_200_milliseconds(serve: Callable[[], Target]) -> None:
    with Client(*serve()) as client:
        number = client.start("generate", bars=64, candidates=16)
        time.sleep(0.05)
        start = time.monotonic()
        client.cancel(number)
        with pytest.raises(AssistantError) as caught:
            client.wait(number)
        assert caught.value.code == "cancelled"
        assert time.monotonic() - start < 0.2
        assert client.run("generate", bars=1, seed=1).model


def test_reply_files(serve: Callable[[], Target], tmp_path: Path) -> None:
    wire = Wire(serve())
    notes = (value for note in TUNE.notes for value in (note.pitch, note.start / 960, 0.5, 80, 0))
    wire.send("/continuo/continue", 7, "bars", 2, "reply_file", "song", "notes", *notes)
    assert wire.answers(seconds=10)[-1][0] == "/continuo/done"
    wire.socket.close()
    assert (tmp_path / "spool" / "song.reply").read_text().splitlines()[-1].startswith("/continuo/done 7 continue 1 ")
    assert read_midi(tmp_path / "spool" / "song.0.mid").bars == 2
