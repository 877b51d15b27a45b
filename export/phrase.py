"""The phrase autoencoder as two ONNX graphs: notes to codes, and codes to notes with the loop inside.

The decoder writes all bars side by side, one note of each in a step. What depends only on the bar, its sheet or the
note before is folded beforehand into gate inputs and logits, so a step costs one product of the hidden state, which
gives the logits of the position, what the heads read and the gates of the next step all at once, and the three heads.
With int8 weights that product is one of integers, as in the sampling loop of a Char-RNN; the heads read what has no
bounds, and stay as they are.
"""

from __future__ import annotations

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper
from torch import Tensor

from continuo_daw.assistant.codecs.phrases import PhraseCodec
from continuo_daw.export.layers import REAL, WHOLE, Layers, folded, infos, model_of
from continuo_daw.export.step import HIDDEN_SCALE, HIDDEN_ZERO, Nodes, product
from continuo_daw.training.families.phrase_net import GAIN, PITCHES, Decoder, PhraseNet

COLD = 1e-3  # up to this temperature the likeliest is taken


def encoder_graph(net: PhraseNet, int8: bool) -> onnx.ModelProto:
    """The encoder. B phrases of P bars, N notes at most in each.

    Inputs: notes (B, P, N, 4) int64; count (B, P) int64; steps (B,) int64 grid steps a bar.
    Outputs: mean, spread (B, Z) float32: mean and logarithm of the variance of the codes.
    """
    outer, encoder, config = Layers("encoder", int8), net.encoder, net.config
    summed = _rows_of(outer, [table.weight for table in encoder.note.tables], "notes")
    placed = outer.linear("place", encoder.place, outer.one("Relu", summed))  # (B, P, N, 2D)
    sheet = outer.one("MatMul", _slots(outer, config.positions, config.slots), placed)  # (B, P, S, 2D)
    read = outer.linear("bar", encoder.bar, outer.one("Reshape", sheet, outer.ints(0, 0, -1)))
    told = outer.one("Gather", outer.weight("steps_table", encoder.steps.weight), "steps")
    bar = outer.one("Relu", outer.one("Add", read, outer.one("Unsqueeze", told, outer.ints(1))))  # (B, P, W)
    known = outer.one("Concat", bar, outer.lstm("bars", encoder.lstm, bar), axis=2)
    found = outer.affine("out", *_out(net), outer.one("Flatten", known, axis=1))
    if config.binary:
        mean, spread, ends = outer.one("Tanh", found), found, (-20, -20)
    else:
        (mean, spread), ends = outer.op("Split", found, outer.ints(*[config.latent] * 2), outputs=2, axis=1), (-12, 4)
    outer.name("Identity", mean, name="mean")
    outer.name("Clip", spread, *(outer.constant(f"spread_{end}", np.float32(end)) for end in ends), name="spread")
    inputs = infos(WHOLE, notes=("B", config.bars, "N", 4), count=("B", config.bars), steps=("B",))
    return model_of(outer, inputs, infos(REAL, mean=("B", config.latent), spread=("B", config.latent)))


def _out(net: PhraseNet) -> tuple[Tensor, Tensor]:
    """Weight (in, out) and bias of the last layer, the normalisation of bits folded in."""
    layer, normal = net.encoder.out, net.normal
    if normal is None:
        return layer.weight.T, layer.bias
    assert normal.running_mean is not None and normal.running_var is not None
    scale = GAIN / torch.sqrt(normal.running_var + normal.eps)
    return (layer.weight * scale[:, None]).T, (layer.bias - normal.running_mean) * scale


def _rows_of(outer: Layers, tables: list[Tensor], notes: str, body: Nodes | None = None) -> str:
    """The sum of the rows of four tables that notes (..., 4) point at."""
    body = body or outer
    starts = np.cumsum([0, *(len(table) for table in tables[:-1])])
    stored = [outer.weight(f"note_{column}", table) for column, table in enumerate(tables)]
    table = outer.one("Concat", *stored, axis=0)
    rows = body.one("Gather", table, body.one("Add", notes, outer.constant("starts", starts)))
    return body.one("ReduceSum", rows, outer.ints(-2), keepdims=0)


