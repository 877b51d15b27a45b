"""Duplicates: the same music under two names, whatever its key.

Copies are told by the intervals and the times between all notes of a piece. Overlaps are told by the share of
grams: a gram is `GRAM` notes in a row of the top line, as intervals, without rhythm.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from continuo_daw.assistant.music.clip import Clip

GRAM = 9  # notes; eight intervals of a byte each fill a uint64
GRID = 20  # ticks; files of another resolution round to other ticks
SHARE = 0.5
LEAST_GRAMS = 16  # a shorter line proves nothing
COMMON = 30  # a gram that more pieces than this have is a scale or a repeated note, not a tune


def copies_in(pieces: Sequence[Sequence[Clip]]) -> dict[int, int]:
    """The number of every piece that is an earlier one again, in any key, with the number of that one.

    Pieces of fewer than `GRAM` notes are no copies of anything.
    """
    first: dict[bytes, int] = {}
    copies: dict[int, int] = {}
    for number, sections in enumerate(pieces):
        table = np.concatenate([np.empty((0, 2), dtype=np.int64), *map(onsets_and_pitches, sections)])
        if len(table) < GRAM:
            continue
        table[:, 1] -= table[0, 1]
        original = first.setdefault(table.tobytes(), number)
        if original != number:
            copies[number] = original
    return copies


def overlaps(left: Sequence[Sequence[Clip]], right: Sequence[Sequence[Clip]]) -> list[tuple[int, int, float]]:
    """Pairs (number in left, number in right, share) that share at least `SHARE` of the grams of the smaller one.

    Grams that are common in the whole collection count on neither side.
    """
    grams = [grams_of(sections) for sections in (*left, *right)]
    hashes = np.concatenate([np.empty(0, dtype=np.uint64), *grams])
    owners = np.repeat(np.arange(len(grams)), [len(own) for own in grams])
    _, place, count = np.unique(hashes, return_inverse=True, return_counts=True)
    rare = count[place] <= COMMON
    hashes, owners = hashes[rare], owners[rare]
    sizes = np.bincount(owners, minlength=len(grams))

    # join the two sides on their grams: every gram of the left beside each equal gram of the right
    of_left = owners < len(left)
    order = np.argsort(hashes[~of_left], kind="stable")
    sorted_hashes, sorted_owners = hashes[~of_left][order], owners[~of_left][order]
    begin = np.searchsorted(sorted_hashes, hashes[of_left], "left")
    many = np.searchsorted(sorted_hashes, hashes[of_left], "right") - begin
    within = np.arange(many.sum()) - np.repeat(np.cumsum(many) - many, many)
    joined = np.stack([np.repeat(owners[of_left], many), sorted_owners[np.repeat(begin, many) + within]], axis=1)

    pairs, shared = np.unique(joined, axis=0, return_counts=True)
    smaller = sizes[pairs].min(axis=1)
    share = shared / np.maximum(smaller, 1)
    found = (share >= SHARE) & (smaller >= LEAST_GRAMS)
    return [(a, b - len(left), part) for (a, b), part in zip(pairs[found].tolist(), share[found].tolist(), strict=True)]


def grams_of(sections: Sequence[Clip]) -> np.ndarray:
    """The grams of a piece, each once: a uint64 array."""
    line = np.concatenate([np.empty(0, dtype=np.int64), *map(top_line, sections)])
    if len(line) < GRAM:
        return np.empty(0, dtype=np.uint64)
    intervals = np.diff(line).astype(np.uint8).astype(np.uint64)  # a byte each, falling ones wrapped around
    windows = np.lib.stride_tricks.sliding_window_view(intervals, GRAM - 1)
    return np.unique(windows @ (np.uint64(256) ** np.arange(GRAM - 1, dtype=np.uint64)))


def top_line(clip: Clip) -> np.ndarray:
    """The pitch of the highest note at each onset, int64."""
    table = onsets_and_pitches(clip)
    first = np.flatnonzero(np.diff(table[:, 0], prepend=-1))
    return np.maximum.reduceat(table[:, 1], first) if len(table) else table[:, 1]


def onsets_and_pitches(clip: Clip) -> np.ndarray:
    """The notes of a clip as an int64 table (notes, 2): onset in steps of `GRID` ticks, pitch."""
    rows = [((note.start + GRID // 2) // GRID, note.pitch) for note in clip.notes]
    return np.array(rows, dtype=np.int64).reshape(-1, 2)
