"""Swing: where the off-beats lie."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from continuo_daw.assistant.music.clip import TICKS, Clip

LATEST = 0.76  # part of the beat, beyond which nothing is an off-beat


def swung_ticks(meter: tuple[int, int]) -> int:
    """Ticks of the beat whose halves swing: a quarter, or the lower number of the meter where that is shorter."""
    return min(TICKS, TICKS * 4 // meter[1])


def swung(ticks: NDArray[np.int64], swing: Sequence[float], bar: int, beat: int) -> NDArray[np.int64]:
    """Where swing moves times (N,) in ticks: the middle of each beat lies at `swing` percent of it, bar lines stay."""
    place = np.asarray(swing)[np.minimum(ticks // bar, len(swing) - 1)] / 100
    phase = ticks % beat / beat
    later = np.where(phase < 0.5, phase * 2 * place, place + (phase - 0.5) * 2 * (1 - place))
    moved: NDArray[np.int64] = ticks - ticks % beat + np.rint(later * beat).astype(np.int64)
    return moved


def swing_of(clip: Clip) -> float:
    """Where the off-beats of a clip lie, in percent of the beat; 50 where it has none. The off-beat of a beat is the
    first note in its second half."""
    beat = swung_ticks(clip.meter)
    late: dict[int, float] = {}
    for note in clip.notes:
        phase = (note.start % beat) / beat
        if not note.muted and 0.5 <= phase <= LATEST:
            late.setdefault(note.start // beat, 100 * phase)
    return float(np.median(list(late.values()))) if late else 50.0
