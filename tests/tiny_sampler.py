"""A bundle whose network has learnt nothing: it does what nobody would, so limits that hold here hold everywhere."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import torch

from continuo_daw.assistant.bundles.bundle import FORMAT, Card, write_bundle
from continuo_daw.assistant.bundles.families import MODEL
from continuo_daw.assistant.codecs.condition import positions
from continuo_daw.assistant.codecs.events import EventCodec
from continuo_daw.export.charrnn import step_weights
from continuo_daw.export.graph import sampling_graph
from continuo_daw.training.families.charrnn import CharRNN, CharRNNConfig

CELLS = 8


def bundle(folder: Path, name: str, codec: EventCodec, loud: float = 3.0) -> None:
    """Writes the bundle `name`; its logits are `loud` times those of fresh weights."""
    torch.manual_seed(5)
    net = CharRNN(CharRNNConfig(codec.size, positions(codec.resolution), 1, CELLS)).eval()
    weights = step_weights(net)
    weights = replace(weights, out=weights.out * np.float32(loud))
    sizes = {"layers": 1, "hidden": CELLS, "vocabulary": codec.size, "positions": positions(codec.resolution)}
    card = Card(
        format=FORMAT,
        name=name,
        title=name,
        family="charrnn",
        tasks=("generate", "continue"),
        codec=asdict(codec),
        sizes=sizes | {"parameters": 1},
        files={},
        data={},
        licence="",
        metrics={},
        command="",
        use="",
    )
    write_bundle(folder / name, card, {MODEL: sampling_graph(weights, codec.grammar, False).SerializeToString()})
