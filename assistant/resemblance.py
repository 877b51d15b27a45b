"""Resemblance: the piece that a clip is most like, note for note, whatever its key, octave and tempo.

As in BLAST (Altschul et al., "Basic local alignment search tool", 1990) short seeds that both have are looked up first;
each seed says where in the piece, how many semitones higher and how much slower the clip would have to be played (a
generalised Hough transform, as in geometric matching of point sets: Lemstrom and Ukkonen, "Including interval encoding
into edit distance based music comparison and retrieval", 2000). What most seeds agree on is tried note for note.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

SEED = 4  # notes
SCALES = np.array([0.25, 1 / 3, 0.5, 2 / 3, 0.75, 1, 4 / 3, 1.5, 2, 3, 4])
NEAR = 0.04  # by how much a ratio may miss a scale
HITS = 12_000  # places of seeds that are looked at, the rarest seeds first
TRIED = 6_000  # notes that are looked up
GAP = 4096  # steps between pieces, so that no clip lies over two of them
PLACE = 12  # steps; how exactly places are told apart in the vote


@dataclass(frozen=True)
class Copy:
    """A clip as a copy of a piece: the clip's onsets times `scale` and its pitches plus `semitones` are the piece's.

    pairs: (note of the clip, note of the corpus) that are the same then
    """

    piece: int
    likeness: float
    scale: float
    semitones: int
    pairs: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Resemblance:
    """What is looked up in a corpus of N notes.

    place (N,) onset in steps, pieces `GAP` apart; pitch (N,); owner (N,) piece; key (N,) place * 128 + pitch, rising;
    seeds (M,) the seed at each of M notes, sorted; at (M,) those notes
    interval_bits (256,), rhythm_bits (..): how many bits it takes to say an interval, a ratio
    """

    place: Ints
    pitch: Ints
    owner: Ints
    key: Ints
    seeds: Ints
    at: Ints
    interval_bits: Floats
    rhythm_bits: Floats
    mean: float

    @classmethod
    def of(cls, onset: Ints, pitch: Ints, owner: Ints, one: bool) -> Resemblance:
        last = np.append(np.flatnonzero(np.diff(owner)), len(owner) - 1)
        lengths = onset[last] + GAP
        place = onset + (np.cumsum(lengths) - lengths)[owner]
        gram = seeds_of(place, pitch)
        good = np.flatnonzero(owner[: len(gram)] == owner[SEED - 1 :])
        gram = gram[good]
        order = np.argsort(gram)
        ib = bits(np.diff(pitch) + 128, 256)
        rb = bits(ratios(np.diff(place)), 32)
        res = cls(place, pitch, owner, place * 128 + pitch, gram[order], good[order], ib, rb, 0.0)
        object.__setattr__(res, "mean", float(res.weights(place[:200000], pitch[:200000])[2:].mean()))
        return res

    def weights(self, onset, pitch):
        w = np.zeros(len(pitch))
        w[1:] = self.interval_bits[np.diff(pitch) + 128]
        w[2:] += self.rhythm_bits[ratios(np.diff(onset))]
        return w

    def hypotheses(self, steps, pitch):
        gram = seeds_of(steps, pitch)
        low, high = np.searchsorted(self.seeds, gram, "left"), np.searchsorted(self.seeds, gram, "right")
        many = high - low
        span = steps[SEED - 1 :] - steps[: len(gram)]
        many = np.where(span > 0, many, 0)
        order = np.argsort(many, kind="stable")
        order = order[many[order] > 0]
        keep = np.cumsum(many[order]) <= HITS
        keep[:1] = True
        order = order[keep]
        m = np.minimum(many[order], HITS)
        i = np.repeat(order, m)
        within = np.arange(m.sum()) - np.repeat(np.cumsum(m) - m, m)
        j = self.at[low[i] + within]
        w = np.log2(len(self.at) / many[i])
        r = (self.place[j + SEED - 1] - self.place[j]) / span[i]
        near = np.abs(np.log(r[:, None] / SCALES)).argmin(1) if len(r) else np.zeros(0, int)
        s = SCALES[near]
        ok = np.abs(r / s - 1) < NEAR
        return i[ok], j[ok], near[ok], w[ok]

    def nearest(self, onset, pitch, run):
        n = len(pitch)
        steps = np.floor(onset + 0.5).astype(np.int64)
        i, j, sc, w = self.hypotheses(steps, pitch) if n >= SEED else (np.zeros(0, int),) * 3 + (np.zeros(0),)
        off = self.place[j] - SCALES[sc] * steps[i]
        t = self.pitch[j] - pitch[i]
        key = ((np.floor(off / PLACE).astype(np.int64) * 256) + t + 128) * 16 + sc
        u, fi, inv = np.unique(key, return_index=True, return_inverse=True)
        votes = np.bincount(inv, w, len(u))
        top = fi[np.argsort(-votes)[: max(1, TRIED // n)]]
        I, J, S = i[top], j[top], SCALES[sc[top]]
        if run is not None:
            I, J, S = np.append(I, run[0]), np.append(J, run[1]), np.append(S, 1.0)
        if not len(I):
            return None
        # exact
        at = self.place[J, None] + np.floor(S[:, None] * (onset[None] - onset[I, None]) + 0.5).astype(np.int64)
        T = self.pitch[J] - pitch[I]
        p = pitch[None] + T[:, None]
        hit = np.full(at.shape, -1)
        for d in (1, -1, 0):
            q = (at + d) * 128 + p
            f = np.minimum(np.searchsorted(self.key, q.ravel()), len(self.key) - 1).reshape(q.shape)
            same = (self.key[f] == q) & (p >= 0) & (p < 128)
            hit = np.where(same, f, hit)
        hit = np.where(self.owner[hit] == self.owner[J][:, None], hit, -1)
        W = self.weights(steps, pitch)
        score = ((hit >= 0) * W).sum(1)
        b = int(score.argmax())
        self.__dict__["debug"] = (score[b], W.sum(), (hit[b] >= 0).sum(), n)
        like = float(score[b] / max(W.sum(), self.mean * (n - 2), 1e-9))
        return Copy(
            int(self.owner[J[b]]),
            min(1.0, like),
            float(S[b]),
            int(T[b]),
            tuple((int(a), int(hit[b, a])) for a in np.flatnonzero(hit[b] >= 0)),
        )


def seeds_of(steps, pitch):
    if len(pitch) < SEED:
        return np.zeros(0, np.int64)
    d = np.diff(pitch) + 128
    r = ratios(np.diff(steps))
    g = np.zeros(len(pitch) - SEED + 1, np.int64)
    for k in range(SEED - 1):
        g = (g << 8) + d[k : k + len(g)]
    for k in range(SEED - 2):
        g = (g << 5) + r[k : k + len(g)]
    return g


def ratios(io):
    a, b = io[:-1], io[1:]
    with np.errstate(divide="ignore", invalid="ignore"):
        q = np.rint(2 * np.log2(b / a))
    r = np.clip(np.nan_to_num(q, nan=0, posinf=0, neginf=0), -12, 12) + 12
    r = np.where((a <= 0) & (b <= 0), 25, np.where(a <= 0, 26, np.where(b <= 0, 27, r)))
    return r.astype(np.int64)


def bits(values, size):
    c = np.bincount(values, minlength=size) + 1.0
    return -np.log2(c / c.sum())
