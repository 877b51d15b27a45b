"""Messages as text, the way a script writes what it asks: the inverse of `spool.as_text`."""

from __future__ import annotations

import json
import re
from pathlib import Path

from continuo_daw.assistant.errors import AssistantError
from continuo_daw.osc_bridge.wire.encode import Value

MAX_BYTES = 2**24  # of a file; a note takes about 40

Question = tuple[str, tuple[Value, ...]]  # address, arguments

_VALUE = re.compile(r' *(?:("(?:[^"\\]|\\.)*")|([^\s"]+))(?= |\Z)', re.DOTALL)
_WHOLE = re.compile(r"[+-]?\d+")


def read_ask(path: Path) -> list[Question]:
    """The messages of a file. Raises AssistantError `not_found`, `too_large`, or `bad_args` that names the line."""
    if not path.is_file():  # a pipe would be waited for
        raise AssistantError("not_found", f"there is no file {path}")
    with path.open("rb") as file:
        data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise AssistantError("too_large", f"{path.name} has more than {MAX_BYTES // 2**20} MB")
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise AssistantError("bad_args", f"{path.name} is not text in UTF-8") from None
    messages = []
    for number, line in enumerate(text.split("\n"), 1):  # alone: JSON leaves the other line ends as they are
        if line.strip():
            try:
                messages.append(from_text(line.removesuffix("\r")))
            except ValueError as error:
                raise AssistantError("bad_args", f"{path.name}, line {number}: {error}") from None
    if not messages:
        raise AssistantError("bad_args", f"{path.name} holds no message")
    return messages


def from_text(line: str) -> Question:
    """Address and arguments of a line that `as_text` wrote. Raises ValueError with what is wrong."""
    address, _, rest = line.partition(" ")
    if not address.startswith("/"):
        raise ValueError(f"{address[:40]} is not an address: those start with /")
    values: list[Value] = []
    position, rest = 0, rest.rstrip(" ")
    while position < len(rest):
        match = _VALUE.match(rest, position)
        if match is None:
            raise ValueError(f"{rest[position : position + 40].strip()} is neither a number nor a word nor in quotes")
        values.append(_value(*match.groups()))
        position = match.end()
    return address, tuple(values)


def _value(quoted: str | None, word: str) -> Value:
    if quoted is not None:
        return str(json.loads(quoted, strict=False))
    if word[0].isalpha() or word[0] in "_/":
        return word
    try:
        return int(word) if _WHOLE.fullmatch(word) else float(word)
    except ValueError:
        raise ValueError(f"{word[:40]} is neither a number nor a word nor in quotes") from None
