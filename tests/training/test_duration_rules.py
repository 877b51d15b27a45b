"""Rules for lengths and onsets: what each one restores, and what it does not."""

from __future__ import annotations

import numpy as np
import pytest

from continuo_daw.assistant.music.clip import TICKS, Clip, Note
from continuo_daw.training.corpus.distort import HIGH, LOW, stretched
from continuo_daw.training.evaluation.duration_rules import (
    TOLERANCE,
    VALUES,
    Times,
    exact,
    fitted_prior,
    nearest_grid,
    nearest_onset,
    nearest_sixteenth,
    next_onset,
    times_of,
)

QUARTER, DOTTED, EIGHTH = TICKS, TICKS * 3 // 2, TICKS // 2


def line(*durations: int, meter: tuple[int, int] = (4, 4)) -> Clip:
    """Notes one after the other, `durations` in ticks."""
    starts = np.cumsum([0, *durations[:-1]]).tolist()
    notes = tuple(Note(start, 60, length) for start, length in zip(starts, durations, strict=True))
    return Clip(notes, sum(durations), 120.0, meter)


def test_the_usual_values_are_told_apart_by_the_tolerance() -> None:
    assert VALUES[0] == pytest.approx(1 / 24) and VALUES[-1] == 16
    assert np.diff(VALUES).min() >= 2 * TOLERANCE - 1e-9
    usual = np.array([0.0625, 0.1875, 0.25, 1 / 3, 0.75, 1.0, 4 / 3, 1.5, 4.0, 12.0])
    assert nearest_grid(usual) == pytest.approx(usual)


def test_a_length_cut_by_a_tick_of_480_counts_as_whole_and_the_next_value_does_not() -> None:
    true = np.array([0.5, 0.5, 0.0625, 1.0])
    found = np.array([239 / 480, 0.52, 1 / 24, 1.0])
    assert exact(found, true) == 0.5


def test_nothing_to_compare_is_no_share() -> None:
    assert np.isnan(exact(np.empty(0), np.empty(0)))


def test_stretched_keeps_to_its_range_and_to_its_seed() -> None:
    durations = np.full(1000, 2.0)
    once = stretched(durations, np.random.default_rng(3))
    assert LOW * 2 <= once.min() < 1.65 and 2.35 < once.max() <= HIGH * 2
    assert np.array_equal(once, stretched(durations, np.random.default_rng(3)))
    assert len(np.unique(once)) == 1000


def test_the_nearest_value_is_nearest_in_ratio() -> None:
    # 0.86 is nearer to 0.75 in quarters, and nearer to 0.75 than 1 in ratio only below sqrt(0.75)
    assert nearest_grid(np.array([0.86, 0.87, 0.01, 99.0])).tolist() == pytest.approx([0.75, 1.0, 1 / 24, 16.0])
    assert nearest_grid(np.array([1.9]), np.array([1.0, 4.0])).tolist() == [1.0]


def test_the_prior_knows_what_starts_at_a_place_of_the_bar() -> None:
    prior = fitted_prior([line(DOTTED, EIGHTH, QUARTER, QUARTER)] * 5)
    starts, observed = np.array([0.0, 1.5, 2.0, 4.0]), np.array([1.3, 0.45, 1.2, 1.25])
    assert prior.likeliest(starts, observed, (4, 4)).tolist() == [1.5, 0.5, 1.0, 1.5]


def test_the_prior_leans_on_the_beat_in_a_meter_it_has_not_seen() -> None:
    prior = fitted_prior([line(QUARTER, EIGHTH, EIGHTH, QUARTER, QUARTER)] * 5)
    # half-way through a beat only eighths began
    assert prior.likeliest(np.array([0.5, 1.0]), np.array([0.42, 0.85]), (3, 4)).tolist() == [0.5, 1.0]


def test_the_shares_of_the_prior_sum_to_one() -> None:
    prior = fitted_prior([line(QUARTER, QUARTER, QUARTER, meter=(3, 4))])
    shares = prior.shares(np.linspace(0, 6, 50), (3, 4))
    assert shares.shape == (50, len(VALUES))
    assert shares.sum(axis=1) == pytest.approx(np.ones(50))


def test_the_prior_leaves_alone_what_no_value_can_have_been() -> None:
    prior = fitted_prior([line(QUARTER)])
    assert prior.likeliest(np.array([0.0, 1.0]), np.array([0.01, 40.0]), (4, 4)).tolist() == [0.01, 40.0]


def test_a_note_lasts_until_the_next_onset_if_that_can_be() -> None:
    starts = np.array([0.0, 0.0, 1.0, 2.5, 4.0])
    otherwise = np.full(5, 9.0)
    # the chord at 0 has one note of a quarter and one that is longer; the last note has nothing after it
    found = next_onset(starts, np.array([1.15, 3.0, 1.25, 1.1, 1.0]), otherwise)
    assert found.tolist() == [1.0, 9.0, 1.5, 9.0, 9.0]


def test_notes_of_one_chord_do_not_end_each_other() -> None:
    starts = np.array([0.0, 0.015, 1.0])
    assert next_onset(starts, np.array([0.9, 0.9, 0.9]), np.zeros(3)).tolist() == [1.0, 0.985, 0.0]


def test_the_rules_are_as_strong_as_they_look_on_a_melody() -> None:
    rng = np.random.default_rng(0)
    clips = [line(*rng.choice([EIGHTH, EIGHTH * 3 // 2, QUARTER, DOTTED, 2 * QUARTER], 40).tolist()) for _ in range(20)]
    prior = fitted_prior(clips)
    shares: list[tuple[float, ...]] = []
    for clip in clips:
        starts, true = times_of(clip)
        observed = stretched(true, rng)
        likeliest = prior.likeliest(starts, observed, clip.meter)
        rules: tuple[Times, ...] = (
            observed,
            nearest_grid(observed),
            likeliest,
            next_onset(starts, observed, likeliest),
        )
        shares.append(tuple(exact(found, true) for found in rules))
    identity, grid, place, following = np.mean(shares, axis=0)
    assert identity < 0.15 < 0.5 < grid < following
    assert place < 0.97 < following


def test_muted_notes_have_no_times() -> None:
    clip = Clip((Note(0, 60, 480), Note(480, 60, 480, 80, True), Note(960, 62, 960)), 1920)
    starts, durations = times_of(clip)
    assert starts.tolist() == [0.0, 1.0] and durations.tolist() == [0.5, 1.0]
    assert [times.shape for times in times_of(Clip((), 960))] == [(0,), (0,)]


def test_onsets_go_to_sixteenths_and_to_triplets_only_where_these_are_much_nearer() -> None:
    starts = np.array([0.26, 0.33, 0.30, 1.66, 2.98])
    assert nearest_sixteenth(starts).tolist() == [0.25, 0.25, 0.25, 1.75, 3.0]
    assert nearest_onset(starts, 2.0) == pytest.approx([0.25, 1 / 3, 0.25, 5 / 3, 3.0])
    assert nearest_onset(starts, 1.0) == pytest.approx([0.25, 1 / 3, 1 / 3, 5 / 3, 3.0])
