"""From the score network to its graphs, one for each of its steps."""

from __future__ import annotations

import io
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from continuo_daw.assistant.codecs.condition import condition
from continuo_daw.assistant.codecs.score.window import LANES, Window
from continuo_daw.assistant.sampling.score_writer import ScoreWriter
from continuo_daw.export.graph import OPSET
from continuo_daw.export.score_prompt import Prompt
from continuo_daw.export.score_steps import STEPS, Step
from continuo_daw.training.families.score.net import ScoreNet

ROOM = 8  # of the memory while the graphs are traced


class Traced:
    """A step that runs in torch and keeps what it was first given."""

    def __init__(self, step: Step) -> None:
        self.module, self.inputs, self.seen = step, step.inputs, ()

    inputs: tuple[str, ...]
    seen: tuple[Tensor, ...]

    @torch.no_grad()
    def run(self, arrays: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        values = tuple(torch.from_numpy(np.ascontiguousarray(arrays[name])) for name in self.inputs)
        self.seen = self.seen or values
        found = self.module(*values)
        return {name: value.numpy() for name, value in zip(self.module.outputs, found, strict=True)}


def traced(net: ScoreNet) -> dict[str, Traced]:
    """The steps of a network, each of which has run."""
    net.eval()
    graphs = {name: Traced(step(net)) for name, step in (STEPS | {"prompt": Prompt}).items()}
    given = np.array([[0, 0, 60, 24, 80], [24, 0, 64, 24, 80]], np.int32)
    whose, programs = np.full(2, -1, np.int32), np.zeros(2, np.int32)
    nothing, bars = given[:0], np.array([[0, 96, 15]], np.int32)
    window = Window(
        nothing, given, whose, programs, np.array([0, 40], np.int32), np.ones(0, bool), False, bars, -1, condition(),
        0, "", np.zeros(LANES, bool),
    )  # fmt: skip
    config = net.config
    sizes = {"width": config.width, "hidden": config.hidden}
    writer = ScoreWriter(graphs, window, sizes, ROOM, rows=2)
    far = {"onset": 100, "duration": 100, "pitch": 70}
    writer.step(lambda name, logits: np.full(len(logits), far.get(name, 1)))
    ScoreWriter(graphs, window, sizes, ROOM).hear_all(given.astype(np.int64))
    return graphs


def score_graphs(net: ScoreNet) -> dict[str, bytes]:
    """The graph of each step."""
    return {name: _exported(graph) for name, graph in traced(net).items()}


def _exported(graph: Traced) -> bytes:
    given = dict(zip(graph.inputs, graph.seen, strict=True))
    axes = {name: _axes(name, value) for name, value in given.items()}
    if isinstance(graph.module, Prompt):
        axes = {name: _prompt_axes(name, axes[name], value) for name, value in given.items()}
    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of torch's about its own exporter, and about sizes that are constants
        torch.onnx.export(
            graph.module, graph.seen, file, input_names=list(graph.inputs), dynamic_axes=axes,
            output_names=list(graph.module.outputs), opset_version=OPSET, dynamo=False,
        )  # fmt: skip
    return file.getvalue()


def _axes(name: str, value: Tensor) -> dict[int, str]:
    """Which axes of an input may have any size: rows, slots of the ring, given notes, both."""
    if name.startswith("given_one"):
        return {0: "given"}
    if name in ("given_keys", "given_values", "given_again"):
        return {2: "given"}
    if name == "shown":
        return {1: "entries"}
    if name.startswith("given_") and value.ndim == 2 and name not in ("given_now", "given_next"):
        return {1: "given"}
    if name.endswith(("hidden", "cell")):
        return {1: "rows"}
    found = {0: "rows"}
    if name.startswith("ring_"):
        found[2 if value.ndim == 4 else 1] = "room"
    return found | {"runs": {2: "entries"}, "scores": {2: "entries"}, "weights": {2: "entries"}}.get(name, {})


def _prompt_axes(name: str, axes: dict[int, str], value: Tensor) -> dict[int, str]:
    """The same of the graph of a prompt, which has one row with any number of positions."""
    if name == "runs":
        return {1: "positions", 2: "entries"}
    if name in ("condition", "style", "one"):
        return {}
    return axes if name.startswith("given_") and name != "given_now" else {1: "positions"}
