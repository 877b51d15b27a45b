"""`continuo export`: a run becomes a bundle, if the graph is the network and int8 weights cost little."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from continuo_daw.assistant.bundles.bundle import FORMAT, Card, write_bundle
from continuo_daw.assistant.bundles.families import FAMILIES, MODEL
from continuo_daw.assistant.bundles.runtime import Graph
from continuo_daw.assistant.codecs.condition import positions
from continuo_daw.export.charrnn import step_weights
from continuo_daw.export.graph import sampling_graph
from continuo_daw.export.notes_export import metrics_of as refined
from continuo_daw.export.phrase_export import metrics_of
from continuo_daw.training.config import Config, ConfigError
from continuo_daw.training.corpus.notes import NoteCorpus
from continuo_daw.training.corpus.phrases import PhraseCorpus
from continuo_daw.training.corpus.shards import Corpus, segments
from continuo_daw.training.evaluation.costs import graph_inputs
from continuo_daw.training.evaluation.index import add_index
from continuo_daw.training.evaluation.index import as_text as originality
from continuo_daw.training.evaluation.table import as_text, network_scores, table
from continuo_daw.training.families.charrnn import CharRNN
from continuo_daw.training.train import CORPUS, load_run
from continuo_daw.training.train import FAMILIES as TRAINED

USE = (
    "Sketches, continuations and variations for a musician to choose from and edit. It has learnt from European music "
    "of the 18th and 19th century and knows no other style; it has no form beyond a few phrases, and it can repeat "
    "what it was given or come close to what it has learnt."
)
REFINE = {
    "durations": "Onsets and note values of what was played or stretched, where bar lines and tempo are known. It has "
    "learnt from scores of European music and from a model of how people play: it takes what is rare in such scores, "
    "quintuplets or a written swing, for something common.",
    "velocities": "Velocities for notes that have none worth keeping. What is right differs by 8 of 127 between two "
    "good players, so a result is one reading among many; its level is that of its corpus and can be set.",
}


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
    size = sum((args.out / name).stat().st_size for name in FAMILIES[card.family].files)
    cost = card.metrics["int8_cost"]
    if measured:
        print(originality(measured))
    print(f"{args.out}: {size / 1e6:.1f} MB, parity {card.metrics['parity']:.1e}, int8 costs {cost:.2%}")
    return 0


def export(folder: Path, out: Path, title: str | None = None) -> Card:
    """Writes the bundle of a run and gives its card. Raises ConfigError or ExportError."""
    config, module, checkpoint = load_run(folder)
    if config.model.family not in MAKE:
        raise ExportError(f"{folder} is of the family {config.model.family}, a benchmark of which no bundle is made")
    family = TRAINED[config.model.family]
    if not (folder / CORPUS).is_file():
        raise ConfigError(f"{folder} holds no {CORPUS}, which the run should have written")
    corpus = family.read(family.codec(config), folder / CORPUS)
    make = MAKE[config.model.family]
    card = card_of(config, corpus, module.net, title)
    files, metrics = make(config, module, corpus, card, folder)
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


def sampled(
    config: Config, module: Any, corpus: Corpus, card: Card, folder: Path
) -> tuple[dict[str, bytes], dict[str, Any]]:
    """Files and figures of a Char-RNN."""
    weights, grammar = step_weights(module.net), corpus.codec.grammar
    difference = parity(module.net, sampling_graph(weights, grammar, False, logits=True), config, corpus)
    whole, small = (sampling_graph(weights, grammar, int8).SerializeToString() for int8 in (False, True))
    exact = network_scores(Graph(whole, "fp32"), config, corpus)
    scores = network_scores(Graph(small, "int8"), config, corpus)
    cost = max(scores[mode].nats / exact[mode].nats - 1 for mode in scores)
    return {MODEL: small}, {
        "test": table(config, corpus, scores, folder / "baselines.json"),
        "parity": float(f"{difference:.3g}"),
        "int8_cost": round(float(cost), 5),
        "fp32": {mode: score.row() for mode, score in exact.items()},
    }


def coded(
    config: Config, module: Any, corpus: PhraseCorpus, card: Card, folder: Path
) -> tuple[dict[str, bytes], dict[str, Any]]:
    """Files and figures of a phrase autoencoder."""
    return metrics_of(module, config, corpus, card)


def noted(
    config: Config, module: Any, corpus: NoteCorpus, card: Card, folder: Path
) -> tuple[dict[str, bytes], dict[str, Any]]:
    """Files and figures of a refine network."""
    return refined(module, config, corpus, card)


MAKE: dict[str, Callable[..., tuple[dict[str, bytes], dict[str, Any]]]] = {
    "charrnn": sampled,
    "vae": coded,
    "seqae": coded,
    "durations": noted,
    "velocities": noted,
}


def parity(net: CharRNN, graph: Any, config: Config, corpus: Corpus) -> float:
    """Largest difference of a logit between torch and the fp32 graph, over stretches of the test split."""
    codec = corpus.codec
    some = segments(corpus, "test", config.train.length, 8_000)[:8]
    inputs = graph_inputs(codec, config.model.layers, config.model.hidden, some, "conditioned")
    found = Graph(graph.SerializeToString(), "parity").run(inputs)["logits"]  # (T, B, V)
    worst = 0.0
    for row, (tokens, _, _, meter, given) in enumerate(some):
        clock = inputs["state"][row, 2] + codec.grammar.add[tokens, 2].cumsum()
        place = np.minimum(np.fmod(clock, inputs["bar"][row]), positions(codec.resolution) - 2).astype(np.int64)
        batch = (tokens, place, np.full_like(tokens, meter[-1]), np.repeat(given[None], len(tokens), 0))
        with torch.no_grad():
            logits = net(*(torch.from_numpy(array)[None] for array in batch))[0][0].numpy()
        worst = max(worst, float(np.abs(logits[:-1] - found[: len(tokens) - 1, row]).max()))
    return worst


def card_of(
    config: Config, corpus: Corpus | PhraseCorpus | NoteCorpus, net: torch.nn.Module, title: str | None
) -> Card:
    """The card, still without metrics, of a network that was trained by a configuration on a corpus."""
    data = json.loads(json.dumps({"sets": [vars(entry) for entry in config.data.sets]})) | corpus.origin
    model, sizes = config.model, {"parameters": sum(weight.numel() for weight in net.parameters())}
    data["attribution"] = list(config.attribution)
    if model.family == "velocities":
        data["level"] = config.notes.level
    if isinstance(corpus, PhraseCorpus):
        sizes |= {"latent": config.phrase.latent, "width": config.phrase.width, "hidden": model.hidden}
    else:
        sizes |= {"layers": model.layers, "hidden": model.hidden}
    if isinstance(corpus, Corpus):
        sizes |= {"vocabulary": corpus.codec.size}
        sizes |= {"positions": positions(config.codec.resolution)}
    return Card(
        format=FORMAT,
        name=config.name,
        title=title or config.title,
        family=model.family,
        tasks=config.tasks,
        codec=asdict(corpus.codec),
        sizes=sizes,
        files={},
        data=data,
        licence=config.licence,
        metrics={},
        command=f"continuo train {config.name}.toml --data DIR --out RUN && continuo export RUN --out BUNDLE",
        use=REFINE.get(model.family, USE),
    )
