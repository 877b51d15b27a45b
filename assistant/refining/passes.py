"""The refine networks at work: what a clip's notes were written as, and how loud they are played.

N are the notes of a clip that are not muted, in the clip's order. `stop` is asked every few thousand notes; where it
says so, AssistantError `cancelled` is raised.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from continuo_daw.assistant.bundles.families import LENGTHS, MODEL, ONSETS
from continuo_daw.assistant.bundles.network import Network
from continuo_daw.assistant.bundles.runtime import Graph
from continuo_daw.assistant.errors import AssistantError
from continuo_daw.assistant.music.clip import TICKS, Clip
from continuo_daw.assistant.refining.choices import Index, Times, length_choices, near, onset_choices
from continuo_daw.assistant.refining.exact import SLACK, long_of, parts_of
from continuo_daw.assistant.refining.surroundings import Floats, Windows, told_of, windows_of

Table = NDArray[np.int64]  # (N, 3) start, end, pitch in ticks
Stop = Callable[[], bool]

TOGETHER = 16  # windows that are looked at together: what keeps memory small, and a press of Cancel near


def _never() -> bool:
    return False


def tidied(
    network: Network,
    clip: Clip,
    onsets: bool = True,
    durations: bool = True,
    reach: float = np.inf,
    stop: Stop = _never,
) -> tuple[Times, Times]:
    """Starts and durations (N,) in ticks as they would be written; what is not asked for stays as it is. `reach`: the
    lengths are known to lie so near to the written ones, 0.2 for 80 to 120 %.

    Lengths are looked at once the onsets stand where they belong: the end of a note says little while it is not clear
    what begins there. What stands exactly where the network has no choice, in fifths of a beat, stays.
    """
    table = _table(clip)
    part = parts_of(table[:, 0] - clip.upbeat % TICKS)
    if len(table) and onsets:
        moved = np.where(part > 0, table[:, 0], _onsets(network, clip, table, stop))
        table = np.stack([moved, moved + table[:, 1] - table[:, 0], table[:, 2]], 1)
    start = table[:, 0].astype(np.float64)
    if len(table) and durations:
        order = np.lexsort((table[:, 2], table[:, 0]))
        lengths = np.empty(len(table))
        lengths[order] = _lengths(network, clip, table[order], reach, stop)
        return start, _exact(table[:, 1] - table[:, 0], part, lengths)
    return start, (table[:, 1] - table[:, 0]).astype(np.float64)


def loudness(
    network: Network, clip: Clip, drums: bool, stop: Stop = _never
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Location (N,), the median velocity, and scale (N,), the mean absolute deviation of a Laplace distribution."""
    table = _table(clip)
    found = [
        network.graphs[MODEL].run(told_of(windows))["velocity"][row, column]
        for windows, row, column in _groups(network, clip, table, drums, stop)
    ]
    location, scale = np.concatenate([np.zeros((0, 2), np.float32), *found]).T
    return location, scale


def _exact(given: Index, part: Times, lengths: Times) -> Times:
    """Durations (N,) but for those that are given exactly already; `part` is that of the group of a note, or 0."""
    long = long_of(given)
    lengths = np.where(long > 0, long, lengths)
    return np.where((part > 0) & (given <= part + SLACK), given, lengths)


def _table(clip: Clip) -> Table:
    return np.array([(n.start, n.end, n.pitch) for n in clip.notes if not n.muted], np.int64).reshape(-1, 3)


def _groups(
    network: Network, clip: Clip, table: Table, drums: bool, stop: Stop
) -> Iterator[tuple[Windows, Index, Index]]:
    """Some windows at a time, with the row and the column in them of each note of which they say most; the notes come
    in their order."""
    if not len(table):
        return
    codec = network.bundle.notes
    rows, (row, column) = codec.rows(len(table)), codec.places(len(table))
    for first in range(0, len(rows), TOGETHER):
        if stop():
            raise AssistantError("cancelled", "the refinement was cancelled")
        own = (row >= first) & (row < first + TOGETHER)
        yield windows_of(table, clip, rows[first : first + TOGETHER], drums), row[own] - first, column[own]


def _onsets(network: Network, clip: Clip, table: Table, stop: Stop) -> NDArray[np.int64]:
    """Starts (N,) in whole ticks, inside the clip."""
    moved = []
    for windows, row, column in _groups(network, clip, table, False, stop):
        place, told = onset_choices(windows, row, column)
        scores = _scores(network.graphs[ONSETS], windows, row, column, told)
        moved.append(_best(place, scores) - windows.start[row, column])
    start = np.rint(table[:, 0] + np.concatenate(moved) * TICKS)
    return np.clip(start, 0, max(clip.length - 1, 0)).astype(np.int64)


def _lengths(network: Network, clip: Clip, table: Table, reach: float, stop: Stop) -> Times:
    """Durations (N,) in whole ticks, at least 1."""
    found = []
    for windows, row, column in _groups(network, clip, table, False, stop):
        value, told = length_choices(windows, row, column)
        scores = _scores(network.graphs[LENGTHS], windows, row, column, told)
        found.append(_best(value, np.where(near(value, windows, (row, column), reach), scores, -np.inf)))
    return np.maximum(np.rint(np.concatenate(found) * TICKS), 1)


def _scores(graph: Graph, windows: Windows, row: Index, column: Index, told: Floats) -> Floats:
    """(N, C) of the choices (N, C, G) of the notes that stand in `row` and `column` of their windows."""
    return graph.run(told_of(windows) | {"place": np.stack([row, column], 1), "candidates": told})["scores"]


def _best(values: Times, scores: Floats) -> Times:
    return np.take_along_axis(values, scores.argmax(-1)[..., None], -1)[..., 0]
