"""How requests end: cancelled, refused by a full queue, over their deadline, by a fault."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from scale_engine import ScaleEngine
from wire import Wire, quickest

from continuo_daw.osc_bridge.daemon.link import Target


def test_cancel_a_running_and_a_waiting_request(wire: Wire, engine: ScaleEngine) -> None:
    engine.seconds = 60
    wire.send("/continuo/generate", "running", "seed", 1)
    wire.send("/continuo/generate", "waiting", "seed", 1)
    wire.until("/continuo/notes")
    for identity in ("waiting", "running"):
        wire.send("/continuo/cancel", identity)
        assert wire.answers()[-1][:3] == ["/continuo/fail", identity, "cancelled"]
    engine.seconds = 0
    wire.send("/continuo/generate", "next", "seed", 1)
    assert wire.answers()[-1][:2] == ["/continuo/done", "next"]
    assert (engine.stopped, len(engine.requests), wire.receive(0.2)) == (1, 2, [])


def test_cancel_within_200_milliseconds(wire: Wire, engine: ScaleEngine) -> None:
    engine.seconds = 60
    identities = iter(range(1, 100))

    def cancel() -> float:
        running, waiting = next(identities), next(identities)
        for identity in (running, waiting):
            wire.send("/continuo/generate", identity, "seed", 1)
        wire.until("/continuo/notes")
        seconds = []
        for identity in (waiting, running):
            start = time.monotonic()
            wire.send("/continuo/cancel", identity)
            assert wire.answers()[-1][:3] == ["/continuo/fail", identity, "cancelled"]
            seconds.append(time.monotonic() - start)
        return max(seconds)

    assert quickest(cancel, 0.2) < 0.2


def test_cancel_reaches_a_request_of_the_same_host(
    wire: Wire, engine: ScaleEngine, make_wire: Callable[[Target], Wire]
) -> None:
    engine.seconds = 60
    wire.send("/continuo/generate", 7, "seed", 1)
    wire.until("/continuo/accepted")
    make_wire(wire.target).send("/continuo/cancel", 7.0)
    assert wire.answers()[-1][:3] == ["/continuo/fail", 7, "cancelled"]


def test_cancel_prefers_the_request_of_its_own_client(
    wire: Wire, engine: ScaleEngine, make_wire: Callable[[Target], Wire]
) -> None:
    engine.seconds = 60
    other = make_wire(wire.target)
    for each in (wire, other):
        each.send("/continuo/generate", 7, "seed", 1)
        each.until("/continuo/accepted")
    other.send("/continuo/cancel", 7)
    assert other.answers()[-1][2] == "cancelled"
    engine.seconds = 0
    assert wire.answers()[-1][0] == "/continuo/done"


def test_cancel_of_nothing(wire: Wire) -> None:
    wire.send("/continuo/cancel", 7)
    assert wire.fail() == (7, "not_found", "no request 7 is running or waiting")


def test_cancel_after_the_end_adds_nothing(wire: Wire) -> None:
    wire.send("/continuo/generate", 7, "seed", 1)
    wire.answers()
    wire.send("/continuo/cancel", 7)
    wire.send("/continuo/ping", 1)
    assert wire.receive() == ["/continuo/pong", 1]


def test_a_full_queue_is_busy(
    engine: ScaleEngine, make_server: Callable[..., Target], make_wire: Callable[[Target], Wire]
) -> None:
    engine.seconds = 60
    wire = make_wire(make_server(queue=2))
    wire.send("/continuo/generate", 1, "seed", 1)
    wire.until("/continuo/notes")  # it has left the queue
    for identity in range(2, 6):
        wire.send("/continuo/generate", identity, "seed", 1)
    ends = {}
    while len(ends) < 5:
        last = wire.answers()[-1]
        ends[last[1]] = last[0] if last[0] == "/continuo/done" else last[2]
        if len(ends) == 2:
            engine.seconds = 0
    assert ends == {1: "/continuo/done", 2: "/continuo/done", 3: "/continuo/done", 4: "busy", 5: "busy"}


def test_one_client_cannot_take_the_whole_queue(
    wire: Wire, engine: ScaleEngine, make_wire: Callable[[Target], Wire]
) -> None:
    engine.seconds = 60
    for identity in range(17):
        wire.send("/continuo/generate", identity, "seed", 1)
    messages = wire.until("/continuo/fail")
    assert messages[-1][:3] == ["/continuo/fail", 16, "busy"]
    other = make_wire(wire.target)
    other.send("/continuo/generate", 1, "seed", 1)
    assert other.receive()[0] == "/continuo/accepted"


@pytest.mark.parametrize("deaf", [False, True])
def test_the_deadline(
    engine: ScaleEngine, make_server: Callable[..., Target], make_wire: Callable[[Target], Wire], deaf: bool
) -> None:
    engine.seconds, engine.deaf = 60, deaf
    wire = make_wire(make_server(deadline=0.3))
    start = time.monotonic()
    wire.send("/continuo/generate", 1, "seed", 1)
    assert wire.answers()[-1][:3] == ["/continuo/fail", 1, "timeout"]
    assert 0.25 < time.monotonic() - start < 30
    engine.seconds = 0
    assert wire.receive(1.0) == []


def test_a_result_that_is_none_is_a_fault(wire: Wire, engine: ScaleEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(engine, "run", lambda *_, **__: None)
        wire.send("/continuo/generate", 1, "seed", 1)
        assert wire.answers()[-1][:3] == ["/continuo/fail", 1, "internal"]
    wire.send("/continuo/generate", 2, "seed", 1)
    assert wire.answers()[-1][0] == "/continuo/done"


def test_a_fault_of_the_engine(wire: Wire, engine: ScaleEngine, caplog: pytest.LogCaptureFixture) -> None:
    engine.fault = ZeroDivisionError("somewhere in a model")
    wire.send("/continuo/generate", 1, "seed", 1)
    assert wire.answers()[-1][:3] == ["/continuo/fail", 1, "internal"]
    assert "somewhere in a model" in caplog.text
    engine.fault = None
    wire.send("/continuo/generate", 2, "seed", 1)
    assert wire.answers()[-1][0] == "/continuo/done"
