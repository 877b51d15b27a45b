"""The sampling loop of a Char-RNN as one ONNX graph.

One iteration of the loop feeds a token through the network, closes what the grammar forbids, and draws the next token
from the rest: inverse of the cumulative distribution at a uniform number that the caller gives, so the same numbers
give the same notes. What depends only on token, position or meter is folded into tables of gate inputs, so a step
costs one product a layer.

With int8 weights every product inside the loop is one of integers: an LSTM's output lies in -1 to 1, so its scale is
known beforehand, nothing depends on the other rows of the batch, and a candidate has the same notes alone and among
others, on one thread and on several.
"""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper

from continuo_daw.assistant.codecs.condition import SIZE
from continuo_daw.assistant.codecs.events import END, OPEN, Grammar
from continuo_daw.assistant.sampling.inputs import FORBIDDEN
from continuo_daw.export.step import (
    HIDDEN_SCALE,
    HIDDEN_ZERO,
    ONNXRUNTIME,
    TOP_TOKENS,
    Nodes,
    StepWeights,
    lstm_step,
    sampling_step,
)

OPSET, IR_VERSION = 17, 10


def sampling_graph(weights: StepWeights, grammar: Grammar, int8: bool, logits: bool = False) -> onnx.ModelProto:
    """The graph. B rows, T steps at most, P steps of prompt; L layers of H cells; V tokens.

    Inputs: prompt, prompt_position (P, B), heard before anything is chosen; token (B,) to feed first; forced (T, B),
    -1 where the graph may choose; uniform (T, B) in 0 to 1; hidden, cell (L, B, H); state (B, 3) of the grammar,
    `token` included; until (B,): a row stops once its clock has reached it; bar (B,) steps a bar, 0 for unknown;
    meter (B,); condition (B, SIZE); bias (B, V) added to the logits; temperature (1,), top_p (1,).
    Outputs: tokens (t, B), END behind the stop; probability (t, B) of each before top_p; the next token, hidden, cell
    and state; with `logits` also the raw logits (t, B, V).
    """
    outer = Nodes("outer")
    layers, cells = len(weights.layers), weights.out.shape[0]
    _constants(outer, weights, grammar)
    fixed = _fixed_gates(outer)
    memory = [outer.one("Gather", "hidden", outer.constant(f"layer_{i}", i)) for i in range(layers)]
    if int8:
        memory = [outer.one("QuantizeLinear", row, "hidden_scale", "hidden_zero") for row in memory]
    memory += [outer.one("Gather", "cell", f"layer_{i}") for i in range(layers)]
    memory = _hear(outer, weights, int8, fixed, memory)
    last = _sample(outer, weights, int8, fixed, memory, logits)
    if int8:
        last[:layers] = [outer.one("DequantizeLinear", name, "hidden_scale", "hidden_zero") for name in last[:layers]]
    for name, parts in (("next_hidden", last[:layers]), ("next_cell", last[layers:])):
        lifted = [outer.one("Unsqueeze", part, "zero_axis") for part in parts]
        outer.nodes.append(helper.make_node("Concat", lifted, [name], axis=0))
    return _model(outer, layers, cells, weights.out.shape[1], logits)


def _memory_info(weights: StepWeights, int8: bool, prefix: str) -> list[onnx.ValueInfoProto]:
    """Names and types of hidden and cell of each layer inside a loop."""
    kind = TensorProto.UINT8 if int8 else TensorProto.FLOAT
    layers, shape = range(len(weights.layers)), ["B", weights.out.shape[0]]
    hidden = [helper.make_tensor_value_info(f"{prefix}_hidden_{i}", kind, shape) for i in layers]
    return hidden + [helper.make_tensor_value_info(f"{prefix}_cell_{i}", TensorProto.FLOAT, shape) for i in layers]


def _loop(
    outer: Nodes,
    body: Nodes,
    length: str,
    values: list[str],
    carried: list[onnx.ValueInfoProto],
    results: list[str],
    scans: list[str],
) -> list[str]:
    """A Loop over as many steps as the first axis of `length` has; the names of what it carries, at the end."""
    steps = outer.one("Gather", outer.one("Shape", length), "zero")
    index, go_on = (f"{body.prefix}_{name}" for name in ("index", "go_on"))
    inputs = [
        helper.make_tensor_value_info(index, TensorProto.INT64, []),
        helper.make_tensor_value_info(go_on, TensorProto.BOOL, []),
        *carried,
    ]
    outputs = [helper.make_empty_tensor_value_info(name) for name in results]
    graph = helper.make_graph(body.nodes, body.prefix, inputs, outputs, body.tensors)
    ends = [f"{body.prefix}_end_{k}" for k in range(len(values))]
    outer.nodes.append(helper.make_node("Loop", [steps, "true", *values], [*ends, *scans], body=graph))
    return ends


def _hear(outer: Nodes, weights: StepWeights, int8: bool, fixed: str, memory: list[str]) -> list[str]:
    """The prompt: what each step adds to the gates is known beforehand, so the loop holds the LSTM alone."""
    body = Nodes("hear")
    at_bar = outer.one("Gather", "position_gates", "prompt_position")
    gates = outer.one(
        "Add", outer.one("Add", outer.one("Gather", "token_gates", "prompt"), at_bar), fixed
    )  # (P, B, 4H)
    hidden, cell = lstm_step(outer, body, weights, int8, body.one("Gather", gates, "hear_index"))
    go_on = body.one("Identity", "hear_go_on")
    return _loop(outer, body, "prompt", memory, _memory_info(weights, int8, "hear"), [go_on, *hidden, *cell], [])


