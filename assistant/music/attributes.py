"""What can be asked of a phrase in a number: density, mean pitch, syncopation, note length, velocity."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from continuo_daw.assistant.music.clip import TICKS, Clip

NAMES = ("density", "pitch", "syncopation", "length", "velocity")

Array = NDArray[np.float64]


def beat_ticks(meter: tuple[int, int]) -> int:
    """Ticks of what is felt as one beat: a dotted note in 6/8, 9/8 and 12/8, else the meter's lower number."""
    numerator, denominator = meter
    one = TICKS * 4 // denominator
    return 3 * one if denominator >= 8 and numerator % 3 == 0 else one


def note_measures(onset: NDArray[np.int64], duration: NDArray[np.int64], beat: int) -> tuple[Array, Array]:
    """For each of N notes in order of onset: whether it is syncopated, 0 or 1, and its length.

    Syncopated is a note that starts off the beat and sounds on through the next one. The length is the share of the
    time to the next onset that a note sounds: about 1 is legato, 0.3 staccato. All in one unit of time.
    """
    sounding = (onset % beat + duration > beat) & (onset % beat > 0)
    later = np.unique(onset)
    after = np.append(later, (onset + duration).max(initial=0))[np.searchsorted(later, onset, "right")]
    gap = np.minimum(np.maximum(after - onset, 1), 4 * beat)  # a rest of bars does not make a note short
    return sounding.astype(np.float64), np.minimum(duration / gap, 1.0)


def attributes(clip: Clip) -> dict[str, float]:
    """The attributes of a clip: notes a quarter; mean MIDI pitch; share of syncopated notes; mean length as a share
    of the time to the next onset; mean velocity. Of a clip without notes that sound only the density, 0."""
    notes = [note for note in clip.notes if not note.muted]
    if not notes:
        return {"density": 0.0}
    onset = np.array([note.start for note in notes])
    duration = np.array([note.duration for note in notes])
    syncopated, length = note_measures(onset, duration, beat_ticks(clip.meter))
    values = (
        len(notes) * TICKS / max(clip.length, 1),
        np.mean([note.pitch for note in notes]),
        syncopated.mean(),
        length.mean(),
        np.mean([note.velocity for note in notes]),
    )
    return {name: float(value) for name, value in zip(NAMES, values, strict=True)}


def most_at_once(clip: Clip) -> int:
    """How many notes sound at once, at most."""
    moves = sorted((at, step) for n in clip.notes if not n.muted for at, step in ((n.start, 1), (n.end, -1)))
    return int(max(np.cumsum([step for _, step in moves]), default=0))
