"""A client that shares no code with the server: python-osc builds and parses; and what tests send and read with it."""

from __future__ import annotations

import random
import socket
import subprocess
import time
from collections.abc import Callable, Iterable

from pythonosc.osc_message import OscMessage
from pythonosc.osc_message_builder import build_msg

from continuo_daw.assistant.music.clip import Note, clip_of
from continuo_daw.osc_bridge.daemon.link import Target
from continuo_daw.osc_bridge.wire.encode import encode, note_parts, note_values

StartProcess = Callable[..., tuple[subprocess.Popen[str], Target]]

PATIENCE = 20.0  # seconds until a message counts as missing: a busy machine takes its time
INLINE = ("notes", 60, 0.0, 1.0, 96, 0, 64, 1.0, 1.0, 90, 0)
CLIP = clip_of((Note(0, 60, 960, 96), Note(960, 64, 960, 90)))  # the same


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

    def send_parts(self, parts: Iterable[bytes]) -> None:
        """Datagrams, slowly enough for the server's buffer."""
        for index, part in enumerate(parts):
            self.send_bytes(part)
            if index % 16 == 15:
                time.sleep(0.005)

    def receive(self, seconds: float = PATIENCE) -> list[object]:
        """Address and arguments of the next message; an empty list where none came."""
        self.socket.settimeout(seconds)
        try:
            message = OscMessage(self.socket.recv(65_535))
        except TimeoutError:
            return []
        return [message.address, *message.params]

    def until(self, *last: str) -> list[list[object]]:
        """Messages up to the first with one of these addresses, without progress."""
        messages: list[list[object]] = []
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end and (message := self.receive()):
            if message[0] != "/continuo/progress":
                messages.append(message)
            if message[0] in last:
                return messages
        raise AssertionError(f"none of {last} came, but {messages[-5:]}")

    def answers(self) -> list[list[object]]:
        """Messages up to done or fail, without progress."""
        return self.until("/continuo/done", "/continuo/fail")

    def fail(self) -> tuple[object, ...]:
        """Id, code and text of the fail that has to be the next message."""
        address, *rest = self.receive()
        assert address == "/continuo/fail"
        return tuple(rest)


def clip_parts(name: str, notes: tuple[Note, ...]) -> list[bytes]:
    """The messages that give a clip."""
    parts = note_parts("/continuo/clip", (name,), 0, len(notes), notes, 1400)
    return [encode("/continuo/clip", *before, notes=part) for before, part in parts]


def shuffled(parts: list[bytes], seed: int) -> list[bytes]:
    return random.Random(seed).sample(parts, len(parts))


def notes_of(messages: list[list[object]], candidate: int = 0) -> dict[int, tuple[object, ...]]:
    """The notes of a candidate by index."""
    notes = {}
    for address, *arguments in messages:
        if address == "/continuo/notes" and arguments[1] == candidate:
            first, values = int(arguments[2]), arguments[4:]  # type: ignore[call-overload]
            notes.update({first + k // 5: tuple(values[k : k + 5]) for k in range(0, len(values), 5)})
    return notes


def tuples(notes: tuple[Note, ...]) -> list[tuple[object, ...]]:
    """Notes as `notes_of` has them."""
    values = note_values(notes)
    return [tuple(values[k : k + 5]) for k in range(0, len(values), 5)]


def quickest(measure: Callable[[], float], limit: float) -> float:
    """The least of up to three measurements in seconds: one that a busy machine held up is made again."""
    best = measure()
    for _ in range(2):
        best = best if best < limit else min(best, measure())
    return best
