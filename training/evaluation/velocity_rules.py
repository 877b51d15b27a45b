"""Rules and regressions for velocities: what a Velocity Net has to beat.

The regressions are told the hand features that the network is told: those of each note, of the note before and behind
it, and their mean and standard deviation over the window around it, so that they know the piece, too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from continuo_daw.assistant.codecs.notes import NoteCodec
from continuo_daw.assistant.refining.surroundings import surroundings, windows_of
from continuo_daw.training.corpus.notes import NoteCorpus, Section

Floats = NDArray[np.float64]

FLAT = 64.0
LEARNT, CHOSEN_BY = 300_000, 60_000  # notes of train that regressions learn, and of valid that choose among them
SEED = 1
PENALTIES = 10.0 ** np.arange(0, 6)
BOOSTING = {"max_iter": 400, "n_iter_no_change": 15, "min_samples_leaf": 50, "learning_rate": 0.1, "random_state": SEED}
# the best of 31, 63 and 127 leaves, rates of 0.05 and 0.1, with all features or a part of them at each border, and of
# squared and absolute error; the latter is as good and takes three times as long
SETTINGS: tuple[dict[str, Any], ...] = ({"loss": "squared_error", "max_leaf_nodes": 127},)


@dataclass(frozen=True)
class Notes:
    """What regressions learn from and are asked about; N notes.

    told: (N, 5 SIZE) features of each note, of the one before and behind, their mean and standard deviation in its
        window
    velocity: (N,) as played; piece: (N,) the number of the piece
    """

    told: NDArray[np.float32]
    velocity: Floats
    piece: NDArray[np.int64]


Rule = Callable[[Notes], Floats]  # velocities (N,) of notes


def notes_of(codec: NoteCodec, sections: Sequence[Section], most: int = 0) -> Notes:
    """The notes of sections in order, or where `most` is not 0 about as many from windows drawn at random."""
    cuts = [(section, row) for section in sections for row in range(len(codec.rows(len(section.notes))))]
    order = np.random.default_rng(SEED).permutation(len(cuts)) if most else np.arange(len(cuts))
    found: list[Notes] = []
    count = 0
    for number in order.tolist():
        found.append(_in_window(codec, *cuts[number]))
        count += len(found[-1].velocity)
        if most and count >= most:
            break
    return Notes(*(np.concatenate([getattr(some, name) for some in found]) for name in ("told", "velocity", "piece")))


def _in_window(codec: NoteCodec, section: Section, row: int) -> Notes:
    """The notes of a section of which one of its windows says most."""
    count = len(section.notes)
    rows, (best, column) = codec.rows(count), codec.places(count)
    own = surroundings(windows_of(section.notes[:, :3], section.frame, rows[row : row + 1], section.drums))[0]
    which = np.flatnonzero(best == row)
    at = column[which]
    near = [own[np.clip(at + step, 0, len(own) - 1)] for step in (0, -1, 1)]
    around = np.tile(np.concatenate([own.mean(0), own.std(0)]), (len(at), 1))
    return Notes(
        np.concatenate([*near, around], 1),
        section.notes[which, 3].astype(np.float64),
        np.full(len(which), section.piece),
    )


def rules_of(corpus: NoteCorpus) -> dict[str, Rule]:
    """The rows below which a network is of no use, each fitted on train and chosen on valid."""
    train = notes_of(corpus.codec, corpus.splits["train"], LEARNT)
    valid = notes_of(corpus.codec, corpus.splits["valid"], CHOSEN_BY)
    middle = float(np.median(train.velocity))
    return {
        "flat": lambda notes: np.full(len(notes.velocity), FLAT),
        "median": lambda notes: np.full(len(notes.velocity), middle),
        "piece mean": piece_mean,
        "ridge": ridge(train, valid),
        "boosting": boosting(train, valid),
    }


def piece_mean(notes: Notes) -> Floats:
    """The mean of each piece as it was played, which nobody can know: an oracle of loudness alone."""
    _, piece = np.unique(notes.piece, return_inverse=True)
    means: Floats = np.bincount(piece, notes.velocity) / np.bincount(piece)
    return means[piece]


def ridge(train: Notes, valid: Notes) -> Rule:
    """Linear regression with the penalty that has the least squared error on `valid`."""
    middle, spread = train.told.mean(0, dtype=np.float64), train.told.std(0, dtype=np.float64) + 1e-6
    level = float(train.velocity.mean())
    scaled = (train.told - middle) / spread
    products, aim = scaled.T @ scaled, scaled.T @ (train.velocity - level)

    def rule(weights: Floats) -> Rule:
        return lambda notes: np.clip((notes.told - middle) / spread @ weights + level, 1, 127)

    rules = [rule(np.linalg.solve(products + penalty * np.eye(len(aim)), aim)) for penalty in PENALTIES]
    return min(rules, key=lambda fitted: float(np.square(fitted(valid) - valid.velocity).mean()))


def boosting(train: Notes, valid: Notes, settings: Sequence[dict[str, Any]] = SETTINGS) -> Rule:
    """Gradient boosted trees: as many as `valid` asks for, in the setting with the least absolute error on it."""
    from sklearn.ensemble import HistGradientBoostingRegressor  # a heavy package of the extra `train` alone

    def rule(setting: dict[str, Any]) -> Rule:
        trees = HistGradientBoostingRegressor(**BOOSTING, early_stopping=True, **setting)
        trees.fit(train.told, train.velocity, X_val=valid.told, y_val=valid.velocity)
        return lambda notes: np.clip(trees.predict(notes.told), 1, 127)

    return min(map(rule, settings), key=lambda fitted: float(np.abs(fitted(valid) - valid.velocity).mean()))
