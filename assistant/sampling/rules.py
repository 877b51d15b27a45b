"""What is exact by rule once the notes are there: the rhythm that is kept, the last note, swing, velocities."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from continuo_daw.assistant.music.clip import Clip, Note
from continuo_daw.assistant.music.swing import swung, swung_ticks
from continuo_daw.assistant.sampling.guide import Guidance
from continuo_daw.assistant.sampling.wishes import Wishes


def with_rules(made: Sequence[Note], guidance: Guidance | None, wishes: Wishes, like: Clip) -> Clip:
    """The clip of `wishes.bars` bars with the tempo and meter of `like`, from notes on its own clock in the order in
    which they were made."""
    length = wishes.bars * like.bar
    notes = list(made)
    if guidance and guidance.rhythm:
        given = [place for onset in guidance.rhythm for place in onset.given]
        kept = zip(notes, given, strict=False)  # of a candidate that was stopped there are fewer
        notes = [replace(note, start=start, duration=duration) for note, (start, duration) in kept]
    notes = [replace(note, duration=min(note.duration, length - note.start)) for note in notes if note.start < length]
    clip = Clip(tuple(notes), length, like.tempo, like.meter)
    for rule in (_begun, _ended, _swung, _loud):
        clip = rule(clip, wishes)
    return clip


def _begun(clip: Clip, wishes: Wishes) -> Clip:
    """The first note exactly on its beat, which no step of the grid meets in odd meters such as 3/64."""
    if not wishes.beat or not clip.notes:
        return clip
    start = round(clip.notes[0].start / wishes.beat) * wishes.beat
    first = [note for note in clip.notes if note.start == clip.notes[0].start]
    moved = [replace(note, start=start, duration=min(note.duration, clip.length - start)) for note in first]
    return replace(clip, notes=(*moved, *clip.notes[len(first) :]))


def _ended(clip: Clip, wishes: Wishes) -> Clip:
    """The last note, of several the lowest, on the tonic: the nearest that the limits leave."""
    if wishes.tonic is None or not clip.notes:
        return clip
    last = next(note for note in clip.notes if note.start == clip.notes[-1].start)
    others = {note.pitch for note in clip.notes if note.start == last.start} - {last.pitch}
    allowed = np.flatnonzero(wishes.allowed(min(last.start // clip.bar, wishes.bars - 1)))
    pitch = min((int(p) for p in allowed if p % 12 == wishes.tonic), key=lambda p: abs(p - last.pitch))
    notes = tuple(note for note in clip.notes if note is not last)
    return replace(clip, notes=notes if pitch in others else (*notes, replace(last, pitch=pitch)))


def _swung(clip: Clip, wishes: Wishes) -> Clip:
    """The second half of each beat moved to where the swing has it."""
    if not wishes.swing:
        return clip
    times = np.array([(note.start, note.end) for note in clip.notes], np.int64).reshape(-1, 2)
    moved = swung(times, wishes.swing, clip.bar, swung_ticks(clip.meter)).tolist()
    notes = [
        replace(n, start=start, duration=max(end - start, 1)) for n, (start, end) in zip(clip.notes, moved, strict=True)
    ]
    return replace(clip, notes=tuple(notes))


def _loud(clip: Clip, wishes: Wishes) -> Clip:
    """Velocities moved so that the mean of each bar is what is asked; where that leads beyond 1 to 127, as near as it
    goes."""
    if not wishes.velocity:
        return clip
    bars = [min(note.start // clip.bar, wishes.bars - 1) for note in clip.notes]
    given = np.array([note.velocity for note in clip.notes], float)
    for value in sorted(set(wishes.velocity)):
        of = np.array([wishes.velocity[bar] == value for bar in bars], bool)
        for _ in range(8 if of.any() else 0):  # what is cut at one end is owed by the others
            given[of] = np.clip(given[of] + value - given[of].mean(), 1, 127)
    loud = [replace(note, velocity=round(float(v))) for note, v in zip(clip.notes, given, strict=True)]
    return replace(clip, notes=tuple(loud))
