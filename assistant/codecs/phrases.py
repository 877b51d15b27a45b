"""The phrase codec: the bars of a clip as rows of notes, and back.

A note is four numbers: `position` in its bar and `duration` in grid steps, `pitch`, and `velocity` in levels of four.
A phrase is a fixed number of bars of one meter; what a network makes of it is drawn bar by bar.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from continuo_daw.assistant.codecs.events import EventCodec
from continuo_daw.assistant.music.clip import TICKS, Clip, Note

QUARTERS = 6  # the longest bar that has a place: 6/4, 12/8, 3/2
VELOCITY_STEP = 4
VELOCITIES = 128 // VELOCITY_STEP
SLOTS_A_QUARTER = 4


@dataclass(frozen=True)
class Bars:
    """B bars of one meter, N notes at most in each.

    notes: (B, N, 4) position, pitch, duration, velocity level, in order; zeros behind the last; count: (B,) notes;
    steps: grid steps of each bar
    """

    notes: NDArray[np.int64]
    count: NDArray[np.int64]
    steps: int


@dataclass(frozen=True)
class PhraseCodec:
    """`bars` in a phrase, `most` notes in a bar, `resolution` steps a quarter; `voices` is `one` or `many`."""

    bars: int = 2
    most: int = 24
    voices: str = "one"
    resolution: int = 24

    def __post_init__(self) -> None:
        for name, most in (("bars", 64), ("most", 4096), ("resolution", 960)):
            value = getattr(self, name)
            if type(value) is not int or not 1 <= value <= most:
                raise ValueError(f"{name} {value!r} is not a whole number from 1 to {most}")
        if self.resolution % SLOTS_A_QUARTER:
            raise ValueError(f"resolution {self.resolution} is not a multiple of {SLOTS_A_QUARTER}")
        _ = self.events

    @cached_property
    def events(self) -> EventCodec:
        """The codec that lays notes on the same grid."""
        return EventCodec(self.resolution, self.voices)

    @property
    def step(self) -> int:
        """Ticks a grid step."""
        return TICKS // self.resolution

    @property
    def positions(self) -> int:
        """Places in a bar, and the value that says that a bar has no more notes."""
        return QUARTERS * self.resolution

    @property
    def slots(self) -> int:
        """Sixteenths in the longest bar."""
        return QUARTERS * SLOTS_A_QUARTER

    def refusal(self, clip: Clip) -> str:
        """Why a clip's meter has no place here; empty where it has."""
        numerator, denominator = clip.meter
        if clip.bar > QUARTERS * TICKS:
            return f"meter {numerator}/{denominator} has bars of more than {QUARTERS} quarters"
        if clip.bar % self.step:
            return f"meter {numerator}/{denominator} has no whole bars on the grid of {self.resolution} a quarter"
        return ""

    def encode(self, clip: Clip) -> Bars:
        """The bars of a clip; muted notes are left out, a bar keeps its first `most` notes, and no note is longer than
        the longest bar. Raises ValueError for a meter without a place."""
        rows = self.rows(clip)
        count = np.array([min(len(row), self.most) for row in rows], np.int64)
        notes = np.zeros((len(rows), self.most, 4), np.int64)
        for index, row in enumerate(rows):
            if row:
                notes[index, : count[index]] = row[: self.most]
        return Bars(notes, count, clip.bar // self.step)

    def rows(self, clip: Clip) -> list[list[tuple[int, int, int, int]]]:
        """All notes of each bar of a clip, in order. Raises ValueError for a meter without a place."""
        if reason := self.refusal(clip):
            raise ValueError(reason)
        steps = clip.bar // self.step
        rows: list[list[tuple[int, int, int, int]]] = [[] for _ in range(clip.bars)]
        for onset, pitch, duration, velocity, _, _ in self.events.grid(clip):
            bar = min(onset // steps, len(rows) - 1)  # what rounds to the end of the clip stays in it
            position = min(onset - bar * steps, steps - 1)
            rows[bar].append((position, pitch, min(duration, self.positions), velocity // VELOCITY_STEP))
        return [sorted(row) for row in rows]

    def decode(self, bars: Bars) -> tuple[Note, ...]:
        """The notes of bars that follow each other. With `voices` one a note ends where the next begins."""
        notes = sorted(self._notes(bars))
        if self.voices == "one":
            notes = [Note(a.start, a.pitch, min(a.duration, b.start - a.start), a.velocity) for a, b in apart(notes)]
        return tuple(notes)

    def _notes(self, bars: Bars) -> Iterator[Note]:
        for bar, (row, count) in enumerate(zip(bars.notes.tolist(), bars.count.tolist(), strict=True)):
            for position, pitch, duration, velocity in row[:count]:
                start = (bar * bars.steps + position) * self.step
                yield Note(start, pitch, duration * self.step, max(1, velocity * VELOCITY_STEP))


PLACES = (6, 8, 3)  # of 24 to the quarter: sixteenths, triplets of eighths, thirty-seconds, the likelier first
SHORTEST = TICKS // 8
NEARLY = TICKS // 8  # a note that ends so little before the next one begins was meant to reach it


def tidied(clip: Clip) -> Clip:
    """The clip as it would be written: onsets and ends on sixteenths, triplets or thirty-seconds, and no gaps where a
    player only lifts the finger. Networks learn from written music; what is played a little short confuses them."""
    onsets = sorted({written_onset(note.start, clip.length) for note in clip.notes if not note.muted})
    notes = []
    for note in clip.notes:
        start = written_onset(note.start, clip.length)
        later, end = bisect_right(onsets, start), max(_place(note.end), start + SHORTEST)
        after = onsets[later] if later < len(onsets) else clip.length
        notes.append(replace(note, start=start, duration=(after if 0 < after - end <= NEARLY else end) - start))
    return replace(clip, notes=tuple(notes))


def written_onset(tick: int, length: int) -> int:
    """The place where a note would be written that starts at `tick` of a clip of `length` ticks."""
    return min(_place(tick), max(0, length - 1) // SHORTEST * SHORTEST)


def _place(tick: int) -> int:
    """The nearest place where written notes start or end."""
    unit = TICKS // 24
    found = (round(tick / (step * unit)) * step * unit for step in PLACES)
    return min(found, key=lambda place: abs(place - tick))


def apart(notes: list[Note]) -> Iterator[tuple[Note, Note]]:
    """Each note with the next one that starts later; of one onset the highest."""
    highest = list({note.start: note for note in notes}.values())
    yield from pairwise([*highest, *([Note(highest[-1].end, 0, 1)] if highest else [])])
