"""Velocities from what a network says: how draws hang together, accents, and exact means and spreads."""

from __future__ import annotations

from statistics import median

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from continuo_daw.assistant.music.clip import TICKS
from continuo_daw.assistant.refining.dynamics import (
    ACCENT,
    ALONG,
    MOTION,
    WITHIN,
    chords_of,
    drawn,
    fitted,
    with_accents,
)

LOTS = np.random.default_rng(3).normal(64, 10, 200)
levels = st.lists(st.floats(-40, 200), min_size=1, max_size=40).map(lambda values: np.array(values))


def noise(chords: list[int], seed: int = 1) -> np.ndarray:
    return drawn(np.array(chords), np.random.default_rng(seed))


def alike(chords: list[int], first: int, second: int) -> float:
    """Correlation of what is drawn for two of the notes."""
    draws = np.array([noise(chords, seed) for seed in range(3000)])
    return float(np.corrcoef(draws[:, first], draws[:, second])[0, 1])


def test_notes_that_start_nearly_together_are_a_chord() -> None:
    assert chords_of([0, 10, 57, 58, 100, 960]).tolist() == [0, 0, 0, 1, 1, 2]
    assert chords_of([100]).tolist() == [0]
    assert chords_of([0]).tolist() == [0]


def test_a_run_is_no_chord_however_fast() -> None:
    assert chords_of(list(range(0, 600, 50))).tolist() == [k // 2 for k in range(12)]


def test_what_is_drawn_has_the_scale_of_the_distribution() -> None:
    values = np.concatenate([noise(list(range(50)), seed) for seed in range(300)])
    assert np.median(values) == pytest.approx(0, abs=0.05)
    assert np.abs(values).mean() == pytest.approx(WITHIN**0.5, abs=0.05)  # of a Laplace distribution of scale 1
    assert np.abs(values).max() < 5


def test_what_is_near_is_drawn_alike() -> None:
    chords = [0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
    in_chord, next_to, far = alike(chords, 0, 1), alike(chords, 1, 2), alike(chords, 0, 10)
    assert in_chord == pytest.approx(MOTION, abs=0.05)
    assert next_to == pytest.approx(MOTION * ALONG, abs=0.05)
    assert far == pytest.approx(MOTION * ALONG**9, abs=0.05)


@given(levels, st.floats(1, 127))
@settings(deadline=None)
def test_the_mean_is_the_one_asked_for(values: np.ndarray, mean: float) -> None:
    made = fitted(values, mean, None)
    assert made.min() >= 1 and made.max() <= 127
    assert abs(made.mean() - mean) <= 0.5 + 1e-9


@given(levels, st.floats(1, 127), st.floats(0, 60))
@settings(deadline=None, max_examples=40)
def test_the_mean_holds_whatever_spread_is_asked_for(values: np.ndarray, mean: float, spread: float) -> None:
    assert abs(fitted(values, mean, spread).mean() - mean) <= 0.5 + 1e-9


@pytest.mark.parametrize(("mean", "spread"), [(64, 3), (64, 20), (64, 40), (100, 15), (30, 12), (100, 30), (None, 25)])
def test_the_spread_is_the_one_asked_for(mean: float | None, spread: float) -> None:
    made = fitted(LOTS, mean, spread)
    assert made.std() == pytest.approx(spread, rel=0.05)
    assert made.mean() == pytest.approx(mean or LOTS.mean(), abs=0.5)


def test_no_spread_is_flat_and_one_note_has_none() -> None:
    assert set(fitted(LOTS, 70.0, 0.0).tolist()) == {70}
    assert fitted(np.array([90.0]), None, 30.0).tolist() == [90]
    assert fitted(np.array([90.0]), 50.0, 30.0).tolist() == [50]


def test_what_is_not_asked_for_stays() -> None:
    assert fitted(np.array([-5.0, 60.4, 60.5, 300.0]), None, None).tolist() == [1, 60, 61, 127]
    assert fitted(LOTS, 80.0, None).std() == pytest.approx(LOTS.std(), abs=0.3)


def test_louder_notes_stay_louder() -> None:
    made = fitted(LOTS, 90.0, 30.0)
    assert (np.diff(made[np.argsort(LOTS)]) >= 0).all()


STARTS = [k * TICKS // 2 for k in range(9)]
BEFORE = np.array([60.0, 62, 60, 85, 60, 61, 60, 61, 90])
EVERY = np.full(9, True)


def test_accents_stay_as_far_above_their_neighbours() -> None:
    made = np.full(9, 50.0)
    accented = with_accents(STARTS, BEFORE, made, EVERY)
    assert accented.tolist() == [50, 50, 50, 74.5, 50, 50, 50, 50, 79.5]  # above 60.5, the middle of theirs


def test_what_is_louder_already_and_what_may_not_change_is_left_alone() -> None:
    made = np.full(9, 50.0)
    made[3] = 99
    chosen = EVERY.copy()
    chosen[8] = False
    assert with_accents(STARTS, BEFORE, made, chosen).tolist() == made.tolist()


def test_a_flat_clip_and_a_lone_note_have_no_accents() -> None:
    made = np.arange(9) + 50.0
    assert with_accents(STARTS, np.full(9, 80.0), made, EVERY).tolist() == made.tolist()
    assert with_accents([0], np.array([127.0]), np.array([20.0]), np.array([True])).tolist() == [20]


@given(st.lists(st.tuples(st.integers(0, 6000), st.integers(1, 127), st.floats(1, 127)), min_size=1, max_size=30))
def test_no_accent_loses_height(rows: list[tuple[int, int, float]]) -> None:
    rows.sort()
    starts = [start for start, _, _ in rows]
    before, made = np.array([row[1] for row in rows], float), np.array([row[2] for row in rows])
    after = with_accents(starts, before, made, np.full(len(rows), True))

    def others(note: int) -> list[int]:
        return [k for k, at in enumerate(starts) if k != note and abs(at - starts[note]) <= TICKS]

    stands = [bool(others(k)) and before[k] >= median(before[others(k)]) + ACCENT for k in range(len(rows))]
    for note in np.flatnonzero(stands).tolist():
        plain = [k for k in others(note) if not stands[k]] or others(note)
        if any(not stands[k] for k in plain):
            level_before, level_after = median(before[plain]), median(after[plain])
            assert after[note] - level_after >= before[note] - level_before - 1e-6
    assert (after[~np.array(stands)] == made[~np.array(stands)]).all()
