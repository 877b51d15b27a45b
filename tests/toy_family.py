"""A family of networks in one file: a velocity from what surrounds its note, without a look at any other note."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from continuo_daw.assistant.bundles.bundle import Bundle, Card
from continuo_daw.assistant.bundles.families import MODEL
from continuo_daw.assistant.bundles.network import Network
from continuo_daw.assistant.bundles.runtime import Graph
from continuo_daw.assistant.refining.surroundings import SIZE
from continuo_daw.export.layers import REAL, WHOLE, Layers, infos, model_of
from continuo_daw.training.config import Config
from continuo_daw.training.corpus import notes
from continuo_daw.training.evaluation import figures
from continuo_daw.training.families.notes_run import VelocityBatches
from continuo_daw.training.families.table import Family
from continuo_daw.training.run import Run

CENTRE, SPREAD = 64.0, 10.0  # velocities


class ToyRun(Run):
    """The network, one linear layer, and its loss."""

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.net = nn.Linear(SIZE, 1)

    def loss(self, batch: dict[str, Tensor]) -> Tensor:
        """Mean error in units of SPREAD."""
        return ((batch["velocity"] - CENTRE) / SPREAD - self.net(batch["told"])[..., 0]).abs().mean()

    def training_step(self, batch: dict[str, Tensor], index: int) -> Tensor:
        return self.loss(batch)

    def validation_step(self, batch: dict[str, Tensor], index: int) -> None:
        self.log("valid/miss", self.loss(batch), batch_size=len(batch["told"]))


def graph_of(net: nn.Linear) -> bytes:
    """Inputs: told (B, T, SIZE) float32, pitch (B, T) int64, unused. Output: velocity (B, T, 2), location and scale."""
    outer = Layers("toy", int8=False)
    spread, centre = (outer.constant(name, np.float32(value)) for name, value in (("s", SPREAD), ("c", CENTRE)))
    location = outer.one("Add", outer.one("Mul", outer.linear("out", net, "told"), spread), centre)
    level = outer.one("Add", outer.one("Mul", location, outer.constant("none", np.float32(0))), spread)
    outer.name("Concat", location, level, name="velocity", axis=2)
    inputs = infos(REAL, told=("B", "T", SIZE)) + infos(WHOLE, pitch=("B", "T"))
    return model_of(outer, inputs, infos(REAL, velocity=("B", "T", 2))).SerializeToString()


def files_and_figures(
    run: ToyRun, config: Config, corpus: notes.NoteCorpus, card: Card, folder: Path
) -> tuple[dict[str, bytes], dict[str, Any]]:
    """The graph, how far it is from torch, and its rows on the test split."""
    graph = graph_of(run.net)
    network = Network(Bundle(card, folder, {MODEL: graph}, corpus.codec), {MODEL: Graph(graph, card.name)})
    told = np.random.default_rng(1).standard_normal((2, 5, SIZE)).astype(np.float32)
    found = network.graphs[MODEL].run({"told": told, "pitch": np.zeros((2, 5), np.int64)})["velocity"][..., :1]
    with torch.no_grad():
        apart = np.abs((found - CENTRE) / SPREAD - run.net(torch.from_numpy(told)).numpy()).max()
    test = figures.velocities(network, config, corpus, "test")
    return {MODEL: graph}, {"test": test, "parity": float(apart), "int8_cost": 0.0}


ROW = Family(
    learner=lambda: (ToyRun, VelocityBatches),
    codec=notes.note_codec,
    prepare=notes.prepare_played,
    write=notes.write_notes,
    read=notes.read_notes,
    own="notes",
    monitor="valid/miss",
    export=__name__,
    kept=("level",),
    use="tests",
    figures=figures.velocities,
    measures=("concerts",),
)
