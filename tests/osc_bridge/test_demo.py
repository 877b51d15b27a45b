"""The demo: a daemon of its own, real datagrams, files and a picture; and a clear error where the daemon fails."""

from __future__ import annotations

import io
import sys
from contextlib import redirect_stdout
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from continuo_daw.assistant.__main__ import main
from continuo_daw.assistant.drawing.ink import GIVEN, NEW
from continuo_daw.assistant.music.midi import read_midi
from continuo_daw.assistant.paths import examples_dir
from continuo_daw.assistant.tasks import in_place
from continuo_daw.osc_bridge.clients import child, demo

SCALES = Path(__file__).with_name("scale_engine.py")


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The folder of a demo whose daemon plays scales, and what the demo said."""
    folder = tmp_path_factory.mktemp("demo")
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(io.StringIO()) as said:
        patch.setenv("CONTINUO_HOME", str(folder / "home"))
        patch.setattr(child, "DAEMON", (sys.executable, str(SCALES), "0", "--port", "0"))
        assert main(["demo", "--out", str(folder / "out")]) == 0
    return folder / "out", said.getvalue()


def test_every_candidate_is_a_file(played: tuple[Path, str]) -> None:
    names = {
        f"{step.name}.{index}.mid"
        for step in demo.STEPS
        for index in range(int(step.options.get("candidates", step.options.get("steps", 1))))
    }
    assert {path.name for path in played[0].glob("*.mid")} == names


def test_the_files_hold_what_the_daemon_played(played: tuple[Path, str]) -> None:
    assert [note.pitch for note in read_midi(played[0] / "tune.0.mid").notes] == list(range(43, 51))


def test_the_picture_shows_all_of_them(played: tuple[Path, str]) -> None:
    assert Image.open(played[0] / "demo.png").height > 5 * 200


def test_the_picture_shows_new_notes_behind_the_given_ones(played: tuple[Path, str]) -> None:
    first_row = np.asarray(Image.open(played[0] / "demo.png"))[100:300]
    _, given = np.nonzero((first_row == GIVEN[0]).all(axis=2))  # on the axis, each part has its lightest colour
    _, new = np.nonzero((first_row == NEW[0]).all(axis=2))
    assert given.max() < new.min()


def test_it_says_what_was_asked_and_when_it_came(played: tuple[Path, str]) -> None:
    _, said = played
    assert "asked: continue bars 4 candidates 2 seed 7" in said
    assert "first notes after" in said and "all after" in said and "the daemon is stopped" in said


def test_a_daemon_that_does_not_start_is_an_error_with_its_last_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(child, "DAEMON", (sys.executable, "-c", "raise SystemExit('no disk')"))
    assert main(["demo", "--out", str(tmp_path)]) == 1
    assert "the daemon did not get ready; it said:\nno disk" in capsys.readouterr().err


def test_a_daemon_that_says_nothing_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(child, "DAEMON", (sys.executable, "-c", "import time; time.sleep(60)"))
    monkeypatch.setattr(child, "START_SECONDS", 0.2)
    assert main(["demo", "--out", str(tmp_path)]) == 1
    assert "it said:\nnothing" in capsys.readouterr().err


def test_the_shipped_models_play_the_demo_as_the_command_line_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["demo", "--out", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert "melody: first notes" in said and "piano: first notes" in said
    assert all(len(read_midi(path).notes) > 4 for path in tmp_path.glob("*.mid"))
    for step in demo.STEPS:  # the command line gives the same as the daemon
        clips = [str(examples_dir() / example) for example in step.examples]
        options = [f"--{key}={value}" for key, value in step.options.items()]
        assert main([step.task, *clips, "-o", str(tmp_path / f"line.{step.name}.mid"), *options]) == 0
        there = sorted(tmp_path.glob(f"{step.name}.*.mid"))
        here = sorted(tmp_path.glob(f"line.{step.name}*.mid"))
        if len(clips) < 2 and not in_place(step.task):
            assert [path.read_bytes() for path in here] == [path.read_bytes() for path in there], step.name
        else:  # the command line writes into the given file; the tempo of a step between two clips is not on the wire
            assert [read_midi(path).notes for path in here] == [read_midi(path).notes for path in there], step.name
