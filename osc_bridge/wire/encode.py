"""Messages to datagrams: only i, f and s, and nothing that a receiver in the field misreads."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator, Sequence

from continuo_daw.assistant.music.clip import TICKS, Note

LOOPBACK_SIZE = 4000  # bytes a datagram at most, as receivers in the field truncate or drop larger ones
NETWORK_SIZE = 1400  # the same over a network: one Ethernet frame
MAX_TEXT = 1000  # bytes of a string
MAX_FLOAT = (2 - 2**-23) * 2.0**127  # of single precision
NOTE_TAGS = "iffii"  # pitch start duration velocity mute
NOTE_SIZE = 25  # bytes a note: five values and their tags

Value = int | float | str


def is_loopback(host: str) -> bool:
    """True where `host` is this machine's own loopback address."""
    return host.startswith("127.") or host == "::1"


def datagram_size(host: str) -> int:
    """Bytes that a datagram to `host` may have."""
    return LOOPBACK_SIZE if is_loopback(host) else NETWORK_SIZE


def encode(address: str, *arguments: Value, notes: Sequence[Note] = ()) -> bytes:
    """One message: `arguments`, then the five values of each note.

    Booleans go as i. A whole number beyond 31 bits and a float beyond single precision go as text, because i and f
    cannot carry them. NULs and lone surrogates are left out of strings, and strings end after `MAX_TEXT` bytes.
    """
    tags = [","]
    codes = [">"]
    values: list[int | float | bytes] = []
    for argument in arguments:
        if isinstance(argument, int) and -(2**31) <= argument < 2**31:
            tags.append("i")
            codes.append("i")
            values.append(int(argument))
        elif isinstance(argument, float) and math.isfinite(argument) and abs(argument) <= MAX_FLOAT:
            tags.append("f")
            codes.append("f")
            values.append(argument)
        else:
            text = _bytes(str(argument))
            tags.append("s")
            codes.append(_string_code(text))
            values.append(text)
    tags.append(NOTE_TAGS * len(notes))
    codes.append(NOTE_TAGS * len(notes))
    values.extend(note_values(notes))
    head = _bytes(address), "".join(tags).encode()
    codes[0] = ">" + "".join(map(_string_code, head))
    return struct.pack("".join(codes), *head, *values)


def note_values(notes: Sequence[Note]) -> list[int | float]:
    """The wire's form of notes: `pitch start duration velocity mute`, times in beats."""
    return [
        value
        for note in notes
        for value in (note.pitch, note.start / TICKS, note.duration / TICKS, note.velocity, int(note.muted))
    ]


def note_parts(
    address: str, before: tuple[Value, ...], first: int, total: int, notes: Sequence[Note], size: int
) -> Iterator[tuple[tuple[Value, ...], Sequence[Note]]]:
    """`notes` cut so that each message `address before... first total notes...` has at most `size` bytes.

    Gives the arguments in front of the notes and the notes of each message.
    """
    room = size - len(encode(address, *before, first, total)) - 3  # the longer tag string may need 3 bytes more
    step = max(1, room // NOTE_SIZE)
    for offset in range(0, len(notes), step):
        yield (*before, first + offset, total), notes[offset : offset + step]


def value_parts(
    address: str, before: tuple[Value, ...], rows: Sequence[tuple[Value, ...]], size: int
) -> Iterator[tuple[Value, ...]]:
    """`rows` cut so that each message `address before... first total values...` has at most `size` bytes.

    Gives the arguments of each message, one even where there are no rows; a row that is larger goes alone.
    """
    room = size - len(encode(address, *before, 0, len(rows))) - 3  # the longer tag string may need 3 bytes more
    first, used = 0, 0
    for index, row in enumerate(rows):
        needed = len(encode("/", *row)) - len(encode("/")) + 3
        if used and used + needed > room:
            yield (*before, first, len(rows), *(value for one in rows[first:index] for value in one))
            first, used = index, 0
        used += needed
    yield (*before, first, len(rows), *(value for one in rows[first:] for value in one))


def _bytes(text: str) -> bytes:
    data = text.replace("\0", "").encode("utf-8", "ignore")
    return data if len(data) <= MAX_TEXT else data[:MAX_TEXT].decode("utf-8", "ignore").encode()


def _string_code(text: bytes) -> str:
    return f"{len(text) // 4 * 4 + 4}s"
