"""What stood some bars ago while the score network writes; the same numbers as `echoes`."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from continuo_daw.assistant.codecs.score.classes import (
    NO_DURATION,
    NO_ONSET,
    NO_PITCH,
    Array,
    duration_class,
    onset_class,
)
from continuo_daw.assistant.codecs.score.echoes import LAGS, ONSET_UNIT, order_of
from continuo_daw.assistant.codecs.score.window import KEY, LENGTH, LOUDNESS, ONSET, TRACK

Features = dict[str, NDArray[Any]]
APART = 1 << 40  # rows stand so far apart that all of them are one sorted list
ROOM = 256  # events for which there is room at first
COLUMNS = ONSET, TRACK, KEY, LENGTH, LOUDNESS


class EchoState:
    """All events of some rows, sorted."""

    def __init__(self, rows: int) -> None:
        self.lags = np.array(LAGS)
        self.count = 0
        self.apart = np.arange(rows)[:, None] * APART
        self.order = np.broadcast_to(self.apart + APART - 1, (rows, ROOM)).copy()
        self.notes = np.zeros((rows, ROOM, 6), np.int64)  # columns of a table of notes, and the pitch before
        self.back = np.zeros((rows, len(LAGS)), np.int64)
        self.right = np.zeros((rows, len(LAGS)), bool)
        self.hits = np.zeros((rows, len(LAGS)), np.float32)
        self.found: Features = {}

    def known(self) -> Features:
        """What came some bars ago behind the place of the last event, and how long that has been right."""
        shape = self.back.shape
        if not self.count:
            nothing = np.full(shape, NO_ONSET), np.full(shape, NO_PITCH), np.full(shape, NO_DURATION)
            found = dict(zip(("echo_delta", "echo_pitch", "echo_duration"), nothing, strict=True))
            return found | {"echo_hits": np.zeros((*shape, 3), np.float32)}
        now = self.notes[:, self.count - 1]
        place = order_of(now[:, ONSET], now[:, TRACK], now[:, KEY])[:, None] - self.back * ONSET_UNIT
        then, valid = self._look(place, "right"), place >= 0
        delta = then[..., ONSET] + self.back - now[:, ONSET, None]
        self.found = {"then": then, "valid": valid, "delta": delta}
        hits = np.stack([self.right, np.minimum(self.hits, 4) / 4, np.minimum(self.hits, 16) / 16], -1)
        return {
            "echo_delta": np.where(valid, onset_class(delta), NO_ONSET),
            "echo_pitch": np.where(valid, then[..., KEY], NO_PITCH),
            "echo_duration": np.where(valid, duration_class(np.maximum(then[..., LENGTH], 1)), NO_DURATION),
            "echo_hits": hits.astype(np.float32),
        }

    def at_onset(self, onset: Array, same: NDArray[np.bool_]) -> Features:
        """The lane that came there at that onset (rows,); `same`: it is the onset of the last event."""
        self.then = onset[:, None] - self.back
        if not self.count:
            return {"echo_lane": np.full(self.back.shape, -1)}
        now = self.notes[:, self.count - 1]
        lane, key = (np.where(same, now[:, column] + more, 0) for column, more in ((TRACK, 0), (KEY, 1)))
        note, there = self._asked(lane, key)
        return {"echo_lane": np.where(there, note[..., TRACK], -1)}

    def in_lane(self, lane: Array, last: Array, within: NDArray[np.bool_]) -> Features:
        """The pitch that came there in that lane (rows,), and as far from `last` as there; `within`: the last event
        has the same onset and lane."""
        self.lane = lane
        if not self.count:
            return {name: np.full(self.back.shape, NO_PITCH) for name in ("echo_key", "echo_moved")}
        floor = np.where(within, self.notes[:, self.count - 1, KEY] + 1, 0)
        note, there = self._asked(lane, floor)
        there &= note[..., TRACK] == lane[:, None]
        moved = note[..., KEY] - note[..., 5] + last[:, None]
        apt = there & (note[..., 5] >= 0) & (last[:, None] >= 0) & (moved >= 0) & (moved < NO_PITCH)
        self.near = note, there
        return {
            "echo_key": np.where(there, note[..., KEY], NO_PITCH),
            "echo_moved": np.where(apt, moved, NO_PITCH),
        }

    def at_pitch(self, pitch: Array) -> Features:
        """Duration and velocity there of that pitch (rows,), else of the one that `in_lane` found."""
        shape = self.back.shape
        if not self.count:
            return {"echo_length": np.full(shape, NO_DURATION), "echo_loud": np.zeros(shape, np.int64)}
        note, there = self._asked(self.lane, pitch)
        there &= (note[..., TRACK] == self.lane[:, None]) & (note[..., KEY] == pitch[:, None])
        near, close = self.near
        best = np.where(there[..., None], note, near)
        there = there | close
        return {
            "echo_length": np.where(there, duration_class(np.maximum(best[..., LENGTH], 1)), NO_DURATION),
            "echo_loud": np.where(there, best[..., LOUDNESS], 0),
        }

    def advance(self, event: Array, before: Array, delta: Array, bar: Array) -> None:
        """Takes the new event (rows, 5) with the pitch of its lane before it, the steps since the last one, and the
        steps of its bar (rows,)."""
        if self.count:
            then = self.found["then"]
            self.right = (
                self.found["valid"]
                & (self.found["delta"] == delta[:, None])
                & (then[..., KEY] == event[:, KEY, None])
                & (then[..., TRACK] == event[:, TRACK, None])
            )
            self.hits = np.where(self.right, self.hits + 1, np.floor(self.hits / 4)).astype(np.float32)
        if self.count == self.order.shape[1]:
            self.order = np.concatenate([self.order, np.broadcast_to(self.apart + APART - 1, self.order.shape)], 1)
            self.notes = np.concatenate([self.notes, np.zeros_like(self.notes)], 1)
        self.order[:, self.count] = self.apart[:, 0] + order_of(event[:, ONSET], event[:, TRACK], event[:, KEY])
        self.notes[:, self.count, :5], self.notes[:, self.count, 5] = event, before
        self.count += 1
        self.back = bar[:, None] * self.lags

    def keep(self, rows: Array) -> None:
        """Goes on with some rows alone."""
        order = self.order[rows] - self.apart[rows]
        self.apart = np.arange(len(rows))[:, None] * APART
        self.order, self.notes = order + self.apart, self.notes[rows]
        self.back, self.right, self.hits = self.back[rows], self.right[rows], self.hits[rows]
        self.found = {name: value[rows] for name, value in self.found.items()}

    def _asked(self, lane: Array, key: Array) -> tuple[Array, NDArray[np.bool_]]:
        """The first event there not below a lane and a key (rows,), and whether it is at that very onset."""
        place = order_of(self.then, lane[:, None], key[:, None])
        note = self._look(place, "left")
        return note, (self.then >= 0) & (note[..., ONSET] == self.then)

    def _look(self, place: Array, side: Any) -> Array:
        """(rows, K, 6) the first event at (`left`) or behind (`right`) a place in the order."""
        place = np.maximum(place, 0) + self.apart
        at = np.searchsorted(self.order.ravel(), place.ravel(), side).reshape(place.shape)
        at = np.minimum(at - (self.apart // APART) * self.order.shape[1], self.count - 1)
        found: Array = self.notes[np.arange(len(place))[:, None], np.maximum(at, 0)]
        return found
