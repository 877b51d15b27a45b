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
PAD, END = -(2**31) + 1, -(2**31)  # behind the last symbol of a corpus and of a clip; no symbols, and below them all


@dataclass(frozen=True)
class SharedRuns:
    """A corpus of N symbols in the order of what follows each of them.

    symbols (N + REACH,): `PAD` behind the last; order (N,), as `order_of` finds it
    """

    symbols: NDArray[np.int32]
    order: NDArray[np.int32]

    @classmethod
    def of(cls, symbols: NDArray[np.int32], order: NDArray[np.int32]) -> SharedRuns:
        """A corpus, symbols (N,) above `PAD`, in the order that `order_of` found."""
        return cls(np.append(symbols, np.full(REACH, PAD, np.int32)), order)

    def longest(self, symbols: Ints) -> tuple[Ints, Ints]:
        """(n,) length of the longest run that begins at each of n symbols and is in the corpus, and a place (n,) there
        where it stands; exact up to `REACH` symbols, and beyond that the length at one of the places."""
        count = len(symbols)
        if not count or not len(self.order):
            return np.zeros(count, np.int64), np.zeros(count, np.int64)
        wanted = np.concatenate([symbols, np.full(REACH, END)]).astype(np.int32)
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
        return self._followed(symbols, length, place), place

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

    def _followed(self, wanted: Ints, length: Ints, place: Ints) -> Ints:
        """The lengths, those that reach as far as the order does followed to their ends."""
        for at in np.flatnonzero(length >= REACH).tolist():
            if at and length[at - 1] > REACH and place[at] == place[at - 1] + 1:
                length[at] = length[at - 1] - 1
                continue
            most = min(len(wanted) - at, len(self.symbols) - int(place[at]))
            apart = wanted[at : at + most] != self.symbols[place[at] : place[at] + most]
            length[at] = int(apart.argmax()) if apart.any() else most
        return length


def order_of(symbols: NDArray[np.int32]) -> NDArray[np.int32]:
    """(N,) the places of a corpus, sorted by the `REACH` symbols from each on; those that are alike in their order.

    There may be 2 million symbols at most, so that three ranks fit into 63 bits.
    """
    rank = np.unique(symbols, return_inverse=True)[1].astype(np.int64)
    order = np.argsort(rank, kind="stable")
    width = 1
    for _ in range(ROUNDS):
        if len(rank) and rank[order[-1]] == len(rank) - 1:
            break  # no two places are alike any more
        key = np.zeros(len(rank), np.int64)
        for part in range(PACKED):
            key <<= 21
            key[: max(0, len(rank) - part * width)] += rank[part * width :] + 1
        order = np.argsort(key, kind="stable")
        rank = np.empty_like(rank)
        rank[order] = np.cumsum(np.diff(key[order], prepend=key[order[:1]]) > 0)
        width *= PACKED
    return order.astype(np.int32)
