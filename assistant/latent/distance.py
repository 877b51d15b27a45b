"""How far two clips lie apart, note by note, and the clips that lead most evenly from one to another."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from continuo_daw.assistant.music.clip import TICKS, Clip

SLOT = TICKS // 4
ASTRAY = 0.5  # what it costs to be far from both ends, for each way that the two distances are longer than the whole
# what a step back costs, and how much more the farther it goes, against a step that is one whole way too long
BACK, FARTHER = 0.3, 10.0


def happenings(clip: Clip) -> frozenset[int]:
    """What happens in a clip, a number for each: that a pitch sounds in a sixteenth, and that it starts there."""
    last = -(-clip.length // SLOT)
    found: set[int] = set()
    for note in clip.notes:
        if note.muted:
            continue
        first = min(round(note.start / SLOT), max(0, last - 1))
        end = max(first + 1, min(round(note.end / SLOT), last))
        found.update(range(256 * first + note.pitch, 256 * end, 256))
        found.add(256 * first + 128 + note.pitch)
    return frozenset(found)


def distances(clips: Sequence[Clip], other: Clip) -> NDArray[np.float64]:
    """(N,) share of what happens in each clip and in `other` that the two do not have in common (Dice's distance):
    0 for the same notes on the grid of sixteenths, 1 for nothing in common."""
    return _apart([happenings(clip) for clip in clips], happenings(other))


def _apart(some: Sequence[frozenset[int]], other: frozenset[int]) -> NDArray[np.float64]:
    return np.array([1 - 2 * len(one & other) / max(len(one) + len(other), 1) for one in some])


def even_steps(
    made: Sequence[frozenset[int]], first: frozenset[int], last: frozenset[int], steps: int
) -> tuple[list[int], float]:
    """Indices, rising, of the `steps - 2` clips that lead most evenly from `first` to `last`, and their mean price; of
    each clip is given what happens in it.

    The least sum, over all choices, of how far each clip lies from its place on the way, and of what it costs to come
    nearer to the first or to get farther from the last again. An empty clip is never chosen while there is another.
    """
    away, near, whole = _apart(made, first), _apart(made, last), float(_apart([first], last)[0])
    on_way = away / np.maximum(away + near, 1e-9)
    empty = np.array([not happens for happens in made])
    wanted = np.arange(1, steps - 1) / (steps - 1)
    astray = (away + near) / max(whole, 1e-9) - 1
    place = np.abs(on_way[None] - wanted[:, None]) + ASTRAY * astray + 100.0 * empty  # (steps - 2, N)
    back = np.maximum(away[:, None] - away[None], 0) + np.maximum(near[None] - near[:, None], 0)  # from row to column
    move = _price(back) + np.where(np.tri(len(made)) > 0, 1000.0, 0)
    cost = place[0] + _price(np.maximum(near - whole, 0))
    came = np.zeros(place.shape, int)
    for step in range(1, len(wanted)):
        total = cost[:, None] + move
        came[step] = total.argmin(0)
        cost = total.min(0) + place[step]
    cost = cost + _price(np.maximum(away - whole, 0))
    chosen = [int(cost.argmin())]
    for step in range(len(wanted) - 1, 0, -1):
        chosen.append(int(came[step][chosen[-1]]))
    return chosen[::-1], float(cost.min()) / max(len(wanted), 1)


def _price(back: NDArray[np.float64]) -> NDArray[np.float64]:
    """What it costs to go back so far."""
    return np.where(back > 1e-9, BACK + FARTHER * back, 0.0)
