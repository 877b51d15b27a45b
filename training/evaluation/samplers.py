"""What a generated clip has to beat: notes drawn without looking back, a Markov chain, an n-gram.

All three have learnt the same notes on the same grid as the network, but in the keys in which they were written, which
suits them: none of them has to find a key. They begin within the first bar, as held-out windows do, and behind a prompt
where it ends; they know the meter only as far as note lengths show it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from continuo_daw.assistant.codecs.events import CLOSED, END, START, EventCodec, NoteReader
from continuo_daw.assistant.music.clip import Clip, Note
from continuo_daw.training.corpus.pieces import Piece
from continuo_daw.training.evaluation.ngram import Sampler
from continuo_daw.training.evaluation.windows import Window, first_bar, whole

ORDER, DISCOUNT = 5, 0.9  # as the row in the cards
MOST = 64  # events for each quarter
Make = Callable[[Window, np.random.Generator], Clip]
Row = tuple[int, int, int]  # a note: pitch, length and time to the next onset, in steps; its length at the very end


def learnt(pieces: Sequence[Piece], codec: EventCodec) -> dict[str, Make]:
    """The samplers by name, of the pieces of the train split."""
    sections = [section for piece in pieces if piece.split == "train" for section in piece.sections if section.notes]
    sounding = [whole(section, first_bar(section), section.bars * section.bar) for section in sections]
    sounding = [clip for clip in sounding if clip.notes]
    notes = Notes(sounding, codec)
    grams = Sampler([codec.encode(clip) for clip in sounding], codec.size, ORDER, DISCOUNT)
    return {
        "unigram notes": notes.unigram,
        "first-order Markov": notes.markov,
        f"{ORDER}-gram": lambda window, random: sampled(grams, codec, window, random),
    }


class Notes:
    """Notes of train, each with the time to the next onset, and which note follows which."""

    def __init__(self, clips: Iterable[Clip], codec: EventCodec) -> None:
        self.codec = codec
        rows: list[Row] = []
        follows: list[bool] = []
        self._openings: list[tuple[int, int]] = []  # onset in the bar, index into rows
        for clip in clips:
            grid = [note[:3] for note in codec.grid(clip)]
            self._openings.append((grid[0][0], len(rows)))
            gaps = [after[0] - before[0] for before, after in pairwise(grid)] + [grid[-1][2]]
            rows += [(pitch, length, gap) for (_, pitch, length), gap in zip(grid, gaps, strict=True)]
            follows += [True] * (len(grid) - 1) + [False]
        self._rows = np.array(rows, np.int64)
        self._alike = {key: _members(self._rows[:, :key], np.array(follows)) for key in (2, 3)}

    def unigram(self, window: Window, random: np.random.Generator) -> Clip:
        """Notes of train at random."""
        return self._clip(window, random, lambda row: int(random.integers(len(self._rows))))

    def markov(self, window: Window, random: np.random.Generator) -> Clip:
        """Each note is one that has followed, somewhere in train, a note like the one before."""
        return self._clip(window, random, lambda row: self._after(tuple(self._rows[row].tolist()), random))

    def _after(self, note: tuple[int, ...], random: np.random.Generator) -> int:
        members = self._alike[len(note)].get(note)
        return int(random.choice(members)) + 1 if members is not None else int(random.integers(len(self._rows)))

    def _clip(self, window: Window, random: np.random.Generator, following: Callable[[int], int]) -> Clip:
        step, end = self.codec.step, window.clip.length // self.codec.step
        clock, row = self._openings[int(random.integers(len(self._openings)))]
        prompt = list(self.codec.grid(window.prompt))
        if prompt:
            onset, pitch, length = prompt[-1][:3]
            row = max(self._after((pitch, length), random) - 1, 0)  # the row of such a note, for the time that it takes
            taken = max(int(self._rows[row][2]), length if self.codec.voices == "one" else 0)
            clock = max(0, onset + taken - window.prompt.length // step)
            row = following(row)
        notes = {}
        while clock < end:
            pitch, length, gap = self._rows[row].tolist()
            notes[clock, pitch] = Note(clock * step, pitch, min(length, end - clock) * step)
            clock, row = clock + gap, following(row)
        return replace(window.clip, notes=tuple(notes.values()))


def _members(keys: NDArray[np.int64], follows: NDArray[np.bool_]) -> dict[tuple[int, ...], NDArray[np.int64]]:
    """For each different row of `keys` (N, K) where it stands with a note behind it."""
    at = np.flatnonzero(follows)
    unique, number = np.unique(keys[at], axis=0, return_inverse=True)
    order = np.argsort(number.ravel(), kind="stable")
    ends = np.cumsum(np.bincount(number.ravel(), minlength=len(unique)))[:-1]
    return {tuple(key): at[part] for key, part in zip(unique.tolist(), np.split(order, ends), strict=True)}


def sampled(grams: Sampler, codec: EventCodec, window: Window, random: np.random.Generator) -> Clip:
    """Events one by one, each legal in the codec's grammar; the end comes with the last bar, as in the tasks."""
    begin, reader = window.prompt.length // codec.step, NoteReader(codec)
    until = begin + window.clip.length // codec.step
    tokens = codec.encode(window.prompt, last=None).tolist() if window.prompt.notes else [START]
    for token in tokens:
        reader.read(token)
    _, sounding, clock = reader.state
    if begin:
        reader.state = np.array([CLOSED, max(begin - clock, sounding, 1), clock], np.float32)
    notes: list[Note] = []
    for _ in range(MOST * max(1, (until - begin) // codec.resolution)):
        legal = codec.grammar.legal(tokens[-1], reader.state)
        legal[END] = False
        tokens.append(grams.draw(tokens[-ORDER:], legal, random))
        notes += reader.read(tokens[-1])
        if reader.state[2] >= until:
            break
    origin, end = window.prompt.length, window.clip.length
    placed = (replace(n, start=n.start - origin, duration=min(n.duration, origin + end - n.start)) for n in notes)
    return replace(window.clip, notes=tuple(n for n in placed if n.start < end))
