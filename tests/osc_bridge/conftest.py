"""A server with a socket, and a client that shares no code with it: python-osc builds and parses."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pythonosc.osc_message import OscMessage
from pythonosc.osc_message_builder import build_msg
from scale_engine import ScaleEngine

from osc_bridge.link import Link, Target
from osc_bridge.server import Server

ROOT = Path(__file__).parents[2]


class Wire:
    """A UDP socket that speaks OSC through python-osc."""

    def __init__(self, target: Target) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2**20)
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.target = target

    def send(self, address: str, *arguments: object) -> None:
        self.send_bytes(build_msg(address, list(arguments)).dgram)

    def send_bytes(self, datagram: bytes) -> None:
        self.socket.sendto(datagram, self.target)

    def receive(self, seconds: float = 3.0) -> list[object]:
        """Address and arguments of the next message; an empty list where none came."""
        self.socket.settimeout(seconds)
        try:
            message = OscMessage(self.socket.recv(65_535))
        except TimeoutError:
            return []
        return [message.address, *message.params]

    def until(self, *last: str, seconds: float = 3.0) -> list[list[object]]:
        """Messages up to the first with one of these addresses, without progress."""
        messages: list[list[object]] = []
        end = time.monotonic() + seconds
        while time.monotonic() < end and (message := self.receive(seconds)):
            if message[0] != "/continuo/progress":
                messages.append(message)
            if message[0] in last:
                return messages
        raise AssertionError(f"none of {last} came, but {messages[-5:]}")

    def answers(self, seconds: float = 3.0) -> list[list[object]]:
        """Messages up to done or fail, without progress."""
        return self.until("/continuo/done", "/continuo/fail", seconds=seconds)

    def fail(self) -> tuple[object, ...]:
        """Id, code and text of the fail that has to be the next message."""
        address, *rest = self.receive()
        assert address == "/continuo/fail"
        return tuple(rest)


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
        thread.join(5)
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
def start_daemon(tmp_path: Path) -> Iterator[Callable[..., tuple[subprocess.Popen[str], Target]]]:
    """Start the daemon as a process, playing scales, on a free port; its standard error goes to `stderr.txt`."""
    processes: list[subprocess.Popen[str]] = []

    def start(*arguments: str, seconds: float = 0.0) -> tuple[subprocess.Popen[str], Target]:
        command = [sys.executable, str(Path(__file__).with_name("scale_engine.py")), str(seconds), "--port", "0"]
        home = {"PYTHONPATH": str(ROOT), "CONTINUO_HOME": str(tmp_path / "home")}
        with (tmp_path / "stderr.txt").open("w") as errors:
            process = subprocess.Popen(
                [*command, *arguments], stdout=subprocess.PIPE, stderr=errors, text=True, env={**os.environ, **home}
            )
        processes.append(process)
        assert process.stdout
        ready = process.stdout.readline()
        host, _, port = ready.split()[3].rstrip(",").partition(":")
        return process, (host, int(port))

    yield start
    for process in processes:
        process.kill()
        process.wait()
        assert process.stdout
        process.stdout.close()
