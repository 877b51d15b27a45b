"""`continuo measure` of the refine networks: on performances, folk tunes and scores that no shipped network has learnt.

What (n)ASAP holds may be used for evaluation only; nothing here trains a network.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from continuo_daw.assistant.bundles.bundle import Bundle
from continuo_daw.assistant.bundles.network import Network, load
from continuo_daw.assistant.errors import AssistantError
from continuo_daw.assistant.music.clip import TICKS, Clip
from continuo_daw.training.corpus.asap import performances, score_clips, sections
from continuo_daw.training.corpus.notes import prepare_played, section_of
from continuo_daw.training.corpus.pieces import CorpusError, load_pieces
from continuo_daw.training.corpus.sections import clips, spans
from continuo_daw.training.corpus.sets import SetConfig
from continuo_daw.training.evaluation.card import config_of_card
from continuo_daw.training.evaluation.ceiling import Velocities, against, agreement, compared, pianists
from continuo_daw.training.evaluation.duration_rows import (
    Case,
    Restore,
    drawn_cases,
    judged,
    restoring,
    rules_of,
    stretched_case,
)
from continuo_daw.training.evaluation.duration_rules import Prior, Times, exact, fitted_prior
from continuo_daw.training.evaluation.refine_rows import MOST, drawn_pieces, network_velocities, velocity_rows
from continuo_daw.training.evaluation.velocity_rules import FLAT, Rule, notes_of
from continuo_daw.training.evaluation.velocity_rules import rules_of as velocity_rules
from continuo_daw.training.families.table import FAMILIES

Figures = dict[str, float]
Table = dict[str, Figures]
Tables = dict[str, Table]

NOTTINGHAM, ASAP, VIENNA = "nottingham", "asap_nasap", "vienna4x22"
UNSUITED = {"judge": None, "what": None, "pictures": None, "clips": 200}  # flags of latent spaces, and their defaults
WITHIN = 1 / 48  # quarters that a restored onset may be off
LEAST = 1e-9  # quarters; what rounding may add
# beats given, on its authors' test split of the same set; arXiv 2604.22290
PUBLISHED = {"T5 transformer, published": {"onset_f1": 0.973, "note_values": 0.833}}


def measured(bundle: Bundle, args: argparse.Namespace, cache: Path) -> dict[str, Tables]:
    """The tables of what is in the folder --data. Raises AssistantError where there is nothing that is looked for, and
    for a flag that speaks of latent spaces."""
    name = bundle.card.name
    for flag, default in UNSUITED.items():
        if getattr(args, flag) != default:
            raise AssistantError("bad_args", f"--{flag}: {name} has no latent space that it would say something of")
    measures = [MEASURES[measure] for measure in FAMILIES[bundle.card.family].measures]
    found = [measure for measure in measures if (args.data / measure.folder).is_dir()]
    if not found:
        wanted = " and ".join(measure.folder for measure in measures)
        raise AssistantError(
            "bad_args", f"--data: {args.data} has none of the sets that {name} is measured on: {wanted}"
        )
    try:
        with contextlib.redirect_stdout(sys.stderr):  # what becomes of the files is no part of the answer
            learnt = fitted(bundle, args.data, cache) if any(measure.fitted for measure in found) else {}
            network = load(bundle, "cpu", 1)
            return {one.folder: one.make(network, args.data / one.folder, cache, learnt) for one in found}
    except CorpusError as error:
        raise AssistantError("bad_args", f"{bundle.folder}: {error}") from None


def fitted(bundle: Bundle, data: Path, cache: Path) -> dict[str, Rule]:
    """The rules for velocities, fitted on the sets that the card names."""
    return velocity_rules(prepare_played(config_of_card(bundle.card, bundle.folder), data, cache))


def tunes(network: Network, folder: Path, cache: Path, learnt: dict[str, Rule]) -> Tables:
    """Stretched lengths of folk tunes, their melody and their chords apart."""
    pieces, _ = load_pieces(folder.parent, (SetConfig(folder.name, "tracks"),), progress=True, cache=cache)
    by_split = {split: [clip for p in pieces if p.split == split for clip in p.sections] for split in ("train", "test")}
    return {"stretched": stretched_rows(network, by_split["test"], fitted_prior(by_split["train"]))}


def scores(network: Network, folder: Path, cache: Path, learnt: dict[str, Rule]) -> Tables:
    """Stretched lengths of scores, and performances on the beats of their scores."""
    prior = fitted_prior(clip for _, clip in score_clips(folder, "train"))
    test = [clip for _, clip in score_clips(folder, "test")]
    return {
        "stretched": stretched_rows(network, test, prior),
        "performed": performed_rows(rules_of(prior) | {"network": restoring(network)}, performed(folder)),
    }


def performed(folder: Path) -> Iterator[Case]:
    """The performances of the test split with what is written for them."""
    for performance in performances(folder, "test"):
        for clip, written in sections(performance):
            yield Case(clip, written / TICKS)


def stretched_rows(network: Network, some: Iterable[Clip], prior: Prior) -> Table:
    """Share of lengths that are restored, and mean absolute error in quarters, of lengths that were stretched."""
    codec = network.bundle.notes
    cases = drawn_cases(stretched_case, [section_of(clip, number) for number, clip in enumerate(some)], codec)
    found = judged(rules_of(prior) | {"network": restoring(network)}, cases)
    return {name: {"exact": share, "mae": miss} for name, (_, share, miss) in found.items()}


def performed_rows(rules: dict[str, Restore], cases: Iterable[Case]) -> Table:
    """`onset_f1` over (onset, pitch) of the performed notes that the score has, an onset being right within WITHIN;
    `note_values`: share of those of its notes that have a duration, so no grace notes, that get exactly that one."""
    hits, count = dict.fromkeys(rules, 0), 0
    values: dict[str, list[Times]] = {name: [] for name in rules}
    written: list[Times] = []
    for case in cases:
        known = ~np.isnan(case.written).any(1)
        pitch = np.array([note.pitch for note in case.clip.notes])[known]
        true, count = case.written[known], count + int(known.sum())
        written.append(true[:, 1])
        for name, rule in rules.items():
            found = rule(case)[known]
            hits[name] += matches(found[:, 0], true[:, 0], pitch)
            values[name].append(found[:, 1])
    if not count:
        raise AssistantError(
            "bad_args", "--data: no performance of the test split has a note with a place in its score"
        )
    whole = np.concatenate(written)
    rows = {
        # as many notes are found as are true, so precision and recall are the same
        name: {"onset_f1": hits[name] / count, "note_values": exact(np.concatenate(values[name]), whole)}
        for name in rules
    }
    return rows | PUBLISHED


def matches(found: Times, true: Times, pitch: NDArray[np.int64]) -> int:
    """How many of the true onsets (N,) are met by an onset that was found for a note of their pitch, each by one."""
    count = 0
    for number in np.unique(pitch):
        some, wanted = np.sort(found[pitch == number]), np.sort(true[pitch == number])
        one = other = 0
        while one < len(some) and other < len(wanted):
            off = some[one] - wanted[other]
            hit = abs(off) <= WITHIN + LEAST
            count += hit
            one += hit or off < 0
            other += hit or off > 0
    return int(count)


def concerts(network: Network, folder: Path, cache: Path, learnt: dict[str, Rule]) -> Tables:
    """Velocities of performances that were never learnt from."""
    played = performances(folder, "test")
    some = [section_of(clip, number) for number, one in enumerate(played) for clip, _ in sections(one)]
    return {"velocities": velocity_rows(network, drawn_pieces(some, MOST), learnt)}


def humans(network: Network, folder: Path, cache: Path, learnt: dict[str, Rule]) -> Tables:
    """Works that many pianists played: how far two of them are apart, and each prediction from each of them."""
    return {work: ceiling_rows(network, found, learnt) for work, found in pianists(folder).items()}


def ceiling_rows(network: Network, found: Velocities, learnt: dict[str, Rule]) -> Table:
    """What is predicted from the score alone against each pianist: `mae`, `centred` (both brought to one mean), `r`."""
    notes = found.score.tracks[0].notes
    some = [section_of(clip, 0) for clip in clips(notes, spans(found.score), found.score.tempos)]
    told = notes_of(network.bundle.notes, some)
    if len(told.velocity) != len(notes):
        raise AssistantError("bad_args", f"--data: a score of {VIENNA} has notes outside its bars")
    own = [compared(np.full(len(row), np.nanmean(row)), row) for row in found.table]
    made = {name: rule(told) for name, rule in learnt.items() if name not in ("flat", "piece mean")}
    rows = {
        "two pianists": agreement(found.table),
        "flat": against(np.full(len(notes), FLAT), found.table),
        "own mean": np.mean(own, axis=0).tolist(),
        **{name: against(values, found.table) for name, values in made.items()},
        "network": against(network_velocities(network, some)[0], found.table),
    }
    return {name: dict(zip(("mae", "centred", "r"), values, strict=True)) for name, values in rows.items()}


@dataclass(frozen=True)
class Measure:
    """A measurement on the set in a folder of --data; `fitted`: whether rules for velocities are measured, too."""

    folder: str
    make: Callable[[Network, Path, Path, dict[str, Rule]], Tables]
    fitted: bool = False


MEASURES = {
    "tunes": Measure(NOTTINGHAM, tunes),
    "scores": Measure(ASAP, scores),
    "concerts": Measure(ASAP, concerts, fitted=True),
    "humans": Measure(VIENNA, humans, fitted=True),
}
