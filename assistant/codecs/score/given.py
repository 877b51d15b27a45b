"""What the score network is told of given notes: the notes themselves, and what of them sounds near an onset."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from continuo_daw.assistant.codecs.score.classes import (
    DIRECT,
    NEAR,
    NO_CLASS,
    Array,
    duration_class,
    onset_class,
    places,
    step_class,
)
from continuo_daw.assistant.codecs.score.window import DRUMS, KEY, LENGTH, LOUDNESS, ONSET, TRACK, Window


def given_features(windows: Sequence[Window]) -> dict[str, Array]:
    """The given notes as classes, (B, M); M may be 0. `given_mask` is False behind the last one."""
    most = max(len(window.given) for window in windows)
    names = ("pitch", "class", "step", "duration", "velocity", "program", "lane", "place", "meter", "delta", "key")
    found = {f"given_{name}": np.zeros((len(windows), most), np.int64) for name in names}
    found["given_clock"] = np.zeros((len(windows), most), np.float32)
    found["given_coordinate"] = np.zeros((len(windows), most), np.float32)
    found["given_mask"] = np.zeros((len(windows), most), bool)
    for row, window in enumerate(windows):
        count = len(window.given)
        if not count:
            continue
        notes = window.given.astype(np.int64)
        drum = window.given_programs == DRUMS
        last = np.full(count, -1)
        for each in np.unique(notes[:, TRACK]):
            own = np.flatnonzero(notes[:, TRACK] == each)
            last[own[1:]] = notes[own[:-1], KEY]
        where = places(notes[:, ONSET], window)
        values = {
            "pitch": notes[:, KEY] + 128 * drum, "class": np.where(drum, NO_CLASS, notes[:, KEY] % 12),
            "step": step_class(notes[:, KEY], last, ~drum), "duration": duration_class(notes[:, LENGTH]),
            "velocity": notes[:, LOUDNESS] // 8, "program": window.given_programs, "lane": window.given_lane + 1,
            "place": where["place"], "meter": where["meter"], "clock": notes[:, ONSET],
            "coordinate": where["coordinate"], "mask": True, "key": notes[:, KEY],
            "delta": onset_class(np.diff(notes[:, ONSET], prepend=notes[0, ONSET])),
        }  # fmt: skip
        for name, value in values.items():
            found[f"given_{name}"][row, :count] = value
    return found


def given_gap(windows: Sequence[Window], onset: Array) -> Array:
    """(B, T) steps from each onset to the next given one behind it, `DIRECT` + 1 where it is farther or none."""
    found = np.full(onset.shape, DIRECT + 1)
    for row, window in enumerate(windows):
        if len(window.given):
            given = np.append(window.given[:, ONSET].astype(np.int64), 1 << 40)
            found[row] = np.minimum(given[np.searchsorted(given, onset[row], "right")] - onset[row], DIRECT + 1)
    return found


def given_sound(windows: Sequence[Window], onset: Array) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """What of the given tones sounds at onsets (B, T): (B, T, 128), and (B, T, 12) the classes of those near it."""
    sound = np.zeros((*onset.shape, 128), np.int8)
    near = np.zeros((*onset.shape, 12), np.float32)
    for row, window in enumerate(windows):
        given = window.given[window.given_programs != DRUMS]
        if not len(given):
            continue
        start, end = given[:, ONSET], given[:, ONSET] + given[:, LENGTH]
        at, back = np.unique(onset[row], return_inverse=True)
        on = ((start <= at[:, None]) & (at[:, None] < end)).astype(np.float32)
        sound[row] = (on @ np.eye(128, dtype=np.float32)[given[:, KEY]] > 0)[back]
        far = np.maximum(np.maximum(start - at[:, None], at[:, None] - end), 0)
        weight = np.exp(-far / NEAR).astype(np.float32)
        classes = weight @ np.eye(12, dtype=np.float32)[given[:, KEY] % 12]
        near[row] = (classes / np.maximum(classes.sum(-1, keepdims=True), 1e-6))[back]
    return sound, near
