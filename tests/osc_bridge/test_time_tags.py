"""Time tags: bundles that wait."""

from __future__ import annotations

import re
import struct
import time

from pythonosc.osc_bundle_builder import OscBundleBuilder
from pythonosc.osc_message_builder import build_msg
from wire import PATIENCE, Wire

from continuo_daw.osc_bridge.wire.encode import encode


def bundle(seconds: float, *messages: tuple[str, object]) -> bytes:
    builder = OscBundleBuilder(time.time() + seconds)
    for address, value in messages:
        builder.add_content(build_msg(address, [value]))
    return builder.build().dgram


def test_a_bundle_waits_for_its_time_and_stays_together(wire: Wire) -> None:
    start = time.monotonic()
    wire.send_bytes(bundle(1.0, ("/continuo/ping", 1), ("/continuo/nothing", 2), ("/continuo/ping", 3)))
    wire.send("/continuo/ping", 0)
    assert wire.receive() == ["/continuo/pong", 0]
    assert wire.receive() == ["/continuo/pong", 1]
    assert 0.95 < time.monotonic() - start < PATIENCE
    assert wire.fail()[:2] == (2, "bad_args")
    assert wire.receive() == ["/continuo/pong", 3]


def test_bundles_of_the_past_and_of_now_run_at_once(wire: Wire) -> None:
    for datagram in (
        bundle(-100, ("/continuo/ping", 1)),
        b"#bundle\0" + struct.pack(">Qi", 1, 20) + encode("/continuo/ping"),
    ):
        wire.send_bytes(datagram)
        assert wire.receive()[0] == "/continuo/pong"


def test_a_time_too_far_ahead(wire: Wire) -> None:
    wire.send_bytes(bundle(60, ("/continuo/ping", 1)))
    identity, code, text = wire.fail()
    assert (identity, code) == (1, "bad_args")
    assert re.search("(5[0-9]|60) seconds ahead", str(text)) and "at most 10" in str(text)


def test_the_agenda_is_bounded(wire: Wire) -> None:
    for number in range(300):
        wire.send_bytes(bundle(5, ("/continuo/ping", number)))
    assert wire.fail()[1] == "busy"
