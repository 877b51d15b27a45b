"""Notes and clips: what they refuse, and how clips are cut, moved and joined."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from continuo_daw.assistant.music.clip import MAX_TICK, TICKS, Clip, Note, bar_ticks, clip_of, order_of

notes = st.builds(Note, st.integers(0, 20_000), st.integers(0, 127), st.integers(1, 9000), st.integers(1, 127))


@pytest.mark.parametrize(
    ("field", "value", "text"),
    [
        ("start", -1, "start -1 is outside 0 to"),
        ("start", MAX_TICK + 1, "start"),
        ("pitch", 128, "pitch 128 is outside 0 to 127"),
        ("pitch", -1, "pitch -1 is outside 0 to 127"),
        ("duration", 0, "duration 0 is outside 1 to"),
        ("velocity", 0, "velocity 0 is outside 1 to 127"),
        ("velocity", 128, "velocity 128 is outside 1 to 127"),
    ],
)
def test_a_note_out_of_range_names_its_field(field: str, value: int, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        replace(Note(0, 60, 1), **{field: value})


@pytest.mark.parametrize("value", [60.0, "60", None, True])
def test_a_note_of_another_type_is_refused(value: object) -> None:
    with pytest.raises(TypeError, match="pitch must be an int"):
        Note(0, value, 1)  # type: ignore[arg-type]


def test_a_note_does_not_change() -> None:
    with pytest.raises(FrozenInstanceError):
        Note(0, 60, 1).pitch = 61  # type: ignore[misc]


def test_a_clip_sorts_its_notes() -> None:
    assert [n.start for n in Clip((Note(5, 60, 1), Note(1, 60, 1)), 10).notes] == [1, 5]


@pytest.mark.parametrize("meter", [(0, 4), (65, 4), (4, 3), (4, 128)])
def test_a_clip_refuses_what_is_no_meter(meter: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match=f"meter {meter[0]}/{meter[1]}"):
        Clip((), 0, meter=meter)


@pytest.mark.parametrize("tempo", [4.9, 1000.1, float("nan")])
def test_a_clip_refuses_a_tempo_out_of_range(tempo: float) -> None:
    with pytest.raises(ValueError, match="tempo"):
        Clip((), 0, tempo)


@pytest.mark.parametrize("length", [-1, MAX_TICK + 1])
def test_a_clip_refuses_a_length_out_of_range(length: int) -> None:
    with pytest.raises(ValueError, match=f"length {length}"):
        Clip((), length)


def test_no_note_starts_behind_the_end_of_its_clip() -> None:
    with pytest.raises(ValueError, match="a note starts at tick 10, the clip ends at 10"):
        Clip((Note(10, 60, 1),), 10)


def test_a_note_may_sound_over_the_end_of_its_clip() -> None:
    assert Clip((Note(9, 60, 100),), 10).notes[0].end == 109


@pytest.mark.parametrize(
    ("meter", "ticks"), [((4, 4), 3840), ((3, 4), 2880), ((6, 8), 2880), ((2, 2), 3840), ((1, 64), 60)]
)
def test_ticks_of_a_bar(meter: tuple[int, int], ticks: int) -> None:
    assert bar_ticks(meter) == Clip((), 0, meter=meter).bar == ticks


@pytest.mark.parametrize(("length", "bars"), [(0, 1), (1, 1), (3840, 1), (3841, 2)])
def test_bars_that_a_clip_touches(length: int, bars: int) -> None:
    assert Clip((), length).bars == bars


def test_notes_that_follow_each_other_are_one_voice() -> None:
    assert Clip((Note(0, 60, 5), Note(5, 62, 5)), 10).monophonic


def test_notes_that_overlap_are_not_one_voice() -> None:
    assert not Clip((Note(0, 60, 6), Note(5, 62, 5)), 10).monophonic


def test_a_window_counts_from_its_start_and_leaves_out_its_end() -> None:
    window = Clip((Note(0, 60, 1), Note(5, 61, 9), Note(10, 62, 1)), 20).window(5, 10)
    assert (window.notes, window.length) == ((Note(0, 61, 9),), 5)


def test_what_is_made_of_drums_is_drums() -> None:
    drums = Clip((Note(0, 38, 1),), 10, drums=True)
    assert all(clip.drums for clip in (drums.window(0, 5), drums.shifted(5), drums.joined(Clip((), 5))))
    assert not Clip((), 5).joined(drums).drums


@given(st.lists(notes))
def test_the_order_of_notes_is_that_of_their_clip(many: list[Note]) -> None:
    order = order_of(many)
    assert sorted(order) == list(range(len(many)))
    assert tuple(many[index] for index in order) == Clip(tuple(many), 30_000).notes


@settings(deadline=None)
@given(st.lists(notes, min_size=1), st.integers(0, 30_000))
def test_two_windows_joined_are_the_clip(many: list[Note], cut: int) -> None:
    clip = clip_of(many, 90.0, (3, 4))
    cut = min(cut, clip.length)
    assert clip.window(0, cut).joined(clip.window(cut, clip.length)) == clip


@settings(deadline=None)
@given(st.lists(notes))
def test_a_clip_of_notes_ends_with_the_bar_of_the_last_end(many: list[Note]) -> None:
    clip = clip_of(many, meter=(6, 8))
    end = max((n.end for n in many), default=0)
    assert clip.length % clip.bar == 0
    assert max(end, 1) <= clip.length < max(end, 1) + clip.bar


def test_a_joined_clip_keeps_the_first_tempo_and_meter() -> None:
    joined = Clip((), TICKS, 90.0, (3, 4)).joined(Clip((Note(0, 60, 1),), TICKS, 120.0, (4, 4)))
    assert (joined.tempo, joined.meter, joined.notes[0].start, joined.length) == (90.0, (3, 4), TICKS, 2 * TICKS)
