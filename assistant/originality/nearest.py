"""The nearest piece: the one that a clip is most like, note for note, whatever its key, octave and tempo.

As in BLAST (Altschul et al., "Basic local alignment search tool", 1990) short seeds that both have are looked up first.
Each says where in the piece, how many semitones higher and how much slower the clip would have to be played; what most
seeds agree on (a generalised Hough transform, Ballard 1981) is tried note for note, as point sets are matched in
Ukkonen, Lemstroem and Maekinen, "Geometric algorithms for transposition invariant content-based music retrieval", 2003.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

SEED = 4  # notes
SCALES = np.array([0.25, 1 / 3, 0.5, 2 / 3, 0.75, 1, 4 / 3, 1.5, 2, 3, 4])  # of time, where clips are copied
MISS = 0.04  # by how much a ratio may miss a scale
HITS = 16_000  # places of seeds that are looked at, the rarest seeds first
TRIED = 8_000  # notes that are looked up
PLACE = 12  # steps; how exactly places are told apart in the vote
GAP = 4096  # steps between pieces
PITCHES = 128
RATIOS = 28  # kinds of `ratios`
WINDOW = 128  # notes that are compared at once
SEEN = 0.4  # what a note counts that goes on as the clip did before
PLAIN = 0.8  # a clip that says less than this part of what the corpus says a note is not like anything in particular
OTHER_TEMPO = 0.02  # of similarity; there are ten more ways to be like something by chance


class Copy(NamedTuple):
    """A clip as a copy of a piece: its onsets times `scale` and its pitches plus `semitones` are those of the piece.

    pairs: (note of the clip, note of the corpus) that are the same then
    """

    piece: int
    similarity: float
    scale: float
    semitones: int
    pairs: tuple[tuple[int, int], ...]


class _Ways(NamedTuple):
    """Ways to lay a clip over the corpus, H each: a note of the clip, the note of the corpus that it lies on, scale."""

    note: Ints
    on: Ints
    scale: Floats


@dataclass(frozen=True)
class Seeds:
    """The seeds of a corpus, U of them, at M of its notes.

    value (U,) rising; begin (U + 1,) where the notes of each begin in `at`, and M; at (M,) those notes, rising within a
    seed; interval_bits (255,), ratio_bits (RATIOS,): what it takes to say an interval, a ratio
    """

    value: Ints
    begin: NDArray[np.int32]
    at: NDArray[np.int32]
    interval_bits: Floats
    ratio_bits: Floats


@dataclass(frozen=True)
class Pieces:
    """What is looked up in a corpus of N notes.

    key (N,) as `keys_of` gives it; first (P + 1,) first note of each piece, and N; seeds, as `seeds_of` finds them;
    usual: what it takes to say a note, on the average
    """

    key: Ints
    first: Ints
    seeds: Seeds

    @cached_property
    def usual(self) -> float:
        """Bits a note."""
        bits = (self.seeds.interval_bits, self.seeds.ratio_bits)
        return float(sum((np.exp2(-part) * part).sum() for part in bits))

    def nearest(self, onset: Floats, pitch: Ints, run: tuple[int, int] | None) -> Copy | None:
        """What a clip of n notes is most like; onset (n,) in steps, not rounded, pitch (n,). `run`: a note of the clip
        and the note of the corpus where a run that they share begins, which is tried, too. None where there is
        nothing alike. Of a long clip the part of `WINDOW` notes that is most like something counts.
        """
        last = max(0, len(pitch) - WINDOW)  # all parts are as long, for the shorter one is the likelier it is like any
        best = None
        for start in (*range(0, last, WINDOW // 2), last):
            part = slice(start, start + WINDOW)
            here = (run[0] - start, run[1]) if run and 0 <= run[0] - start < len(pitch[part]) else None
            found = self._nearest(onset[part], pitch[part], here)
            if found and (best is None or found.similarity > best.similarity):
                best = found._replace(pairs=tuple((a + start, b) for a, b in found.pairs))
        return best

    def _nearest(self, onset: Floats, pitch: Ints, run: tuple[int, int] | None) -> Copy | None:
        ways = self._ways(np.floor(onset + 0.5).astype(np.int64), pitch)
        if run:
            ways = _Ways(*(np.append(old, new) for old, new in zip(ways, (*run, 1.0), strict=True)))
        if not len(ways.note):
            return None
        semitones = self.key[ways.on] % PITCHES - pitch[ways.note]
        moved = (onset[None] - onset[ways.note, None]) * ways.scale[:, None] + 0.5
        place = self.key[ways.on, None] // PITCHES + np.floor(moved).astype(np.int64)  # (H, n)
        piece = np.searchsorted(self.first, ways.on, "right") - 1
        hit = self._hits(place, pitch[None] + semitones[:, None], piece)
        ends = np.searchsorted(self.key, np.stack([place[:, 0], place[:, -1] + 1], 1) * PITCHES)
        ends = np.clip(ends, self.first[piece, None], self.first[piece + 1, None])
        similarity = self._similarity(hit >= 0, ends[:, 1] - ends[:, 0], onset, pitch) - OTHER_TEMPO * (ways.scale != 1)
        best = int(similarity.argmax())
        pairs = tuple((int(note), int(hit[best, note])) for note in np.flatnonzero(hit[best] >= 0))
        value = round(float(np.clip(similarity[best], 0, 1)), 6)
        return Copy(int(piece[best]), value, float(ways.scale[best]), int(semitones[best]), pairs)

    def _ways(self, steps: Ints, pitch: Ints) -> _Ways:
        """The ways to lay a clip over the corpus on which most seeds agree, the rarer a seed the more it says."""
        seeds, span = _seeds(steps, pitch), steps[SEED - 1 :] - steps[: max(0, len(steps) - SEED + 1)]
        table = self.seeds
        low, high = (table.begin[np.searchsorted(table.value, seeds, side)] for side in ("left", "right"))
        many = np.where(span > 0, high - low, 0)
        order = np.argsort(many, kind="stable")
        order = order[many[order] > 0]
        order = order[: max(1, int(np.searchsorted(np.cumsum(many[order]), HITS, "right")))]
        taken = np.minimum(many[order], HITS)
        within = np.arange(taken.sum()) - np.repeat(np.cumsum(taken) - taken, taken)
        note = np.repeat(order, taken)
        on = table.at[low[note] + within].astype(np.int64)
        place = self.key[on] // PITCHES
        ratio = (self.key[on + SEED - 1] // PITCHES - place) / span[note]
        kind = np.searchsorted(np.sqrt(SCALES[1:] * SCALES[:-1]), ratio)
        good = np.abs(ratio / SCALES[kind] - 1) < MISS
        note, on, place, kind = note[good], on[good], place[good], kind[good]
        start = np.floor((place - SCALES[kind] * steps[note]) / PLACE).astype(np.int64)
        way = (start * 2 * PITCHES + self.key[on] % PITCHES - pitch[note]) * len(SCALES) + kind
        _, one, same = np.unique(way, return_index=True, return_inverse=True)
        votes = np.bincount(same, np.log2(len(table.at) / many[note]), len(one))
        top = one[np.argsort(-votes, kind="stable")[: max(1, TRIED // max(1, len(pitch)))]]
        return _Ways(note[top], on[top], SCALES[kind[top]])

    def _hits(self, place: Ints, pitch: Ints, piece: Ints) -> Ints:
        """(H, n) the note of the piece (H,) at a place, or a step beside it, and a pitch, both (H, n); -1 for none."""
        hit = np.full(place.shape, -1)
        for beside in (1, -1, 0):
            key = (place + beside) * PITCHES + pitch
            near = np.minimum(np.searchsorted(self.key, key), len(self.key) - 1)
            hit = np.where(self.key[near] == key, near, hit)
        good = (pitch >= 0) & (pitch < PITCHES)
        good &= (hit >= self.first[piece, None]) & (hit < self.first[piece + 1, None])
        return np.where(good, hit, -1)

    def _similarity(self, hit: NDArray[np.bool_], there: Ints, onset: Floats, pitch: Ints) -> Floats:
        """(H,) the part of the clip that is hit (H, n), half by notes and half by what they say, less where the piece
        has more notes than the clip, `there` (H,), in the same time."""
        count = len(pitch)
        bits = self._bits_of(np.floor(onset + 0.5).astype(np.int64), pitch)
        said = hit @ bits / max(bits.sum(), PLAIN * self.usual * (count - 1))
        share = (said + hit.mean(1)) / 2
        return np.asarray(share * 2 * count / (count + np.maximum(there, count / 2)))

    def _bits_of(self, steps: Ints, pitch: Ints) -> Floats:
        """(n,) what each note of a clip says; little where it goes on as it did before."""
        interval, ratio = np.diff(pitch) + PITCHES - 1, _ratios(np.diff(steps))
        bits = np.zeros(len(pitch))
        bits[1:] = self.seeds.interval_bits[interval]
        bits[2:] += self.seeds.ratio_bits[ratio]
        bits[0] = bits[1:].mean()
        if len(ratio):
            turns = (interval[:-1] * 2 * PITCHES + interval[1:]) * RATIOS + ratio
            _, new = np.unique(turns, return_index=True)
            seen = np.ones(len(turns), bool)
            seen[new] = False
            bits[2:][seen] *= SEEN
        return bits


def keys_of(steps: NDArray[np.uint16], pitch: NDArray[np.int16], first: Ints) -> Ints:
    """(N,) onset times `PITCHES` plus pitch, rising: steps (N,) since the note before, or since the start of the piece,
    which is `GAP` behind the last note of the one before; pitch (N,); first (P + 1,)."""
    wait = steps.astype(np.int32)
    wait[first[1:-1]] += GAP
    key = np.cumsum(wait, dtype=np.int64)
    key *= PITCHES  # in place: memory that is new costs more than the sums
    key += pitch
    return key


def seeds_of(key: Ints, first: Ints) -> Seeds:
    """The seeds of a corpus, sorted: key (N,), first (P + 1,)."""
    place, pitch = key // PITCHES, key % PITCHES
    seeds = _seeds(place, pitch)
    inside = np.ones(len(key) + 1, bool)
    for back in range(1, SEED):
        inside[np.maximum(first[1:] - back, 0)] = False
    at = np.flatnonzero(inside[: len(seeds)])
    at = at[np.argsort(seeds[at], kind="stable")]
    value, begin = np.unique(seeds[at], return_index=True)
    bits = (_bits(np.diff(pitch) + PITCHES - 1, 2 * PITCHES - 1), _bits(_ratios(np.diff(place)), RATIOS))
    return Seeds(value, np.append(begin, len(at)).astype(np.int32), at.astype(np.int32), *bits)


def _seeds(steps: Ints, pitch: Ints) -> Ints:
    """A number for each `SEED` notes in a row (n - SEED + 1,): their intervals and the ratios of their durations."""
    count = max(0, len(pitch) - SEED + 1)
    parts = [(np.diff(pitch) + PITCHES - 1, 2 * PITCHES)] * (SEED - 1)
    parts += [(_ratios(np.diff(steps)), RATIOS)] * (SEED - 2)
    seeds = np.zeros(count, np.int64)
    for number, (values, size) in enumerate(parts):
        at = number % (SEED - 1)
        seeds = seeds * size + values[at : at + count]
    return seeds


def _ratios(waits: Ints) -> Ints:
    """(n - 1,) kinds of the ratio of each wait between onsets to the one before: half octaves, and chords apart."""
    before, after = waits[:-1], waits[1:]
    ratio = np.rint(2 * np.log2(np.maximum(after, 1) / np.maximum(before, 1)))
    kind = np.clip(ratio, -12, 12).astype(np.int64) + 12
    chord = 24 + (before <= 0) + 2 * (after <= 0)
    return np.where(chord > 24, chord, kind)


def _bits(values: Ints, size: int) -> Floats:
    """(size,) bits that it takes to say each value, from how often it occurs."""
    count = np.bincount(values[(values >= 0) & (values < size)], minlength=size) + 1.0
    return np.asarray(-np.log2(count / count.sum()))
