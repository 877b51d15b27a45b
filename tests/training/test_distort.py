"""Distortion: within its bounds, the same for a seed, and about as far off as players are."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from continuo_daw.training.corpus.distort import HIGH, LOW, played_lengths, played_onsets, stretched

Times = NDArray[np.float64]
START = np.repeat(np.arange(0, 32, 0.5), 3)  # a triad on each eighth
LENGTH = np.full(START.shape, 0.5)

MAKERS: dict[str, Callable[[np.random.Generator], Times]] = {
    "stretched": lambda rng: stretched(LENGTH, rng),
    "onsets": lambda rng: played_onsets(START, 120.0, rng),
    "lengths": lambda rng: played_lengths(START, LENGTH, rng),
}


def many(maker: str, count: int = 200) -> Times:
    """(count, N) of as many seeds."""
    return np.stack([MAKERS[maker](np.random.default_rng(seed)) for seed in range(count)])


@pytest.mark.parametrize("maker", MAKERS)
def test_a_seed_says_what_is_played(maker: str) -> None:
    once, again, other = (MAKERS[maker](np.random.default_rng(seed)) for seed in (3, 3, 4))
    assert np.array_equal(once, again) and not np.array_equal(once, other)
    assert once.shape == START.shape and np.isfinite(once).all()


def test_stretched_lengths_are_80_to_120_per_cent_each_for_itself() -> None:
    share = many("stretched") / LENGTH
    assert LOW <= share.min() < 0.801 and 1.199 < share.max() <= HIGH
    assert share.mean() == pytest.approx(1, abs=0.01)
    assert abs(np.corrcoef(share[:, 0], share[:, 1])[0, 1]) < 0.25


def test_played_onsets_are_where_they_were_written_but_for_hundredths() -> None:
    off = np.abs(many("onsets") - START)
    assert 0.005 < np.median(off) < 0.06  # quarters
    assert np.quantile(off, 0.99) < 0.25


def spread(tempo: float, count: int = 200) -> Times:
    """(count, chords) quarters that each triad is spread over."""
    found = [np.ptp(played_onsets(START, tempo, np.random.default_rng(k)).reshape(-1, 3), axis=1) for k in range(count)]
    return np.stack(found)


def test_hands_are_late_by_seconds_not_by_quarters() -> None:
    assert np.median(spread(240)) == pytest.approx(4 * np.median(spread(60)), rel=0.1)


def test_some_chords_are_broken_from_the_lowest_note_on() -> None:
    start, broken, rising = np.zeros(6), 0, 0
    for seed in range(400):
        moved = played_onsets(start, 120.0, np.random.default_rng(seed))
        if np.ptp(moved) > 0.2:  # quarters: six notes of at least 20 ms each
            broken += 1
            rising += bool(np.corrcoef(moved, np.arange(6))[0, 1] > 0.7)
    assert 5 < broken < 80
    assert rising >= 0.9 * broken


def test_some_play_short_some_hold_and_a_pedal_holds_longer() -> None:
    share = np.median(many("lengths") / LENGTH, axis=1)
    assert (share < 0.7).mean() > 0.2  # staccato
    assert (np.abs(share - 1.05) < 0.06).mean() > 0.1  # legato
    assert (share > 1.2).mean() > 0.03  # pedal
    assert many("lengths").min() >= 0.02


def test_what_a_pedal_holds_ends_together() -> None:
    """Notes that are held longer than they were written are let go at the same few places."""
    for seed in range(200):
        ends = START + played_lengths(START, LENGTH, np.random.default_rng(seed))
        held = ends[ends > START + 1.6 * LENGTH]
        if len(held) > 60:
            assert len(np.unique(np.round(held, 6))) <= 33
            return
    raise AssertionError("no pedal in 200 rows")


@pytest.mark.parametrize("start", [[0.0], [0.0, 0.0], [3.75], [0.0, 4000.0]])
@pytest.mark.parametrize("tempo", [5.0, 1000.0])
def test_few_notes_are_played_too(start: list[float], tempo: float) -> None:
    for seed in range(20):
        rng = np.random.default_rng(seed)
        assert np.isfinite(played_onsets(np.array(start), tempo, rng)).all()
        found = played_lengths(np.array(start), np.full(len(start), 1 / 960), rng)
        assert np.isfinite(found).all() and (found >= 0.02).all()
