"""The bytes of a MIDI file with some of its events moved, changed, taken out or added; every other byte of it stays."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field

from continuo_daw.assistant.music.midi_events import REAL_TIME, Event, MidiFile, Track, number_bytes

Added = tuple[int, int, bytes]  # tick, rank, bytes


@dataclass
class Edit:
    """What changes in one chunk, by the index of its events; ticks are those of the file.

    moved: new ticks of Ons and Offs; data: new data bytes; removed: events that go; added: tick, rank (1 goes before
    what is there at its tick, 2 behind it) and bytes; ended: Ons without Off that get one; last: the end of the track,
    where it moves
    """

    moved: dict[int, tuple[int, int]] = field(default_factory=dict)  # tick and rank
    data: dict[int, bytes] = field(default_factory=dict)
    removed: set[int] = field(default_factory=set)
    added: list[Added] = field(default_factory=list)
    ended: set[int] = field(default_factory=set)
    last: int = 0


Edits = dict[int, Edit]


def edited(file: MidiFile, edits: Edits) -> bytes:
    """The file; events that stay keep their own bytes, a running status and an odd delta time included, as long as the
    event before them and their distance to it are the same."""
    out, at = bytearray(), 0
    for index, track in enumerate(file.tracks):
        out += file.data[at : track.start]
        body = _track(file, track, edits[index]) if index in edits else file.data[track.start + 8 : track.stop]
        if len(body) == track.stop - track.start - 8:
            out += file.data[track.start : track.start + 8]  # a length that was wrong stays as it was
        else:
            out += b"MTrk" + len(body).to_bytes(4, "big")
        out += body
        at = track.stop
    out += file.data[at:]
    if file.data[:4] == b"RIFF" and len(out) != len(file.data):
        _resize(out, len(out) - len(file.data))
    return bytes(out)


def _resize(data: bytearray, more: int) -> None:
    """The lengths of a RIFF file that has grown by `more` bytes; its chunks begin at even places."""
    chunk = data.find(b"data", 0, 4096)
    if chunk > 0:
        size = int.from_bytes(data[chunk + 4 : chunk + 8], "little") + more
        data[chunk + 4 : chunk + 8] = size.to_bytes(4, "little")
        stop = chunk + 8 + size
        if more & 1 and size & 1:
            data[stop:stop] = b"\0"
            more += 1
        elif more & 1 and data[stop : stop + 1] == b"\0":
            del data[stop]
            more -= 1
    whole = int.from_bytes(data[4:8], "little") + more
    data[4:8] = whole.to_bytes(4, "little")


def _track(file: MidiFile, track: Track, edit: Edit) -> bytes:
    """The bytes of a chunk behind its header."""
    stays = [i for i in range(len(track.events)) if i not in edit.moved and i not in edit.removed]
    ticks = [track.events[i].tick for i in stays]
    rows: list[tuple[float, int, int, Event | None, bytes]] = [
        (place, 0, track.events[i].tick, track.events[i], edit.data.get(i, b"")) for place, i in enumerate(stays)
    ]
    news: list[tuple[int, int, Event | None, bytes]] = [
        (tick, rank, track.events[i], edit.data.get(i, b"")) for i, (tick, rank) in edit.moved.items()
    ]
    news += [(tick, rank, None, data) for tick, rank, data in edit.added]
    for order, (tick, rank, event, data) in enumerate(sorted(news, key=lambda row: row[:2]), 1):
        place = bisect_left(ticks, tick) if rank == 1 else bisect_right(ticks, tick)
        rows.append((place - 0.5, order, tick, event, data))
    rows.sort(key=lambda row: row[:2])
    return _written(file, track, edit, rows)


def _written(
    file: MidiFile, track: Track, edit: Edit, rows: list[tuple[float, int, int, Event | None, bytes]]
) -> bytes:
    out, before, running, cleared, last_stop = bytearray(), 0, 0, False, -1
    for _, _, tick, event, data in rows:
        delta, before = tick - before, tick
        if event is None:
            out += number_bytes(delta) + data
            status, last_stop = data[0], -1
        else:
            raw, body = file.data[event.begin : event.body], file.data[event.body : event.stop]
            out += raw if _value(raw) == delta else number_bytes(delta)
            if data:
                body = body[: -len(data)] + data
            # a running status ends at meta events for many programs; where the file has one behind them, it stays
            if body[0] < 0x80 and (running != event.status or (cleared and event.begin != last_stop)):
                body = bytes((event.status,)) + body
            out += body
            status, last_stop = event.status, event.stop
        cleared = (status >= 0xF0 and status not in REAL_TIME) or (cleared and status in REAL_TIME)
        running = status if status < 0xF0 else running
    if track.end is None:
        return bytes(out) + file.data[track.events[-1].stop if track.events else track.start + 8 : track.stop]
    end = max(track.end.tick, edit.last, before)
    raw = file.data[track.end.begin : track.end.body]
    out += raw if _value(raw) == end - before else number_bytes(end - before)
    return bytes(out) + file.data[track.end.body : track.stop]


def _value(raw: bytes) -> int:
    value = 0
    for byte in raw:
        value = value << 7 | byte & 0x7F
    return value
