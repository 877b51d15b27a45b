"""The arguments of a request: id, pairs of key and value, and the notes behind them."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from continuo_daw.assistant.errors import AssistantError
from continuo_daw.assistant.option import Option
from continuo_daw.osc_bridge.wire.decode import Argument

Identity = int | float | str

MAX_IDENTITY = 255  # bytes of an id that is text
MAX_CLIPS = 16  # named in one request
INDEX = 2**31 - 1
FIRST = Option("first", "int", 0, "index of the first note in this message", 0, INDEX)
TOTAL = Option("total", "int", None, "number of notes in the clip", 0, INDEX)
LENGTH = Option("length_beats", "float", None, "length of the clip", 1 / 960, 2_000_000)
TEMPO = Option("tempo_bpm", "float", 120.0, "quarter notes a minute", 5, 1000)
NUMERATOR = Option("numerator", "int", 4, "of the meter", 1, 64)
DENOMINATOR = Option("denominator", "int", 4, "of the meter: 1, 2, 4 ... 64", 1, 64)
PORT = Option("reply_port", "int", 0, "a UDP port of the asking host, 1024 to 65535, or 0", 0, 65535)


class Asked(NamedTuple):
    """A request as it stands on the wire, nothing checked but its form."""

    options: dict[str, Argument]
    clips: tuple[str, ...]
    notes: tuple[Argument, ...] | None  # None where no clip rides inside


def argument(arguments: Sequence[Argument], index: int) -> Argument:
    """The argument at `index`, None where it is left out."""
    return arguments[index] if index < len(arguments) else None


def text_of(value: object) -> str:
    """A value as text: whole numbers without a decimal point, true and false as words, nothing as nothing."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def required_text(arguments: Sequence[Argument], index: int, name: str) -> str:
    """The text at `index`; a number is taken as its text. Raises `bad_args` where there is none."""
    value = argument(arguments, index)
    if value is None or value == "":
        raise AssistantError("bad_args", f"{name} is missing")
    text = text_of(value)
    if len(text.encode()) > MAX_IDENTITY:
        raise AssistantError("bad_args", f"{name} is longer than {MAX_IDENTITY} bytes")
    return text


def readable_identity(arguments: Sequence[Argument]) -> Identity:
    """The id that an error is answered with: the first argument, or "" where that is none."""
    first = argument(arguments, 0)
    if isinstance(first, str):
        return first if len(first.encode()) <= MAX_IDENTITY else ""
    return first if isinstance(first, (int, float)) and math.isfinite(first) else ""


def read_token(arguments: Sequence[Argument]) -> Identity:
    """The value that a ping or a sync gets back, "" where none was sent. Raises `bad_args` where it is not finite."""
    token = argument(arguments, 0)
    if isinstance(token, float) and not math.isfinite(token):
        raise AssistantError("bad_args", f"{token} cannot be sent back: numbers are finite")
    return "" if token is None else token


def read_identity(arguments: Sequence[Argument]) -> Identity:
    """The id of a request. Raises `bad_args` where it is neither text nor a whole number of 32 bits."""
    first = argument(arguments, 0)
    fits = isinstance(first, (int, float)) and abs(first) < 2**31 and first == int(first)
    if fits or (isinstance(first, str) and readable_identity(arguments) == first):
        return first  # type: ignore[return-value]
    shown = "is missing" if first is None else f"{str(first)[:40]} does not do"
    text = f"the id {shown}: the first argument is a whole number of 32 bits or text of at most {MAX_IDENTITY} bytes"
    raise AssistantError("bad_args", text)


def is_button(arguments: Sequence[Argument]) -> bool:
    """True for a lone number of at least zero: a button that was pressed, or with zero released."""
    return len(arguments) == 1 and isinstance(arguments[0], (int, float)) and arguments[0] >= 0


def read_asked(arguments: Sequence[Argument]) -> tuple[Asked, AssistantError | None]:
    """What stands behind the id, and what is wrong with its form.

    Both, because a wrong request too has to be answered where its `reply_port` and `reply_file` say.
    """
    options: dict[str, Argument] = {}
    clips: list[str] = []
    notes: tuple[Argument, ...] | None = None
    fault = None
    for index in range(1, len(arguments), 2):
        key = arguments[index]
        if key == "notes":
            notes = tuple(arguments[index + 1 :])
            break
        if not isinstance(key, str):
            fault = fault or f"{str(key)[:40]} stands where the name of an option should"
        elif index + 1 == len(arguments):
            fault = fault or f"{key[:80]} has no value"
        elif key in options:
            fault = fault or f"{key[:80]} is given twice"
        elif key == "clip":
            clips.append(text_of(arguments[index + 1]))
        elif arguments[index + 1] is not None:
            options[key] = arguments[index + 1]
    if len(clips) > MAX_CLIPS:
        fault = fault or f"{len(clips)} clips; a request names at most {MAX_CLIPS}"
    return Asked(options, tuple(clips), notes), AssistantError("bad_args", fault) if fault else None


def read_port(value: Argument, own: int) -> int:
    """A port to answer at, 0 for none. Raises `bad_args`; the system's ports and the daemon's own are not taken."""
    port = 0 if value is None else int(PORT.check(value))
    if 0 < port < 1024 or port == own:
        raise AssistantError(
            "bad_args", f"reply_port {port} is not 0 and not a port from 1024 to 65535 of the asking program"
        )
    return port


def nearest(name: str, known: Iterable[str]) -> str:
    """A hint at the known name that `name` may have meant."""
    found = difflib.get_close_matches(name, list(known), 1, 0.5)
    return f"; did you mean {found[0]}?" if found else ""
