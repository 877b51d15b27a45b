"""Tiny bundles of refine networks: random weights, the same each time."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import torch

from continuo_daw.assistant.bundles.bundle import FORMAT, Card, write_bundle
from continuo_daw.assistant.codecs.notes import NoteCodec
from continuo_daw.export.notes_export import graphs_of
from continuo_daw.training.families.notes_net import DurationNet, VelocityNet

LAYERS, HIDDEN = 2, 8
NETS = {"durations": DurationNet, "velocities": VelocityNet}
TASKS = {"durations": ("refine_duration",), "velocities": ("refine_velocity",)}


def network(family: str) -> DurationNet | VelocityNet:
    """A network that has learnt nothing."""
    torch.manual_seed(7)
    return NETS[family](LAYERS, HIDDEN, 0.0).eval()


def bundle(folder: Path, family: str, name: str = "", *, window: int = 24, margin: int = 4, drums: bool = True) -> Path:
    """Writes a bundle into a folder of its own below `folder`; returns that folder."""
    net, name = network(family), name or f"tiny-{family}"
    card = Card(
        format=FORMAT,
        name=name,
        title=f"Tiny {family}",
        family=family,
        tasks=TASKS[family],
        codec=asdict(NoteCodec(window, margin, drums and family == "velocities")),
        sizes={"layers": LAYERS, "hidden": HIDDEN, "parameters": sum(weight.numel() for weight in net.parameters())},
        files={},
        data={"sources": ["nothing"], "attribution": []},
        licence="CC0-1.0",
        metrics={},
        command="none",
        use="tests",
    )
    write_bundle(folder / name, card, graphs_of(net, int8=True))
    return folder / name
