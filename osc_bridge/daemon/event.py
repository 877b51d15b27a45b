"""What the daemon says is one value, an `Event`; where it goes is a list of sinks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from continuo_daw.assistant.music.clip import Clip, Note
from continuo_daw.osc_bridge.wire.encode import Value, encode, note_values


class Event(NamedTuple):
    """One message: an address, its arguments, and the notes behind them. A result also has the `clip` it tells of."""

    address: str
    arguments: tuple[Value, ...] = ()
    notes: Sequence[Note] = ()
    clip: Clip | None = None

    @property
    def values(self) -> tuple[Value, ...]:
        """All arguments, the five values of each note among them."""
        return (*self.arguments, *note_values(self.notes))


class Sink(Protocol):
    """Takes the answers to one request, in their order. `slow`: it may wait for a disk."""

    slow: bool

    def take(self, event: Event) -> None:
        """The next answer."""


class Datagrams:
    """Sends answers over a socket, and keeps them for a request that is repeated; progress is not repeated."""

    slow = False

    def __init__(self, send: Callable[[bytes], None], passing: frozenset[str] = frozenset()) -> None:
        self.sent: list[bytes] = []
        self.bytes = 0
        self._send = send
        self._passing = passing  # addresses of what is not kept

    def take(self, event: Event) -> None:
        """Send it."""
        datagram = encode(event.address, *event.arguments, notes=event.notes)
        if event.address not in self._passing:
            self.sent.append(datagram)
            self.bytes += len(datagram)
        self._send(datagram)