def _sample(outer: Nodes, weights: StepWeights, int8: bool, fixed: str, memory: list[str], logits: bool) -> list[str]:
    """The loop that chooses tokens; the names of hidden and cell at its end."""
    body = Nodes("step")
    results = sampling_step(outer, body, weights, int8, fixed, logits)
    carried = [
        helper.make_tensor_value_info("now", TensorProto.INT64, ["B"]),
        helper.make_tensor_value_info("at", TensorProto.FLOAT, ["B", 3]),
        *_memory_info(weights, int8, "step"),
    ]
    scans = ["tokens", "probability_column"] + (["logits"] if logits else [])
    token, state, *last = _loop(outer, body, "forced", ["token", "state", *memory], carried, results, scans)
    outer.nodes.append(helper.make_node("Identity", [token], ["next_token"]))
    outer.nodes.append(helper.make_node("Identity", [state], ["next_state"]))
    outer.nodes.append(helper.make_node("Squeeze", ["probability_column", "axis_2"], ["probability"]))
    return last


def _constants(outer: Nodes, weights: StepWeights, grammar: Grammar) -> None:
    add = grammar.add.copy()
    add[END, 2] = OPEN  # END stops a row as a clock beyond every `until` does
    for name, value in (
        ("token_gates", weights.token),
        ("position_gates", weights.position),
        ("meter_gates", weights.meter),
        ("condition_gates", weights.condition[None]),  # (1, SIZE, 4H)
        ("out_bias", weights.out_bias),
        ("follow", np.where(grammar.follow[grammar.kind], 0, FORBIDDEN).astype(np.float32)),  # (V, V)
        ("pitch", grammar.pitch[None]),
        ("wait", grammar.wait[None]),
        ("keep", grammar.keep),
        ("add", add),
        ("forbidden", np.float32(FORBIDDEN)),
        ("last_position", np.float32(len(weights.position) - 1)),
        ("last_known", np.float32(len(weights.position) - 2)),
        ("top", np.array([TOP_TOKENS])),
        ("last_top", np.int64(TOP_TOKENS - 1)),
        ("end", np.int64(END)),
        ("nothing", np.float32(0)),
        ("one", np.float32(1)),
        ("last_axis", np.array([1])),
        ("zero_axis", np.array([0])),
        ("axis", np.int64(1)),
        ("axis_2", np.array([2])),
        ("zero", np.int64(0)),
        ("true", np.bool_(True)),
        ("clock_column", np.int64(2)),
        ("hidden_scale", HIDDEN_SCALE),
        ("hidden_zero", HIDDEN_ZERO),
    ):
        outer.constant(name, value)


def _fixed_gates(outer: Nodes) -> str:
    """What does not change during the loop: gates of meter and condition, bar lengths that can be divided by."""
    # a sum of products instead of a matrix product: its rounding does not depend on the number of rows
    spread = outer.one("Mul", outer.one("Unsqueeze", "condition", "axis_2"), "condition_gates")
    given = outer.one("ReduceSum", spread, "last_axis", keepdims=0)  # (B, 4H)
    bar = outer.one("Unsqueeze", "bar", "last_axis")
    known = outer.one("Greater", bar, "nothing")
    for kind, inputs, name in (
        ("Where", [known, bar, "one"], "bar_steps"),
        ("Where", [known, "nothing", "last_position"], "bar_unknown"),
        ("Where", [known, "last_known", "last_position"], "position_limit"),
        ("Unsqueeze", ["until", "last_axis"], "until_column"),
        ("Unsqueeze", ["uniform", "axis_2"], "uniform_column"),
        ("Unsqueeze", ["forced", "axis_2"], "forced_column"),
    ):
        outer.nodes.append(helper.make_node(kind, inputs, [name]))
    return outer.one("Add", given, outer.one("Gather", "meter_gates", "meter"))


def _model(outer: Nodes, layers: int, cells: int, vocabulary: int, logits: bool) -> onnx.ModelProto:
    def info(name: str, kind: int, *shape: str | int) -> onnx.ValueInfoProto:
        return helper.make_tensor_value_info(name, kind, list(shape))

    whole, real = TensorProto.INT64, TensorProto.FLOAT
    inputs = [
        info("prompt", whole, "P", "B"),
        info("prompt_position", whole, "P", "B"),
        info("token", whole, "B"),
        info("forced", whole, "T", "B"),
        info("uniform", real, "T", "B"),
        info("hidden", real, layers, "B", cells),
        info("cell", real, layers, "B", cells),
        info("state", real, "B", 3),
        info("until", real, "B"),
        info("bar", real, "B"),
        info("meter", whole, "B"),
        info("condition", real, "B", SIZE),
        info("bias", real, "B", vocabulary),
        info("temperature", real, 1),
        info("top_p", real, 1),
    ]
    outputs = [
        info("tokens", whole, "t", "B"),
        info("probability", real, "t", "B"),
        info("next_token", whole, "B"),
        info("next_hidden", real, layers, "B", cells),
        info("next_cell", real, layers, "B", cells),
        info("next_state", real, "B", 3),
    ]
    if logits:
        outputs.append(info("logits", real, "t", "B", vocabulary))
    graph = helper.make_graph(outer.nodes, "sample", inputs, outputs, outer.tensors)
    model = helper.make_model(
        graph,
        opset_imports=[helper.make_opsetid("", OPSET), helper.make_opsetid(ONNXRUNTIME, 1)],
        ir_version=IR_VERSION,
    )
    model.producer_name = "continuo"
    onnx.checker.check_model(model)
    return model
