"""Clips of the Live set: their notes as the daemon takes them, and its answers as Live's own notes and clips.

Times of the script are beats, as in Live and on the wire. The daemon keeps them to 1/960 beat.
"""

from __future__ import annotations

import math
import struct
from contextlib import contextmanager

import Live

from .daemon import Problem

TICKS = 960  # of the daemon, a beat
PITCHES = (0, 128)  # the first, and how many: all


@contextmanager
def one_undo_step(song: object):
    """All changes inside are one step of Live's undo; the step is closed whatever happens."""
    song.begin_undo_step()
    try:
        yield
    finally:
        song.end_undo_step()


class Given:
    """A clip as it is given to the daemon: the notes that start in its visible part, counted from the part's start."""

    def __init__(self, clip: object) -> None:
        self.clip = clip
        self.start, end = _visible(clip)
        self.length = end - self.start
        self.meter = (clip.signature_numerator, clip.signature_denominator)
        self.track = _told(clip, self.start, self.meter)
        self.notes = []  # (pitch, start, duration, velocity, mute) as they go over the wire
        self.known = {}  # the index in `notes` by Live's id of the note
        self._read()

    def _read(self) -> None:
        notes = [note for note in self._vector() if self.start <= note.start_time < self.start + self.length]
        for note in sorted(notes, key=lambda note: (note.start_time, note.pitch)):
            self.known[note.note_id] = len(self.notes)
            self.notes.append(self._wire(note))

    def _vector(self) -> object:
        return self.clip.get_notes_extended(*PITCHES, self.start, self.length)

    def _wire(self, note: object) -> tuple:
        start = min(note.start_time - self.start, self.length - 1 / TICKS)  # lest rounding moves it out of the clip
        duration = max(note.duration, 1 / TICKS)
        velocity = min(127, max(1, int(note.velocity + 0.5)))
        return note.pitch, round(start, 6), round(duration, 6), velocity, int(note.mute)

    def replace(self, at: float, answers: list, start: float, end: float) -> int:
        """Put the notes of an answer, which begins at beat `at`, in the place of those that start in a stretch, and
        say how many. Raises Problem where the clip has changed since it was given."""
        now = [note for note in self._vector() if self.start <= note.start_time < self.start + self.length]
        if len(now) != len(self.notes) or any(
            note.note_id not in self.known or self._wire(note) != self.notes[self.known[note.note_id]] for note in now
        ):
            raise Problem("the clip was changed meanwhile, so nothing was written; press again")
        near = 1 / TICKS / 2
        gone = [key for key, index in self.known.items() if start - near <= self.notes[index][1] < end - near]
        if gone:
            self.clip.remove_notes_by_id(tuple(gone))
        _add(self.clip, answers, self.start + at)
        return len(answers)

    def refine(self, answers: list) -> int:
        """Give the very notes what the answer has in their place, and the number of notes that changed.

        A value that the answer leaves alone is not written, so Live keeps it as finely as it was. Notes that are muted,
        or that have changed since they were given, stay as they are.
        """
        if len(answers) != len(self.notes):
            raise Problem(f"{len(self.notes)} notes were given and {len(answers)} came back")
        notes = self._vector()
        changed = 0
        for note in notes:
            index = self.known.get(note.note_id)
            if index is None or note.mute or self._wire(note) != self.notes[index]:
                continue
            _, start, duration, velocity, _ = self.notes[index]
            _, new_start, new_duration, new_velocity, _ = answers[index]
            before = note.start_time, note.duration, note.velocity
            if _ticks(new_start) != _ticks(start):
                note.start_time = self.start + new_start
            if _ticks(new_duration) != _ticks(duration):
                note.duration = new_duration
            if new_velocity != velocity:
                note.velocity = float(new_velocity)
            changed += before != (note.start_time, note.duration, note.velocity)
        if changed:
            self.clip.apply_note_modifications(notes)
        return changed


