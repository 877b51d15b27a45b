"""Duplicates: copies in another key, overlaps in other surroundings."""

from __future__ import annotations

import numpy as np
import pytest

from continuo_daw.assistant.music.clip import TICKS, Clip, Note, clip_of
from continuo_daw.training.corpus.duplicates import COMMON, GRAM, copies_in, grams_of, overlaps


def tune(seed: int, count: int = 60, key: int = 0, stretch: int = 1) -> Clip:
    """A random tune of eighths and quarters."""
    random = np.random.default_rng(seed)
    starts = np.cumsum(random.integers(1, 3, count)) * TICKS // 2 * stretch
    pitches = random.integers(55, 75, count) + key
    return clip_of(Note(int(start), int(pitch), TICKS // 4) for start, pitch in zip(starts, pitches, strict=True))


def test_a_transposed_copy_is_a_copy() -> None:
    assert copies_in([[tune(1)], [tune(2)], [tune(1, key=5)]]) == {2: 0}


def test_another_rhythm_is_no_copy() -> None:
    assert copies_in([[tune(1)], [tune(1, stretch=2)]]) == {}


def test_a_few_notes_are_no_copy() -> None:
    assert copies_in([[tune(1, GRAM - 1)], [tune(1, GRAM - 1)]]) == {}


def test_a_difference_in_ticks_too_small_to_hear_changes_nothing() -> None:
    moved = clip_of(Note(note.start - 1, note.pitch, note.duration) for note in tune(1).notes)
    assert copies_in([[tune(1)], [moved]]) == {1: 0}


def test_a_tune_inside_a_longer_piece_in_another_key_and_speed_overlaps() -> None:
    inside = [tune(9), tune(1, key=3, stretch=2), tune(8)]
    assert overlaps([[tune(2)], inside], [[tune(1)]]) == [(1, 0, pytest.approx(1.0))]


def test_half_a_tune_is_the_least_that_counts() -> None:
    head = tune(1)
    cut = lambda count: clip_of(head.notes[:count] + tune(5, 70 - count).shifted(head.length).notes)  # noqa: E731
    assert [pair[:2] for pair in overlaps([[cut(45)], [cut(15)]], [[head]])] == [(0, 0)]


def test_short_lines_prove_nothing() -> None:
    assert overlaps([[tune(1, GRAM + 5)]], [[tune(1, GRAM + 5)]]) == []


def test_what_everybody_plays_is_no_theft() -> None:
    assert len(overlaps([[tune(1)]] * (COMMON - 1), [[tune(1)]])) == COMMON - 1
    assert overlaps([[tune(1)]] * COMMON, [[tune(1)]]) == []


def test_chords_are_compared_by_their_top_note() -> None:
    filled = clip_of([*tune(1).notes, *(Note(note.start, 30, 10) for note in tune(1).notes)])
    assert np.array_equal(grams_of([filled]), grams_of([tune(1)]))
