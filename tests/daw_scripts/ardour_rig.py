"""A real Ardour, unattended: a session with MIDI regions, scripts in its action slots, a screen that nobody sees.

Ardour runs with its dummy backend under Xvfb; buttons are pressed over its own OSC surface (port 3819, one Ardour at a
time); what the session holds is read by a script of the test in another slot, and headless by `ardour7-lua` once it is
saved.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from ardour_notes import Region, Seed, read_state, write_source
from pythonosc.udp_client import SimpleUDPClient
from scale_daemon import free_port

from continuo_daw.osc_bridge.install.scripts import built

HERE = Path(__file__).parent
OSC_PORT = 3819
PATIENCE = 120.0  # seconds: Ardour starts in five on an idle machine, and a busy one takes its time
BACKEND = (
    '<State backend="None (Dummy)" driver="Normal Speed" device="Silence" input-device="" output-device="" '
    'sample-rate="48000" buffer-size="1024" n-periods="0" input-latency="0" output-latency="0" lm-input="" '
    'lm-output="" active="1" use-buffered-io="0" midi-option="1 in, 1 out, Silence" lru="1"><MIDIDevices/></State>'
)
SURFACE = (
    '<Protocol name="Open Sound Control (OSC)" active="1" feedback="0" debugmode="0" address-only="0" '
    'remote-port="8000" banksize="0" striptypes="31" gainmode="0"/>'
)
OTHER_HOMES = ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "CONTINUO_HOME")  # that would lead away from HOME
SETTINGS = {
    "hide-dummy-backend": 0,
    "try-autostart-engine": 1,
    "discover-plugins-on-start": 0,
    "periodic-safety-backups": 0,
    "check-announcements": 0,
}


def run_lua(home: Path, script: Path, *arguments: object) -> str:
    """What a script prints under Ardour's headless Lua."""
    command = ["ardour7-lua", str(script), *map(str, arguments)]
    environment = os.environ | {"HOME": str(home)}
    ran = subprocess.run(
        command, env=environment, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=120
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def make_session(
    home: Path, folder: Path, seeds: Sequence[Seed], tempo: float = 96, meter: str = "4/4", changes: str = ""
) -> None:
    """A saved session in `folder`, named like it, with the regions of `seeds` on their tracks.

    `changes` of tempo and meter are "QUARTERS TEMPO BEATS_PER_BAR BEAT;...".
    """
    tracks = list(dict.fromkeys(seed.track for seed in seeds))
    times = f"0 {tempo} {meter.replace('/', ' ')};{changes}"
    run_lua(home, HERE / "ardour_make.lua", folder, folder.name, times, *tracks)
    file = folder / f"{folder.name}.ardour"
    tree = ET.parse(file)
    root = tree.getroot()
    identity = int(root.get("id-counter", "0"))
    for seed in seeds:
        write_source(folder / "interchange" / folder.name / "midifiles" / f"{seed.name}.mid", seed)
        identity = _add_region(root, seed, identity)
    for surface in root.iter("Protocol"):
        if surface.get("name", "").startswith("Open Sound"):
            surface.set("active", "1")
    root.set("id-counter", str(identity + 1))
    tree.write(file, encoding="UTF-8", xml_declaration=True)


def _add_region(root: ET.Element, seed: Seed, identity: int) -> int:
    """The XML that Ardour 7 has for an imported file and a region of it; the last identity that it took."""
    source, whole, part = (str(identity + step) for step in (1, 2, 3))
    values = {"name": f"{seed.name}.mid", "take-id": "", "type": "midi", "flags": "Writable,CanRename", "id": source}
    ET.SubElement(_child(root, "Sources"), "Source", values)
    common = {
        "type": "midi",
        "muted": "0",
        "opaque": "1",
        "locked": "0",
        "automatic": "0",
        "hidden": "0",
        "start": f"b{seed.start}",
        "length": f"b{seed.length}@b{seed.position}",
        "sync-position": "b0",
        "ancestral-start": "b0",
        "ancestral-length": "b0@b0",  # "b0" alone ends the loading of the session
        "stretch": "1",
        "shift": "1",
        "layering-index": "0",
        "first-edit": "nothing",
        "source-0": source,
        "master-source-0": source,
    }
    ET.SubElement(_child(root, "Regions"), "Region", common | {"name": seed.name, "whole-file": "1", "id": whole})
    playlist = next(list_ for list_ in _child(root, "Playlists") if list_.get("name") == seed.track)
    ET.SubElement(playlist, "Region", common | {"name": f"{seed.name}.1", "whole-file": "0", "id": part})
    return identity + 3


def _child(root: ET.Element, name: str) -> ET.Element:
    found = root.find(name)
    assert found is not None, name
    return found


def make_home(home: Path, scripts: Sequence[Path]) -> None:
    """Ardour's settings in a new HOME: no questions, the dummy backend, OSC on, these scripts in slots 1, 2 ..."""
    folder = home / ".config" / "ardour7"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / ".a7").touch()  # the wizard for new users has been here
    options = "".join(f'<Option name="{name}" value="{value}"/>' for name, value in SETTINGS.items())
    (folder / "config").write_text(
        f'<?xml version="1.0" encoding="UTF-8"?><Ardour><Config>{options}</Config><Metadata/><Extra><AudioMIDISetup>'
        f"<EngineStates>{BACKEND}</EngineStates></AudioMIDISetup></Extra>"
        f"<ControlProtocols>{SURFACE}</ControlProtocols></Ardour>"
    )
    run_lua(home, HERE / "ardour_slots.lua", folder / "ui_scripts", *scripts)


