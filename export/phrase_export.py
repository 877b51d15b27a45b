"""From a run of a phrase autoencoder to the files and the figures of its bundle."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from continuo_daw.assistant.bundles.bundle import Bundle, Card
from continuo_daw.assistant.bundles.families import DECODER, ENCODER, SPACE
from continuo_daw.assistant.bundles.network import Network
from continuo_daw.assistant.bundles.runtime import Graph
from continuo_daw.export.phrase import decoder_graph, encoder_graph
from continuo_daw.export.phrase_parity import parity
from continuo_daw.training.config import Config
from continuo_daw.training.corpus.phrases import PhraseCorpus, batches
from continuo_daw.training.evaluation.reconstruction import given_back, reconstruction
from continuo_daw.training.families.phrase_net import Decoder
from continuo_daw.training.families.phrase_run import PhraseRun, tensors
from continuo_daw.training.families.seqae import signs
from continuo_daw.training.space import space_of_corpus

Files = dict[str, bytes]


def playing_decoder(run: PhraseRun) -> Decoder:
    """The decoder that plays: that of binary codes where there is one."""
    return run.net.binary_decoder or run.net.decoder


def graphs_of(run: PhraseRun, corpus: PhraseCorpus, int8: bool) -> Files:
    """Encoder and decoder of a network."""
    encoder = encoder_graph(run.net, int8).SerializeToString()
    decoder = decoder_graph(playing_decoder(run), corpus.codec, int8).SerializeToString()
    return {ENCODER: encoder, DECODER: decoder}


def network_of(files: Files, card: Card, corpus: PhraseCorpus) -> Network:
    """The graphs of a bundle as a network, before they are written."""
    graphs = {name: Graph(file, name) for name, file in files.items()}
    return Network(Bundle(card, Path(card.name), files, corpus.codec), graphs)


def forced_accuracy(run: PhraseRun, corpus: PhraseCorpus, limit: int = 1000) -> dict[str, float]:
    """Share of positions, pitches and durations that are right when the true notes stand before each."""
    codec = corpus.codec
    starts = corpus.starts("test", codec.bars, apart=True)
    starts = starts[:: -(-len(starts) // limit)]
    right, total = np.zeros(3), np.zeros(3)
    for rows in batches(corpus, starts, codec.bars, 64):
        batch = tensors(rows)
        with torch.no_grad():
            code, _ = run.net.encode(batch["notes"], batch["count"], batch["steps"])
            code = signs(code) if run.net.config.binary else code
            logits = playing_decoder(run)(code, batch["steps"], batch["notes"], batch["notes"])
        notes = batch["notes"].flatten(0, 1)
        there = torch.arange(notes.shape[1]) < batch["count"].flatten()[:, None]
        for column, values in enumerate(logits[:3]):
            guess = values[:, : notes.shape[1]].argmax(-1)
            right[column] += float((guess == notes[..., column])[there].sum())
            total[column] += float(there.sum())
    names = ("positions", "pitches", "durations")
    return {name: round(float(r / max(t, 1)), 4) for name, r, t in zip(names, right, total, strict=True)}


def code_figures(run: PhraseRun, corpus: PhraseCorpus, split: str, limit: int = 1000) -> dict[str, float]:
    """What the ablation of the Continuous SeqAE looks at: cross-entropy in nats a note from real and from binary codes
    with the true notes before each, and mean Hamming distance of the codes of consecutive phrases."""
    bars = corpus.codec.bars
    starts = corpus.starts(split, 2 * bars, apart=True)
    starts = starts[:: -(-len(starts) // limit)]
    nats, notes, apart = np.zeros(2), 0, []
    for pairs in batches(corpus, starts, 2 * bars, 64):
        codes = []
        for half in (slice(0, bars), slice(bars, 2 * bars)):
            rows = {"notes": pairs.notes[:, half], "count": pairs.count[:, half], "steps": pairs.steps}
            batch = {name: torch.from_numpy(array) for name, array in rows.items()}
            with torch.no_grad():
                code, _ = run.net.encode(*batch.values())
                bits = signs(code)
                for index, (decoder, known) in enumerate(((run.net.decoder, code), (playing_decoder(run), bits))):
                    nats[index] += float(run.reconstruction(decoder, known, batch)[0]) * len(code)
            codes.append(bits)
            notes += int(batch["count"].sum())
        apart += (codes[0] != codes[1]).sum(-1).tolist()
    real, binary = (nats / max(notes, 1)).round(4).tolist()
    return {"l_rec": real, "l_rec_bin": binary, "hamming": round(float(np.mean(apart)), 3)}


def files_and_figures(
    run: PhraseRun, config: Config, corpus: PhraseCorpus, card: Card, folder: Path
) -> tuple[Files, dict[str, Any]]:
    """Files with int8 weights, and what is measured on the test split: reconstruction of the graphs in the bundle,
    what int8 costs in note F1, and how far the fp32 graphs are from torch."""
    whole, small = (graphs_of(run, corpus, int8) for int8 in (False, True))
    space = space_of_corpus(Graph(small[ENCODER], ENCODER), corpus)
    starts = corpus.starts("test", corpus.codec.bars, apart=True)[:200]
    difference, same = parity(run.net, corpus.codec, next(iter(batches(corpus, starts, corpus.codec.bars, 64))))
    exact, _ = given_back(network_of(whole, card, corpus), corpus, "test")
    rows, divergence = reconstruction(network_of(small, card, corpus), corpus, "test")
    own: dict[str, Any] = {"kl_nats_per_phrase": round(divergence, 2)}
    if run.net.config.binary:
        own = {"codes": {split: code_figures(run, corpus, split) for split in ("train", "test")}}
    return small | {SPACE: space.to_bytes()}, own | {
        "test": {"rows": rows},
        "regular": config.phrase.regular,
        "teacher_forced": forced_accuracy(run, corpus),
        "parity": float(f"{difference:.3g}"),
        "same_bars": round(same, 4),
        "int8_cost": round(exact["note_f1"] - rows["network"]["note_f1"], 5),
        "fp32": exact,
    }
