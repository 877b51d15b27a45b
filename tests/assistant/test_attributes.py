"""Attributes of clips whose figures are known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from continuo_daw.assistant.music.attributes import NAMES, attributes, beat_ticks, note_measures
from continuo_daw.assistant.music.clip import TICKS, Clip, Note


def clip(*notes: tuple[int, int], bars: int = 1, meter: tuple[int, int] = (4, 4)) -> Clip:
    """Notes of middle C from their starts and durations."""
    return Clip(tuple(Note(*(start, 60, duration)) for start, duration in notes), bars * 3840, 120.0, meter)


@pytest.mark.parametrize(
    ("meter", "beat"),
    [((4, 4), 960), ((3, 4), 960), ((6, 8), 1440), ((12, 8), 1440), ((7, 8), 480), ((2, 2), 1920), ((9, 16), 720)],
)
def test_a_beat_is_what_is_felt_as_one(meter: tuple[int, int], beat: int) -> None:
    assert beat_ticks(meter) == beat


def test_the_attributes_of_a_scale() -> None:
    scale = Clip(tuple(Note(k * TICKS, 60 + 2 * k, TICKS // 2, 70 + 10 * k) for k in range(4)), 2 * 3840)
    assert attributes(scale) == {"density": 0.5, "pitch": 63, "syncopation": 0, "length": 0.625, "velocity": 85}
    assert tuple(attributes(scale)) == NAMES


def test_a_note_is_syncopated_that_sounds_from_off_the_beat_through_the_next() -> None:
    assert attributes(clip((0, 960), (480, 481)))["syncopation"] == 0.5
    assert attributes(clip((0, 960), (480, 480)))["syncopation"] == 0
    assert attributes(clip((960, 1920)))["syncopation"] == 0
    assert attributes(clip((480, 1000), meter=(6, 8)))["syncopation"] == 1
    assert attributes(clip((480, 900), meter=(6, 8)))["syncopation"] == 0


def test_length_is_the_share_of_the_time_to_the_next_onset() -> None:
    assert attributes(clip((0, 240), (960, 960)))["length"] == (0.25 + 1) / 2
    assert attributes(clip((0, 1500), (960, 960)))["length"] == 1  # no more than the whole
    chord = Clip((Note(0, 60, 480), Note(0, 64, 960), Note(960, 67, 960)), 3840)
    assert attributes(chord)["length"] == pytest.approx((0.5 + 1 + 1) / 3)


def test_a_long_rest_makes_no_note_short() -> None:
    near, far = (attributes(clip((0, 960), (start, 960), bars=9))["length"] for start in (3840, 30_720))
    assert near == far == (0.25 + 1) / 2


def test_muted_notes_do_not_count() -> None:
    plain = clip((0, 960), (960, 480))
    muted = Clip((*plain.notes, Note(480, 100, 1000, 127, True)), plain.length)
    assert attributes(muted) == attributes(plain)


@pytest.mark.parametrize("silent", [Clip((), 3840), Clip((), 0), Clip((Note(0, 60, 960, 80, True),), 3840)])
def test_a_silent_clip_has_no_attributes_but_its_density(silent: Clip) -> None:
    assert attributes(silent) == {"density": 0.0}


@given(st.lists(st.tuples(st.integers(0, 200), st.integers(1, 100)), min_size=1, max_size=20))
def test_measures_are_the_same_in_any_unit(rows: list[tuple[int, int]]) -> None:
    onset, duration = np.array(sorted(rows)).T
    for one, other in zip(
        note_measures(onset, duration, 24), note_measures(40 * onset, 40 * duration, 960), strict=True
    ):
        assert one.tolist() == other.tolist()
        assert np.all((one >= 0) & (one <= 1))
