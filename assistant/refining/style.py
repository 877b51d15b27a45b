"""The dynamics of one clip for another: how its velocities follow from what the network says and from a few plain
things, learnt from that one clip, and so held near to what the network says where the clip says little.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from continuo_daw.assistant.music.clip import TICKS, Clip, Note
from continuo_daw.assistant.refining.dynamics import WITHIN, chords_of
from continuo_daw.assistant.refining.surroundings import beat_of, strength

Floats = NDArray[np.float64]

SHRINK = 16.0  # notes of the clip that count as much as what the network says
FLAG = 0.5  # about the standard deviation of a column of yes and no
STRONG = 1  # the bar line and the middle of the bar; see `strength`


@dataclass(frozen=True)
class Style:
    """How a clip is played: velocity = `mean` + (`columns` - `centre`) @ `weights`, about which what the network says
    of the scale is `freedom` times as much."""

    mean: float
    centre: Floats  # (4,)
    weights: Floats  # (4,)
    freedom: float


def columns(clip: Clip, location: Floats) -> Floats:
    """(N, 4) of the notes that sound: what the network says (N,), whether a note is the highest that sounds, whether
    the lowest, whether it has a strong place in the bar."""
    notes = [note for note in clip.notes if not note.muted]
    time = clip.time
    bars = [time.bar_at(note.start) for note in notes]
    place = np.array([note.start - bar.start for note, bar in zip(notes, bars, strict=True)]) / TICKS
    beat = np.array([beat_of(time.meter_at(note.start)) for note in notes])
    strong = strength(place, np.array([bar.ticks / TICKS for bar in bars]), beat) <= STRONG
    return np.stack([location, _outermost(notes, 1), _outermost(notes, -1), strong], -1).astype(np.float64)


def _outermost(notes: Sequence[Note], sign: int) -> list[bool]:
    """Which notes are the highest that sound when they start; the lowest, where `sign` is -1."""
    chords = chords_of([note.start for note in notes])
    sounding: list[tuple[int, int]] = []  # pitch, highest first, and end
    found: list[bool] = []
    for first, last in zip(*_edges(chords), strict=True):
        for note in notes[first:last]:
            heapq.heappush(sounding, (-sign * note.pitch, note.end))
        while sounding[0][1] <= notes[first].start:
            heapq.heappop(sounding)
        found += [-sign * note.pitch == sounding[0][0] for note in notes[first:last]]
    return found


def _edges(chords: NDArray[np.int64]) -> tuple[list[int], list[int]]:
    """First note and end of each chord."""
    first = np.flatnonzero(np.r_[True, np.diff(chords) > 0])
    return first.tolist(), [*first[1:].tolist(), len(chords)]


def learnt(clip: Clip, location: Floats, scale: Floats) -> Style:
    """The style of a clip of which the network says this location and scale (N,)."""
    velocity = np.array([note.velocity for note in clip.notes if not note.muted], np.float64)
    table = columns(clip, location)
    mean, centre = float(velocity.mean()), table.mean(0)
    unit = np.array([max(float(location.std()), 1.0), FLAG, FLAG, FLAG])
    told = float(np.sqrt(location.var() + 2 * WITHIN * (scale**2).mean()))  # Laplace distributions about locations
    expected = np.array([velocity.std() / told, 0, 0, 0]) * unit
    shape = (table - centre) / unit
    missed = velocity - mean - shape @ expected
    weights = expected + np.linalg.solve(shape.T @ shape + SHRINK * np.eye(len(unit)), shape.T @ missed)
    left = velocity - mean - shape @ weights
    return Style(mean, centre, weights / unit, float(np.abs(left).mean() / (math.sqrt(WITHIN) * scale.mean())))


def applied(style: Style, clip: Clip, location: Floats, scale: Floats) -> tuple[Floats, Floats]:
    """Location and scale (N,) of a clip, of which the network says these, in a style."""
    return style.mean + (columns(clip, location) - style.centre) @ style.weights, scale * style.freedom
