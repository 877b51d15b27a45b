"""A MIDI file with some notes changed, taken out or added; every other byte of it stays.

What is written is read again: where other notes of the same pitch make it mean something else, all notes of the track
are written anew.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from fractions import Fraction

from continuo_daw.assistant.music.clip import Clip, Note
from continuo_daw.assistant.music.midi import scale_of, scaled, score_of_midi
from continuo_daw.assistant.music.midi_edit import Added, Edit, Edits, edited
from continuo_daw.assistant.music.midi_events import (
    END,
    LASTS,
    META,
    METER,
    SPECIFIC,
    TEMPO,
    Event,
    MidiFile,
    number_of,
    ours,
)
from continuo_daw.assistant.music.midi_write import meta, note_messages
from continuo_daw.assistant.music.score import Part, Place, Score
from continuo_daw.assistant.music.time_map import TICKS, TimeMap


def changed(score: Score, given: Sequence[Note], places: Sequence[Place | None], notes: Sequence[Note]) -> bytes:
    """The file of a score in which note k of `given`, which lies at `places[k]`, has become `notes[k]`."""
    edits: Edits = defaultdict(Edit)
    for old, new, place in zip(given, notes, places, strict=True):
        if place is not None and old != new:
            _change(score.file, edits, old, new, place)
    _end_hanging(score, edits)
    data = edited(score.file, edits)
    wanted = {place: note for place, note in zip(places, notes, strict=True) if place is not None}
    parts = [[wanted.get(place, note) for note, place in zip(p.clip.notes, p.places, strict=True)] for p in score.parts]  # type: ignore[arg-type]
    return data if _reads_as(data, score, parts) else _anew(score, parts)


def joined(score: Score, chosen: Sequence[int], clip: Clip, at: int, until: int | None = None) -> bytes:
    """The file of a score with the notes of a clip in the first of some parts, from tick `at` of ours on; what sounds
    in these parts from there to before `until` goes, and the time of the file stays. The track ends no earlier than the
    clip."""
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
    for tick, data in _time_events(own.clip.time, clip.time, at) if until is None else ():
        edits[0].added.append((_file_tick(score.file, tick), 1, data))
    _end_hanging(score, edits)
    data = edited(score.file, edits)
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
        edits[place.track].added.append((stop, 1, _off(on)))
        edits[place.track].ended.add(place.on)
    elif new.end != old.end or file.tracks[place.off_track].events[place.off].tick <= start:
        edits[place.off_track].moved[place.off] = stop, 1


def _off(on: Event) -> bytes:
    return bytes((on.status & 0x8F, on.data[0], 0))


def _end_hanging(score: Score, edits: Edits) -> None:
    """Notes without Off last to the end of their track: where that moves, they get one."""
    for part in score.parts:
        if part.chunk not in edits:
            continue
        edit, track = edits[part.chunk], score.file.tracks[part.chunk]
        moved = [tick for tick, _ in edit.moved.values()] + [tick for tick, _, _ in edit.added]
        if max([edit.last, *moved]) <= track.last:
            continue
        for place in part.places:
            if place is not None and place.off < 0 and place.on not in edit.removed | edit.ended:
                on = track.events[place.on]
                edit.added.append((max(track.last, on.tick + 1), 1, _off(on)))
                edit.ended.add(place.on)


def _file_tick(file: MidiFile, tick: int) -> int:
    up, down = scale_of(file)
    return scaled(tick, down, up)


def _reads_as(data: bytes, score: Score, parts: Sequence[Sequence[Note]]) -> bool:
    """Whether a file holds these notes, as its ticks can say them."""
    found = score_of_midi(data)
    if [(p.chunk, p.channel) for p in found.parts] != [(p.chunk, p.channel) for p in score.parts]:
        return False
    return all(
        _rows(score.file, part.clip.notes) == _rows(score.file, notes)
        for part, notes in zip(found.parts, parts, strict=True)
    )


def _rows(file: MidiFile, notes: Iterable[Note]) -> list[tuple[int, int, int, int]]:
    """Pitch, start, end and velocity of notes, in ticks of the file or, where these are finer, of ours."""
    coarse = file.division < TICKS
    rows = []
    for n in notes:
        start, end = (_file_tick(file, n.start), _file_tick(file, n.end)) if coarse else (n.start, n.end)
        rows.append((n.pitch, start, 0 if n.muted else max(end, start + 1), n.velocity))
    return sorted(rows)


def _anew(score: Score, parts: Sequence[Sequence[Note]], others: Edits | None = None) -> bytes:
    """The file with all sounding notes of the parts that change written anew; all else stays, and of other edits what
    is no note. Offs that end no note would end new ones: they go."""
    edits: Edits = defaultdict(Edit)
    changing = [index for index, part in enumerate(score.parts) if list(part.clip.notes) != list(parts[index])]
    channels = {score.parts[index].channel for index in changing}
    changing = [i for i, p in enumerate(score.parts) if i in changing or (p.channel in channels and _across(p))]
    used = {(p.off_track, p.off) for part in score.parts for p in part.places if p is not None}
    for index in changing:
        part, edit = score.parts[index], edits[score.parts[index].chunk]
        _remove(edits, (place for place in part.places if place is not None))
        edit.added += _messages(score.file, (note for note in parts[index] if not note.muted), part.channel)
        for k, event in enumerate(score.file.tracks[part.chunk].events):
            off = event.status & 0xEF == 0x80 | part.channel and (event.status < 0x90 or not event.data[1])
            if off and (part.chunk, k) not in used:
                edit.removed.add(k)
    for chunk, other in (others or {}).items():
        events = score.file.tracks[chunk].events
        edits[chunk].last = other.last
        edits[chunk].removed |= {index for index in other.removed if events[index].status == META}
        edits[chunk].added += [row for row in other.added if row[2][0] == META and LASTS not in row[2]]
    for chunk, edit in edits.items():
        edit.removed |= _lasting(score.file.tracks[chunk].events, edit.removed)
    _end_hanging(score, edits)
    return edited(score.file, edits)


def _across(part: Part) -> bool:
    """Whether an Off of a part lies in another chunk than its On."""
    return any(place is not None and place.off >= 0 and place.off_track != place.track for place in part.places)


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
