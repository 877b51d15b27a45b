"""The arguments of a request: id, pairs of key and value, and the notes behind them."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from continuo_daw.assistant.errors import AssistantError
from continuo_daw.assistant.option import Option, Value, check_options
from continuo_daw.osc_bridge.wire.decode import Argument

Identity = int | float | str

MAX_IDENTITY = 255  # bytes of an id that is text
MAX_CLIPS = 16  # named in one request
MAX_CONTEXTS = 32  # likewise
WIDTHS = {"context_at": 2}  # values behind a key of a request, where that is not one
INDEX = 2**31 - 1
FIRST = Option("first", "int", 0, "index of the first note in this message", 0, INDEX)
TOTAL = Option("total", "int", None, "number of notes in the clip", 0, INDEX)
LENGTH = Option("length_beats", "float", None, "length of the clip", 1 / 960, 2_000_000)
TEMPO = Option("tempo_bpm", "float", 120.0, "quarter notes a minute", 5, 1000)
NUMERATOR = Option("numerator", "int", 4, "of the meter", 1, 64)
DENOMINATOR = Option("denominator", "int", 4, "of the meter: 1, 2, 4 ... 64", 1, 64)
AT = Option("at_beats", "float", None, "where it changes, from the start of the clip", 0, 2_000_000)
TRACK = (  # what clip/info takes behind its five arguments
    Option("name", "text", "", "name of the track"),
    Option("channel", "int", None, "MIDI channel; left out: not known", 1, 16),
    Option("program", "int", None, "General MIDI program, counted from 1; left out: not known", 1, 128),
    Option("drums", "bool", None, "whether pitches name drums; left out: those of channel 10 do"),
    Option("upbeat", "float", 0.0, "beats from the start of the clip to its first bar line", 0, 256),
)
CONTEXT_AT = Option(
    "context_at", "float", 0.0, "where a context starts, from the start of the clip", -2_000_000, 2_000_000
)
PORT = Option("reply_port", "int", 0, "a UDP port of the asking host, 1024 to 65535, or 0", 0, 65535)


class Asked(NamedTuple):
    """A request as it stands on the wire, nothing checked but its form."""

    options: dict[str, Argument]
    clips: tuple[str, ...]
    notes: tuple[Argument, ...] | None  # None where no clip rides inside
    contexts: Mapping[str, Argument] = MappingProxyType({})  # by name: where each starts, in beats


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


class _Reading:
    """A request on its way in: the first fault is kept, and what can be read goes on being read."""

    def __init__(self) -> None:
        self.options: dict[str, Argument] = {}
        self.clips: list[str] = []
        self.contexts: dict[str, Argument] = {}
        self.starts: dict[str, Argument] = {}
        self.fault = ""

    def pair(self, key: str, values: Sequence[Argument]) -> None:
        """A key with the values that it takes: one, `context_at` two."""
        if len(values) < WIDTHS.get(key, 1):
            self.wrong(f"{key[:80]} has no value" if not values else f"{key} {text_of(values[0])[:80]} has no beats")
        elif key == "clip":
            self.clips.append(text_of(values[0]))
        elif key == "context":
            self._once(self.contexts, key, text_of(values[0]), None)
        elif key == "context_at":
            self._once(self.starts, key, text_of(values[0]), values[1])
        elif key in self.options:
            self.wrong(f"{key[:80]} is given twice")
        elif values[0] is not None:
            self.options[key] = values[0]

    def wrong(self, text: str) -> None:
        """Keep the first."""
        self.fault = self.fault or text

    def asked(self, notes: tuple[Argument, ...] | None) -> Asked:
        """What was read, with the bounds of a whole request."""
        for what, count, most in (
            ("clips", len(self.clips), MAX_CLIPS),
            ("contexts", len(self.contexts), MAX_CONTEXTS),
        ):
            if count > most:
                self.wrong(f"{count} {what}; a request names at most {most}")
        for name in self.starts:
            if name not in self.contexts:
                self.wrong(f"context_at {name[:80]}: the request names no such context{nearest(name, self.contexts)}")
        contexts = {name: self.starts.get(name) for name in self.contexts}
        return Asked(self.options, tuple(self.clips), notes, contexts)

    def _once(self, known: dict[str, Argument], key: str, name: str, value: Argument) -> None:
        if name in known:
            self.wrong(f"{key} {name[:80]} is given twice")
        known[name] = value


def read_asked(arguments: Sequence[Argument]) -> tuple[Asked, AssistantError | None]:
    """What stands behind the id, and what is wrong with its form.

    Both, because a wrong request too has to be answered where its `reply_port` and `reply_file` say.
    """
    reading = _Reading()
    notes: tuple[Argument, ...] | None = None
    index = 1
    while index < len(arguments):
        key = arguments[index]
        if key == "notes":
            notes = tuple(arguments[index + 1 :])
            break
        width = WIDTHS.get(key, 1) if isinstance(key, str) else 1
        if isinstance(key, str):
            reading.pair(key, arguments[index + 1 : index + 1 + width])
        else:
            reading.wrong(f"{str(key)[:40]} stands where the name of an option should")
        index += 1 + width
    asked = reading.asked(notes)
    return asked, AssistantError("bad_args", reading.fault) if reading.fault else None


def read_pairs(options: Sequence[Option], values: Sequence[Argument]) -> dict[str, Value | None]:
    """`key value` pairs by a table, with defaults. Raises `bad_args` that names key, value and range."""
    given: dict[str, Argument] = {}
    for index in range(0, len(values), 2):
        key = values[index]
        if not isinstance(key, str):
            raise AssistantError(
                "bad_args", f"{str(key)[:40]} stands where one of {', '.join(o.key for o in options)} should"
            )
        if index + 1 == len(values):
            raise AssistantError("bad_args", f"{key[:80]} has no value")
        if key in given:
            raise AssistantError("bad_args", f"{key[:80]} is given twice")
        given[key] = values[index + 1]
    return check_options(options, {key: value for key, value in given.items() if value is not None})


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
