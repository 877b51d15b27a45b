"""Choices of onsets and lengths: what was written is among them, and plain loops find the same."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from continuo_daw.assistant.music.clip import TICKS
from continuo_daw.assistant.refining.choices import (
    BETWEEN,
    LENGTH_SIZE,
    LENGTHS,
    ONSET_SIZE,
    ONSETS,
    PHASES,
    ROWS_APART,
    STEP,
    VALUES,
    Times,
    _in_a_line,
    _next_to,
    _others,
    _to_onsets,
    everywhere,
    length_choices,
    near,
    onset_choices,
)
from continuo_daw.assistant.refining.surroundings import CHORD, Windows

TICK = TICKS // STEP


def windows(rows: Sequence[Sequence[tuple[float, float, int]]], bar: float = 4.0) -> Windows:
    """Windows of rows of (start, length, pitch), times in ticks."""
    start, length, pitch = np.array(rows, np.float64).reshape(len(rows), -1, 3).transpose(2, 0, 1)
    whole = np.ones(len(rows))
    drums = np.zeros(len(rows), np.bool_)
    return Windows(
        start / TICKS, (start + length) / TICKS, pitch.astype(np.int64), whole * bar, whole, whole * 120, drums
    )


def alone(several: Windows, row: int) -> Windows:
    """One row of windows."""
    return Windows(*(value[row : row + 1] for value in vars(several).values()))


@st.composite
def played(draw: st.DrawFn, most: int = 3) -> Windows:
    """Rows of as many notes each, close together and far apart, chords and long notes among them. No note ends to the
    tick where another begins: there rounding says which comes first."""
    size = draw(st.integers(1, 9))
    near_by = st.integers(0, 6000)
    length = st.one_of(st.integers(1, 3000), st.sampled_from([40, 240, 480, 960, 40_000])).map(lambda at: at + 0.5)
    note = st.tuples(st.one_of(near_by, near_by.map(lambda at: at // 240 * 240)), length, st.integers(60, 63))
    row = st.lists(note, min_size=size, max_size=size).map(lambda notes: sorted(notes, key=lambda n: (n[0], n[2])))
    return windows(draw(st.lists(row, min_size=1, max_size=most)))


@pytest.mark.parametrize("written", [0, 60, 120, 160, 240, 320, 480, 640, 720, 900, 960 + 160, 2880 + 800, 7 * 960])
@pytest.mark.parametrize("late", [-77, -20, 0, 33, 90])
def test_the_written_onset_is_among_the_choices(written: int, late: int) -> None:
    found = windows([[(max(written + late, 0), 480, 60)]])
    place, told = onset_choices(found, *everywhere(found))
    assert (place.shape, told.shape) == ((1, 1, ONSETS), (1, 1, ONSETS, ONSET_SIZE))
    assert np.abs(place - written / TICKS).min() < 1e-9
    assert place.min() >= 0


@pytest.mark.parametrize(
    "written",
    [
        *(60, 120, 240, 480, 960, 1920, 3840, 7680, 15360),  # halves of halves
        *(80, 160, 320, 640, 1280),  # triplets
        *(180, 360, 720, 1440, 2880, 5760),  # dotted
        *(840, 1680, 3360),  # doubly dotted
        *(600, 1200, 2160, 2400, 4320, 4800),  # tied
    ],
)
@pytest.mark.parametrize("share", [0.8, 0.93, 1.0, 1.2])
def test_the_written_length_is_among_the_choices(written: int, share: float) -> None:
    found = windows([[(480, written * share, 60)]])
    every = everywhere(found)
    value, told = length_choices(found, *every)
    assert (value.shape, told.shape) == ((1, 1, LENGTHS), (1, 1, LENGTHS, LENGTH_SIZE))
    miss = np.abs(value[0, 0] - written / TICKS)
    assert miss.min() < 1e-9
    assert near(value, found, every, 0.2)[0, 0, miss.argmin()]


def test_a_length_may_end_at_another_onset() -> None:
    """680 ticks are no note value: the quintuplet behind says so."""
    held = [(0, 600, 48), (200, 200, 60), (440, 200, 62), (680, 200, 64), (2000, 100, 65)]
    found = windows([held])
    value, _ = length_choices(found, np.array([0]), np.array([0]))
    between = value[0, len(VALUES) :]
    assert len(between) == BETWEEN
    # the next onset; two before the end; two behind it, of which one is no note value that all have
    assert sorted(np.rint(between * TICKS).tolist()) == [0, 200, 440, 680, 2000]
    assert sorted(between[between > 0]) == pytest.approx([200 / 960, 440 / 960, 680 / 960, 2000 / 960])


def test_what_is_a_note_value_anyway_is_proposed_once() -> None:
    found = windows([[(0, 450, 60), (480, 450, 62), (960, 450, 64)]])
    value, _ = length_choices(found, np.array([0]), np.array([0]))
    assert not value[0, len(VALUES) :].any()
    assert (np.abs(value - 0.5) < 0.02).sum() == 1


def test_the_tables_are_in_order() -> None:
    assert np.all(np.diff(PHASES) > 0) and PHASES[0] == 0 and PHASES[-1] < STEP
    assert np.all(np.diff(VALUES) > 0) and VALUES[0] == 1
    assert np.all(PHASES * TICK % 1 == 0) and np.all(VALUES * TICK % 1 == 0)  # whole ticks


@given(played())
@settings(max_examples=20, deadline=None)
def test_a_row_is_the_same_in_a_batch_and_alone(several: Windows) -> None:
    onsets, lengths = (make(several, *everywhere(several)) for make in (onset_choices, length_choices))
    for row in range(len(several.start)):
        one = alone(several, row)
        for together, apart in (
            (onsets, onset_choices(one, *everywhere(one))),
            (lengths, length_choices(one, *everywhere(one))),
        ):
            assert together[0][row] == pytest.approx(apart[0][0], abs=1e-8)
            assert together[1][row] == pytest.approx(apart[1][0], abs=1e-5)


@given(played())
@settings(max_examples=20, deadline=None)
def test_choices_are_places_and_lengths(several: Windows) -> None:
    every = everywhere(several)
    place, onsets = onset_choices(several, *every)
    value, lengths = length_choices(several, *every)
    assert place.min() >= 0 and np.abs(place - several.start[..., None]).max() <= 1
    assert (value >= 0).all() and value[..., : len(VALUES)].min() > 0
    last = several.start.max(-1)[:, None, None] - several.start[..., None]
    assert (value[..., len(VALUES) :] <= last + 1e-8).all()  # nothing of the next window
    assert np.isfinite(onsets).all() and np.isfinite(lengths).all()


def test_some_notes_of_a_window_are_as_all_of_them() -> None:
    several = windows([[(0, 900, 60), (500, 300, 64), (1000, 40, 67)], [(30, 1000, 60), (990, 10, 60), (3000, 80, 72)]])
    row, column = np.array([1, 0, 1]), np.array([2, 1, 0])
    for make in (onset_choices, length_choices):
        for some, all_of_them in zip(make(several, row, column), make(several, *everywhere(several)), strict=True):
            assert np.array_equal(some, all_of_them[row, column])


def test_what_speaks_for_an_onset() -> None:
    """A triad of which one note came late: where the others stand two notes are near, at its own place none is."""
    found = windows([[(0, 900, 60), (10, 900, 64), (100, 900, 67), (2000, 100, 60)]])
    place, told = onset_choices(found, np.array([0]), np.array([2]))
    here, own = np.abs(place[0]).argmin(), np.abs(place[0] - 120 / 960).argmin()
    apart, far, close, wide = told[0, here, 0], told[0, here, 1], told[0, here, 4], told[0, here, 5]
    assert (apart, far) == (pytest.approx(-400 / 960), pytest.approx(400 / 960))
    assert (close, wide) == (pytest.approx(np.log2(3)), pytest.approx(np.log2(3)))
    assert told[0, own, 4] == 0 and told[0, own, 5] == pytest.approx(np.log2(2))  # 110 ticks from the second
    assert told[0, here, 6:8].tolist() == [1, 1] and told[0, own, 6:8].tolist() == [0, 0]


def test_what_speaks_for_a_length() -> None:
    found = windows([[(0, 440, 60), (0, 1760, 48), (480, 440, 62), (960, 440, 60)]])
    value, told = length_choices(found, np.array([0]), np.array([0]))
    eighth, quarter, half = (int(np.abs(value[0] - length).argmin()) for length in (0.5, 1.0, 2.0))
    ratio, inside, ends, passed = 0, 2, 3, 5
    assert told[0, [eighth, quarter, half], ratio] == pytest.approx(np.log2(np.array([480, 960, 1920]) / 440))
    assert told[0, [eighth, quarter, half], inside].tolist() == [1, 0, 0]
    assert told[0, [eighth, quarter, half], ends] == pytest.approx([1, 1, 0], abs=1e-6)
    assert told[0, [eighth, quarter, half], passed] == pytest.approx(np.log2([1, 2, 3]) / 2)
    over_same, to_same, to_next = 13, 14, 15
    assert told[0, [eighth, quarter, half], over_same].tolist() == [0, 0, 1]
    assert told[0, [eighth, quarter, half], to_same].tolist() == [0, 1, 0]
    assert told[0, [eighth, quarter, half], to_next].tolist() == [1, 0, 0]


def thinned(starts: list[float]) -> list[float]:
    """The onsets of one row that stand clear of the one before."""
    return [at for before, at in zip([-np.inf, *starts], starts, strict=False) if at - before > CHORD]


@given(played(), st.sampled_from([0.04, 0.12]))
@settings(max_examples=20, deadline=None)
def test_others_by_hand(several: Windows, reach: float) -> None:
    row, column = everywhere(several)
    start = several.start[row, column][..., None]
    place = np.concatenate([start, np.rint(start * 4) / 4, np.rint(start - 1 / 3) + 1 / 3], -1)
    found = _others(several, row, start, place, reach)
    for index in np.ndindex(found.shape):
        b, t, _ = index
        count = 0
        for other in range(several.start.shape[1]):
            count += other != t and abs(several.start[b, other] - place[index]) <= reach
        assert found[index] == count


def onsets_of(several: Windows) -> Times:
    known = _in_a_line(several)
    return known[np.r_[True, np.diff(known) > CHORD]]


@given(played())
@settings(max_examples=20, deadline=None)
def test_the_onsets_of_all_windows_stand_in_one_line(several: Windows) -> None:
    wanted = [[at + b * ROWS_APART for at in thinned(row)] for b, row in enumerate(several.start.tolist())]
    assert onsets_of(several).tolist() == pytest.approx(list(itertools.chain(*wanted)), abs=1e-8)


@given(played())
@settings(max_examples=20, deadline=None)
def test_nearest_onset_by_hand(several: Windows) -> None:
    row, column = everywhere(several)
    far, start = row[..., None] * ROWS_APART, several.start[row, column][..., None]
    place = start + VALUES[[0, 7, 14, 27]] / STEP
    miss, passed = _next_to(onsets_of(several), start + far, place + far)
    for index in np.ndindex(miss.shape):
        b, t, _ = index
        known, begin, at = thinned(several.start[b].tolist()), several.start[b, t], place[index]
        assert miss[index] == pytest.approx(min(abs(other - at) for other in known), abs=1e-8)
        assert passed[index] == sum(begin + CHORD < other < at - CHORD for other in known)


@given(played())
@settings(max_examples=20, deadline=None)
def test_lengths_to_onsets_by_hand(several: Windows) -> None:
    """The next onset, the last two before the end, the first two from there on; each once."""
    row, column = everywhere(several)
    start = several.start[row, column][..., None]
    length = several.end[row, column][..., None] - start
    found = _to_onsets(onsets_of(several), start + row[..., None] * ROWS_APART, length)
    for b, t in np.ndindex(several.start.shape):
        known, begin = thinned(several.start[b].tolist()), several.start[b, t]
        end = begin + length[b, t, 0]
        before, behind = [at for at in known if at < end], [at for at in known if at >= end]
        wanted = {at for at in [*before[-2:], *behind[:2]] if at > begin + CHORD}
        wanted |= {next((at for at in known if at > begin + CHORD), begin)}
        gaps = sorted(at - begin for at in wanted if at > begin)
        assert sorted(found[b, t][found[b, t] > 0]) == pytest.approx(gaps, abs=1e-8)


def test_reach_leaves_what_can_have_been_written() -> None:
    found = windows([[(0, 960, 60), (2000, 1, 60)]])
    every = everywhere(found)
    value, _ = length_choices(found, *every)
    first, second = near(value, found, every, 0.2)[0]
    kept = np.rint(value[0, 0][first] * TICKS)
    assert kept.tolist() == [800, 840, 960, 1120, 1200]
    assert np.array_equal(second, value[0, 1] > 0)  # nothing is that short, so all remain
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.array_equal(near(value, found, every, np.inf), value > 0)
