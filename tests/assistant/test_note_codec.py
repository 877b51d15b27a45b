"""The note codec: windows of one size, and one place for every note, as far from the edges as can be."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from continuo_daw.assistant.codecs.notes import NoteCodec


@st.composite
def codecs(draw: st.DrawFn) -> NoteCodec:
    window = draw(st.integers(1, 40))
    return NoteCodec(window, draw(st.integers(0, (window - 1) // 2)))


@given(codecs(), st.integers(0, 400))
def test_windows_are_of_one_size_and_leave_no_note_out(codec: NoteCodec, count: int) -> None:
    rows = codec.rows(count)
    assert set(rows[:, 1] - rows[:, 0]) == {min(count, codec.window)}
    assert (rows[0, 0], rows[-1, 1]) == (0, count)
    assert np.all(np.diff(rows[:, 0]) > 0)
    assert np.all(rows[:-1, 1] - rows[1:, 0] >= 2 * codec.margin)  # neighbours share two margins


@given(codecs(), st.integers(0, 400))
def test_every_note_has_one_place_and_it_is_the_note(codec: NoteCodec, count: int) -> None:
    rows, (row, column) = codec.rows(count), codec.places(count)
    assert row.shape == column.shape == (count,)
    assert np.array_equal(rows[row, 0] + column, np.arange(count))
    assert np.all((column >= 0) & (column < min(count, codec.window)))


@given(codecs(), st.integers(1, 400))
def test_no_window_knows_more_of_a_note(codec: NoteCodec, count: int) -> None:
    """Notes to the nearer edge of a window; the edges of the clip are none, for nothing lies behind them."""
    rows, (row, _) = codec.rows(count), codec.places(count)
    for note in range(count):
        inside = []
        for first, end in rows.tolist():
            before = np.inf if first == 0 else note - first
            behind = np.inf if end == count else end - 1 - note
            inside.append(min(before, behind) if first <= note < end else -1)
        assert inside[row[note]] == max(inside) >= codec.margin


def test_windows_by_hand() -> None:
    codec = NoteCodec(window=10, margin=2)
    assert codec.rows(10).tolist() == [[0, 10]]
    assert codec.rows(11).tolist() == [[0, 10], [1, 11]]
    assert codec.rows(22).tolist() == [[0, 10], [6, 16], [12, 22]]
    row, column = codec.places(22)
    assert row.tolist() == [0] * 8 + [1] * 6 + [2] * 8
    assert column.tolist() == [*range(8), *range(2, 8), *range(2, 10)]


@pytest.mark.parametrize(("window", "margin"), [(0, 0), (4097, 0), (10, 5), (10, -1), (1, 1)])
def test_windows_that_do_not_meet_are_refused(window: int, margin: int) -> None:
    with pytest.raises(ValueError, match=f"windows of {window} notes cannot have margins of {margin}"):
        NoteCodec(window, margin)
