"""Datagram to messages: a strict, iterative OSC 1.0 decoder that no datagram can hang, recurse or shift.

What it refuses, it refuses whole: a guessed argument would be a wrong note.
"""

from __future__ import annotations

import math
import re
import struct
from typing import NamedTuple

IMMEDIATELY = 1  # the OSC time tag of everything that is not in a bundle
MAX_ADDRESS = 255  # characters
MAX_DEPTH = 8  # bundles in bundles
MAX_ELEMENTS = 1024  # of all bundles of a datagram together
MAX_ARGUMENTS = 20_000  # of one message

Argument = int | float | str | bool | None

_BUNDLE = b"#bundle\0"
_CONSTANTS = {"T": True, "F": False, "N": None}
_KNOWN = frozenset("ifdhsSTFN")
_RUNS = re.compile("([ifdhTFN]*)([sS]?)")  # numbers of a known size up to the next string
_FORMATS = str.maketrans("h", "q", "TFN")  # tags to struct codes; T, F and N have no bytes


class Message(NamedTuple):
    """One message; `time` is the NTP time tag of the innermost bundle around it."""

    address: str
    arguments: tuple[Argument, ...]
    time: int = IMMEDIATELY


class PacketError(Exception):
    """Why a datagram was refused. `message` is set where its bytes are whole and only a number is not finite."""

    def __init__(self, text: str, message: Message | None = None) -> None:
        super().__init__(text)
        self.text = text
        self.message = message


def decode(datagram: bytes) -> list[Message]:
    """The messages of a datagram in their order. Raises PacketError, and nothing else."""
    if not datagram or len(datagram) % 4:
        raise PacketError(f"{len(datagram)} bytes are not an OSC packet: the size is a multiple of 4")
    messages = []
    elements = 0
    pending = [(0, len(datagram), IMMEDIATELY, 0)]  # start, end, time tag, depth
    while pending:
        start, end, time, depth = pending.pop()
        if not datagram.startswith(_BUNDLE, start, end):
            messages.append(_message(datagram, start, end, time))
            continue
        if depth == MAX_DEPTH:
            raise PacketError(f"bundles lie more than {MAX_DEPTH} deep")
        time, spans = _bundle(datagram, start, end)
        elements += len(spans)
        if elements > MAX_ELEMENTS:
            raise PacketError(f"more than {MAX_ELEMENTS} bundle elements")
        pending.extend((first, last, time, depth + 1) for first, last in reversed(spans))
    return messages


def _bundle(data: bytes, start: int, end: int) -> tuple[int, list[tuple[int, int]]]:
    """Time tag of the bundle in `data[start:end]`, and where each element starts and ends."""
    if end - start < 16:
        raise PacketError("a bundle without a time tag")
    time = int.from_bytes(data[start + 8 : start + 16])
    spans = []
    position = start + 16
    while position < end:
        size = int.from_bytes(data[position : position + 4], signed=True)
        position += 4
        if size <= 0 or size % 4 or size > end - position:
            raise PacketError(f"a bundle element of {size} bytes where {end - position} are left")
        spans.append((position, position + size))
        position += size
    return time, spans


def _message(data: bytes, start: int, end: int, time: int) -> Message:
    address, position = _string(data, start, end)
    if not address.startswith("/"):
        raise PacketError("an address that does not start with /")
    if len(address) > MAX_ADDRESS:
        raise PacketError(f"an address of more than {MAX_ADDRESS} characters")
    if position == end:  # older senders leave the type tags of an argumentless message out
        return Message(address, (), time)
    if data[position : position + 1] != b",":
        raise PacketError("arguments without type tags")
    tags, position = _string(data, position, end)
    tags = tags[1:]
    if len(tags) > MAX_ARGUMENTS:
        raise PacketError(f"more than {MAX_ARGUMENTS} arguments")
    if unknown := set(tags) - _KNOWN:
        raise PacketError(f"argument type {min(unknown)!r} is not one of i f d h s S T F N")
    arguments: list[Argument] = []
    for numbers, text in _RUNS.findall(tags):
        if numbers:
            values, position = _numbers(data, position, end, numbers)
            arguments.extend(values)
        if text:
            value, position = _string(data, position, end)
            arguments.append(value)
    if position != end:
        raise PacketError(f"{end - position} bytes behind the last argument")
    message = Message(address, tuple(arguments), time)
    floats = [argument for argument in arguments if type(argument) is float]
    if not all(map(math.isfinite, floats)):
        wrong = next(value for value in floats if not math.isfinite(value))
        raise PacketError(f"argument {arguments.index(wrong)} is {wrong}: numbers are finite", message)
    return message


def _numbers(data: bytes, position: int, end: int, tags: str) -> tuple[tuple[Argument, ...], int]:
    """The values of a run of numeric tags, unpacked in one call: a note list is one such run."""
    codes = ">" + tags.translate(_FORMATS)
    after = position + struct.calcsize(codes)
    if after > end:
        raise PacketError(f"{after - end} bytes of arguments are missing")
    values = struct.unpack_from(codes, data, position)
    if len(values) < len(tags):
        stream = iter(values)
        values = tuple(_CONSTANTS[tag] if tag in _CONSTANTS else next(stream) for tag in tags)
    return values, after


def _string(data: bytes, start: int, end: int) -> tuple[str, int]:
    """The NUL-ended string at `start`, and where the argument behind its padding starts."""
    stop = data.find(b"\0", start, end)
    if stop < 0:
        raise PacketError("a string without an end")
    after = (stop + 4) & ~3
    if after > end or any(data[stop:after]):
        raise PacketError("a string that is not padded with zeros to a multiple of 4")
    try:
        return data[start:stop].decode(), after
    except UnicodeDecodeError:
        raise PacketError("a string that is not UTF-8") from None
