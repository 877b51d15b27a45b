"""The real daemon as a process that plays scales, for tests of scripts and patches that are not Python."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ENGINE = Path(__file__).parents[1] / "osc_bridge" / "scale_engine.py"


@contextmanager
def scale_daemon(home: Path, seconds: float = 0.0, port: int = 0) -> Iterator[int]:
    """The port of a daemon whose folder is `home` and whose requests take `seconds`; 0 takes a free port."""
    environment = os.environ | {"CONTINUO_HOME": str(home)}
    command = [sys.executable, str(ENGINE), str(seconds), "--port", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    try:
        assert process.stdout
        ready = process.stdout.readline()
        assert ready, "the daemon did not start"
        yield int(ready.split()[3].rstrip(",").rpartition(":")[2])
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def free_port() -> int:
    """A port that nobody listens at."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def end_daemon(port: int) -> None:
    """The daemon that a script started: nobody else knows of it."""
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            arguments = entry.read_bytes().split(b"\0")
        except OSError:
            continue
        if b"serve" in arguments and str(port).encode() in arguments:
            os.kill(int(entry.parent.name), signal.SIGTERM)
    end = time.monotonic() + 20
    while time.monotonic() < end:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return
            except OSError:
                time.sleep(0.05)
    raise AssertionError(f"port {port} is still taken")
