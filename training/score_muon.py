"""An optimiser for the matrices of the score network: steps whose singular values are all alike (Muon).

After K. Jordan et al., "Muon: an optimizer for hidden layers in neural networks" (2024): the momentum of a matrix is
made nearly orthogonal by a few Newton-Schulz steps. Everything else - tables, vectors, layers that give logits - is
left to AdamW. The gates of an LSTM count as matrices of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn

TURNS = 5  # Newton-Schulz steps
FACTORS = (3.4445, -4.7750, 2.0315)


def orthogonal(matrices: Tensor) -> Tensor:
    """(..., rows, columns) with singular values near 1 and the same singular vectors."""
    tall = matrices.shape[-2] > matrices.shape[-1]
    found = matrices.mT if tall else matrices
    found = found / (found.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    a, b, c = FACTORS
    for _ in range(TURNS):
        square = found @ found.mT
        found = a * found + (b * square + c * square @ square) @ found
    return found.mT if tall else found


class Muon(torch.optim.Optimizer):
    """rate: as of AdamW, whose step it matches in size; groups may hold `blocks`, matrices stacked in one."""

    def __init__(self, params: Iterable[Any], lr: float, momentum: float = 0.95, weight_decay: float = 0.0) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay, "blocks": 1})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """One step."""
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is None:
                    continue
                state = self.state[weight]
                if not state:
                    state["momentum"] = torch.zeros_like(weight)
                state["momentum"].lerp_(weight.grad, 1 - group["momentum"])
                ahead = weight.grad.lerp(state["momentum"], group["momentum"])
                step = orthogonal(ahead.unflatten(0, (group["blocks"], -1)))
                scale = 0.7 * max(step.shape[-2:]) ** 0.5
                weight.mul_(1 - group["lr"] * group["weight_decay"])
                weight.add_(step.flatten(0, 1), alpha=-group["lr"] * scale)


def split_weights(net: nn.Module) -> tuple[list[Tensor], list[Tensor], list[Tensor], list[Tensor]]:
    """Matrices of linear layers, of LSTMs, other weights that decay, and those that do not."""
    linear, gates, tables, plain = [], [], [], []
    outputs = ("onset.", "tone.", "drum.", "duration.", "velocity.", "rest.", "gate", "copy")
    for name, weight in net.named_parameters():
        if "lstm" in name or "weight_ih" in name or "weight_hh" in name:
            gates.append(weight)
        elif weight.ndim < 2:
            plain.append(weight)
        elif name.endswith(".weight") and isinstance(net.get_submodule(name[:-7]), nn.Linear):
            small = min(weight.shape) < 64 or any(word in name for word in outputs)
            (tables if small else linear).append(weight)
        else:
            tables.append(weight)
    return linear, gates, tables, plain
