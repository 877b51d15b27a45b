"""What a latent space looks like from its corpus: where the codes lie, where attributes rise, a map."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from continuo_daw.assistant.bundles.runtime import Graph
from continuo_daw.assistant.latent.space import Codes, Space
from continuo_daw.assistant.music.attributes import NAMES
from continuo_daw.training.corpus.phrases import PhraseCorpus, phrases

LOOKED_AT = 8000  # phrases of the training split
POINTS = 2500  # of them on the map
DIRECTIONS = 16  # main directions that are kept
BATCH = 256


def encoded_phrases(graph: Graph, corpus: PhraseCorpus, starts: NDArray[np.int64]) -> tuple[Codes, Codes]:
    """Means and logarithms of the variance (N, Z) of the codes of the phrases that begin at the bars `starts` (N,)."""
    means, spreads = [], []
    for at in range(0, len(starts), BATCH):
        rows = phrases(corpus, starts[at : at + BATCH], corpus.codec.bars)
        found = graph.run({"notes": rows.notes, "count": rows.count, "steps": rows.steps})
        means.append(found["mean"])
        spreads.append(found["spread"])
    return np.concatenate(means), np.concatenate(spreads)


def space_of_corpus(graph: Graph, corpus: PhraseCorpus) -> Space:
    """The space of a network, from the phrases of its training split, spread evenly."""
    starts = corpus.starts("train", corpus.codec.bars)
    starts = starts[:: -(-len(starts) // LOOKED_AT)]
    codes, _ = encoded_phrases(graph, corpus, starts)
    values = phrases(corpus, starts, corpus.codec.bars).attributes
    mean = codes.mean(0)
    _, scales, axes = np.linalg.svd(codes - mean, full_matrices=False)
    kept = min(DIRECTIONS, len(axes))
    spread = scales[:kept, None] / np.sqrt(len(codes))
    basis = axes[:kept] * spread
    flat = (codes - mean) @ axes[:kept].T
    rest = (codes - mean - flat @ axes[:kept]).std(0)
    shown = np.linspace(0, len(codes) - 1, min(POINTS, len(codes))).astype(int)
    deviations = np.maximum(values.std(0), 1e-3)
    return Space(
        mean=mean.astype(np.float32),
        basis=basis.astype(np.float32),
        rest=rest.astype(np.float32),
        directions=directions(codes, values, deviations),
        deviations=deviations.astype(np.float32),
        points=(flat[shown, :2] / np.maximum(spread[:2, 0], 1e-9)).astype(np.float32),
        titles=corpus.titles[corpus.piece[starts[shown]]],
    )


def directions(codes: Codes, values: NDArray[np.float32], deviations: NDArray[np.float32]) -> Codes:
    """(A, Z) for each attribute the mean code of the half that has more of it minus that of the other half, as long
    as raises the attribute by one standard deviation between the two (after Roberts et al. 2018)."""
    found = []
    for column in range(len(NAMES)):
        rank = np.argsort(np.argsort(values[:, column], kind="stable"))
        more = rank * 2 >= len(rank)
        apart = values[more, column].mean() - values[~more, column].mean()
        step = (codes[more].mean(0) - codes[~more].mean(0)) * deviations[column] / max(float(apart), 1e-6)
        found.append(step)
    return np.stack(found).astype(np.float32)
