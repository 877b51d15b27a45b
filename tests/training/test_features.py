"""The seven features and the overlapped area, against figures worked out by hand and against scipy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import gaussian_kde
from tiny import tune

from continuo_daw.assistant.music.clip import TICKS, Clip, Note
from continuo_daw.training.evaluation.features import (
    CELLS,
    FEATURES,
    Densities,
    Distances,
    density,
    distances,
    features,
)

CLIP = Clip(
    (
        Note(0, 60, TICKS),
        Note(TICKS, 64, TICKS // 2),
        Note(2 * TICKS, 72, 2 * TICKS),
        Note(3 * TICKS, 61, TICKS, muted=True),
    ),
    4 * TICKS,
)


def compared(own: np.ndarray, other: np.ndarray) -> Densities:
    return Distances.of(own, other).densities()


def test_the_features_of_a_clip() -> None:
    found = {name: values[0].tolist() for name, values in features([CLIP]).items()}
    assert list(found) == list(FEATURES)
    assert (found["pitch count"], found["note count"], found["pitch range"]) == ([3], [3], [12])
    assert (found["interval"], found["inter-onset"]) == ([6], [1])
    assert found["pitch classes"] == pytest.approx([3 / 3.5, 0, 0, 0, 0.5 / 3.5] + [0] * 7)
    assert found["note lengths"] == pytest.approx([0, 1 / 3, 1 / 3, 1 / 3] + [0] * 8)  # half, quarter, eighth


def test_note_lengths_are_parts_of_the_bar() -> None:
    clip = Clip((Note(0, 60, 3 * TICKS), Note(3 * TICKS, 60, TICKS)), 6 * TICKS, 120.0, (3, 4))
    assert features([clip])["note lengths"][0, [0, 9]].tolist() == [0.5, 0.5]  # a whole bar, and a third of one


def test_a_note_alone_and_no_note() -> None:
    alone, none = Clip((Note(0, 60, TICKS),), 4 * TICKS), Clip((), 4 * TICKS)
    found = features([alone, none])
    assert found["inter-onset"].ravel().tolist() == [4, 0]
    assert all(not values[1].any() for values in found.values())


def test_distances_are_euclidean() -> None:
    assert distances(np.array([[0.0, 0], [3, 4]]), np.array([[0.0, 0], [3, 0]])).tolist() == [[0, 3], [5, 4]]


def test_a_density_is_that_of_scipy() -> None:
    values = np.random.default_rng(1).gamma(2.0, 3.0, 4000)
    grid = np.linspace(0, values.max(), CELLS)
    counts = np.bincount(np.rint(values / (grid[1] - grid[0])).astype(int), minlength=CELLS).astype(float)
    assert density(counts, grid) == pytest.approx(gaussian_kde(values)(grid), abs=2e-3)


def test_a_set_overlaps_with_itself() -> None:
    clips = [tune(seed) for seed in range(80)]
    for name, values in features(clips).items():
        one = compared(values, values)
        assert one.overlap > 0.9, name
        assert one.divergence < 0.02, name


def test_sets_that_have_nothing_in_common_do_not_overlap() -> None:
    random = np.random.default_rng(2)
    near, far = random.normal(0, 1, (60, 1)), random.normal(100, 1, (60, 1))
    assert compared(near, far).overlap < 0.01
    assert compared(near, far).divergence > 5


def test_clips_that_count_twice_are_clips_that_are_there_twice() -> None:
    random = np.random.default_rng(3)
    own, other = random.normal(0, 1, (40, 1)), random.normal(0.5, 1, (40, 1))
    often = np.repeat([2.0, 0.0], 20)
    weighed = Distances.of(own, other).densities(np.ones(40), often)
    doubled = Distances.of(own, np.repeat(other[:20], 2, 0)).densities()
    assert weighed.overlap == pytest.approx(doubled.overlap, abs=2e-3)


def test_without_any_distance_the_overlap_is_unknown() -> None:
    values = np.array([[0.0], [1.0]])
    once = np.array([2.0, 0.0])  # the same clip twice has no distance to itself
    assert np.isnan(Distances.of(values, values).densities(once, once).overlap)


def test_sets_without_any_spread() -> None:
    values = np.ones((5, 1))
    assert compared(values, values).overlap > 0
    assert np.isfinite(compared(values, values + 1).divergence)
