"""The table of the Deep Symphony report: cross-entropy of the test split under the network and its baselines."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from continuo_daw.assistant.bundles.runtime import Graph
from continuo_daw.training.config import Config
from continuo_daw.training.corpus.shards import Corpus, segments
from continuo_daw.training.evaluation.costs import MODES, Score, graph_score, parts_of, score_of
from continuo_daw.training.evaluation.ngram import cross_entropy, transposed

DISCOUNTS = (0.5, 0.7, 0.8, 0.9)  # the one that suits the valid split best is taken
ROWS = {
    "blind": "Char-RNN without the place in the bar",
    "free": "vanilla Char-RNN",
    "conditioned": "conditional Char-RNN",
}
EVALUATED = 1024  # tokens of a stretch: long enough that what came before it hardly matters


def baselines(corpus: Corpus, reach: int) -> dict[str, dict[str, float]]:
    """Rows `random`, `1-gram` and `5-gram`; the n-grams count every piece of train in all its transpositions."""
    codec = corpus.codec
    train, _ = parts_of(codec, corpus.splits["train"])
    valid, _ = parts_of(codec, corpus.splits["valid"])
    test, targets = parts_of(codec, corpus.splits["test"])
    moved = transposed(codec, train, reach)
    nats = {
        "random": cross_entropy(moved[:1], test, codec.size, 0),
        "1-gram": cross_entropy(moved, test, codec.size, 1),
    }
    # every discount over both splits in one pass; the valid split chooses
    both = cross_entropy(moved, [*valid, *test], codec.size, 5, np.array(DISCOUNTS)[:, None])  # (D, events)
    best = int(both[:, : -len(targets)].mean(1).argmin())
    nats["5-gram"] = both[best, -len(targets) :]
    rows = {name: score_of(costs, codec, targets).row() for name, costs in nats.items()}
    rows["5-gram"]["discount"] = DISCOUNTS[best]
    return rows


def cached_baselines(corpus: Corpus, reach: int, file: Path) -> dict[str, dict[str, float]]:
    """The baselines, kept in a file of the run: they depend on the corpus alone and take minutes."""
    if not file.is_file():
        file.write_text(json.dumps(baselines(corpus, reach), indent=1), encoding="utf-8")
    rows: dict[str, dict[str, float]] = json.loads(file.read_text(encoding="utf-8"))
    return rows


def network_scores(
    graph: Graph, config: Config, corpus: Corpus, split: str = "test", progress: bool = False
) -> dict[str, Score]:
    """A split under a graph, in each of `MODES`."""
    found = segments(corpus, split, EVALUATED)
    layers, cells = config.model.layers, config.model.hidden
    return {mode: graph_score(graph, corpus.codec, layers, cells, found, mode, progress=progress) for mode in MODES}


def table(config: Config, corpus: Corpus, scores: dict[str, Score], file: Path) -> dict[str, object]:
    """All rows, and by how much of its cross-entropy each network beats the 5-gram."""
    rows = cached_baselines(corpus, config.train.transpose, file)
    rows |= {ROWS[mode]: score.row() for mode, score in scores.items()}
    against = rows["5-gram"]["nats_per_event"]
    gain = {mode: round(1 - score.per_event / against, 4) for mode, score in scores.items()}
    return {"events": scores["free"].events, "notes": scores["free"].notes, "rows": rows, "below_5_gram": gain}


def as_text(rows: dict[str, dict[str, float]]) -> str:
    """The rows as lines for people."""
    width = max(map(len, rows))
    columns = [name.replace("_per_", "/").replace("_", " ") for name in next(iter(rows.values()))]
    lines = [f"{'':{width}}" + "".join(f"  {column:>10}" for column in columns)]
    lines += [f"{n:{width}}" + "".join(f"  {value:10.3f}" for value in row.values()) for n, row in rows.items()]
    return "\n".join(lines)
