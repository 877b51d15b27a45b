"""The classes in which the score network tells times, intervals and places; all times in grid steps."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from continuo_daw.assistant.codecs.score.window import MOST_BARS, SPARE, Window

DIRECT = 96  # steps that have a class of their own
BUCKETS = 15  # classes of `DIRECT` steps each beyond them
ONSETS = DIRECT + 1 + BUCKETS + 1  # classes of the time to the next onset: 0 to 96, buckets, END
END_CLASS, NO_ONSET = ONSETS - 1, ONSETS
DURATIONS = DIRECT + BUCKETS  # classes of a duration: 1 to 96, buckets
NO_DURATION = DURATIONS
NO_PITCH, NO_CLASS = 128, 12
START_KEY = 256  # keys of drums stand 128 higher than tones
STEPS, NO_STEP = 51, 51  # intervals of -25 to 25 semitones
UNKNOWN_PLACE = 384
PLACES, METERS = 385, 66
LEFTS, UNKNOWN_LEFT = MOST_BARS + 2, MOST_BARS + 1
IGNORED = -100
FADING = 192.0  # steps in which the weight of a heard pitch class falls to 1/e
NEAR = 48.0  # steps around an onset from which given notes colour it
START, NOTE, END, PAD = range(4)

Array = NDArray[np.int64]


def onset_class(delta: Array) -> Array:
    """The class of the steps to the next onset."""
    return np.where(delta <= DIRECT, delta, DIRECT + 1 + np.minimum((delta - DIRECT - 1) // DIRECT, BUCKETS - 1))


def duration_class(duration: Array) -> Array:
    """The class of a duration."""
    return np.where(
        duration <= DIRECT, duration - 1, DIRECT + np.minimum((duration - DIRECT - 1) // DIRECT, BUCKETS - 1)
    )


def rest_class(steps: Array) -> Array:
    """Which step within its bucket, -100 where the class says all."""
    return np.where(steps <= DIRECT, IGNORED, (steps - DIRECT - 1) % DIRECT)


def places(onset: Array, window: Window) -> dict[str, Array]:
    """For onsets (N,): place in the bar, meter, steps a bar, bars since the start, bars left."""
    bars = window.bars.astype(np.int64)
    at = np.maximum(np.searchsorted(bars[:, 0], onset, "right") - 1, 0)
    size = bars[at, 1]
    step = np.where(size > 0, size, SPARE)
    before = np.cumsum([0, *(np.diff(bars[:, 0]) / np.where(bars[:-1, 1] > 0, bars[:-1, 1], SPARE))])
    coordinate = before[at] + (onset - bars[at, 0]) / step
    place = np.where(size > 0, np.minimum((onset - bars[at, 0]) % step, UNKNOWN_PLACE - 1), UNKNOWN_PLACE)
    left = np.full(len(onset), UNKNOWN_LEFT)
    if window.end >= 0:
        last = max(int(np.searchsorted(bars[:, 0], window.end - 1, "right")) - 1, 0)
        end = before[last] + (window.end - bars[last, 0]) / (bars[last, 1] or SPARE)
        left = np.clip(np.ceil(end - 1e-6) - np.floor(coordinate), 0, MOST_BARS).astype(np.int64)
    return {"place": place, "meter": bars[at, 2], "bar": step, "coordinate": coordinate, "left": left}


def step_class(pitch: Array, last: Array, told: NDArray[np.bool_]) -> Array:
    """The class of the interval from `last` to `pitch`."""
    return np.where(told & (last >= 0), np.clip(pitch - last, -25, 25) + 25, NO_STEP)
