"""Buttons of OSC controllers, and the patches in the real SuperCollider and Pure Data, with a real daemon."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pythonosc.osc_message import OscMessage
from pythonosc.osc_message_builder import build_msg
from scale_daemon import scale_daemon

from continuo_daw import daw_scripts
from continuo_daw.assistant.tasks import TASKS

FOLDER = Path(daw_scripts.__file__).parent / "controllers"
SCREENLESS = {"QT_QPA_PLATFORM": "offscreen", "QTWEBENGINE_DISABLE_SANDBOX": "1"}
SCALE = [(36 + k, 1 + k) for k in range(8)]  # pitch and velocity of what a press of Continue is answered with


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[int]:
    with scale_daemon(tmp_path / "home") as port:
        yield port


def run(command: list[str]) -> str:
    """The standard output and error of a program that ends by itself with 0."""
    ran = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
        env={**os.environ, **SCREENLESS},
    )
    assert ran.returncode == 0, ran.stdout
    return ran.stdout


def test_the_files_are_plain() -> None:
    for path in FOLDER.iterdir():
        assert path.read_bytes().isascii()
        assert path.read_bytes().count(b"\n") < 300


# Pure Data

PD_DRIVER = """#N canvas 0 0 400 300 12;
#X obj 10 10 loadbang;
#X msg 10 40 \\; continuo-daemon disconnect \\; continuo-daemon connect 127.0.0.1 PORT \\; continuo-tempo 6000
\\; continuo-clip 60 0 1 96 0 64 1 1 90 0 \\; continuo-release symbol continue \\; continuo-status bang \\; FIRST;
#X obj 10 80 r continuo-note;
#X obj 10 110 print note;
#X obj 150 80 r continuo-done;
#X obj 150 110 delay 300;
#X obj 150 140 f;
#X obj 190 140 + 1;
#X obj 150 170 sel 0;
#X msg 150 200 \\; THEN;
#X msg 190 200 \\; pd quit;
#X obj 250 80 loadbang;
#X obj 250 110 delay 20000;
#X connect 0 0 1 0;
#X connect 2 0 3 0;
#X connect 4 0 5 0;
#X connect 5 0 6 0;
#X connect 6 0 7 0;
#X connect 7 0 6 1;
#X connect 6 0 8 0;
#X connect 8 0 9 0;
#X connect 8 1 10 0;
#X connect 11 0 12 0;
#X connect 12 0 10 0;
"""


def run_pd(pd: str, folder: Path, port: int, first: str, then: str = "pd quit") -> list[str]:
    """What the patch prints while another sends `first` to it, and `then` once the answer is there."""
    driver = folder / "driver.pd"
    text = PD_DRIVER.replace("PORT", str(port)).replace("FIRST", first).replace("THEN", then)
    driver.write_text(text)
    options = ["-nogui", "-noaudio", "-nomidi", "-noprefs", "-stderr"]
    return run([pd, *options, str(FOLDER / "continuo.pd"), str(driver)]).splitlines()


def pd_notes(lines: list[str]) -> list[tuple[int, int]]:
    values = [line.split()[1:] for line in lines if line.startswith("note: ")]
    assert {float(milliseconds) for _, _, milliseconds in values} <= {2.5}  # a quarter of a beat at 6000 a minute
    return [(int(pitch), int(velocity)) for pitch, velocity, _ in values]


def test_pure_data_presses_continue(require_program: Callable[[str], str], daemon: int, tmp_path: Path) -> None:
    lines = run_pd(require_program("pd"), tmp_path, daemon, "continuo-press symbol continue")
    assert pd_notes(lines) == SCALE
    accepted = [line for line in lines if line.startswith("accepted: ")]
    assert accepted == ["accepted: 0 continue scale"]  # the release before started nothing
    assert any(line.startswith("status: cpu 0 0 ") for line in lines)
    assert any(line.startswith("done: 0 continue 1 scale 0 ") for line in lines)
    assert not [line for line in lines if "error" in line]


def test_pure_data_plays_only_the_first_candidate_of_the_last_answer(
    require_program: Callable[[str], str], daemon: int, tmp_path: Path
) -> None:
    ask = "continuo-send generate again candidates 2 seed 3"
    lines = run_pd(require_program("pd"), tmp_path, daemon, ask, "continuo-send vary x clip pd seed 4")
    assert sorted(pd_notes(lines)) == sorted((3 + k + pitch, velocity) for k in (0, 1) for pitch, velocity in SCALE)
    assert not [line for line in lines if "error" in line]


def test_pure_data_shows_the_daemons_words(require_program: Callable[[str], str], daemon: int, tmp_path: Path) -> None:
    bad = "continuo-send clip/info pd 8 120 3 4 upbeat 1 channel 99 \\; continuo-send generate bad bar 4 \\; "
    bad += "continuo-press symbol generate"
    lines = run_pd(require_program("pd"), tmp_path, daemon, bad)
    assert any(line.startswith("fail: bad bad_args") and "did\\ you\\ mean\\ bars?" in line for line in lines)
    assert any(line.startswith("fail: pd bad_args channel\\ 99.0\\ is\\ not") for line in lines)


def test_pure_data_has_a_button_for_each_action() -> None:
    text = (FOLDER / "continuo.pd").read_text()
    named = {word for word in re.findall(r"#X obj \d+ \d+ bng .*? empty empty (\w+) ", text)}
    assert named == {path.removeprefix("/continuo/") for path in addresses()} | {"status"}
    objects = {line.split()[4].rstrip(";") for line in text.splitlines() if line.startswith("#X obj")}
    assert objects <= set(VANILLA)


VANILLA = (
    *("bng", "s", "r", "oscformat", "oscparse", "list", "netsend", "loadbang", "t", "/", "route", "print", "=="),
    *("spigot", "unpack", "until", "f", "+", "bang", "swap", "*", "pipe", "pack", "makenote", "noteout"),
)

# SuperCollider

SC_DRIVER = """
(
var steps, step = 0;
"PATCH".load;
~continuo.daemon = NetAddr("127.0.0.1", PORT);
~continuo.tempo = 1000;
~continuo.sound = { |self, pitch, velocity, seconds| ("SOUND" + pitch + velocity + seconds.round(0.0001)).postln };
steps = [
    {
        var buttons = ~continuo.openWindow.view.children.select { |view| view.isKindOf(Button) };
        buttons.detect { |button| button.states[0][0] == \\continue }.mouseDownAction.value
    },
    { ~continuo.ask(\\generate, [\\seed, 3, \\candidates, 2]) },
    {
        ~continuo.giveClip([50, 0, 1, 96, 0], "A", 4, [3, 4], [\\upbeat, 1, \\channel, 4]);
        ~continuo.giveClip(({ |k| [60 + (k % 12), k, 1, 90, 0] } ! 180).flat, "B", 180, [3, 4]);
        ~continuo.ask(\\interpolate, [\\steps, 5], ["A", "B"])
    },
    { ~continuo.ask(\\continue, [\\bar, 3]) },
];
~continuo.onEnd = { |self, failure|
    ("END" + failure).postln;
    self.told[0] !? { |told| ("TOLD" + told[\\place] + told[\\channel] + told[\\numerator]).postln };
    if(failure.isNil) { self.playResult(0) };
    step = step + 1;
    { steps[step].notNil.if({ steps[step].value }, { "QUIT".postln; 0.exit }) }.defer(0.3);
};
~continuo.giveClip([60, 0.0, 1.0, 96, 0, 64, 1.0, 1.0, 90, 0]);
~continuo.press(\\continue, 0.0);
~continuo.showStatus;
~continuo.showTasks;
{ steps[0].value }.defer(0.5);
{ "TIMEOUT".postln; 1.exit }.defer(30);
)
"""


def test_supercollider(require_program: Callable[[str], str], daemon: int, tmp_path: Path) -> None:
    driver = tmp_path / "driver.scd"
    patch = (FOLDER / "continuo.scd").as_posix()
    driver.write_text(SC_DRIVER.replace("PATCH", patch).replace("PORT", str(daemon)))
    lines = run([require_program("sclang"), "-u", "57198", str(driver)]).splitlines()
    ends = [index for index, line in enumerate(lines) if line.startswith("END ")]
    assert [lines[index] for index in ends[:3]] == ["END nil"] * 3
    assert lines[ends[3]].startswith("END unknown option bar; did you mean bars?")
    told = [line for line in lines if line.startswith("TOLD ")]
    assert told[:3] == ["TOLD behind nil 4", "TOLD free nil 4", "TOLD free 4 3"]
    played = [
        [tuple(int(value) for value in line.split()[1:3]) for line in lines[start:end] if line.startswith("SOUND ")]
        for start, end in zip(ends, [*ends[1:], len(lines)], strict=True)
    ]
    assert played[:2] == [SCALE, [(3 + pitch, velocity) for pitch, velocity in SCALE]]
    assert len(played[2]) == 8
    assert played[3] == []
    said = [line.removeprefix("Continuo: ") for line in lines if line.startswith("Continuo: ")]
    assert said.count("continue on scale") == 1  # the release before started nothing
    assert any(line.startswith("cpu 0 0 0 0 ") for line in said)
    assert any(line.startswith("    bars  int  1 .. 64  4") for line in said)
    assert not [line for line in lines if "ERROR" in line]


# the table of buttons


def addresses() -> dict[str, dict[str, object]]:
    """The buttons of the Open Stage Control session by address."""
    session = json.loads((FOLDER / "buttons.json").read_text())
    return {widget["address"]: widget for widget in session["content"]["widgets"]}


def test_the_table_and_the_session_are_the_same() -> None:
    rows = re.findall(r"^\| ([A-Z].*?) \| `(.*?)` \| `(.*?)` \|", (FOLDER / "buttons.md").read_text(), re.MULTILINE)
    buttons = {
        (
            widget["label"],
            address,
            f"{widget['typeTags']} {float(str(widget['on'])) if widget['typeTags'] == 'f' else 0}",
        )
        for address, widget in addresses().items()
    }
    assert set(rows) == buttons
    known = {f"/continuo/{task}" for task in TASKS} - {"/continuo/blend"}  # two clips at least, and no DAW button
    assert set(addresses()) == known | {"/continuo/cancel"}
    assert {widget["target"] for widget in addresses().values()} == {"127.0.0.1:16180"}


def test_each_button_does_what_the_table_says(daemon: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as surface:
        surface.settimeout(20)

        def send(address: str, *values: object) -> None:
            surface.sendto(build_msg(address, list(values)).dgram, ("127.0.0.1", daemon))

        def answers() -> list[list[object]]:
            found: list[list[object]] = []
            while not found or found[-1][0] not in ("/continuo/done", "/continuo/fail", "/continuo/pong"):
                message = OscMessage(surface.recv(65_535))
                found.append([message.address, *message.params])
            return found

        send("/continuo/clip", "pad", 0, 8, *(value for k in range(8) for value in (60 + k, float(k), 1.0, 96, 0)))
        for address, widget in addresses().items():
            if widget["mode"] != "push":
                continue
            send(address, float(str(widget["on"])))
            *_, last = answers()
            expected = "/continuo/fail" if address == "/continuo/interpolate" else "/continuo/done"
            assert last[:2] == [expected, 0]
            send(address, float(str(widget["off"])))
            send("/continuo/ping", "after")
            assert answers() == [["/continuo/pong", "after"]]  # the release is not answered


def test_cancel_ends_what_a_press_began(tmp_path: Path) -> None:
    cancel = addresses()["/continuo/cancel"]
    with (
        scale_daemon(tmp_path / "home", seconds=20.0) as port,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as surface,
    ):
        surface.settimeout(20)
        surface.sendto(build_msg("/continuo/generate", [1.0]).dgram, ("127.0.0.1", port))
        assert OscMessage(surface.recv(65_535)).address == "/continuo/accepted"
        surface.sendto(build_msg("/continuo/cancel", [cancel["on"]]).dgram, ("127.0.0.1", port))
        while (message := OscMessage(surface.recv(65_535))).address != "/continuo/fail":
            pass
        assert message.params[:2] == [0, "cancelled"]
