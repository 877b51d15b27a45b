"""`continuo watch`: what is dropped becomes results beside it, once; what is broken becomes a line."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from scale_engine import ScaleEngine, scale
from wire import CLIP

from continuo_daw.assistant.__main__ import main
from continuo_daw.assistant.commands.watch import Watch
from continuo_daw.assistant.music.midi import read_midi
from continuo_daw.assistant.music.midi_write import midi_bytes, write_midi
from continuo_daw.assistant.tasks import TASKS

PROGRAM = """import sys
from continuo_daw.assistant.commands import watch
from scale_engine import ScaleEngine
watch.Engine = ScaleEngine
from continuo_daw.assistant.__main__ import main
sys.exit(main())"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def watching(folder: Path, engine: ScaleEngine, task: str = "continue", **options: object) -> Watch:
    return Watch(folder, engine, task, {"seed": 3, **options})  # type: ignore[arg-type]


def lines(watch: Watch) -> list[str]:
    """What is said when the folder has been looked at twice: until then a file may still be written."""
    return [*watch.look(), *watch.look()]


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_a_dropped_file_gets_its_results_once(folder: Path, engine: ScaleEngine) -> None:
    watch = watching(folder, engine, candidates=2)
    assert lines(watch) == []
    write_midi(CLIP, folder / "tune.MID")
    assert lines(watch) == [f"tune.continue.{index}.mid: 8 notes by scale" for index in (0, 1)]
    assert names(folder) == {"tune.MID", "tune.continue.0.mid", "tune.continue.1.mid"}
    assert read_midi(folder / "tune.continue.1.mid").notes == scale(3, 1, 8)
    assert engine.requests[0].clips == (replace(CLIP, channel=1),)
    assert lines(watch) == [] and len(engine.requests) == 1


def test_a_file_that_is_still_written_is_waited_for(folder: Path, engine: ScaleEngine) -> None:
    watch = watching(folder, engine)
    data = midi_bytes(CLIP)
    for end in (10, 20, len(data)):
        (folder / "tune.mid").write_bytes(data[:end])
        assert list(watch.look()) == []
    assert list(watch.look()) == ["tune.continue.0.mid: 8 notes by scale"]


def test_a_broken_file_is_a_line_and_the_next_one_is_worked_on(folder: Path, engine: ScaleEngine) -> None:
    watch = watching(folder, engine)
    (folder / "a.mid").write_bytes(b"MThd?")
    write_midi(CLIP, folder / "b.mid")
    broken, good = lines(watch)
    assert broken.startswith("a.mid: cannot read ") and good.startswith("b.continue.0.mid: ")
    assert lines(watch) == []
    (folder / "a.mid").write_bytes(midi_bytes(CLIP))
    assert lines(watch) == ["a.continue.0.mid: 8 notes by scale"]


def test_no_link_is_written_through(folder: Path, engine: ScaleEngine) -> None:
    watch = watching(folder, engine)
    (folder / "mine.txt").write_text("mine")
    (folder / "a.continue.0.mid").symlink_to(folder / "mine.txt")
    write_midi(CLIP, folder / "a.mid")
    assert lines(watch) == ["a.continue.0.mid: 8 notes by scale"]
    assert (folder / "mine.txt").read_text() == "mine"
    assert read_midi(folder / "a.continue.0.mid").notes == scale(3, 0, 8)


def test_a_fault_of_the_engine_is_a_line(folder: Path, engine: ScaleEngine) -> None:
    engine.fault = ZeroDivisionError("fault")
    watch = watching(folder, engine)
    write_midi(CLIP, folder / "a.mid")
    assert lines(watch) == ["a.mid: ZeroDivisionError('fault')"]


def test_no_result_of_any_task_is_taken_and_nothing_else_is_touched(folder: Path, engine: ScaleEngine) -> None:
    for name in ("notes.txt", ".hidden.mid", *(f"tune.{task}.0.mid" for task in TASKS)):
        (folder / name).write_bytes(b"whatever")
    (folder / "sub.mid").mkdir()
    before = names(folder)
    assert lines(watching(folder, engine)) == [] and names(folder) == before


def test_another_run_leaves_what_is_done_and_takes_what_is_not(folder: Path, engine: ScaleEngine) -> None:
    for name in ("old.mid", "new.mid"):
        write_midi(CLIP, folder / name)
    lines(watching(folder, engine))
    os.utime(folder / "new.mid", (2e9, 2e9))
    assert lines(watching(folder, engine)) == ["new.continue.0.mid: 8 notes by scale"]
    assert lines(watching(folder, engine, "vary")) == [f"{n}.vary.0.mid: 8 notes by scale" for n in ("new", "old")]


def test_a_file_that_is_dropped_again_is_worked_on_again(folder: Path, engine: ScaleEngine) -> None:
    watch = watching(folder, engine)
    for _ in range(2):
        write_midi(CLIP, folder / "tune.mid")
        assert lines(watch) == ["tune.continue.0.mid: 8 notes by scale"]
        (folder / "tune.mid").unlink()
        assert lines(watch) == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["{}/nowhere"], "there is no folder"),
        (["{}", "--bars", "many"], "bars many is not a whole number"),
        (["{}", "--steps", "3"], "unrecognized arguments"),
        (["{}", "--task", "vary", "--bars", "3"], "unknown option bars"),
        (["{}", "--task", "interpolate"], "invalid choice"),
    ],
)
def test_what_is_wrong_is_said_at_once(
    arguments: list[str], said: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        status = main(["watch", *(argument.format(folder) for argument in arguments)])
    except SystemExit as error:
        status = error.code
    assert status in (1, 2) and said in capsys.readouterr().err


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT to send to one process")
def test_it_runs_until_ctrl_c_and_its_flags_are_the_options(folder: Path) -> None:
    path = str(Path(__file__).parent)
    command = [sys.executable, "-c", PROGRAM, "watch", str(folder), "--task", "refine_velocity", "--keep-accents"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": path})
    assert process.stdout
    assert process.stdout.readline() == f"refine_velocity for every MIDI file in {folder}; Ctrl-C ends it\n"
    write_midi(CLIP, folder / "tune.mid")
    assert process.stdout.readline() == "tune.refine_velocity.0.mid: 2 notes by scale\n"
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == 0
    process.stdout.close()
