"""Originality: what a clip shares with the corpus that a network has learnt from, whatever its key.

The notes of a piece in order are intervals and steps between onsets. A run is so many notes in a row with equal
intervals and equal steps: k notes are k - 1 pairs of both. Where the corpus has one voice the line counts, the highest
of the notes that start together; else all notes, those that start together from the lowest.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from continuo_daw.assistant.bundles.bundle import Card
from continuo_daw.assistant.music.clip import Clip
from continuo_daw.assistant.originality.lines import SPREAD, Ints, line_of, piece_of, symbols_of
from continuo_daw.assistant.originality.nearest import PITCHES, Pieces, Seeds, keys_of, seeds_of
from continuo_daw.assistant.originality.shared_runs import SharedRuns, order_of

GRAM = 12  # notes of the grams that `copied_share` counts
LEAST_RUN = 4  # notes of a run that is worth a picture
MOST_NOTES = 2_000_000
BORDER = -(2**30)  # symbol of the first note of a piece, which no clip has


@dataclass(frozen=True, slots=True)
class Run:
    """`length` notes in a row from note `clip` of the clip and note `piece` of the piece on."""

    clip: int
    piece: int
    length: int


@dataclass(frozen=True, slots=True)
class Found:
    """What a clip shares with a corpus.

    copied_notes: notes of the longest run that one piece has, 0 where not even two notes are shared
    copied_share: share of the clip's 12-grams that occur in the corpus, 0 for a clip of fewer notes
    nearest: title of the nearest piece, "" where nothing is shared
    similarity: 0 to 1, what part of the clip stands in that piece, note for note at the same place, whatever its key,
        octave and tempo; notes that any tune has count little
    piece: number of the nearest piece, -1 for none; runs: those of at least `LEAST_RUN` notes that are shared with it
    pairs: (note of the clip, note of the piece) of all notes at the same place; both count notes of a `Line`
    scale, semitones: the clip's times times `scale` and its pitches plus `semitones` are those of the piece
    """

    copied_notes: int = 0
    copied_share: float = 0.0
    nearest: str = ""
    similarity: float = 0.0
    piece: int = -1
    runs: tuple[Run, ...] = ()
    pairs: tuple[tuple[int, int], ...] = ()
    scale: float = 1.0
    semitones: int = 0


@dataclass(frozen=True)
class Sorted:
    """What takes long to make of a corpus of N notes: `order_of` its symbols (N,), `seeds_of` its notes."""

    order: NDArray[np.int32]
    seeds: Seeds


@dataclass(frozen=True)
class Index:
    """The pieces of a corpus, P of N notes together.

    one: whether only the line counts; interval (N,) semitones, steps (N,) since the note before, or at the first note
    of a piece 0 and the steps since the piece's start; first (P,) its first note's place; pitch (P,) of that note;
    titles (P,); bars (S, 3) piece, first step and steps a bar of each section; stored: the same sorted, as it was read
    """

    one: NDArray[np.bool_]
    interval: NDArray[np.int8]
    steps: NDArray[np.uint16]
    first: NDArray[np.int32]
    pitch: NDArray[np.uint8]
    titles: NDArray[np.str_]
    bars: NDArray[np.int32]
    stored: Sorted | None = None

    @classmethod
    def of(cls, pieces: Sequence[tuple[str, Sequence[Clip]]], one: bool) -> Index:
        """The index of titled pieces, each the clips that follow each other in it. Raises ValueError where they have
        too many notes."""
        columns: dict[str, list[Any]] = {"interval": [], "steps": [], "pitch": [], "titles": [], "bars": []}
        for title, sections in pieces:
            onset, pitch, bars = piece_of(sections, one)
            if not len(onset):
                continue
            number = len(columns["titles"])
            columns["interval"].append(np.diff(pitch, prepend=pitch[0]))
            columns["steps"].append(np.minimum(np.diff(onset, prepend=0), SPREAD - 1))
            columns["pitch"].append(pitch[0])
            columns["titles"].append(title)
            columns["bars"].extend((number, start, bar) for start, bar in bars)
        sizes = [len(part) for part in columns["interval"]]
        if sum(sizes) > MOST_NOTES:
            raise ValueError(f"{sum(sizes)} notes are more than {MOST_NOTES}")
        none = np.zeros(0, np.int64)
        return cls(
            np.array(one),
            np.concatenate([none, *columns["interval"]]).astype(np.int8),
            np.concatenate([none, *columns["steps"]]).astype(np.uint16),
            np.cumsum([0, *sizes])[:-1].astype(np.int32),
            np.array(columns["pitch"], np.uint8),
            np.array(columns["titles"], np.str_),
            np.array(columns["bars"], np.int32).reshape(-1, 3),
        )

    def bounds(self, piece: int) -> tuple[int, int]:
        """First note of a piece, and the one behind its last."""
        ends = np.append(self.first, len(self.interval))
        return int(ends[piece]), int(ends[piece + 1])

    def bar_lines(self, piece: int) -> list[tuple[int, int]]:
        """(step, number) of the bars of a piece, numbered from 1."""
        rows = self.bars[self.bars[:, 0] == piece, 1:].tolist()
        ends = [row[0] for row in rows[1:]] + [int(self.onsets[self.bounds(piece)[1] - 1]) + 1]
        starts = [step for (start, bar), end in zip(rows, ends, strict=True) for step in range(start, end, bar)]
        return [(step, number) for number, step in enumerate(starts, 1)]

    def bar_of(self, piece: int, note: int) -> int:
        """The number of the bar in which a note of a piece begins."""
        onset = int(self.onsets[self.bounds(piece)[0] + note])
        return max((number for step, number in self.bar_lines(piece) if step <= onset), default=1)

    @property
    def onsets(self) -> Ints:
        """(N,) steps since the start of its piece."""
        return self._key // PITCHES - np.repeat(
            self._key[self.first] // PITCHES - self.steps[self.first], np.diff(self._begins)
        )

    @cached_property
    def pitches(self) -> NDArray[np.int16]:
        """(N,) MIDI pitches."""
        change = self.interval.astype(np.int16)
        change[self.first] = 0
        last = self.pitch + np.add.reduceat(change, self.first, dtype=np.int32) if len(change) else self.pitch
        change[self.first] = self.pitch - np.append(0, last)[:-1]
        return np.cumsum(change, dtype=np.int16)

    @cached_property
    def sorted(self) -> Sorted:
        """What the file of the index holds sorted; an index that has just been made, or is of an older version of the
        program, is sorted now, which takes a second for a million notes."""
        return self.stored or Sorted(order_of(self._symbols), seeds_of(self._key, self._begins))

    @property
    def _begins(self) -> Ints:
        """(P + 1,) first note of each piece, and N."""
        return np.append(self.first, len(self.interval)).astype(np.int64)

    @property
    def _symbols(self) -> NDArray[np.int32]:
        symbols = symbols_of(self.interval.astype(np.int32), self.steps)
        symbols[self.first] = BORDER
        return symbols

    @cached_property
    def _key(self) -> Ints:
        return keys_of(self.steps, self.pitches, self._begins)

    @cached_property
    def _runs(self) -> SharedRuns:
        return SharedRuns.of(self._symbols, self.sorted.order)

    @cached_property
    def _pieces(self) -> Pieces:
        return Pieces(self._key, self._begins, self.sorted.seeds)

    def search(self, clip: Clip) -> Found:
        """What a clip shares with the corpus."""
        line = line_of(clip, bool(self.one))
        if clip.drums or len(line.pitch) < 2 or not len(self.interval):
            return Found()
        symbols = symbols_of(np.diff(line.pitch), np.diff(line.steps))
        length, place = self._runs.longest(symbols)
        copied, grams = int(length.max()), len(line.pitch) - GRAM + 1
        share = float((length[: max(grams, 0)] >= GRAM - 1).sum() / max(grams, 1))
        best = int(length.argmax())
        # the pair before note k + 1 is symbol k of the clip, and symbol k + 1 of a piece
        run = (best, int(place[best]) - 1) if copied else None
        nearest = self._pieces.nearest(line.onset, line.pitch, run)
        if nearest is None:
            return Found(copied + bool(copied), share)
        first = int(self.first[nearest.piece])
        pairs = tuple((a, b - first) for a, b in nearest.pairs)
        return Found(
            copied + bool(copied),
            share,
            str(self.titles[nearest.piece]),
            nearest.similarity,
            nearest.piece,
            _runs_of(pairs),
            pairs,
            nearest.scale,
            nearest.semitones,
        )


def _runs_of(pairs: Sequence[tuple[int, int]]) -> tuple[Run, ...]:
    """The stretches of pairs in which clip and piece go on note by note."""
    runs: list[Run] = []
    start = 0
    for at in range(1, len(pairs) + 1):
        (a, b), going = pairs[at - 1], at < len(pairs)
        if going and pairs[at] == (a + 1, b + 1):
            continue
        if at - start >= LEAST_RUN:
            runs.append(Run(*pairs[start], at - start))
        start = at
    return tuple(runs)


def human_level(card: Card, notes: int) -> tuple[float, float] | None:
    """(copied_notes, copied_share) of held-out pieces in stretches of so many notes: nine of ten share no longer run,
    and so large is the mean share of 12-grams. None where the card does not say it."""
    found = measured(card, "human", notes, ("copied_notes_p90", "copied_share_mean"))
    return (found[0], found[1]) if found else None


def alarm_level(card: Card, notes: int) -> float | None:
    """The similarity that 1 in 200 stretches of so many notes of held-out pieces is above. None as above."""
    found = measured(card, "checker", notes, ("alarm",))
    return found[0] if found else None


def measured(card: Card, table: str, notes: int, columns: Sequence[str]) -> list[float] | None:
    """Values of some columns at a length between those that were measured; outside, that of the nearest."""
    try:
        rows = card.metrics["originality"][table]
        lengths = [math.log2(row["notes"]) for row in rows]
        at = math.log2(max(notes, 1))
        return [float(np.interp(at, lengths, [row[column] for row in rows])) for column in columns]
    except (KeyError, TypeError, ValueError):
        return None
