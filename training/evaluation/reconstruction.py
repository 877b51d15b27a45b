"""How well an autoencoder gives phrases back, beside holding always and beside the nearest phrase it has learnt from.

A slot is a sixteenth; it is right where the same pitches start in it and the same ones end. A note is found where one
of the same pitch starts at the same step of the grid.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from continuo_daw.assistant.bundles.families import ENCODER
from continuo_daw.assistant.bundles.network import Network
from continuo_daw.assistant.codecs.phrases import SLOTS_A_QUARTER, Bars, PhraseCodec
from continuo_daw.assistant.latent.space import Latent
from continuo_daw.training.corpus.phrases import PhraseCorpus, PhraseRows, phrases
from continuo_daw.training.space import encoded_phrases

MOST = 3000  # phrases of a split that are measured, spread evenly
NEAREST, OF_THEM = 500, 20_000  # phrases that look for their nearest one, and among how many
Found = dict[str, float]


@dataclass
class Tally:
    """Counts that add up over phrases."""

    slots: int = 0
    right: int = 0
    notes: int = 0
    hits: int = 0
    bars: int = 0
    exact: int = 0

    def row(self) -> Found:
        """Shares, as the table holds them."""
        return {
            "slots": round(self.right / max(self.slots, 1), 4),
            "note_f1": round(2 * self.hits / max(self.notes, 1), 4),
            "exact_bars": round(self.exact / max(self.bars, 1), 4),
        }


def add(tally: Tally, codec: PhraseCodec, true: Bars, made: Bars) -> None:
    """Counts one phrase in."""
    a, b = _slots(codec, true), _slots(codec, made)
    tally.slots += len(a)
    tally.right += sum(x == y for x, y in zip(a, b, strict=True))
    for bar in range(len(true.count)):
        one, two = (_rows(x, bar) for x in (true, made))
        tally.hits += len({row[:2] for row in one} & {row[:2] for row in two})
        tally.notes += len({row[:2] for row in one}) + len({row[:2] for row in two})
        tally.exact += {row[:3] for row in one} == {row[:3] for row in two}
        tally.bars += 1


def _rows(bars: Bars, bar: int) -> list[tuple[int, ...]]:
    return [tuple(row) for row in bars.notes[bar, : bars.count[bar]].tolist()]


def _slots(codec: PhraseCodec, bars: Bars) -> list[tuple[frozenset[int], frozenset[int]]]:
    """(starting pitches, ending pitches) of each slot of a phrase."""
    size = codec.resolution // SLOTS_A_QUARTER
    count = -(-len(bars.count) * bars.steps // size)
    begun: list[set[int]] = [set() for _ in range(count)]
    ended: list[set[int]] = [set() for _ in range(count)]
    for note in codec.decode(bars):
        first, last = note.start // codec.step // size, -(-note.end // codec.step // size)
        begun[min(first, count - 1)].add(note.pitch)
        if last < count:
            ended[last].add(note.pitch)
    return [(frozenset(a), frozenset(b)) for a, b in zip(begun, ended, strict=True)]


def reconstruction(network: Network, corpus: PhraseCorpus, split: str) -> tuple[dict[str, Found], float]:
    """The rows of the table, and the KL divergence in nats a phrase, over phrases of a split that share no bar."""
    starts = measured(corpus, split)
    true, hold = wanted(corpus, starts), Tally()
    for bars in true:
        add(hold, corpus.codec, bars, silent(bars))
    ours, divergence = given_back(network, corpus, split)
    return {
        "always hold": hold.row(),
        "nearest phrase": nearest(corpus, starts, true).row(),
        "network": ours,
    }, divergence


def given_back(network: Network, corpus: PhraseCorpus, split: str) -> tuple[Found, float]:
    """The row of the network alone, and the KL divergence in nats a phrase."""
    latent, codec = Latent(network), corpus.codec
    starts = measured(corpus, split)
    mean, spread = encoded_phrases(network.graphs[ENCODER], corpus, starts)
    divergence = 0.5 * (mean.astype(np.float64) ** 2 + np.exp(spread) - 1 - spread)
    codes, true, ours = latent.signs(mean), wanted(corpus, starts), Tally()
    for steps in np.unique(corpus.steps[starts]).tolist():
        some = np.flatnonzero(corpus.steps[starts] == steps)
        for at in range(0, len(some), 64):
            which = some[at : at + 64]
            for index, made in zip(which, latent.decode(codes[which][:, None], codec.bars, steps), strict=True):
                add(ours, codec, true[index], made)
    return ours.row(), float(divergence.sum(1).mean())


def wanted(corpus: PhraseCorpus, starts: NDArray[np.int64]) -> list[Bars]:
    """The bars of the phrases that begin at the bars `starts`."""
    return [bars_of(phrases(corpus, starts[[index]], corpus.codec.bars)) for index in range(len(starts))]


def measured(corpus: PhraseCorpus, split: str) -> NDArray[np.int64]:
    """First bars of the phrases that are measured: they share no bar, and are spread evenly."""
    starts = corpus.starts(split, corpus.codec.bars, apart=True)
    return starts[:: -(-len(starts) // MOST)]


def bars_of(rows: PhraseRows) -> Bars:
    """The first phrase of some rows."""
    return Bars(rows.notes[0], rows.count[0], int(rows.steps[0]))


def silent(bars: Bars) -> Bars:
    """As many bars without notes."""
    return Bars(bars.notes[:, :0], np.zeros_like(bars.count), bars.steps)


def nearest(corpus: PhraseCorpus, starts: NDArray[np.int64], true: Sequence[Bars]) -> Tally:
    """For some of the phrases, that of the training split with the most notes at the same places."""
    tally, bars = Tally(), corpus.codec.bars
    learnt = corpus.starts("train", bars)
    learnt = learnt[:: -(-len(learnt) // OF_THEM)]
    some = np.arange(len(starts))[:: -(-len(starts) // NEAREST)]
    for steps in np.unique(corpus.steps[starts[some]]).tolist():
        own = some[corpus.steps[starts[some]] == steps]
        others = learnt[corpus.steps[learnt] == steps]
        here = _onsets(corpus, starts[own])
        similarity = np.zeros((len(own), max(1, len(others))), np.float32)
        for at in range(0, len(others), 2000):
            there = _onsets(corpus, others[at : at + 2000])
            both = here.sum(1)[:, None] + there.sum(1)[None]
            similarity[:, at : at + 2000] = 2 * (here @ there.T) / np.maximum(both, 1)
        for index, best in zip(own, similarity.argmax(1), strict=True):
            found = bars_of(phrases(corpus, others[[best]], bars)) if len(others) else silent(true[index])
            add(tally, corpus.codec, true[index], found)
    return tally


def _onsets(corpus: PhraseCorpus, starts: NDArray[np.int64]) -> NDArray[np.float32]:
    """(N, bars x slots x 128) where which pitch starts in each phrase."""
    codec = corpus.codec
    rows = phrases(corpus, starts, codec.bars)
    size = codec.resolution // SLOTS_A_QUARTER
    there = np.arange(rows.notes.shape[2]) < rows.count[..., None]
    phrase, bar, _ = np.nonzero(there)
    notes = rows.notes[there]
    cells = np.zeros((len(starts), codec.bars, codec.slots, 128), np.float32)
    cells[phrase, bar, notes[:, 0] // size, notes[:, 1]] = 1
    flat = cells.reshape(len(starts), -1)
    return flat
