"""What is known of a note: by hand for one bar, the same wherever the bar stands, and finite whatever is played."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from continuo_daw.assistant.codecs.notes import NoteCodec
from continuo_daw.assistant.music.clip import TICKS, Clip, Note, bar_ticks, clip_of
from continuo_daw.assistant.refining.surroundings import (
    LEVELS,
    SIZE,
    Windows,
    beat_of,
    strength,
    surroundings,
    windows_of,
)

# what stands in each of the columns, in their order: networks have learnt them so
COLUMNS = (
    *("pitch", "length", "seconds", "pace", "place", "bar"),
    *("bar_sine", "bar_cosine", "quarter_sine", "quarter_cosine", "off_sixteenth", "drums"),
    *(f"level_{level}" for level in range(LEVELS)),
    *("chord", "highest", "lowest", "above", "below", "under_top", "over_bottom"),
    *("sounding", "on_top", "at_bottom", "under_held", "over_held", "same_before", "same_after"),
    *("density_half", "pitch_half", "density_two", "pitch_two", "density_eight", "pitch_eight"),
    *("lengths_near", "pitch_near", "under_highest", "over_lowest"),
    *("gap_before", "line_before", "gap_after", "line_after", "legato"),
)
FAR = 2.0  # what the logarithm of a gap of 16 quarters and more is
# a triad of which the highest note is held, a passing note above the middle, and the lowest note once more
BAR = (Note(0, 60, 960), Note(0, 64, 960), Note(0, 67, 1920), Note(960, 62, 480), Note(1920, 60, 960))


def rows_of(clip: Clip, rows: list[tuple[int, int]] | None = None, drums: bool = False) -> Windows:
    """Windows over a clip; one over all of it where no rows are given."""
    table = np.array([(note.start, note.end, note.pitch) for note in clip.notes])
    return windows_of(table, clip, rows or [(0, len(table))], drums)


def told(clip: Clip, name: str, drums: bool = False) -> NDArray[np.float32]:
    """A column for each note of a clip."""
    found: NDArray[np.float32] = surroundings(rows_of(clip, drums=drums))[0, :, COLUMNS.index(name)]
    return found


def test_every_column_has_a_name() -> None:
    assert len(COLUMNS) == len(set(COLUMNS)) == SIZE


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("pitch", np.array([0, 4, 7, 2, 0]) / 24),
        ("length", [0, 0, 0.5, -0.5, 0]),
        ("pace", [0] * 5),
        ("place", [0, 0, 0, 0.25, 0.5]),
        ("bar", [0] * 5),
        ("bar_sine", [0, 0, 0, 1, 0]),
        ("bar_cosine", [1, 1, 1, 0, -1]),
        ("quarter_cosine", [1] * 5),
        ("drums", [0] * 5),
        ("level_0", [1, 1, 1, 0, 0]),
        ("level_1", [0, 0, 0, 0, 1]),
        ("level_2", [0, 0, 0, 1, 0]),
        ("chord", np.log2([3, 3, 3, 1, 1])),
        ("highest", [0, 0, 1, 1, 1]),
        ("lowest", [1, 0, 0, 1, 1]),
        ("above", np.array([2, 1, 0, 0, 0]) / 3),
        ("below", np.array([0, 1, 2, 0, 0]) / 3),
        ("under_top", np.array([7, 3, 0, 0, 0]) / 12),
        ("over_bottom", np.array([0, 4, 7, 0, 0]) / 12),
        ("sounding", np.log2([4, 4, 4, 3, 2])),  # the fifth is held under the passing note, and ends with it
        ("on_top", [0, 0, 1, 0, 1]),
        ("at_bottom", [1, 0, 0, 1, 1]),
        ("under_held", np.array([7, 3, 0, 5, 0]) / 12),
        ("over_held", np.array([0, 4, 7, 0, 0]) / 12),
        ("same_before", [FAR, FAR, FAR, FAR, 0.5]),
        ("same_after", [0.5, FAR, FAR, FAR, FAR]),
        ("density_half", np.log2(np.array([3, 3, 3, 1, 1]) / 0.5) / 2),
        ("pitch_half", np.array([60 - 191 / 3, 64 - 191 / 3, 67 - 191 / 3, 0, 0]) / 12),
        ("density_two", [np.log2(5 / 2) / 2] * 5),
        ("density_eight", [np.log2(5 / 8) / 2] * 5),
        ("pitch_eight", (np.array([60, 64, 67, 62, 60]) - 62.6) / 12),
        ("lengths_near", [0] * 5),
        ("pitch_near", [2.6 / 24] * 5),
        ("under_highest", np.array([7, 3, 0, 5, 2]) / 12),
        ("over_lowest", np.array([0, 4, 7, 2, 0]) / 12),
        ("gap_before", [FAR, FAR, FAR, 0, 0]),
        ("gap_after", [0, 0, 0, 0, FAR]),
        ("line_before", np.array([0, 0, 0, 5, 2]) / 12),
        ("line_after", np.array([2, -2, -5, -2, 0]) / 12),
        ("legato", [0, 0, 0.5, -0.5, -2]),
    ],
)
def test_a_bar_by_hand(name: str, wanted: NDArray[np.float64]) -> None:
    assert told(Clip(BAR, 3840), name) == pytest.approx(np.array(wanted), abs=1e-6)


def test_a_chord_may_be_spread() -> None:
    spread = Clip((Note(0, 60, 960), Note(50, 64, 900), Note(110, 67, 900)), 3840)
    assert told(spread, "chord") == pytest.approx(np.log2([2, 2, 1]))  # 57 ticks are a chord, 60 are not
    assert told(spread, "under_top") == pytest.approx(np.array([4, 0, 0]) / 12)


def test_tempo_meter_and_drums_are_told() -> None:
    clip = Clip((Note(0, 36, 480),), 2880, 60.0, (3, 4))
    assert told(clip, "pace") == [-1] and told(clip, "seconds") == [0] and told(clip, "bar") == [-1]
    assert told(clip, "drums") == [0] and told(clip, "drums", drums=True) == [1]


@pytest.mark.parametrize(
    ("meter", "beat"),
    [((4, 4), 1), ((3, 4), 1), ((2, 2), 2), ((6, 4), 1), ((6, 8), 1.5), ((12, 8), 1.5), ((3, 8), 0.5), ((7, 8), 0.5)],
)
def test_beats(meter: tuple[int, int], beat: float) -> None:
    assert beat_of(meter) == beat


@pytest.mark.parametrize(
    ("meter", "places"),
    [
        ((4, 4), {0: 0, 4: 0, 2: 1, 6: 1, 1: 2, 3: 2, 0.5: 3, 2.5: 3, 0.25: 4, 1.75: 4, 1 / 3: 5, 1 / 6: 5}),
        ((3, 4), {0: 0, 3: 0, 1: 2, 2: 2, 1.5: 3, 2.5: 3, 0.75: 4, 2 / 3: 5}),
        ((6, 8), {0: 0, 3: 0, 1.5: 1, 4.5: 1, 0.5: 3, 1: 3, 2.5: 3, 0.25: 4, 2.75: 4}),
        ((12, 8), {0: 0, 6: 0, 3: 1, 1.5: 2, 4.5: 2, 0.5: 3, 0.25: 4}),
        ((7, 8), {0: 0, 3.5: 0, 7: 0, 0.5: 2, 1: 2, 3: 2, 0.25: 4, 3.25: 4}),
        ((2, 2), {0: 0, 4: 0, 2: 1, 1: 3, 3: 3, 0.5: 4, 0.25: 4, 1 / 3: 5}),
    ],
)
def test_strength_of_places(meter: tuple[int, int], places: dict[float, int]) -> None:
    bar, beat = np.array(bar_ticks(meter) / TICKS), np.array(beat_of(meter))
    for hair in (-0.02, 0, 0.02):
        assert strength(np.array(list(places)) + hair, bar, beat).tolist() == list(places.values())


def test_what_is_no_place_is_none() -> None:
    four = np.array(4.0), np.array(1.0)
    assert strength(np.array([0.04, 0.46, 0.54, 3.71]), *four).tolist() == [LEVELS - 1] * 4


def random_clip(count: int, meter: tuple[int, int], seed: int = 1) -> Clip:
    """Notes of any length anywhere, chords among them."""
    random = np.random.default_rng(seed)
    start = np.sort(random.integers(0, count * 60, count)) * 4
    rows = zip(start.tolist(), random.integers(30, 90, count), random.integers(1, 2000, count), strict=True)
    return clip_of((Note(at, int(pitch), int(long)) for at, pitch, long in rows), 96.0, meter)


METERS = ((4, 4), (3, 4), (6, 8), (7, 8), (2, 2), (5, 16))


@pytest.mark.parametrize("meter", METERS)
def test_it_does_not_matter_how_many_bars_went_before(meter: tuple[int, int]) -> None:
    clip = random_clip(40, meter)
    here, there = rows_of(clip), rows_of(clip.shifted(7 * clip.bar))
    assert np.array_equal(here.start, there.start)
    assert np.array_equal(surroundings(here), surroundings(there))


@pytest.mark.parametrize("meter", METERS)
def test_a_window_is_a_clip_of_its_own(meter: tuple[int, int]) -> None:
    clip = random_clip(40, meter)
    first = next(k for k, note in enumerate(clip.notes) if note.start >= 2 * clip.bar)
    alone = rows_of(Clip(clip.notes[first:], clip.length, clip.tempo, clip.meter))
    assert np.array_equal(surroundings(rows_of(clip, [(first, 40)])), surroundings(alone))


@pytest.mark.parametrize("meter", [(4, 4), (3, 4), (2, 2), (12, 8)])
def test_a_note_stands_in_its_own_bar_wherever_its_window_begins(meter: tuple[int, int]) -> None:
    """So it is where a bar is whole quarters; else quarters are counted from the first bar of the window."""
    clip = random_clip(60, meter)
    own = slice(0, COLUMNS.index("chord"))
    whole = surroundings(rows_of(clip))[0, :, own]
    for first in (1, 17, 40):
        part = surroundings(rows_of(clip, [(first, 60)]))[0, :, own]
        assert part == pytest.approx(whole[first:], abs=1e-6)


@given(st.integers(1, 30), st.integers(1, 5), st.integers(0, 1000))
@settings(max_examples=12, deadline=None)
def test_a_row_is_the_same_in_a_batch_and_alone(size: int, batch: int, seed: int) -> None:
    clip, random = random_clip(60, (6, 8), seed), np.random.default_rng(seed)
    rows = [(int(first), int(first) + size) for first in random.integers(0, 61 - size, batch)]
    together = surroundings(rows_of(clip, rows))
    assert together.shape == (batch, size, SIZE)
    for row, alone in zip(rows, together, strict=True):
        assert alone == pytest.approx(surroundings(rows_of(clip, [row]))[0], abs=1e-5)


ODD = {
    "one note": [Note(0, 0, 1)],
    "one note for ever": [Note(0, 127, 2**31 - 1)],
    "a chord of 24": [Note(0, 40 + pitch, 960) for pitch in range(24)],
    "one note 400 times at once": [Note(0, 60, 960)] * 400,
    "notes of one tick": [Note(k * 100, 60 + k % 7, 1) for k in range(300)],
    "notes of 500 beats": [Note(k * 960, 30 + k % 60, 500 * 960) for k in range(300)],
    "notes an hour apart": [Note(k * 7200 * 960, 60, 960) for k in range(50)],
}


@pytest.mark.parametrize("name", ODD)
@pytest.mark.parametrize("tempo", [5.0, 120.0, 1000.0])
def test_odd_clips_give_numbers_of_a_usual_size(name: str, tempo: float) -> None:
    notes = ODD[name]
    clip = Clip(tuple(notes), notes[-1].start + 1, tempo)
    found = surroundings(rows_of(clip, [tuple(row) for row in NoteCodec().rows(len(notes)).tolist()]))
    assert found.dtype == np.float32
    assert np.isfinite(found).all() and np.abs(found).max() < 8


def test_four_thousand_notes_give_numbers_of_a_usual_size() -> None:
    clip = random_clip(4000, (4, 4))
    found = surroundings(rows_of(clip, [tuple(row) for row in NoteCodec().rows(4000).tolist()]))
    assert found.shape == (25, 192, SIZE)
    assert np.isfinite(found).all() and np.abs(found).max() < 8
