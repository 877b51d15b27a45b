"""Figures of sets of clips beside held-out windows, with confidence intervals over pieces.

A row has a set of clips for each seed, and each clip belongs to a piece: the one whose window it is or was made for. An
interval comes from `DRAWS` bootstraps, in which the pieces are drawn with replacement, for the held-out windows and
what is compared with them alike; a figure is the mean over the seeds.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from continuo_daw.assistant.music.clip import Clip
from continuo_daw.assistant.originality.index import Index
from continuo_daw.training.evaluation.bleu import ORDER, Gram, bleu, matches
from continuo_daw.training.evaluation.clip_statistics import STATISTICS, statistics
from continuo_daw.training.evaluation.features import FEATURES, Distances, features

Array = NDArray[np.float64]
Figures = dict[str, float]
Interval = tuple[float, float, float]  # figure, and from where to where its interval reaches

DRAWS = 200
SEED = 11
BLEU = f"BLEU-{ORDER}"
GAP = f"{BLEU} gap"
OVERLAPS = {f"overlap, {name}": name for name in FEATURES}
# what is said of a row, in this order; what a row lacks is left out
COLUMNS = {
    "overlap": "mean overlapped area of the seven features (MGEval); 1 is alike",
    "least overlap": "overlapped area of the feature that fits worst",
    **{key: f"overlapped area of {name}" for key, name in OVERLAPS.items()},
    "divergence": "mean Kullback-Leibler divergence of the same densities, nats; 0 is alike",
    **STATISTICS,
    BLEU: "share of runs of up to four notes that stand in the train split too; no aim in itself",
    GAP: f"how far {BLEU} lies from that of the held-out windows",
    "copied share": "share of 12-grams of intervals and inter-onset times that stand in the train split",
    "copied notes": "notes of the longest run shared with one piece of train: nine of ten clips have at most this many",
    "similarity": "mean similarity of the nearest piece of train, 0 to 1",
}


@dataclass(frozen=True)
class Measured:
    """The clips of one row and seed with what was found of each; `piece` (N,), and all other arrays begin with N too.

    bleu: (N, ORDER, 2); copied: (N, 3) notes, share, similarity
    """

    clips: Sequence[Clip]
    piece: NDArray[np.int64]
    features: Mapping[str, Array]
    statistics: Array
    bleu: Array
    copied: Array


def measured(clips: Sequence[Clip], pieces: Sequence[int], known: Mapping[Gram, int], index: Index) -> Measured:
    """What is found of clips; `known` and `index` are of the train split."""
    found = [index.search(clip) for clip in clips]
    copied = np.array([[f.copied_notes, f.copied_share, f.similarity] for f in found], float)
    counts = np.array([matches(clip, known) for clip in clips])
    return Measured(clips, np.array(pieces), features(clips), statistics(clips), counts, copied)


def distances_of(made: Sequence[Measured], held: Sequence[Measured]) -> list[dict[str, Distances]]:
    """For each seed the distances of each feature; none of the held-out windows to themselves."""
    return [
        {name: Distances.of(other.features[name], one.features[name]) for name in FEATURES if one is not other}
        for one, other in zip(made, held, strict=True)
    ]


def figures(
    made: Sequence[Measured], held: Sequence[Measured], apart: Sequence[Mapping[str, Distances]], often: Array
) -> Figures:
    """The figures of a row by `COLUMNS`: means over the seeds. apart: `distances_of` them; often (P,): how often each
    piece counts, whole numbers. The held-out windows themselves have no overlap with themselves."""
    rows = [_figures(*seed, often) for seed in zip(made, held, apart, strict=True)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a mean of nothing is nan
        return {key: float(np.nanmean([row[key] for row in rows])) for key in COLUMNS if key in rows[0]}


def _figures(made: Measured, held: Measured, apart: Mapping[str, Distances], often: Array) -> Figures:
    mine, theirs = often[made.piece], often[held.piece]
    found: Figures = {}
    if apart:
        both = {name: some.densities(theirs, mine) for name, some in apart.items()}
        overlaps = {key: both[name].overlap for key, name in OVERLAPS.items()}
        found = {"overlap": float(np.mean([*overlaps.values()])), "least overlap": min(overlaps.values())} | overlaps
        found["divergence"] = float(np.mean([one.divergence for one in both.values()]))
    known = ~np.isnan(made.statistics)
    total = np.maximum((known * mine[:, None]).sum(0), 1e-9)
    found |= dict(zip(STATISTICS, (np.nan_to_num(made.statistics) * mine[:, None]).sum(0) / total, strict=True))
    score, human = (bleu((one.bleu * w[:, None, None]).sum(0)) for one, w in ((made, mine), (held, theirs)))
    found |= {BLEU: score} | ({GAP: abs(score - human)} if apart else {})
    notes, share, similarity = np.repeat(made.copied, mine.astype(int), 0).T
    if len(notes):
        found |= {
            "copied share": share.mean(),
            "copied notes": np.percentile(notes, 90),
            "similarity": similarity.mean(),
        }
    return found


def intervals(
    rows: Mapping[str, Sequence[Measured]], held: Sequence[Measured], splits: Sequence[str]
) -> dict[str, Any]:
    """For each row, one of which is `held` itself, each figure with its interval. splits: that of each piece."""
    random, groups = np.random.default_rng(SEED), [np.flatnonzero(np.array(splits) == s) for s in sorted(set(splits))]
    draws = np.zeros((DRAWS, len(splits)))
    for draw in draws:
        for group in groups:
            draw[group] = np.bincount(random.integers(len(group), size=len(group)), minlength=len(group))
    found = {}
    for name, made in rows.items():
        apart = distances_of(made, held)
        plain = figures(made, held, apart, np.ones(len(splits)))
        spread = [figures(made, held, apart, draw) for draw in tqdm(draws, f"intervals: {name}", leave=False)]
        found[name] = {key: interval(value, [one.get(key, np.nan) for one in spread]) for key, value in plain.items()}
    return found


def interval(value: float, spread: Sequence[float], most: float = np.inf) -> Interval:
    """A figure with the middle 95 % of those of its bootstraps, moved so that their mean lies at the figure: a set with
    some pieces twice and others not at all overlaps less with any other, which is no uncertainty. nan: unknown

    most: the greatest that the figure can be
    """
    known = np.array(spread)[~np.isnan(spread)]
    if not len(known):
        return float(value), float("nan"), float("nan")
    low, high = value + np.percentile(known, (2.5, 97.5)) - known.mean()
    return float(value), float(max(low, 0.0) if known.min() >= 0 else low), float(min(high, most))
