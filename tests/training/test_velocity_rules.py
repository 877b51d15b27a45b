"""Rules for velocities: each finds what it can know, and nothing that only the player knows."""

from __future__ import annotations

import numpy as np
import pytest

from continuo_daw.assistant.codecs.notes import NoteCodec
from continuo_daw.assistant.music.clip import TICKS, Clip
from continuo_daw.assistant.refining.surroundings import SIZE, surroundings, windows_of
from continuo_daw.training.corpus.notes import NoteCorpus, Section
from continuo_daw.training.evaluation.velocity_rules import Notes, boosting, notes_of, piece_mean, ridge, rules_of

CODEC = NoteCodec(24, 4)


def section(seed: int, piece: int, count: int = 60) -> Section:
    """Quarters of random pitches; the higher the louder, and the first of a bar louder still."""
    pitch = np.random.default_rng(seed).integers(40, 80, count)
    start = np.arange(count) * TICKS
    velocity = pitch + 30 * (np.arange(count) % 4 == 0)
    table = np.stack([start, start + TICKS // 2, pitch, velocity], 1)
    return Section(table, Clip((), count * TICKS), False, piece)


def corpus() -> NoteCorpus:
    splits = {"train": range(12), "valid": range(12, 16), "test": range(16, 20)}
    return NoteCorpus(CODEC, {name: [section(seed, seed) for seed in seeds] for name, seeds in splits.items()}, {})


def notes(told: np.ndarray, velocity: np.ndarray) -> Notes:
    return Notes(told.astype(np.float32), velocity.astype(float), np.zeros(len(told), np.int64))


def test_the_notes_of_sections_come_in_order_with_what_surrounds_them() -> None:
    some = [section(0, 3), section(1, 5, 10)]
    found = notes_of(CODEC, some)
    np.testing.assert_array_equal(found.velocity, np.concatenate([one.notes[:, 3] for one in some]))
    assert found.piece.tolist() == [3] * 60 + [5] * 10
    own = surroundings(windows_of(some[1].notes[:, :3], some[1].frame, [(0, 10)], False))[0]
    told = found.told[60:].reshape(10, 5, SIZE)
    np.testing.assert_array_equal(told[:, 0], own)
    np.testing.assert_array_equal(told[1:, 1], own[:-1])
    np.testing.assert_array_equal(told[:-1, 2], own[1:])
    np.testing.assert_allclose(told[:, 3:], np.tile([own.mean(0), own.std(0)], (10, 1, 1)), rtol=1e-6)


def test_a_note_is_described_by_the_window_in_which_it_is_furthest_from_the_edge() -> None:
    whole = section(0, 0)
    rows, columns = CODEC.places(60)
    windows = surroundings(windows_of(whole.notes[:, :3], whole.frame, CODEC.rows(60), False))
    np.testing.assert_array_equal(notes_of(CODEC, [whole]).told[:, :SIZE], windows[rows, columns])


def test_of_many_notes_some_are_drawn_the_same_each_time() -> None:
    some = [section(seed, seed) for seed in range(20)]
    once, again = notes_of(CODEC, some, 200), notes_of(CODEC, some, 200)
    assert 200 <= len(once.velocity) < 200 + CODEC.window
    assert len(np.unique(once.piece)) > 5
    np.testing.assert_array_equal(once.told, again.told)


def test_the_mean_of_a_piece_is_that_of_its_notes() -> None:
    found = Notes(np.zeros((4, 0), np.float32), np.array([10.0, 20, 90, 30]), np.array([7, 7, 9, 7]))
    assert piece_mean(found).tolist() == [20, 20, 90, 20]


def test_ridge_finds_a_straight_line_and_penalises_what_is_noise() -> None:
    rng = np.random.default_rng(0)
    told = rng.normal(size=(400, 3))
    line = 64 + told @ np.array([4.0, -3, 0])
    rule = ridge(notes(told[:300], line[:300]), notes(told[300:], line[300:]))
    np.testing.assert_allclose(rule(notes(told[300:], line[300:])), line[300:], atol=0.5)
    # 40 notes and 60 columns of noise: without a penalty every note would be fitted, and the others be far off
    told, noise = rng.normal(size=(140, 60)), 64 + 5 * rng.normal(size=140)
    rule = ridge(notes(told[:40], noise[:40]), notes(told[40:], noise[40:]))
    assert np.abs(rule(notes(told[40:], noise[40:])) - noise[40:]).mean() < 1.1 * np.abs(noise - 64).mean()


def test_boosting_takes_the_setting_that_suits_what_was_held_out() -> None:
    rng = np.random.default_rng(0)
    told = rng.uniform(-1, 1, (4000, 2))
    both = 64 + 30 * np.sign(told[:, 0]) * np.sign(told[:, 1])  # no straight line, and no tree with one border
    settings = [{"max_leaf_nodes": 2}, {"max_leaf_nodes": 8}]
    train, valid = (notes(told[part], both[part]) for part in (slice(0, 3000), slice(3000, 4000)))
    for order in (settings, settings[::-1]):
        assert np.abs(boosting(train, valid, order)(valid) - valid.velocity).mean() < 2
    assert np.abs(boosting(train, valid, settings[:1])(valid) - valid.velocity).mean() > 20


def test_what_can_be_known_of_a_tune_is_found_by_those_that_look() -> None:
    whole = corpus()
    test = notes_of(CODEC, whole.splits["test"])
    off = {name: float(np.abs(rule(test) - test.velocity).mean()) for name, rule in rules_of(whole).items()}
    assert list(off) == ["flat", "median", "piece mean", "ridge", "boosting"]
    # pitch and the bar line are told straight away, so that a line does best, and steps nearly as well
    assert off["ridge"] < off["boosting"] < 1 < off["piece mean"] / 2
    assert off["flat"] == pytest.approx(np.abs(test.velocity - 64).mean())
    train = np.concatenate([one.notes[:, 3] for one in whole.splits["train"]])
    assert off["median"] == pytest.approx(np.abs(test.velocity - np.median(train)).mean())
