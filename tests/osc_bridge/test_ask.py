"""`continuo ask`: a script's file of messages to a real daemon, and whatever happens a reply file."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from golden import ACTIONS, LONG, A, collected, messages, parsed
from scale_engine import ScaleEngine, scale

from continuo_daw.assistant.__main__ import main
from continuo_daw.assistant.music.clip import TICKS
from continuo_daw.assistant.music.midi import read_midi
from continuo_daw.assistant.tasks import TASKS, options_of
from continuo_daw.osc_bridge.clients import ask, reach
from continuo_daw.osc_bridge.clients.client import Client
from continuo_daw.osc_bridge.daemon.link import Target
from continuo_daw.osc_bridge.daemon.spool import as_text
from continuo_daw.osc_bridge.install.daw_file import write_daw_file

SCALES = Path(__file__).with_name("scale_engine.py")
Ask = Callable[..., list[str]]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Folders of this test alone; the servers' `spool` is the one that `continuo ask` looks into."""
    monkeypatch.setenv("CONTINUO_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))


@pytest.fixture
def say(spool: Path, make_server: Callable[..., Target]) -> Ask:
    """Ask a server with a text as `job.ask`: the lines of `job.reply`, with which the exit status agrees."""
    _, port = make_server()

    def run(text: str, name: str = "job", port: int = port) -> list[str]:
        spool.mkdir(exist_ok=True)
        (spool / f"{name}.ask").write_bytes(text.encode())
        status = main(["ask", name, "--port", str(port)])
        lines = (spool / f"{name}.reply").read_text().splitlines()
        assert status == (bool(lines) and lines[-1].startswith("/continuo/fail "))
        return lines

    return run


def text_of(action: str, **how: object) -> str:
    """The file that a script writes for an action."""
    return "".join(f"{as_text(*message)}\n" for message in messages(action, "job", **how))  # type: ignore[arg-type]


def test_what_is_asked_with_a_reply_file_is_written_by_the_daemon(say: Ask, spool: Path, engine: ScaleEngine) -> None:
    lines = say(text_of("continue", reply_file="job").replace("\n", "\r\n"))  # as a script on Windows writes
    assert lines[0] == "/continuo/accepted job continue scale" and lines[-1].startswith("/continuo/done job continue 2")
    assert {path.name for path in spool.iterdir()} == {"job.reply", "job.0.mid", "job.1.mid"}
    assert read_midi(spool / "job.1.mid").notes == scale(11, 1, 8)
    (request,) = engine.requests
    (clip,) = request.clips
    assert (clip.length, clip.tempo, clip.meter, len(clip.notes)) == (6 * TICKS, 96.5, (3, 4), len(A.notes))
    assert [note.start for note in clip.notes] == [round(start * TICKS) for _, start, *_ in A.notes]
    assert clip.notes[2].duration == 320 and [note.muted for note in clip.notes].index(True) == 5


@pytest.mark.parametrize("action", ACTIONS)
def test_the_request_of_every_button_is_taken(action: str, say: Ask, engine: ScaleEngine) -> None:
    task, options, clips = ACTIONS[action]
    assert say(text_of(action))[-1].startswith(f"/continuo/done job {task} ")
    (request,) = engine.requests
    heard = {key: round(value, 6) if isinstance(value, float) else value for key, value in request.options.items()}
    assert (heard, len(request.clips)) == (options, len(clips))
    keys = [option.key for option in options_of(task) if option.key in options]
    assert keys == [*options]  # in the order in which the daemon lists them


def test_what_is_asked_without_one_is_written_here_without_progress(say: Ask, spool: Path) -> None:
    lines = say(text_of("generate"))
    assert {line.split()[0].removeprefix("/continuo/") for line in lines} == {"accepted", "notes", "result", "done"}
    assert lines[1].startswith("/continuo/notes job 0 0 -1 47 0.0 0.25 1 0 48 0.25 0.25 2 0 ")
    assert {path.name for path in spool.iterdir()} == {"job.ask", "job.reply"}


def test_a_long_clip_arrives_whole(say: Ask, engine: ScaleEngine) -> None:
    (given, *rest) = messages("vary", "job", clips=("LONG",))
    name, _, total, *values = given[1]
    parts = [("/continuo/clip", (name, k, total, *values[5 * k : 5 * k + 50])) for k in range(0, len(LONG.notes), 10)]
    assert collected(parts) == [given]
    assert "/continuo/done job vary" in say("".join(f"{as_text(*part)}\n" for part in [*parts, *rest]))[-1]
    assert len(engine.requests[0].clips[0].notes) == len(LONG.notes)


def test_questions_end_with_their_answer(say: Ask) -> None:
    assert say("/continuo/ping 7\n") == ["/continuo/pong 7"]
    assert say("/continuo/version\n")[0].startswith("/continuo/version.reply continuo ")
    assert say("/continuo/status\n")[0].startswith("/continuo/status.reply cpu 0 0 ")
    assert say("/continuo/sync 3\n") == ["/continuo/synced 3"]


def test_the_tasks_and_their_options_are_one_file(say: Ask) -> None:
    lines = say("/continuo/tasks\n")
    assert lines[-1] == f'/continuo/done "" tasks {len(TASKS)}'
    asked = parsed("\n".join(lines))
    assert [arguments[0] for address, arguments in asked if address == "/continuo/task"] == [*TASKS]
    rows = [arguments[:2] for address, arguments in asked if address == "/continuo/option"]
    assert rows == [(task, option.key) for task in TASKS for option in options_of(task)]


def test_a_refused_request_is_a_fail(say: Ask) -> None:
    (line,) = say("/continuo/generate job bars many\n")
    assert parsed(line) == [("/continuo/fail", ("job", "bad_args", "bars many is not a whole number from 1 to 64"))]


@pytest.mark.parametrize("identity", ["0.1", "2147483648.0", "x" * 300, '""'])
def test_an_id_that_is_none_or_comes_back_otherwise_is_a_fail_too(identity: str, say: Ask) -> None:
    assert "/continuo/fail " in say(f"/continuo/generate {identity} bars many\n")[-1]


def test_what_never_ends_is_given_up(say: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ask, "PATIENCE", 0.3)
    monkeypatch.setattr(reach, "QUICK_SECONDS", 0.1)
    version, last = say("/continuo/ver*\n")
    assert version.startswith("/continuo/version.reply ") and last.startswith("/continuo/fail job timeout ")


def test_a_clip_that_is_refused_says_why_and_nothing_runs(say: Ask, engine: ScaleEngine) -> None:
    *_, last = say("/continuo/clip A 0 1 60 0.0 1.0 128 0\n/continuo/vary job clip A reply_file job\n")
    assert last == '/continuo/fail job bad_args "note 0: velocity 128 is not a number from 1 to 127"'
    assert engine.requests == []


def test_a_button_is_refused(say: Ask, engine: ScaleEngine) -> None:
    assert "answers name no id" in say("/continuo/generate 1.0\n")[-1]
    assert engine.requests == []


def test_another_ask_cancels(say: Ask, spool: Path, engine: ScaleEngine) -> None:
    engine.seconds = 60
    lines: list[str] = []
    thread = threading.Thread(target=lambda: lines.extend(say(text_of("generate", reply_file="job"))))
    thread.start()
    while not (spool / "job.progress").exists():
        time.sleep(0.01)
    assert say("/continuo/cancel job\n", "stop") == []
    thread.join(20)
    assert lines[-1].startswith("/continuo/fail job cancelled ")
    (line,) = say("/continuo/cancel nobody\n", "stop")[:1]
    assert line.startswith("/continuo/fail nobody not_found ")


def test_a_broken_file_is_a_fail_that_says_where(say: Ask) -> None:
    assert say("/continuo/ping 1\n/continuo/ping 1x\n") == [
        '/continuo/fail job bad_args "job.ask, line 2: 1x is neither a number nor a word nor in quotes"'
    ]


def test_a_file_that_is_not_there_is_a_fail_and_an_old_reply_goes(spool: Path) -> None:
    spool.mkdir()
    (spool / "job.reply").write_text("/continuo/done of an earlier one\n")
    assert main(["ask", "job"]) == 1
    assert (spool / "job.reply").read_text().startswith("/continuo/fail job not_found ")


@pytest.mark.parametrize("name", ["../job", "a.b", "", "con", "x" * 65])
def test_a_name_that_is_none_is_refused(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ask", name]) == 1
    assert "is not a name of up to 64 letters" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def nobody() -> int:
    """A port where nobody listens."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_a_daemon_that_does_not_start_is_a_fail_with_its_last_words(
    say: Ask, nobody: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reach, "SERVE", (sys.executable, "-c", "raise SystemExit('no disk')"))
    (line,) = say("/continuo/ping 1\n", port=nobody)
    assert line == '/continuo/fail job internal "the daemon did not start; it said: no disk"'


def test_a_port_that_another_program_holds_is_a_fail(say: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reach, "START_SECONDS", 0.0)
    monkeypatch.setattr(reach, "QUICK_SECONDS", 0.05)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        (line,) = say("/continuo/ping 1\n", port=other.getsockname()[1])
    assert line.startswith("/continuo/fail job timeout ") and "does not answer as Continuo" in line


@pytest.mark.parametrize("silent", [True, False])
def test_a_daemon_that_ends_or_hangs_is_a_fail(silent: bool, say: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reach, "QUICK_SECONDS", 0.1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))

        def answer_one_ping() -> None:
            other.sendto(b"/continuo/pong\0\0,\0\0\0", other.recvfrom(1000)[1])
            if not silent:
                other.close()

        thread = threading.Thread(target=answer_one_ping)
        thread.start()
        (line,) = say("/continuo/generate job seed 1\n", port=other.getsockname()[1])
        thread.join()
    assert line.startswith("/continuo/fail job timeout ") and "does not answer any more" in line


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[[], list[Path]]]:
    """Have `continuo ask` start daemons that play scales: a file for each that was started, named by its process."""
    folder = tmp_path / "started"
    folder.mkdir()
    yield lambda: list(folder.iterdir())
    for file in folder.iterdir():
        try:
            os.kill(int(file.name), signal.SIGTERM)
        except ProcessLookupError:  # the one that found the port taken
            continue


NOTED = """import os, runpy, sys
open(f"{sys.argv.pop(1)}/{os.getpid()}", "w").close()
runpy.run_path(sys.argv.pop(1), run_name="__main__")"""
PROGRAM = """import sys
from continuo_daw.assistant.__main__ import main
from continuo_daw.osc_bridge.clients import ask, reach
reach.SERVE = tuple(sys.argv.pop(1).split("|"))
sys.exit(main())"""


def test_two_at_once_start_one_daemon_which_stays(
    spool: Path, tmp_path: Path, nobody: int, start: Callable[[], list[Path]]
) -> None:
    spool.mkdir()
    serve = "|".join((sys.executable, "-c", NOTED, str(tmp_path / "started"), str(SCALES), "0"))
    command = [sys.executable, "-c", PROGRAM, serve, "ask"]
    asking = []
    for name in ("one", "two"):
        (spool / f"{name}.ask").write_text(f"/continuo/generate {name} seed 3 reply_file {name}\n")
        asking.append(subprocess.Popen([*command, name, "--port", str(nobody)], cwd=tmp_path))
    assert [process.wait(60) for process in asking] == [0, 0]
    for name in ("one", "two"):
        assert read_midi(spool / f"{name}.0.mid").notes == scale(3, 0, 8)
    with Client("127.0.0.1", nobody) as client:
        status = client.status()
    assert (status["done"], status["spool"]) == (2, str(spool))
    assert 1 <= len(start()) <= 2
    assert (tmp_path / "daemon.log").read_text().count("'generate'") == 2


def test_port_and_spool_are_those_of_daw_txt(
    make_server: Callable[..., Target], spool: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CONTINUO_HOME")
    write_daw_file(Path("continuo"), spool, make_server()[1])
    spool.mkdir()
    (spool / "job.ask").write_text("/continuo/ping 1\n")
    assert main(["ask", "job"]) == 0
    assert (spool / "job.reply").read_text() == "/continuo/pong 1\n"
    assert os.environ.pop("CONTINUO_HOME") == str(spool.parent)


def test_it_loads_nothing_that_takes_long() -> None:
    line = "import sys, continuo_daw.assistant.__main__, continuo_daw.osc_bridge.clients.ask; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", line], capture_output=True, text=True, check=True)
    assert not {"numpy", "mido", "onnxruntime", "PIL", "continuo_daw.assistant.tasks"} & set(done.stdout.split())
