"""Asking about the daemon: ping, version, status, tasks, sync, and patterns."""

from __future__ import annotations

import pytest
from scale_engine import ScaleEngine
from wire import Wire

from continuo_daw.assistant.tasks import TASKS, options_of


@pytest.mark.parametrize("token", [7, 0.5, "abc"])
def test_ping(wire: Wire, token: object) -> None:
    wire.send("/continuo/ping", token)
    assert wire.receive() == ["/continuo/pong", token]


def test_ping_without_type_tags(wire: Wire) -> None:
    wire.send_bytes(b"/continuo/ping\0\0")
    assert wire.receive() == ["/continuo/pong", ""]


def test_version(wire: Wire) -> None:
    wire.send("/continuo/version")
    address, name, version, protocol, revision = wire.receive()
    assert (address, name, protocol, revision) == ("/continuo/version.reply", "continuo", 1, "1.1")
    assert isinstance(version, str)


def test_status(wire: Wire, spool: object) -> None:
    wire.send("/continuo/generate", "a", "seed", 1)
    wire.answers()
    wire.send("/continuo/generate", "b", "candidates", "many")
    wire.answers()
    wire.send("/continuo/status")
    address, device, running, queued, done, failed, uptime, models, folder = wire.receive()
    assert (address, device) == ("/continuo/status.reply", "cpu")
    assert (running, queued, done, failed) == (0, 0, 1, 0)
    assert models == "scale"
    assert isinstance(uptime, float) and 0 <= uptime < 60
    assert folder == str(spool)


def test_tasks(wire: Wire) -> None:
    wire.send("/continuo/tasks")
    messages = wire.until("/continuo/done")
    assert messages[-1] == ["/continuo/done", "", "tasks", len(TASKS)]
    for name, task in TASKS.items():
        assert ["/continuo/task", name, task.SUMMARY, "scale", *task.CLIPS] in messages
        keys = [message[2] for message in messages if message[:2] == ["/continuo/option", name]]
        assert keys == [option.key for option in options_of(name)]
    candidates = next(m for m in messages if m[:3] == ["/continuo/option", "generate", "candidates"])
    assert candidates[3:8] == ["int", "1", "16", "1", ""]


def test_sync_waits_for_what_came_before(wire: Wire, engine: ScaleEngine) -> None:
    engine.seconds = 0.3
    wire.send("/continuo/generate", "a", "seed", 1)
    wire.send("/continuo/sync", 5)
    messages = wire.until("/continuo/synced")
    assert [message[0] for message in messages[-2:]] == ["/continuo/done", "/continuo/synced"]
    assert messages[-1] == ["/continuo/synced", 5]
    wire.send("/continuo/sync", "idle")
    assert wire.receive() == ["/continuo/synced", "idle"]


def test_patterns_start_nothing(wire: Wire, engine: ScaleEngine) -> None:
    for pattern in ("/continuo/gen*", "/continuo/{generate,continue}", "/*/generate"):
        wire.send(pattern, 7, "seed", 1)
        identity, code, text = wire.fail()
        assert (identity, code) == (7, "bad_args")
        assert "patterns reach the questions about the daemon alone" in str(text)
    assert engine.requests == []


def test_patterns_ask(wire: Wire, engine: ScaleEngine) -> None:
    wire.send("/continuo/*", 7)
    names = {wire.receive()[0] for _ in range(20)}
    assert {"/continuo/pong", "/continuo/version.reply", "/continuo/status.reply", "/continuo/task"} <= names
    assert engine.requests == []
