"""The notes of a prompt for the score network: what its graph takes, and where its entries stand in the memory."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from continuo_daw.assistant.codecs.score.features import features_of
from continuo_daw.assistant.codecs.score.window import Window
from continuo_daw.assistant.sampling.score_memory import SAID, Arrays, Memory, given_arrays

OF_EVENTS = tuple(f"{n}_in" for n in ("pitch", "class", "step", "duration", "delta", "velocity", "lane", "program"))
HEARD = (
    *OF_EVENTS, "place", "meter", "left", "sound_now", "given_now", "heard", "fading", "from_now", "clock",
    "coordinate", "condition", "style", "one", "echo_delta", "echo_pitch", "echo_duration", "echo_hits", "runs", "gap",
    "onset_hints", "pitch_next", "delta_next", "clock_next", "coordinate_next", "given_mask", "given_pitch",
)  # fmt: skip
FAR = -1e4  # the score of an entry that is not looked at


def prompt_inputs(window: Window, notes: NDArray[np.int64]) -> Arrays:
    """The features of the notes (N, 5) that a prompt's graph takes, one row with N + 1 positions."""
    whole = replace(window, notes=notes.astype(np.int32), learnt=np.ones(len(notes), bool), ends=False)
    found: dict[str, Any] = features_of([whole])
    size = len(notes) + 1
    if not found["given_mask"].shape[1]:  # the graphs take a hidden note where there is none
        found["runs"] = np.pad(found["runs"], ((0, 0), (0, 0), (0, 1), (0, 0)))
    found |= given_arrays({name: value for name, value in found.items() if name in ("given_mask", "given_pitch")})
    assert found["clock"].shape[1] == size
    return found


def place_prompt(memory: Memory, heard: Arrays, features: Arrays) -> Arrays:
    """Puts the entries of a prompt into an empty memory; gives `scores` as the memory stands."""
    count, room = heard["keys"].shape[2] - 1, memory.room
    first = max(count - room + 1, 0)  # the oldest entry for which there is room
    entries = np.arange(first, count)
    slots = entries % room
    pointers = heard["again"].shape[1]
    values = heard["values"]
    parts = {"keys": heard["keys"], "values": values, "pointed": values[:, :pointers], "again": heard["again"]}
    for name, part in parts.items():
        ring = np.zeros((*part.shape[:2], room, part.shape[3]), np.float32)
        ring[:, :, slots] = part[:, :, entries]
        if name == "keys":
            ring[:, :, count % room] = part[:, :, count]
        memory.rings[f"ring_{name}"] = ring
    for name, classes in SAID.items():
        told = features[f"{name}_in"][:, entries + 1]
        told = told % 128 if name == "pitch" else np.minimum(told, classes - 1)
        memory.classes[f"ring_{name}"][:, slots] = told
    memory.shown[:, slots] = 0
    scores = heard["scores"]
    placed = np.full((*scores.shape[:2], 1 + memory.shown.shape[1]), FAR, np.float32)
    placed[..., 0], placed[..., 1 + slots] = scores[..., 0], scores[..., 1 + entries]
    placed[..., 1 + room :] = scores[..., 1 + count :]
    return {"scores": placed}
