"""The Remote Script for Live and its daemon: missing, started, gone; and the files as Live's Python reads them."""

from __future__ import annotations

import ast
import contextlib
import json
import os
import random
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from live_rig import FOLDER, Desk, Relay, load, serving
from live_set import LiveSet
from scale_engine import ScaleEngine

from continuo_daw.osc_bridge.clients.client import Client
from continuo_daw.osc_bridge.install.scripts import built
from continuo_daw.osc_bridge.wire.decode import decode
from continuo_daw.osc_bridge.wire.encode import encode

TUNE = [(60, 0.0, 1.0, 96.0, 0), (64, 1.0, 0.5, 80.4, 0)]
FILES = sorted(FOLDER.glob("*.py"))
# what Python 3.7 has of the standard library, as far as a script for Live has a use for it
LIBRARY = {
    *("__future__", "collections", "collections.abc", "contextlib", "json", "math", "os", "pathlib", "socket"),
    *("struct", "subprocess", "sys", "time"),
}
NEWER = {"removeprefix", "removesuffix", "missing_ok", "with_stem", "is_relative_to", "pairwise", "cache", "strict"}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CONTINUO_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def desk(home: Path) -> Iterator[Desk]:
    """Live with a clip shown; nothing is installed and no daemon runs."""
    desk = Desk(LiveSet(), home, None)
    desk.live.show(desk.live.make(TUNE, 4.0))
    yield desk
    desk.script.disconnect()


