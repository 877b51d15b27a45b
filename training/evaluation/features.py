"""What sets of clips are compared by: the seven features and the overlapped area of MGEval.

L.-C. Yang and A. Lerch, *On the evaluation of generative models in music* (Neural Computing and Applications 32, 2020)
compare sets, not clips: of each feature they take the distances within one set and those between two sets, as
densities, and say how much of these overlaps. The usual seven of their features are pitch count, note count,
pitch-class histogram, pitch range, mean interval, mean inter-onset time and note-length histogram; the code here was
written anew after github.com/RichardYang40148/mgeval, with two differences: inter-onset times are quarters, not
seconds, and the pitch-class histogram weighs notes by their length alone, not by their loudness too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from continuo_daw.assistant.music.clip import TICKS, Clip

Array = NDArray[np.float64]

FEATURES = {
    "pitch count": "different pitches",
    "note count": "notes",
    "pitch classes": "share of each pitch class, by length",
    "pitch range": "semitones from the lowest to the highest note",
    "interval": "mean semitones from note to note",
    "inter-onset": "mean quarters from note to note",
    "note lengths": "share of each of twelve note lengths",
}
LENGTHS = np.array([96, 48, 24, 12, 6, 72, 36, 18, 9, 32, 16, 8])  # in 96ths of a bar
CELLS = 1024  # of the grid that a density lives on
TINY = 1e-12


def features(clips: Sequence[Clip]) -> dict[str, Array]:
    """For each of `FEATURES` an array (N, D), D = 1 for numbers and 12 for histograms; muted notes do not count.

    A clip of one note has the interval 0 and its own length as inter-onset time; one without notes has zeros.
    """
    rows = [_features(clip) for clip in clips]
    return {name: np.array([row[name] for row in rows]) for name in FEATURES}


def _features(clip: Clip) -> dict[str, Array]:
    heard = [(note.start, note.pitch, note.duration) for note in clip.notes if not note.muted]
    start, pitch, length = np.array(heard, float).reshape(-1, 3).T
    classes = np.bincount(pitch.astype(int) % 12, length, 12)
    kind = np.abs(LENGTHS[:, None] * clip.bar / 96 - length).argmin(0)
    kinds = np.bincount(kind, minlength=12)
    few = np.array([clip.length / TICKS]) if len(pitch) else np.zeros(1)
    return {
        "pitch count": np.array([len(np.unique(pitch))], float),
        "note count": np.array([len(pitch)], float),
        "pitch classes": classes / max(classes.sum(), 1),
        "pitch range": np.array([np.ptp(pitch) if len(pitch) else 0.0]),
        "interval": np.abs(np.diff(pitch)).mean(keepdims=True) if len(pitch) > 1 else np.zeros(1),
        "inter-onset": np.diff(start).mean(keepdims=True) / TICKS if len(pitch) > 1 else few,
        "note lengths": kinds / max(kinds.sum(), 1),
    }


def distances(a: Array, b: Array) -> Array:
    """(N, M) Euclidean distances between features (N, D) and (M, D)."""
    squares = (a**2).sum(1)[:, None] + (b**2).sum(1) - 2 * a @ b.T
    return np.sqrt(np.maximum(squares, 0))


@dataclass(frozen=True)
class Densities:
    """Two densities over the same `grid` (CELLS,) of distances: `within` a set, and `between` it and another."""

    grid: Array
    within: Array
    between: Array

    @property
    def overlap(self) -> float:
        """The area below both, 0 to 1. That of a set with itself lies a little below 1: a density in kernels leaks
        below the distance 0, and as in MGEval the area is taken from the least distance to the greatest."""
        return float(np.trapezoid(np.minimum(self.within, self.between), self.grid))

    @property
    def divergence(self) -> float:
        """Kullback and Leibler's divergence of `between` from `within`, in nats. (MGEval evaluates each density at
        points of its own, and so compares values of different distances; here the points are the same.)"""
        p, q = self.within / self.within.sum(), self.between / self.between.sum()
        return float((p * np.log((p + TINY) / (q + TINY))).sum())


@dataclass(frozen=True)
class Distances:
    """All distances within a set of N clips and from it to another of M, as cells of a `grid` (CELLS,).

    pairs: (2, K) the pairs of different clips, within: (K,) their cells, between: (N, M)
    """

    grid: Array
    pairs: NDArray[np.int64]
    within: NDArray[np.int64]
    between: NDArray[np.int64]

    @classmethod
    def of(cls, own: Array, other: Array) -> Distances:
        """Of features (N, D), N > 1, and (M, D)."""
        pairs = np.array(np.triu_indices(len(own), 1))
        within, between = distances(own, own)[tuple(pairs)], distances(own, other)
        low, high = min(within.min(), between.min()), max(within.max(), between.max())
        grid = np.linspace(low, max(high, low + TINY), CELLS)
        cells = (np.rint((values - low) / (grid[1] - grid[0])).astype(np.int64) for values in (within, between))
        return cls(grid, pairs, *cells)

    def densities(self, often: Array | None = None, other_often: Array | None = None) -> Densities:
        """The densities of both; `often` (N,) and `other_often` (M,) say how often each clip counts, for a bootstrap.
        What has no distance has the density nan."""
        a = np.ones(len(self.between)) if often is None else often
        b = np.ones(self.between.shape[1]) if other_often is None else other_often
        first, second = self.pairs
        # both ways, as MGEval counts them: the bandwidth depends on how many there are
        within = np.bincount(self.within, 2 * a[first] * a[second], CELLS)
        between = np.bincount(self.between.ravel(), np.outer(a, b).ravel(), CELLS)
        return Densities(self.grid, density(within, self.grid), density(between, self.grid))


def density(counts: Array, grid: Array) -> Array:
    """(CELLS,) the density over an even `grid` of values that are there `counts` often (CELLS,); nan without any.

    Gaussian kernels with Scott's bandwidth, as `scipy.stats.gaussian_kde` has them, by one convolution (Silverman,
    Algorithm AS 176, 1982). Values that are all alike get the narrowest kernel that the grid can show.
    """
    total, step = counts.sum(), grid[1] - grid[0]
    if not total:
        return np.full(CELLS, np.nan)
    mean = (counts * grid).sum() / total
    deviation = np.sqrt((counts * (grid - mean) ** 2).sum() / max(total - 1, 1))
    width = max(deviation / step * total**-0.2, 1.0)  # in cells
    turns = 2 * np.pi * np.fft.rfftfreq(2 * CELLS)
    smooth = np.fft.irfft(np.fft.rfft(counts, 2 * CELLS) * np.exp(-0.5 * (turns * width) ** 2), 2 * CELLS)[:CELLS]
    return np.asarray(np.maximum(smooth, 0) / (total * step))
