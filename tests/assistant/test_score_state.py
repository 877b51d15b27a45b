"""The features of the score network kept note by note are those of the whole window."""

import dataclasses

import numpy as np
import pytest
from tiny_score import window

from continuo_daw.assistant.codecs.score.features import features_of
from continuo_daw.assistant.codecs.score.state import ScoreState
from continuo_daw.assistant.codecs.score.window import KEY, ONSET, TRACK, Window

ROOM = 40  # more than the notes of a window
APART = ("lane_told", "runs")  # looked at by themselves


def both(lanes: int, given: int) -> list[Window]:
    found = [window(seed, lanes, given) for seed in (1, 2)]
    size = min(len(w.notes) for w in found)
    return [dataclasses.replace(w, notes=w.notes[:size], learnt=w.learnt[:size]) for w in found]


@pytest.mark.parametrize(("lanes", "given"), [(1, 0), (3, 0), (1, 6), (3, 6)])
def test_features_kept_note_by_note_are_those_of_the_window(lanes: int, given: int) -> None:
    windows = both(lanes, given)
    windows[1] = dataclasses.replace(windows[1], given=windows[0].given, given_lane=windows[0].given_lane)
    whole = features_of(windows)
    notes = np.stack([w.notes for w in windows]).astype(np.int64)
    state, size = ScoreState(windows[0], 2, ROOM), notes.shape[1]
    for n in range(size):
        found = state.heard()
        found |= state.at_onset(notes[:, n, ONSET]) | state.in_lane(notes[:, n, TRACK])
        found |= state.at_pitch(notes[:, n, KEY])
        for name, value in found.items():
            if name in whole and name not in APART:
                np.testing.assert_allclose(value, whole[name][:, n], rtol=1e-5, atol=1e-6, err_msg=f"{name} at {n}")
        if lanes > 1:
            np.testing.assert_allclose(found["lane_told"], whole["lane_told"][:, n])
        runs = whole["runs"][:, n, 1:]  # of the entry behind each position, and of the given ones
        told = found["runs"].transpose(0, 2, 1)
        np.testing.assert_array_equal(told[:, :size], runs[:, :size], err_msg=f"at {n}")
        of_given = told[:, ROOM : ROOM + len(windows[0].given)]
        np.testing.assert_array_equal(of_given, runs[:, size:], err_msg=f"at {n}")
        state.advance(notes[:, n])


def test_rows_that_go_on_alone_stay_as_they_are() -> None:
    windows = both(3, 6)
    notes = np.stack([w.notes for w in windows]).astype(np.int64)
    pair, alone = ScoreState(windows[0], 2, 8), ScoreState(windows[0], 1, 8)
    for n in range(notes.shape[1]):
        if n == 11:
            pair.keep(np.array([1]))
        rows = notes[:, n] if n < 11 else notes[1:, n]
        for state, row in ((pair, rows), (alone, notes[1:, n])):
            state.heard()
            state.at_onset(row[:, ONSET])
            state.in_lane(row[:, TRACK])
            state.at_pitch(row[:, KEY])
            state.advance(row)
    for name, value in pair.heard().items():
        np.testing.assert_array_equal(value, alone.heard()[name], err_msg=name)
