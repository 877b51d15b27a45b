"""The decoder: every row of what is refused, and python-osc's datagrams read back."""

from __future__ import annotations

import math
import random
import struct
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pythonosc.osc_bundle_builder import OscBundleBuilder
from pythonosc.osc_message_builder import OscMessageBuilder, build_msg

from continuo_daw.osc_bridge.wire.decode import MAX_ELEMENTS, Message, PacketError, decode

PING = b"/ping\0\0\0"
BUNDLE = b"#bundle\0" + bytes(7) + b"\1"


def element(data: bytes) -> bytes:
    return struct.pack(">i", len(data)) + data


def nested(depth: int) -> bytes:
    data = PING
    for _ in range(depth):
        data = BUNDLE + element(data)
    return data


REFUSED = {
    "empty": (b"", "0 bytes"),
    "odd size": (b"/ping\0\0", "multiple of 4"),
    "no slash": (b"ping\0\0\0\0", "does not start with /"),
    "address without end": (b"/pin", "without an end"),
    "address padded with more than zeros": (b"/p\0x", "padded with zeros"),
    "address not UTF-8": (b"/\xff\xff\0", "not UTF-8"),
    "address too long": (b"/" + b"a" * 258 + b"\0", "255 characters"),
    "data without tags": (PING + b"\0\0\0\1", "without type tags"),
    "tags without comma": (PING + b"i\0\0\0\0\0\0\1", "without type tags"),
    "blob": (PING + b",b\0\0\0\0\0\0", "argument type 'b'"),
    "negative blob": (PING + b",b\0\0\xff\xff\xff\xfc", "argument type 'b'"),
    "arrays": (PING + b",[i]\0\0\0\0" + bytes(4), r"argument type '\['"),
    "missing int": (PING + b",i\0\0", "4 bytes of arguments are missing"),
    "missing float bytes": (PING + b",d\0\0\0\0\0\0", "4 bytes of arguments are missing"),
    "missing string": (PING + b",s\0\0", "without an end"),
    "string padded with more than zeros": (PING + b",s\0\0a\0\0x", "padded with zeros"),
    "string not UTF-8": (PING + b",s\0\0\xc3\x28\0\0", "not UTF-8"),
    "string with a surrogate": (PING + b",s\0\0\xed\xa0\x80\0", "not UTF-8"),
    "bytes behind": (PING + b",i\0\0" + bytes(8), "4 bytes behind the last argument"),
    "too many arguments": (PING + b"," + b"N" * 20_003 + bytes(4), "more than 20000 arguments"),
    "not a number": (PING + b",f\0\0" + struct.pack(">f", math.nan), "argument 0 is nan"),
    "infinite": (PING + b",d\0\0" + struct.pack(">d", -math.inf), "argument 0 is -inf"),
    "bundle without time": (b"#bundle\0", "without a time tag"),
    "bundle element of negative size": (BUNDLE + b"\xff\xff\xff\xfc", "element of -4 bytes"),
    "bundle element of no size": (BUNDLE + bytes(4), "element of 0 bytes"),
    "bundle element of odd size": (BUNDLE + struct.pack(">i", 6) + PING, "element of 6 bytes"),
    "bundle element larger than the rest": (BUNDLE + struct.pack(">i", 12) + PING, "element of 12 bytes where 8"),
    "bundles nested too deep": (nested(9), "more than 8 deep"),
    "bundles nested without end": (nested(390), "more than 8 deep"),
    "too many elements": (BUNDLE + element(PING) * (MAX_ELEMENTS + 1), "more than 1024"),
}


@pytest.mark.parametrize(("datagram", "text"), REFUSED.values(), ids=REFUSED.keys())
def test_refuses(datagram: bytes, text: str) -> None:
    with pytest.raises(PacketError, match=text):
        decode(datagram)


def test_unknown_tag_refuses_the_message_and_shifts_nothing() -> None:
    with pytest.raises(PacketError, match="argument type 'r' is not one of"):
        decode(PING + b",ri\0" + bytes(4) + b"\0\0\0\7")


