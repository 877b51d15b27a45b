"""The command line: flags from the option tables, files in and out, errors in one line.

An engine of a few lines stands in for the models.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from continuo_daw.assistant import __main__ as program
from continuo_daw.assistant.commands import task as task_command
from continuo_daw.assistant.errors import AssistantError
from continuo_daw.assistant.music.clip import TICKS, Clip, Note, clip_of
from continuo_daw.assistant.music.midi import read_midi
from continuo_daw.assistant.music.midi_write import write_midi
from continuo_daw.assistant.option import Option, check_options
from continuo_daw.assistant.request import Candidate, Request, Result
from continuo_daw.assistant.tasks import TASKS, options_of
from continuo_daw.assistant.version import VERSION

GIVEN = replace(clip_of([Note(0, 60, 480), Note(480, 62, 480), Note(960, 64, 960)], 90.0, (3, 4)), channel=1)


class TinyEngine:
    """Answers every task with random notes behind the given clip, as the options say."""

    requests: list[Request]

    def __init__(self, lazy: bool) -> None:
        type(self).requests = []

    def run(self, request: Request) -> Result:
        self.requests.append(request)
        options = check_options(options_of(request.task), request.options)
        chance = random.Random(f"{options['seed']}")
        length = 4 * TICKS
        like = request.clips[0] if request.clips else Clip((), 0)
        at = like.length
        candidates = tuple(
            Candidate(
                Clip((Note(0, chance.randrange(40, 90), 480),), length, like.tempo, like.meter), at, {"density": 0.25}
            )
            for _ in range(int(options["candidates"] or 1))
        )
        return Result(candidates, "tiny", 7, 0.0125)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with `in.mid`, and the tiny engine behind the commands."""
    monkeypatch.setattr(task_command, "Engine", TinyEngine)
    monkeypatch.chdir(tmp_path)
    write_midi(GIVEN, "in.mid")
    return tmp_path


def run(line: str) -> int:
    """The exit status of `continuo` with these arguments."""
    return program.main(line.split())


def refused(line: str, capsys: pytest.CaptureFixture[str]) -> str:
    """What a command that fails says."""
    assert run(line) == 1
    return capsys.readouterr().err


def test_every_task_is_a_command() -> None:
    assert set(TASKS) <= set(program.COMMANDS)


