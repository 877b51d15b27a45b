"""Runs of symbols that a sequence shares with a corpus, found exactly: a suffix array (Manber and Myers, "Suffix
arrays: a new method for on-line string searches", 1993) over the symbols of all pieces.

Its cost does not depend on how common the symbols are: a clip of one repeated note is searched as fast as any other.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]

PACKED = 3  # ranks of 21 bits in one sortable number
ROUNDS = 4  # of sorting, each by three times as many symbols
REACH = PACKED**ROUNDS  # symbols by which the corpus is in order; runs that are longer are followed one by one
UNKNOWN = -1  # a symbol that the corpus has not


@dataclass(frozen=True)
class SharedRuns:
    """A corpus of N symbols in the order of what follows each of them.

    names: the distinct symbols, sorted; symbols (N + REACH,) as places in `names`, padded; order (N,)
    """

    names: Ints
    symbols: NDArray[np.int32]
    order: NDArray[np.int32]

    @classmethod
    def of(cls, symbols: Ints) -> SharedRuns:
        """Sorts a corpus. It may have 2 million symbols at most, so that three ranks fit into 63 bits."""
        names, places = np.unique(symbols, return_inverse=True)
        rank = places.astype(np.int64)
        order = np.argsort(rank, kind="stable")
        width = 1
        for _ in range(ROUNDS):
            if len(rank) and rank[order[-1]] == len(rank) - 1:
                break  # no two places are alike any more
            key = np.zeros(len(rank), np.int64)
            for part in range(PACKED):
                key <<= 21
                key[: max(0, len(rank) - part * width)] += rank[part * width :] + 1
            order = np.argsort(key)
            rank = np.empty_like(rank)
            rank[order] = np.cumsum(np.diff(key[order], prepend=key[order[:1]]) > 0)
            width *= PACKED
        padded = np.concatenate([places, np.full(REACH, UNKNOWN)]).astype(np.int32)
        return cls(names, padded, order.astype(np.int32))

    def longest(self, symbols: Ints) -> tuple[Ints, Ints]:
        """(n,) length of the longest run that begins at each of n symbols and is in the corpus, and a place (n,) there
        where it stands; exact up to `REACH` symbols, and beyond that the length at one of the places."""
        count = len(symbols)
        if not count or not len(self.order):
            return np.zeros(count, np.int64), np.zeros(count, np.int64)
        near = np.minimum(np.searchsorted(self.names, symbols), len(self.names) - 1)
        known = np.where(self.names[near] == symbols, near, UNKNOWN - 1).astype(np.int32)
        wanted = np.concatenate([known, np.full(REACH, UNKNOWN - 1, np.int32)])
        wanted = np.lib.stride_tricks.sliding_window_view(wanted, REACH)[:count]
        low, high = np.zeros(count, np.int64), np.full(count, len(self.order))
        while (low < high).any():
            middle = np.minimum((low + high) // 2, len(self.order) - 1)
            _, above = self._compare(wanted, middle)
            open_ = low < high
            low = np.where(open_ & above, middle + 1, low)
            high = np.where(open_ & ~above, middle, high)
        before, behind = np.maximum(low - 1, 0), np.minimum(low, len(self.order) - 1)
        left, right = self._compare(wanted, before)[0], self._compare(wanted, behind)[0]
        length, place = np.maximum(left, right), self.order[np.where(left >= right, before, behind)].astype(np.int64)
        return self._followed(known, length, place), place

    def _compare(self, wanted: NDArray[np.int32], at: Ints) -> tuple[Ints, NDArray[np.bool_]]:
        """(n,) how many symbols are the same at places of the order, and whether `wanted` comes behind what is there;
        equal ones do not."""
        there = self._following[self.order[at]]
        apart = wanted != there
        same = np.where(apart.any(1), apart.argmax(1), REACH)
        row, column = np.arange(len(same)), np.minimum(same, REACH - 1)
        return same, wanted[row, column] > there[row, column]

    @cached_property
    def _following(self) -> NDArray[np.int32]:
        """(N + 1, REACH) the symbols from each place on."""
        return np.lib.stride_tricks.sliding_window_view(self.symbols, REACH)

    def _followed(self, known: NDArray[np.int32], length: Ints, place: Ints) -> Ints:
        """The lengths, those that reach as far as the order does followed to their ends."""
        for at in np.flatnonzero(length >= REACH).tolist():
            if at and length[at - 1] > REACH and place[at] == place[at - 1] + 1:
                length[at] = length[at - 1] - 1
                continue
            most = min(len(known) - at, len(self.symbols) - int(place[at]))
            apart = known[at : at + most] != self.symbols[place[at] : place[at] + most]
            length[at] = int(apart.argmax()) if apart.any() else most
        return length
