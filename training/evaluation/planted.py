"""Planted copies: clips that are certain to be copied, changed as somebody might who does not want to be caught.

The checker of originality is measured with them. The notes that are not changed keep their places.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from continuo_daw.assistant.music.clip import Clip, Note

STEPS = (-4, -3, -2, -1, 1, 2, 3, 4)  # semitones by which a changed note is moved
KEYS = (-6, -5, -4, -3, -2, -1, 1, 2, 3, 4, 5, 6)
OCTAVES = (-24, -12, 12, 24)
TEMPI = (0.5, 1.5, 2.0)  # times the durations
WHAT = (0.6, 0.2, 0.2)  # of the changed notes: moved, left out, split with a new note in their second half

Random = np.random.Generator
Notes = tuple[Note, ...]


def changed(notes: Notes, share: float, random: Random) -> Notes:
    """The notes with a share of them, at least one, moved, left out or split."""
    new = list(notes)
    chosen = random.choice(len(notes), max(1, round(share * len(notes))), replace=False)
    for at in sorted(chosen.tolist(), reverse=True):
        note, what, step = new[at], int(random.choice(3, p=WHAT)), int(random.choice(STEPS))
        pitch, half = min(127, max(0, note.pitch + step)), max(1, note.duration // 2)
        second = replace(note, start=note.start + half, pitch=pitch, duration=half)
        new[at : at + 1] = [[replace(note, pitch=pitch)], [], [replace(note, duration=half), second]][what]
    return tuple(new)


def moved(notes: Notes, semitones: int) -> Notes:
    """The notes so much higher, as far as the range goes."""
    low, high = min(note.pitch for note in notes), max(note.pitch for note in notes)
    semitones = max(-low, min(127 - high, semitones))
    return tuple(replace(note, pitch=note.pitch + semitones) for note in notes)


def slower(notes: Notes, factor: float) -> Notes:
    """The notes with all times multiplied."""
    return tuple(
        replace(note, start=round(note.start * factor), duration=max(1, round(note.duration * factor)))
        for note in notes
    )


def _drawn(values: tuple[int, ...], random: Random) -> int:
    return int(random.choice(values))


KINDS: dict[str, Callable[[Notes, Random], Notes]] = {
    "transposed": lambda notes, random: moved(notes, _drawn(KEYS, random)),
    "register": lambda notes, random: moved(notes, _drawn(OCTAVES, random)),
    "tempo": lambda notes, random: slower(notes, float(random.choice(TEMPI))),
    "changed_10": lambda notes, random: moved(changed(notes, 0.1, random), _drawn(KEYS, random)),
    "changed_20": lambda notes, random: moved(changed(notes, 0.2, random), _drawn(KEYS, random)),
    "all": lambda notes, random: slower(
        moved(changed(notes, random.uniform(0.1, 0.2), random), _drawn(KEYS, random) + _drawn(OCTAVES, random)),
        float(random.choice(TEMPI)),
    ),
}


def planted(clip: Clip, kind: str, random: Random) -> Clip:
    """A copy of a clip of at least two notes, changed in one of the `KINDS`."""
    notes = KINDS[kind](clip.notes, random)
    return replace(clip, notes=notes, length=max(note.end for note in notes))
