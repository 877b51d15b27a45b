"""The same id again, and where answers go."""

from __future__ import annotations

from collections.abc import Callable

from scale_engine import ScaleEngine, scale
from wire import Wire, notes_of, tuples

from continuo_daw.osc_bridge.daemon.link import Target


def test_a_repeat_gets_the_same_answers_and_nothing_is_computed(wire: Wire, engine: ScaleEngine) -> None:
    engine.length = 2500
    wire.send("/continuo/generate", 7, "candidates", 2)
    first = wire.answers()
    wire.send("/continuo/generate", 7, "candidates", 2)
    assert wire.answers() == first
    wire.send("/continuo/generate", 7.0, "candidates", 2)
    assert wire.answers() == first
    assert len(engine.requests) == 1


def test_a_repeat_while_the_request_runs(wire: Wire, engine: ScaleEngine) -> None:
    engine.seconds = 60
    wire.send("/continuo/generate", 7, "seed", 1)
    wire.until("/continuo/notes")
    wire.send("/continuo/generate", 7, "seed", 1)
    messages = wire.until("/continuo/accepted")
    assert messages[-1] == ["/continuo/accepted", 7, "generate", "scale"]
    engine.seconds = 0
    notes = notes_of(messages + wire.answers())
    assert [notes[k] for k in range(8)] == tuples(scale(1, 0, 8))
    assert len(engine.requests) == 1


def test_clients_do_not_get_the_answers_of_each_other(
    wire: Wire, engine: ScaleEngine, make_wire: Callable[[Target], Wire]
) -> None:
    other = make_wire(wire.target)
    wire.send("/continuo/generate", 7, "seed", 1)
    other.send("/continuo/generate", 7, "seed", 2)
    assert wire.answers()[-1][5] == 1
    assert other.answers()[-1][5] == 2


def test_a_refused_request_may_be_mended_under_its_id(wire: Wire) -> None:
    wire.send("/continuo/generate", 7, "sead", 1)
    assert wire.fail()[1] == "bad_args"
    wire.send("/continuo/generate", 7, "seed", 1)
    assert wire.answers()[-1][0] == "/continuo/done"


def test_reply_port_of_a_request(wire: Wire, make_wire: Callable[[Target], Wire]) -> None:
    listener = make_wire(wire.target)
    wire.send("/continuo/generate", 7, "seed", 1, "reply_port", listener.port)
    assert listener.answers()[0][0] == "/continuo/accepted"
    wire.send("/continuo/generate", 8, "bars", "many", "reply_port", listener.port)
    assert listener.fail()[:2] == (8, "bad_args")
    wire.send("/continuo/ping", 1)
    assert wire.receive() == ["/continuo/pong", 1]


def test_a_repeat_from_another_port_with_the_same_reply_port(
    wire: Wire, engine: ScaleEngine, make_wire: Callable[[Target], Wire]
) -> None:
    listener = make_wire(wire.target)
    for sender in (wire, make_wire(wire.target)):
        sender.send("/continuo/generate", 7, "reply_port", listener.port)
        assert listener.answers()[-1][:2] == ["/continuo/done", 7]
    assert len(engine.requests) == 1


def test_reply_port_of_a_host_is_a_copy(wire: Wire, make_wire: Callable[[Target], Wire]) -> None:
    listener = make_wire(wire.target)
    wire.send("/continuo/reply_port", listener.port)
    wire.send("/continuo/generate", 7, "seed", 1)
    assert wire.answers() == listener.answers()
    wire.send("/continuo/reply_port", 0)
    wire.send("/continuo/ping", 1)
    assert wire.receive() == ["/continuo/pong", 1]
    assert listener.receive(0.2) == []


def test_reply_port_takes_no_port_of_the_system_and_not_the_own(wire: Wire) -> None:
    for port in (80, wire.target[1], 70_000):
        wire.send("/continuo/reply_port", port)
        assert wire.fail()[1] == "bad_args"
