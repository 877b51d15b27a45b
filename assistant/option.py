"""Options of a task: one row here is a command-line flag, an OSC key, a menu entry and a line of the reference."""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from continuo_daw.assistant.errors import AssistantError

Value = int | float | bool | str
AUTO = "auto"  # takes the value from the clip


@dataclass(frozen=True, slots=True)
class Option:
    """One option: `type` is `int`, `float`, `bool`, `text`, `choice` or `series`; `low` and `high` bound the numbers.

    A series is a number, or several joined by commas, one value a bar, or `auto`, which takes it from the clip.
    `default` None means that the task decides, as `help` says.
    """

    key: str
    type: str
    default: Value | None
    help: str
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()

    def check(self, value: object) -> Value:
        """`value` in this option's type. Raises AssistantError `bad_args` that names key, value and range.

        Numbers are interchangeable where the value fits: 1, 1.0, True and "1" are the same int.
        """
        try:
            checked = _READ[self.type](value)
        except (TypeError, ValueError, OverflowError):
            raise AssistantError("bad_args", f"{self.key} {_show(value)} is not {self.range}") from None
        low, high = self.low, self.high
        if any((low is not None and n < low) or (high is not None and n > high) for n in numbers_of(checked)):
            raise AssistantError("bad_args", f"{self.key} {_show(value)} is not {self.range}")
        if self.choices and checked not in self.choices:
            near = difflib.get_close_matches(str(checked), self.choices, 1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise AssistantError("bad_args", f"{self.key} {_show(value)} is not {self.range}{hint}")
        return checked

    @property
    def range(self) -> str:
        """What the option takes, in words."""
        if self.choices:
            return "one of " + ", ".join(self.choices)
        if self.type in ("int", "float"):
            what = "a whole number" if self.type == "int" else "a number"
            if self.low is not None and self.high is not None:
                return f"{what} from {self.low:.10g} to {self.high:.10g}"
            if self.low is not None:
                return f"{what} of at least {self.low:.10g}"
            return what
        if self.type == "series":
            one = f"a number from {self.low:.10g} to {self.high:.10g}"
            return f"{one}, or several joined by commas, one for each bar, or {AUTO}"
        return "true or false" if self.type == "bool" else "text"

    @property
    def wire_type(self) -> str:
        """The type as the protocol names it, which knows no lists: they travel as text."""
        return "text" if self.type == "series" else self.type


def check_options(options: Iterable[Option], given: Mapping[str, object]) -> dict[str, Value | None]:
    """Every option of the table with its checked value or its default; an unknown key names the nearest known one."""
    table = {o.key: o for o in options}
    for key in given:
        if key not in table:
            near = difflib.get_close_matches(key, table, 1)
            hint = f"; did you mean {near[0]}?" if near else "; known: " + ", ".join(table)
            raise AssistantError("bad_args", f"unknown option {_show(key)}{hint}")
    return {key: o.check(given[key]) if key in given else o.default for key, o in table.items()}


def _show(value: object) -> str:
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


def _int(value: object) -> int:
    number = _float(value)
    if number != int(number):
        raise ValueError(number)
    return int(value) if isinstance(value, (int, str)) and str(value).lstrip("+-").isdigit() else int(number)


def _float(value: object) -> float:
    if not isinstance(value, (int, float, str)):
        raise TypeError(value)
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(number)
    return number


def _bool(value: object) -> bool:
    words = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
    if isinstance(value, str) and value.lower() in words:
        return words[value.lower()]
    number = _float(value)
    if number not in (0.0, 1.0):
        raise ValueError(number)
    return bool(number)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    return value


def _series(value: object) -> Value:
    """One number as it is, several as text with commas, or `auto`."""
    if isinstance(value, str) and value.strip().lower() == AUTO:
        return AUTO
    numbers = [_float(part) for part in (value.split(",") if isinstance(value, str) else [value])]
    return numbers[0] if len(numbers) == 1 else ",".join(f"{number:.10g}" for number in numbers)


def numbers_of(value: Value) -> tuple[float, ...]:
    """The numbers of a checked value: several of a series, none of other text."""
    if not isinstance(value, str):
        return (value,)
    try:
        return tuple(map(float, value.split(",")))
    except ValueError:
        return ()


_READ: dict[str, Callable[[object], Value]] = {
    "int": _int,
    "float": _float,
    "bool": _bool,
    "text": _text,
    "choice": _text,
    "series": _series,
}
