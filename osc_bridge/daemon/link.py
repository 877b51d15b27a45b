"""The UDP socket: bound to one port alone, and never brought down by what comes in or fails to go out."""

from __future__ import annotations

import contextlib
import socket
import sys
import time

MAX_DATAGRAM = 65_535
BUFFERS = (4 * 2**20, 2**20, 2**18)  # bytes; systems differ in the largest they allow

Target = tuple[str, int]  # host, port


class Link:
    """A bound socket. `port` 0 takes a free one. Raises OSError where host or port cannot be had."""

    def __init__(self, host: str, port: int) -> None:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
        self._socket = socket.socket(family, kind, protocol)
        try:
            _prepare(self._socket)
            self._socket.bind(address)
        except OSError:
            self._socket.close()
            raise
        self.address: Target = self._socket.getsockname()[:2]
        self.copies: dict[str, int] = {}  # by host: the port that gets a copy of every answer
        self.unsent = 0  # datagrams that the system did not take

    def receive(self, seconds: float) -> tuple[bytes, Target] | None:
        """The next datagram and where it came from; None where none came within `seconds`."""
        try:
            self._socket.settimeout(seconds)
            datagram, source = self._socket.recvfrom(MAX_DATAGRAM)
        except TimeoutError:
            return None
        except OSError:  # an answer that nobody took comes back as an error here: no reason to stop listening
            time.sleep(0.001)
            return None
        return datagram, source[:2]

    def send(self, datagram: bytes, target: Target) -> None:
        """Send, and once more to the port that the target's host asked copies to."""
        host, port = target
        for to in {port, self.copies.get(host, port)}:
            try:
                self._socket.sendto(datagram, (host, to))
            except OSError:
                self.unsent += 1

    def close(self) -> None:
        """Give the port back."""
        self._socket.close()


def _prepare(bare: socket.socket) -> None:
    if bare.family == socket.AF_INET6:
        bare.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)  # so that IPv4 addresses keep one spelling
    if sys.platform == "win32":
        bare.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        bare.ioctl(0x9800000C, False)  # SIO_UDP_CONNRESET
    for size in BUFFERS:
        with contextlib.suppress(OSError):
            bare.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, size)
            break
