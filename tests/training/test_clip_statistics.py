"""Statistics of clips whose values are known."""

from __future__ import annotations

import numpy as np
import pytest

from continuo_daw.assistant.music.clip import TICKS, Clip, Note
from continuo_daw.training.evaluation.clip_statistics import STATISTICS, onset_grid, statistics


def found(clip: Clip) -> dict[str, float]:
    return dict(zip(STATISTICS, statistics([clip])[0].tolist(), strict=True))


def line(pitches: list[int], step: int = TICKS, bars: int = 2) -> Clip:
    notes = tuple(Note(at * step, pitch, step) for at, pitch in enumerate(pitches))
    return Clip(notes, bars * 4 * TICKS)


def test_pitch_classes() -> None:
    assert found(line([60, 72, 48]))["pitch-class entropy"] == 0
    assert found(line([60, 62, 64, 65]))["pitch-class entropy"] == pytest.approx(2)
    assert found(line(list(range(60, 72)), TICKS // 2))["pitch-class entropy"] == pytest.approx(np.log2(12))


def test_scales() -> None:
    assert found(line([62, 64, 66, 67, 69, 71, 73]))["scale consistency"] == 1  # D major
    assert found(line([60, 61, 62, 63]))["scale consistency"] == pytest.approx(3 / 4)  # three of four in A flat major


def test_bars_that_begin_alike() -> None:
    assert found(line([60] * 8))["groove consistency"] == 1
    assert found(line([60] * 4))["groove consistency"] == pytest.approx(12 / 16)  # four onsets against none


def test_silence() -> None:
    late = found(Clip((Note(4 * TICKS, 60, TICKS),), 16 * TICKS))
    assert (late["silent bars"], late["late start"], late["notes a quarter"]) == (0.75, 1, 1 / 16)
    empty = found(Clip((Note(0, 60, TICKS, muted=True),), 8 * TICKS))
    assert (empty["silent bars"], empty["late start"], empty["notes a quarter"]) == (1, 1, 0)
    assert np.isnan([empty["pitch-class entropy"], empty["scale consistency"], empty["mean pitch"]]).all()


def test_an_onset_before_the_bar_line_stays_in_its_bar() -> None:
    assert onset_grid(line([], bars=2), np.array([4 * TICKS - 1]))[0].nonzero()[0].tolist() == [15]
