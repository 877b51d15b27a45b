"""A hundred thousand damaged datagrams against a daemon of its own."""

from __future__ import annotations

from pathlib import Path

import fuzz
from wire import StartProcess

from continuo_daw.osc_bridge.clients.client import Client


def test_the_daemon_outlives_damaged_datagrams(start_daemon: StartProcess, tmp_path: Path) -> None:
    process, address = start_daemon("--queue", "8")
    report = fuzz.run(address, process.pid, count=100_000, seed=1)
    print(report)
    assert process.poll() is None
    assert report.lost <= 5
    assert report.slowest < 1.0
    assert report.grown < 30 * 2**20
    assert "Traceback" not in (tmp_path / "stderr.txt").read_text()
    with Client(*address, timeout=10) as client:
        assert len(client.run("generate", seed=1).candidates) == 1
