"""The refine networks as ONNX graphs: a window of notes in, a score for each choice or a velocity for each note out.

Sizes: B windows of T notes, C choices. Big weights are bytes in the file with `int8`, and numbers at work.
"""

from __future__ import annotations

import numpy as np
import onnx

from continuo_daw.assistant.refining.surroundings import SIZE
from continuo_daw.export.layers import REAL, WHOLE, Layers, infos, model_of
from continuo_daw.training.families.notes_net import CENTRE, SCORED, UNIT, Scores, Trunk, VelocityNet

TOLD = {"told": ("B", "T", SIZE)}


def _trunk(outer: Layers, trunk: Trunk) -> str:
    """(B, T, 2H) what is known of each note."""
    pitch = outer.one("Gather", outer.weight("pitch_table", trunk.pitch.weight), "pitch")
    value = outer.one("Relu", outer.linear("inner", trunk.inner, outer.one("Concat", "told", pitch, axis=2)))
    for number, lstm in enumerate(trunk.lstms):
        value = outer.lstm(f"notes_{number}", lstm, value)
    return value


def scores_graph(trunk: Trunk, head: Scores, int8: bool) -> onnx.ModelProto:
    """Inputs: told (B, T, SIZE) float32, pitch (B, T) int64; of the N notes that are asked about place (N, 2) int64,
    row and column, and `candidates`, the choices (N, C, G) float32. Output: scores (N, C)."""
    outer = Layers("scores", int8)
    asked = outer.one("GatherND", _trunk(outer, trunk), "place")
    note = outer.one("Unsqueeze", outer.linear("note", head.note, asked), outer.ints(1))
    size, count = head.candidate.in_features, len(head.kind)
    # all choices are one matrix, and biases are added by the products: each pass over them saved is a millisecond
    flat = outer.one("Reshape", "candidates", outer.ints(-1, size))
    own = outer.one("MatMul", flat, outer.weight("candidate_weight", head.candidate.weight.T))
    kinds = outer.constant("kinds", (head.kind + head.candidate.bias).detach().numpy())
    own = outer.one("Add", outer.one("Reshape", own, outer.ints(-1, count, SCORED)), kinds)
    both = outer.one("Reshape", outer.one("Relu", outer.one("Add", own, note)), outer.ints(-1, SCORED))
    mixed = outer.one("Relu", outer.gemm("mixed", head.mixed, both))
    outer.name("Reshape", outer.gemm("score", head.score, mixed), outer.ints(-1, count), name="scores")
    inputs = infos(REAL, **TOLD, candidates=("N", count, size)) + infos(WHOLE, pitch=("B", "T"), place=("N", 2))
    return model_of(outer, inputs, infos(REAL, scores=("N", count)))


def velocity_graph(net: VelocityNet, int8: bool) -> onnx.ModelProto:
    """Inputs: told (B, T, SIZE) float32, pitch (B, T) int64. Output: velocity (B, T, 2), the location, 1 to 127, and
    the scale of a Laplace distribution, as MIDI velocities."""
    outer = Layers("velocities", int8)
    known = outer.one("Concat", _trunk(outer, net.trunk), "told", axis=2)
    out = outer.linear("out", net.out, outer.one("Relu", outer.linear("heard", net.heard, known)))
    location, scale = outer.op("Split", out, outer.ints(1, 1), outputs=2, axis=2)
    unit, centre = (outer.constant(name, np.float32(value)) for name, value in (("unit", UNIT), ("centre", CENTRE)))
    ends = (outer.constant(f"end_{end}", np.float32(end)) for end in (1, 127))
    loud = outer.one("Clip", outer.one("Add", outer.one("Mul", location, unit), centre), *ends)
    outer.name("Concat", loud, outer.one("Mul", outer.one("Exp", scale), unit), name="velocity", axis=2)
    inputs = infos(REAL, **TOLD) + infos(WHOLE, pitch=("B", "T"))
    return model_of(outer, inputs, infos(REAL, velocity=("B", "T", 2)))
