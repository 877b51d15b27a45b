"""Options: every way to write a value that fits, and errors that name key, value and range."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from continuo_daw.assistant.errors import AssistantError
from continuo_daw.assistant.option import Option, check_options

BARS = Option("bars", "int", 4, "how many bars", 1, 64)
HEAT = Option("temperature", "float", 1.0, "how wild", 0.1, 2.0)
LOOP = Option("loop", "bool", False, "ends as it begins")
MODEL = Option("model", "text", "", "name of the model")
GRID = Option("grid", "choice", "keep", "what becomes of micro-timing", choices=("keep", "round"))
SEED = Option("seed", "int", None, "same seed, same notes", 0, 2**31 - 1)
TABLE = (BARS, HEAT, LOOP, MODEL, GRID, SEED)


@pytest.mark.parametrize("value", [1, 1.0, True, "1", "1.0", "+1"])
def test_numbers_are_interchangeable(value: object) -> None:
    checked = BARS.check(value)
    assert (checked, type(checked)) == (1, int)


@pytest.mark.parametrize("value", [True, 1, 1.0, "1", "true", "Yes", "on"])
def test_ways_to_say_true(value: object) -> None:
    assert LOOP.check(value) is True


@pytest.mark.parametrize("value", [False, 0, 0.0, "0", "false", "no", "OFF"])
def test_ways_to_say_false(value: object) -> None:
    assert LOOP.check(value) is False


def test_a_whole_number_becomes_a_float() -> None:
    assert type(HEAT.check(1)) is float


def test_a_large_seed_keeps_every_digit() -> None:
    assert SEED.check(str(2**31 - 1)) == 2**31 - 1


@pytest.mark.parametrize(
    ("option", "value", "text"),
    [
        (BARS, 0, "bars 0 is not a whole number from 1 to 64"),
        (BARS, 65, "bars 65 is not a whole number from 1 to 64"),
        (BARS, 1.5, "bars 1.5 is not a whole number"),
        (BARS, "four", "bars four is not a whole number"),
        (BARS, None, "bars None is not a whole number"),
        (BARS, "1e400", "bars 1e400 is not"),
        pytest.param(BARS, 10**400, "bars 1000", id="huge"),
        (HEAT, float("nan"), "temperature nan is not a number from 0.1 to 2"),
        (HEAT, float("inf"), "temperature inf is not a number"),
        (LOOP, 2, "loop 2 is not true or false"),
        (LOOP, "maybe", "loop maybe is not true or false"),
        (MODEL, 3, "model 3 is not text"),
        (GRID, "rond", "grid rond is not one of keep, round; did you mean round"),
    ],
)
def test_a_value_out_of_range_names_key_value_and_range(option: Option, value: object, text: str) -> None:
    with pytest.raises(AssistantError, match=text) as caught:
        option.check(value)
    assert caught.value.code == "bad_args"


def test_a_huge_value_does_not_fill_the_error() -> None:
    with pytest.raises(AssistantError) as caught:
        BARS.check("9" * 10_000)
    assert len(caught.value.text) < 200


@settings(deadline=None)
@given(st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.lists(st.integers()))
def test_any_value_is_checked_or_refused(value: object) -> None:
    for option in TABLE:
        try:
            option.check(option.check(value))
        except AssistantError as error:
            assert error.text.startswith(option.key)


def test_what_is_left_out_takes_its_default() -> None:
    assert check_options(TABLE, {"bars": "8"}) == {
        "bars": 8,
        "temperature": 1.0,
        "loop": False,
        "model": "",
        "grid": "keep",
        "seed": None,
    }


def test_an_unknown_key_names_the_nearest() -> None:
    with pytest.raises(AssistantError, match="unknown option temperatur; did you mean temperature"):
        check_options(TABLE, {"temperatur": 1})


def test_a_key_like_no_other_names_them_all() -> None:
    with pytest.raises(AssistantError, match="unknown option xyz; known: bars, temperature"):
        check_options(TABLE, {"xyz": 1})
