"""Programs that others wrote against the daemon: liblo's oscsend and oscdump, and SuperCollider's sclang."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from wire import PATIENCE, StartProcess

from continuo_daw.assistant.tasks import TASKS
from continuo_daw.osc_bridge.daemon.link import Target

CONTINUE = ("/continuo/continue", "isisiffii", "7", "seed", "3", "notes", "60", "0", "1", "96", "0")


class Lo:
    """oscsend to a daemon, and an oscdump that listens for what comes back."""

    def __init__(self, oscsend: str, oscdump: str, target: Target, dump: Path) -> None:
        self.oscsend = oscsend
        self.target = target
        self.dump = dump
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.listener = subprocess.Popen(["stdbuf", "-oL", oscdump, "-L", str(self.port)], stdout=dump.open("w"))
        self.send("/continuo/reply_port", "i", str(self.port))
        end = time.monotonic() + PATIENCE
        while "/continuo/pong" not in dump.read_text():  # until oscdump has its port
            assert time.monotonic() < end, "oscdump hears nothing"
            self.send("/continuo/ping", "s", "start")
            time.sleep(0.05)

    def send(self, *arguments: str) -> None:
        subprocess.run([self.oscsend, self.target[0], str(self.target[1]), *arguments], check=True)

    def wait_for(self, text: str) -> list[str]:
        """What has come, once `text` is in it; messages without their time."""
        end = time.monotonic() + PATIENCE
        while text not in (dumped := self.dump.read_text()):
            assert time.monotonic() < end, dumped
            time.sleep(0.02)
        return [line[line.index("/") :].strip() for line in dumped.splitlines()]


@pytest.fixture
def lo(
    require_program: Callable[[str], str], start_daemon: StartProcess, tmp_path: Path
) -> Iterator[Callable[[float], Lo]]:
    programs: list[Lo] = []

    def start(seconds: float) -> Lo:
        oscsend, oscdump = require_program("oscsend"), require_program("oscdump")
        programs.append(Lo(oscsend, oscdump, start_daemon(seconds=seconds)[1], tmp_path / "dump.txt"))
        return programs[-1]

    yield start
    for program in programs:
        program.listener.kill()
        program.listener.wait()


def test_liblo_asks_and_gets_notes(lo: Callable[[float], Lo]) -> None:
    program = lo(0.0)
    program.send("/continuo/ping", "i", "7")
    program.wait_for("/continuo/pong i 7")
    program.send("/continuo/tasks")
    lines = program.wait_for('/continuo/done ssi "" "tasks"')
    assert sum(line.startswith("/continuo/task sssii") for line in lines) == len(TASKS)
    program.send(*CONTINUE)
    lines = program.wait_for('/continuo/done isisif 7 "continue" 1 "scale" 3')
    assert '/continuo/accepted iss 7 "continue" "scale"' in lines
    assert any(
        line.startswith("/continuo/notes iiiiiffii") and " 7 0 0 -1 39 0.000000 0.250000 1 0" in line for line in lines
    )
    program.send("/continuo/generate", "isi", "8", "bar", "4")
    lines = program.wait_for('/continuo/fail iss 8 "bad_args"')
    assert "did you mean bars?" in lines[-1]


def test_liblo_cancels_from_another_port(lo: Callable[[float], Lo]) -> None:
    program = lo(20.0)
    program.send(*CONTINUE)
    program.wait_for("/continuo/accepted iss 7")
    program.send("/continuo/cancel", "i", "7")
    program.wait_for('/continuo/fail iss 7 "cancelled"')


def test_liblo_presses_a_button_as_touchosc_does(lo: Callable[[float], Lo]) -> None:
    program = lo(0.0)
    program.send("/continuo/clip", "siiiffii", "A", "0", "1", "60", "0", "1", "96", "0")
    program.send("/continuo/continue", "f", "1.0")
    program.send("/continuo/continue", "f", "0.0")
    program.wait_for('/continuo/done isisif 0 "continue"')


SCRIPT = """
(
var daemon = NetAddr("127.0.0.1", PORT);
var steps = [
    ["/continuo/ping", 5],
    ["/continuo/tasks"],
    ["/continuo/continue", 7, \\seed, 3, \\notes, 60, 0.0, 1.0, 96, false],
    ["/continuo/generate", "bad", \\bars, 1000],
    ["/continuo/generate", "slow", \\candidates, 16],
    ["/continuo/cancel", "slow"],
];
var last = ["pong", "done", "done", "fail", "accepted", "fail"];
var step = -1;
var next = { step = step + 1; if(step < steps.size) { daemon.sendMsg(*steps[step]) } { 0.exit } };
thisProcess.addOSCRecvFunc({ |message|
    ("GOT " ++ message.asCompileString).postln;
    if(("/continuo/" ++ last[step]) == message[0].asString) { next.value };
});
next.value;
SystemClock.sched(20.0, { "TIMEOUT".postln; 1.exit });
)
"""


def test_sclang(require_program: Callable[[str], str], start_daemon: StartProcess, tmp_path: Path) -> None:
    sclang = require_program("sclang")
    _, (_, port) = start_daemon(seconds=2.0)
    script = tmp_path / "client.scd"
    script.write_text(SCRIPT.replace("PORT", str(port)))
    screenless = {"QT_QPA_PLATFORM": "offscreen", "QTWEBENGINE_DISABLE_SANDBOX": "1"}
    ran = subprocess.run(
        [sclang, "-u", "57199", str(script)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, **screenless},
    )
    got = [line.removeprefix("GOT ") for line in ran.stdout.splitlines() if line.startswith("GOT ")]
    assert ran.returncode == 0, ran.stdout
    assert "[ '/continuo/pong', 5 ]" in got
    assert sum("'/continuo/task'," in line for line in got) == len(TASKS)
    assert "[ '/continuo/accepted', 7, 'continue', 'scale' ]" in got
    assert any(line.startswith("[ '/continuo/notes', 7, 0, 0, -1, 39, 0.0, 0.25, 1, 0,") for line in got)
    assert any(line.startswith("[ '/continuo/done', 7, 'continue', 1, 'scale', 3,") for line in got)
    assert any(line.startswith("[ '/continuo/fail', 'bad', 'bad_args',") for line in got)
    assert got[-1].startswith("[ '/continuo/fail', 'slow', 'cancelled',")
