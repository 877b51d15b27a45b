"""From a run of a refine network to the files and the figures of its bundle."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from continuo_daw.assistant.bundles.bundle import Bundle, Card
from continuo_daw.assistant.bundles.families import LENGTHS, MODEL, ONSETS
from continuo_daw.assistant.bundles.network import Network
from continuo_daw.assistant.bundles.runtime import Graph
from continuo_daw.export.notes import scores_graph, velocity_graph
from continuo_daw.training.config import Config
from continuo_daw.training.corpus.notes import NoteCorpus
from continuo_daw.training.evaluation.refine_rows import duration_table, rows_of, velocity_table
from continuo_daw.training.families.notes_net import CENTRE, UNIT, DurationNet, VelocityNet
from continuo_daw.training.families.notes_run import DurationRun, NoteBatches, VelocityRun
from continuo_daw.training.families.table import FAMILIES

Files = dict[str, bytes]
# how a network is measured, the figure in which the cost of int8 is counted, and which way is worse
WEIGHED = {DurationNet: (duration_table, "exact_polyphonic", -1), VelocityNet: (velocity_table, "mae", 1)}


def graphs_of(net: DurationNet | VelocityNet, int8: bool) -> Files:
    """The graphs of a network."""
    if isinstance(net, VelocityNet):
        return {MODEL: velocity_graph(net, int8).SerializeToString()}
    heads = {ONSETS: net.onset, LENGTHS: net.length}
    return {name: scores_graph(net.trunk, head, int8).SerializeToString() for name, head in heads.items()}


def parity(net: DurationNet | VelocityNet, files: Files, batches: NoteBatches, limit: int = 8) -> float:
    """Largest difference of an output between torch and the fp32 graphs, over windows of the test split; of velocities
    in units of about their standard deviation."""
    worst = 0.0
    graphs = {name: Graph(file, name) for name, file in files.items()}
    for batch, _ in zip(batches.held_out("test"), range(limit), strict=False):
        told = {"told": batch["told"].numpy(), "pitch": batch["pitch"].numpy()}
        if isinstance(net, VelocityNet):
            with torch.no_grad():
                wanted = net(batch["told"], batch["pitch"]).numpy()
            found = graphs[MODEL].run(told)["velocity"]
            location = np.clip(wanted[..., 0] * UNIT + CENTRE, 1, 127)
            spread = np.log(found[..., 1] / UNIT)
            worst = max(worst, _apart(found[..., 0], location) / UNIT, _apart(spread, wanted[..., 1]))
            continue
        place = np.stack(np.indices(told["pitch"].shape), -1).reshape(-1, 2)
        with torch.no_grad():
            wanted_scores = net(batch["told"], batch["pitch"], batch["onsets"], batch["lengths"])
        for name, scores in zip((ONSETS, LENGTHS), wanted_scores, strict=True):
            choices = batch[name.removesuffix(".onnx")].numpy().reshape(len(place), scores.shape[-1], -1)
            found = graphs[name].run(told | {"place": place, "candidates": choices})["scores"]
            worst = max(worst, _apart(found, scores.numpy().reshape(found.shape)))
    return worst


def _apart(one: NDArray[np.floating], other: NDArray[np.floating]) -> float:
    return float(np.abs(one - other).max())


def files_and_figures(
    run: DurationRun | VelocityRun, config: Config, corpus: NoteCorpus, card: Card, folder: Path
) -> tuple[Files, dict[str, Any]]:
    """Files with int8 weights, and what is measured on the test split."""
    whole, small = (graphs_of(run.net, int8) for int8 in (False, True))

    def network(files: Files) -> Network:
        graphs = {name: Graph(file, name) for name, file in files.items()}
        return Network(Bundle(card, Path(card.name), files, corpus.codec), graphs)

    measure, name, sign = WEIGHED[type(run.net)]
    test = rows_of(measure, network(small), corpus)
    exact = rows_of(measure, network(whole), corpus, rules=False)["rows"]["network"]
    cost = sign * (test["rows"]["network"][name] - exact[name]) / max(exact[name], 1e-9)
    difference = parity(run.net, whole, FAMILIES[config.model.family].batches(corpus, config))
    return small, {
        "test": test,
        "parity": float(f"{difference:.3g}"),
        "int8_cost": round(cost, 5),
        "fp32": exact,
    }
