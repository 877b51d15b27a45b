"""The memory of the score network while it writes: entries of made notes in a ring, and those of given notes.

The entry of position n stands in slot n modulo the room. Its key is known at once, its note with the next event, so
that it is shown only then; the slot of the last event is never shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from continuo_daw.assistant.codecs.score.classes import DURATIONS, NO_STEP, ONSETS
from continuo_daw.assistant.codecs.score.window import LANES

Arrays = dict[str, NDArray[Any]]
# the classes that pointers say of a note; the time between given notes says nothing of ours, nor does their velocity
SAID = {"delta": ONSETS, "pitch": 128, "step": NO_STEP + 1, "lane": LANES, "duration": DURATIONS, "loudness": 128}
OF_GIVEN = ("pitch", "step", "lane", "duration")
HIDDEN = -1.0
NOBODY: Mapping[str, Any] = {"clock": np.float32, "coordinate": np.float32, "mask": np.bool_}  # others are classes


def given_arrays(given: Mapping[str, NDArray[Any]]) -> Arrays:
    """Features of given notes (1, M) as the graphs take them, with one that is hidden where there is none."""
    if given["given_mask"].shape[1]:
        return dict(given)
    kinds = {name: NOBODY.get(name.removeprefix("given_"), np.int64) for name in given}
    return {name: np.zeros((1, 1), kind) for name, kind in kinds.items()}


def given_classes(given: Mapping[str, NDArray[Any]]) -> Arrays:
    """`given_one_*` (M, classes): a 1 for the class of each given note."""
    found = {}
    for name in OF_GIVEN:
        at = given[f"given_{name}"][0]
        at = at % 128 if name == "pitch" else np.maximum(at - 1, 0) if name == "lane" else at
        found[f"given_one_{name}"] = np.eye(SAID[name], dtype=np.float32)[at]
    return found


class Memory:
    """rows: how many are written at once; room: slots of the ring; given: features of given notes (1, M), M > 0."""

    def __init__(self, rows: int, room: int, given: Mapping[str, NDArray[Any]]) -> None:
        self.room = room
        self.rings: Arrays = {}
        self.classes: Arrays = {f"ring_{name}": np.zeros((rows, room), np.int64) for name in SAID}
        self.given = given_classes(given) | {name: given[name] % 128 for name in ("given_pitch",)}
        self.given["given_step"] = given["given_step"]
        self.shown = np.full((1, room + given["given_mask"].shape[1]), HIDDEN, np.float32)
        self.shown[:, room:][given["given_mask"]] = 0

    def remember(self, position: int, fresh: Mapping[str, NDArray[Any]], event: Mapping[str, NDArray[Any]]) -> None:
        """Takes what position `position` adds: `key`, `value` and `again` (rows, heads, size) and the features of the
        event at it."""
        pointers = fresh["again"].shape[1]
        slot = (position - 1) % self.room
        self._write("ring_keys", position % self.room, fresh["key"])
        # at the first position there is no entry yet: what is written stays hidden until it is overwritten
        self._write("ring_values", slot, fresh["value"])
        self._write("ring_pointed", slot, fresh["value"][:, :pointers])
        self._write("ring_again", slot, fresh["again"])
        self.shown[:, position % self.room] = HIDDEN
        if position:
            self.shown[:, slot] = 0
            for name, classes in SAID.items():
                told = event[f"{name}_in"]
                told = told % 128 if name == "pitch" else np.minimum(told, classes - 1)
                self.classes[f"ring_{name}"][:, slot] = told

    def _write(self, name: str, slot: int, value: NDArray[Any]) -> None:
        if name not in self.rings:
            rows, heads, size = value.shape
            self.rings[name] = np.zeros((rows, heads, self.room, size), np.float32)
        self.rings[name][:, :, slot] = value

    def keep(self, rows: NDArray[np.int64]) -> None:
        """Goes on with some rows alone; a row may stand there more than once."""
        self.rings = {name: ring[rows] for name, ring in self.rings.items()}
        self.classes = {name: ring[rows] for name, ring in self.classes.items()}
