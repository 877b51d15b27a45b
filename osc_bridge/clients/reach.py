"""A daemon to talk to: found at its port, or started there so that it stays when the program that started it ends."""

from __future__ import annotations

import argparse
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import IO

from continuo_daw.assistant.errors import AssistantError
from continuo_daw.assistant.paths import data_dir
from continuo_daw.osc_bridge.daemon.addresses import PONG, PREFIX
from continuo_daw.osc_bridge.wire.decode import PacketError, decode
from continuo_daw.osc_bridge.wire.encode import encode

SERVE = (sys.executable, "-m", "continuo_daw.assistant", "serve")
START_SECONDS = 30.0  # until a daemon answers that is being started, by this program or another
POLL_SECONDS = 0.05  # between looks whether it listens
QUICK_SECONDS = 1.0  # of silence
MAX_DATAGRAM = 65_535


def port_number(text: str) -> int:
    """A port of the command line."""
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text} is not a port from 0 to 65535")
    return int(text)


def reach(port: int) -> None:
    """Return when a daemon answers at `port`; where nobody is there, start one. Raises AssistantError.

    Two that start one at once do no harm: the second daemon finds the port taken and ends before it loads anything.
    """
    process: subprocess.Popen[bytes] | None = None
    deadline = time.monotonic() + START_SECONDS
    with tempfile.TemporaryFile() as errors:
        while True:
            ended = process is not None and process.poll() is not None  # looked at before the port is
            there = _ping(port)
            if there:
                return
            if there is False and (ended or (process and time.monotonic() > deadline)):
                errors.seek(0)
                said = errors.read().decode(errors="replace").strip()
                raise AssistantError("internal", f"the daemon did not start; it said: {said[-500:] or 'nothing'}")
            if time.monotonic() > deadline:
                text = f"UDP port {port} is taken by a program that does not answer as Continuo (`continuo doctor`)"
                raise AssistantError("timeout", text)
            if there is False:
                process = process or _start(port, errors)
                time.sleep(POLL_SECONDS)


def socket_to(port: int) -> socket.socket:
    """A socket that is connected to `port` of this machine and waits `QUICK_SECONDS` for an answer."""
    link = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2**20)
    link.settimeout(QUICK_SECONDS)
    link.connect(("127.0.0.1", port))  # so that a port where nobody listens is an error and not a silence
    return link


def log_file() -> Path:
    """What a daemon that was started here writes its log to."""
    return data_dir() / "daemon.log"


def _ping(port: int) -> bool | None:
    """True where a daemon answers, False where nobody listens, None where whoever listens keeps silent."""
    with socket_to(port) as link:
        try:
            link.send(encode(PREFIX + "ping", "ask"))
            return any(message.address == PONG for message in decode(link.recv(MAX_DATAGRAM))) or None
        except (TimeoutError, PacketError):
            return None
        except ConnectionError:
            return False


def _start(port: int, errors: IO[bytes]) -> subprocess.Popen[bytes]:
    """Start a daemon that outlives this program and holds on to nothing of the host's: no pipe, console or folder."""
    home = data_dir()
    home.mkdir(parents=True, exist_ok=True)
    command = [*SERVE, "--port", str(port), "--log", str(log_file())]
    if sys.platform == "win32":
        flags = subprocess.DETACHED_PROCESS | subprocess.CREATE_NEW_PROCESS_GROUP
    else:
        flags = 0
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=errors,
        cwd=home,
        start_new_session=True,  # Windows passes over it
        creationflags=flags,
    )
