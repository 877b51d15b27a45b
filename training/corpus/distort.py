"""Notes as nobody wrote them: stretched lengths as Deep Symphony's, and a model of how people play.

Times are quarter notes; rows are the notes of one window in order of onset.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Times = NDArray[np.float64]
LOW, HIGH = 0.8, 1.2
NEAR = 0.065  # logarithm of a ratio; a length that differs by more from every candidate is no note value


def stretched(length: Times, rng: np.random.Generator) -> Times:
    """Each length 80 to 120 % of itself, independently."""
    return length * rng.uniform(LOW, HIGH, length.shape)


def played_onsets(start: Times, tempo: float, rng: np.random.Generator) -> Times:
    """Onsets that drift against the beat, chords that are spread or broken or far from their place, and the hand's own
    noise, about what pianists do: 10 to 40 ms, and a few hundredths of a beat."""
    second = tempo / 60  # quarters
    knots = np.arange(np.floor(start[0]) - 1, start[-1] + 2, rng.choice([0.5, 1.0, 2.0]))
    drift = np.interp(start, knots, rng.normal(0, rng.uniform(0, 0.06), len(knots)))
    late = rng.normal(0, rng.uniform(0.003, 0.018) * second, start.shape)
    chords = np.flatnonzero(np.diff(start, prepend=-1.0) > 1e-6)
    chord = np.searchsorted(chords, np.arange(len(start)), "right") - 1
    broken = rng.random(len(chords)) < rng.choice([0.0, 0.02, 0.15])
    place = np.arange(len(start)) - chords[chord]  # from the lowest note on
    far = np.where(rng.random(len(chords)) < rng.uniform(0, 0.05), rng.normal(0, 0.1, len(chords)), 0.0)
    roll = broken[chord] * place * rng.uniform(0.02, 0.06, len(chords))[chord] * second
    moved: Times = start + drift + np.clip(late, -0.12, 0.12) + roll + far[chord]
    return moved


def played_lengths(start: Times, length: Times, rng: np.random.Generator) -> Times:
    """Lengths as played: a row of staccato, of legato or between, single short notes, and notes that a pedal holds."""
    touch = rng.uniform(-1.1, 0.0) + rng.normal(0, rng.uniform(0.05, 0.35), length.shape)
    short = rng.random(length.shape) < rng.choice([0.0, 0.05, 0.3])
    played = length * np.exp(np.where(short, rng.uniform(-1.6, -0.5, length.shape), touch))
    if rng.random() < 0.3:  # legato: each note ends when its own time is over, or a little later
        over = rng.uniform(-0.05, 0.15, length.shape)
        played = np.where(short, played, length + np.minimum(over, 0.5 * length))
    if rng.random() < 0.15:  # a pedal that changes every few quarters
        span = rng.choice([1.0, 2.0, 3.0, 4.0])
        held = (np.floor(start / span) + 1) * span - start + rng.uniform(0, 0.2)
        played = np.where(rng.random(length.shape) < 0.8, np.maximum(played, held), played)
    return np.maximum(played, 0.02)
