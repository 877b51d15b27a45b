"""`continuo serve` as a process: the ready line, a taken port, the end, the log."""

from __future__ import annotations

import argparse
import logging
import signal
import socket
import sys
import time
from pathlib import Path

import pytest
from wire import StartProcess, quickest

from continuo_daw.assistant.errors import AssistantError
from continuo_daw.osc_bridge.clients.client import Client
from continuo_daw.osc_bridge.daemon import serve as daemon
from continuo_daw.osc_bridge.daemon.link import Link


def arguments(*given: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    daemon.add_arguments(parser)
    return parser.parse_args(given)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM to send")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_within_two_seconds_and_its_requests_with_it(start_daemon: StartProcess, number: int) -> None:
    def stop() -> float:
        process, address = start_daemon(seconds=60.0)
        with Client(*address, timeout=20) as client:
            request = client.start("generate", seed=1)
            while client.status()["running"] != 1:
                time.sleep(0.01)
            start = time.monotonic()
            process.send_signal(number)
            assert process.wait(20) == 0
            seconds = time.monotonic() - start
            with pytest.raises(AssistantError, match="the daemon was stopped"):
                client.wait(request)
        return seconds

    assert quickest(stop, 2.0) < 2.0


def test_the_ready_line_names_address_device_and_models(start_daemon: StartProcess) -> None:
    _, (host, port) = start_daemon()
    assert host == "127.0.0.1" and 1024 <= port <= 65535
    with Client(host, port) as client:
        assert client.status()["device"] == "cpu"


def test_a_taken_port_ends_it_with_a_message(capsys: pytest.CaptureFixture[str]) -> None:
    link = Link("127.0.0.1", 0)
    assert daemon.run(arguments("--port", str(link.address[1]))) == 1
    link.close()
    errors = capsys.readouterr().err
    assert f"port {link.address[1]}" in errors and "--port" in errors


def test_the_port_cannot_be_shared() -> None:
    link = Link("127.0.0.1", 0)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as thief:
        thief.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with pytest.raises(OSError):
            thief.bind(link.address)
    link.close()


def test_a_network_address_needs_a_list_of_clients(capsys: pytest.CaptureFixture[str]) -> None:
    assert daemon.run(arguments("--host", "0.0.0.0", "--port", "0")) == 1
    assert "--allow" in capsys.readouterr().err


def test_an_unknown_host(capsys: pytest.CaptureFixture[str]) -> None:
    assert daemon.run(arguments("--host", "203.0.113.7", "--port", "0", "--allow", "203.0.113.8")) == 1
    assert "cannot listen at 203.0.113.7" in capsys.readouterr().err


@pytest.mark.parametrize(
    "given", [("--port", "70000"), ("--allow", "studio"), ("--deadline", "0"), ("--threads", "0"), ("--queue", "x")]
)
def test_wrong_arguments(given: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        arguments(*given)
    assert given[0] in capsys.readouterr().err


def test_the_log_has_a_line_for_a_request_and_stays_small(start_daemon: StartProcess, tmp_path: Path) -> None:
    _, address = start_daemon("--log", str(tmp_path / "log" / "daemon.log"))
    with Client(*address) as client:
        client.run("generate", seed=1)
        client.sync()  # its line is in the log, before a flood may push it out
        for _ in range(100):
            client._send("/continuo/generate", "esc\x1b[31m" + "x" * 200, "bars", "many")
        client.ping()
    lines = (tmp_path / "log" / "daemon.log").read_text().splitlines()
    assert sum("'generate' id 1: 'done'" in line for line in lines) == 1
    assert 2 < len(lines) <= 60
    assert not any("\x1b" in line for line in lines)
    assert max(map(len, lines)) < 400


def test_the_log_is_utf8_whatever_the_system_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(daemon, "log", logging.Logger("of this test"))
    daemon._log_to(tmp_path / "daemon.log")
    daemon.log.warning("é")
    daemon.end_log()
    assert (tmp_path / "daemon.log").read_bytes().endswith(" WARNING é\n".encode())


def test_what_the_throttle_left_out_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    throttle = daemon.Throttle()
    seconds = [100.0]
    monkeypatch.setattr(daemon.time, "monotonic", lambda: seconds[0])
    records = [logging.makeLogRecord({"msg": "line"}) for _ in range(26)]
    assert sum(throttle.filter(record) for record in records[:25]) == 20
    seconds[0] = 101.0
    assert throttle.filter(records[25])
    assert records[25].msg == "(5 lines left out) line"


def test_ipv6() -> None:
    try:
        link = Link("::1", 0)
    except OSError:
        pytest.skip("this machine has no IPv6")
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as other:
        other.sendto(b"abcd", link.address)
        datagram, source = link.receive(1) or (b"", ("", 0))
        assert (datagram, source[0]) == (b"abcd", "::1")
        link.send(b"efgh", (source[0], other.getsockname()[1]))
        assert other.recv(10) == b"efgh"
    link.close()
