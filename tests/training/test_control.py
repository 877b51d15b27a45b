"""Control: ranks, accuracy, drift and limits against figures worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import spearmanr

from continuo_daw.assistant.music.clip import TICKS, Clip, Note
from continuo_daw.assistant.option import Value
from continuo_daw.training.corpus.pieces import Piece
from continuo_daw.training.evaluation.control import BARS, accuracy, asking, breaks, drift, ranks, spearman, values

LIMITS: dict[str, Value] = {
    "pitch_low": 60,
    "pitch_high": 72,
    "polyphony": 1,
    "scale_strict": True,
    "key": "C",
    "shortest": 0.5,
    "longest": 2.0,
}


def clip(*notes: Note, bars: int = BARS) -> Clip:
    return Clip(notes, bars * 4 * TICKS)


def test_values_of_a_clip() -> None:
    found = values([clip(Note(0, 60, TICKS), Note(TICKS, 67, TICKS), Note(TICKS, 1, TICKS, muted=True)), clip()])
    assert found[0, :3].tolist() == [2 / 32, 63.5, 0.5]
    assert found[1, 0] == 0 and np.isnan(found[1, 1:]).all()


def test_ranks_and_their_correlation_are_those_of_scipy() -> None:
    assert ranks(np.array([3.0, 1, 3, 2])).tolist() == [3.5, 1, 3.5, 2]
    random = np.random.default_rng(1)
    a = random.integers(0, 9, 200).astype(float)
    b = a + random.normal(0, 3, 200).round()
    assert spearman(a, b) == pytest.approx(spearmanr(a, b).statistic)
    assert np.isnan(spearman(a, np.ones(200)))


def test_accuracy() -> None:
    asked = np.random.default_rng(2).random((50, 14)) + 0.5
    exact = accuracy(asked, asked)
    assert all(exact[key] == pytest.approx(1) for key in exact if "correlation" in key or "within" in key)
    assert all(exact[key] == 0 for key in exact if "error" in key or "distance" in key)
    reached = asked.copy()
    reached[:, 0] *= 1.2
    reached[:, 1] += np.repeat([0.5, 2.0], 25)
    off = accuracy(asked, reached)
    assert (off["density, within 10 %"], off["register, within a semitone"]) == (0, 0.5)
    assert (off["density, median error"], off["register, mean error"]) == pytest.approx((0.2, 1.25))


def test_a_silent_clip_is_within_nothing() -> None:
    asked = np.random.default_rng(3).random((4, 14)) + 0.5
    reached = asked.copy()
    reached[0, 1:] = np.nan
    assert accuracy(asked, reached)["register, within a semitone"] == 0.75


def test_only_what_can_be_asked_for_is_asked() -> None:
    def piece(notes: int, split: str) -> Piece:
        step = BARS * 4 * TICKS // notes
        return Piece("a", "a", split, (clip(*(Note(at * step, 60, step) for at in range(notes))),), "tunes")

    kinds = [(4, "test"), (64, "test"), (64, "train"), (256, "test"), (40, "test")]
    windows = asking([piece(notes, split) for notes, split in kinds], 9)
    assert sorted((window.piece, len(window.clip.notes)) for window in windows) == [(1, 64), (4, 40)]


def test_drift_counts_the_others_in_deviations() -> None:
    asked = np.tile(np.array([[0.0], [2.0]]), (1, 14))  # a deviation of 1 each
    free, found = np.ones((2, 14)), np.ones((2, 14))
    found[:, 0], found[:, 1] = 9, 1.5
    assert drift(asked, free, found, "density") == {"register": 0.5, "pitch_classes": 0}


@pytest.mark.parametrize(
    ("key", "note"),
    [
        ("pitch_low", Note(0, 59, TICKS)),
        ("pitch_high", Note(0, 74, TICKS)),
        ("scale_strict", Note(0, 61, TICKS)),
        ("shortest", Note(0, 60, TICKS // 2 - 1)),
        ("longest", Note(0, 60, 2 * TICKS + 1)),
        ("polyphony", Note(3 * TICKS, 64, 2 * TICKS)),
        ("bars", Note(BARS * 4 * TICKS - 1, 60, TICKS)),
    ],
)
def test_a_broken_limit_is_seen(key: str, note: Note) -> None:
    kept = Note(4 * TICKS, 62, TICKS)
    assert not any(breaks(clip(kept), LIMITS).values())
    assert breaks(clip(kept, note), LIMITS)[key]


def test_a_clip_of_other_bars_breaks_what_was_asked() -> None:
    assert breaks(clip(bars=BARS + 1), LIMITS)["bars"]
