"""Repeats of the score network, found by arithmetic: runs of matching notes, and what stood here some bars ago.

A run says for a position n and an entry i of the memory how many events up to n are the same as those that end just
before i; where it is long, entry i is what comes next if the music goes on repeating. Runs are kept in four kinds:
exact; transposed; with steps of a scale instead of semitones; rhythm alone. Each follows from the one before:

    run[n, i] = (run[n - 1, i - 1] + 1) * same(n, i - 1)

An echo looks back by whole bars: the first event behind the place that lies as far back, in order of onset, lane,
pitch. It holds also where other notes stand between those that return.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from continuo_daw.assistant.codecs.score.classes import NO_DURATION, NO_ONSET, NO_PITCH, duration_class, onset_class

LAGS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32)  # bars that echoes look back
KINDS = 4  # of runs
LONGEST_RUN = 32
ONSET_UNIT, LANE_UNIT = 1024, 128  # an event's place in the order is one number

Array = NDArray[np.int64]


def signatures(pitch: Array, delta: Array, duration: Array, real: NDArray[np.bool_]) -> Array:
    """(KINDS, B, T) numbers that are equal where events match in that kind; negative where there is nothing."""
    step = np.diff(pitch, axis=1, prepend=0)
    has_step = real.copy()
    has_step[:, 1:] &= real[:, :-1]
    has_step[:, :1] = False
    scale = np.rint(step * 7 / 12).astype(np.int64)
    delta, duration = np.minimum(delta, 255), np.minimum(duration, 255)
    exact = (pitch * 256 + delta) * 256 + duration
    moved, stepped = (step + 256) * 256 + delta, (scale + 256) * 256 + delta
    return np.stack([
        np.where(real, exact, -1), np.where(has_step, moved, -1), np.where(has_step, stepped, -1),
        np.where(real, delta * 256 + duration, -1),
    ])  # fmt: skip


def run_lengths(table: dict[str, Any], given: dict[str, Any]) -> NDArray[np.uint8]:
    """(B, T, T + M, KINDS) lengths of runs for entries of the window and given ones, at most LONGEST_RUN."""
    real = table["kind"][:, :-1] == 1
    own: NDArray[Any] = signatures(table["pitch"][:, :-1], table["delta"][:, :-1], table["duration"][:, :-1], real)
    size, count = own.shape[2], own.shape[1]
    most = given["given_mask"].shape[1]
    entries: NDArray[Any] = own
    if most:
        own_classes = signatures(
            table["pitch"][:, :-1],
            table["delta"][:, :-1],
            duration_class(np.maximum(table["duration"][:, :-1], 1)),
            real,
        )
        others = signatures(given["given_key"], given["given_delta"], given["given_duration"], given["given_mask"])
        own, entries = own_classes, np.concatenate([own_classes, others], 2)
    entries, own = (each.astype(np.int32).transpose(1, 0, 2) for each in (entries, own))
    found = np.zeros((count, KINDS, size, size + most), np.uint8)
    before = np.zeros((count, KINDS, size + most), np.uint8)  # by the entry's predecessor
    for n in range(1, size):
        now = own[:, :, n, None]
        same = (entries == now) & (now >= 0)
        same[:, :, n:size] = False
        longer = np.zeros_like(before)
        longer[:, :, 1:] = before[:, :, :-1]
        if most:
            longer[:, :, size] = 0
        before = np.minimum(longer + 1, LONGEST_RUN).astype(np.uint8) * same
        found[:, :, n, 1:] = before[:, :, :-1]
        if most:
            found[:, :, n, size] = 0
    return np.ascontiguousarray(found.transpose(0, 2, 3, 1))


def order_of(onset: Array, lane: Array, pitch: Array) -> Array:
    """One number that sorts events by onset, lane, pitch."""
    return onset * ONSET_UNIT + lane * LANE_UNIT + pitch


def echoes(table: dict[str, Any]) -> dict[str, NDArray[Any]]:
    """What stood there `LAGS` bars ago, for every position and lag (B, T, K).

    echo_delta, echo_pitch, echo_duration: the event that would come next, known before anything of it is drawn
    echo_lane: the lane that came there at the onset that is asked; echo_key: the pitch there in the lane that is asked;
    echo_moved: that pitch moved as far as the notes before are apart; echo_length, echo_loud: duration and velocity
    there of the pitch that is asked, of the one that echo_key says where it is another
    echo_hits (B, T, K, 3): how long the echoes have been right, by this event and those before it
    """
    count, size = table["onset"].shape
    lags = np.array(LAGS)
    shape = (count, size - 1, len(lags))
    found = {
        "echo_delta": np.full(shape, NO_ONSET), "echo_pitch": np.full(shape, NO_PITCH),
        "echo_duration": np.full(shape, NO_DURATION), "echo_lane": np.full(shape, -1),
        "echo_key": np.full(shape, NO_PITCH), "echo_moved": np.full(shape, NO_PITCH),
        "echo_length": np.full(shape, NO_DURATION), "echo_loud": np.zeros(shape, np.int64),
    }  # fmt: skip
    right = np.zeros(shape, bool)
    for row in range(count):
        notes = int((table["kind"][row] == 1).sum())
        if notes < 2:
            continue
        onset, lane, pitch, duration, last = (
            table[key][row, 1 : notes + 1] for key in ("onset", "lane", "pitch", "duration", "last")
        )
        order, length = order_of(onset, lane, pitch), duration_class(duration)
        back = table["bar"][row, 1 : notes + 1, None] * lags  # (N, K) steps
        # before anything is drawn: the first event behind this one's place some bars ago
        place = order[:, None] - back * ONSET_UNIT
        at = np.searchsorted(order, place, "right")
        valid = place >= 0
        span = slice(1, notes + 1)
        delta = onset[at] + back - onset[:, None]
        found["echo_delta"][row, span] = np.where(valid, onset_class(delta), NO_ONSET)
        found["echo_pitch"][row, span] = np.where(valid, pitch[at], NO_PITCH)
        found["echo_duration"][row, span] = np.where(valid, length[at], NO_DURATION)
        right[row, 2 : notes + 1] = (
            valid[:-1]
            & (delta[:-1] == np.diff(onset)[:, None])
            & (pitch[at[:-1]] == pitch[1:, None])
            & (lane[at[:-1]] == lane[1:, None])
        )[: notes - 1]
        loud = table["velocity"][row, 1 : notes + 1]
        _echoes_asked(found, row, (order, onset, lane, pitch, length, last, loud), back)
    return found | {"echo_hits": trusted(right)}


def trusted(right: NDArray[np.bool_]) -> NDArray[np.float32]:
    """(B, T, K, 3) how long echoes have been right, from whether they were (B, T, K): now, of 4 times, of 16 times."""
    hits = np.zeros(right.shape, np.float32)
    for n in range(1, right.shape[1]):
        hits[:, n] = np.where(right[:, n], hits[:, n - 1] + 1, np.floor(hits[:, n - 1] / 4))
    return np.stack([right, np.minimum(hits, 4) / 4, np.minimum(hits, 16) / 16], -1).astype(np.float32)


def _echoes_asked(found: dict[str, NDArray[Any]], row: int, notes: tuple[Array, ...], back: Array) -> None:
    """Fills in what follows from the onset, the lane and the pitch that are asked, for positions 1 to N - 1."""
    order, onset, lane, pitch, length, last, loud = notes
    back, then = back[:-1], onset[1:, None] - back[:-1]
    span = slice(1, len(order))
    same = (np.diff(onset) == 0)[:, None]
    within = same & (np.diff(lane) == 0)[:, None]

    def look(lanes: Array, keys: Array) -> tuple[Array, NDArray[np.bool_]]:
        at = np.searchsorted(order, order_of(then, lanes, keys), "left")
        at = np.minimum(at, len(order) - 1)
        return at, (then >= 0) & (onset[at] == then)

    at, there = look(np.where(same, lane[:-1, None], 0), np.where(same, pitch[:-1, None] + 1, 0))
    found["echo_lane"][row, span] = np.where(there, lane[at], -1)
    asked_lane = lane[1:, None]
    at, there = look(asked_lane, np.where(within, pitch[:-1, None] + 1, 0))
    there &= lane[at] == asked_lane
    found["echo_key"][row, span] = np.where(there, pitch[at], NO_PITCH)
    moved = pitch[at] - last[at] + last[1:, None]
    apt = there & (last[at] >= 0) & (last[1:, None] >= 0) & (moved >= 0) & (moved < NO_PITCH)
    found["echo_moved"][row, span] = np.where(apt, moved, NO_PITCH)
    near, close = at, there
    at, there = look(asked_lane, pitch[1:, None])
    there &= (lane[at] == asked_lane) & (pitch[at] == pitch[1:, None])
    found["echo_length"][row, span] = np.where(there, length[at], np.where(close, length[near], NO_DURATION))
    found["echo_loud"][row, span] = np.where(there, loud[at], np.where(close, loud[near], 0))
