"""Layers of a network as ONNX nodes, with weights in bytes where that is asked for."""

from __future__ import annotations

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper
from torch import Tensor, nn

from continuo_daw.export.graph import IR_VERSION, OPSET
from continuo_daw.export.step import ONNXRUNTIME, Nodes

BIG = 1000  # entries from which on a weight is stored as bytes
LEVELS = 127
WHOLE, REAL = TensorProto.INT64, TensorProto.FLOAT


class Layers(Nodes):
    """Nodes and weights of layers. With `int8` big weights are bytes in the file, with a scale for each column.

    Ordinary nodes make numbers of them, which onnxruntime runs once, when it loads the graph. DequantizeLinear it
    would leave as it is and run in each call.
    """

    def __init__(self, prefix: str, int8: bool) -> None:
        super().__init__(prefix)
        self.int8 = int8

    def weight(self, name: str, value: Tensor, axis: int = 0) -> str:
        """A constant; in bytes the entries along `axis` share a scale."""
        value = value.detach().float().contiguous()
        if not self.int8 or value.numel() < BIG:
            return self.constant(name, value.numpy())
        scale = value.abs().amax(axis, keepdim=True).clamp(min=1e-9) / LEVELS
        stored = self.constant(f"{name}_bytes", (value / scale).round().to(torch.int8).numpy())
        return self.one("Mul", self.one("Cast", stored, to=REAL), self.constant(f"{name}_scale", scale.numpy()))

    def affine(self, name: str, weight: Tensor, bias: Tensor, value: str) -> str:
        multiplied = self.one("MatMul", value, self.weight(f"{name}_weight", weight))
        return self.one("Add", multiplied, self.weight(f"{name}_bias", bias))

    def linear(self, name: str, layer: nn.Linear, value: str) -> str:
        return self.affine(name, layer.weight.T, layer.bias, value)

    def gemm(self, name: str, layer: nn.Linear, value: str) -> str:
        """A linear layer of a matrix (N, W)."""
        weights = (
            self.weight(f"{name}_{kind}", part) for kind, part in (("weight", layer.weight.T), ("bias", layer.bias))
        )
        return self.one("Gemm", value, *weights)

    def lstm(self, name: str, layer: nn.LSTM, value: str) -> str:
        """The output (B, P, directions x H) of an LSTM for `value` (B, P, W)."""

        def stacked(kind: str) -> Tensor:
            ends = ("_l0", "_l0_reverse") if layer.bidirectional else ("_l0",)
            return torch.stack([ordered(getattr(layer, kind + end), "iofc") for end in ends])

        inward, own = (self.weight(f"{name}_{kind}", stacked(f"weight_{kind}"), -1) for kind in ("ih", "hh"))
        bias = self.constant(f"{name}_bias", torch.cat([stacked("bias_ih"), stacked("bias_hh")], -1).detach().numpy())
        way = "bidirectional" if layer.bidirectional else "forward"
        first = self.one("Transpose", value, perm=[1, 0, 2])
        found = self.op("LSTM", first, inward, own, bias, outputs=2, hidden_size=layer.hidden_size, direction=way)
        return self.one("Reshape", self.one("Transpose", found[0], perm=[2, 0, 1, 3]), self.ints(0, 0, -1))

    def ints(self, *values: int) -> str:
        """A constant vector of whole numbers."""
        return self.constant("ints_" + "_".join(map(str, values)), np.array(values, np.int64))

    def name(self, kind: str, *inputs: str, name: str, **attributes: object) -> None:
        """A node whose output has a name that others know."""
        self.nodes.append(helper.make_node(kind, list(inputs), [name], **attributes))


def ordered(weight: Tensor, order: str) -> Tensor:
    """torch's gates input, forget, cell, output along the first axis, in another order."""
    parts = dict(zip("ifco", weight.detach().chunk(4), strict=True))
    return torch.cat([parts[gate] for gate in order])


def folded(weight: Tensor) -> Tensor:
    """Gates of a step (..., 4H) as `_lstm_step` takes them, from torch's (4H, ...)."""
    return ordered(weight.double(), "ifoc").t()


def infos(kind: int, **shapes: tuple[str | int, ...]) -> list[onnx.ValueInfoProto]:
    return [helper.make_tensor_value_info(name, kind, shape) for name, shape in shapes.items()]


def model_of(outer: Nodes, inputs: list[onnx.ValueInfoProto], outputs: list[onnx.ValueInfoProto]) -> onnx.ModelProto:
    graph = helper.make_graph(outer.nodes, outer.prefix, inputs, outputs, outer.tensors)
    opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid(ONNXRUNTIME, 1)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION)
    model.producer_name = "continuo"
    onnx.checker.check_model(model)
    return model
