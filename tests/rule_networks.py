"""Rules in the place of the refine networks, and an engine that has nothing else: answers that a test can foretell."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from continuo_daw.assistant.bundles.bundle import Bundle, Card
from continuo_daw.assistant.bundles.network import Network
from continuo_daw.assistant.codecs.notes import NoteCodec
from continuo_daw.assistant.engine import Engine
from continuo_daw.assistant.music.clip import Clip
from continuo_daw.assistant.refining import passes as refiner

GRID = 240  # ticks that onsets and durations are tidied to
SCALE = 8.0
STRESS = 12  # what a note on a beat is louder


Stop = Callable[[], bool]


def never() -> bool:
    """Nobody cancels."""
    return False


def _sounding(clip: Clip) -> NDArray[np.float64]:
    """(N, 3) start, duration, pitch."""
    rows = [(note.start, note.duration, note.pitch) for note in clip.notes if not note.muted]
    return np.array(rows, np.float64).reshape(-1, 3)


def tidied(
    network: Network, clip: Clip, onsets: bool = True, durations: bool = True, reach: float = np.inf, stop: Stop = never
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The nearest sixteenth inside the clip, as many sixteenths as come nearest, unless they are out of reach."""
    start, duration, _ = _sounding(clip).T
    place = np.clip(np.rint(start / GRID) * GRID, 0, max(clip.length - 1, 0))
    written = np.maximum(np.rint(duration / GRID), 1) * GRID
    far = np.abs(duration - written) > reach * written
    return place if onsets else start, np.where(far, duration, written) if durations else duration


def loudness(
    network: Network, clip: Clip, drums: bool, stop: Stop = never
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The higher the louder, and louder on a beat."""
    start, _, pitch = _sounding(clip).T
    location = 20 + pitch * 0.6 + STRESS * (start % 960 == 0)
    return location.astype(np.float32), np.full(len(start), SCALE, np.float32)


def _bundle(name: str, task: str, drums: bool) -> Bundle:
    family = "durations" if task == "refine_duration" else "velocities"
    card = Card(1, name, name, family, (task,), {}, {}, {}, {}, "CC0", {}, "", "")
    return Bundle(card, Path(name), {}, NoteCodec(drums=drums))


def rule_engine(monkeypatch: pytest.MonkeyPatch) -> Engine:
    """An engine with `durations`, `velocities` and `kits`, which knows drums, too."""
    monkeypatch.setattr(refiner, "tidied", tidied)
    monkeypatch.setattr(refiner, "loudness", loudness)
    engine = Engine([], "cpu")
    rows = (("durations", "refine_duration", False), ("velocities", "refine_velocity", False))
    for name, task, drums in (*rows, ("kits", "refine_velocity", True)):
        engine.bundles[name] = _bundle(name, task, drums)
        engine._networks[name] = Network(engine.bundles[name], {})
    return engine
