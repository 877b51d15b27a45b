"""Moves of a code that change one attribute of its music and leave the others where they are.

Attribute vectors (Roberts et al. 2018) say where to go: the difference of mean codes. How far to go, and what to add
so that nothing else changes, is found by trying: many codes are decoded side by side, the best ones lead the next try.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from assistant.attributes import NAMES, attributes
from assistant.clip import Clip
from assistant.latent import Codes, Space

ROUNDS = 5
TRIES = 40  # codes of a round
BEST = 6  # of them lead the next round
MISSED = 2.0  # what missing the wish costs, against as large a change of something else

Play = Callable[[Codes], Sequence[Clip]]


def moved(
    code: Codes, wishes: Mapping[str, float], start: Clip, space: Space, play: Play, seed: int, stop: Callable[[], bool]
) -> tuple[Codes, Clip]:
    """The code (K, Z) whose music comes nearest to the attributes of `start` changed by `wishes`, and that music.

    wishes: attribute to change, in its own unit; play: clips of codes (C, K, Z), one for each
    """
    before = attributes(start)
    asked = np.array([wishes.get(name, 0.0) for name in NAMES]) / space.deviations
    aim = np.array([before[name] for name in NAMES]) / space.deviations + asked
    price = np.where(asked != 0, MISSED, 1.0)
    random = np.random.default_rng(seed)
    axes = np.concatenate([space.directions, 0.5 * space.basis])  # (A + D, Z)
    middle, spread = np.zeros(len(axes)), np.concatenate([0.5 * np.ones(len(asked)), 0.3 * np.ones(len(space.basis))])
    middle[: len(asked)] = asked
    best: tuple[float, Codes, Clip] | None = None
    for _ in range(ROUNDS):
        if stop():
            break
        steps = middle + spread * random.standard_normal((TRIES, len(axes)))
        steps[0] = middle
        codes = (code[None] + (steps @ axes)[:, None]).astype(np.float32)
        clips = play(codes)
        missed = np.array([_missed(clip, aim, price, space.deviations) for clip in clips])
        order = np.argsort(missed, kind="stable")
        first = int(order[0])
        if best is None or missed[first] < best[0]:
            best = float(missed[first]), codes[first], clips[first]
        leaders = steps[order[:BEST]]
        middle = leaders.mean(0)
        spread = np.maximum(leaders.std(0), 0.3 * spread)
    return (code, start) if best is None else best[1:]


def _missed(clip: Clip, aim: NDArray[np.float64], price: NDArray[np.float64], unit: Codes) -> float:
    """How far a clip lies from the aim, in standard deviations."""
    found = attributes(clip)
    if len(found) < len(NAMES):
        return np.inf
    gaps = np.abs(np.array([found[name] for name in NAMES]) / unit - aim)
    return float((price * gaps).sum())
