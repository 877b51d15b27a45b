"""Shards: the pieces of a corpus as token streams in one cached file, and batches drawn from them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from assistant.clip import Clip, bar_ticks
from assistant.codecs.events import END, KINDS, RESUME, START, EventCodec
from assistant.condition import PARTS, SIZE, condition, condition_of, meter_index, positions
from training.config import Config, TrainConfig
from training.corpus import Piece, load_pieces

FORMAT = 1  # raised when what is stored changes, so that an old cache is not read
IGNORED = -100  # target that no loss counts


@dataclass(frozen=True)
class Stream:
    """The tokens of one piece, START to END (N,), with position in the bar and meter after each token (N,)."""

    tokens: NDArray[np.int64]
    position: NDArray[np.int64]
    meter: NDArray[np.int64]


@dataclass(frozen=True)
class Corpus:
    """The streams of each split, the codec that made them, and what is known of their origin."""

    codec: EventCodec
    splits: dict[str, list[Stream]]
    origin: dict[str, object]


def prepare(config: Config, data: Path, cache: Path, progress: bool = True) -> Corpus:
    """The corpus of a configuration; encoded once and kept in `cache` under a name that says what went in."""
    codec = EventCodec(**asdict(config.codec))
    name = json.dumps([FORMAT, str(data.resolve()), asdict(config.data), asdict(config.codec)], sort_keys=True)
    file = cache / f"{config.name}-{hashlib.sha256(name.encode()).hexdigest()[:16]}.npz"
    if not file.is_file():
        pieces, report = load_pieces(data, config.data.sets, progress, cache)
        print(report)
        cache.mkdir(parents=True, exist_ok=True)
        part = file.with_suffix(".part")
        with part.open("wb") as handle:
            np.savez_compressed(handle, **_arrays(codec, pieces, progress))
        part.replace(file)
    return _read(codec, file)


def _arrays(codec: EventCodec, pieces: Sequence[Piece], progress: bool) -> dict[str, NDArray[np.generic]]:
    streams = [encode(codec, p.sections) for p in tqdm(pieces, "encode", unit="piece", disable=not progress)]
    origin = {
        "sources": sorted({p.source for p in pieces}),
        "licences": sorted({p.licence for p in pieces if p.licence}),
        "pieces": {s: sum(p.split == s for p in pieces) for s in ("train", "valid", "test")},
        "notes": {
            s: sum(len(c.notes) for p in pieces if p.split == s for c in p.sections) for s in ("train", "valid", "test")
        },
    }
    return {
        "tokens": np.concatenate([s.tokens for s in streams]).astype(np.uint16),
        "position": np.concatenate([s.position for s in streams]).astype(np.uint16),
        "meter": np.concatenate([s.meter for s in streams]).astype(np.uint8),
        "lengths": np.array([len(s.tokens) for s in streams]),
        "splits": np.array([p.split for p in pieces]),
        "origin": np.array(json.dumps(origin)),
    }


def _read(codec: EventCodec, file: Path) -> Corpus:
    with np.load(file, allow_pickle=False) as stored:
        arrays = [stored[key].astype(np.int64) for key in ("tokens", "position", "meter")]
        ends = np.cumsum(stored["lengths"])[:-1]
        names, origin = stored["splits"].tolist(), json.loads(str(stored["origin"]))
    splits: dict[str, list[Stream]] = {"train": [], "valid": [], "test": []}
    for split, *columns in zip(names, *(np.split(array, ends) for array in arrays), strict=True):
        splits[split].append(Stream(*columns))
    return Corpus(codec, splits, origin)


def encode(codec: EventCodec, sections: Sequence[Clip]) -> Stream:
    """The sections of a piece, one after the other, as one stream."""
    whole = sections[0]
    for section in sections[1:]:
        whole = whole.joined(section)
    tokens = codec.encode(whole)
    clock = np.cumsum(codec.grammar.add[tokens, 2]).astype(np.int64)
    starts = np.cumsum([0, *(section.length for section in sections[:-1])]) // codec.step
    index = np.searchsorted(starts, clock, "right") - 1
    bars = np.array([bar_ticks(section.meter) // codec.step for section in sections])
    phase = (clock - starts[index]) % np.maximum(bars[index], 1)
    meters = np.array([meter_index(section.meter) for section in sections])
    return Stream(tokens, np.minimum(phase, positions(codec.resolution) - 2), meters[index])


@dataclass(frozen=True)
class Rows:
    """A batch: inputs and targets (B, T), position and meter (B, T), condition (B, T, SIZE)."""

    tokens: NDArray[np.int64]
    targets: NDArray[np.int64]
    position: NDArray[np.int64]
    meter: NDArray[np.int64]
    condition: NDArray[np.float32]


class Cutter:
    """Cuts stretches out of streams, in the form in which a network meets them at the DAW: from the start of the
    piece, or from the middle behind RESUME and with the velocity said again."""

    def __init__(self, codec: EventCodec) -> None:
        self.codec = codec
        self.pitch = codec.kinds == KINDS.index("PITCH")
        self.time = codec.kinds == KINDS.index("TIME")
        self.velocity = codec.kinds == KINDS.index("VELOCITY")

    def starts(self, tokens: NDArray[np.int64]) -> NDArray[np.int64]:
        """Where a stretch may begin: at START, and at the first TIME token of each onset."""
        time = self.time[tokens]
        return np.flatnonzero(np.concatenate([[True], time[1:] & ~time[:-1] & (np.arange(1, len(tokens)) > 1)]))

    def cut(self, stream: Stream, start: int, end: int) -> tuple[NDArray[np.int64], ...]:
        """tokens, targets, position, meter of `start` to `end`, each (N,); the last target lies behind `end`."""
        tokens, position, meter = (a[start:end] for a in (stream.tokens, stream.position, stream.meter))
        following = stream.tokens[start + 1 : end + 1]
        targets = np.concatenate([following, np.full(len(tokens) - len(following), IGNORED)])
        if start == 0:
            return tokens, targets, position, meter
        lead = max(start - 1, 0)
        tokens = np.concatenate([[RESUME], tokens])
        targets = np.concatenate([[stream.tokens[start]], targets])
        position = np.concatenate([[stream.position[lead]], position])
        meter = np.concatenate([[stream.meter[lead]], meter])
        first = int(np.argmax(self.pitch[tokens])) if self.pitch[tokens].any() else 0
        spoken = first and first + 1 < len(tokens) and self.velocity[tokens[first + 1]]
        said = stream.tokens[:start][self.velocity[stream.tokens[:start]]]
        if first and not spoken and len(said):
            at = first + 1
            tokens = np.insert(tokens, at, said[-1])
            targets = np.insert(targets, at - 1, IGNORED)  # nobody asked the network to say it again
            position, meter = np.insert(position, at, position[first]), np.insert(meter, at, meter[first])
        return tokens, targets, position, meter

    def condition(self, tokens: NDArray[np.int64]) -> NDArray[np.float32]:
        """(SIZE,) the condition that a stretch meets."""
        pitches = self.codec.values[tokens[self.pitch[tokens]]]
        steps = float(self.codec.grammar.add[tokens, 2].sum())
        return condition_of(pitches, steps / self.codec.resolution)


def training_rows(corpus: Corpus, config: TrainConfig, step: int, rank: int = 0) -> Rows:
    """The batch of one step: drawn from (seed, step, rank) alone, so that a resumed run sees what it would have seen.

    A row is filled with stretches of random pieces, each transposed and each with its own condition, of which parts
    are left out at random.
    """
    rng = np.random.default_rng([config.seed, step, rank])
    cutter, streams = Cutter(corpus.codec), corpus.splits["train"]
    weights = np.cumsum([len(s.tokens) for s in streams])
    unknown = positions(corpus.codec.resolution) - 1
    rows = _empty_rows(config.batch, config.length)
    for row in range(config.batch):
        filled = 0
        while filled < config.length:
            stream = streams[int(np.searchsorted(weights, rng.integers(weights[-1]), "right"))]
            starts = cutter.starts(stream.tokens)
            reach = starts[starts <= max(0, len(stream.tokens) - config.length // 2)]
            start = int(rng.choice(reach)) if rng.random() < 0.8 else 0
            tokens, targets, position, meter = cutter.cut(stream, start, start + config.length)
            tokens, targets = _transposed(cutter, tokens, targets, config.transpose, rng)
            given = _left_out(cutter.condition(tokens), config, rng)
            if rng.random() < config.leave_out / 4:
                position, meter = np.full_like(position, unknown), np.zeros_like(meter)
            size = min(len(tokens), config.length - filled)
            span = slice(filled, filled + size)
            rows.tokens[row, span], rows.targets[row, span] = tokens[:size], targets[:size]
            rows.position[row, span], rows.meter[row, span] = position[:size], meter[:size]
            rows.condition[row, span] = given
            filled += size
    return rows


def _empty_rows(batch: int, length: int) -> Rows:
    whole = [np.zeros((batch, length), np.int64) for _ in range(4)]
    whole[1][:] = IGNORED
    return Rows(*whole, np.zeros((batch, length, SIZE), np.float32))


def _transposed(
    cutter: Cutter, tokens: NDArray[np.int64], targets: NDArray[np.int64], reach: int, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    semitones = int(rng.integers(-reach, reach)) if reach else 0
    pitches = cutter.codec.values[np.r_[tokens, targets[targets >= 0]]]
    pitches = pitches[cutter.pitch[np.r_[tokens, targets[targets >= 0]]]]
    if len(pitches):
        semitones = int(np.clip(semitones, -pitches.min(), 127 - pitches.max()))
    moved = np.where((targets >= 0) & cutter.pitch[np.maximum(targets, 0)], targets + semitones, targets)
    return np.where(cutter.pitch[tokens], tokens + semitones, tokens), moved


def _left_out(given: NDArray[np.float32], config: TrainConfig, rng: np.random.Generator) -> NDArray[np.float32]:
    if rng.random() < config.free:
        return condition()
    given = given.copy()
    for columns in PARTS:
        if rng.random() < config.leave_out:
            given[columns] = 0
    return given


def segments(corpus: Corpus, split: str, length: int, tokens: int = 0) -> list[tuple[NDArray[np.int64], ...]]:
    """(tokens, targets, position, meter, condition) of every stretch of about `length` tokens of a split, so that each
    token of each piece is a target once; at most about `tokens` of them, spread evenly, where that is not 0."""
    cutter, streams = Cutter(corpus.codec), corpus.splits[split]
    total = sum(len(s.tokens) for s in streams)
    if tokens and total > tokens:
        streams = streams[:: -(-total // tokens)]
    found = []
    for stream in streams:
        starts = cutter.starts(stream.tokens)
        start = 0
        while start < len(stream.tokens) - 1:
            later = starts[starts >= start + length]
            end = int(later[0]) if len(later) else len(stream.tokens) - 1
            cut = cutter.cut(stream, start, end)
            if start:  # the target of RESUME was the last one of the stretch before
                cut[1][0] = IGNORED
            found.append((*cut, cutter.condition(cut[0])))
            start = end
    return found


def padded(found: Sequence[tuple[NDArray[np.int64], ...]], batch: int, free: bool) -> Iterator[Rows]:
    """Batches of segments, long with long; `free` leaves every condition out."""
    ordered = sorted(found, key=lambda cut: len(cut[0]))
    for at in range(0, len(ordered), batch):
        some = ordered[at : at + batch]
        rows = _empty_rows(len(some), max(len(cut[0]) for cut in some))
        for row, (tokens, targets, position, meter, given) in enumerate(some):
            span = slice(0, len(tokens))
            rows.tokens[row, span], rows.targets[row, span] = tokens, targets
            rows.position[row, span], rows.meter[row, span] = position, meter
            rows.condition[row] = condition() if free else given
        yield rows


__all__ = ["END", "START", "Corpus", "Cutter", "Rows", "Stream", "encode", "padded", "prepare", "segments", "training_rows"]
