"""Corpus: the pieces that a network learns from, loaded from sets of music files.

`load_pieces` reads the files, picks the parts, cuts them into sections of constant meter, and removes
duplicates. Loading the same data twice gives the same pieces in the same order.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tqdm import tqdm

from continuo_daw.assistant.music.clip import Clip
from continuo_daw.training.corpus.duplicates import copies_in, overlaps
from continuo_daw.training.corpus.formats import read_songs
from continuo_daw.training.corpus.parts import DRUMS, ONE_VOICED, RULES, strict_voice
from continuo_daw.training.corpus.pop909 import read_pop909
from continuo_daw.training.corpus.readers import Song
from continuo_daw.training.corpus.sections import clips, spans
from continuo_daw.training.corpus.sets import CorpusError, Entry, SetConfig, entries_of, split_of

__all__ = ["SPLITS", "CorpusError", "Piece", "Report", "SetConfig", "load_pieces"]

SPLITS = ("train", "valid", "test")
SHOWN = 20  # skipped files that a report prints


@dataclass(frozen=True)
class Piece:
    """One part of one file. Pieces of one `group`, the work, share a `split`: train, valid or test.

    sections: a clip for each stretch of constant meter, in order; tick 0 of each is a bar line
    drums: its pitches are drums
    """

    id: str
    group: str
    split: str
    sections: tuple[Clip, ...]
    source: str
    licence: str = ""
    title: str = ""
    drums: bool = False


@dataclass
class Report:
    """What became of the files: counts, and the names of what was left out.

    skipped: (path, reason) of files that cannot be read; without_part: ids of files without the part asked for
    duplicates: (id, id of the same music) within train; leaks: (train id, id in valid or test, share of its grams)
    changed: notes that were cut or dropped to make parts one-voiced
    """

    read: int = 0
    skipped: list[tuple[str, str]] = field(default_factory=list)
    without_part: list[str] = field(default_factory=list)
    duplicates: list[tuple[str, str]] = field(default_factory=list)
    leaks: list[tuple[str, str, float]] = field(default_factory=list)
    changed: int = 0
    pieces: Counter[str] = field(default_factory=Counter)
    notes: Counter[str] = field(default_factory=Counter)

    @property
    def files(self) -> str:
        """What became of the files, and why those that were skipped could not be used."""
        head = (
            f"{self.read} files read, {len(self.skipped)} skipped, {len(self.without_part)} without the part asked for"
        )
        lines = [head, *(f"skipped {path}: {reason}" for path, reason in self.skipped[:SHOWN])]
        if len(self.skipped) > SHOWN:
            lines.append(f"and {len(self.skipped) - SHOWN} more")
        return "\n".join(lines)

    def __str__(self) -> str:
        sizes = [f"{self.pieces[split]} pieces, {self.notes[split]} notes in {split}" for split in SPLITS]
        lines = [
            self.files,
            f"dropped from train: {len(self.duplicates)} duplicates, {len(self.leaks)} twins of valid and test pieces",
            f"{self.changed} notes cut or dropped to make parts one-voiced",
            "; ".join(sizes),
        ]
        return "\n".join(lines)


def load_pieces(
    data: Path, sets: Sequence[SetConfig], progress: bool = True, cache: Path | None = None
) -> tuple[list[Piece], Report]:
    """The pieces of `sets` in `data`, and a report of what was left out; archives are unpacked to `cache`.

    Raises CorpusError for an unknown set or rule, a folder that cannot be read, a corpus without a piece.
    """
    report = Report()
    pieces: dict[str, Piece] = {}
    for config in sets:
        if config.parts not in RULES:
            raise CorpusError(f"set {config.name!r}: parts {config.parts!r} is not one of {', '.join(RULES)}")
        entries = entries_of(data, config, cache)
        bar = tqdm(entries, desc=f"{config.name} {config.parts}", unit="file", disable=not progress)
        found = [piece for entry in bar for piece in pieces_of(entry, config, report)]
        if not found:
            raise CorpusError(f"set {config.name!r}: no piece with parts {config.parts!r} in {data}; {report.files}")
        pieces |= {piece.id: piece for piece in limited(found, config.limit)}
    if not pieces:
        raise CorpusError("the corpus is empty: no set is named")
    check_splits(pieces.values())
    kept = distinct(list(pieces.values()), report, {config.name for config in sets if config.versions})
    for piece in kept:
        report.pieces[piece.split] += 1
        report.notes[piece.split] += sum(len(clip.notes) for clip in piece.sections)
    return kept, report


def pieces_of(entry: Entry, config: SetConfig, report: Report) -> list[Piece]:
    """The pieces of one file; a file that cannot be used is noted in the report and gives none."""
    try:
        songs = songs_of(entry)
    except Exception as error:  # readers raise whatever they like at a broken file, and one must not stop the run
        return skip(entry, error, report)
    try:
        found = [piece for name in songs for piece in pieces_of_song(songs[name], name, entry, config, report)]
    except ValueError as error:  # a note or a clip out of its range
        return skip(entry, error, report)
    report.read += 1
    if not found:
        report.without_part.append(entry.id)
    return found


def skip(entry: Entry, error: Exception, report: Report) -> list[Piece]:
    """No pieces, and a line in the report."""
    reason = str(error).partition("\n")[0]
    report.skipped.append((str(entry.path), f"{type(error).__name__}: {reason}"))
    return []


def songs_of(entry: Entry) -> dict[str, Song]:
    """The songs of a file by name, read the way its set asks for."""
    if "num_beats_per_measure" in entry.extra:  # only the manifest of POP909 has it
        beats, quavers = entry.extra["num_beats_per_measure"], entry.extra["num_quavers_per_beat"]
        return {"": read_pop909(entry.path, int(beats), int(quavers))}
    return read_songs(entry.path)


def pieces_of_song(song: Song, name: str, entry: Entry, config: SetConfig, report: Report) -> Iterator[Piece]:
    """The pieces of one song; `name` tells the songs of a file apart, and each is a work of its own."""
    song_spans = spans(song)
    group = f"{entry.group}:{name}" if name else entry.group
    for part, notes in RULES[config.parts](song):
        table, changed = strict_voice(notes) if config.parts in ONE_VOICED else (notes, 0)
        sections = clips(table, song_spans, song.tempos)
        if sections:
            report.changed += changed
            yield Piece(
                id=f"{config.name}/{entry.id}{':' if name else ''}{name}#{part}",
                group=group,
                split=entry.split or split_of(group),
                sections=sections,
                source=config.name,
                licence=entry.licence,
                title=entry.title,
                drums=config.parts == DRUMS,
            )


def limited(pieces: list[Piece], limit: int) -> list[Piece]:
    """At most `limit` pieces, chosen by the hash of their ids, in the order they had."""
    if not limit or len(pieces) <= limit:
        return pieces
    chosen = sorted(pieces, key=lambda piece: hashlib.sha256(piece.id.encode()).digest())[:limit]
    names = {piece.id for piece in chosen}
    return [piece for piece in pieces if piece.id in names]


def check_splits(pieces: Iterable[Piece]) -> None:
    """Raise CorpusError where a split has an unknown name, or a work stands in two splits."""
    splits: dict[str, str] = {}
    for piece in pieces:
        if piece.split not in SPLITS:
            raise CorpusError(f"{piece.id}: split {piece.split!r} is not one of {', '.join(SPLITS)}")
        if splits.setdefault(piece.group, piece.split) != piece.split:
            raise CorpusError(f"{piece.id}: its work {piece.group!r} is in {splits[piece.group]} and {piece.split}")


def distinct(pieces: list[Piece], report: Report, versions: Collection[str] = ()) -> list[Piece]:
    """The pieces without the train pieces that are copies, or twins of a piece in valid or test.

    Pieces of one work are no copies of each other where their sets are named in `versions`.
    """
    train = [piece for piece in pieces if piece.split == "train"]
    held_out = [piece for piece in pieces if piece.split != "train"]
    ordered = held_out + train
    for number, other in copies_in([piece.sections for piece in ordered]).items():
        copy, original = ordered[number], ordered[other]
        played_anew = copy.group == original.group and {copy.source, original.source} <= {*versions}
        if copy.split != "train" or played_anew:
            continue
        if original.split == "train":
            report.duplicates.append((copy.id, original.id))
        else:
            report.leaks.append((copy.id, original.id, 1.0))
    dropped = {copy for copy, _ in report.duplicates} | {copy for copy, _, _ in report.leaks}
    train = [piece for piece in train if piece.id not in dropped]
    twins = overlaps([piece.sections for piece in train], [piece.sections for piece in held_out])
    best: dict[str, tuple[str, str, float]] = {}
    for number, other, share in sorted(twins, key=lambda twin: -twin[2]):
        best.setdefault(train[number].id, (train[number].id, held_out[other].id, share))
    report.leaks += best.values()
    return [piece for piece in pieces if piece.id not in dropped | best.keys()]