def test_the_endless_loop_of_others_ends_here() -> None:
    start = time.perf_counter()
    with pytest.raises(PacketError):
        decode(bytes.fromhex("2362756e646c65000000000000000001fffffffc"))
    assert time.perf_counter() - start < 0.1


def test_bare_address() -> None:
    assert decode(PING) == [Message("/ping", ())]


def test_every_tag() -> None:
    data = b"/a\0\0,ifdhsSTFN\0\0" + struct.pack(">ifdq", -1, 0.5, 0.25, 2**40) + b"ab\0\0cdef\0\0\0\0"
    assert decode(data) == [Message("/a", (-1, 0.5, 0.25, 2**40, "ab", "cdef", True, False, None))]


def test_numbers_stay_in_place_around_constants() -> None:
    data = b"/a\0\0,iTfFN\0\0" + struct.pack(">if", 7, 1.5)
    assert decode(data) == [Message("/a", (7, True, 1.5, False, None))]


def test_a_message_with_a_number_that_is_not_finite_is_handed_on() -> None:
    with pytest.raises(PacketError) as caught:
        decode(b"/a\0\0,if\0" + struct.pack(">if", 7, math.inf))
    assert caught.value.message == Message("/a", (7, math.inf))


def test_bundles_keep_order_and_time() -> None:
    inner = OscBundleBuilder(3)
    inner.add_content(build_msg("/b", [2]))
    outer = OscBundleBuilder(2)
    for content in (build_msg("/a", [1]), inner.build(), build_msg("/c", [3])):
        outer.add_content(content)
    messages = decode(outer.build().dgram)
    assert [(m.address, m.arguments, m.time >> 32) for m in messages] == [
        ("/a", (1,), 2 + 2_208_988_800),
        ("/b", (2,), 3 + 2_208_988_800),
        ("/c", (3,), 2 + 2_208_988_800),
    ]


def test_eight_deep_is_taken() -> None:
    assert decode(nested(8)) == [Message("/ping", ())]


def test_an_empty_bundle_has_no_messages() -> None:
    assert decode(BUNDLE) == []


texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"))
doubles = st.floats(allow_nan=False, allow_infinity=False)
floats = st.floats(width=32, allow_nan=False, allow_infinity=False)
arguments = st.one_of(
    st.tuples(st.just("i"), st.integers(-(2**31), 2**31 - 1)),
    st.tuples(st.just("h"), st.integers(-(2**63), 2**63 - 1)),
    st.tuples(st.just("f"), floats),
    st.tuples(st.just("d"), doubles),
    st.tuples(st.just("s"), texts),
    st.tuples(st.just("T"), st.just(True)),
    st.tuples(st.just("F"), st.just(False)),
    st.tuples(st.just("N"), st.just(None)),
)


@settings(deadline=None)
@given(st.lists(arguments, max_size=40))
def test_reads_what_python_osc_builds(pairs: list[tuple[str, object]]) -> None:
    builder = OscMessageBuilder("/some/address")
    for tag, value in pairs:
        builder.add_arg(value, tag)  # type: ignore[arg-type]
    assert decode(builder.build().dgram) == [Message("/some/address", tuple(value for _, value in pairs))]


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_give_messages_or_one_kind_of_error(data: bytes) -> None:
    for datagram in (data, PING + b"," + data, BUNDLE + data):
        try:
            assert isinstance(decode(datagram), list)
        except PacketError as error:
            assert error.text


def test_damaged_datagrams_give_messages_or_one_kind_of_error() -> None:
    source = random.Random(5)
    datagram = nested(3) + element(build_msg("/continuo/clip", ["a", 0, 2, 60, 0.5, 1.0, 90, 0]).dgram)
    refused = 0
    for _ in range(5000):
        damaged = bytearray(datagram)
        for _ in range(source.randint(1, 4)):
            damaged[source.randrange(len(damaged))] = source.choice((0, 0xFF, source.randrange(256)))
        try:
            decode(bytes(damaged))
        except PacketError:
            refused += 1
    assert 500 < refused < 5000
