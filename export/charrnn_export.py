"""From a run of a Char-RNN to the files and the figures of its bundle."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from continuo_daw.assistant.bundles.bundle import Card
from continuo_daw.assistant.bundles.families import MODEL
from continuo_daw.assistant.bundles.runtime import Graph
from continuo_daw.assistant.codecs.condition import positions
from continuo_daw.export.charrnn import step_weights
from continuo_daw.export.graph import sampling_graph
from continuo_daw.training.config import Config
from continuo_daw.training.corpus.shards import Corpus, segments
from continuo_daw.training.evaluation.costs import graph_inputs
from continuo_daw.training.evaluation.table import network_scores, table
from continuo_daw.training.families.charrnn import CharRNN, CharRNNRun

Files = dict[str, bytes]


def files_and_figures(
    run: CharRNNRun, config: Config, corpus: Corpus, card: Card, folder: Path
) -> tuple[Files, dict[str, Any]]:
    """The graph with int8 weights, and what is measured on the test split: nats of the graph in the bundle beside
    baselines, what int8 costs of them, and how far the fp32 graph is from torch."""
    weights, grammar = step_weights(run.net), corpus.codec.grammar
    difference = parity(run.net, sampling_graph(weights, grammar, False, logits=True), config, corpus)
    whole, small = (sampling_graph(weights, grammar, int8).SerializeToString() for int8 in (False, True))
    exact = network_scores(Graph(whole, "fp32"), config, corpus)
    scores = network_scores(Graph(small, "int8"), config, corpus)
    cost = max(scores[mode].nats / exact[mode].nats - 1 for mode in scores)
    return {MODEL: small}, {
        "test": table(config, corpus, scores, folder / "baselines.json"),
        "parity": float(f"{difference:.3g}"),
        "int8_cost": round(float(cost), 5),
        "fp32": {mode: score.row() for mode, score in exact.items()},
    }


def parity(net: CharRNN, graph: Any, config: Config, corpus: Corpus) -> float:
    """Largest difference of a logit between torch and the fp32 graph, over stretches of the test split."""
    codec = corpus.codec
    some = segments(corpus, "test", config.train.length, 8_000)[:8]
    inputs = graph_inputs(codec, config.model.layers, config.model.hidden, some, "conditioned")
    found = Graph(graph.SerializeToString(), "parity").run(inputs)["logits"]  # (T, B, V)
    worst = 0.0
    for row, (tokens, _, _, meter, given) in enumerate(some):
        clock = inputs["state"][row, 2] + codec.grammar.add[tokens, 2].cumsum()
        place = np.minimum(np.fmod(clock, inputs["bar"][row]), positions(codec.resolution) - 2).astype(np.int64)
        batch = (tokens, place, np.full_like(tokens, meter[-1]), np.repeat(given[None], len(tokens), 0))
        with torch.no_grad():
            logits = net(*(torch.from_numpy(array)[None] for array in batch))[0][0].numpy()
        worst = max(worst, float(np.abs(logits[:-1] - found[: len(tokens) - 1, row]).max()))
    return worst
