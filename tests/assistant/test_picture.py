"""Piano-roll pictures: what a person reads from the colours stands where the notes are."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from continuo_daw.assistant.drawing.ink import GIVEN, NEW, OCTAVE_LINE
from continuo_daw.assistant.drawing.lanes import GAP, HEIGHT
from continuo_daw.assistant.drawing.piano_roll import Row, piano_roll, rows_of
from continuo_daw.assistant.errors import AssistantError
from continuo_daw.assistant.music.clip import Clip, Note
from continuo_daw.assistant.request import Candidate

LOUD = Clip((Note(0, 60, 3840, 127),), 3840)
LEGEND = 100  # pixels at the top, where both colours stand


@pytest.fixture
def draw(tmp_path: Path):
    def drawn(rows: Sequence[Row]) -> Image.Image:
        piano_roll(rows, tmp_path / "roll.png", "A heading")
        return Image.open(tmp_path / "roll.png").convert("RGB")

    return drawn


def places(image: Image.Image, color: tuple[int, int, int]) -> list[tuple[int, int]]:
    """Where the colour stands below the legend, as x and y."""
    rows, columns = np.nonzero((np.asarray(image)[LEGEND:] == color).all(axis=2))
    return [(int(x), int(y) + LEGEND) for x, y in zip(columns, rows, strict=True)]


def test_given_notes_stand_left_of_the_new_ones(draw) -> None:
    image = draw([Row("continue", LOUD, LOUD, LOUD.length)])
    assert max(x for x, _ in places(image, GIVEN[1])) < min(x for x, _ in places(image, NEW[1]))


def test_a_row_without_new_notes_has_no_colour_of_theirs(draw) -> None:
    image = draw([Row("given", LOUD, None)])
    assert places(image, GIVEN[1]) and not places(image, NEW[1])


def test_higher_notes_stand_higher(draw) -> None:
    image = draw([Row("two", Clip((Note(0, 60, 960, 127),), 3840), Clip((Note(0, 72, 960, 127),), 3840))])
    assert max(y for _, y in places(image, NEW[1])) < min(y for _, y in places(image, GIVEN[1]))


def test_loud_notes_are_darker(draw) -> None:
    soft, loud = (draw([Row("one", Clip((Note(0, 60, 3840, v),), 3840), None)]) for v in (10, 120))
    inside = next((x + 60, y + 5) for x, y in places(loud, GIVEN[1]))
    assert sum(loud.getpixel(inside)) < sum(soft.getpixel(inside)) - 60


def test_a_muted_note_is_empty(draw) -> None:
    muted = draw([Row("one", Clip((Note(0, 60, 3840, 127, muted=True),), 3840), None)])
    assert 0 < len(places(muted, GIVEN[1])) < len(places(draw([Row("one", LOUD, None)]), GIVEN[1])) / 3


def dots(image: Image.Image, color: tuple[int, int, int]) -> list[int]:
    """How high the rims of dots in this colour stand, from the bottom of the picture."""
    return sorted({image.height - y for _, y in places(image, color) if image.height - y < 200})


def test_a_velocity_lane_shows_how_loud_a_note_is(draw) -> None:
    def clip(velocity: int) -> Clip:
        return Clip((Note(960, 60, 960, velocity),), 3840)

    plain, soft, loud = (
        draw([Row("r", clip(v), None, lanes=lanes)]) for v, lanes in ((30, False), (30, True), (90, True))
    )
    assert soft.height - plain.height == HEIGHT + GAP
    assert not dots(plain, GIVEN[1])
    apart = max(dots(loud, GIVEN[1])) - max(dots(soft, GIVEN[1]))
    assert abs(apart - (90 - 30) / 127 * HEIGHT) <= 2


def test_a_muted_note_is_faint_in_its_lane(draw) -> None:
    muted = draw([Row("r", Clip((Note(960, 60, 960, 90, muted=True),), 3840), None, lanes=True)])
    assert not dots(muted, GIVEN[1])
    assert [y for _, y in places(muted, OCTAVE_LINE) if muted.height - y < 180]


def test_a_candidate_made_in_place_stands_below_what_it_was() -> None:
    soft = Clip((Note(0, 60, 3840, 20),), 3840)
    candidates = [(name, Candidate(soft, order=(0,))) for name in ("a", "b")]
    rows = rows_of([LOUD], candidates)
    assert [(row.title, row.given, row.new, row.lanes) for row in rows] == [
        ("before", LOUD, None, True),
        ("a", None, soft, True),
        ("before", LOUD, None, True),
        ("b", None, soft, True),
    ]
    like = rows_of([LOUD, soft], candidates)
    assert (like[0].given, like[0].lanes, like[1:]) == (soft, True, rows)
    assert not any(row.lanes for row in rows_of([LOUD], [("a", Candidate(soft))]))


def test_before_and_after_have_the_same_scale(draw) -> None:
    high = Clip((Note(0, 72, 3840, 127),), 3840)
    before, after = Row("before", LOUD, None, lanes=True), Row("after", None, high, lanes=True)
    image = draw([before, after])
    one = (image.height - draw([]).height) // 2  # height of each of the rows
    low, raised = (min(y for _, y in places(image, color)) for color in (GIVEN[1], NEW[1]))
    semitone = (low - (raised - one)) / 12
    assert 11 <= semitone == round(semitone) <= 18
    assert min(x for x, _ in places(image, GIVEN[1])) == min(x for x, _ in places(image, NEW[1]))


def test_every_candidate_gets_a_row_of_the_same_height(draw) -> None:
    heights = [draw([Row("row", LOUD, LOUD, 3840)] * count).height for count in (1, 2, 3)]
    assert heights[2] - heights[1] == heights[1] - heights[0] > 100


def test_a_long_clip_is_wider_within_bounds(draw) -> None:
    short, long, endless = (draw([Row("row", Clip(LOUD.notes, 3840 * bars), None)]).width for bars in (4, 40, 100_000))
    assert short < long < endless < 7000


def test_letters_that_the_font_lacks_are_written_without_their_accents(draw) -> None:
    accented, plain = (draw([Row(title, LOUD, None)]) for title in ("Andr\N{LATIN SMALL LETTER E WITH ACUTE}", "Andre"))
    assert accented.tobytes() == plain.tobytes()


def test_nothing_at_all_is_drawn_as_well(draw) -> None:
    assert draw([]).width > 0
    assert draw([Row("empty", None, None)]).height > 100


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(AssistantError, match=r"cannot write .*roll\.png"):
        piano_roll([Row("row", LOUD, None)], tmp_path / "none" / "roll.png")
