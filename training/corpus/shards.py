"""Shards: the pieces of a corpus as token streams in one cached file, and batches drawn from them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from continuo_daw.assistant.codecs.condition import PARTS, SIZE, condition, condition_of, meter_index, positions
from continuo_daw.assistant.codecs.events import KINDS, EventCodec
from continuo_daw.assistant.codecs.stretch import starts_of, stretch_of
from continuo_daw.assistant.music.clip import Clip, bar_ticks
from continuo_daw.training.config import Config, TrainConfig
from continuo_daw.training.corpus.pieces import Piece, load_pieces
from continuo_daw.training.corpus.sets import state_of

FORMAT = 1  # raised when what is stored changes, so that an old cache is not read
IGNORED = -100  # target that no loss counts
SPLITS = ("train", "valid", "test")


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
    """The corpus of a configuration, as `encoded_once` keeps it."""
    codec = event_codec(config)

    def write(pieces: Sequence[Piece], file: Path) -> None:
        write_corpus(_encoded(codec, pieces, progress), file)

    name = config.name
    return read_corpus(codec, encoded_once(config, data, cache, name, FORMAT, asdict(config.codec), write, progress))


def encoded_once(
    config: Config,
    data: Path,
    cache: Path,
    stem: str,
    version: int,
    codec: dict[str, Any],
    write: Callable[[Sequence[Piece], Path], None],
    progress: bool,
) -> Path:
    """The file in `cache` to which `write` has encoded the pieces of a configuration's corpus, now or before.

    Its name begins with `stem` and says what went in: the version of the format, the codec, the sets, and the files of
    the data, so that files that have changed since make another name.
    """
    files = sorted({file for source in config.data.sets for file in state_of(data, source)})
    name = json.dumps([version, str(data.resolve()), files, asdict(config.data), codec], sort_keys=True)
    file = cache / f"{stem}-{hashlib.sha256(name.encode()).hexdigest()[:16]}.npz"
    if not file.is_file():
        pieces, report = load_pieces(data, config.data.sets, progress, cache)
        print(report)
        cache.mkdir(parents=True, exist_ok=True)
        write(pieces, file)
    print(f"prepared data: {file}")
    return file


def event_codec(config: Config) -> EventCodec:
    """The codec of a configuration. Raises ValueError where its values make none."""
    return EventCodec(**asdict(config.codec))


def _encoded(codec: EventCodec, pieces: Sequence[Piece], progress: bool) -> Corpus:
    splits: dict[str, list[Stream]] = {split: [] for split in SPLITS}
    notes = dict.fromkeys(SPLITS, 0)
    for piece in tqdm(pieces, "encode", unit="piece", disable=not progress):
        splits[piece.split].append(encode(codec, piece.sections))
        notes[piece.split] += sum(len(section.notes) for section in piece.sections)
    origin = {
        "sources": sorted({piece.source for piece in pieces}),
        "licences": sorted({piece.licence for piece in pieces if piece.licence}),
        "pieces": {split: len(streams) for split, streams in splits.items()},
        "notes": notes,
    }
    return Corpus(codec, splits, origin)


def write_corpus(corpus: Corpus, file: Path) -> None:
    """One file with everything; it appears whole or not at all."""
    streams = [stream for split in SPLITS for stream in corpus.splits[split]]
    part = file.with_suffix(f".{uuid4().hex}.part")  # other processes may write the same file
    with part.open("wb") as handle:
        np.savez_compressed(
            handle,
            tokens=np.concatenate([s.tokens for s in streams]).astype(np.uint16),
            position=np.concatenate([s.position for s in streams]).astype(np.uint16),
            meter=np.concatenate([s.meter for s in streams]).astype(np.uint8),
            lengths=np.array([len(s.tokens) for s in streams]),
            splits=np.repeat(SPLITS, [len(corpus.splits[split]) for split in SPLITS]),
            origin=np.array(json.dumps(corpus.origin)),
        )
    part.replace(file)


def read_corpus(codec: EventCodec, file: Path) -> Corpus:
    """What `write_corpus` wrote."""
    with np.load(file, allow_pickle=False) as stored:
        arrays = [stored[key].astype(np.int64) for key in ("tokens", "position", "meter")]
        ends = np.cumsum(stored["lengths"])[:-1]
        names, origin = stored["splits"].tolist(), json.loads(str(stored["origin"]))
    splits: dict[str, list[Stream]] = {split: [] for split in SPLITS}
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
    """Cuts stretches out of streams, with the targets and the condition of each."""

    def __init__(self, codec: EventCodec) -> None:
        self.codec = codec
        self.pitch = codec.kinds == KINDS.index("PITCH")

    def cut(self, stream: Stream, start: int, end: int) -> tuple[NDArray[np.int64], ...]:
        """tokens, targets, position, meter of `start` to `end`, each (N,); the last target lies behind `end`."""
        stretch = stretch_of(self.codec, stream.tokens, start, end)
        following = np.append(stream.tokens, IGNORED)[stretch.source + 1]
        # nobody asks the network to say a velocity again: the token before it has no target
        targets = np.where(np.append(stretch.added[1:], False), IGNORED, following)
        return stretch.tokens, targets, stream.position[stretch.source], stream.meter[stretch.source]

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
            starts = starts_of(corpus.codec, stream.tokens)
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
    """(tokens, targets, position, meter, condition) of every stretch of about `length` tokens in one meter, so that
    each token of each piece is a target once; at most about `tokens` of them, spread evenly, where that is not 0."""
    cutter, streams = Cutter(corpus.codec), corpus.splits[split]
    total = sum(len(s.tokens) for s in streams)
    if tokens and total > tokens:
        streams = streams[:: -(-total // tokens)]
    found = []
    for stream in streams:
        starts = starts_of(corpus.codec, stream.tokens)
        heard = np.flatnonzero(corpus.codec.kinds[stream.tokens] != KINDS.index("TIME"))
        onsets = heard[np.minimum(np.searchsorted(heard, starts), len(heard) - 1)]  # behind each start's TIME tokens
        changed = stream.meter[onsets] != stream.meter[np.maximum(starts - 1, 0)]
        start = 0
        while start < len(stream.tokens) - 1:
            later = starts[(starts >= start + length) | ((starts > start) & changed)]
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
