"""`continuo export`: a run becomes a bundle, if the graph is the network and int8 weights cost little."""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch

from continuo_daw.assistant.bundles.bundle import FORMAT, Card, write_bundle
from continuo_daw.assistant.bundles.families import FAMILIES as SERVED
from continuo_daw.training.config import Config, ConfigError
from continuo_daw.training.evaluation.index import add_index
from continuo_daw.training.evaluation.index import as_text as originality
from continuo_daw.training.evaluation.table import as_text
from continuo_daw.training.families.table import FAMILIES
from continuo_daw.training.train import CORPUS, load_run


class ExportError(ValueError):
    """The graph is not the network, or int8 weights cost too much; the text has both numbers."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, metavar="RUN", help="folder of a run, as `continuo train` writes it")
    parser.add_argument("--out", type=Path, required=True, help="folder of the bundle")
    parser.add_argument("--title", default=None, help="title in the card (default: that of the configuration)")
    parser.add_argument("--data", type=Path, metavar="DIR", help="index the corpus in this folder, as `continuo index`")


def run(args: argparse.Namespace) -> int:
    try:
        card = export(args.folder, args.out, args.title)
        measured = add_index(args.out, args.data) if args.data else None
    except (ConfigError, ExportError) as error:
        print(f"continuo: {error}", file=sys.stderr)
        return 1
    print(as_text(card.metrics["test"]["rows"]))
    size = sum((args.out / name).stat().st_size for name in SERVED[card.family].files)
    cost = card.metrics["int8_cost"]
    if measured:
        print(originality(measured))
    print(f"{args.out}: {size / 1e6:.1f} MB, parity {card.metrics['parity']:.1e}, int8 costs {cost:.2%}")
    return 0


def export(folder: Path, out: Path, title: str | None = None) -> Card:
    """Writes the bundle of a run and gives its card. Raises ConfigError or ExportError."""
    config, module, checkpoint = load_run(folder)
    family = FAMILIES[config.model.family]
    if not family.export:
        raise ExportError(f"{folder} is of the family {config.model.family}, a benchmark of which no bundle is made")
    if not (folder / CORPUS).is_file():
        raise ConfigError(f"{folder} holds no {CORPUS}, which the run should have written")
    corpus = family.read(family.codec(config), folder / CORPUS)
    card = card_of(config, corpus, module.net, title)
    make = importlib.import_module(family.export).files_and_figures
    files, metrics = make(module, config, corpus, card, folder)
    if not metrics["parity"] <= config.export.parity:
        raise ExportError(
            f"the graph differs from torch by {metrics['parity']:.1e}, more than {config.export.parity:.0e}"
        )
    if metrics.get("same_bars", 1.0) < config.export.same_bars:
        raise ExportError(f"the graph writes {metrics['same_bars']:.1%} of the bars as torch does, too few")
    if not metrics["int8_cost"] <= config.export.int8_cost:
        raise ExportError(
            f"int8 weights cost {metrics['int8_cost']:.2%} of the test figure, more than {config.export.int8_cost:.2%}"
        )
    card = replace(card, metrics=metrics | {"steps_trained": int(checkpoint["global_step"])})
    write_bundle(out, card, files)
    return card


def card_of(config: Config, corpus: Any, net: torch.nn.Module, title: str | None) -> Card:
    """The card, still without metrics, of a network that was trained by a configuration on a corpus."""
    data = json.loads(json.dumps({"sets": [vars(entry) for entry in config.data.sets]})) | corpus.origin
    data["attribution"] = list(config.attribution)
    family, parameters = FAMILIES[config.model.family], sum(weight.numel() for weight in net.parameters())
    data |= {key: getattr(getattr(config, family.own), key) for key in family.kept}
    return Card(
        format=FORMAT,
        name=config.name,
        title=title or config.title,
        family=config.model.family,
        tasks=config.tasks,
        codec=asdict(corpus.codec),
        sizes={"parameters": parameters} | family.sizes(config, corpus.codec),
        files={},
        data=data,
        licence=config.licence,
        metrics={},
        command=f"continuo train {config.name}.toml --data DIR --out RUN && continuo export RUN --out BUNDLE",
        use=family.use,
    )
