"""A MIDI file with some notes changed, taken out or added; every other byte of it stays.

Events keep their own bytes, a running status and an odd delta time included, as long as the event before them and
their distance to it are the same. What is written is read again: where other notes of the same pitch make it mean
something else, all notes of the track are written anew.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction

from continuo_daw.assistant.music.clip import Clip, Note
from continuo_daw.assistant.music.midi import scale_of, score_of_midi
from continuo_daw.assistant.music.midi_events import (
    END,
    LASTS,
    META,
    METER,
    REAL_TIME,
    SPECIFIC,
    TEMPO,
    Event,
    MidiFile,
    Track,
    number_bytes,
    number_of,
    ours,
)
from continuo_daw.assistant.music.midi_write import meta, note_messages
from continuo_daw.assistant.music.score import Place, Score
from continuo_daw.assistant.music.time_map import TimeMap

Added = tuple[int, int, bytes]  # tick, rank, bytes


@dataclass
class Edit:
    """What changes in one chunk, by the index of its events; ticks are those of the file.

    moved: new ticks of Ons and Offs; data: new data bytes; removed: events that go; added: tick, rank (1 goes before
    what is there at its tick, 2 behind it) and bytes; last: the end of the track, where it moves
    """

    moved: dict[int, tuple[int, int]] = field(default_factory=dict)  # tick and rank
    data: dict[int, bytes] = field(default_factory=dict)
    removed: set[int] = field(default_factory=set)
    added: list[Added] = field(default_factory=list)
    last: int = 0


Edits = dict[int, Edit]


def changed(score: Score, given: Sequence[Note], places: Sequence[Place | None], notes: Sequence[Note]) -> bytes:
    """The file of a score in which note k of `given`, which lies at `places[k]`, has become `notes[k]`."""
    edits: Edits = defaultdict(Edit)
    for old, new, place in zip(given, notes, places, strict=True):
        if place is not None and old != new:
            _change(score.file, edits, old, new, place)
    data = _bytes(score.file, edits)
    wanted = {place: note for place, note in zip(places, notes, strict=True) if place is not None}
    parts = [[wanted.get(place, note) for note, place in zip(p.clip.notes, p.places, strict=True)] for p in score.parts]  # type: ignore[arg-type]
    return data if _reads_as(data, score, parts) else _anew(score, parts)


def joined(score: Score, chosen: Sequence[int], clip: Clip, at: int, until: int | None = None) -> bytes:
    """The file of a score with the notes of a clip in the first of some parts, from tick `at` of ours on; what sounds
    in these parts from there to before `until` goes. The track ends no earlier than the clip."""
    edits: Edits = defaultdict(Edit)
    parts = [list(part.clip.notes) for part in score.parts]
    for index in chosen if until is not None else ():
        part = score.parts[index]
        gone = [p for n, p in zip(part.clip.notes, part.places, strict=True) if p and at <= n.start < (until or 0)]
        _remove(edits, gone)
        parts[index] = [n for n in parts[index] if n.muted or not at <= n.start < (until or 0)]
    own = score.parts[chosen[0]]
    new = [replace(note, start=note.start + at) for note in clip.notes]
    edit = edits[own.chunk]
    edit.added = _messages(score.file, new, own.channel)
    edit.last = _file_tick(score.file, at + clip.length)
    _end_later(score.file, own.chunk, edit, at + clip.length)
    for tick, data in _time_events(own.clip.time, clip.time, at):
        edits[0].added.append((_file_tick(score.file, tick), 1, data))
    data = _bytes(score.file, edits)
    parts[chosen[0]] = sorted([*parts[chosen[0]], *new])
    return data if _reads_as(data, score, parts) else _anew(score, parts, edits)


def _remove(edits: Edits, places: Iterable[Place]) -> None:
    for place in places:
        edits[place.track].removed.add(place.on)
        if place.off >= 0:
            edits[place.off_track].removed.add(place.off)


def _messages(file: MidiFile, notes: Iterable[Note], channel: int) -> list[Added]:
    """On and Off of notes in the ticks of the file; a note that is shorter than such a tick lasts one."""
    scaled = []
    for note in notes:
        start = _file_tick(file, note.start)
        stop = max(_file_tick(file, note.end), start + 1)
        scaled.append(replace(note, start=start, duration=note.duration if note.muted else stop - start))
    up, down = scale_of(file)
    found = []
    for tick, rank, data in note_messages(sorted(scaled), channel):
        at = data.find(LASTS) + len(LASTS)
        if at >= len(LASTS):  # counted in ticks of ours
            lasts = round(Fraction(number_of(data[at:]) * up, down))
            data = meta(SPECIFIC, LASTS + max(lasts, 1).to_bytes(4, "big"))
        found.append((tick, rank, data))
    return sorted(found, key=lambda message: message[:2])


def _end_later(file: MidiFile, chunk: int, edit: Edit, end: int) -> None:
    """Where an event of our own says how long the clip in a chunk is, one takes its place that says the new end."""
    for index, event in enumerate(file.tracks[chunk].events):
        if event.kind == SPECIFIC and (said := ours(event, END, 4)) and number_of(said) < end:
            edit.removed.add(index)
            edit.added.append((edit.last, 2, meta(SPECIFIC, END + end.to_bytes(4, "big"))))


def _time_events(given: TimeMap, new: TimeMap, at: int) -> list[tuple[int, bytes]]:
    """Tempos and meters of what is added at a tick, where those of the file do not say the same."""
    found = []
    tempos = [(tick + at, tempo) for tick, tempo in new.tempos]
    if any(given.tempo_at(tick) != tempo for tick, tempo in tempos):
        found += [(tick, meta(TEMPO, round(60e6 / tempo).to_bytes(3, "big"))) for tick, tempo in tempos]
    meters = [(tick, meter) for tick, meter in given.joined(at, new).meters if tick >= at]
    if given.meter_at(at) != new.meters[0][1] or any(change not in given.meters for change in meters):
        for tick, meter in meters or [(at, new.meters[0][1])]:
            found.append((tick, meta(METER, bytes((meter[0], meter[1].bit_length() - 1, 24, 8)))))
    return found


def _change(file: MidiFile, edits: Edits, old: Note, new: Note, place: Place) -> None:
    on = file.tracks[place.track].events[place.on]
    if new.velocity != old.velocity:
        edits[place.track].data[place.on] = bytes((on.data[0], new.velocity))
    start = on.tick
    if new.start != old.start:
        start = _file_tick(file, new.start)
        edits[place.track].moved[place.on] = start, 2
    if new.end == old.end and new.start == old.start:
        return
    stop = max(_file_tick(file, new.end), start + 1)
    if place.off < 0:
        edits[place.track].added.append((stop, 1, bytes((on.status & 0x8F, on.data[0], 0))))
    elif new.end != old.end or file.tracks[place.off_track].events[place.off].tick <= start:
        edits[place.off_track].moved[place.off] = stop, 1


def _file_tick(file: MidiFile, tick: int) -> int:
    up, down = scale_of(file)
    return (2 * tick * down + up) // (2 * up)


def _reads_as(data: bytes, score: Score, parts: Sequence[Sequence[Note]]) -> bool:
    """Whether a file holds these notes, as near as its ticks can say them."""
    found = score_of_midi(data)
    if [(p.chunk, p.channel) for p in found.parts] != [(p.chunk, p.channel) for p in score.parts]:
        return False
    up, down = scale_of(score.file)
    near = up // down + 1
    for part, notes in zip(found.parts, parts, strict=True):
        ordered = sorted(notes)
        if len(ordered) != len(part.clip.notes):
            return False
        # rounded starts may stand in another order: those of one pitch are compared with each other
        a, b = (sorted((n.pitch, n.start, n.duration, n.velocity) for n in some) for some in (ordered, part.clip.notes))
        if any(
            p[0] != q[0] or abs(p[1] - q[1]) > near or abs(p[2] - q[2]) > 2 * near or p[3] != q[3]
            for p, q in zip(a, b, strict=True)
        ):
            return False
    return True


def _anew(score: Score, parts: Sequence[Sequence[Note]], others: Edits | None = None) -> bytes:
    """The file with all sounding notes of the parts that change written anew; all else stays, and of other edits what
    is no note."""
    edits: Edits = defaultdict(Edit)
    for part, notes in zip(score.parts, parts, strict=True):
        if list(part.clip.notes) == list(notes):
            continue
        _remove(edits, (place for place in part.places if place is not None))
        edits[part.chunk].added += _messages(score.file, (note for note in notes if not note.muted), part.channel)
    for chunk, other in (others or {}).items():
        events = score.file.tracks[chunk].events
        edits[chunk].last = other.last
        edits[chunk].removed |= {index for index in other.removed if events[index].status == META}
        edits[chunk].added += [row for row in other.added if row[2][0] == META and LASTS not in row[2]]
    for chunk, edit in edits.items():
        edit.removed |= _lasting(score.file.tracks[chunk].events, edit.removed)
    return _bytes(score.file, edits)


def _lasting(events: Sequence[Event], removed: set[int]) -> set[int]:
    """The events of ours that say how long a note lasts which is removed: each speaks of the next On."""
    found, waiting = set(), -1
    for index, event in enumerate(events):
        if event.kind == SPECIFIC and event.status == META and ours(event, LASTS, 4):
            waiting = index
        elif 0x90 <= event.status < 0xA0 and event.data[1]:
            if waiting >= 0 and index in removed:
                found.add(waiting)
            waiting = -1
    return found


def _bytes(file: MidiFile, edits: Edits) -> bytes:
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
