"""A disk that is slow or broken holds up the files of a request and nothing else."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from scale_engine import ScaleEngine
from wire import PATIENCE, Wire

from continuo_daw.assistant.errors import AssistantError
from continuo_daw.osc_bridge.daemon.spool import ReplyFile


@pytest.fixture(params=["clear", "candidate", "progress", "finish"])
def held(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """One of the things that are done on the disk waits for this event."""
    free, real = threading.Event(), getattr(ReplyFile, request.param)

    def slow(file: ReplyFile, *arguments: object) -> None:
        assert free.wait(PATIENCE)
        real(file, *arguments)

    monkeypatch.setattr(ReplyFile, request.param, slow)
    yield free
    free.set()


def test_others_are_answered_meanwhile_and_the_order_stays(
    wire: Wire, engine: ScaleEngine, spool: Path, held: threading.Event
) -> None:
    wire.send("/continuo/generate", "slow", "seed", 1, "reply_file", "out")
    wire.send("/continuo/generate", "quick", "seed", 2)
    quick = []
    while not quick or quick[-1][0] != "/continuo/done":
        quick += [m for m in [wire.receive()] if m[1] == "quick"]
    engine.seconds = 60
    wire.send("/continuo/generate", "third", "seed", 3)
    wire.until("/continuo/accepted")
    wire.send("/continuo/cancel", "third")
    assert wire.until("/continuo/fail")[-1][1:3] == ["third", "cancelled"]
    wire.send("/continuo/status")
    assert wire.until("/continuo/status.reply")[-1][2:6] == [1, 0, 1, 1]  # running, queued, done, failed
    held.set()
    wire.until("/continuo/done")
    lines = (spool / "out.reply").read_text().splitlines()
    assert lines[0].startswith("/continuo/accepted slow") and lines[-1].startswith("/continuo/done slow")
    assert (spool / "out.0.mid").exists() and not (spool / "out.progress").exists()


def test_a_slow_request_itself_hears_all_in_order(wire: Wire, spool: Path, held: threading.Event) -> None:
    threading.Timer(0.2, held.set).start()
    wire.send("/continuo/generate", "slow", "seed", 1, "reply_file", "out")
    kinds = [message[0].rpartition("/")[2] for message in wire.answers()]  # type: ignore[attr-defined]
    assert (kinds[0], kinds[-2:]) == ("accepted", ["result", "done"])
    assert (spool / "out.reply").read_text().count("\n") == len(kinds)


def test_a_fault_in_a_file_is_a_fault_of_the_request(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ReplyFile, "candidate", lambda *_: 1 / 0)
    wire.send("/continuo/generate", 7, "seed", 1, "reply_file", "out")
    assert wire.answers()[-1][:3] == ["/continuo/fail", 7, "internal"]
    wire.send("/continuo/generate", 8, "seed", 1)
    assert wire.answers()[-1][:2] == ["/continuo/done", 8]


def test_a_folder_that_cannot_be_used_is_said_once(
    wire: Wire, engine: ScaleEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(file: ReplyFile) -> None:
        time.sleep(0.1)  # until all of it has been made
        raise AssistantError("internal", "reply_file: the folder cannot be used")

    monkeypatch.setattr(ReplyFile, "clear", refuse)
    wire.send("/continuo/generate", 7, "seed", 1, "reply_file", "out")
    assert wire.receive()[:3] == ["/continuo/fail", 7, "internal"]
    wire.send("/continuo/status")
    assert wire.receive()[2:6] == [0, 0, 0, 1]
