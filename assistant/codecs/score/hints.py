"""Likely times and velocities of the score network, found by arithmetic: the ends of what sounds, bar lines, beats.

A hint is a class to which a gate of the network adds; so it need not learn that a note often starts where another ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from continuo_daw.assistant.codecs.score.classes import NO_DURATION, NO_ONSET, START, duration_class, onset_class

RECENT = 16  # notes that are looked at one by one
ONSET_HINTS, DURATION_HINTS = 6, 6
BEAT = 24  # steps
AROUND = 24  # semitones to each side of a key from which sounding ones are seen
FROM = 2 * AROUND + 1

Array = NDArray[np.int64]


def onset_hints(table: dict[str, Array]) -> dict[str, Array]:
    """`onset_hints` (B, T, ONSET_HINTS): classes of the time to the next onset, `NO_ONSET` for none: to the end of the
    last event, to the first and the last end of what sounds, the last time between onsets, to bar line and beat."""
    onset, delta = table["onset"][:, :-1], table["delta"][:, :-1]
    first, latest = ends_of(table, onset)
    number = np.arange(onset.shape[1])
    moved = np.maximum.accumulate(np.where(delta > 0, number, 0), 1)
    place, bar = table["place"][:, :-1], table["bar"][:, :-1]
    steps = [
        table["duration"][:, :-1], first - onset, latest - onset, np.take_along_axis(delta, moved, 1),
        bar - place % bar, BEAT - place % BEAT,
    ]  # fmt: skip
    start = table["kind"][:, :-1] == START
    found = [np.where((each > 0) & ~start, onset_class(np.maximum(each, 0)), NO_ONSET) for each in steps]
    return {"onset_hints": np.stack(found, -1)}


def duration_hints(table: dict[str, Array]) -> dict[str, Array]:
    """`duration_hints` (B, T, DURATION_HINTS): classes of the duration, `NO_DURATION` for none: that of the event
    before, to the first and the last end of what sounds at the new onset, the time since the onset before, to the bar
    line, to the beat."""
    onset = table["onset"][:, 1:]
    first, latest = ends_of(table, onset)
    number = np.arange(onset.shape[1] + 1)
    moved = np.maximum.accumulate(np.where(table["delta"] > 0, number, 0), 1)[:, 1:]
    place, bar = table["place"][:, 1:], table["bar"][:, 1:]
    steps = [
        table["duration"][:, :-1], first - onset, latest - onset, np.take_along_axis(table["delta"], moved, 1),
        bar - place % bar, BEAT - place % BEAT,
    ]  # fmt: skip
    found = [np.where(each > 0, duration_class(np.maximum(each, 1)), NO_DURATION) for each in steps]
    return {"duration_hints": np.stack(found, -1)}


def ends_of(table: dict[str, Array], onset: Array) -> tuple[Array, Array]:
    """(B, T) twice: the first and the last end behind `onset` of the latest events up to each position; `onset` itself
    where nothing sounds."""
    end = (table["onset"] + table["duration"])[:, :-1]
    size = onset.shape[1]
    first, latest = np.full(onset.shape, 1 << 40), np.zeros_like(onset)
    for back in range(min(RECENT, size)):
        ends = end[:, : size - back]
        later = ends > onset[:, back:]
        first[:, back:] = np.where(later, np.minimum(first[:, back:], ends), first[:, back:])
        latest[:, back:] = np.where(later, np.maximum(latest[:, back:], ends), latest[:, back:])
    return np.where(first < 1 << 40, first, onset), np.maximum(latest, onset)


def near_loud(table: dict[str, Array], note: int) -> Array:
    """(B, T) the velocity of the note of that lane, among the last `RECENT`, that is nearest to the pitch asked; 0 for
    none. The hands of a keyboard, and the drums of a set, each have a loudness of their own."""
    pitch, lane, velocity = (table[key] for key in ("pitch", "lane", "velocity"))
    real = table["kind"] == note
    size = pitch.shape[1] - 1
    best = np.full((len(pitch), size), 1 << 20)
    found = np.zeros((len(pitch), size), np.int64)
    for back in range(min(RECENT, size)):  # the latest first, so that it wins where two are as near
        at = slice(back, None)
        own = slice(0, size - back)
        far = np.abs(pitch[:, 1:][:, at] - pitch[:, own]) * 32 + back
        good = real[:, own] & (lane[:, own] == lane[:, 1:][:, at]) & (far < best[:, at])
        best[:, at] = np.where(good, far, best[:, at])
        found[:, at] = np.where(good, velocity[:, own], found[:, at])
    return found


def heard_from(base: Array, shares: Sequence[NDArray[Any]], sounds: Sequence[NDArray[Any]]) -> NDArray[np.float32]:
    """(B, T, 12 * shares + FROM * sounds) pitch classes (B, T, 12) and sounding keys (B, T, 128) as they lie from
    `base` (B, T), a key, -1 for none: the same in every key of the music."""
    known = (base >= 0)[..., None]
    base = np.maximum(base, 0)[..., None]
    around = (base + np.arange(12)) % 12
    keys = base + np.arange(-AROUND, AROUND + 1)
    inside = (keys >= 0) & (keys < 128)
    keys = np.clip(keys, 0, 127)
    parts: list[NDArray[Any]] = [np.take_along_axis(each, around, -1) * 6 for each in shares]
    parts += [np.take_along_axis(each, keys, -1) * inside for each in sounds]
    return (np.concatenate(parts, -1) * known).astype(np.float32)
