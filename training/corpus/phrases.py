"""Phrases: the bars of a corpus as arrays in one cached file, and batches of phrases drawn from them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from continuo_daw.assistant.codecs.phrases import VELOCITY_STEP, PhraseCodec
from continuo_daw.assistant.music.attributes import NAMES, beat_ticks, note_measures
from continuo_daw.assistant.music.clip import Clip
from continuo_daw.training.config import Config
from continuo_daw.training.corpus.pieces import Piece
from continuo_daw.training.corpus.shards import SPLITS, encoded_once

FORMAT = 3  # raised when what is stored changes
POOL = 8  # batches drawn together, so that each has bars of like size


@dataclass(frozen=True)
class PhraseCorpus:
    """All bars of a corpus, those of a section one after the other.

    notes (M, 4) as in `Bars`; first (K + 1,) index of each bar's first note; steps (K,) grid steps of each bar; meter
    (K, 2); section (K,), piece (K,), split (K,) index into SPLITS; sums (K, 5): notes, pitches, syncopations, lengths,
    velocities, summed over each bar; titles: of the pieces
    """

    codec: PhraseCodec
    notes: NDArray[np.int64]
    first: NDArray[np.int64]
    steps: NDArray[np.int64]
    meter: NDArray[np.int64]
    section: NDArray[np.int64]
    piece: NDArray[np.int64]
    split: NDArray[np.int64]
    sums: NDArray[np.float64]
    titles: NDArray[np.str_]
    origin: dict[str, object]

    def starts(self, split: str, bars: int, apart: bool = False) -> NDArray[np.int64]:
        """First bars of all phrases of `bars` bars in one section with notes in at least half of their bars; `apart`:
        only such that share no bar."""
        count = np.diff(self.first)
        full = np.concatenate([[0], np.cumsum(count > 0)])
        starts = np.arange(max(0, len(count) - bars + 1))
        ends = starts + bars - 1
        good = (self.section[starts] == self.section[ends]) & (self.split[starts] == SPLITS.index(split))
        good &= (full[ends + 1] - full[starts]) * 2 >= bars
        starts = starts[good]
        if not apart:
            return starts
        kept, free = [], 0
        for start in starts.tolist():
            if start >= free:
                kept.append(start)
                free = start + bars
        return np.array(kept, np.int64)


@dataclass(frozen=True)
class PhraseRows:
    """B phrases of P bars, N notes at most: notes (B, P, N, 4), count (B, P), steps (B,), attributes (B, 5)."""

    notes: NDArray[np.int64]
    count: NDArray[np.int64]
    steps: NDArray[np.int64]
    attributes: NDArray[np.float32]


def prepare_phrases(config: Config, data: Path, cache: Path, progress: bool = True) -> PhraseCorpus:
    """The bars of a configuration's corpus, as `encoded_once` keeps them."""
    codec = phrase_codec(config)

    def write(pieces: Sequence[Piece], file: Path) -> None:
        write_phrases(encoded(codec, pieces, progress), file)

    stem = f"phrases-{config.name}"
    return read_phrases(codec, encoded_once(config, data, cache, stem, FORMAT, asdict(codec), write, progress))


def phrase_codec(config: Config) -> PhraseCodec:
    """The codec of a configuration. Raises ValueError where its values make none."""
    return PhraseCodec(config.phrase.bars, config.phrase.most, config.codec.voices, config.codec.resolution)


