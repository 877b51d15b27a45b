"""`continuo frames`: what the frames of held-out piano rolls cost under a network, beside counts and published figures.

Nats a frame, the mean over all frames of all pieces of the test split, the first ones included; a frame costs what its
decisions cost together. In all keys means: each piece is heard moved by -6 to 5 semitones as well, and the chances
that the keys give the frames are mixed, each key weighted by how well it told the frames so far (Bayes, uniform prior).
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from continuo_daw.assistant.errors import AssistantError
from continuo_daw.training.config import ConfigError
from continuo_daw.training.corpus.rolls import SPARE, Roll, RollCorpus, prepare_rolls
from continuo_daw.training.corpus.sets import CorpusError
from continuo_daw.training.evaluation.ngram import cross_entropy
from continuo_daw.training.families.frames import FrameNet, FramesRun, batch_of, cut
from continuo_daw.training.train import load_run

IN_KEYS = range(-SPARE, SPARE)
BATCH = 8  # pieces
DISCOUNTS = np.linspace(0.3, 0.95, 14)[:, None]
Nats = NDArray[np.float64]
PUBLISHED: dict[str, dict[str, tuple[float, str]]] = {
    "nottingham": {
        "RNN-NADE": (2.31, "Boulanger-Lewandowski et al. 2012, after others who quote its table"),
        "RNN-RBM": (2.39, "Boulanger-Lewandowski et al. 2012, after others who quote its table"),
    },
    "jsb_chorales": {
        "RNN-NADE": (5.56, "Boulanger-Lewandowski et al. 2012, from memory"),
        "RNN-RBM": (6.27, "Boulanger-Lewandowski et al. 2012, from memory"),
        "GRU": (8.54, "Chung et al. 2014, after others who quote its table"),
    },
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `continuo frames`."""
    parser.add_argument("run_folder", metavar="RUN", type=Path, help="folder of a run of the family frames")
    parser.add_argument("--data", type=Path, required=True, help="folder with the set of the run's configuration")
    parser.add_argument("--split", choices=("valid", "test"), default="test", help="what to measure (default test)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    """Print the figures. Raises AssistantError where run or data cannot be used."""
    try:
        config, module, _ = load_run(args.run_folder)
        if not isinstance(module, FramesRun):
            raise ConfigError(f"{args.run_folder} is of the family {config.model.family}, not frames")
        corpus = prepare_rolls(config, args.data, args.data)
    except (ConfigError, CorpusError) as error:
        raise AssistantError("bad_args", str(error)) from None
    found = figures(module.average, corpus, args.split)
    print(json.dumps(found, indent=1) if args.json else as_text(found))
    return 0


def figures(net: FrameNet, corpus: RollCorpus, split: str) -> dict[str, Any]:
    """The rows of the table in nats a frame, and what they were counted of."""
    rolls, name = corpus.splits[split], corpus.origin["sources"][0]
    rows = chord_rows(corpus, split) | network_rows(net, rolls)
    return {
        "set": name,
        "split": split,
        "pieces": len(rolls),
        "frames": sum(map(len, rolls)),
        "parameters": sum(weights.numel() for weights in net.parameters()),
        "nats_per_frame": {title: round(value, 4) for title, value in rows.items()},
        "published": {title: {"nats": nats, "source": source} for title, (nats, source) in PUBLISHED[name].items()},
    }


def chord_rows(corpus: RollCorpus, split: str) -> dict[str, float]:
    """Interpolated counts of whole frames: of single ones, and of three in a row in all keys. The discount is the one
    that does best on the valid split; below the single frames stand independent keys."""
    return {
        "chord unigram": chord_cost(corpus.splits, split, 1, range(1)),
        "chord trigram, 12 keys": chord_cost(corpus.splits, split, 3, IN_KEYS),
    }


def chord_cost(splits: dict[str, list[Roll]], split: str, order: int, keys: Sequence[int]) -> float:
    """Nats a frame under an n-gram of the frames of the train split in these keys."""
    train = [np.roll(roll, key, 1) for key in keys for roll in splits["train"]]
    parts = [train, splits["valid"], splits[split]]
    flat = np.concatenate([roll for part in parts for roll in part])
    _, numbers = np.unique(np.packbits(flat, 1), axis=0, return_inverse=True)
    sizes = [len(roll) for part in parts for roll in part]
    pieces = np.split(numbers.ravel(), np.cumsum(sizes)[:-1])
    learned, valid = len(train), len(train) + len(splits["valid"])
    on = (np.concatenate(train).sum(0) + 0.5) / (sum(map(len, train)) + 1)
    vocabulary = int(numbers.max()) + 1

    def cost(tokens: Sequence[NDArray[np.int64]], rolls: Sequence[Roll], discount: Nats) -> Nats:
        frames = np.concatenate(list(rolls))
        base = np.exp(np.where(frames, np.log(on), np.log1p(-on)).sum(1))
        return cross_entropy(pieces[:learned], tokens, vocabulary, order, discount, 0, base).mean(-1)

    best = DISCOUNTS[int(cost(pieces[learned:valid], splits["valid"], DISCOUNTS).argmin())]
    return float(cost(pieces[valid:], splits[split], best[:, None])[0])


def network_rows(net: FrameNet, rolls: Sequence[Roll]) -> dict[str, float]:
    """Nats a frame in the key as it is, and in all keys mixed."""
    plain, mixed = [], []
    for part in tqdm(cut(sorted(rolls, key=len), BATCH), "frames"):
        by_key = [costs(net, part, key) for key in IN_KEYS]
        plain += by_key[IN_KEYS.index(0)]
        mixed += [mixture(np.stack(piece)) for piece in zip(*by_key, strict=True)]
    named = {"network": plain, "network, 12 keys mixed": mixed}
    return {title: float(np.concatenate(nats).mean()) for title, nats in named.items()}


@torch.no_grad()
def costs(net: FrameNet, rolls: Sequence[Roll], key: int) -> list[Nats]:
    """(T,) nats of the frames of each of some pieces that are heard `key` semitones higher."""
    found = net.costs(**batch_of([np.roll(roll, key, 1) for roll in rolls])).double().numpy()
    return [nats[: len(roll)] for nats, roll in zip(found, rolls, strict=True)]


def mixture(costs: Nats) -> Nats:
    """(T,) nats of each frame under a Bayesian mixture of K tellers whose costs are (K, T); their prior is uniform."""
    so_far = np.concatenate([np.zeros((len(costs), 1)), costs.cumsum(1)], 1)
    total: Nats = -np.logaddexp.reduce(-so_far, axis=0)
    return np.diff(total)


def as_text(found: dict[str, Any]) -> str:
    """The figures as a table for people."""
    published = {f"{title}, published": row["nats"] for title, row in found["published"].items()}
    rows = found["nats_per_frame"] | published
    width = max(map(len, rows))
    lines = [
        f"{found['set']}, {found['split']}: {found['pieces']} pieces, {found['frames']} frames; "
        f"{found['parameters']:,} parameters",
        f"{'nats a frame':{width}}",
        *(f"{title:{width}}  {value:7.3f}" for title, value in rows.items()),
    ]
    return "\n".join(lines)
