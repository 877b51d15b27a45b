"""What is written exactly already, in a way that the refine networks have no choices for: it stays as it is.

Beats in five or seven equal parts, and notes longer than every usual value. N are notes; times are ticks.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from continuo_daw.assistant.music.clip import TICKS
from continuo_daw.assistant.refining.choices import STEP, VALUES

Ticks = NDArray[np.int64]

SPANS = (TICKS // 2, TICKS, 2 * TICKS)
PARTS = (5, 7)  # of a span; halves, thirds and what is made of them are choices of the networks
SLACK = 2.5  # what the ticks of a file may round; the nearest choice lies 8 away


def parts_of(start: Ticks) -> NDArray[np.float64]:
    """(N,) how long a part of its group is, 0 for notes in none. `start` (N,) is counted from a beat. All parts but the
    first of a span, or all but one of these, must be there: players do not hit so many by chance."""
    found = np.zeros(len(start))
    for span in SPANS:
        number, group = np.unique((start + SLACK) // span, return_inverse=True)
        inside = start - number[group] * span
        for count in PARTS:
            part = span / count
            which = np.rint(inside / part)
            exact = np.abs(inside - which * part) <= SLACK
            taken = np.zeros((len(number), count + 1), bool)
            taken[group[exact], which[exact].astype(np.int64)] = True
            there = taken[:, 1:count].sum(1) >= count - 2
            found = np.where((found == 0) & exact & there[group], part, found)
    return found


def long_of(length: Ticks) -> NDArray[np.float64]:
    """(N,) the whole quarters that notes last which are longer than every usual value, 0 for all others."""
    whole = np.rint(length / TICKS) * TICKS
    known = VALUES.max() / STEP * TICKS
    return np.where((whole > known) & (np.abs(length - whole) <= TICKS / STEP), whole, 0.0)
