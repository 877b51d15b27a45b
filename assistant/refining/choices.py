"""Where a note may have been written: choices for its onset and its length, and what speaks for each.

An onset goes to the nearest place of each kind in a quarter; a length is one of the usual note values, or ends where
another note begins. A refine network gives each choice a score. Times are quarter notes. The notes that are asked
about are named by row and column of their windows, two arrays of one shape S.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from continuo_daw.assistant.refining.surroundings import CHORD, FAR, Floats, Windows, off

Times = NDArray[np.float64]
Index = NDArray[np.int64]

STEP = 24  # parts of a quarter in which the tables below count
_HALF = np.array([0, 1.5, 2, 3, 4, 4.5, 6, 7.5, 8, 9, 10, 10.5])  # thirty-seconds, sixty-fourths and triplets
PHASES = np.concatenate([_HALF, _HALF + 12])
_SHORT = (1, 1.5, 2, 3, 4, 4.5, 6, 8, 9, 12, 15, 16, 18, 20, 21, 24, 28, 30, 32, 36, 40, 42, 48)
VALUES = np.array([*_SHORT, 54, 60, 66, 72, 84, 90, 96, 108, 120, 132, 144, 168, 192, 216, 240, 288, 384])
BETWEEN = 5  # choices of a length that end where another note begins
ONSETS, LENGTHS = len(PHASES), len(VALUES) + BETWEEN
ONSET_SIZE, LENGTH_SIZE = 9, 19  # numbers that speak for a choice
SAME = 0.02  # quarters; what lies closer is the same time
HAIR = 1e-6  # quarters; what rounding may do to an end that meets an onset
ROWS_APART = 1e6  # quarters between the windows, where all of them are searched at once
UNITS = (1.0, 0.5, 0.25, 1 / 3, 1 / 6)  # quarters


def everywhere(windows: Windows) -> tuple[Index, Index]:
    """Row and column (B, T) of every note."""
    rows, columns = windows.start.shape
    return np.arange(rows)[:, None].repeat(columns, 1), np.arange(columns)[None].repeat(rows, 0)


def onset_choices(windows: Windows, row: Index, column: Index) -> tuple[Times, Floats]:
    """(S, ONSETS) places in quarters, the nearest one of each kind, and (S, ONSETS, ONSET_SIZE) what speaks for
    them."""
    phase = PHASES / STEP
    start = windows.start[row, column][..., None]
    place = np.rint(start - phase) + phase
    place = np.where(place < 0, place + 1, place)
    apart = place - start
    near, wide = (_others(windows, row, start, place, reach) for reach in (0.04, 0.12))
    bar, beat = (value[row][..., None] for value in (windows.bar, windows.beat))
    told = (
        apart * 4, np.abs(apart) * 4, np.exp(-np.abs(apart) / 0.03), np.exp(-np.abs(apart) / 0.1),
        np.log2(1 + near), np.log2(1 + wide), off(place, bar) < SAME, off(place, beat) < SAME,
        np.broadcast_to(np.log2(windows.tempo / 120)[row][..., None], place.shape),
    )  # fmt: skip
    return place, _told(told, place.shape)


def length_choices(windows: Windows, row: Index, column: Index) -> tuple[Times, Floats]:
    """(S, LENGTHS) lengths in quarters, and (S, LENGTHS, LENGTH_SIZE) what speaks for them. What ends where another
    note begins but is a usual note value already is 0: no choice."""
    start = windows.start[row, column][..., None]
    length = windows.end[row, column][..., None] - start
    known = _in_a_line(windows)
    onsets = known[np.r_[True, np.diff(known) > CHORD]]
    far = row[..., None] * ROWS_APART
    between = _to_onsets(onsets, start + far, length)
    usual = np.abs(between[..., None, :] - VALUES[:, None] / STEP).min(-2) < SAME
    values = np.broadcast_to(VALUES / STEP, (*row.shape, len(VALUES)))
    value = np.concatenate([values, np.where(usual, 0, between)], -1)
    lasting = np.maximum(value, 1 / STEP)
    found = _next_to(onsets, start + far, start + lasting + far)
    # what follows needs no more than single precision, which takes half the time
    miss, passed, given, place = (each.astype(np.float32) for each in (*found, lasting, start + lasting))
    ratio = np.log2(given / length.astype(np.float32))
    same, following, chord = (each[row, column][..., None] for each in _in_windows(windows))
    bar, beat = (size[row][..., None].astype(np.float32) for size in (windows.bar, windows.beat))
    inside = (ratio > np.log2(1 / 1.21)) & (ratio < np.log2(1 / 0.79))
    told = (
        np.clip(ratio, -3, 3), np.minimum(np.abs(ratio) * 3, 3), inside, np.exp(-miss / 0.02), np.exp(-miss / 0.1),
        np.log2(1 + passed) / 2, off(place, bar) < SAME, off(place, beat) < SAME,
        *(off(place, unit) < SAME for unit in UNITS), given > same + SAME, np.abs(given - same) < SAME,
        np.abs(given - following) < SAME, np.clip(np.log2(given / following), -3, 3),
        np.clip(np.log2(given / chord), -3, 3), np.log2(given),
    )  # fmt: skip
    return value, _told(told, value.shape)


def near(value: Times, windows: Windows, at: tuple[Index, Index], reach: Times | float) -> NDArray[np.bool_]:
    """Which lengths (S, C) may have been written, if what is given lies within `reach` of it: 0.2 for 80 to 120 %.
    Where that leaves none, all that are choices."""
    given = (windows.end - windows.start)[at][..., None]
    there = value > 0
    inside = there & (np.abs(given - value) <= reach * np.maximum(value, 1 / STEP) + SAME / 2)
    return np.where(inside.any(-1, keepdims=True), inside, there)


def _told(columns: tuple[NDArray[np.generic], ...], shape: tuple[int, ...]) -> Floats:
    told = np.empty((*shape, len(columns)), np.float32)
    for number, column in enumerate(columns):
        told[..., number] = column
    return told


def _in_a_line(windows: Windows) -> Times:
    """The onsets of all windows, each window far behind the one before, so that one search serves them all."""
    return (windows.start + np.arange(len(windows.start))[:, None] * ROWS_APART).ravel()


def _others(windows: Windows, row: Index, start: Times, place: Times, reach: float) -> Times:
    """How many notes of the window, the note itself left out, start within `reach` of places (S, C)."""
    known, far = _in_a_line(windows), row[..., None] * ROWS_APART
    first = np.searchsorted(known, place + far - reach, "left")
    count = np.searchsorted(known, place + far + reach, "right") - first
    own = np.abs(place - start) <= reach
    found: Times = np.maximum(count - own, 0).astype(np.float64)
    return found


def _to_onsets(onsets: Times, start: Times, length: Times) -> Times:
    """(S, BETWEEN) lengths to the next onset and to those around the end of the note; 0 where there is none."""
    padded = np.r_[onsets, np.full(2, np.inf)]
    after = np.searchsorted(onsets, start + CHORD, "right")
    end = np.searchsorted(onsets, start + length - HAIR) + np.arange(-2, 2)
    which = np.concatenate([after, np.where((end == after) | (end <= 0), len(onsets), end)], -1)
    gap = padded[which] - start
    return np.where((gap > CHORD) & (gap < ROWS_APART / 2), gap, 0)


def _next_to(onsets: Times, start: Times, place: Times) -> tuple[Times, Times]:
    """For places (S, C) the quarters to the nearest onset, and how many onsets lie between start and place."""
    edges = np.r_[-np.inf, onsets, np.inf]
    index = np.searchsorted(onsets, place)
    before = place - edges[index]
    first = np.searchsorted(onsets, start + CHORD, "right")
    # onsets lie further than CHORD apart, so at most one of those before `place` is too near to lie between
    passed = np.maximum(index - (before <= CHORD) - first, 0)
    return np.minimum(before, edges[index + 1] - place), passed.astype(np.float64)


def _in_windows(windows: Windows) -> tuple[Floats, Floats, Floats]:
    """Quarters (B, T) to the next onset of the same pitch and to the next onset at all, FAR where there is none, and
    the geometric mean of the lengths of the notes that start together."""
    start = windows.start.astype(np.float32)
    apart = start[:, None, :] - start[:, :, None]
    later = np.where(apart > CHORD, apart, np.float32(FAR))
    same = windows.pitch[:, None, :] == windows.pitch[:, :, None]
    chord = (np.abs(apart) < CHORD).astype(np.float32)
    length = np.log(np.maximum(windows.end - windows.start, 1 / 960)).astype(np.float32)
    mean = np.exp((chord @ length[..., None])[..., 0] / chord.sum(-1))
    gap: Floats = np.where(same, later, np.float32(FAR)).min(-1)
    return gap, later.min(-1), mean
