"""The encoder: byte for byte python-osc's datagrams, and nothing that receivers misread."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pythonosc.osc_message_builder import OscMessageBuilder
from scale_engine import scale

from continuo_daw.assistant.music.clip import Note
from continuo_daw.osc_bridge.wire.decode import decode
from continuo_daw.osc_bridge.wire.encode import (
    LOOPBACK_SIZE,
    NETWORK_SIZE,
    datagram_size,
    encode,
    note_parts,
    note_values,
)
from continuo_daw.osc_bridge.wire.notes import read_notes


def python_osc(address: str, pairs: list[tuple[str, object]]) -> bytes:
    builder = OscMessageBuilder(address)
    for tag, value in pairs:
        builder.add_arg(value, tag)  # type: ignore[arg-type]
    return builder.build().dgram


notes = st.builds(
    Note, st.integers(0, 10**6), st.integers(0, 127), st.integers(1, 10**5), st.integers(1, 127), st.booleans()
)
texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=50)
arguments = st.one_of(
    st.tuples(st.just("i"), st.integers(-(2**31), 2**31 - 1)),
    st.tuples(st.just("f"), st.floats(width=32, allow_nan=False, allow_infinity=False)),
    st.tuples(st.just("s"), texts),
)


@settings(deadline=None)
@given(st.lists(arguments, max_size=10), st.lists(notes, max_size=40))
def test_the_bytes_are_those_of_python_osc(pairs: list[tuple[str, object]], given_notes: list[Note]) -> None:
    tagged = list(zip("iffii" * len(given_notes), note_values(given_notes), strict=True))
    expected = python_osc("/continuo/notes", [*pairs, *tagged])
    assert encode("/continuo/notes", *(value for _, value in pairs), notes=given_notes) == expected  # type: ignore[misc]


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        (True, 1),
        (False, 0),
        (2**31, "2147483648"),
        (-(2**31) - 1, "-2147483649"),
        (1e39, "1e+39"),
        (3.4028234663852886e38, 3.4028234663852886e38),
        (float("nan"), "nan"),
        ("a\0bcdefg", "abcdefg"),
        ("caf\udce9", "caf"),
        ("é" * 600, "é" * 500),
    ],
)
def test_what_receivers_misread_is_sent_in_another_form(value: int | float | str, sent: object) -> None:
    assert decode(encode("/a", value, 5))[0].arguments == (sent, 5)
    assert type(decode(encode("/a", value, 5))[0].arguments[0]) is type(sent)


@settings(deadline=None)
@given(st.lists(notes, max_size=60))
def test_notes_come_back_the_same(given_notes: list[Note]) -> None:
    assert read_notes(decode(encode("/a", notes=given_notes))[0].arguments) == tuple(given_notes)


@pytest.mark.parametrize("size", [NETWORK_SIZE, LOOPBACK_SIZE])
@pytest.mark.parametrize("identity", [7, "job-8", "j" * 255])
def test_parts_fill_the_datagrams_and_never_more(size: int, identity: int | str) -> None:
    wanted = scale(0, 0, 1000)
    parts = list(note_parts("/continuo/notes", (identity, 0), 0, 1000, wanted, size))
    sizes = [len(encode("/continuo/notes", *before, notes=part)) for before, part in parts]
    assert max(sizes) <= size
    assert min(sizes[:-1]) > size - 32
    assert [before[2] for before, _ in parts] == [sum(len(p) for _, p in parts[:k]) for k in range(len(parts))]
    assert tuple(note for _, part in parts for note in part) == wanted


@pytest.mark.parametrize(("host", "size"), [("127.0.0.1", 4000), ("::1", 4000), ("192.168.1.5", 1400)])
def test_size_by_host(host: str, size: int) -> None:
    assert datagram_size(host) == size