class Place:
    """Where new clips go: behind a clip in the Arrangement, else into the free slots of a track."""

    def __init__(self, song: object, clip: object) -> None:
        """`clip` is None where the selected track and its highlighted slot say it. Raises Problem."""
        self._song = song
        self._clip = clip
        if clip is None:
            self._track = song.view.selected_track
            if not self._track.has_midi_input:
                raise Problem("select a MIDI track or a MIDI clip first")
            slot = song.view.highlighted_clip_slot
            self._row = _row(self._track, slot)
        else:
            self._track = track_of(clip)
            self._row = 0 if clip.is_arrangement_clip else _row(self._track, clip.canonical_parent)

    def add(self, clips: list, name: str, meter: tuple[int, int]) -> str:
        """Make `clips`, pairs of length and notes, and say where they are. Nothing that is there is touched."""
        several = len(clips) > 1
        if self._clip is not None and self._clip.is_arrangement_clip:
            at = self._clip.end_time
            if _is_free(self._track, at, at + sum(length for length, _ in clips)):
                for number, (length, notes) in enumerate(clips, 1):
                    _fill(self._in_arrangement(at, length), notes, f"{name} {number}" if several else name, meter)
                    at += length
                return "behind the clip"
        rows = []
        for number, (length, notes) in enumerate(clips, 1):
            row, slot = self._free_slot()
            slot.create_clip(length)  # gives the clip back in newer versions only
            _fill(slot.clip, notes, f"{name} {number}" if several else name, meter)
            rows.append(row + 1)
        return f"in slots {rows[0]} to {rows[-1]}" if several else f"in slot {rows[0]}"

    def _in_arrangement(self, at: float, length: float) -> object:
        """An empty clip. Live 12 makes one there; Live 11 copies one there from a slot, which is free again after."""
        if hasattr(self._track, "create_midi_clip"):
            return self._track.create_midi_clip(at, length)
        _, slot = self._free_slot()
        slot.create_clip(length)
        try:
            return self._track.duplicate_clip_to_arrangement(slot.clip, at)
        finally:
            slot.delete_clip()

    def _free_slot(self) -> tuple:
        """The next free slot of the track and its row. Where there is none, the set gets a scene at its end."""
        slots = list(self._track.clip_slots)
        for row in range(self._row, len(slots)):
            if not slots[row].has_clip:
                return row, slots[row]
        selected = self._song.view.selected_scene
        self._song.create_scene(-1)
        self._song.view.selected_scene = selected  # Live had selected the new one
        return len(slots), self._track.clip_slots[len(slots)]


def chosen(song: object, before: object, fewest: int, most: int) -> list:
    """The clips that a task gets: the one that Live shows, for two also the one shown before; where it needs none, that
    of the selected track. Raises Problem."""
    if not fewest:
        near = neighbour(song)
        return [near] if most and near is not None else []
    shown = song.view.detail_clip
    if shown is None or not shown.is_midi_clip:
        raise Problem("select a MIDI clip first" + ("" if shown is None else "; this one is audio"))
    if fewest < 2:
        return [shown]
    if before == None or not before.is_midi_clip:  # noqa: E711 - a clip that was deleted equals None
        raise Problem("click the first MIDI clip, then the second, and press again")
    return [before, shown]


def neighbour(song: object) -> object:
    """The clip behind which new ones go that are made from none: the shown one, where its track is selected."""
    shown = song.view.detail_clip
    fits = shown is not None and shown.is_midi_clip and track_of(shown) == song.view.selected_track
    return shown if fits else None


def track_of(clip: object) -> object:
    """The track on which a clip lies: its parent's parent in a slot or a take lane, else its parent."""
    parent = clip.canonical_parent
    return parent if isinstance(parent, Live.Track.Track) else parent.canonical_parent


def _visible(clip: object) -> tuple[float, float]:
    """First and last beat of what the clip plays: the loop, or from start to end where it has none.

    Live calls both `loop_start` and `loop_end`. A loop in the Arrangement may be cut to less than a turn.
    """
    start, end = clip.loop_start, clip.loop_end
    if clip.is_arrangement_clip and clip.looping and clip.end_time - clip.start_time < end - start:
        start = clip.start_marker
        end = min(end, start + clip.end_time - clip.start_time)
    return start, end


def _row(track: object, slot: object) -> int:
    """The row of a slot in its track; 0 where it is on another one."""
    return next((row for row, other in enumerate(track.clip_slots) if other == slot), 0)


def _is_free(track: object, start: float, end: float) -> bool:
    return all(clip.end_time <= start or clip.start_time >= end for clip in track.arrangement_clips)


def _fill(clip: object, notes: list, name: str, meter: tuple[int, int]) -> None:
    clip.name = name
    clip.signature_numerator, clip.signature_denominator = meter
    _add(clip, notes, 0.0)


def _add(clip: object, notes: list, at: float) -> None:
    """Add notes, `at` beats later than they say."""
    make = Live.Clip.MidiNoteSpecification
    clip.add_new_notes(
        tuple(
            make(pitch=pitch, start_time=at + start, duration=duration, velocity=float(velocity), mute=bool(mute))
            for pitch, start, duration, velocity, mute in notes
        )
    )


def _told(clip: object, start: float, meter: tuple[int, int]) -> list:
    """What Live knows of the track of a clip, as pairs: its name, whether it plays drums, and where the first bar line
    lies behind the start of the visible part. Live's bars count from beat 0 of the clip."""
    track = track_of(clip)
    bar = 4.0 * meter[0] / meter[1]
    upbeat = round(-start % bar, 6) % bar
    told = ["name", track.name] if track.name else []
    if any(device.can_have_drum_pads for device in track.devices):
        told += ["drums", 1]
    return told + (["upbeat", upbeat] if upbeat else [])


def _ticks(beats: float) -> int:
    """The tick that the daemon takes a time for, after its way through single precision."""
    return math.floor(struct.unpack(">f", struct.pack(">f", beats))[0] * TICKS + 0.5)
