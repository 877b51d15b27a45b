"""The refine networks at work: what a clip's notes were written as, and how loud they are played.

N are the notes of a clip that are not muted, in the clip's order.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from assistant.bundle import LENGTHS, MODEL, ONSETS
from assistant.candidates import Index, Times, length_candidates, near, onset_candidates
from assistant.clip import TICKS, Clip
from assistant.network import Network
from assistant.runtime import Graph
from assistant.surroundings import Floats, Windows, surroundings, windows_of

Table = NDArray[np.int64]  # (N, 3) start, end, pitch in ticks

DRUMS = 128  # what is added to the pitch of a drum, so that it is no pitch


def tidied(
    network: Network, clip: Clip, onsets: bool = True, durations: bool = True, reach: float = np.inf
) -> tuple[Times, Times]:
    """Starts and durations (N,) in ticks as they would be written; what is not asked for stays as it is. `reach`: the
    lengths are known to lie so near to the written ones, 0.2 for 80 to 120 %.

    Lengths are looked at once the onsets stand where they belong: the end of a note says little while it is not clear
    what begins there.
    """
    table = _table(clip)
    if len(table) and onsets:
        moved = _onsets(network, clip, table)
        table = np.stack([moved, moved + table[:, 1] - table[:, 0], table[:, 2]], 1)
    start = table[:, 0].astype(np.float64)
    if len(table) and durations:
        order = np.lexsort((table[:, 2], table[:, 0]))
        lengths = np.empty(len(table))
        lengths[order] = _lengths(network, clip, table[order], reach)
        return start, lengths
    return start, (table[:, 1] - table[:, 0]).astype(np.float64)


def loudness(network: Network, clip: Clip, drums: bool) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Location (N,), the median velocity, and scale (N,), the mean absolute deviation of a Laplace distribution."""
    table = _table(clip)
    if not len(table):
        return np.zeros(0, np.float32), np.zeros(0, np.float32)
    windows = _windows(network, clip, table, drums)
    found = network.graphs[MODEL].run(_told(windows))["velocity"][network.bundle.notes.places(len(table))]
    return found[:, 0], found[:, 1]


def _table(clip: Clip) -> Table:
    return np.array([(n.start, n.end, n.pitch) for n in clip.notes if not n.muted], np.int64).reshape(-1, 3)


def _windows(network: Network, clip: Clip, table: Table, drums: bool) -> Windows:
    return windows_of(table, clip, network.bundle.notes.rows(len(table)), drums)


def _told(windows: Windows) -> dict[str, NDArray[np.float32] | NDArray[np.int64]]:
    return {"told": surroundings(windows), "pitch": windows.pitch + DRUMS * windows.drums[:, None]}


def _onsets(network: Network, clip: Clip, table: Table) -> NDArray[np.int64]:
    """Starts (N,) in whole ticks, inside the clip."""
    windows = _windows(network, clip, table, False)
    row, column = network.bundle.notes.places(len(table))
    place, told = onset_candidates(windows, row, column)
    scores = _scores(network.graphs[ONSETS], windows, row, column, told)
    moved = (_best(place, scores) - windows.start[row, column]) * TICKS
    return np.clip(np.rint(table[:, 0] + moved), 0, max(clip.length - 1, 0)).astype(np.int64)


def _lengths(network: Network, clip: Clip, table: Table, reach: float) -> Times:
    """Durations (N,) in ticks, at least 1."""
    windows = _windows(network, clip, table, False)
    row, column = network.bundle.notes.places(len(table))
    value, told = length_candidates(windows, row, column)
    scores = _scores(network.graphs[LENGTHS], windows, row, column, told)
    return np.maximum(
        np.rint(_best(value, np.where(near(value, windows, (row, column), reach), scores, -np.inf)) * TICKS), 1
    )


def _scores(graph: Graph, windows: Windows, row: Index, column: Index, told: Floats) -> Floats:
    """(N, C) of the candidates (N, C, G) of the notes that stand in `row` and `column` of their windows."""
    return graph.run(_told(windows) | {"place": np.stack([row, column], 1), "candidates": told})["scores"]


def _best(values: Times, scores: Floats) -> Times:
    return np.take_along_axis(values, scores.argmax(-1)[..., None], -1)[..., 0]
