"""What the server refuses, and in which words; and what it does not answer at all."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable

import pytest
from pythonosc.osc_message_builder import OscMessageBuilder, build_msg
from wire import Wire

from continuo_daw.osc_bridge.daemon.addresses import ONLY_SENT
from continuo_daw.osc_bridge.daemon.link import Target


@pytest.mark.parametrize(
    ("arguments", "identity", "text"),
    [
        (("a", "candidate", 3), "a", "did you mean candidates?"),
        (("a", "candidates", 17), "a", "candidates 17 is not a whole number from 1 to 16"),
        (("a", "seed"), "a", "seed has no value"),
        (("a", "seed", 1, "seed", 2), "a", "seed is given twice"),
        (("a", 1, 2), "a", "1 stands where the name of an option should"),
        (("a", "notes", 60, 0.0, 1.0), "a", "3 is no multiple of five"),
        (("a", "notes", 60, 0.0, 1.0, 96, 0, 60, 0.0, -1.0, 96, 0), "a", "note 1: duration -1.0"),
        (("a", "notes", 60, 0.0, float("nan"), 96, 0), "a", "note 0: duration nan"),
        (("a", "reply_port", 80), "a", "reply_port 80"),
        (("a", "reply_file", "../../x"), "a", "reply_file ../../x"),
        (("a", "reply_file", "nul"), "a", "reply_file nul"),
        ((7.5, "seed", 1), 7.5, "the id 7.5 does not do"),
        ((2**40, "seed", 1), str(2**40), "the id 1099511627776 does not do"),
        ((), "", "the id is missing"),
        ((None, "seed", 1), "", "the id is missing"),
        ((float("inf"), "seed", 1), "", "the id inf does not do"),
        (("j" * 256, "seed", 1), "", "does not do"),
    ],
)
def test_a_wrong_argument_is_named(wire: Wire, arguments: tuple[object, ...], identity: object, text: str) -> None:
    builder = OscMessageBuilder("/continuo/continue")
    for argument in arguments:
        builder.add_arg(argument)  # type: ignore[arg-type]
    wire.send_bytes(builder.build().dgram)
    got, code, words = wire.fail()
    assert (got, code) == (identity, "bad_args")
    assert text in str(words)


def test_an_unknown_clip(wire: Wire) -> None:
    wire.send("/continuo/continue", 7, "clip", "A")
    assert wire.fail() == (7, "not_found", "clip A was not given in the last ten minutes")


def test_an_unknown_model(wire: Wire) -> None:
    wire.send("/continuo/generate", 7, "model", "none")
    assert wire.fail() == (7, "no_model", "no model none")


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (("A", 0, 20_001), "too_large", "at most 20000"),
        (("A", -1, 5), "bad_args", "first -1 is not a whole number"),
        (("A", 0), "bad_args", "total None is not"),
        (("A", 0, 5, 200, 0.0, 1.0, 90, 0), "bad_args", "note 0: pitch 200"),
        (("A", 3, 9, 60, 0.0, 1.0, 90, 0, 60, 0.0, 1.0, 0, 0), "bad_args", "note 4: velocity 0"),
    ],
)
def test_a_wrong_part_of_a_clip_is_answered_with_the_name(
    wire: Wire, arguments: tuple[object, ...], code: str, text: str
) -> None:
    wire.send("/continuo/clip", *arguments)
    identity, got, words = wire.fail()
    assert (identity, got) == ("A", code)
    assert text in str(words)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("A", 0.0), "length_beats 0.0 is not"),
        (("A", 4.0, 4), "tempo_bpm 4 is not a number from 5 to 1000"),
        (("A", 4.0, 120, 4, 3), "4/3 is not a meter"),
        (("A", 4.0, 120, 0), "numerator 0 is not"),
    ],
)
def test_a_wrong_description_of_a_clip(wire: Wire, arguments: tuple[object, ...], text: str) -> None:
    wire.send("/continuo/clip", "A", 0, 0)
    wire.send("/continuo/clip/info", *arguments)
    identity, code, words = wire.fail()
    assert (identity, code) == ("A", "bad_args")
    assert text in str(words)


def test_an_unknown_address_names_the_nearest(wire: Wire) -> None:
    wire.send("/continuo/generat", 7)
    assert wire.fail() == (7, "bad_args", "unknown address: /continuo/generat; did you mean /continuo/generate?")


def test_a_damaged_datagram_is_answered_without_an_id(wire: Wire) -> None:
    wire.send_bytes(b"/continuo/generate\0\0,Q\0\0")
    assert wire.fail()[:2] == ("", "bad_packet")


def test_a_flood_of_damaged_datagrams_is_answered_now_and_then(wire: Wire) -> None:
    start = time.monotonic()
    for _ in range(300):
        wire.send_bytes(b"abc")
    wire.send("/continuo/ping", 1)
    *refusals, _ = wire.until("/continuo/pong")
    assert 40 <= len(refusals) <= 41 + 20 * (time.monotonic() - start)


@pytest.mark.parametrize("address", [*sorted(ONLY_SENT), "/fail", "/live/error"])
def test_what_only_servers_send_is_never_answered(wire: Wire, address: str) -> None:
    wire.send(address, 1)
    wire.send("/continuo/ping", 1)
    assert wire.receive() == ["/continuo/pong", 1]


def test_a_datagram_from_the_own_port_is_not_answered(make_server: Callable[..., Target]) -> None:
    port = make_server()[1]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.2", port))
        other.settimeout(0.3)
        other.sendto(build_msg("/continuo/ping", [1]).dgram, ("127.0.0.1", port))
        with pytest.raises(TimeoutError):
            other.recv(100)
