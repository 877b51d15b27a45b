"""Velocities from what a network says of them: drawn, with the accents of the clip, as loud and as varied as asked.

Arrays are (N,), one number for each note that sounds, in the order of the clip; starts are ticks.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from statistics import median

import numpy as np
from numpy.typing import NDArray

from continuo_daw.assistant.music.clip import TICKS
from continuo_daw.assistant.refining.surroundings import CHORD

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]

# What players leave open, measured on the validation split of the shipped network: of the variance about its median
# 53 % is how loud a whole piece is, which is not drawn, since `mean` sets it; the rest is a motion over some onsets
# and each note's own. Notes of one chord have no more in common than their neighbours.
WITHIN = 0.47  # of the variance
MOTION = 0.13  # of that; the rest is each note's own
ALONG = 0.9  # how much of the motion is left at the next onset
FURTHEST = 2.5  # standard deviations of what is drawn: beyond lies what no player does
ACCENT = 12  # how far above its neighbours a note stands out
NEAR = TICKS  # ticks; who is a neighbour
SOFTEST, LOUDEST = 1, 127
HALVINGS = 16


def chords_of(starts: Sequence[int]) -> Whole:
    """The number of the chord of each note: those that start together with its first one."""
    chords, first, number = [], -TICKS, -1
    for start in starts:
        if start - first >= CHORD * TICKS:
            first, number = start, number + 1
        chords.append(number)
    return np.array(chords, np.int64)


def drawn(chords: Whole, random: np.random.Generator) -> Floats:
    """Deviations for notes of these chords: each with a Laplace distribution about 0, of that part of scale 1 which is
    not the level of the whole, and like those near it, as a player's are."""
    count = int(chords[-1]) + 1
    steps = random.standard_normal(count)
    motion = [float(steps[0])]
    for step in steps[1:].tolist():
        motion.append(ALONG * motion[-1] + math.sqrt(1 - ALONG**2) * step)
    alone = random.standard_normal(len(chords))
    normal = math.sqrt(MOTION) * np.array(motion)[chords] + math.sqrt(1 - MOTION) * alone
    far = np.minimum(np.abs(normal), FURTHEST) / math.sqrt(2)
    laplace = np.sign(normal) * [-math.log(math.erfc(value)) for value in far.tolist()]
    return np.asarray(math.sqrt(WITHIN) * laplace)


def with_accents(starts: Sequence[int], given: Floats, made: Floats, chosen: NDArray[np.bool_]) -> Floats:
    """What was made, but the chosen notes that stand out in what was given lie at least as far above their neighbours.

    Neighbours start within a beat and do not stand out themselves, where there are such.
    """
    reach = [(bisect_left(starts, at - NEAR), bisect_right(starts, at + NEAR)) for at in starts]
    above = given - _around(given.tolist(), reach, [True] * len(starts))
    stands = above >= ACCENT
    ordinary = (~stands).tolist()
    distance = given - _around(given.tolist(), reach, ordinary)
    least = _around(made.tolist(), reach, ordinary) + distance
    return np.where(stands & chosen, np.maximum(made, least), made)


def _around(values: Sequence[float], reach: Sequence[tuple[int, int]], ordinary: Sequence[bool]) -> Floats:
    """The median of the neighbours of each note, the ordinary ones where there are any; its own value without them."""
    levels = []
    for note, (low, high) in enumerate(reach):
        others = [index for index in range(low, high) if index != note]
        plain = [index for index in others if ordinary[index]]
        levels.append(median([values[index] for index in plain or others or [note]]))
    return np.array(levels)


def fitted(values: Floats, mean: float | None, spread: float | None) -> Whole:
    """Velocities like the values, with this mean and standard deviation where they are asked for and the range from 1
    to 127 allows; nothing spreads values that are all alike."""
    centre, deviation = float(values.mean()), float(values.std())
    if mean is None and spread is None:
        return _whole(values)
    shape = (values - centre) / deviation if deviation > 1e-6 else np.zeros_like(values)
    wanted = centre if mean is None else mean

    def levelled(gain: float) -> Whole:
        def at(shift: float) -> Whole:
            return _whole(shift + gain * shape)

        edge = LOUDEST + gain * float(np.abs(shape).max())
        shifts = _meeting(lambda shift: float(at(shift).mean()), wanted, -edge, edge)
        return min(map(at, shifts), key=lambda made: abs(float(made.mean()) - wanted))

    if spread is None:
        return levelled(deviation)
    gains = _meeting(lambda gain: float(levelled(gain).std()), spread, 0.0, 8 * LOUDEST)
    return min(map(levelled, gains), key=lambda made: abs(float(made.std()) - spread))


def _whole(values: Floats) -> Whole:
    return np.clip(np.floor(values + 0.5), SOFTEST, LOUDEST).astype(np.int64)


def _meeting(growing: Callable[[float], float], wanted: float, low: float, high: float) -> tuple[float, float]:
    """Two numbers side by side between which a function that grows reaches what is wanted."""
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if growing(middle) < wanted else (low, middle)
    return low, high
