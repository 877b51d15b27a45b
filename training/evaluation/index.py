"""`continuo index`: the index of the corpus that a bundle has learnt from, and how much people share with it."""

from __future__ import annotations

import argparse
import csv
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from platformdirs import user_cache_path
from tqdm import tqdm

from continuo_daw.assistant.bundles.bundle import CARD, INDEX, Card, read_bundle, write_bundle
from continuo_daw.assistant.errors import AssistantError
from continuo_daw.assistant.music.clip import Clip
from continuo_daw.assistant.originality.index import Found, Index
from continuo_daw.assistant.originality.index_file import index_bytes
from continuo_daw.assistant.originality.lines import line_of
from continuo_daw.training.corpus.pieces import CorpusError, Piece, SetConfig, load_pieces
from continuo_daw.training.corpus.sets import MANIFEST, entries_of
from continuo_daw.training.evaluation.card import folder_of
from continuo_daw.training.evaluation.planted import KINDS, planted

LENGTHS = (8, 16, 32, 64, 128, 256, 512)  # notes of the clips that are measured
WINDOWS = 2000  # held-out clips of each length
COPIES = 400  # planted copies of each kind and length
FALSE_ALARMS = 0.005
BARS, LEAST = 8, 16  # bars of a stretch as musicians have them, and its notes at least
SEED = 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `continuo index`."""
    parser.add_argument("bundle", help="folder of a bundle, or the name of an installed model")
    parser.add_argument("data", type=Path, help="folder with the sets that the bundle's card names")
    parser.add_argument("--cache", type=Path, default=None, help="folder for unpacked data")
    parser.add_argument("--windows", type=int, default=WINDOWS, help=f"clips of each length (default {WINDOWS})")


def run(args: argparse.Namespace) -> int:
    """Write the index into the bundle and what was measured into its card. Raises AssistantError."""
    if args.windows < 1:
        raise AssistantError("bad_args", f"--windows {args.windows} is below 1")
    folder = folder_of(args.bundle)
    found = add_index(folder, args.data, args.cache, args.windows)
    print(as_text(found))
    print(f"{folder / INDEX}: {(folder / INDEX).stat().st_size / 1e6:.2f} MB")
    return 0


def add_index(folder: Path, data: Path, cache: Path | None = None, windows: int = WINDOWS) -> dict[str, Any]:
    """Writes the index of a bundle's corpus and what was measured with it. Raises AssistantError."""
    bundle = read_bundle(folder)
    if not bundle.family.indexed:
        raise AssistantError("bad_args", f"{folder}: a model of the family {bundle.card.family} makes no notes")
    pieces, titles = corpus_of(bundle.card, folder, data, cache or user_cache_path("continuo"))
    one = bundle.card.codec.get("voices") == "one"
    index = index_of(pieces, titles, one)
    found = measure(index, pieces, titles, windows)
    card = replace(bundle.card, metrics={**bundle.card.metrics, "originality": found})
    write_bundle(folder, card, {**bundle.files, INDEX: index_bytes(index)})
    return found


def corpus_of(card: Card, folder: Path, data: Path, cache: Path) -> tuple[list[Piece], dict[str, str]]:
    """The pieces of a card's sets, and the title of each by its id. Raises AssistantError."""
    try:
        sets = [
            SetConfig(**{key: tuple(value) if isinstance(value, list) else value for key, value in entry.items()})
            for entry in card.data["sets"]
        ]
    except (KeyError, TypeError, AttributeError) as error:
        raise AssistantError("no_model", f"{folder}: {CARD} does not say which sets it has learnt: {error}") from None
    try:
        pieces, report = load_pieces(data, sets, cache=cache)
        composers = composers_of(data, sets, cache)
    except CorpusError as error:
        raise AssistantError("bad_args", f"{folder}: {error}") from None
    print(report)
    if wrong := card.data.get("pieces", {}).get("train", -1) - report.pieces["train"]:
        raise AssistantError(
            "bad_args",
            f"{folder}: {CARD} says {wrong:+d} train pieces beside the {report.pieces['train']} in {data}: "
            "this is not the corpus that it has learnt from",
        )
    return pieces, {piece.id: titled(piece, composers) for piece in pieces}


def composers_of(data: Path, sets: Sequence[SetConfig], cache: Path) -> dict[str, str]:
    """The composer of each file, by set and id, where its manifest says it."""
    found: dict[str, str] = {}
    for config in sets:
        folders = {parent for entry in entries_of(data, config, cache) for parent in entry.path.parents}
        for manifest in (folder / MANIFEST for folder in folders if (folder / MANIFEST).is_file()):
            with manifest.open(newline="", encoding="utf-8") as stream:
                rows = csv.DictReader(stream)
                found |= {f"{config.name}/{row['id']}": row.get("composer") or "" for row in rows}
    return found


