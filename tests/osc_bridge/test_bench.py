"""The bench: which clock its figures are of, and what it says where torch is missing."""

from __future__ import annotations

import json
import sys
import time

import pytest

from continuo_daw.assistant.__main__ import main
from continuo_daw.export.bench import command as bench

NO_UDP = {"udp": {"median_ms": 1.0, "p95_ms": 2.0, "first_notes_ms": 0.5}, "ready_s": 0.1, "rss_mb": None}


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A graph that waits 20 ms and computes nothing, no rivals, no daemon."""
    monkeypatch.setattr(bench, "graph_steps", lambda *_: lambda count: time.sleep(0.02))
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.setattr(bench, "over_udp", lambda *_, **__: dict(NO_UDP))


def test_one_thread_is_measured_in_processor_time_and_all_in_wall_time(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "--json", "--tokens", "10", "--rounds", "3"]) == 0
    report = json.loads(capsys.readouterr().out)
    one, several = report["one_thread"], report["all_threads"]
    assert (one["clock"], several["clock"]) == ("cpu", "wall")
    assert several["tokens_per_s"]["graph"] <= 500 < one["tokens_per_s"]["graph"]


def test_people_are_told_the_clock_and_what_is_missing(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "--tokens", "10", "--rounds", "1"]) == 0
    said = capsys.readouterr().out
    assert "torch is missing" in said and "continuo-daw[bench]" in said
    assert "one thread, cpu time: graph" in said and "all threads, wall time: graph" in said
