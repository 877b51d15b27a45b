"""What a shipped graph is measured against: eager PyTorch with the same weights, and transformers' `generate`.

The weights are read back from the bundle's graph. Only the sum of embedding and gate weights stands there, so both are
recovered from it: all gate tables together span the rows of the first layer's input weights.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import onnx
import torch
from onnx import numpy_helper

from continuo_daw.assistant.bundles.bundle import Bundle
from continuo_daw.assistant.bundles.families import MODEL
from continuo_daw.assistant.codecs.condition import SIZE, meter_index
from continuo_daw.assistant.codecs.events import END, START, EventCodec
from continuo_daw.assistant.sampling.inputs import FORBIDDEN
from continuo_daw.export.step import TOP_TOKENS
from continuo_daw.training.families.charrnn import CharRNN, CharRNNConfig


def network_of(bundle: Bundle) -> CharRNN:
    """The network of a bundle in torch, with the weights that its graph holds."""
    stored = {t.name: numpy_helper.to_array(t) for t in onnx.load_from_string(bundle.files[MODEL]).graph.initializer}
    sizes = bundle.card.sizes
    cells, layers = sizes["hidden"], sizes["layers"]
    net = CharRNN(CharRNNConfig(sizes["vocabulary"], sizes["positions"], layers, cells, 0.0)).eval()

    def weight(name: str) -> np.ndarray:
        whole = stored[name].astype(np.float64)
        return whole * stored[f"{name}_scale"] if f"{name}_scale" in stored else whole

    def gates(array: np.ndarray) -> torch.Tensor:
        """(4H, ...) in torch's order, from the last axis in the order of the graph."""
        let_in, forget, out, new = np.split(array, 4, axis=-1)
        return torch.from_numpy(np.concatenate([let_in, forget, new, out], -1).T.copy())

    bias = stored["token_gates"][0].astype(np.float64)
    tables = [
        stored["token_gates"] - bias,
        stored["position_gates"],
        stored["meter_gates"],
        stored["condition_gates"][0],
    ]
    rows = np.linalg.svd(np.concatenate(tables).astype(np.float64), full_matrices=False)[2][:cells]  # (H, 4H)
    token, position, meter, condition = (torch.from_numpy(table.astype(np.float64) @ rows.T) for table in tables)
    values = {
        "token.weight": token,
        "position.weight": position,
        "meter.weight": meter,
        "condition.weight": torch.linalg.solve(net.spread.double(), condition).T,
        "lstm.weight_ih_l0": gates(rows),
        "lstm.weight_hh_l0": gates(weight("layer_0_weight")),
        "lstm.bias_ih_l0": gates(bias),
        "lstm.bias_hh_l0": torch.zeros(4 * cells),
        "out.weight": torch.from_numpy(weight("out_weight").T.copy()),
        "out.bias": torch.from_numpy(stored["out_bias"]),
    }
    for layer in range(1, layers):
        below, own = np.split(weight(f"layer_{layer}_weight"), 2)
        values[f"lstm.weight_ih_l{layer}"], values[f"lstm.weight_hh_l{layer}"] = gates(below), gates(own)
        values[f"lstm.bias_ih_l{layer}"] = gates(stored[f"layer_{layer}_bias"])
        values[f"lstm.bias_hh_l{layer}"] = torch.zeros(4 * cells)
    net.load_state_dict({name: value.float() for name, value in values.items()})
    return net


def eager_steps(net: CharRNN, codec: EventCodec, top_p: float = 0.95) -> Callable[[int], list[int]]:
    """A function that samples so many tokens one by one in eager torch, as the graph does it: place in the bar from
    the clock, the grammar's mask, top-p, the inverse of the cumulative distribution at given uniform numbers."""
    grammar, bar = codec.grammar, 4.0 * codec.resolution
    follow, kind, pitch, wait, keep, add = (
        torch.from_numpy(table)
        for table in (grammar.follow, grammar.kind, grammar.pitch, grammar.wait, grammar.keep, grammar.add)
    )
    meter, condition = torch.full((1, 1), meter_index((4, 4))), torch.zeros((1, 1, SIZE))
    going_on = torch.arange(codec.size) != END

    def steps(count: int) -> list[int]:
        uniform = torch.from_numpy(np.random.default_rng(0).random(count, np.float32))
        token, state, memory, tokens = torch.tensor(START), torch.zeros(3), None, []
        # oneDNN packs the weights anew for every call; without it, stepping is several times faster
        with torch.inference_mode(), torch.backends.mkldnn.flags(enabled=False):
            for aim in uniform:
                position = (state[2] % bar).long().view(1, 1)
                logits, memory = net(token.view(1, 1), position, meter, condition, memory)
                legal = follow[kind[token]] & (pitch >= state[0]) & (wait >= state[1]) & going_on
                share = torch.softmax(torch.where(legal, logits[0, 0], FORBIDDEN), -1)
                high, which = share.topk(TOP_TOKENS)
                sums = high.cumsum(0)
                most = torch.where(sums - high < top_p, sums, 0).max()
                token = which[(sums <= aim * most).sum().clamp(max=TOP_TOKENS - 1)]
                state = state * keep[token] + add[token]
                tokens.append(token)
        return torch.stack(tokens).tolist()

    return steps


def gpt2_steps(parameters: int, vocabulary: int) -> tuple[Callable[[int], torch.Tensor], int]:
    """The same for transformers' GPT-2 with about so many parameters, giving START and all tokens, and its size."""
    import transformers  # a heavy package of the extra `bench` alone

    layers = 6
    width = 64 * max(1, round(math.sqrt(parameters / (12 * layers)) / 64))
    config = transformers.GPT2Config(
        vocab_size=vocabulary, n_positions=1024, n_embd=width, n_layer=layers, n_head=width // 64 * 2,
        bos_token_id=START, eos_token_id=None, pad_token_id=0,
    )  # fmt: skip
    net = transformers.GPT2LMHeadModel(config).eval()

    def steps(count: int) -> torch.Tensor:
        with torch.inference_mode():
            return net.generate(
                torch.full((1, 1), START), do_sample=True, top_p=0.95, min_new_tokens=count, max_new_tokens=count
            )

    return steps, sum(weight.numel() for weight in net.parameters())
