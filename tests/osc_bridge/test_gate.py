"""The gate: who comes in, how fast, and that it stays open."""

from __future__ import annotations

import threading
import time
from types import SimpleNamespace

import pytest

from continuo_daw.assistant.errors import AssistantError
from continuo_daw.osc_bridge.daemon import gate
from continuo_daw.osc_bridge.daemon.bucket import MAX_SOURCES, Bucket
from continuo_daw.osc_bridge.daemon.gate import Gate
from continuo_daw.osc_bridge.daemon.link import Link, Target
from continuo_daw.osc_bridge.wire.decode import Message
from continuo_daw.osc_bridge.wire.encode import encode


class Door:
    """A gate on a free port, and what it let through."""

    def __init__(self, allow: tuple[str, ...] = ()) -> None:
        self.delivered: list[tuple[Message, Target]] = []
        self.refused: list[AssistantError] = []
        self.link = Link("127.0.0.1", 0)
        self.gate = Gate(
            self.link,
            allow,
            lambda message, source: self.delivered.append((message, source)),
            lambda source, identity, error: self.refused.append(error),
        )


def test_hosts_that_are_not_allowed_are_not_heard() -> None:
    door = Door(allow=("192.168.1.5",))
    for host in ("192.168.1.5", "192.168.1.6", "127.0.0.1"):
        door.gate.receive(encode("/continuo/ping"), (host, 4000))
        door.gate.receive(b"damaged", (host, 4000))
    assert [source[0] for _, source in door.delivered] == ["192.168.1.5", "127.0.0.1"]
    assert len(door.refused) == 2
    door.link.close()


def test_a_flood_from_one_source_does_not_reach_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "time", SimpleNamespace(monotonic=lambda: 100.0, time=time.time))
    door = Door()
    for _ in range(20_000):
        door.gate.receive(encode("/continuo/ping"), ("127.0.0.1", 4000))
    door.gate.receive(encode("/continuo/ping"), ("127.0.0.1", 4001))
    assert len(door.delivered) == 10_001
    assert door.delivered[-1][1][1] == 4001
    door.link.close()


def test_a_fault_in_a_turn_does_not_end_it() -> None:
    door = Door()
    ticks = []

    def tick() -> None:
        ticks.append(1)
        if len(ticks) == 3:
            door.gate.stop()
        raise ValueError("a fault")

    thread = threading.Thread(target=door.gate.run, args=(tick,))
    thread.start()
    thread.join(20)
    assert len(ticks) == 3
    door.link.close()


def test_a_bucket_fills_at_its_rate() -> None:
    bucket = Bucket(rate=2, burst=3)
    assert [bucket.take("a", 0.0) for _ in range(4)] == [True, True, True, False]
    assert [bucket.take("a", 1.0) for _ in range(3)] == [True, True, False]
    assert [bucket.take("a", 99.0) for _ in range(4)] == [True, True, True, False]


def test_a_bucket_remembers_a_bounded_number_of_sources() -> None:
    bucket = Bucket(rate=1, burst=1)
    for number in range(MAX_SOURCES + 1):
        bucket.take(number, 0.0)
    assert bucket.take(0, 0.0)
    assert not bucket.take(MAX_SOURCES, 0.0)
