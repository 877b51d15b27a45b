"""Small parts of the heads of the score network."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from continuo_daw.assistant.codecs.score.classes import IGNORED


def gate_layer(hidden: int, count: int) -> nn.Linear:
    """A linear layer that starts near .3 for each output."""
    linear = nn.Linear(hidden, count)
    nn.init.normal_(linear.weight, std=0.02)
    nn.init.constant_(linear.bias, 0.3)
    return linear


def split(rows: Tensor, *sizes: int) -> Tensor:
    """`rows` (..., N) with its last axis as several, of which one may be -1.

    In an export one axis before it, the first that is longer than 1, may have any length; all others are constants, so
    that the graph need not compute shapes.
    """
    known = -math.prod(sizes)
    sizes = tuple(int(rows.shape[-1]) // known if size < 0 else size for size in sizes)
    lead = list(rows.shape[:-1])
    if torch.onnx.is_in_onnx_export():
        lead = [int(size) for size in lead]
        lead[next((axis for axis, size in enumerate(lead) if size > 1), 0)] = -1
    return rows.reshape(*lead, *sizes)


def weighed(points: Tensor, gates: Tensor) -> Tensor:
    """(B, T, classes) the sum of `points` (B, P, T, classes) times `gates` (B, T, P)."""
    return (points * gates.transpose(1, 2)[..., None]).sum(1)


def hinted(logits: Tensor, hints: Tensor, gates: Tensor) -> Tensor:
    """`logits` (B, T, classes) with `gates` (B, T, hints) added to the classes that hints name; one beyond is none."""
    return F.pad(logits, (0, 1)).scatter_add(-1, hints, gates)[..., :-1]


def nats(logits: Tensor, target: Tensor) -> Tensor:
    """(B, T)."""
    return F.cross_entropy(logits.flatten(0, 1), target.flatten(), ignore_index=IGNORED, reduction="none").view(
        target.shape
    )


def rest(rows: Tensor, bucket: Tensor, target: Tensor, table: nn.Embedding, linear: nn.Linear) -> Tensor:
    """(B, T) nats of the step within a bucket, computed only where one is to be told."""
    found = rows.new_zeros(target.shape)
    at = target != IGNORED
    if at.any():
        told = linear(F.gelu(rows[at] + table(bucket[at])))
        found = found.masked_scatter(at, F.cross_entropy(told, target[at], reduction="none"))
    return found


def span_of(again: dict[str, Tensor], span: slice) -> dict[str, Tensor]:
    """The second looks of some positions."""
    return {"scores": again["scores"][:, :, span], "query": again["query"][:, :, span], "turn": again["turn"][:, span]}