@pytest.mark.parametrize("task", sorted(TASKS))
def test_every_option_of_a_task_is_a_flag_but_those_of_the_wire(task: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        run(f"{task} --help")
    help_text = capsys.readouterr().out
    for option in options_of(task):
        assert ("--" + option.key.replace("_", "-") in help_text) is not option.key.startswith("reply_")


def test_a_task_of_tomorrow_gets_its_clips_and_flags(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Tomorrow:
        NAME, SUMMARY, CLIPS, PLACE = "blend", "blend two clips", (2, 2), "free"
        OPTIONS = (
            Option("half_way", "bool", False, "100 % in the middle"),
            Option("grid", "choice", "a", "?", choices=("a", "b")),
        )

    monkeypatch.setitem(TASKS, "blend", Tomorrow)  # type: ignore[arg-type]
    monkeypatch.setitem(program.COMMANDS, "blend", ("assistant.commands.task", "blend two clips"))
    assert run("blend in.mid in.mid -o out.mid --half-way --grid b") == 0
    request = TinyEngine.requests[0]
    assert (len(request.clips), request.options) == (2, {"half_way": True, "grid": "b"})
    run("blend in.mid in.mid -o out.mid")
    assert TinyEngine.requests[0].options == {}
    with pytest.raises(SystemExit):
        run("blend --help")
    assert "100 % in the middle" in capsys.readouterr().out


def test_an_option_that_is_left_out_is_not_in_the_request(folder: Path) -> None:
    run("continue in.mid -o out.mid --seed 3")
    assert TinyEngine.requests[0] == Request("continue", (GIVEN,), {"seed": 3})


def test_the_new_clip_is_written_alone(folder: Path) -> None:
    assert run("continue in.mid -o out.mid") == 0
    clip = read_midi("out.mid")
    assert (len(clip.notes), clip.length) == (1, 4 * TICKS)


def test_join_puts_the_new_clip_behind_the_given_one(folder: Path) -> None:
    run("continue in.mid -o out.mid --join")
    clip = read_midi("out.mid")
    assert clip.notes[:3] == GIVEN.notes
    assert (clip.notes[3].start, clip.length, clip.meter) == (GIVEN.length, GIVEN.length + 4 * TICKS, (3, 4))


def test_join_keeps_muted_notes(folder: Path) -> None:
    write_midi(clip_of([Note(0, 60, 480), Note(0, 64, 480, muted=True)]), "in.mid")
    run("continue in.mid -o out.mid --join")
    assert [n.muted for n in read_midi("out.mid").notes] == [False, True, False]


def test_several_candidates_go_to_numbered_files(folder: Path) -> None:
    run("generate -o out.mid --candidates 3")
    assert sorted(p.name for p in folder.glob("out*")) == ["out.0.mid", "out.1.mid", "out.2.mid"]


def test_a_line_a_candidate(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run("generate -o out.mid --candidates 2")
    lines = capsys.readouterr().out.splitlines()
    assert lines == [
        "out.0.mid: 1 notes, 1 bars, density 0.25",
        "out.1.mid: 1 notes, 1 bars, density 0.25",
        "tiny, seed 7, 12 ms",
    ]


def test_json_says_everything(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run("continue in.mid -o out.mid --picture out.png --json")
    assert json.loads(capsys.readouterr().out) == {
        "task": "continue",
        "model": "tiny",
        "seed": 7,
        "seconds": 0.0125,
        "candidates": [
            {
                "file": "out.mid",
                "notes": 1,
                "at_beats": 3.0,
                "length_beats": 4.0,
                "place": "free",
                "measures": {"density": 0.25},
            }
        ],
        "picture": "out.png",
    }


def test_a_picture_is_drawn(folder: Path) -> None:
    run("continue in.mid -o out.mid --picture out.png --candidates 2")
    assert Path("out.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("continue in.mid -o in.mid", "in.mid is the clip that was given"),
        ("continue in.mid -o out.mid --picture in.mid", "in.mid is the clip that was given"),
        ("continue none.mid -o out.mid", "there is no file none.mid"),
        ("generate -o none/out.mid", "there is no folder none"),
        ("generate -o out.mid --picture none/out.png", "there is no folder none"),
    ],
)
def test_an_error_is_one_line(folder: Path, capsys: pytest.CaptureFixture[str], line: str, text: str) -> None:
    message = refused(line, capsys)
    assert message.startswith("continuo: ") and text in message and message.count("\n") == 1


def test_a_numbered_file_does_not_write_over_the_clip_that_was_given(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_midi(GIVEN, "song.1.mid")
    assert "song.1.mid is the clip that was given" in refused("continue song.1.mid -o song.mid --candidates 2", capsys)
    assert read_midi("song.1.mid") == GIVEN


def test_a_damaged_clip_is_named(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("in.mid").write_bytes(b"MThd")
    assert "in.mid: its header is cut short" in refused("continue in.mid -o out.mid", capsys)


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("continue in.mid -o out.mid --candidates 17", "candidates 17 is not a whole number from 1 to 16"),
        ("continue in.mid", "-o/--out"),
        ("continue -o out.mid", "CLIP.mid"),
        ("continu in.mid", "invalid choice: 'continu'"),
        ("", "COMMAND"),
    ],
)
def test_wrong_arguments_exit_with_2(folder: Path, capsys: pytest.CaptureFixture[str], line: str, text: str) -> None:
    with pytest.raises(SystemExit) as caught:
        run(line)
    assert caught.value.code == 2
    assert text in capsys.readouterr().err


def test_an_error_of_the_engine_is_one_line(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(self: TinyEngine, request: Request) -> Result:
        raise AssistantError("no_model", "no model can continue")

    monkeypatch.setattr(TinyEngine, "run", fail)
    assert refused("continue in.mid -o out.mid", capsys) == "continuo: no model can continue\n"


@pytest.mark.parametrize(("command", "extra"), [("train", "train"), ("export", "train"), ("bench", "bench")])
def test_a_missing_package_says_what_to_install(
    command: str, extra: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def missing(name: str) -> None:
        raise ModuleNotFoundError(f"No module named 'torch.nn' ({name})", name="torch.nn")

    monkeypatch.setattr(program.importlib, "import_module", missing)
    assert refused(command, capsys) == f"continuo: {command} needs torch: pip install 'continuo-daw[{extra}]'\n"


@pytest.mark.parametrize(("command", "module"), [("train", "continuo_daw.training.families"), ("generate", "numpy")])
def test_a_package_that_no_extra_brings_is_not_hidden(
    command: str, module: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(name: str) -> None:
        raise ModuleNotFoundError(name=module)

    monkeypatch.setattr(program.importlib, "import_module", missing)
    with pytest.raises(ModuleNotFoundError):
        run(command)


def test_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        run("--version")
    assert caught.value.code == 0
    assert capsys.readouterr().out == f"continuo {VERSION}\n"


def test_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("CONTINUO_HOME", str(tmp_path))
    run("paths --json")
    assert json.loads(capsys.readouterr().out)["spool"] == str(tmp_path / "spool")


def test_tasks_demo_and_doctor_need_no_torch() -> None:
    modules = ("assistant.__main__", "assistant.commands.task", "osc_bridge.clients.demo", "osc_bridge.install.doctor")
    imports = ", ".join(f"continuo_daw.{module}" for module in modules)
    code = f"import sys, {imports}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
