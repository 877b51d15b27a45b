"""Onsets and note values restored by rules and by a Duration Net, from notes that were distorted or played.

True is the note value that is nearest in ratio to the length in the score: programs write a note a little short. A
length that is no note value has no truth, and is not counted. Times are quarters; N notes of a clip.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from continuo_daw.assistant.bundles.network import Network
from continuo_daw.assistant.codecs.notes import NoteCodec
from continuo_daw.assistant.music.clip import TICKS, Clip, Note, order_of
from continuo_daw.assistant.refining.choices import SAME, length_choices
from continuo_daw.assistant.refining.passes import tidied
from continuo_daw.assistant.refining.surroundings import windows_of
from continuo_daw.training.corpus.distort import HIGH, LOW, NEAR, played_lengths, played_onsets, stretched
from continuo_daw.training.corpus.notes import Section, clip_of_section
from continuo_daw.training.evaluation.duration_rules import (
    TOLERANCE,
    Prior,
    Times,
    fitted_prior,
    nearest_grid,
    nearest_onset,
    nearest_sixteenth,
    next_onset,
    times_of,
)

PLAYED = (0.4, 1.3)  # how long notes are played, as shares of what is written, where rules look for it
ONE_VOICE = 0.05  # share of notes that start while another sounds, at most
LEARNT = 300_000  # notes of train that the prior counts
SEED = 1


@dataclass(frozen=True)
class Case:
    """A clip as rules and networks get it, and the onset and length of its notes as they were written, (N, 2), NaN
    where there is no truth; `stretched`: the onsets are as written, and the lengths 80 to 120 % of what was."""

    clip: Clip
    written: Times
    stretched: bool = False


Restore = Callable[[Case], Times]  # onsets and lengths (N, 2) as they may have been written


def true_lengths(section: Section, codec: NoteCodec) -> Times:
    """(N,) the note values that the lengths of a section in a score stand for, NaN where they stand for none."""
    count = len(section.notes)
    row, column = codec.places(count)
    windows = windows_of(section.notes[:, :3], section.frame, codec.rows(count), section.drums)
    value, _ = length_choices(windows, row, column)
    length = (section.notes[:, 1] - section.notes[:, 0])[:, None] / TICKS
    far = np.abs(np.log(np.maximum(value, 1e-9) / length))
    best = np.take_along_axis(value, far.argmin(-1)[:, None], -1)[:, 0]
    return np.where(far.min(-1) < NEAR, best, np.nan)


def case_of(section: Section, start: Times, length: Times, written: Times, stretched: bool) -> Case:
    """The notes of a section with other onsets and lengths."""
    times = np.rint(np.stack([start, length], 1) * TICKS).astype(int).tolist()
    rest = section.notes[:, 2:].tolist()
    notes = [Note(at, pitch, max(1, long), loud) for (at, long), (pitch, loud) in zip(times, rest, strict=True)]
    end = max(section.frame.length, *(note.start + 1 for note in notes))
    return Case(replace(section.frame, notes=tuple(notes), length=end), written[list(order_of(notes))], stretched)


def stretched_case(section: Section, codec: NoteCodec, rng: np.random.Generator) -> Case:
    """The note values of a section, each 80 to 120 % of itself."""
    start, end = section.notes[:, :2].T / TICKS
    true = true_lengths(section, codec)
    length = stretched(np.where(np.isnan(true), end - start, true), rng)
    return case_of(section, start, length, np.stack([start, true], 1), True)


def played_case(section: Section, codec: NoteCodec, rng: np.random.Generator) -> Case:
    """The notes of a section as the model of training has them played."""
    start, end = section.notes[:, :2].T / TICKS
    moved = np.maximum(played_onsets(start, section.frame.tempo, rng), 0)
    length = played_lengths(start, end - start, rng)
    return case_of(section, moved, length, np.stack([start, true_lengths(section, codec)], 1), False)


def one_voice(section: Section) -> bool:
    """True where hardly a note starts while another sounds."""
    start, end = section.notes[:, :2].T
    return bool((np.maximum.accumulate(end)[:-1] > start[1:]).mean() <= ONE_VOICE) if len(start) > 1 else True


def learnt_prior(sections: Sequence[Section]) -> Prior:
    """The prior of about LEARNT notes, from sections drawn at random."""
    order = np.random.default_rng(SEED).permutation(len(sections))
    before = np.cumsum([0, *(len(sections[number].notes) for number in order)])[:-1]
    return fitted_prior(clip_of_section(sections[number]) for number in order[before < LEARNT])


def rules_of(prior: Prior) -> dict[str, Restore]:
    """The rules. Those that look for a length in a range are told how far lengths were stretched; of notes that were
    played the last two restore onsets as the nearest grid does."""

    def rule(onset: Callable[[Times], Times], length: Callable[[Times, Times, Case], Times]) -> Restore:
        def restore(case: Case) -> Times:
            start, observed = times_of(case.clip)
            start = start if case.stretched else onset(start)
            return np.stack([start, length(start, observed, case)], 1)

        return restore

    def likeliest(start: Times, observed: Times, case: Case) -> Times:
        return prior.likeliest(start, observed, case.clip.meter, *_range(case))

    def following(start: Times, observed: Times, case: Case) -> Times:
        return next_onset(start, observed, likeliest(start, observed, case), *_range(case))

    return {
        "identity": rule(lambda start: start, lambda start, observed, case: observed),
        "nearest 16th": rule(
            nearest_sixteenth, lambda start, observed, case: np.maximum(nearest_sixteenth(observed), 1 / 4)
        ),
        "nearest": rule(nearest_onset, lambda start, observed, case: nearest_grid(observed)),
        "prior": rule(nearest_onset, likeliest),
        "next onset": rule(nearest_onset, following),
    }


def _range(case: Case) -> tuple[float, float]:
    return (LOW, HIGH) if case.stretched else PLAYED


def restoring(network: Network) -> Restore:
    """What a network makes of a case; it is told, as the rules are, how far lengths were stretched."""

    def restore(case: Case) -> Times:
        known: dict[str, Any] = {"onsets": False, "reach": HIGH - 1} if case.stretched else {}
        return np.stack(tidied(network, case.clip, **known), 1) / TICKS

    return restore


def right(found: Times, written: Times) -> tuple[float, float, float]:
    """Of onsets and lengths (N, 2): shares of right onsets and of right lengths among those with a truth, and the mean
    absolute error of these lengths. 0 where there is none."""
    off = np.abs(found - written)
    onset, length = (column[~np.isnan(column)] for column in off.T)
    if not len(length) or not len(onset):
        return 0.0, 0.0, 0.0
    return float((onset < SAME).mean()), float((length < TOLERANCE).mean()), float(length.mean())


def judged(rules: dict[str, Restore], cases: Iterable[Case]) -> dict[str, tuple[float, float, float]]:
    """What `right` says of each rule over all notes of some cases."""
    found: dict[str, list[Times]] = {name: [] for name in rules}
    written: list[Times] = []
    for case in cases:
        written.append(case.written)
        for name, rule in rules.items():
            found[name].append(rule(case))
    none = [np.zeros((0, 2))]
    return {name: right(np.concatenate(made or none), np.concatenate(written or none)) for name, made in found.items()}


def duration_rows(network: Network, sections: Sequence[Section], prior: Prior | None) -> dict[str, Any]:
    """`rows`: `network`, and with a prior the rules; `without_value`: share of notes whose length is no note value."""
    codec = network.bundle.notes
    rules = (rules_of(prior) if prior else {}) | {"network": restoring(network)}
    rows: dict[str, dict[str, float]] = {name: {} for name in rules}
    for kind, single in (("one_voice", True), ("polyphonic", False)):
        some = [section for section in sections if one_voice(section) == single]
        for name, (_, exact, miss) in judged(rules, drawn_cases(stretched_case, some, codec)).items():
            rows[name] |= {f"exact_{kind}": round(exact, 4), f"mae_{kind}": round(miss, 4)}
    for name, (onsets, values, _) in judged(rules, drawn_cases(played_case, sections, codec)).items():
        rows[name] |= {"played_onsets": round(onsets, 4), "played_values": round(values, 4)}
    truth = np.concatenate([true_lengths(section, codec) for section in sections])
    return {"without_value": round(float(np.isnan(truth).mean()), 4), "rows": rows}


def drawn_cases(
    make: Callable[[Section, NoteCodec, np.random.Generator], Case], sections: Sequence[Section], codec: NoteCodec
) -> Iterator[Case]:
    """A case of each section, the same each time."""
    return (make(section, codec, np.random.default_rng([SEED, number])) for number, section in enumerate(sections))
