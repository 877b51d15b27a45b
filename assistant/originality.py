"""Originality: what a clip shares with the corpus that a network has learnt from, whatever its key.

The notes of a piece in order are intervals and steps between onsets. A run is so many notes in a row with equal
intervals and equal steps: k notes are k - 1 pairs of both. Where the corpus has one voice the line counts, the highest
of the notes that start together; else all notes, those that start together from the lowest.
"""

from __future__ import annotations

import io
import math
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assistant.bundle import Card
from assistant.clip import TICKS, Clip, bar_ticks
from assistant.request import AssistantError
from assistant.resemblance import Resemblance
from assistant.shared_runs import Ints, SharedRuns

STEP = TICKS // 24  # ticks a step of the grid
GRAM = 12  # notes of the grams that `copied_share` counts
LEAST_RUN = 4  # notes of a run that is worth a picture
MOST_BYTES = 64 * 2**20  # of an index, unpacked
MOST_NOTES = 2_000_000
SPREAD = 2**16  # symbol of a pair: interval * SPREAD + steps
BORDER = -(2**31)  # symbol of the first note of a piece, which no clip has


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
    likeness: 0 to 1, what part of the clip stands in that piece, note for note at the same place, whatever its key,
        octave and tempo; notes that any tune has count little
    piece: number of the nearest piece, -1 for none; runs: those of at least `LEAST_RUN` notes that are shared with it
    pairs: (note of the clip, note of the piece) of all notes at the same place; both count notes of a `Line`
    """

    copied_notes: int = 0
    copied_share: float = 0.0
    nearest: str = ""
    likeness: float = 0.0
    piece: int = -1
    runs: tuple[Run, ...] = ()
    pairs: tuple[tuple[int, int], ...] = ()
    scale: float = 1.0
    semitones: int = 0


@dataclass(frozen=True)
class Index:
    """The pieces of a corpus, P of N notes together.

    one: whether only the line counts; interval (N,) semitones, steps (N,) since the note before, or at the first note
    of a piece 0 and the steps since the piece's start; first (P,) its first note's place; pitch (P,) of that note;
    titles (P,); bars (S, 3) piece, first step and steps a bar of each section
    """

    one: NDArray[np.bool_]
    interval: NDArray[np.int8]
    steps: NDArray[np.uint16]
    first: NDArray[np.int32]
    pitch: NDArray[np.uint8]
    titles: NDArray[np.str_]
    bars: NDArray[np.int32]

    @classmethod
    def of(cls, pieces: Sequence[tuple[str, Sequence[Clip]]], one: bool) -> Index:
        """The index of titled pieces, each the clips that follow each other in it. Raises ValueError where they have
        too many notes."""
        columns: dict[str, list[Any]] = {"interval": [], "steps": [], "pitch": [], "titles": [], "bars": []}
        for title, sections in pieces:
            onset, pitch, bars = _piece(sections, one)
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

    @classmethod
    def read(cls, data: bytes) -> Index:
        """What `bytes` gave. Raises AssistantError `no_model` for anything else; nothing in it is executed."""
        try:
            with zipfile.ZipFile(io.BytesIO(data)) as packed:
                if sum(part.file_size for part in packed.infolist()) > MOST_BYTES:
                    raise ValueError(f"it unpacks to more than {MOST_BYTES} bytes")
            with np.load(io.BytesIO(data), allow_pickle=False) as stored:
                index = cls(**{field.name: stored[field.name] for field in fields(cls)})
            index._check()
        except (zipfile.BadZipFile, zlib.error, KeyError, EOFError, OSError, ValueError, TypeError) as error:
            raise AssistantError("no_model", f"the index of the corpus cannot be read: {error}") from None
        except (MemoryError, RuntimeError, NotImplementedError) as error:
            raise AssistantError("no_model", f"the index of the corpus cannot be read: {error!r}") from None
        return index

    def bytes(self) -> bytes:
        """The index as a file of a bundle."""
        file = io.BytesIO()
        np.savez_compressed(file, **{field.name: getattr(self, field.name) for field in fields(self)})
        return file.getvalue()

    def _check(self) -> None:
        """Raises ValueError where arrays do not fit each other, or hold what cannot be."""
        notes, pieces = self.interval.size, self.titles.size
        shapes = {"one": (), "interval": (notes,), "steps": (notes,), "first": (pieces,), "pitch": (pieces,)}
        shapes |= {"titles": (pieces,), "bars": (len(self.bars) if self.bars.ndim else 0, 3)}
        kinds = {"one": "b1", "interval": "i1", "steps": "u2", "first": "i4", "pitch": "u1", "bars": "i4"}
        for name, shape in shapes.items():
            array: NDArray[Any] = getattr(self, name)
            if array.shape != shape or (array.dtype.kind != "U" if name == "titles" else array.dtype != kinds[name]):
                raise ValueError(f"{name} has the shape {array.shape} and the type {array.dtype}")
        if notes > MOST_NOTES:
            raise ValueError(f"{notes} notes are more than {MOST_NOTES}")
        begins = np.append(self.first, notes)
        if begins[0] or (np.diff(begins) <= 0).any():
            raise ValueError("pieces do not follow each other")
        if ((self.pitches < 0) | (self.pitches > 127)).any():
            raise ValueError("a pitch is outside 0 to 127")
        order = np.diff(self.bars[:, 0]) if len(self.bars) else np.zeros(0)
        if (
            (order < 0).any()
            or (self.bars < 0).any()
            or (self.bars[:, 0] >= pieces).any()
            or (self.bars[:, 2] < 1).any()
        ):
            raise ValueError("bars are out of order")

    @cached_property
    def owner(self) -> Ints:
        """(N,) the piece of each note."""
        return np.repeat(np.arange(len(self.first)), np.diff(np.append(self.first, len(self.interval))))

    @cached_property
    def onsets(self) -> Ints:
        """(N,) steps since the start of its piece."""
        return _since_first(self.steps.astype(np.int64), self.first, self.owner)

    @cached_property
    def pitches(self) -> Ints:
        """(N,) MIDI pitches."""
        change = self.interval.astype(np.int64)
        change[self.first] = self.pitch
        return _since_first(change, self.first, self.owner)

    @cached_property
    def _runs(self) -> SharedRuns:
        symbols = _symbols(self.interval.astype(np.int64), self.steps.astype(np.int64))
        symbols[self.first] = BORDER
        return SharedRuns.of(symbols)

    @cached_property
    def _resemblance(self) -> Resemblance:
        return Resemblance.of(self.onsets, self.pitches, self.owner, bool(self.one))

    def search(self, clip: Clip) -> Found:
        """What a clip shares with the corpus. The first search takes longer: it sorts the corpus."""
        line = line_of(clip, bool(self.one))
        if clip.drums or len(line.pitch) < 2 or not len(self.interval):
            return Found()
        symbols = _symbols(np.diff(line.pitch), np.diff(line.steps))
        length, place = self._runs.longest(symbols)
        copied, grams = int(length.max()), len(line.pitch) - GRAM + 1
        share = float((length[: max(grams, 0)] >= GRAM - 1).sum() / max(grams, 1))
        best = int(length.argmax())
        # the pair before note k + 1 is symbol k of the clip, and symbol k + 1 of a piece
        run = (best, int(place[best]) - 1) if copied else None
        nearest = self._resemblance.nearest(line.onset, line.pitch, run)
        if nearest is None:
            return Found(copied + bool(copied), share)
        first = int(self.first[nearest.piece])
        pairs = tuple((a, b - first) for a, b in nearest.pairs)
        return Found(
            copied + bool(copied),
            share,
            str(self.titles[nearest.piece]),
            nearest.likeness,
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


def _piece(sections: Sequence[Clip], one: bool) -> tuple[Ints, Ints, list[tuple[int, int]]]:
    """Onsets and pitches (n,) of a piece, and (first step, steps a bar) of its sections."""
    onsets, pitches, bars, start = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)], [], 0
    for section in sections:
        line = line_of(section, one)
        onsets.append(line.steps + start)
        pitches.append(line.pitch)
        bars.append((start, max(1, bar_ticks(section.meter) // STEP)))
        start += -(-section.length // STEP)
    return np.concatenate(onsets), np.concatenate(pitches), bars


def _since_first(changes: Ints, first: NDArray[np.int32], owner: Ints) -> Ints:
    """(N,) sums of the changes from the first note of each piece on."""
    total = np.cumsum(changes)
    return total - (total[first] - changes[first])[owner]


def _symbols(interval: Ints, steps: Ints) -> Ints:
    """One number for each pair of an interval and the steps that it takes."""
    return interval * SPREAD + np.minimum(steps, SPREAD - 1)


def human_level(card: Card, notes: int) -> tuple[float, float] | None:
    """(copied_notes, copied_share) of held-out pieces in stretches of so many notes: nine of ten share no longer run,
    and so large is the mean share of 12-grams. None where the card does not say it."""
    found = _level(card, "human", notes, ("copied_notes_p90", "copied_share_mean"))
    return (found[0], found[1]) if found else None


def alarm_level(card: Card, notes: int) -> float | None:
    """The likeness that 1 in 200 stretches of so many notes of held-out pieces is above. None as above."""
    found = _level(card, "checker", notes, ("alarm",))
    return found[0] if found else None


def _level(card: Card, table: str, notes: int, columns: Sequence[str]) -> list[float] | None:
    """Values of some columns at a length between those that were measured; outside, that of the nearest."""
    try:
        rows = card.metrics["originality"][table]
        lengths = [math.log2(row["notes"]) for row in rows]
        at = math.log2(max(notes, 1))
        return [float(np.interp(at, lengths, [row[column] for row in rows])) for column in columns]
    except (KeyError, TypeError, ValueError):
        return None
