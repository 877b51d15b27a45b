"""What `continuo evaluate` says of a network on a split of its corpus: counts, and `rows` of figures."""

from __future__ import annotations

from typing import Any

from continuo_daw.assistant.bundles.families import MODEL
from continuo_daw.assistant.bundles.network import Network
from continuo_daw.training.config import Config
from continuo_daw.training.corpus.notes import NoteCorpus
from continuo_daw.training.corpus.phrases import PhraseCorpus
from continuo_daw.training.corpus.shards import Corpus
from continuo_daw.training.evaluation.reconstruction import measured, reconstruction
from continuo_daw.training.evaluation.refine_rows import duration_table, rows_of, velocity_table
from continuo_daw.training.evaluation.table import ROWS, network_scores

Figures = dict[str, Any]


def sampled(network: Network, config: Config, corpus: Corpus, split: str) -> Figures:
    """Of a network that samples events: nats an event and a note in each mode."""
    scores = network_scores(network.graphs[MODEL], config, corpus, split, progress=True)
    rows = {ROWS[mode]: score.row() for mode, score in scores.items()}
    return {"events": scores["free"].events, "notes": scores["free"].notes, "rows": rows}


def coded(network: Network, config: Config, corpus: PhraseCorpus, split: str) -> Figures:
    """Of a phrase autoencoder: how well it gives phrases back."""
    rows, divergence = reconstruction(network, corpus, split)
    return {"phrases": len(measured(corpus, split)), "kl_nats_per_phrase": round(divergence, 2), "rows": rows}


def durations(network: Network, config: Config, corpus: NoteCorpus, split: str) -> Figures:
    """Of restored lengths and onsets, without the rules, which have nothing to do with the bundle."""
    return rows_of(duration_table, network, corpus, split, rules=False)


def velocities(network: Network, config: Config, corpus: NoteCorpus, split: str) -> Figures:
    """Of predicted velocities, without the rules, which have nothing to do with the bundle."""
    return rows_of(velocity_table, network, corpus, split, rules=False)
