"""A daemon of one's own: which program it is, and which of its lines says that it is ready."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from continuo_daw.osc_bridge.clients import child
from continuo_daw.osc_bridge.clients.client import Client

SCALES = Path(__file__).with_name("scale_engine.py")


@pytest.fixture(autouse=True)
def surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONTINUO_HOME", str(tmp_path / "home"))


def test_it_is_not_imported_from_the_folder_one_stands_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "continuo_daw.py").write_text("raise SystemExit('the wrong one')")
    monkeypatch.chdir(tmp_path)
    with child.daemon() as daemon, Client(daemon.host, daemon.port) as client:
        assert client.version()[0] == "continuo"


def test_lines_before_the_ready_line_are_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    program = f"""
import runpy, sys
print("a library that greets")
print("telemetry at 10.0.0.1:80")
sys.argv = ["scales", "0", "--port", "0"]
runpy.run_path({str(SCALES)!r}, run_name="__main__")
"""
    monkeypatch.setattr(child, "DAEMON", (sys.executable, "-c", program))
    with child.daemon() as daemon, Client(daemon.host, daemon.port) as client:
        assert daemon.line.startswith("continuo ready at 127.0.0.1:")
        assert client.status()["models"] == "scale"


def test_what_it_said_without_getting_ready_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child, "DAEMON", (sys.executable, "-c", "print('first'); print('second')"))
    with pytest.raises(child.AssistantError, match=r"it said:\nfirst\nsecond$"), child.daemon():
        pass