def titled(piece: Piece, composers: dict[str, str]) -> str:
    """Composer and title of a piece, as far as they are known; else its id."""
    file = piece.id.rpartition("#")[0]
    last, comma, first = (composers.get(file) or composers.get(file.rpartition(":")[0], "")).partition(", ")
    composer = f"{first} {last}" if comma and ", " not in first else last
    return f"{composer}: {piece.title}" if composer and piece.title else piece.title or piece.id


def index_of(pieces: Sequence[Piece], titles: dict[str, str], one: bool) -> Index:
    """The index of the train pieces; what is held out is not in it. Raises AssistantError for too many notes."""
    try:
        return Index.of([(titles[piece.id], piece.sections) for piece in pieces if piece.split == "train"], one)
    except ValueError as error:
        raise AssistantError("bad_args", f"the corpus is too large for an index: {error}") from None


def windows_of(pieces: Sequence[Piece], notes: int, most: int, one: bool) -> list[tuple[Piece, Clip]]:
    """At most `most` stretches of so many notes of pieces, spread evenly; each begins with a bar."""
    places = [
        (piece, section, start)
        for piece in pieces
        for section in piece.sections
        for start in range(0, len(line_of(section, one).note) - notes + 1, max(1, notes // 2))
    ]
    return [(piece, _window(section, start, notes, one)) for piece, section, start in _spread(places, most)]


def _spread(places: Sequence[Any], most: int) -> list[Any]:
    chosen = np.unique(np.linspace(0, len(places) - 1, min(most, len(places))).round().astype(int))
    return [places[at] for at in chosen.tolist()]


def _window(section: Clip, start: int, notes: int, one: bool) -> Clip:
    some = [section.notes[number] for number in line_of(section, one).note[start : start + notes].tolist()]
    bar = some[0].start // section.bar * section.bar
    end = max(note.end for note in some)
    return replace(section, notes=tuple(some), length=max(end, section.length)).window(bar, end)


def phrases_of(pieces: Sequence[Piece], most: int, one: bool) -> list[tuple[Piece, Clip]]:
    """At most `most` stretches of `BARS` bars with enough notes, spread evenly."""
    places = [
        (piece, section.window(start, start + BARS * section.bar))
        for piece in pieces
        for section in piece.sections
        for start in range(0, section.length - BARS * section.bar + 1, BARS * section.bar)
    ]
    return _spread([(piece, clip) for piece, clip in places if len(line_of(clip, one).note) >= LEAST], most)


@dataclass(frozen=True)
class _Searched:
    """What was found of clips, and the milliseconds of the thread's own time that each took."""

    found: list[Found]
    ms: list[float]

    def column(self, name: str) -> np.ndarray:
        return np.array([getattr(found, name) for found in self.found])


@dataclass(frozen=True)
class _Checker:
    """Searches an index for stretches of pieces whose titles are known by their ids."""

    index: Index
    titles: dict[str, str]

    @property
    def one(self) -> bool:
        return bool(self.index.one)

    def search(self, clips: Sequence[Clip], what: str) -> _Searched:
        found, ms = [], []
        for clip in tqdm(clips, what, unit="clip", leave=False):
            start = time.thread_time()
            found.append(self.index.search(clip))
            ms.append(1000 * (time.thread_time() - start))
        return _Searched(found, ms)

    def strange(self, pieces: Sequence[Piece], people: _Searched) -> np.ndarray:
        """Which stretches of the pieces are nearest to somebody else's work. Composers quote themselves, and the same
        chorale set twice is no false alarm."""
        composers = [self.titles[piece.id].partition(": ")[0] for piece in pieces]
        nearest = [found.nearest.partition(": ")[0] for found in people.found]
        return np.array([mine != its for mine, its in zip(composers, nearest, strict=True)], bool)

    def recall(self, clips: Sequence[Clip], alarms: Sequence[float], what: str) -> dict[str, float]:
        """The share of planted copies of clips that are above the alarm of each, by kind."""
        random, found = np.random.default_rng(SEED), {}
        for kind in KINDS:
            copies = self.search([planted(clip, kind, random) for clip in clips], f"{what}, {kind}")
            found[kind] = round(float((copies.column("similarity") > np.array(alarms)).mean()), 4)
        return found


def measure(index: Index, pieces: Sequence[Piece], titles: dict[str, str], windows: int = WINDOWS) -> dict[str, Any]:
    """What held-out pieces share with the train pieces of the index, by length of clip; the similarity that as few of
    them as `FALSE_ALARMS` are above, and the share of planted copies that are above it; milliseconds a search."""
    checker, copies = _Checker(index, titles), max(1, windows * COPIES // WINDOWS)
    held = [piece for piece in pieces if piece.split != "train"]
    train = [piece for piece in pieces if piece.split == "train"]
    human: list[dict[str, Any]] = []
    rows: list[dict[str, Any]] = []
    for notes in LENGTHS:
        stretches = windows_of(held, notes, windows, checker.one)
        if not stretches:
            continue
        people = checker.search([clip for _, clip in stretches], f"{notes} notes, held out")
        human.append({"notes": notes} | _human(people))
        similarity = people.column("similarity")[checker.strange([piece for piece, _ in stretches], people)]
        alarm = round(float(np.quantile(similarity, 1 - FALSE_ALARMS)), 4) if len(similarity) else 1.0
        originals = [clip for _, clip in windows_of(train, notes, copies, checker.one)]
        recall = checker.recall(originals, [alarm] * len(originals), f"{notes} notes")
        speed = {"ms_median": round(float(np.median(people.ms)), 2), "ms_worst": round(max(people.ms), 2)}
        rows.append({"notes": notes, "alarm": alarm, "recall": recall} | speed)
    found: dict[str, Any] = {"false_alarms": FALSE_ALARMS, "copies_of_each_kind": copies, "human": human}
    found["checker"] = rows
    return found | {"eight_bars": _eight_bars(checker, found, held, train, (windows, copies))}


def _eight_bars(
    checker: _Checker, found: dict[str, Any], held: Sequence[Piece], train: Sequence[Piece], sizes: tuple[int, int]
) -> dict[str, Any]:
    """False alarms and recall of stretches as musicians have them, each by the alarm for its own number of notes."""

    def alarms(clips: Sequence[Clip]) -> list[float]:
        counts = [np.log2(len(line_of(clip, checker.one).note)) for clip in clips]
        rows = found["checker"]
        return list(np.interp(counts, [np.log2(row["notes"]) for row in rows], [row["alarm"] for row in rows]))

    stretches, originals = phrases_of(held, sizes[0], checker.one), phrases_of(train, sizes[1], checker.one)
    if not stretches or not originals:
        return {}
    people = checker.search([clip for _, clip in stretches], "eight bars, held out")
    above = people.column("similarity") > np.array(alarms([clip for _, clip in stretches]))
    strange = checker.strange([piece for piece, _ in stretches], people)
    clips = [clip for _, clip in originals]
    return {
        "windows": len(stretches),
        "false_alarms": round(float((above & strange).mean()), 4),
        "alarms_of_own_music": round(float((above & ~strange).mean()), 4),
        "recall": checker.recall(clips, alarms(clips), "eight bars"),
    }


def _human(people: _Searched) -> dict[str, Any]:
    copied, similarity = people.column("copied_notes"), people.column("similarity")
    return {
        "windows": len(copied),
        "copied_notes_p50": float(np.percentile(copied, 50)),
        "copied_notes_p90": float(np.percentile(copied, 90)),
        "copied_share_mean": round(float(people.column("copied_share").mean()), 5),
        "similarity_p50": round(float(np.percentile(similarity, 50)), 4),
        "similarity_p99": round(float(np.percentile(similarity, 99)), 4),
    }


def as_text(found: dict[str, Any]) -> str:
    """What was measured as lines for people."""
    lines = ["held-out pieces: notes, longest shared run of half and of nine in ten, share of 12-grams, similarity"]
    for row in found["human"]:
        lines.append(
            f"  {row['notes']:4d}  {row['copied_notes_p50']:5.1f}  {row['copied_notes_p90']:5.1f}  "
            f"{row['copied_share_mean']:.4f}  {row['similarity_p50']:.2f}"
        )
    lines.append(f"planted copies found at {found['false_alarms']:.1%} false alarms; ms a search, median and worst")
    for row in found["checker"]:
        recall = "  ".join(f"{kind} {share:.3f}" for kind, share in row["recall"].items())
        lines.append(f"  {row['notes']:4d}  {recall}  {row['ms_median']:.1f}  {row['ms_worst']:.1f}")
    if bars := found["eight_bars"]:
        recall = "  ".join(f"{kind} {share:.3f}" for kind, share in bars["recall"].items())
        lines.append(f"eight bars at {bars['false_alarms']:.1%} false alarms: {recall}")
    return "\n".join(lines)