class Ardour:
    """A running Ardour. `slots` are the names of its actions; the last is the probe, which talks through `folder`."""

    def __init__(self, process: subprocess.Popen[bytes], display: str, slots: Sequence[str], folder: Path) -> None:
        self.process = process
        self.display = display
        self._slots = slots
        self._folder = folder
        self._osc = SimpleUDPClient("127.0.0.1", OSC_PORT)

    def press(self, name: str) -> None:
        """The button of this slot."""
        self._osc.send_message("/access_action", f"LuaAction/script-{self._slots.index(name) + 1}")

    def send(self, address: str) -> None:
        """A command of Ardour's surface: `/undo`, `/redo`, `/save_state`."""
        self._osc.send_message(address, [])

    def state(self) -> str:
        """What the probe writes; a press that Ardour loses is made again."""
        file = self._folder / "state.txt"
        file.unlink(missing_ok=True)
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            self.press("probe")
            for _ in range(40):
                if file.exists():
                    return file.read_text()
                assert self.process.poll() is None, "Ardour has ended"
                time.sleep(0.025)
        raise AssertionError("Ardour does not answer")

    def regions(self) -> list[Region]:
        """All regions of the session."""
        return read_state(self.state())

    def select(self, *names: str) -> None:
        """Select these regions and nothing else."""
        asked = self._folder / "select.txt"
        asked.write_text("\n".join(names))
        wanted = {f"SELECTED\t{name}" for name in names}
        self.wait(lambda: {line for line in self.state().splitlines() if line.startswith("SELECTED")} == wanted)
        asked.unlink()

    def wait(self, condition: Callable[[], object], seconds: float = PATIENCE) -> None:
        """Until the condition holds."""
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, f"it did not come to pass: {self.state()}"
            time.sleep(0.05)

    def windows(self, title: str) -> list[str]:
        """The windows that have this in their title."""
        return self._xdotool("search", "--onlyvisible", "--name", title).split()

    def key(self, *keys: str) -> None:
        """Type into the dialog that is open, key by key."""
        self._xdotool("key", *keys)

    def click_ok(self, title: str) -> None:
        """The button at the lower right of a dialog."""
        window = self.windows(title)[0]
        lines = self._xdotool("getwindowgeometry", "--shell", window).split()
        size = dict(line.split("=") for line in lines)
        place = str(int(size["WIDTH"]) - 45), str(int(size["HEIGHT"]) - 25)
        self._xdotool("mousemove", "--window", window, *place, "click", "1")

    def _xdotool(self, *arguments: str) -> str:
        command = ["xdotool", *arguments]
        environment = os.environ | {"DISPLAY": self.display}
        return subprocess.run(command, capture_output=True, text=True, env=environment).stdout


@contextlib.contextmanager
def running(home: Path, session: Path, scripts: dict[str, Path], folder: Path, **environment: str) -> Iterator[Ardour]:
    """Ardour with the session open; `scripts` by the names of their slots, hooks among them. It ends unsaved."""
    folder.mkdir()
    probe = folder / "probe.lua"
    probe.write_text((HERE / "ardour_probe.lua").read_text().replace("FOLDER", str(folder)))
    make_home(home, [*scripts.values(), probe])
    read, write = os.pipe()
    screen = subprocess.Popen(
        ["Xvfb", "-displayfd", str(write), "-screen", "0", "1360x760x24", "-nolisten", "tcp"],
        pass_fds=[write],
        stderr=subprocess.DEVNULL,
    )
    os.close(write)
    with os.fdopen(read) as pipe:
        display = f":{pipe.readline().strip()}"  # the whole line: Xvfb ends where it cannot write the rest
    variables = {key: value for key, value in os.environ.items() if key not in OTHER_HOMES}
    variables |= {"HOME": str(home), "DISPLAY": display, **environment}
    with (folder / "ardour.log").open("wb") as log:
        process = subprocess.Popen(
            ["ardour", "-n", "-a", str(session / f"{session.name}.ardour")],
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    slots = [name for name, path in scripts.items() if '"EditorHook"' not in path.read_text()]
    try:
        yield Ardour(process, display, [*slots, "probe"], folder)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        screen.terminate()
        screen.wait()


def installed(home: Path) -> dict[str, Path]:
    """Scripts by the names of their slots, after `continuo install ardour`."""
    command = [sys.executable, "-m", "continuo_daw.assistant", "install", "ardour"]
    environment = {key: value for key, value in os.environ.items() if key not in OTHER_HOMES} | {"HOME": str(home)}
    subprocess.run(command, env=environment, check=True)
    folder = home / ".config" / "ardour7" / "scripts"
    names = built("ardour")
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == names
    return {name.removeprefix("continuo_").removesuffix(".lua"): folder / name for name in names}


def prepared(tmp_path: Path, seeds: Sequence[Seed], options: str) -> tuple[Path, Path, Path, dict[str, Path], int]:
    """A home with the scripts, a session with options, the spool, the scripts, and the free port they talk to."""
    home, session = tmp_path / "home", tmp_path / "song"
    spool = home / ".local" / "share" / "continuo" / "spool"
    (home / ".config" / "ardour7").mkdir(parents=True)
    scripts = installed(home)
    make_session(home, session, seeds)
    (session / "continuo.txt").write_text(options)
    port = free_port()
    settings = spool.parent / "daw.txt"
    settings.write_text(settings.read_text().replace("port=16180", f"port={port}"))
    return home, session, spool, scripts, port


@pytest.fixture
def programs(require_program: Callable[[str], str]) -> Iterator[None]:
    """Ardour and what it needs, for one test at a time on this machine: every Ardour has the same port for OSC."""
    for name in ("ardour", "ardour7-lua", "Xvfb", "xdotool"):
        require_program(name)
    with Path(tempfile.gettempdir(), f"continuo-tests-ardour-{os.getuid()}").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as port:
            port.bind(("", OSC_PORT))  # fails where a musician's own Ardour has it
        yield
