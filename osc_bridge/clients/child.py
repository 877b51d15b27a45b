"""A daemon of one's own: `continuo serve` as a child process, on a free port, for as long as a block runs."""

from __future__ import annotations

import os
import queue
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO

from continuo_daw.assistant.errors import AssistantError

DAEMON = (sys.executable, "-P", "-m", "continuo_daw.assistant", "serve", "--port", "0")
READY = re.compile(r"ready at (\d+\.\d+\.\d+\.\d+):(\d+)")
START_SECONDS = 60.0  # a cold disk and a virus scanner included
STOP_SECONDS = 5.0


@dataclass(frozen=True)
class Child:
    """A running daemon: where it listens, its process, its ready line, and how long that took."""

    host: str
    port: int
    pid: int
    line: str
    ready_s: float


@contextmanager
def daemon() -> Iterator[Child]:
    """A daemon that runs as long as the block. Raises AssistantError `internal` where it does not get ready."""
    environment = os.environ | {"PYTHONUNBUFFERED": "1"}
    start = time.perf_counter()
    with tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(DAEMON, stdout=subprocess.PIPE, stderr=errors, text=True, env=environment)
        try:
            assert process.stdout is not None
            lines: list[str] = []
            address = _ready(process.stdout, lines)
            ready = time.perf_counter() - start
            if address is None:
                process.kill()
                process.wait()
                errors.seek(0)
                said = "\n".join([*lines[-10:], *errors.read().splitlines()[-10:]]).strip()
                raise AssistantError("internal", f"the daemon did not get ready; it said:\n{said or 'nothing'}")
            yield Child(address[1], int(address[2]), process.pid, address.string, ready)
        finally:
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            if process.stdout is not None:
                process.stdout.close()


def _ready(stream: IO[str], lines: list[str]) -> re.Match[str] | None:
    """The ready line, None where none comes in `START_SECONDS`; all that was said up to it goes to `lines`."""
    found: queue.Queue[re.Match[str] | None] = queue.Queue()

    def read() -> None:
        for line in stream:
            lines.append(line.strip())
            if match := READY.search(lines[-1]):
                return found.put(match)
        found.put(None)

    threading.Thread(target=read, daemon=True).start()
    try:
        return found.get(timeout=START_SECONDS)
    except queue.Empty:
        return None
