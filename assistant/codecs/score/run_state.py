"""Runs of matching notes while the score network writes, for the entries of its memory; see `echoes.py`.

The entries of made notes stand in a ring: entry e, whose note is event e + 1, in slot e modulo the room; that of the
last event is not yet one. The given ones stand behind them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from continuo_daw.assistant.codecs.score.classes import Array, duration_class
from continuo_daw.assistant.codecs.score.echoes import KINDS, LONGEST_RUN, signatures


class RunState:
    """given: features of given notes (1, M); room: entries of made notes."""

    def __init__(self, given: dict[str, Any], rows: int, room: int) -> None:
        self.rows, self.room, self.count = rows, room, 0
        most = given["given_mask"].shape[1]
        self.most = most
        # what the event before each entry is like; an entry that was never heard matches nothing
        self.entries = np.full((rows, KINDS, room + max(most, 1)), -1, np.int32)
        self.length = np.zeros((rows, KINDS, room + max(most, 1)), np.uint8)
        if most:
            mask = given["given_mask"]
            found = signatures(given["given_key"], given["given_delta"], given["given_duration"], mask)
            self.entries[:, :, room:] = found[:, 0].astype(np.int32)
        self.last = np.zeros(rows, np.int64)

    def found(self) -> NDArray[np.uint8]:
        """(rows, KINDS, room + M), M at least 1, how long the run is that ends just before the note of each entry."""
        found = self.length.copy()
        if self.most:  # a given note stands in its own entry
            found[..., self.room + 1 :] = self.length[..., self.room : -1]
            found[..., self.room] = 0
        return found

    def advance(self, pitch: Array, delta: Array, duration: Array) -> None:
        """Takes the new event, values (rows,)."""
        self.count += 1
        length = duration_class(duration) if self.most else duration
        both = [np.stack(pair, 1) for pair in ((self.last, pitch), (delta, delta), (length, length))]
        real = np.stack([np.full(self.rows, self.count > 1), np.full(self.rows, True)], 1)
        now = signatures(both[0], both[1], both[2], real)[:, :, 1].T.astype(np.int32)  # (rows, KINDS)
        same = (self.entries == now[:, :, None]) & (now >= 0)[:, :, None]
        ring, given = np.split(self.length, [self.room], -1)
        given = np.concatenate([np.zeros_like(given[..., :1]), given[..., :-1]], -1) if self.most else given
        longer = np.concatenate([np.roll(ring, 1, -1), given], -1)
        self.length = np.minimum(longer + 1, LONGEST_RUN).astype(np.uint8) * same
        slot = self.count % self.room
        self.entries[..., slot], self.length[..., slot] = now, 0
        self.last = pitch

    def keep(self, rows: Array) -> None:
        """Goes on with some rows alone."""
        self.rows = len(rows)
        self.entries, self.length, self.last = self.entries[rows], self.length[rows], self.last[rows]
