"""What is written exactly already, where the refine networks have no choice."""

from __future__ import annotations

import numpy as np
import pytest

from continuo_daw.assistant.music.clip import TICKS
from continuo_daw.assistant.refining.exact import SPANS, long_of, parts_of


@pytest.mark.parametrize("count", [5, 7])
@pytest.mark.parametrize("span", SPANS)
@pytest.mark.parametrize("division", [480, 960, 10080])
def test_a_span_in_five_or_seven_is_a_group(count: int, span: int, division: int) -> None:
    file_ticks = np.rint(np.arange(count) * span / count * division / TICKS)  # as a file rounds them
    start = np.rint(file_ticks * TICKS / division).astype(np.int64) + 4 * TICKS
    assert np.allclose(parts_of(start), span / count)
    assert np.allclose(parts_of(np.delete(start, 2)), span / count)  # one is a rest


@pytest.mark.parametrize("parts", [1, 2, 3, 4, 6, 8, 12])
def test_what_the_networks_have_choices_for_is_none(parts: int) -> None:
    assert not parts_of(np.arange(4 * parts) * TICKS // parts).any()


def test_a_single_place_of_five_is_none() -> None:
    assert not parts_of(np.array([0, 192, 480, 960, 1920 + 576])).any()


def test_other_notes_beside_a_group_are_none() -> None:
    start = np.sort(np.concatenate([np.arange(5) * 192, [240, 720]]))
    assert (parts_of(start) > 0).tolist() == [at in (0, 192, 384, 576, 768) for at in start]


def test_played_notes_are_hardly_ever_a_group() -> None:
    start = np.sort(np.random.default_rng(1).integers(0, 4000 * TICKS, 16_000))
    assert (parts_of(start) > 0).mean() < 0.001


def test_no_notes_are_no_group() -> None:
    assert not len(parts_of(np.zeros(0, np.int64)))


def test_long_notes_are_whole_quarters_where_they_nearly_are() -> None:
    given = np.array([32, 31.98, 20.03, 17.4, 16, 4]) * TICKS
    assert (long_of(given.astype(np.int64)) / TICKS).tolist() == [32, 32, 20, 0, 0, 0]
