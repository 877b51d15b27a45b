"""The phrase codec: notes on the grid come back, meters without a place are refused; and clips as they are written."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from continuo_daw.assistant.codecs.phrases import PhraseCodec, tidied
from continuo_daw.assistant.music.clip import TICKS, Clip, Note, bar_ticks, clip_of

MANY = PhraseCodec(voices="many")
ONE = PhraseCodec(voices="one")
STEP = MANY.step
METERS = ((4, 4), (3, 4), (6, 8), (7, 8), (5, 4), (12, 8), (3, 2), (6, 4), (33, 32))
PLACES = sorted({place for unit in (120, 320) for place in range(0, 3 * 3840, unit)})

anywhere = st.builds(
    Note,
    start=st.integers(0, 12_000),
    pitch=st.integers(0, 127),
    duration=st.integers(1, 9_000),
    velocity=st.integers(1, 127),
    muted=st.booleans(),
)


@st.composite
def on_grid(draw: st.DrawFn) -> Clip:
    """A clip of whole bars whose notes stand on the grid, no two alike, with velocities that are levels."""
    meter = draw(st.sampled_from(METERS))
    length = draw(st.integers(1, 4)) * bar_ticks(meter)
    rows = draw(
        st.lists(
            st.tuples(
                st.integers(0, length // STEP - 1),
                st.integers(0, 127),
                st.integers(1, MANY.positions),
                st.integers(1, 31),
            ),
            max_size=24,
            unique_by=lambda row: row[:3],
        )
    )
    return Clip(tuple(Note(a * STEP, p, d * STEP, 4 * v) for a, p, d, v in rows), length, 120.0, meter)


@st.composite
def written(draw: st.DrawFn) -> Clip:
    """Notes that start and end on sixteenths, triplets and thirty-seconds, of which no two are alike."""
    rows = draw(
        st.lists(
            st.tuples(st.sampled_from(PLACES), st.integers(60, 63), st.integers(1, 60)),
            max_size=16,
            unique_by=lambda row: row[:2],
        )
    )
    ends = [min(PLACES.index(start) + long, len(PLACES) - 1) for start, _, long in rows]
    notes = [
        Note(start, pitch, max(PLACES[end] - start, 120)) for (start, pitch, _), end in zip(rows, ends, strict=True)
    ]
    return Clip(tuple(notes), 3 * 3840)


@given(on_grid())
def test_every_note_on_the_grid_comes_back(clip: Clip) -> None:
    assert MANY.decode(MANY.encode(clip)) == clip.notes


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(1, 144), st.integers(0, 127)), min_size=1, max_size=20))
def test_one_voice_with_rests_comes_back(steps: list[tuple[int, int, int]]) -> None:
    notes, clock = [], 0
    for rest, duration, pitch in steps:
        notes.append(Note((clock + rest) * STEP, pitch, duration * STEP))
        clock += rest + duration
    clip = clip_of(notes)
    assert ONE.decode(ONE.encode(clip)) == clip.notes


@given(st.lists(anywhere, max_size=20))
def test_one_voice_is_made_of_anything(notes: list[Note]) -> None:
    assert clip_of(ONE.decode(ONE.encode(clip_of(notes)))).monophonic


@given(st.lists(anywhere, max_size=40), st.sampled_from(METERS))
def test_rows_of_a_bar_are_in_order_and_within_it(notes: list[Note], meter: tuple[int, int]) -> None:
    codec = PhraseCodec(voices="many", most=6)
    clip = clip_of(notes, meter=meter)
    bars = codec.encode(clip)
    assert bars.notes.shape == (clip.bars, 6, 4)
    assert bars.steps == clip.bar // STEP
    for rows, count in zip(bars.notes.tolist(), bars.count.tolist(), strict=True):
        assert rows[:count] == sorted(rows[:count])
        assert rows[count:] == [[0, 0, 0, 0]] * (6 - count)
        for position, pitch, duration, level in rows[:count]:
            assert 0 <= position < bars.steps
            assert 0 <= pitch < 128 and 1 <= duration <= codec.positions and 0 <= level < 32


def test_a_bar_keeps_its_first_notes() -> None:
    codec = PhraseCodec(voices="many", most=2)
    clip = Clip(tuple(Note(k * TICKS, 60 + k, TICKS) for k in range(6)), 2 * 3840)
    assert [note.pitch for note in codec.decode(codec.encode(clip))] == [60, 61, 64, 65]


def test_muted_notes_are_left_out() -> None:
    clip = Clip((Note(0, 60, 480, 80, True), Note(960, 62, 480)), 3840)
    assert ONE.encode(clip).count.tolist() == [1]


def test_what_rounds_to_the_end_of_the_clip_stays_in_it() -> None:
    bars = MANY.encode(Clip((Note(3839, 60, 480),), 3840))
    assert bars.notes[0, 0].tolist() == [95, 60, 12, 20]


def test_a_clip_that_ends_within_a_bar_has_that_bar() -> None:
    bars = MANY.encode(Clip((Note(3840, 60, 480),), 3840 + 960))
    assert bars.count.tolist() == [0, 1]


def test_a_clip_without_notes_has_empty_bars() -> None:
    bars = MANY.encode(Clip((), 0))
    assert (bars.count.tolist(), MANY.decode(bars)) == ([0], ())


@pytest.mark.parametrize(
    ("meter", "reason"),
    [
        ((4, 2), "more than 6 quarters"),
        ((7, 4), "more than 6 quarters"),
        ((25, 16), "more than 6 quarters"),
        ((1, 64), "no whole bars on the grid"),
        ((5, 64), "no whole bars on the grid"),
    ],
)
def test_a_meter_without_a_place_is_refused_by_name(meter: tuple[int, int], reason: str) -> None:
    with pytest.raises(ValueError, match="meter {}/{} has .*{}".format(*meter, reason)):
        MANY.encode(Clip((), 3840, 120.0, meter))


@pytest.mark.parametrize("meter", METERS)
def test_a_meter_with_a_place_is_not(meter: tuple[int, int]) -> None:
    assert MANY.refusal(Clip((), 3840, 120.0, meter)) == ""


@pytest.mark.parametrize("wrong", [{"bars": 0}, {"most": 0}, {"resolution": 6}, {"resolution": 28}, {"voices": "two"}])
def test_settings_that_make_no_codec_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        PhraseCodec(**wrong)  # type: ignore[arg-type]


@given(written())
def test_what_is_written_keeps_all_its_notes(clip: Clip) -> None:
    found = tidied(clip)
    assert [(n.start, n.pitch, n.velocity) for n in found.notes] == [(n.start, n.pitch, n.velocity) for n in clip.notes]
    for before, after in zip(clip.notes, found.notes, strict=True):
        assert before.end <= after.end <= before.end + 120
    assert (found.length, found.tempo, found.meter) == (clip.length, clip.tempo, clip.meter)


@given(written())
def test_what_is_tidy_stays_as_it_is(clip: Clip) -> None:
    assert tidied(tidied(clip)) == tidied(clip)


def test_what_was_played_is_tidy_after_one_turn() -> None:
    once = tidied(Clip((Note(0, 60, 470), Note(600, 62, 400)), 3840))
    assert tidied(once) == once


def test_what_was_played_becomes_what_was_meant() -> None:
    played = Clip((Note(13, 60, 440, 91), Note(489, 62, 100), Note(955, 64, 300), Note(1283, 65, 320)), 3840)
    assert tidied(played).notes == (
        Note(0, 60, 480, 91),
        Note(480, 62, 120),
        Note(960, 64, 320),
        Note(1280, 65, 320),
    )


def test_muted_notes_close_no_gap() -> None:
    notes = (Note(0, 60, 400), Note(480, 62, 100, 80, True), Note(1920, 64, 480))
    assert tidied(Clip(notes, 3840)).notes[0] == Note(0, 60, 360)


def test_the_last_upbeat_is_not_lost() -> None:
    clip = Clip((Note(0, 60, 960), Note(95 * STEP, 64, STEP)), 3840)
    assert len(tidied(clip).notes) == 2


@given(st.lists(anywhere, max_size=20))
def test_whatever_was_played_can_be_tidied(notes: list[Note]) -> None:
    clip = clip_of(notes)
    found = tidied(clip)
    early = [note for note in clip.notes if note.start < clip.length - 120]
    assert len(found.notes) >= len(early)
    assert all(note.start % 120 == 0 or note.start % 320 == 0 for note in found.notes)
    assert np.all(
        np.abs(np.subtract([n.start for n in found.notes], [n.start for n in clip.notes[: len(found.notes)]])) <= 60
    )
    assert replace(found, notes=()) == replace(clip, notes=())
