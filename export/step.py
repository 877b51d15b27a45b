"""One step of a Char-RNN as ONNX nodes: the LSTM, what the grammar closes, and the choice of a token."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

ONNXRUNTIME = "com.microsoft"  # operators that onnxruntime brings itself
TOP_TOKENS = 32  # tokens that sampling looks at, the likeliest first
# Without VNNI instructions, x86 adds products of bytes in pairs of 16 bits: 255 x 64 x 2 is the most that fits, and
# what does not fit is cut off silently. With 64 levels every processor gives the same sums.
WEIGHT_LEVELS = 64
HIDDEN_SCALE, HIDDEN_ZERO = np.float32(1 / 127), np.uint8(128)

Array = NDArray[np.float32]


@dataclass(frozen=True)
class StepWeights:
    """What one step needs, gates in the order input, forget, output, cell; H cells, V tokens.

    token (V, 4H), position (positions, 4H), meter (meters, 4H): gate inputs of the first layer, biases in `token`;
    condition (SIZE, 4H); layers: (H, 4H) for the first, (2H, 4H) for the others, which see the layer below and
    themselves; biases (4H,) of the other layers; out (H, V), out_bias (V,)
    """

    token: Array
    position: Array
    meter: Array
    condition: Array
    layers: tuple[Array, ...]
    biases: tuple[Array, ...]
    out: Array
    out_bias: Array


class Nodes:
    """Nodes with names of their own; `op` adds one and gives the name of its output."""

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix
        self.nodes: list[onnx.NodeProto] = []
        self.tensors: list[onnx.TensorProto] = []
        self.known: set[str] = set()

    def op(self, kind: str, *inputs: str, outputs: int = 1, **attributes: object) -> str | list[str]:
        names = [f"{self.prefix}_{kind}_{len(self.nodes)}_{index}" for index in range(outputs)]
        self.nodes.append(helper.make_node(kind, list(inputs), names, **attributes))
        return names[0] if outputs == 1 else names

    def one(self, kind: str, *inputs: str, **attributes: object) -> str:
        name = self.op(kind, *inputs, **attributes)
        assert isinstance(name, str)
        return name

    def constant(self, name: str, value: object) -> str:
        if name not in self.known:  # both loops name the same weights
            self.known.add(name)
            self.tensors.append(numpy_helper.from_array(np.asarray(value), name))
        return name


def product(
    outer: Nodes, body: Nodes, name: str, hidden: Sequence[str], weight: Array, int8: bool, bias: str = ""
) -> str:
    """`hidden` (B, H) side by side times `weight`, plus `bias`; in int8 with a scale for each column."""
    joined = hidden[0] if len(hidden) == 1 else body.one("Concat", *hidden, axis=1)
    if not int8:
        product = body.one("MatMul", joined, outer.constant(name, weight))
        return body.one("Add", product, bias) if bias else product
    scale = np.maximum(np.abs(weight).max(0), 1e-9) / WEIGHT_LEVELS
    outer.constant(name, np.rint(weight / scale).astype(np.int8))
    outer.constant(f"{name}_scale", scale.astype(np.float32))
    inputs = [joined, name, "hidden_scale", f"{name}_scale", "hidden_zero", ""]
    return body.one("MatMulIntegerToFloat", *inputs, *([bias] if bias else []), domain=ONNXRUNTIME)


def lstm_step(outer: Nodes, body: Nodes, weights: StepWeights, int8: bool, gates: str) -> tuple[list[str], list[str]]:
    """One step of all layers from the gate inputs (B, 4H) of the first; the new hidden and cell of each (B, H)."""
    cells = weights.out.shape[0]
    outer.constant("gate_sizes", np.array([3 * cells, cells]))
    outer.constant("three_cells", np.array([cells] * 3))
    hidden: list[str] = []
    cell: list[str] = []
    for layer, weight in enumerate(weights.layers):
        name, own = f"layer_{layer}_weight", f"{body.prefix}_hidden_{layer}"
        if layer:
            bias = outer.constant(f"layer_{layer}_bias", weights.biases[layer - 1])
            gates = product(outer, body, name, [hidden[-1], own], weight, int8, bias)
        else:
            gates = body.one("Add", gates, product(outer, body, name, [own], weight, int8))
        shut, new = body.op("Split", gates, "gate_sizes", outputs=2, axis=1)
        let_in, forget, out = body.op("Split", body.one("Sigmoid", shut), "three_cells", outputs=3, axis=1)
        kept = body.one("Mul", forget, f"{body.prefix}_cell_{layer}")
        cell.append(body.one("Add", kept, body.one("Mul", let_in, body.one("Tanh", new))))
        shown = body.one("Mul", out, body.one("Tanh", cell[-1]))
        hidden.append(body.one("QuantizeLinear", shown, "hidden_scale", "hidden_zero") if int8 else shown)
    return hidden, cell


def sampling_step(outer: Nodes, body: Nodes, weights: StepWeights, int8: bool, fixed: str, logits: bool) -> list[str]:
    """One step of sampling; the names of what the loop carries on and of what it collects."""
    floor, gap, clock = body.op("Split", "at", outer.constant("columns", np.array([1, 1, 1])), outputs=3, axis=1)
    phase = body.one("Add", body.one("Mod", clock, "bar_steps", fmod=1), "bar_unknown")
    position = body.one("Cast", body.one("Min", phase, "position_limit"), to=TensorProto.INT64)
    at_bar = body.one("Squeeze", body.one("Gather", "position_gates", position), "last_axis")
    gates = body.one("Add", body.one("Add", body.one("Gather", "token_gates", "now"), at_bar), fixed)
    hidden, cell = lstm_step(outer, body, weights, int8, gates)
    raw = product(outer, body, "out_weight", [hidden[-1]], weights.out, int8, "out_bias")
    chosen, probability = _choice(body, raw, floor, gap, clock)
    token = body.one("Squeeze", chosen, "last_axis")
    state = body.one("Mul", "at", body.one("Gather", "keep", token))
    state = body.one("Add", state, body.one("Gather", "add", token))
    left = body.one("Sub", "until_column", body.one("Gather", state, "clock_column", axis=1))
    go_on = body.one("Greater", body.one("ReduceMax", left, keepdims=0), "nothing")
    scans = [body.one("Identity", token), probability] + ([raw] if logits else [])
    return [go_on, token, state, *hidden, *cell, *scans]


def _choice(body: Nodes, raw: str, floor: str, gap: str, clock: str) -> tuple[str, str]:
    """The next token (B, 1) and its probability (B, 1)."""
    legal = body.one("And", body.one("GreaterOrEqual", "pitch", floor), body.one("GreaterOrEqual", "wait", gap))
    followed = body.one("Add", body.one("Add", raw, body.one("Gather", "follow", "now")), "bias")
    share = body.one("Softmax", body.one("Div", body.one("Where", legal, followed, "forbidden"), "temperature"), axis=1)
    high, which = body.op("TopK", share, "top", outputs=2, axis=1)
    sums = body.one("CumSum", high, "axis")
    inside = body.one("Less", body.one("Sub", sums, high), "top_p")  # the likeliest is always inside
    most = body.one("ReduceMax", body.one("Where", inside, sums, "nothing"), axes=[1], keepdims=1)
    aim = body.one("Mul", body.one("Gather", "uniform_column", "step_index"), most)
    passed = body.one("Cast", body.one("LessOrEqual", sums, aim), to=TensorProto.INT64)
    place = body.one("Min", body.one("ReduceSum", passed, "last_axis", keepdims=1), "last_top")
    drawn = body.one("GatherElements", which, place, axis=1)
    forced = body.one("Gather", "forced_column", "step_index")
    wanted = body.one("Where", body.one("Less", forced, "end"), drawn, forced)
    chosen = body.one("Where", body.one("LessOrEqual", "until_column", clock), "end", wanted)
    return chosen, body.one("GatherElements", share, chosen, axis=1)
