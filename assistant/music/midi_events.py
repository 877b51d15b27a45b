"""Events of a MIDI file: bytes in, channel messages and meta events with absolute ticks out.

mido writes our files but does not read them: it stops at a key signature of 8 sharps and forgets the delta time
of meta events that it does not know. Here every event that is no note, tempo or meter may hold anything.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

META, SYSEX, SYSEX_ESCAPE = 0xFF, 0xF0, 0xF7
END_OF_TRACK = 0x2F  # type byte of a meta event
_DATA_BYTES = {0x80: 2, 0x90: 2, 0xA0: 2, 0xB0: 2, 0xC0: 1, 0xD0: 1, 0xE0: 2}  # by the high half of the status


class Event(NamedTuple):
    """One event: `tick` from the start of the file, `status` byte, `kind` (type byte of a meta event, else 0)."""

    tick: int
    status: int
    kind: int
    data: bytes


class Track(NamedTuple):
    """Events in the order of the file, and the tick of the end of the track."""

    events: tuple[Event, ...]
    end: int


class DamagedFile(ValueError):
    """What is wrong with the bytes, in words."""


@dataclass(slots=True)
class _Cursor:
    """A place in the bytes that never reads past `end`."""

    data: bytes
    at: int
    end: int

    def take(self, count: int) -> bytes:
        if count > self.end - self.at:
            raise DamagedFile(f"it ends inside an event at byte {self.at}")
        self.at += count
        return self.data[self.at - count : self.at]

    def byte(self) -> int:
        return self.take(1)[0]

    def number(self) -> int:
        """A number of variable length, at most 5 bytes."""
        value = 0
        for _ in range(5):
            byte = self.byte()
            value = value << 7 | byte & 0x7F
            if byte < 0x80:
                return value
        raise DamagedFile(f"a number at byte {self.at - 5} does not end")


def read_events(data: bytes) -> tuple[int, tuple[Track, ...]]:
    """Ticks a quarter note, and the tracks. Raises DamagedFile."""
    if not data:
        raise DamagedFile("it is empty")
    if data[:4] != b"MThd":
        raise DamagedFile("it is not a MIDI file (it does not begin with MThd)")
    kind, count, division, at = _read_header(data)
    if kind > 1:
        raise DamagedFile(f"MIDI files of type {kind} are not supported, save it as type 0 or 1")
    if division & 0x8000:
        raise DamagedFile("its time is in SMPTE frames, save it with ticks a quarter note")
    if division == 0:
        raise DamagedFile("it has 0 ticks a quarter note")
    tracks = _read_tracks(data, at)
    if len(tracks) < count:
        raise DamagedFile(f"it has {len(tracks)} of {count} tracks")
    return division, tracks


def _read_header(data: bytes) -> tuple[int, int, int, int]:
    """Type, number of tracks, division, and the byte behind the header."""
    size = int.from_bytes(data[4:8], "big")
    if len(data) < 14 or size < 6:
        raise DamagedFile("its header is cut short")
    kind, count, division = (int.from_bytes(data[i : i + 2], "big") for i in (8, 10, 12))
    return kind, count, division, 8 + size


def _read_tracks(data: bytes, at: int) -> tuple[Track, ...]:
    tracks: list[Track] = []
    while at + 8 <= len(data):
        name, size = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "big")
        at += 8
        if name == b"MTrk":  # other chunks are for other programs
            if at + size > len(data):
                raise DamagedFile(f"track {len(tracks)} is cut short, {at + size - len(data)} bytes are missing")
            try:
                tracks.append(_read_track(_Cursor(data, at, at + size)))
            except DamagedFile as error:
                raise DamagedFile(f"track {len(tracks)} is damaged: {error}") from None
        at += size
    return tuple(tracks)


def _read_track(cursor: _Cursor) -> Track:
    events = []
    tick = 0
    running = 0
    while cursor.at < cursor.end:
        tick += cursor.number()
        status = cursor.byte()
        if status == META:
            kind = cursor.byte()
            data = cursor.take(cursor.number())
            if kind == END_OF_TRACK:
                break
            events.append(Event(tick, META, kind, data))
        elif status in (SYSEX, SYSEX_ESCAPE):
            cursor.take(cursor.number())
        else:
            if status < 0x80:  # the status of the event before, also across meta events as many programs write it
                cursor.at -= 1
                status = running
            running = status
            events.append(Event(tick, status, 0, _read_data(cursor, status)))
    return Track(tuple(events), tick)


def _read_data(cursor: _Cursor, status: int) -> bytes:
    """The data bytes of a channel message."""
    size = _DATA_BYTES.get(status & 0xF0)
    if size is None:
        raise DamagedFile(f"no event begins with {cursor.data[cursor.at - 1]:#04x}, at byte {cursor.at - 1}")
    data = cursor.take(size)
    if max(data) > 0x7F:
        raise DamagedFile(f"a data byte is above 127 at byte {cursor.at - size}")
    return data
