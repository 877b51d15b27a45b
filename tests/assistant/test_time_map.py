"""Time maps: bars behind an up-beat and over meter changes, seconds over tempo changes, parts and wholes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from continuo_daw.assistant.music.time_map import TICKS, Bar, TimeMap, bar_ticks

UPBEAT = TimeMap(meters=((0, (3, 4)),), upbeat=TICKS)  # a quarter, then 3/4
CHANGING = TimeMap(meters=((0, (4, 4)), (8 * TICKS, (6, 8)), (14 * TICKS, (4, 4))))


@st.composite
def maps(draw: st.DrawFn) -> TimeMap:
    meters = draw(st.lists(st.sampled_from(((4, 4), (3, 4), (6, 8), (7, 8), (2, 2))), min_size=1, max_size=4))
    ticks = sorted(draw(st.sets(st.integers(1, 20_000), min_size=len(meters) - 1, max_size=len(meters) - 1)))
    upbeat = draw(st.integers(0, bar_ticks(meters[0]) - 1))
    tempos = draw(st.lists(st.sampled_from((60.0, 90.0, 120.5)), min_size=1, max_size=3))
    when = sorted(draw(st.sets(st.integers(1, 20_000), min_size=len(tempos) - 1, max_size=len(tempos) - 1)))
    return TimeMap(tuple(zip((0, *when), tempos, strict=True)), tuple(zip((0, *ticks), meters, strict=True)), upbeat)


def test_an_up_beat_is_bar_0_which_starts_before_the_clip() -> None:
    assert UPBEAT.bar_at(0) == Bar(0, -2 * TICKS, 3 * TICKS)
    assert UPBEAT.bar_at(TICKS) == Bar(1, TICKS, 3 * TICKS)
    assert [line // TICKS for line in UPBEAT.lines(0, 11 * TICKS)] == [1, 4, 7, 10]


def test_a_meter_change_begins_a_bar() -> None:
    assert [line // TICKS for line in CHANGING.lines(0, 20 * TICKS)] == [0, 4, 8, 11, 14, 18]
    assert [CHANGING.bar_at(beat * TICKS).number for beat in (0, 7, 8, 11, 14, 19)] == [1, 2, 3, 4, 5, 6]


def test_a_bar_that_a_change_cuts_short_counts_as_one() -> None:
    cut = TimeMap(meters=((0, (4, 4)), (6 * TICKS, (3, 4))))
    assert cut.line_from(5 * TICKS) == 6 * TICKS
    assert cut.bar_at(6 * TICKS).number == 3


def test_seconds_follow_the_tempo() -> None:
    slowing = TimeMap(tempos=((0, 120.0), (2 * TICKS, 60.0)))
    assert [slowing.seconds_at(beat * TICKS) for beat in (0, 1, 2, 4)] == [0, 0.5, 1, 3]


@given(maps(), st.integers(0, 25_000), st.integers(1, 25_000))
def test_a_part_has_the_bars_and_tempos_of_the_whole(time: TimeMap, start: int, length: int) -> None:
    part = time.cut(start, start + length)
    end = start + length
    assert [line + start for line in part.lines(0, length)] == time.lines(start, end)
    assert part.tempo_at(length - 1) == time.tempo_at(end - 1)
    assert part.seconds_at(length) == pytest.approx(time.seconds_at(end) - time.seconds_at(start))


@given(maps(), st.integers(1, 25_000))
def test_two_parts_joined_have_the_bars_and_tempos_of_the_whole(time: TimeMap, at: int) -> None:
    again = time.cut(0, at).joined(at, time.cut(at))
    assert again.lines(0, 30_000) == time.lines(0, 30_000)
    assert all(again.tempo_at(tick) == time.tempo_at(tick) for tick in range(0, 25_000, 500))
    assert all(again.meter_at(tick) == time.meter_at(tick) for tick in range(0, 25_000, 500))


@pytest.mark.parametrize("wrong", [{"upbeat": 4 * TICKS}, {"meters": ((5, (4, 4)),)}, {"tempos": ((0, 2.0),)}])
def test_what_is_no_map_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"upbeat|meter|tempo"):
        TimeMap(**wrong)  # type: ignore[arg-type]
