"""Songs of the score network: every piece of the sets as a table of notes with its tracks and bars, in one packed file.

Times are grid steps, `RESOLUTION` to the quarter. Tracks stay apart, so that one piece can be heard as one voice, as
one instrument, or as several of which some are given. Near copies of held-out pieces are left out of train.
"""

from __future__ import annotations

import argparse
import csv
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from continuo_daw.assistant.codecs.condition import meter_index
from continuo_daw.assistant.codecs.score.window import KEY, LENGTH, ONSET, RESOLUTION, STEP, TRACK, Table
from continuo_daw.assistant.music.clip import bar_ticks
from continuo_daw.training.corpus.duplicates import COMMON, GRAM, LEAST_GRAMS, SHARE
from continuo_daw.training.corpus.parts import KEYBOARDS, MELODIES, MONOPHONIC_SHARE, monophonic_share
from continuo_daw.training.corpus.readers import END, PITCH, START, VELOCITY, Song, Track
from continuo_daw.training.corpus.sections import is_meter, spans
from continuo_daw.training.corpus.sets import Entry, SetConfig, entries_of, split_of

LONGEST = 16 * 4 * RESOLUTION  # steps that a note may last, and that may pass without one
MOST_TRACKS = 64
MONO, KEYBOARD, TUNE, DRUM = 1, 2, 4, 8  # flags of a track
SPLITS = ("train", "valid", "test")
# a style is the first of these words that a manifest's own words hold
STYLES = (
    "drums jazz", "drums", "lied", "quartet", "chorale", "carol", "hymn", "mass", "sacred", "opera", "mazurka",
    "polonaise", "waltz", "krakowiak", "polka", "march", "jig", "reel", "hornpipe", "dance", "folk", "song", "rock",
    "fantasy", "orchestra", "sonata", "etude", "nocturne", "prelude", "renaissance", "baroque", "classical", "romanti",
    "jazz", "other",
)  # fmt: skip


@dataclass(frozen=True)
class Piece:
    """One piece: `notes` (N, 5) sorted by onset, track, pitch; `programs`, `flags` (tracks,); `bars` (sections, 3) of
    first step, steps a bar (0 unknown) and meter index; `length` in steps."""

    name: str
    source: str
    split: str
    style: int
    notes: Table
    programs: NDArray[np.int32]
    flags: NDArray[np.int32]
    bars: Table
    length: int
    events: int = 0  # tokens of the event codec for the same notes, START not counted; 0 where nobody asked
    plain: int = 0  # those of them that tell no velocity


def style_of(words: str) -> int:
    """The number of a manifest's style in STYLES."""
    words = words.lower()
    return next((number for number, word in enumerate(STYLES) if word in words), len(STYLES) - 1)


def one_voice(table: Table) -> Table:
    """The highest note of each onset, cut where the next one starts. `table` (N, 5) is of one track."""
    last = np.append(table[1:, ONSET] != table[:-1, ONSET], True)
    kept = table[last].copy()
    kept[:-1, LENGTH] = np.minimum(kept[:-1, LENGTH], np.diff(kept[:, ONSET]))
    return kept


def distinct(table: Table) -> Table:
    """`table` (N, 5) in order of onset, track, pitch; of notes alike in these the longest."""
    table = table[np.lexsort((-table[:, LENGTH], table[:, KEY], table[:, TRACK], table[:, ONSET]))]
    keep = np.ones(len(table), bool)
    keep[1:] = (table[1:, :LENGTH] != table[:-1, :LENGTH]).any(1)
    return table[keep]


