"""What the score network hears and is to write, as tables of notes: the window and its units.

A lane is a voice, an instrument or the drums; hands of one keyboard are one lane.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from continuo_daw.assistant.music.clip import TICKS

RESOLUTION = 24  # steps a quarter
STEP = TICKS // RESOLUTION  # ticks a step
ONSET, TRACK, KEY, LENGTH, LOUDNESS = range(5)  # columns of a table of notes
LANES = 8  # written lanes at most
DRUMS, ANY_PROGRAM = 128, 129  # behind the programs of General MIDI
PROGRAMS = 130
MOST_BARS = 33  # bars left that are told apart
SPARE = 96  # steps that stand for a bar where none is known

Table = NDArray[np.int32]


@dataclass(frozen=True)
class Window:
    """One row: `notes` (N, 5) of the written lanes and `given` (M, 5), both sorted, times from the window's start.

    Lanes of `given` number its own lanes; `given_lane` (M,) is the written lane whose notes they are, -1 for none.
    programs (lanes,) of the written lanes, voices (lanes,) which are known to be one voice; given_programs (M,).
    learnt (N,) is False for events that are forced.
    ends: END behind the last event is to be learnt. bars (sections, 3) as of a piece; end in steps, -1 unknown.
    """

    notes: Table
    given: Table
    given_lane: NDArray[np.int32]
    given_programs: NDArray[np.int32]
    programs: NDArray[np.int32]
    learnt: NDArray[np.bool_]
    ends: bool
    bars: Table
    end: int
    condition: NDArray[np.float32]
    style: int
    name: str = ""
    voices: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(LANES, bool))
