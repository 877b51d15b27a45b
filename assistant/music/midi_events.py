"""Events of a MIDI file: bytes in, events with absolute ticks out, each with its place in the bytes.

Everything that is there is kept, so that a file can be written again with a few bytes changed. Events that are no
note, tempo or meter may hold anything. A file that is damaged gives what is there, and a line that says what is wrong.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

from continuo_daw.assistant.music.clip import MAX_TICK

META, SYSEX, SYSEX_ESCAPE = 0xFF, 0xF0, 0xF7
REAL_TIME = range(0xF8, 0xFF)  # messages that may stand between any others
NAME, CHANNEL, END_OF_TRACK = 0x03, 0x20, 0x2F  # type bytes of meta events
TEMPO, METER, SPECIFIC = 0x51, 0x58, 0x7F
OURS = b"\x7dcontinuo "  # 7D is the maker's number for those who have none
END, MUTED, LASTS, DRUMS, UPBEAT = (OURS + name for name in (b"end", b"muted", b"lasts", b"drums", b"upbeat"))
_CHANNEL_BYTES = {0x80: 2, 0x90: 2, 0xA0: 2, 0xB0: 2, 0xC0: 1, 0xD0: 1, 0xE0: 2}  # by the high half of the status
_SYSTEM_BYTES = {0xF1: 1, 0xF2: 2, 0xF3: 1}  # others have none
_SIZE = [_CHANNEL_BYTES.get(status & 0xF0, _SYSTEM_BYTES.get(status, 0)) for status in range(256)]


class Event(NamedTuple):
    """One event: `tick` from the start of the file, `status` byte, `kind` (type byte of a meta event, else 0), `data`.

    It lies in the bytes of the file from `begin`, where its delta time is, over `body` to before `stop`.
    """

    tick: int
    status: int
    kind: int
    data: bytes
    begin: int
    body: int
    stop: int


class Track(NamedTuple):
    """The events of a chunk in the order of the file, and the tick of its end; `end` is its end-of-track event, None
    where it has none. The chunk is the bytes `start`, where its eight header bytes lie, to before `stop`."""

    events: tuple[Event, ...]
    last: int
    end: Event | None
    start: int
    stop: int


@dataclass(frozen=True)
class MidiFile:
    """The bytes of a file and what was found in them. `division`: ticks a quarter note; `warnings`: what is damaged."""

    data: bytes
    division: Fraction
    tracks: tuple[Track, ...]
    seconds: bool = False  # its time is in frames of seconds, whatever tempo it names
    warnings: tuple[str, ...] = ()


class DamagedFile(ValueError):
    """What is wrong with the bytes, in words."""


def read_events(data: bytes) -> MidiFile:
    """The file. Raises DamagedFile where it holds no track at all."""
    if not data:
        raise DamagedFile("it is empty")
    head = _header_at(data)
    if len(data) < head + 14:
        raise DamagedFile("its header is cut short")
    size = int.from_bytes(data[head + 4 : head + 8], "big")
    kind, count, division = (int.from_bytes(data[head + i : head + i + 2], "big") for i in (8, 10, 12))
    ticks, seconds = _division(division)
    warnings: list[str] = []
    tracks = _read_tracks(data, head + 8 + max(size, 6), warnings)
    if not tracks:
        raise DamagedFile("it has no track")
    if len(tracks) != count:
        warnings.append(f"its header names {count} tracks, {len(tracks)} are there")
    if kind > 1 and len(tracks) > 1:
        warnings.append(f"it is of type {kind}: its {len(tracks)} tracks are taken to sound together")
    return MidiFile(data, ticks, tuple(tracks), seconds, tuple(warnings))


def _header_at(data: bytes) -> int:
    """Where the header lies: at the start, or inside a RIFF file."""
    if data[:4] == b"MThd":
        return 0
    found = data.find(b"MThd", 0, 4096) if data[:4] == b"RIFF" else -1
    if found < 0:
        raise DamagedFile("it is not a MIDI file (it does not begin with MThd)")
    return found


def _division(division: int) -> tuple[Fraction, bool]:
    """Ticks a quarter note, and whether they are parts of a second: then a quarter is half of one."""
    if division & 0x8000:
        frames, ticks = 256 - (division >> 8), division & 0xFF
        found = Fraction(30_000, 1001) * ticks / 2 if frames == 29 else Fraction(frames * ticks, 2)
    else:
        found = Fraction(division)
    if not found:
        raise DamagedFile("it has 0 ticks a quarter note")
    return found, bool(division & 0x8000)


def _read_tracks(data: bytes, at: int, warnings: list[str]) -> list[Track]:
    tracks: list[Track] = []
    while at + 8 <= len(data):
        name, stop = data[at : at + 4], at + 8 + int.from_bytes(data[at + 4 : at + 8], "big")
        if name == b"MTrk":  # other chunks are for other programs
            said: list[str] = []
            track = f"track {len(tracks) + 1}"
            tracks.append(_read_track(data, at, _stop(data, at, stop, track, said), track, said))
            warnings += said
            stop = tracks[-1].stop
        at = stop
    return tracks


def _stop(data: bytes, at: int, stop: int, name: str, warnings: list[str]) -> int:
    """Where the chunk at `at` ends, which says that it does so at `stop`."""
    if stop <= len(data) and (stop == len(data) or data[stop : stop + 4].isalpha()):
        return stop
    following = data.find(b"MTrk", at + 8)
    if following >= 0:
        warnings.append(f"{name} names a wrong length")
        return following
    if stop > len(data):
        warnings.append(f"{name} is cut short, {stop - len(data)} bytes are missing")
        return len(data)
    # bytes behind the last track are for nobody, unless it has not ended before them
    said: list[str] = []
    whole = _read_track(data, at, len(data), name, said)
    if whole.end is None or whole.end.stop <= stop:
        return stop
    warnings.append(f"{name} names a wrong length")
    return len(data)


def _read_track(data: bytes, start: int, stop: int, name: str, warnings: list[str]) -> Track:
    """What can be read of a track."""
    events: list[Event] = []
    tick, running, at, end = 0, 0, start + 8, None
    try:
        while at < stop:
            begin = at
            delta, at = _number(data, at, stop)
            tick += delta
            body, status = at, data[at]
            at += 1
            if status == META:
                kind, size_at = data[at], at + 1
                size, at = _number(data, size_at, stop)
                event = Event(tick, META, kind, data[at : at + size], begin, body, at + size)
                at += size
                if kind == END_OF_TRACK:
                    end = event
                    break
            elif status in (SYSEX, SYSEX_ESCAPE):
                size, at = _number(data, at, stop)
                event = Event(tick, status, 0, data[at : at + size], begin, body, at + size)
                at += size
            else:
                if status < 0x80:  # the status of the event before, also across others as many programs write it
                    at, status = at - 1, running
                elif status < 0xF0:
                    running = status
                if status < 0x80:
                    raise DamagedFile(f"no event begins with {data[body]:#04x}, at byte {body}")
                size = _SIZE[status]
                event = Event(tick, status, 0, data[at : at + size], begin, body, at + size)
                at += size
            if at > stop:
                raise DamagedFile(f"it ends inside an event at byte {begin}")
            events.append(event)
    except (DamagedFile, IndexError) as error:
        what = str(error) if isinstance(error, DamagedFile) else f"it ends inside an event at byte {at}"
        warnings.append(f"{name} is damaged: {what}")
    return Track(tuple(events), tick, end, start, stop)


def _number(data: bytes, at: int, stop: int) -> tuple[int, int]:
    """A number of variable length, at most 5 bytes, and where the bytes behind it begin."""
    byte = data[at]
    if byte < 0x80:
        return byte, at + 1
    value = 0
    for index in range(at, min(at + 5, stop)):
        value = value << 7 | data[index] & 0x7F
        if data[index] < 0x80:
            return value, index + 1
    raise DamagedFile(f"a number at byte {at} does not end")


def number_bytes(value: int) -> bytes:
    """`value` as a number of variable length."""
    found = bytes((value & 0x7F,))
    while value := value >> 7:
        found = bytes((value & 0x7F | 0x80,)) + found
    return found


def ours(event: Event, name: bytes, size: int) -> bytes:
    """The data of an event of our own; empty for any other event."""
    own = event.status == META and event.data.startswith(name) and len(event.data) == len(name) + size
    return event.data[len(name) :] if own else b""


def number_of(data: bytes) -> int:
    """A number of an event, at most MAX_TICK."""
    return min(int.from_bytes(data, "big"), MAX_TICK)
