"""Tiny sampling graphs, and what goes into them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from tiny import tune

from continuo_daw.assistant.bundles.runtime import Arrays, Graph
from continuo_daw.assistant.codecs.condition import SIZE, meter_index, positions
from continuo_daw.assistant.codecs.events import END, START, EventCodec
from continuo_daw.assistant.music.clip import Clip
from continuo_daw.export.charrnn import step_weights
from continuo_daw.export.graph import sampling_graph
from continuo_daw.export.step import StepWeights
from continuo_daw.training.families.charrnn import CharRNN, CharRNNConfig

LAYERS, CELLS = 2, 16
CODECS = [EventCodec(12, voices, timing) for voices in ("one", "many") for timing in ("round", "micro")]


def network(codec: EventCodec, layers: int = LAYERS) -> CharRNN:
    """A network that has learnt nothing."""
    torch.manual_seed(3)
    return CharRNN(CharRNNConfig(codec.size, positions(codec.resolution), layers, CELLS)).eval()


def graph_of(codec: EventCodec, int8: bool, loud: float = 1.0, threads: int = 1, logits: bool = False) -> Graph:
    """A loaded graph, its output weights times `loud`."""
    weights: StepWeights = step_weights(network(codec))
    weights = replace(weights, out=weights.out * np.float32(loud))
    return Graph(sampling_graph(weights, codec.grammar, int8, logits).SerializeToString(), "tiny", threads=threads)


def inputs(codec: EventCodec, rows: int, steps: int, seed: int = 0, layers: int = LAYERS, **given: Any) -> Arrays:
    """Rows that start from nothing in 4/4, with random numbers and conditions of their own."""
    random = np.random.default_rng(seed)
    return {
        "prompt": np.zeros((0, rows), np.int64),
        "prompt_position": np.zeros((0, rows), np.int64),
        "token": np.full(rows, START),
        "forced": np.full((steps, rows), -1, np.int64),
        "uniform": random.random((steps, rows), np.float32),
        "hidden": np.zeros((layers, rows, CELLS), np.float32),
        "cell": np.zeros((layers, rows, CELLS), np.float32),
        "state": np.zeros((rows, 3), np.float32),
        "until": np.full(rows, np.inf, np.float32),
        "bar": np.full(rows, 4 * codec.resolution, np.float32),
        "meter": np.full(rows, meter_index((4, 4))),
        "condition": random.random((rows, SIZE), np.float32),
        "bias": np.zeros((rows, codec.size), np.float32),
        "temperature": np.ones(1, np.float32),
        "top_p": np.ones(1, np.float32),
        **given,
    }


def following(outputs: Arrays) -> Arrays:
    """The inputs that lead on from outputs."""
    return {name: outputs[f"next_{name}"] for name in ("token", "hidden", "cell", "state")}


def forced_to(tokens: NDArray[np.int64]) -> Arrays:
    """The inputs that make one row write `tokens` behind its first."""
    return {"token": tokens[:1], "forced": tokens[1:, None]}


def written(column: NDArray[np.int64]) -> list[int]:
    """What a row wrote, up to its END."""
    ends = np.flatnonzero(column == END)
    return [START, *column[: ends[0] + 1 if len(ends) else None].tolist()]


def masked(codec: EventCodec, tokens: NDArray[np.int64], logits: NDArray[np.float32]) -> NDArray[np.float64]:
    """(T, V) logits with minus infinity where the grammar forbids a token behind each of `tokens`."""
    state, rows = np.zeros(3, np.float32), []
    for token, row in zip(tokens, logits.astype(np.float64), strict=True):
        state = codec.grammar.advance(state, token)
        rows.append(np.where(codec.grammar.legal(token, state), row, -np.inf))
    return np.stack(rows)


def softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    powers = np.exp(logits - logits.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def music(codec: EventCodec, meter: tuple[int, int] = (3, 4)) -> Clip:
    return tune(4, 4, meter, 1 if codec.voices == "one" else 2)
