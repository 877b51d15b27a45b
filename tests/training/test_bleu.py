"""BLEU against figures worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from continuo_daw.assistant.music.clip import TICKS, Clip, Note
from continuo_daw.training.evaluation.bleu import ORDER, bleu, matches, references, words


def clip(pitches: list[int]) -> Clip:
    return Clip(tuple(Note(at * TICKS, pitch, TICKS) for at, pitch in enumerate(pitches)), len(pitches) * TICKS)


TRAIN = [[clip([60, 62, 64, 65, 67])], [clip([60, 60, 72, 71, 69])]]


def test_a_copy_has_1() -> None:
    known = references(TRAIN)
    assert bleu(matches(clip([62, 64, 65, 67]), known)) == 1
    assert bleu(matches(clip([60, 62, 64, 65, 67]), known)) == 1


def test_part_of_a_copy() -> None:
    found = matches(clip([60, 62, 64, 65, 1]), references(TRAIN))
    assert found.tolist() == [[4, 5], [3, 4], [2, 3], [1, 2]]
    assert bleu(found) == pytest.approx((4 / 5 * 3 / 4 * 2 / 3 * 1 / 2) ** 0.25)


def test_matches_are_clipped_to_what_one_piece_has() -> None:
    # one piece has 60 twice, both together have it three times
    assert matches(clip([60, 60, 60, 60]), references(TRAIN))[0].tolist() == [2, 4]


def test_runs_do_not_reach_from_one_section_into_the_next() -> None:
    known = references([[clip([60, 62]), clip([64, 65])]])
    assert matches(clip([62, 64]), known)[1].tolist() == [0, 1]


def test_clips_are_summed_before_precisions_are_taken() -> None:
    known = references(TRAIN)
    both = matches(clip([60, 62, 64, 65]), known) + matches(clip([1, 2, 3, 4]), known)
    assert bleu(both) == 0.5


def test_nothing_in_common_and_nothing_at_all() -> None:
    known = references(TRAIN)
    assert bleu(matches(clip([1, 2, 3, 4]), known)) == 0
    assert np.isnan(bleu(matches(clip([60, 62]), known)))  # no run of ORDER notes
    assert matches(clip([]), known).tolist() == [[0, 0]] * ORDER


def test_a_word_is_pitch_and_length() -> None:
    notes = (
        Note(0, 60, TICKS),
        Note(TICKS, 60, TICKS // 2),
        Note(2 * TICKS, 60, 1),
        Note(3 * TICKS, 60, 1, muted=True),
    )
    assert len(set(words(Clip(notes, 4 * TICKS)))) == 3
