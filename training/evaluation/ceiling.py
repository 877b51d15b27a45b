"""Ceiling of velocity: how far two pianists are apart who play the same notes.

Nobody can tell which of them is right, so a prediction is measured against each of them, and they against each other.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from continuo_daw.training.corpus.match import Alignment, aligned, song_of
from continuo_daw.training.corpus.readers import DEFAULT_VELOCITY, Song
from continuo_daw.training.corpus.sets import SetConfig, entries_of


@dataclass(frozen=True)
class Velocities:
    """What several pianists made of one score.

    ids: the score's name of each note, in the order of start, pitch and end
    table: (pianists, notes) velocities, NaN where a note was not played
    score: the notes in one track, row for row those of `ids`, all of one velocity; the tempo is the pianists' median
    """

    ids: tuple[str, ...]
    table: NDArray[np.float64]
    score: Song


class Agreement(NamedTuple):
    """How near velocities are to others, over the notes that both have.

    mae: mean absolute difference; centred: the same after both are brought to one mean; r: Pearson's correlation
    """

    mae: float
    centred: float
    r: float


def pianists(folder: Path, split: str = "test") -> dict[str, Velocities]:
    """The works of a set's folder that have match files in `split`, by the name that its manifest gives them.

    Raises CorpusError where the folder holds no music, ValueError at a broken file.
    """
    found: dict[str, list[Alignment]] = {}
    for entry in entries_of(folder, SetConfig(".")):
        if entry.path.suffix == ".match" and entry.split == split:
            found.setdefault(entry.group, []).append(aligned(entry.path))
    return {group: velocities_of(versions) for group, versions in found.items()}


def velocities_of(versions: list[Alignment]) -> Velocities:
    """The velocities of several performances of one score."""
    score = {name: note for version in versions for name, note in version.notes.items()}
    ids = tuple(sorted(score, key=lambda name: (score[name].start, score[name].pitch, score[name].end)))
    played = [{name: note.velocity for name, note in version.notes.items()} for version in versions]
    table = np.array([[velocities.get(name) or np.nan for name in ids] for velocities in played])
    notes = [score[name]._replace(velocity=DEFAULT_VELOCITY) for name in ids]
    tempo = float(np.median([version.song.tempos[0][1] for version in versions]))
    return Velocities(ids, table, song_of(notes, versions[0].meters, tempo))


def compared(left: NDArray[np.float64], right: NDArray[np.float64]) -> Agreement:
    """The agreement of two rows of velocities (notes,), NaN where there is none; r is 0 where one of them is flat."""
    both = ~np.isnan(left) & ~np.isnan(right)
    left, right = left[both], right[both]
    difference = left - right
    flat = np.ptp(left) == 0 or np.ptp(right) == 0
    return Agreement(
        mae=float(np.abs(difference).mean()),
        centred=float(np.abs(difference - difference.mean()).mean()),
        r=0.0 if flat else float(np.corrcoef(left, right)[0, 1]),
    )


def against(predicted: NDArray[np.float64], table: NDArray[np.float64]) -> Agreement:
    """The agreement of one prediction (notes,) with the pianists of a table (pianists, notes), mean over them."""
    return Agreement(*np.mean([compared(predicted, row) for row in table], axis=0).tolist())


def agreement(table: NDArray[np.float64]) -> Agreement:
    """The agreement of the pianists of a table (pianists, notes) with each other, mean over the ordered pairs."""
    rows = [against(row, np.delete(table, number, axis=0)) for number, row in enumerate(table)]
    return Agreement(*np.mean(rows, axis=0).tolist())