def _slots(outer: Layers, positions: int, slots: int) -> str:
    """(B, P, S, N): 1 where a note stands in a slot. A product with it is much faster than ScatterElements."""
    place = outer.one("Gather", "notes", outer.constant("zero", np.int64(0)), axis=3)  # (B, P, N)
    slot = outer.one("Gather", outer.constant("slot_of", _slot_of(positions, slots)), place)
    most = outer.one("Gather", outer.one("Shape", "notes"), outer.constant("two", np.int64(2)))
    index = outer.one("Range", "zero", most, outer.constant("one", np.int64(1)))
    there = outer.one("Less", index, outer.one("Unsqueeze", "count", outer.ints(2)))
    slot = outer.one("Where", there, slot, outer.constant("nowhere", np.int64(-1)))
    slot, all_slots = (
        outer.one("Unsqueeze", slot, outer.ints(2)),
        outer.constant("all_slots", np.arange(slots)[:, None]),
    )
    return outer.one("Cast", outer.one("Equal", slot, all_slots), to=REAL)


def _slot_of(positions: int, slots: int) -> NDArray[np.int64]:
    """The slot of each position; the end has the last one, where nothing is read."""
    return np.minimum(np.arange(positions + 1) * slots // positions, slots - 1)


def decoder_graph(decoder: Decoder, codec: PhraseCodec, int8: bool) -> onnx.ModelProto:
    """The decoder with its loop. B codes, R = B x P bars, T notes at most in each.

    Inputs: latent (B, Z) float32; steps (B,) int64 grid steps a bar; uniform (T, R, 4) float32 in [0, 1): draws of
    position, pitch, duration and velocity; forced (T, R, 4) int64, -1 where the graph may choose; a position equal to
    `positions` ends the bar; bias (R, positions + 1) float32, finite, added to the logits of the position; temperature
    (1,) float32, where up to 0.001 takes the likeliest.
    Output: notes (t, R, 4) int64; a bar that has ended holds (positions, 0, 0, 0). The loop stops when all have.
    """
    outer, body, config = Layers("phrase", int8), Nodes("note"), decoder.config
    _constants(outer, config.positions)
    _plan(outer, decoder)
    opened = folded(decoder.open @ decoder.lstm.weight_ih_l0[:, : config.hidden].T).float()
    gates = outer.one("Add", "bar_gates", outer.constant("open_gates", opened.numpy()))
    bars = outer.one("Shape", "first_slot")  # R, 1
    cell = outer.one("Expand", "nothing", outer.one("Mul", bars, outer.ints(1, config.hidden)))
    before = outer.one("Expand", "none", outer.one("Mul", bars, outer.ints(1, 4)))
    results = _step(outer, body, decoder, codec.voices == "one")
    carried = infos(WHOLE, note_index=()) + infos(TensorProto.BOOL, note_go_on=()) + infos(WHOLE, note_before=("R", 4))
    carried += infos(REAL, note_gates=("R", 4 * config.hidden), note_cell=("R", config.hidden))
    graph = helper.make_graph(body.nodes, "note", carried, list(map(helper.make_empty_tensor_value_info, results)))
    most = outer.one("Gather", outer.one("Shape", "uniform"), "zero")
    ends = ["last_note", "last_gates", "last_cell"]  # onnxruntime crashes where these have no names
    outer.nodes.append(helper.make_node("Loop", [most, "true", before, gates, cell], [*ends, "notes"], body=graph))
    inputs = infos(WHOLE, steps=("B",), forced=("T", "R", 4))
    inputs += infos(REAL, latent=("B", config.latent), uniform=("T", "R", 4))
    inputs += infos(REAL, bias=("R", config.positions + 1), temperature=(1,))
    return model_of(outer, inputs, infos(WHOLE, notes=("t", "R", 4)))


def _constants(outer: Layers, positions: int) -> None:
    for name, number in {"zero": 0, "one": 1, "none": -1, "axis": 1, "end": positions, "highest": PITCHES - 1}.items():
        outer.constant(name, np.int64(number))
    for name, value in (
        ("ended", np.array([[positions, 0, 0, 0]])),
        ("all_places", np.arange(positions + 1)[None]),
        ("places_in_bar", np.append(np.arange(positions), -1)[None]),  # the end is in every bar
        ("all_pitches", np.arange(PITCHES)[None]),
        ("shut", np.finfo(np.float32).min),
        ("nothing", np.float32(0)),
        ("true", np.bool_(True)),
        ("hidden_scale", HIDDEN_SCALE),
        ("hidden_zero", HIDDEN_ZERO),
    ):
        outer.constant(name, value)
    outer.name("Div", outer.constant("unit", np.float32(1)), "temperature", name="heat")
    cold = outer.one("LessOrEqual", "temperature", outer.constant("cold", np.float32(COLD)))
    outer.name("Squeeze", cold, name="is_cold")


def _plan(outer: Layers, decoder: Decoder) -> None:
    """What stays the same in the loop, under names that it knows. R bars, H cells, S slots.

    bar_gates (R, 4H); place_logits, inside (R, positions + 1): whether a place is in the bar; first_slot (R, 1): row of
    each bar's first slot in slots (R x S, D).
    """
    config, hidden = decoder.config, decoder.config.hidden
    spread = outer.one("Reshape", outer.linear("spread", decoder.spread, "latent"), outer.ints(0, config.bars, -1))
    told = outer.one("Gather", outer.weight("steps_table", decoder.steps.weight), "steps")
    spread = outer.one("Add", spread, outer.one("Unsqueeze", told, outer.ints(1)))
    known = outer.one("Relu", outer.one("Add", spread, outer.lstm("conductor", decoder.conductor, spread)))
    known = outer.one("Reshape", known, outer.ints(-1, config.width))  # (R, W)
    inward = folded(decoder.lstm.weight_ih_l0[:, hidden:])
    bias = folded(decoder.lstm.bias_ih_l0 + decoder.lstm.bias_hh_l0)
    gates = outer.affine("gates", inward, bias, outer.linear("bar", decoder.bar, known))
    outer.name("Identity", gates, name="bar_gates")
    sheet = outer.one("Reshape", outer.linear("sheet", decoder.sheet, known), outer.ints(-1, config.sheet))
    onsets = outer.one("Reshape", outer.linear("onsets", decoder.onsets, sheet), outer.ints(-1, config.positions))
    onsets = outer.one("Add", outer.one("Pad", onsets, outer.ints(0, 0, 0, 1)), "bias")
    outer.name("Add", onsets, outer.weight("end_bias", decoder.end.bias), name="place_logits")
    length = outer.one("Expand", outer.one("Unsqueeze", "steps", outer.ints(1)), outer.ints(1, config.bars))
    outer.name("Less", "places_in_bar", outer.one("Reshape", length, outer.ints(-1, 1)), name="inside")
    outer.name("Identity", sheet, name="slots")
    total, slots = (
        outer.one("Gather", outer.one("Shape", sheet), "zero"),
        outer.constant("step", np.int64(config.slots)),
    )
    outer.name("Unsqueeze", outer.one("Range", "zero", total, slots), outer.ints(1), name="first_slot")


def _step(outer: Layers, body: Nodes, decoder: Decoder, one: bool) -> list[str]:
    """One note of each bar; the names of what the loop carries on and of what it collects."""
    config, tables = decoder.config, [table.weight for table in decoder.note.tables]
    hidden, cell = _lstm_step(outer, body, config.hidden)
    own, inward = folded(decoder.lstm.weight_hh_l0), folded(decoder.lstm.weight_ih_l0[:, : config.hidden])
    weight = torch.cat([own, decoder.mix.weight[:, : config.hidden].T, decoder.end.weight.T], 1).detach().float()
    made = product(outer, body, "hidden_weight", [hidden], weight.numpy(), outer.int8)
    sizes = (4 * config.hidden, config.hidden, config.positions + 1)
    gates, known, places = body.op("Split", made, outer.ints(*sizes), outputs=3, axis=1)
    uniform, forced, last = (
        body.op("Split", row, outer.ints(1, 1, 1, 1), outputs=4, axis=1)
        for row in (*(body.one("Gather", name, "note_index") for name in ("uniform", "forced")), "note_before")
    )

    def say(column: int, logits: str, legal: str = "", least: int = 0) -> str:
        drawn = _choice(outer, body, logits, uniform[column], legal)
        drawn = body.one("Add", drawn, "one") if least else drawn
        return body.one("Where", body.one("Less", forced[column], "zero"), drawn, forced[column])

    # a pitch that is forced and is no higher than the last cannot join its chord
    below = body.one("And", body.one("GreaterOrEqual", forced[1], "zero"), body.one("LessOrEqual", forced[1], last[1]))
    closed = body.one("Or", body.one("Equal", last[1], "highest"), below)
    further = "one" if one else body.one("Cast", closed, to=WHOLE)
    later = body.one("GreaterOrEqual", "all_places", body.one("Add", last[0], further))
    chosen = say(0, body.one("Add", places, "place_logits"), body.one("And", later, "inside"))
    note = [body.one("Where", body.one("Equal", last[0], "end"), "end", chosen)]
    above = body.one("Where", body.one("Equal", note[0], last[0]), last[1], "none")
    higher = body.one("Greater", "all_pitches", above)  # the notes of a chord rise
    slot = body.one("Gather", outer.constant("slot_of", _slot_of(config.positions, config.slots)), note[0])
    slot = body.one("Squeeze", body.one("Add", "first_slot", slot), outer.ints(1))
    halves = outer.ints(config.hidden, PITCHES)
    weight = torch.cat([decoder.mix.weight[:, config.hidden :], decoder.chords.weight]).T
    bias = torch.cat([decoder.mix.bias, decoder.chords.bias])
    read = body.one("MatMul", body.one("Gather", "slots", slot), outer.weight("read_weight", weight))
    read = body.one("Add", read, outer.weight("read_bias", bias))
    here, chords = body.op("Split", read, halves, outputs=2, axis=1)
    known = body.one("Add", known, here)
    for column, head in enumerate((decoder.pitch, decoder.duration, decoder.velocity), 1):
        table, row = outer.weight(f"known_{column}", tables[column - 1]), body.one("Squeeze", note[-1], outer.ints(1))
        known = body.one("Add", known, body.one("Gather", table, row))
        least = 1 if column == 2 else 0  # no note has no duration
        logits = body.one("MatMul", body.one("Relu", known), outer.weight(f"head_{column}", head.weight[least:].T))
        logits = body.one("Add", logits, outer.weight(f"head_bias_{column}", head.bias[least:]))
        logits = body.one("Add", logits, chords) if column == 1 else logits
        note.append(say(column, logits, higher if column == 1 else "", least))
    written = body.one("Where", body.one("Equal", note[0], "end"), "ended", body.one("Concat", *note, axis=1))
    fed = _rows_of(outer, [table.double() @ inward for table in tables], written, body)
    gates = body.one("Add", body.one("Add", gates, fed), "bar_gates")
    go_on = body.one("Less", body.one("ReduceMin", note[0], keepdims=0), "end")
    return [go_on, written, gates, cell, body.one("Identity", written)]


def _lstm_step(outer: Layers, body: Nodes, cells: int) -> tuple[str, str]:
    """Hidden state, in bytes with `int8`, and cell (R, H) from gates in the order input, forget, output, cell."""
    shut, new = body.op("Split", "note_gates", outer.ints(3 * cells, cells), outputs=2, axis=1)
    let_in, forget, out = body.op("Split", body.one("Sigmoid", shut), outer.ints(*[cells] * 3), outputs=3, axis=1)
    cell = body.one("Add", body.one("Mul", forget, "note_cell"), body.one("Mul", let_in, body.one("Tanh", new)))
    shown = body.one("Mul", out, body.one("Tanh", cell))
    return body.one("QuantizeLinear", shown, "hidden_scale", "hidden_zero") if outer.int8 else shown, cell


def _choice(outer: Layers, body: Nodes, logits: str, draw: str, legal: str) -> str:
    """(R, 1) one of the `legal` columns of `logits`: the likeliest where it is cold, else the inverse of their
    cumulative distribution at `draw`."""
    open_ones = body.one("Where", legal, logits, "shut") if legal else logits
    likeliest, drawn = (Nodes(f"{body.prefix}_{len(body.nodes)}_{name}") for name in ("likeliest", "drawn"))
    likeliest.one("ArgMax", open_ones, axis=1, keepdims=1)
    share = drawn.one("Softmax", drawn.one("Mul", open_ones, "heat"), axis=1)
    if legal:  # a softmax may leave a trace of what is shut
        share = drawn.one("Where", legal, share, "nothing")
    sums = drawn.one("CumSum", share, "axis")
    aim = drawn.one("Mul", draw, drawn.one("Gather", sums, outer.ints(-1), axis=1))
    passed = drawn.one("Cast", drawn.one("Greater", sums, aim), to=TensorProto.UINT8)
    drawn.one("ArgMax", passed, axis=1, keepdims=1)  # the first
    return body.one("If", "is_cold", then_branch=_branch(likeliest), else_branch=_branch(drawn))


def _branch(nodes: Nodes) -> onnx.GraphProto:
    """Nodes as a branch that gives what the last one makes."""
    return helper.make_graph(
        nodes.nodes, nodes.prefix, [], [helper.make_empty_tensor_value_info(nodes.nodes[-1].output[0])]
    )
