"""Figures of the refine networks on held-out pieces, beside the rules that they have to beat.

velocities, all of notes pooled but r
    mae, mse    mean absolute and mean squared error, in MIDI velocities
    within_10   share of notes that are less than a tenth of the range, 12.7, off
    r           Pearson's correlation within a piece, mean over the pieces
    spread      standard deviation of what is predicted
durations
    exact_*     share of lengths that are restored, of lengths that were stretched to 80 to 120 % and written onsets
    mae_*       mean absolute error of these lengths, in quarters; both for sections of one voice and the others
    played_*    share of onsets and of note values that are restored, of notes as `distort` has them played
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from continuo_daw.assistant.bundles.network import Network
from continuo_daw.assistant.refining.dynamics import chords_of, drawn, fitted
from continuo_daw.assistant.refining.passes import loudness
from continuo_daw.training.corpus.notes import NoteCorpus, Section, clip_of_section
from continuo_daw.training.evaluation.duration_rows import duration_rows, learnt_prior
from continuo_daw.training.evaluation.velocity_rules import Notes, Rule, notes_of, rules_of

Floats = NDArray[np.float64]
Found = dict[str, float]
Table = dict[str, Any]  # counts of what was measured, and `rows`
Measure = Callable[[Network, NoteCorpus, Sequence[Section], bool], Table]

MOST = 100_000  # notes of a split that are measured
TENTH = 12.7  # velocities
FEW = 8  # a piece with fewer notes has no correlation
SEED = 1


def rows_of(
    measure: Measure, network: Network, corpus: NoteCorpus, split: str = "test", limit: int = MOST, rules: bool = True
) -> Table:
    """`notes`, `pieces` and `rows` of a split, of pieces drawn from it until `limit` notes are reached; with `rules`
    those of what is fitted on train, too. `measure`: `duration_table` or `velocity_table`."""
    sections = drawn_pieces(corpus.splits[split], limit)
    counts = {"notes": sum(len(s.notes) for s in sections), "pieces": len({s.piece for s in sections})}
    return counts | measure(network, corpus, sections, rules)


def drawn_pieces(sections: Sequence[Section], limit: int) -> list[Section]:
    """The sections of whole pieces, at least one piece, of together at most `limit` notes; in the order given."""
    pieces, piece = np.unique([section.piece for section in sections], return_inverse=True)
    sizes = np.bincount(piece, [len(section.notes) for section in sections])
    order = np.random.default_rng(SEED).permutation(len(pieces))
    chosen = np.isin(piece, order[: max(1, int(np.searchsorted(np.cumsum(sizes[order]), limit, "right")))])
    return [section for section, wanted in zip(sections, chosen, strict=True) if wanted]


def figures(found: Floats, true: Floats, piece: NDArray[np.int64]) -> Found:
    """The figures of velocities (N,) that were predicted, beside those that were played and the piece of each note."""
    off = np.abs(found - true)
    values = {
        "mae": off.mean(),
        "mse": np.square(off).mean(),
        "within_10": (off < TENTH).mean(),
        "r": correlation(found, true, piece),
        "spread": found.std(),
    }
    return {name: round(float(value), 4) for name, value in values.items()}


def correlation(found: Floats, true: Floats, piece: NDArray[np.int64]) -> float:
    """Pearson's r within pieces, mean over those of FEW notes and more that were not played all alike; 0 for a piece
    of which all notes are predicted alike, and without any piece."""
    each = []
    for number in np.unique(piece):
        mine = piece == number
        if mine.sum() >= FEW and np.ptp(true[mine]) > 0:
            each.append(np.corrcoef(found[mine], true[mine])[0, 1] if np.ptp(found[mine]) > 1e-6 else 0.0)
    return float(np.mean(each)) if each else 0.0


def velocity_rows(network: Network, sections: Sequence[Section], rules: dict[str, Rule]) -> dict[str, Found]:
    """A row for each of the rules, the `network`'s medians, one draw from its distributions as `refine_velocity` makes
    it, and with rules what was played."""
    told = notes_of(network.bundle.notes, sections) if rules else plain_notes(sections)
    found = {name: rule(told) for name, rule in rules.items()}
    found["network"], found["network, drawn"] = network_velocities(network, sections)
    if rules:
        found["as played"] = told.velocity
    return {name: figures(values, told.velocity, told.piece) for name, values in found.items()}


def plain_notes(sections: Sequence[Section]) -> Notes:
    """Velocities and pieces without features, which take the most time."""
    velocity = np.concatenate([section.notes[:, 3] for section in sections]).astype(np.float64)
    piece = np.repeat([section.piece for section in sections], [len(section.notes) for section in sections])
    return Notes(np.zeros((len(velocity), 0), np.float32), velocity, piece)


def network_velocities(network: Network, sections: Sequence[Section]) -> tuple[Floats, Floats]:
    """The median of each note of sections, and one draw."""
    medians, draws = [], []
    for number, section in enumerate(sections):
        location, scale = (
            part.astype(np.float64) for part in loudness(network, clip_of_section(section), section.drums)
        )
        random = np.random.default_rng([SEED, number])
        made = location + scale * drawn(chords_of(section.notes[:, 0].tolist()), random)
        medians.append(location)
        draws.append(fitted(made, None, None).astype(np.float64))
    return np.concatenate(medians), np.concatenate(draws)


def velocity_table(network: Network, corpus: NoteCorpus, sections: Sequence[Section], rules: bool) -> Table:
    """`rows` of the velocities of sections; with `rules` those of what is fitted on the train split, too."""
    return {"rows": velocity_rows(network, sections, rules_of(corpus) if rules else {})}


def duration_table(network: Network, corpus: NoteCorpus, sections: Sequence[Section], rules: bool) -> Table:
    """Counts and `rows` of the lengths and onsets of sections; with `rules` those of what is fitted on the train split,
    too."""
    prior = learnt_prior(corpus.splits["train"]) if rules else None
    return duration_rows(network, sections, prior)