def track_table(track: Track, number: int, song_spans: Sequence[Any], starts: Sequence[int]) -> Table:
    """(N, 5) the notes of a track within the spans; each span begins at its entry of `starts`, in ticks."""
    parts = []
    for span, start in zip(song_spans, starts, strict=True):
        first, stop = np.searchsorted(track.notes[:, START], (span.start, span.end))
        rows = track.notes[first:stop].astype(np.int64)
        move = start - span.origin
        onset = (rows[:, START] + move + STEP // 2) // STEP
        end = np.maximum((rows[:, END] + move + STEP // 2) // STEP, onset + 1)
        columns = (onset, np.full_like(onset, number), rows[:, PITCH], np.minimum(end - onset, LONGEST))
        parts.append(np.stack([*columns, rows[:, VELOCITY]], 1).astype(np.int32))
    table = distinct(np.concatenate(parts))
    return one_voice(table) if not track.drums and monophonic_share(track.notes) >= MONOPHONIC_SHARE else table


def flags_of(track: Track) -> int:
    """The flags of a track."""
    if track.drums:
        return DRUM
    keyboard = track.program in KEYBOARDS
    tune = track.name.lower().startswith(MELODIES)
    mono = monophonic_share(track.notes) >= MONOPHONIC_SHARE
    return MONO * mono + KEYBOARD * keyboard + TUNE * tune


def piece_of(song: Song, entry: Entry, source: str) -> Piece | None:
    """The piece of a song, None where nothing of it can be used."""
    tracks = song.tracks[:MOST_TRACKS]
    onsets = np.sort(np.concatenate([track.notes[:, START] for track in tracks] or [np.empty(0, np.int64)]))
    used = [s for s in spans(song) if is_meter(s.meter) and np.diff(np.searchsorted(onsets, (s.start, s.end)))[0]]
    if not used:
        return None
    lengths = [span.end + span.missing - span.origin for span in used]
    starts = np.cumsum([0, *lengths])
    known = not Path(entry.path).name.startswith("blasphemer")  # music without a bar grid
    bars = [
        (start // STEP, bar_ticks(span.meter) // STEP * known, meter_index(span.meter) * known)
        for span, start in zip(used, starts[:-1].tolist(), strict=True)
    ]
    tables = [track_table(track, number, used, starts[:-1].tolist()) for number, track in enumerate(tracks)]
    notes = distinct(np.concatenate(tables))
    if len(notes) < 8:
        return None
    programs = np.array([track.program for track in tracks], np.int32)
    flags = np.array([flags_of(track) for track in tracks], np.int32)
    name = f"{source}/{entry.id}"
    split = entry.split or split_of(entry.group)
    return Piece(
        name,
        source,
        split,
        style_of(entry.style),
        notes,
        programs,
        flags,
        np.array(bars, np.int32),
        int(starts[-1] // STEP),
    )


def read_set(data: Path, source: str, dropped: frozenset[tuple[str, str]]) -> Iterator[Piece]:
    """The pieces of one set without the `dropped` (set, path) ones."""
    from continuo_daw.training.corpus.pieces import songs_of  # music21 takes seconds to import

    for entry in tqdm(entries_of(data, SetConfig(source)), source, unit="file"):
        if (source, entry.path.relative_to(data / source).as_posix()) in dropped:
            continue
        try:
            found = [piece_of(song, entry, source) for song in songs_of(entry).values()]
        except Exception as error:  # readers raise whatever they like at a broken file
            tqdm.write(f"skipped {entry.path}: {error}")
            continue
        yield from (piece for piece in found if piece)


def grams(piece: Piece) -> list[NDArray[np.uint64]]:
    """For each track that is no drum, and for the top of all, the distinct runs of `GRAM` - 1 intervals."""
    tones = piece.notes[(piece.flags[piece.notes[:, TRACK]] & DRUM) == 0]
    tables = [tones[tones[:, TRACK] == track] for track in np.unique(tones[:, TRACK])]
    top = tones[np.lexsort((tones[:, KEY], tones[:, ONSET]))]
    found = []
    for table in [*tables, top]:
        line = table[np.append(table[1:, ONSET] != table[:-1, ONSET], True), KEY] if len(table) else table[:, KEY]
        if len(line) < GRAM:
            continue
        intervals = np.diff(line).astype(np.uint8).astype(np.uint64)
        windows = np.lib.stride_tricks.sliding_window_view(intervals, GRAM - 1)
        found.append(np.unique(windows @ (np.uint64(256) ** np.arange(GRAM - 1, dtype=np.uint64))))
    return found


def twins(pieces: Sequence[Piece]) -> set[int]:
    """Numbers of the train pieces that share half the grams of a line with a held-out piece, or that repeat another."""
    lines = [grams(piece) for piece in pieces]
    owner = np.repeat(np.arange(len(pieces)), [sum(map(len, each)) for each in lines])
    every = np.concatenate([np.empty(0, np.uint64), *(line for each in lines for line in each)])
    pairs = np.unique(np.stack([every, owner.astype(np.uint64)], 1), axis=0)
    values, counts = np.unique(pairs[:, 0], return_counts=True)
    common = values[counts > COMMON]
    held_out = {number for number, piece in enumerate(pieces) if piece.split != "train"}
    known: dict[int, list[tuple[int, int]]] = {}
    sizes: list[int] = []
    for number, each in enumerate(lines):
        for line in each:
            rare = line[~np.isin(line, common, assume_unique=True)]
            sizes.append(len(rare))
            for gram in rare.tolist():
                known.setdefault(gram, []).append((len(sizes) - 1, number))
    return _shared(known, sizes, held_out)


def _shared(known: dict[int, list[tuple[int, int]]], sizes: Sequence[int], held_out: set[int]) -> set[int]:
    shared: dict[tuple[int, int, int, int], int] = {}
    for places in known.values():
        for line, piece in places:
            for other, owner in places:
                # among train pieces the later one goes; a train piece goes before any held-out one
                if piece not in held_out and owner != piece and (owner in held_out or owner < piece):
                    key = (piece, line, owner, other)
                    shared[key] = shared.get(key, 0) + 1
    gone = set()
    for (piece, line, owner, other), count in shared.items():
        smaller = min(sizes[line], sizes[other])
        # within train a shared theme is no copy: nearly all of it has to be there
        if smaller >= LEAST_GRAMS and count / smaller >= (SHARE if owner in held_out else 0.9):
            gone.add(piece)
    return gone


def write_songs(pieces: Sequence[Piece], file: Path) -> None:
    """One file with everything; it appears whole or not at all."""
    part = file.with_suffix(f".{uuid4().hex}.part")
    names = [
        {key: getattr(p, key) for key in ("name", "source", "split", "style", "length", "events", "plain")}
        for p in pieces
    ]
    with part.open("wb") as handle:
        np.savez(
            handle,
            notes=np.concatenate([p.notes for p in pieces]),
            programs=np.concatenate([p.programs for p in pieces]),
            flags=np.concatenate([p.flags for p in pieces]),
            bars=np.concatenate([p.bars for p in pieces]),
            sizes=np.array([(len(p.notes), len(p.programs), len(p.bars)) for p in pieces]),
            names=np.array(json.dumps(names)),
        )
    part.replace(file)


def read_songs(file: Path) -> list[Piece]:
    """What `write_songs` wrote."""
    with np.load(file, allow_pickle=False) as stored:
        ends = np.cumsum(stored["sizes"], 0)[:-1].T
        notes = np.split(stored["notes"], ends[0])
        programs, flags = np.split(stored["programs"], ends[1]), np.split(stored["flags"], ends[1])
        bars = np.split(stored["bars"], ends[2])
        names = json.loads(str(stored["names"]))
    return [
        Piece(**row, notes=n, programs=p, flags=f, bars=b)
        for row, n, p, f, b in zip(names, notes, programs, flags, bars, strict=True)
    ]


def known_twins(file: Path | None) -> frozenset[tuple[str, str]]:
    """(set, path) of the train pieces that a table of overlaps names as twins of held-out ones."""
    if file is None:
        return frozenset()
    with file.open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream, delimiter="\t"))
    return frozenset((row[f"set_{x}"], row[f"path_{x}"]) for row in rows for x in "ab" if row[f"split_{x}"] == "train")


def pack(data: Path, sources: Sequence[str], file: Path, overlaps: Path | None) -> None:
    """Read the sets and write the packed file."""
    dropped = known_twins(overlaps)
    pieces = [piece for source in sources for piece in read_set(data, source, dropped)]
    gone = twins(pieces)
    kept = [piece for number, piece in enumerate(pieces) if number not in gone]
    file.parent.mkdir(parents=True, exist_ok=True)
    write_songs(kept, file)
    for split in SPLITS:
        some = [piece for piece in kept if piece.split == split]
        print(f"{split}: {len(some)} pieces, {sum(len(piece.notes) for piece in some)} notes")
    print(f"{len(gone)} train pieces dropped as copies; {file}")


def main() -> None:
    parser = argparse.ArgumentParser(description="Pack the sets of a configuration for the score network.")
    parser.add_argument("config", type=Path, help="a TOML with a list `sources`")
    parser.add_argument("--data", type=Path, required=True, help="folder with the unpacked sets")
    parser.add_argument("--out", type=Path, required=True, help="the packed file")
    parser.add_argument("--overlaps", type=Path, help="a table of twins across sets (set_a, path_a, split_a, ...)")
    args = parser.parse_args()
    import tomllib

    config = tomllib.loads(args.config.read_text(encoding="utf-8"))
    pack(args.data, list(config["sources"]), args.out, args.overlaps)


if __name__ == "__main__":
    main()
