"""OSC 1.0 messages as the daemon takes and sends them: whole numbers (i), floats (f) and text (s)."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence

SIZE = 4000  # bytes of a datagram at most: some receivers in the field truncate or drop larger ones
NOTE_SIZE = 25  # bytes a note: five values and their tags


def encode(address: str, *arguments: int | float | str) -> bytes:
    """One message. A whole number beyond 31 bits goes as text, because i cannot carry it."""
    tags = ","
    data = b""
    for argument in arguments:
        if isinstance(argument, int) and -(2**31) <= argument < 2**31:
            tags += "i"
            data += struct.pack(">i", argument)
        elif isinstance(argument, float):
            tags += "f"
            data += struct.pack(">f", argument)
        else:
            tags += "s"
            data += _padded(str(argument))
    return _padded(address) + _padded(tags) + data


def clip_messages(
    name: str, notes: Sequence[tuple], length: float, tempo: float, meter: tuple[int, int], track: Sequence = ()
) -> Iterator[bytes]:
    """The messages that give the daemon a clip, its notes in parts that fit a datagram.

    A note is `(pitch, start, duration, velocity, mute)`; times and `length` in beats, `tempo` in quarters a minute.
    `track`: what is known of it, as `key, value, key, value ...`.
    """
    address = "/continuo/clip"
    if not notes:
        yield encode(address, name, 0, 0)
    room = SIZE - len(encode(address, name, 0, len(notes))) - 3  # the longer tag string may need 3 bytes more
    step = room // NOTE_SIZE
    for first in range(0, len(notes), step):
        values = [value for note in notes[first : first + step] for value in note]
        yield encode(address, name, first, len(notes), *values)
    yield encode(address + "/info", name, length, tempo, *meter, *track)


def decode(datagram: bytes) -> tuple[str, list]:
    """Address and arguments of a message. Raises ValueError where it is not one that the daemon sends."""
    try:
        address, place = _text(datagram, 0)
        tags, place = _text(datagram, place)
        arguments: list = []
        for tag in tags[1:]:
            if tag == "s":
                text, place = _text(datagram, place)
                arguments.append(text)
            elif tag in "if":
                arguments.append(struct.unpack_from(">" + tag, datagram, place)[0])
                place += 4
            else:
                raise ValueError("the daemon sends no " + tag)
    except struct.error as error:
        raise ValueError(str(error)) from None
    if not address.startswith("/") or not tags.startswith(","):
        raise ValueError("no OSC message")
    return address, arguments


def _padded(text: str) -> bytes:
    data = text.replace("\0", "").encode("utf-8", "ignore")
    return data + b"\0" * (4 - len(data) % 4)


def _text(datagram: bytes, start: int) -> tuple[str, int]:
    """The text at `start`, and the place behind its padding."""
    end = datagram.index(b"\0", start)  # ValueError where there is none
    return datagram[start:end].decode("utf-8"), end + 4 - end % 4
