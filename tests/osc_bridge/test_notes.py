"""Note lists from the wire, and what is said of a wrong one."""

from __future__ import annotations

import math

import pytest

from continuo_daw.assistant.errors import AssistantError
from continuo_daw.assistant.music.clip import Note
from continuo_daw.osc_bridge.wire.notes import read_notes

GOOD = [60, 0.0, 1.0, 96, 0]


def test_numbers_are_interchangeable() -> None:
    assert read_notes([60.0, 1, True, 96.0, False, 61, 0.5, 0.25, 1, 1.0]) == (
        Note(960, 60, 960, 96),
        Note(480, 61, 240, 1, True),
    )


def test_a_velocity_between_is_rounded_and_a_short_duration_is_one_tick() -> None:
    assert read_notes([60, 0.0, 1e-6, 63.5, 0]) == (Note(0, 60, 1, 64),)


@pytest.mark.parametrize(
    ("place", "value", "text"),
    [
        (0, 128, "note 3: pitch 128 is not a whole number from 0 to 127"),
        (0, -1, "note 3: pitch -1 is not"),
        (0, 60.5, "note 3: pitch 60.5 is not"),
        (0, "60", "note 3: pitch 60 is not"),
        (1, -0.001, "note 3: start -0.001 is not"),
        (1, math.nan, "note 3: start nan is not"),
        (1, math.inf, "note 3: start inf is not"),
        (1, 2**40, "note 3: start 1099511627776 is not"),
        (2, 0.0, "note 3: duration 0.0 is not a number of beats above 0"),
        (2, None, "note 3: duration nothing is not"),
        (3, 0, "note 3: velocity 0 is not a number from 1 to 127"),
        (3, 127.4, "note 3: velocity 127.4 is not"),
        (4, 2, "note 3: mute 2 is not 0 or 1"),
        (4, 0.5, "note 3: mute 0.5 is not 0 or 1"),
    ],
)
def test_a_wrong_value_names_the_note(place: int, value: object, text: str) -> None:
    wrong = [*GOOD, *GOOD]
    wrong[5 + place] = value  # type: ignore[call-overload]
    with pytest.raises(AssistantError, match=text) as caught:
        read_notes(wrong, first=2)
    assert caught.value.code == "bad_args"


def test_values_that_are_no_multiple_of_five() -> None:
    with pytest.raises(AssistantError, match="6 is no multiple of five"):
        read_notes([*GOOD, 60])
