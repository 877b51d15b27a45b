"""Notes for the refine networks: sections of pieces as note tables in one cached file, and windows drawn from them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from continuo_daw.assistant.codecs.notes import NoteCodec
from continuo_daw.assistant.music.clip import Clip, Note
from continuo_daw.training.config import Config
from continuo_daw.training.corpus.pieces import Piece
from continuo_daw.training.corpus.shards import SPLITS, encoded_once

FORMAT = 1
FEW = 8  # a piece with fewer different velocities was not played


@dataclass(frozen=True)
class Section:
    """A stretch of a piece in one meter: `notes` (N, 4) start, end, pitch, velocity in ticks, in order; `frame` is an
    empty clip of its meter and tempo; `piece` its number in the split."""

    notes: NDArray[np.int64]
    frame: Clip
    drums: bool
    piece: int


@dataclass(frozen=True)
class NoteCorpus:
    """The sections of each split, and what is known of their origin."""

    codec: NoteCodec
    splits: dict[str, list[Section]]
    origin: dict[str, object]


def note_codec(config: Config) -> NoteCodec:
    """The codec of a configuration. Raises ValueError where its values make none."""
    return NoteCodec(config.notes.window, config.notes.margin, config.notes.drums)


def prepare_notes(config: Config, data: Path, cache: Path, progress: bool = True) -> NoteCorpus:
    """The corpus of a configuration, as `encoded_once` keeps it."""
    return _prepared(config, data, cache, progress, played=False)


def prepare_played(config: Config, data: Path, cache: Path, progress: bool = True) -> NoteCorpus:
    """The same for networks that learn velocities: pieces that somebody played, brought to one mean velocity."""
    return _prepared(config, data, cache, progress, played=True)


def _prepared(config: Config, data: Path, cache: Path, progress: bool, played: bool) -> NoteCorpus:
    codec, level = note_codec(config), config.notes.level if played else 0.0

    def write(pieces: Sequence[Piece], file: Path) -> None:
        write_notes(_encoded(codec, levelled(pieces, level) if level else pieces, played, progress), file)

    known = {"family": config.model.family, "level": level}
    return read_notes(codec, encoded_once(config, data, cache, config.name, FORMAT, known, write, progress))


def levelled(pieces: Sequence[Piece], level: float) -> list[Piece]:
    """The pieces, the velocities of each source shifted so that those of its train pieces have this mean.

    How loud an instrument sends is no music: pop songs at 80 and a grand piano at 50 differ by the keyboard.
    """
    shifts: dict[str, int] = {}
    for source in sorted({piece.source for piece in pieces}):
        own = [piece for piece in pieces if piece.source == source]
        own = [piece for piece in own if piece.split == "train"] or own
        found = [note.velocity for piece in own for section in piece.sections for note in section.notes]
        shifts[source] = round(level - float(np.mean(found)))
    return [
        replace(piece, sections=tuple(shifted(section, shifts[piece.source]) for section in piece.sections))
        for piece in pieces
    ]


def shifted(clip: Clip, velocities: int) -> Clip:
    """The clip with louder or softer notes, as far as velocities go."""
    notes = (replace(note, velocity=min(127, max(1, note.velocity + velocities))) for note in clip.notes)
    return replace(clip, notes=tuple(notes))


def table_of(clip: Clip) -> NDArray[np.int64]:
    """(N, 4) start, end, pitch, velocity of the notes of a clip that are not muted."""
    rows = [(n.start, n.end, n.pitch, n.velocity) for n in clip.notes if not n.muted]
    return np.array(rows, np.int64).reshape(-1, 4)


def section_of(clip: Clip, piece: int) -> Section:
    """A clip as a section of a corpus."""
    return Section(table_of(clip), Clip((), clip.length, clip.tempo, clip.meter), clip.drums, piece)


def clip_of_section(section: Section) -> Clip:
    """The section as a clip."""
    notes = tuple(Note(start, pitch, end - start, velocity) for start, end, pitch, velocity in section.notes.tolist())
    return Clip(notes, section.frame.length, section.frame.tempo, section.frame.meter)


def _encoded(codec: NoteCodec, pieces: Sequence[Piece], played: bool, progress: bool) -> NoteCorpus:
    splits: dict[str, list[Section]] = {split: [] for split in SPLITS}
    count, notes = dict.fromkeys(SPLITS, 0), dict.fromkeys(SPLITS, 0)
    used: list[Piece] = []
    for piece in tqdm(pieces, "encode", unit="piece", disable=not progress):
        found = [replace(section_of(clip, count[piece.split]), drums=piece.drums) for clip in piece.sections]
        if played and len(np.unique(np.concatenate([section.notes[:, 3] for section in found]))) < FEW:
            continue
        splits[piece.split] += found
        notes[piece.split] += sum(len(section.notes) for section in found)
        count[piece.split] += 1
        used.append(piece)
    origin = {
        "sources": sorted({piece.source for piece in used}),
        "licences": sorted({piece.licence for piece in used if piece.licence}),
        "pieces": count,
        "notes": notes,
    }
    return NoteCorpus(codec, splits, origin)


def write_notes(corpus: NoteCorpus, file: Path) -> None:
    """One file with everything; it appears whole or not at all."""
    sections = [section for split in SPLITS for section in corpus.splits[split]]
    part = file.with_suffix(f".{uuid4().hex}.part")
    with part.open("wb") as handle:
        np.savez_compressed(
            handle,
            notes=np.concatenate([np.zeros((0, 4), np.int64), *(s.notes for s in sections)]).astype(np.int32),
            sizes=np.array([len(section.notes) for section in sections]),
            frames=np.array([(s.frame.length, *s.frame.meter, s.drums, s.piece) for s in sections]),
            tempos=np.array([section.frame.tempo for section in sections]),
            splits=np.repeat(SPLITS, [len(corpus.splits[split]) for split in SPLITS]),
            origin=np.array(json.dumps(corpus.origin)),
        )
    part.replace(file)


def read_notes(codec: NoteCodec, file: Path) -> NoteCorpus:
    """What `write_notes` wrote."""
    with np.load(file, allow_pickle=False) as stored:
        tables = np.split(stored["notes"].astype(np.int64), np.cumsum(stored["sizes"]))[:-1]
        frames, tempos, names = stored["frames"].tolist(), stored["tempos"].tolist(), stored["splits"].tolist()
        origin = json.loads(str(stored["origin"]))
    splits: dict[str, list[Section]] = {split: [] for split in SPLITS}
    for name, notes, tempo, (length, numerator, denominator, drums, piece) in zip(
        names, tables, tempos, frames, strict=True
    ):
        frame = Clip((), length, tempo, (numerator, denominator))
        splits[name].append(Section(notes, frame, bool(drums), piece))
    return NoteCorpus(codec, splits, origin)


def all_rows(sections: Sequence[Section], size: int, most: int = 0) -> Iterator[tuple[Section, int, int]]:
    """Stretches of at most `size` notes, one behind the other; of more than `most` every so many-th, where not 0."""
    rows = [
        (section, at, min(at + size, len(section.notes)))
        for section in sections
        for at in range(0, len(section.notes), size)
    ]
    yield from rows[:: max(1, -(-len(rows) // most))] if most else rows
