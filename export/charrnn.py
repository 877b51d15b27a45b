"""From a trained Char-RNN to the weights of one step."""

from __future__ import annotations

import torch

from continuo_daw.export.step import Array, StepWeights
from continuo_daw.training.families.charrnn import CharRNN


def step_weights(net: CharRNN) -> StepWeights:
    """The weights of `net` as the sampling graph takes them: embeddings folded into gate inputs, gates reordered."""
    cells, lstm = net.config.hidden, net.lstm

    def gates(weight: torch.Tensor) -> torch.Tensor:
        """torch's order input, forget, cell, output as input, forget, output, cell; the last axis has 4H entries."""
        let_in, forget, new, out = weight.split(cells, dim=-1)
        return torch.cat([let_in, forget, out, new], dim=-1)

    def array(weight: torch.Tensor) -> Array:
        return weight.detach().double().float().contiguous().numpy()

    inward = gates(lstm.weight_ih_l0.detach().double().T)  # (H, 4H)
    bias = gates((lstm.bias_ih_l0 + lstm.bias_hh_l0).detach().double())
    layers, biases = [gates(lstm.weight_hh_l0.detach().T)], []
    for layer in range(1, net.config.layers):
        below, own = (gates(getattr(lstm, f"weight_{kind}_l{layer}").detach().T) for kind in ("ih", "hh"))
        layers.append(torch.cat([below, own]))
        biases.append(gates(getattr(lstm, f"bias_ih_l{layer}") + getattr(lstm, f"bias_hh_l{layer}")))
    return StepWeights(
        token=array(net.token.weight.double() @ inward + bias),
        position=array(net.position.weight.double() @ inward),
        meter=array(net.meter.weight.double() @ inward),
        condition=array(net.spread.double() @ net.condition.weight.double().T @ inward),
        layers=tuple(array(weight) for weight in layers),
        biases=tuple(array(bias) for bias in biases),
        out=array(net.out.weight.T),
        out_bias=array(net.out.bias),
    )
