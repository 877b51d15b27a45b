"""Up-beats: what the first bar of a piece lacks at its front, said by a short first measure or heard in the notes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from continuo_daw.assistant.music.time_map import TICKS, Meter, bar_ticks

STEP = TICKS // 2  # up-beats are looked for in whole eighths
BARS = 6  # a shorter stretch says too little about its bars
EVIDENCE = 0.7  # how far the best place of the bar line must beat tick 0
ON_LINE = TICKS // 48
FEWEST = 8  # notes

Changes = tuple[tuple[int, Meter], ...]


def short_measure(meters: Changes) -> tuple[int, Changes]:
    """The up-beat that programs such as MuseScore write as a first measure in a meter of its own, and the meters
    without it; 0 where there is none."""
    if len(meters) > 1:
        (_, short), (tick, meter), *rest = meters
        if tick == bar_ticks(short) < bar_ticks(meter):
            return tick, ((0, meter), *rest)
    return 0, meters


def heard(onsets: NDArray[np.int64], lengths: NDArray[np.int64], bar: int, end: int) -> int:
    """Ticks from 0 to the first bar line, as the notes say it; 0 unless they say clearly that there is an up-beat.

    Onsets (N,) and lengths (N,) of the notes before `end`, where the meter, of `bar` ticks, ends. Long notes start on
    bar lines, and few notes sound across them. An up-beat that is missed is a lesser fault than one that is invented,
    so in doubt it is 0.
    """
    if len(onsets) < FEWEST or end < BARS * bar or onsets.min() > ON_LINE:
        return 0
    places = np.arange(0, bar, STEP)
    ahead = (places[:, None] - onsets) % bar  # (places, notes): from each onset to the next bar line
    starts = np.minimum(ahead, bar - ahead) <= ON_LINE
    weights = np.minimum(lengths, bar) ** 1.5
    weight = (starts * weights).sum(axis=1) / weights.sum()
    crossing = (~starts & (ahead < lengths - ON_LINE)).sum(axis=1) * bar / end
    scores = np.log(weight + 0.02) - crossing / 2
    best = int(scores.argmax())
    # played notes stand on no grid, and their bars cannot be told in this way
    clear = scores[best] > scores[0] + EVIDENCE and weight.sum() > 0.5
    return int(places[best]) if clear else 0
