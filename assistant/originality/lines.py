"""Lines: the notes of a clip or a piece in order, on a grid, as what is compared of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from continuo_daw.assistant.music.clip import TICKS, Clip, bar_ticks

Ints = NDArray[np.int64]

STEP = TICKS // 24  # ticks a step of the grid
SPREAD = 2**16  # symbol of a pair: interval * SPREAD + steps


@dataclass(frozen=True)
class Line:
    """The notes of a clip that count, in order: onset (n,) in steps, not rounded, pitch (n,), note (n,): which note of
    the clip each is."""

    onset: NDArray[np.float64]
    pitch: Ints
    note: Ints

    @property
    def steps(self) -> Ints:
        """(n,) the nearest whole steps."""
        return np.floor(self.onset + 0.5).astype(np.int64)


def line_of(clip: Clip, one: bool) -> Line:
    """The notes that sound, each pitch once a step; of those that start together the highest, if `one`."""
    rows = [(note.start, note.pitch, index) for index, note in enumerate(clip.notes) if not note.muted]
    table = np.array(rows, np.int64).reshape(-1, 3)
    step = (table[:, 0] + STEP // 2) // STEP
    order = np.lexsort((table[:, 1], step))
    table, step = table[order], step[order]
    apart = np.diff(step) > 0
    last = np.append(apart if one else apart | (np.diff(table[:, 1]) > 0), True)[: len(table)]
    table = table[last]
    return Line(table[:, 0] / STEP, table[:, 1], table[:, 2])


def piece_of(sections: Sequence[Clip], one: bool) -> tuple[Ints, Ints, list[tuple[int, int]]]:
    """Onsets and pitches (n,) of a piece, and (first step, steps a bar) of its sections."""
    onsets, pitches, bars, start = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)], [], 0
    for section in sections:
        line = line_of(section, one)
        onsets.append(line.steps + start)
        pitches.append(line.pitch)
        bars.append((start, max(1, bar_ticks(section.meter) // STEP)))
        start += -(-section.length // STEP)
    return np.concatenate(onsets), np.concatenate(pitches), bars


def symbols_of(interval: NDArray[Any], steps: NDArray[Any]) -> NDArray[Any]:
    """One number for each pair of an interval and the steps that it takes, of the type of the intervals."""
    symbols: NDArray[Any] = interval * SPREAD + np.minimum(steps, SPREAD - 1)
    return symbols
