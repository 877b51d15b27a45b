"""Piano-roll pictures: what a person reads from the colours stands where the notes are."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from assistant.clip import Clip, Note
from assistant.picture import GIVEN, NEW, Row, piano_roll
from assistant.request import AssistantError

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
