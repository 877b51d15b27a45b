"""How far clips lie apart: nothing, all, and what is between."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny import tune

from assistant.clip import TICKS, Clip, Note
from assistant.likeness import distances, roll

BAR = 4 * TICKS
notes = st.lists(
    st.builds(Note, start=st.integers(0, BAR - 1), pitch=st.integers(60, 63), duration=st.integers(1, 2 * BAR)),
    max_size=8,
)


def distance(one: Clip, other: Clip) -> float:
    return float(distances([one], other)[0])


@given(notes, notes)
def test_a_distance_is_a_share_and_the_same_both_ways(one: list[Note], other: list[Note]) -> None:
    a, b = Clip(tuple(one), BAR), Clip(tuple(other), BAR)
    assert 0 <= distance(a, b) == distance(b, a) <= 1


@pytest.mark.parametrize("seed", range(4))
def test_a_clip_is_like_itself_at_any_loudness(seed: int) -> None:
    clip = tune(seed, 2)
    assert distance(clip, replace(clip, notes=tuple(replace(n, velocity=30) for n in clip.notes), tempo=90.0)) == 0


def test_clips_in_other_registers_have_nothing_in_common() -> None:
    clip = tune(1, 2)
    higher = replace(clip, notes=tuple(replace(n, pitch=n.pitch + 24) for n in clip.notes))
    assert distance(clip, higher) == 1


def test_figures_that_can_be_counted() -> None:
    held = Clip((Note(0, 60, BAR),), BAR)
    half = Clip((Note(0, 60, BAR // 2),), BAR)
    late = Clip((Note(BAR // 2, 60, BAR // 2),), BAR)
    again = Clip((Note(0, 60, BAR // 2), Note(BAR // 2, 60, BAR // 2)), BAR)
    assert distance(held, half) == pytest.approx(1 - 2 * 9 / (17 + 9))
    assert distance(held, late) == pytest.approx(1 - 2 * 8 / (17 + 9))
    assert distance(held, again) == pytest.approx(1 - 2 * 17 / (17 + 18))
    assert distances([held, half, late], held).tolist() == [distance(c, held) for c in (held, half, late)]


def test_a_shorter_clip_is_silent_behind_its_end() -> None:
    long = Clip((Note(0, 60, BAR), Note(BAR, 60, BAR)), 2 * BAR)
    assert distance(long.window(0, BAR), long) == pytest.approx(1 - 2 * 17 / (17 + 34))


def test_muted_notes_and_what_sounds_over_the_end_do_not_count() -> None:
    clip = Clip((Note(0, 60, BAR),), BAR)
    more = Clip((Note(0, 60, 3 * BAR), Note(0, 64, BAR, 80, True)), BAR)
    assert distance(clip, more) == 0


def test_a_roll_has_what_sounds_and_what_starts() -> None:
    cells = roll(Clip((Note(480, 60, 480), Note(960, 62, 10)), BAR), 16)
    assert [tuple(place) for place in zip(*cells.nonzero(), strict=True)] == [
        (2, 60),
        (2, 188),
        (3, 60),
        (4, 62),
        (4, 190),
    ]


def test_against_silence_everything_differs() -> None:
    assert distance(Clip((), BAR), tune(1, 1)) == 1


@pytest.mark.xfail(strict=True, reason="a note that rounds to the end of the clip falls out of the roll")
def test_the_last_upbeat_is_heard() -> None:
    clip = Clip((Note(0, 60, TICKS),), BAR)
    assert distance(clip, replace(clip, notes=(*clip.notes, Note(BAR - 40, 64, 40)))) > 0
