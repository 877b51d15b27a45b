"""The condition joined to every step of a network: what the music should be like, and where in the bar it stands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from continuo_daw.assistant.music.clip import TICKS, Clip

# Columns of a condition, all 0 to 1: pitch-class histogram, mean pitch / 127, notes a quarter / 8,
# and for each of the three whether it is given at all.
HISTOGRAM, PITCH, DENSITY, GIVEN = slice(0, 12), 12, 13, slice(14, 17)
PARTS = (np.r_[0:12, 14], np.r_[12, 15], np.r_[13, 16])  # columns of each part, its flag last
SIZE = 17
MOST_DENSE = 8.0  # notes a quarter that the density column can say

BEATS = 16  # quarters of a bar that positions tell apart; what lies beyond shares the last one
METERS = 66  # meter 0 is the unknown one


def condition(
    histogram: Sequence[float] | NDArray[Any] | None = None,
    mean_pitch: float | None = None,
    density: float | None = None,
) -> NDArray[np.float32]:
    """(SIZE,) the condition for a pitch-class histogram (12 weights, C first), a mean pitch (0 to 127) and a
    density (notes a quarter); None leaves a part out."""
    row = np.zeros(SIZE, np.float32)
    if histogram is not None:
        weights = np.asarray(histogram, np.float32)
        row[HISTOGRAM], row[14] = weights / max(float(weights.sum()), 1e-9), 1
    if mean_pitch is not None:
        row[PITCH], row[15] = np.clip(mean_pitch / 127, 0, 1), 1
    if density is not None:
        row[DENSITY], row[16] = np.clip(density / MOST_DENSE, 0, 1), 1
    return row


def condition_of(pitches: NDArray[np.int64], quarters: float) -> NDArray[np.float32]:
    """(SIZE,) the condition that notes of these `pitches` within `quarters` meet."""
    if not len(pitches):
        return condition()
    return condition(np.bincount(pitches % 12, minlength=12), float(pitches.mean()), len(pitches) / max(quarters, 1.0))


def condition_of_clip(clip: Clip) -> NDArray[np.float32]:
    """(SIZE,) the condition that a clip meets; muted notes do not count."""
    pitches = np.array([note.pitch for note in clip.notes if not note.muted], np.int64)
    return condition_of(pitches, clip.length / TICKS)


def meter_index(meter: tuple[int, int]) -> int:
    """1 to METERS - 1: how many eighths a bar has, and whether they go in threes."""
    numerator, denominator = meter
    eighths = min(max(round(numerator * 8 / denominator), 1), 32)
    compound = denominator >= 8 and numerator % 3 == 0
    return 1 + 2 * (eighths - 1) + int(compound)


def positions(resolution: int) -> int:
    """Number of positions in the bar on a grid of `resolution` steps a quarter; the last is the unknown one."""
    return BEATS * resolution + 1
