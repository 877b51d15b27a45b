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

from continuo_daw.assistant.music.clip import Clip, Note
from continuo_daw.assistant.music.midi import LASTS, METER, SPECIFIC, TEMPO, scale_of, score_of_midi
from continuo_daw.assistant.music.midi_events import Event, MidiFile, Track, number_bytes
from continuo_daw.assistant.music.midi_write import meta, note_messages
from continuo_daw.assistant.music.score import Place, Score
from continuo_daw.assistant.music.time_map import TimeMap


@dataclass
class Edit:
    """What changes in one chunk, by the index of its events; ticks are those of the file.

    moved: new ticks of Ons and Offs; data: new data bytes; removed: events that go; added: tick, rank (1 goes before
    what is there at its tick, 2 behind it) and bytes; last: the end of the track, where it moves
    """

    moved: dict[int, tuple[int, int]] = field(default_factory=dict)  # tick and rank
    data: dict[int, bytes] = field(default_factory=dict)
    removed: set[int] = field(default_factory=set)
    added: list[tuple[int, int, bytes]] = field(default_factory=list)
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


def joined(score: Score, part: int, clip: Clip, at: int, until: int | None = None) -> bytes:
    """The file of a score with the notes of a clip in a part, from tick `at` of ours on; what the part has there goes,
    up to `until`. The track ends no earlier than the clip."""
    own = score.parts[part]
    edits: Edits = defaultdict(Edit)
    for note, place in zip(own.clip.notes, own.places, strict=True):
        if place is not None and until is not None and at <= note.start < until:
            edits[place.track].removed.add(place.on)
            if place.off >= 0:
                edits[place.off_track].removed.add(place.off)
    new = [replace(note, start=note.start + at) for note in clip.notes]
    edit = edits[own.chunk]
    edit.added = [(_file_tick(score.file, tick), rank, data) for tick, rank, data in _messages(new, own.channel)]
    edit.last = _file_tick(score.file, at + clip.length)
    for tick, data in _time_events(own.clip.time, clip.time, at):
        edits[0].added.append((_file_tick(score.file, tick), 1, data))
    data = _bytes(score.file, edits)
    parts = [list(p.clip.notes) for p in score.parts]
    parts[part] = sorted([*(n for n in parts[part] if until is None or not at <= n.start < until), *new])
    return data if _reads_as(data, score, parts) else _anew(score, parts, edits)


def _messages(notes: Iterable[Note], channel: int) -> list[tuple[int, int, bytes]]:
    return sorted(note_messages(notes, channel), key=lambda message: message[:2])


def _time_events(given: TimeMap, new: TimeMap, at: int) -> list[tuple[int, bytes]]:
    """Tempo and meter of what is added, where those of the file do not go on."""
    found = []
    if given.tempo_at(at) != new.tempos[0][1]:
        found.append((at, meta(TEMPO, round(60e6 / new.tempos[0][1]).to_bytes(3, "big"))))
    meter = new.meters[0][1]
    if given.meter_at(at) != meter:
        found.append((at, meta(METER, bytes((meter[0], meter[1].bit_length() - 1, 24, 8)))))
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
    """The file with all sounding notes of the parts that change written anew; all else stays."""
    edits: Edits = defaultdict(Edit)
    for part, notes in zip(score.parts, parts, strict=True):
        if list(part.clip.notes) == list(notes):
            continue
        for place in part.places:
            if place is not None:
                edits[place.track].removed.add(place.on)
                if place.off >= 0:
                    edits[place.off_track].removed.add(place.off)
        edit = edits[part.chunk]
        events = score.file.tracks[part.chunk].events
        edit.removed |= {i for i, e in enumerate(events) if e.kind == SPECIFIC and e.data.startswith(LASTS)}
        sounding = [note for note in notes if not note.muted]
        edit.added += [
            (_file_tick(score.file, tick), rank, data) for tick, rank, data in _messages(sounding, part.channel)
        ]
    for chunk, other in (others or {}).items():
        edits[chunk].last = other.last
        edits[chunk].added += [row for row in other.added if row[2][:1] == b"\xff" and LASTS not in row[2]]
    return _bytes(score.file, edits)


def _bytes(file: MidiFile, edits: Edits) -> bytes:
    out, at = bytearray(), 0
    for index, track in enumerate(file.tracks):
        out += file.data[at : track.start]
        body = _track(file, track, edits[index]) if index in edits else file.data[track.start + 8 : track.stop]
        if body == file.data[track.start + 8 : track.stop]:
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
    """The lengths of a RIFF file that has grown by `more` bytes."""
    chunk = data.find(b"data", 0, 4096)
    for at in (4, *((chunk + 4,) if chunk > 0 else ())):
        size = int.from_bytes(data[at : at + 4], "little") + more
        data[at : at + 4] = size.to_bytes(4, "little")


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
    out, before, running = bytearray(), 0, 0
    for _, _, tick, event, data in rows:
        delta = tick - before
        before = tick
        if event is None:
            out += number_bytes(delta) + data
            running = data[0] if data[0] < 0xF0 else running
            continue
        raw = file.data[event.begin : event.body]
        out += raw if _value(raw) == delta else number_bytes(delta)
        body = file.data[event.body : event.stop]
        if data:
            body = body[: -len(data)] + data
        if body[0] < 0x80 and running != event.status:
            body = bytes((event.status,)) + body
        running = event.status if event.status < 0xF0 else running
        out += body
    if track.end is None:
        return bytes(out) + file.data[track.events[-1].stop if track.events else track.start + 8 : track.stop]
    last = max(track.end.tick, edit.last, before)
    raw = file.data[track.end.begin : track.end.body]
    out += raw if _value(raw) == last - before else number_bytes(last - before)
    return bytes(out) + file.data[track.end.body : track.stop]


def _value(raw: bytes) -> int:
    value = 0
    for byte in raw:
        value = value << 7 | byte & 0x7F
    return value
