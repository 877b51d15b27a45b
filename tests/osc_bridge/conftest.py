"""What the tests of the bridge share: a server on a thread, clients of it, and daemons as processes."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from scale_engine import ScaleEngine
from wire import StartProcess, Wire

from continuo_daw.osc_bridge.daemon.link import Link, Target
from continuo_daw.osc_bridge.daemon.server import Server


@pytest.fixture
def engine() -> ScaleEngine:
    return ScaleEngine()


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    return tmp_path / "spool"


@pytest.fixture
def make_server(engine: ScaleEngine, spool: Path) -> Iterator[Callable[..., Target]]:
    """Start servers with given settings; all of them end with the test."""
    running: list[tuple[Server, threading.Thread]] = []

    def make(**settings: object) -> Target:
        server = Server(engine, spool, Link("127.0.0.1", 0), **settings)  # type: ignore[arg-type]
        thread = threading.Thread(target=server.serve)
        thread.start()
        running.append((server, thread))
        return server.address

    yield make
    for server, thread in running:
        server.stop()
        thread.join(20)
        assert not thread.is_alive()


@pytest.fixture
def make_wire() -> Iterator[Callable[[Target], Wire]]:
    wires: list[Wire] = []

    def make(target: Target) -> Wire:
        wires.append(Wire(target))
        return wires[-1]

    yield make
    for wire in wires:
        wire.socket.close()


@pytest.fixture
def wire(make_server: Callable[..., Target], make_wire: Callable[[Target], Wire]) -> Wire:
    """A client of a server with the usual settings."""
    return make_wire(make_server())


@pytest.fixture
def start_process(tmp_path: Path) -> Iterator[StartProcess]:
    """Start a daemon as a process, on a free port, with `home` as its folder; its standard error goes to `stderr.txt`.

    The arguments are those of Python; what comes back is the process and where it listens.
    """
    processes: list[subprocess.Popen[str]] = []
    environment = os.environ | {"CONTINUO_HOME": str(tmp_path / "home")}
    errors = tmp_path / "stderr.txt"

    def start(*arguments: str) -> tuple[subprocess.Popen[str], Target]:
        command = [sys.executable, *arguments, "--port", "0"]
        with errors.open("a") as stream:
            process = subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=stream, text=True, env=environment, cwd=tmp_path
            )
        processes.append(process)
        assert process.stdout
        ready = process.stdout.readline()
        assert ready, errors.read_text()
        host, _, port = ready.split()[3].rstrip(",").rpartition(":")
        return process, (host, int(port))

    yield start
    for process in processes:
        process.kill()
        process.wait()
        assert process.stdout
        process.stdout.close()


@pytest.fixture
def start_daemon(start_process: StartProcess) -> StartProcess:
    """Start the daemon as a process that plays scales, each in `seconds`."""

    def start(*arguments: str, seconds: float = 0.0) -> tuple[subprocess.Popen[str], Target]:
        return start_process(str(Path(__file__).with_name("scale_engine.py")), str(seconds), *arguments)

    return start