@pytest.fixture
def port() -> int:
    """A port where nobody listens."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def command(tmp_path: Path) -> Iterator[Path]:
    """A program like `continuo` whose `serve` plays scales, each in as many seconds as the file `seconds` says.

    It leaves its arguments, its process, its session and the names of its environment in `started.json`.
    """
    script = tmp_path / "continuo"
    started = tmp_path / "started.json"
    seconds = tmp_path / "seconds"
    seconds.write_text("0")
    engine = Path(__file__).parents[1] / "osc_bridge" / "scale_engine.py"
    lines = (
        f"#!{sys.executable}",
        "import json, os, sys, pathlib",
        "told = sys.argv[1:], os.getpid(), os.getsid(0), sorted(os.environ)",
        f"pathlib.Path({str(started)!r}).write_text(json.dumps(told))",
        f"os.execv(sys.executable, [sys.executable, {str(engine)!r}, pathlib.Path({str(seconds)!r}).read_text(),"
        " *sys.argv[2:]])",
    )
    script.write_text("\n".join(lines) + "\n")
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    yield script
    if started.exists():
        with contextlib.suppress(ProcessLookupError):
            os.kill(json.loads(started.read_text())[1], signal.SIGKILL)


def test_without_daw_txt_it_says_what_to_do(desk: Desk) -> None:
    assert "run 'continuo install live' once" in desk.play("continue", "install")
    desk.home.mkdir()
    (desk.home / "daw.txt").write_text("command=x\nport=many\n")
    assert "run 'continuo install live' once" in desk.play("show", "install")


@pytest.mark.skipif(sys.platform == "win32", reason="the program is a script with a first line that names Python")
def test_a_missing_daemon_is_started_and_outlives_live(desk: Desk, port: int, command: Path, tmp_path: Path) -> None:
    desk.install(port, str(command))
    assert "not running; the next button starts it" in desk.play("show", "running")
    os.environ["PYTHONHOME_OF_LIVE"] = "no business of the daemon"
    desk.play("continue", "slot", "doctor", "Last error")
    del os.environ["PYTHONHOME_OF_LIVE"]
    assert "Continuo is starting ..." in desk.hand.messages and desk.said == "Continuo: Continue: in slot 2"
    arguments, process, session, environment = json.loads((tmp_path / "started.json").read_text())
    assert arguments == ["serve", "--port", str(port)]
    assert session == process != os.getsid(0), "it would end with Live"
    assert "PYTHONHOME_OF_LIVE" not in environment
    desk.script.disconnect()
    with Client("127.0.0.1", port) as client:
        assert client.status()["done"] == 1


@pytest.mark.skipif(sys.platform == "win32", reason="the program is a script with a first line that names Python")
def test_a_daemon_that_ends_within_a_request_is_started_again(
    desk: Desk, port: int, command: Path, tmp_path: Path
) -> None:
    desk.install(port, str(command))
    (tmp_path / "seconds").write_text("60")
    desk.play("vary", " %")
    desk.play("cancel", "cancelled")
    desk.play("vary", " %")
    assert "Continuo is starting ..." not in desk.hand.messages
    (tmp_path / "seconds").write_text("0")
    os.kill(json.loads((tmp_path / "started.json").read_text())[1], signal.SIGKILL)
    assert desk.until("slot", "error", "doctor") == "Continuo: Vary: in slot 2"
    assert "Continuo is starting ..." in desk.hand.messages


def test_a_daemon_that_cannot_be_started(desk: Desk, port: int) -> None:
    desk.install(port, "/nowhere/continuo")
    assert "run 'continuo install live' again" in desk.play("vary", "install")
    desk.install(port, shutil.which("false") or sys.executable)
    assert "does not answer" in desk.play("vary", "doctor")
    assert "does not answer" in desk.play("show", "not running")


def test_a_silent_port_is_given_up(desk: Desk) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as mute:
        mute.bind(("127.0.0.1", 0))
        desk.install(mute.getsockname()[1])
        surface = sys.modules["Continuo.surface"]
        surface.PATIENCE, surface.MISSING, surface.QUIET = 0.4, 0.2, 0.1  # type: ignore[attr-defined]
        assert "does not answer at port" in desk.play("walk", "doctor")
        assert "not running" in desk.play("show", "running")
        assert len(mute.recv(100)) > 0


def test_disconnect_cancels_and_closes_the_socket(home: Path) -> None:
    engine = ScaleEngine(seconds=60.0)
    with serving(engine, home / "spool") as address:
        relay = Relay(address)
        desk = Desk(LiveSet(), home, relay)
        desk.live.show(desk.live.make(TUNE, 4.0))
        desk.play("continue", " %")
        link = desk.script._daemon._socket
        desk.script.disconnect()
        assert link.fileno() == -1
        desk.script.disconnect()  # Live may call it again
        desk.tick()
        end = time.monotonic() + 20
        while not engine.stopped and time.monotonic() < end:
            relay.pump()
        assert engine.stopped == 1 and desk.live.in_slots()[1] is None
        relay.front.close()
        relay.back.close()


def test_the_options_are_opened_in_the_editor(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, home: Path
) -> None:
    daemon = sys.modules["Continuo.daemon"]
    opened = tmp_path / "opened.txt"
    fake = tmp_path / "open"
    fake.write_text(f'#!/bin/sh\necho "$@" > {opened}\n')
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    with monkeypatch.context() as mac:
        mac.setattr(daemon.sys, "platform", "darwin")  # type: ignore[attr-defined]
        daemon.open_in_editor(home / "options.txt")  # type: ignore[attr-defined]
    end = time.monotonic() + 20
    while not (opened.exists() and opened.read_text()) and time.monotonic() < end:
        time.sleep(0.01)
    assert opened.read_text() == f"-t {home / 'options.txt'}\n"


@pytest.mark.parametrize(
    ("system", "environment", "folder"),
    [
        ("linux", {"HOME": "/h", "XDG_DATA_HOME": "/x"}, "/x/continuo"),
        ("linux", {"HOME": "/h"}, "/h/.local/share/continuo"),
        ("darwin", {"HOME": "/h"}, "/h/Library/Application Support/continuo"),
        ("win32", {"HOME": "/h", "LOCALAPPDATA": "/l"}, "/l/continuo"),
        ("linux", {"CONTINUO_HOME": "/c"}, "/c"),
    ],
)
@pytest.mark.skipif(sys.platform == "win32", reason="the folders are written as elsewhere")
def test_where_daw_txt_lies(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, system: str, environment: dict[str, str], folder: str
) -> None:
    daemon = sys.modules["Continuo.daemon"]
    for name in ("XDG_DATA_HOME", "CONTINUO_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with monkeypatch.context() as other:
        other.setattr(daemon.sys, "platform", system)  # type: ignore[attr-defined]
        found = daemon.data_folder()  # type: ignore[attr-defined]
    assert found == Path(folder)


# the files


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.name))
def test_the_files_are_python_3_7(file: Path) -> None:
    source = file.read_bytes().decode("ascii")
    tree = ast.parse(source, feature_version=(3, 7))
    assert len(source.splitlines()) <= 300
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            assert {alias.name for alias in node.names} <= {*LIBRARY, "Live"}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 1 or node.module in LIBRARY
        elif isinstance(node, ast.Attribute):
            assert node.attr not in NEWER
        elif isinstance(node, ast.keyword):
            assert node.arg not in NEWER
    assert [ast.unparse(node) for node in unions(tree)] == []


def test_the_installed_files_are_these() -> None:
    assert built("live") == {file.name: file.read_bytes() for file in FILES}


def unions(tree: ast.AST) -> list[ast.BinOp]:
    """What `|` joins outside of annotations, which Python 3.7 does not work out; flags of a process are numbers."""
    found = [one for one in ast.walk(tree) if isinstance(one, ast.BinOp) and isinstance(one.op, ast.BitOr)]
    noted = [getattr(one, name, None) for one in ast.walk(tree) for name in ("annotation", "returns")]
    inside = {id(sub) for annotation in noted if annotation for sub in ast.walk(annotation)}
    return [one for one in found if id(one) not in inside and not ast.unparse(one).startswith("subprocess.CREATE")]


def test_they_run_in_the_oldest_python_of_live(tmp_path: Path) -> None:
    """In Python 3.7 where there is one, else in this one: all that needs no Live is loaded and used."""
    python = shutil.which("python3.7")
    if not python or subprocess.run([python, "-c", ""], capture_output=True).returncode:
        python = sys.executable
    copy = tmp_path / "Continuo"
    shutil.copytree(FOLDER, copy, ignore=shutil.ignore_patterns("__pycache__"))
    lines = (
        "import sys, types",
        "live = sys.modules['Live'] = types.ModuleType('Live')",
        "import Continuo, Continuo.surface",
        "from Continuo.osc import clip_messages, decode, encode",
        "assert decode(encode('/a', 1, 0.5, 'x')) == ('/a', [1, 0.5, 'x'])",
        "assert len(list(clip_messages('c', [(60, 0.0, 1.0, 90, 0)] * 400, 400.0, 120.0, (4, 4)))) == 4",
        "c = types.SimpleNamespace(song=lambda: None, show_message=print, log_message=print)",
        "script = Continuo.create_instance(c)",
        "script.receive_midi((0x9F, 36, 100))",
        "script.disconnect()",
    )
    environment = {**os.environ, "CONTINUO_HOME": str(tmp_path)}
    done = subprocess.run(
        [python, "-c", "\n".join(lines)], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "run 'continuo install live' once" in done.stdout


def test_messages_are_those_of_the_daemon() -> None:
    osc = load("live_osc", FOLDER / "osc.py")
    chance = random.Random(7)
    texts = ["", "a", "abc", "abcd", "vier", "\u266a \u00fc", "nul\0l"]
    for _ in range(300):
        values = [
            chance.choice([chance.randrange(-(2**33), 2**33), chance.uniform(-1e4, 1e4), True, chance.choice(texts)])
            for _ in range(chance.randrange(6))
        ]
        data = osc.encode("/continuo/x", *values)
        assert data == encode("/continuo/x", *values)  # type: ignore[arg-type]
        (message,) = decode(data)
        assert osc.decode(data) == (message.address, list(message.arguments))
        for cut in range(0, len(data), 3):
            damaged = data[:cut] + bytes([chance.randrange(256)]) + data[cut + 1 :]
            try:
                address, _ = osc.decode(damaged)
            except ValueError:
                continue
            assert address.startswith("/")
