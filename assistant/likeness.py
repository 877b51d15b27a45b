"""How far two clips lie apart, note by note."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from assistant.clip import TICKS, Clip

SLOT = TICKS // 4


def roll(clip: Clip, slots: int) -> NDArray[np.bool_]:
    """(slots, 256) what happens in each sixteenth: which pitches sound in columns 0 to 127, which start in the rest.
    A clip shorter than that is silent behind its end."""
    cells = np.zeros((slots, 256), bool)
    for note in clip.notes:
        if note.muted:
            continue
        first = round(note.start / SLOT)
        cells[first : max(first + 1, round(note.end / SLOT)), note.pitch] = True
        cells[first : first + 1, 128 + note.pitch] = True
    return cells


def distances(clips: Sequence[Clip], other: Clip) -> NDArray[np.float64]:
    """(N,) share of what happens in each clip and in `other` that the two do not have in common (Dice's distance of
    their rolls): 0 for the same notes on the grid of sixteenths, 1 for nothing in common."""
    slots = max([1, *(-(-clip.length // SLOT) for clip in (*clips, other))])
    fixed = roll(other, slots)
    rolls = [roll(clip, slots) for clip in clips]
    both = np.array([np.count_nonzero(cells & fixed) for cells in rolls], float)
    all_of_both = np.array([np.count_nonzero(cells) for cells in rolls], float) + np.count_nonzero(fixed)
    return np.asarray(1 - 2 * both / np.maximum(all_of_both, 1), float)