def encoded(codec: PhraseCodec, pieces: Sequence[Piece], progress: bool = False) -> PhraseCorpus:
    """The bars of pieces; sections in a meter without a place are left out."""
    tables: dict[str, list[NDArray[np.int64] | NDArray[np.float64]]] = {
        name: [np.zeros((0, 4), np.int64)] if name == "notes" else [] for name in ("notes", "count", "bars", "sums")
    }
    section = 0
    for index, piece in enumerate(tqdm(pieces, "encode", unit="piece", disable=not progress)):
        for clip in piece.sections:
            if codec.refusal(clip):
                continue
            notes, count, sums = _section(codec, clip)
            bar = [clip.bar // codec.step, *clip.meter, section, index, SPLITS.index(piece.split)]
            tables["notes"].append(notes)
            tables["count"].append(count)
            tables["sums"].append(sums)
            tables["bars"].append(np.tile(bar, (len(count), 1)))
            section += 1
    bars = np.concatenate(tables["bars"]).astype(np.int64)
    origin = {
        "sources": sorted({piece.source for piece in pieces}),
        "licences": sorted({piece.licence for piece in pieces if piece.licence}),
        "pieces": {split: sum(piece.split == split for piece in pieces) for split in SPLITS},
        "bars": {split: int((bars[:, 5] == index).sum()) for index, split in enumerate(SPLITS)},
    }
    first = np.concatenate([[0], np.cumsum(np.concatenate(tables["count"]))]).astype(np.int64)
    columns = [bars[:, 0], bars[:, 1:3], *bars[:, 3:].T]
    notes = np.concatenate(tables["notes"]).astype(np.int64)
    titles = np.array([piece.title or piece.id for piece in pieces])
    return PhraseCorpus(codec, notes, first, *columns, np.concatenate(tables["sums"]), titles, origin)


def _section(codec: PhraseCodec, clip: Clip) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """notes (M, 4), count (K,), sums (K, 5) of a section."""
    bars = codec.encode(clip)
    there = np.arange(codec.most)[None] < bars.count[:, None]
    notes, bar = bars.notes[there], np.repeat(np.arange(len(bars.count)), bars.count)
    onset = bar * bars.steps + notes[:, 0]
    syncopated, length = note_measures(onset, notes[:, 2], beat_ticks(clip.meter) // codec.step)
    columns = (np.ones(len(notes)), notes[:, 1], syncopated, length, notes[:, 3] * VELOCITY_STEP)
    sums = np.stack([np.bincount(bar, column, len(bars.count)) for column in columns], axis=1)
    return notes, bars.count, sums


def write_phrases(corpus: PhraseCorpus, file: Path) -> None:
    """One file with everything; it appears whole or not at all."""
    part = file.with_suffix(f".{uuid4().hex}.part")
    with part.open("wb") as handle:
        np.savez_compressed(
            handle,
            notes=corpus.notes.astype(np.uint8),
            **{name: getattr(corpus, name).astype(np.int32) for name in _COLUMNS},
            sums=corpus.sums,
            titles=corpus.titles,
            origin=np.array(json.dumps(corpus.origin)),
        )
    part.replace(file)


_COLUMNS = ("first", "steps", "meter", "section", "piece", "split")


def read_phrases(codec: PhraseCodec, file: Path) -> PhraseCorpus:
    """What `write_phrases` wrote."""
    with np.load(file, allow_pickle=False) as stored:
        columns = {name: stored[name].astype(np.int64) for name in ("notes", *_COLUMNS)}
        sums, titles, origin = stored["sums"], stored["titles"], json.loads(str(stored["origin"]))
        return PhraseCorpus(codec, **columns, sums=sums, titles=titles, origin=origin)


def phrases(corpus: PhraseCorpus, starts: NDArray[np.int64], bars: int) -> PhraseRows:
    """The phrases that begin at the bars `starts` (B,), `bars` bars each."""
    index = starts[:, None] + np.arange(bars)
    count = np.diff(corpus.first)[index]
    notes = np.zeros((*index.shape, max(1, int(count.max(initial=0))), 4), np.int64)
    there = np.arange(notes.shape[2]) < count[..., None]
    notes[there] = corpus.notes[(corpus.first[index][..., None] + np.arange(notes.shape[2]))[there]]
    sums = corpus.sums[index].sum(1)
    total = np.maximum(sums[:, :1], 1)
    quarters = bars * corpus.steps[starts] / corpus.codec.resolution
    values = np.concatenate([sums[:, :1] / quarters[:, None], sums[:, 1:] / total], axis=1)
    return PhraseRows(notes, count, corpus.steps[starts], values.astype(np.float32))


def training_phrases(
    corpus: PhraseCorpus, config: Config, starts: NDArray[np.int64], step: int, rank: int = 0
) -> PhraseRows:
    """The batch of one step, drawn from (seed, step, rank) alone. Phrases are transposed at random, and with
    `mixed` some bars come from elsewhere, so that the network learns to hold any bar and not only likely ones.

    With `pairs` the second half of the batch are the phrases that follow those of the first half.
    """
    train, phrase = config.train, config.phrase
    size = train.batch // 2 if phrase.pairs else train.batch
    pool = np.random.default_rng([train.seed, step // POOL, rank])
    drawn = starts[pool.integers(len(starts), size=size * POOL)]
    count = np.diff(corpus.first)
    widest = count[drawn[:, None] + np.arange(phrase.bars)].max(1)
    groups = drawn[np.argsort(widest, kind="stable")].reshape(POOL, size)
    chosen = groups[pool.permutation(POOL)[step % POOL]]
    rng = np.random.default_rng([train.seed, step, rank, 1])
    shifts = rng.integers(-train.transpose, train.transpose, size) if train.transpose else np.zeros(size, np.int64)
    if phrase.pairs:
        chosen, shifts = np.concatenate([chosen, chosen + phrase.bars]), np.tile(shifts, 2)
    rows = phrases(corpus, chosen, phrase.bars)
    if phrase.mixed:
        rows = _mixed(corpus, rows, phrase.mixed, rng)
    return transposed(rows, shifts)


def transposed(rows: PhraseRows, shifts: NDArray[np.int64]) -> PhraseRows:
    """The phrases moved by semitones, each as far as the keyboard lets it."""
    there = np.arange(rows.notes.shape[2]) < rows.count[..., None]
    pitch = rows.notes[..., 1]
    low, high = np.where(there, pitch, 127).min((1, 2)), np.where(there, pitch, 0).max((1, 2))
    shifts = np.clip(shifts, -low, 127 - high)
    notes, values = rows.notes.copy(), rows.attributes.copy()
    notes[..., 1] += np.where(there, shifts[:, None, None], 0)
    values[:, NAMES.index("pitch")] += shifts
    return replace(rows, notes=notes, attributes=values)


def _mixed(corpus: PhraseCorpus, rows: PhraseRows, share: float, rng: np.random.Generator) -> PhraseRows:
    """In a share of the phrases each bar is one of the same length from anywhere in the batch; the attributes of such
    a phrase are unknown, nan."""
    notes, count, values = rows.notes.copy(), rows.count.copy(), rows.attributes.copy()
    for steps in np.unique(rows.steps):
        here = np.flatnonzero((rows.steps == steps) & (rng.random(len(rows.steps)) < share))
        for bar in range(count.shape[1]):
            other = rng.permutation(here)
            notes[here, bar], count[here, bar] = rows.notes[other, bar], rows.count[other, bar]
        values[here] = np.nan
    return replace(rows, notes=notes, count=count, attributes=values)


def batches(corpus: PhraseCorpus, starts: NDArray[np.int64], bars: int, batch: int) -> Iterator[PhraseRows]:
    """All the phrases at `starts`, short with short."""
    count = np.diff(corpus.first)
    widest = count[starts[:, None] + np.arange(bars)].max(1)
    ordered = starts[np.argsort(widest, kind="stable")]
    for at in range(0, len(ordered), batch):
        yield phrases(corpus, ordered[at : at + batch], bars)
