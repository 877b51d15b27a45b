"""The daemon as the script sees it: found, started and spoken to, and never waited for. Nothing here touches Live."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path

from .osc import decode

BURST = 32  # datagrams sent at once, so that no socket buffer overflows; the rest with the next tick
MOST = 2000  # datagrams taken at once, so that Live stays responsive


class Problem(Exception):
    """Why a button can do nothing, in words for the musician."""


def data_folder() -> Path:
    """The folder of the user in which `continuo install` leaves daw.txt."""
    home = os.environ.get("CONTINUO_HOME")
    if home:
        return Path(home)
    if sys.platform == "darwin":
        base = Path.home() / "Library" / "Application Support"
    elif sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    else:
        base = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    return base / "continuo"


def open_in_editor(path: Path) -> None:
    """Show a text file in the editor of the system, where there is one way to ask for it."""
    if sys.platform == "win32":
        os.startfile(path)
    elif sys.platform == "darwin":
        subprocess.Popen(["open", "-t", str(path)])


class Daemon:
    """A UDP socket to the daemon of this machine."""

    def __init__(self) -> None:
        self.refused = False  # whether nobody listens at the port: set by `receive`, until something is sent again
        self.port = 0
        self._command = self._spool = ""
        self._socket = None
        self._outbox = deque()
        self._process = None

    def open(self) -> None:
        """Read daw.txt and open the socket; it is called with each press, so that a new file counts. Raises Problem."""
        path = data_folder() / "daw.txt"
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
            found = dict(line.split("=", 1) for line in lines if "=" in line)
            command, port = found["command"].strip(), int(found["port"])
        except (OSError, ValueError, KeyError):
            raise Problem("Continuo is not installed for Live: run 'continuo install live' once") from None
        self._spool = found.get("spool", "").strip()
        if self._socket and port == self.port:
            self._command = command
            return
        self.close()
        self._command, self.port = command, port
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2**20)
        self._socket.setblocking(False)
        self._socket.connect(("127.0.0.1", port))  # so that a port where nobody listens is an error, not a silence

    def close(self) -> None:
        """Close the socket; what was not sent yet is forgotten."""
        self._outbox.clear()
        if self._socket:
            self._socket.close()
            self._socket = None

    def start(self) -> None:
        """Start the daemon, which outlives Live. Raises Problem where that cannot be."""
        quiet = subprocess.DEVNULL
        how = {"start_new_session": True}
        if sys.platform == "win32":
            how = {"creationflags": subprocess.CREATE_NO_WINDOW | subprocess.CREATE_NEW_PROCESS_GROUP}
        clean = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}  # those are Live's
        if self._spool:  # Live does not know what was set where `continuo install` ran
            clean["CONTINUO_HOME"] = str(Path(self._spool).parent)
        command = [self._command, "serve", "--port", str(self.port)]
        try:
            self._process = subprocess.Popen(command, stdin=quiet, stdout=quiet, stderr=quiet, env=clean, **how)
        except OSError as error:
            raise Problem(f"Continuo cannot be started ({error}): run 'continuo install live' again") from None

    def ended(self) -> bool:
        """True where the daemon that `start` started has ended already."""
        return self._process is not None and self._process.poll() is not None

    def send(self, datagrams: Sequence[bytes]) -> None:
        """Send, in the place of what has not gone out yet."""
        self.refused = False
        self._outbox = deque(datagrams)
        self.flush()

    def flush(self) -> None:
        """Send what waits, a burst at a time."""
        for _ in range(min(BURST, len(self._outbox))):
            try:
                self._socket.send(self._outbox[0])
            except BlockingIOError:
                return
            except OSError:  # of the datagram before: nobody took it
                self.refused = True
                return
            self._outbox.popleft()

    def receive(self) -> Iterator[tuple]:
        """Address and arguments of each message that has come."""
        for _ in range(MOST if self._socket else 0):
            try:
                message = decode(self._socket.recv(65535))
            except BlockingIOError:
                return
            except OSError:
                self.refused = True
                return
            except ValueError:  # another program answers there
                continue
            yield message
            if not self._socket:  # what came has closed it
                return
