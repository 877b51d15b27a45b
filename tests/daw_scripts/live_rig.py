"""The shipped Remote Script in the model of Live, over real sockets, with a relay that may lose what passes."""

from __future__ import annotations

import importlib.util
import os
import random
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType, SimpleNamespace

import live_set
import pytest
from scale_engine import ScaleEngine, scale

from continuo_daw import daw_scripts
from continuo_daw.assistant.music.clip import TICKS
from continuo_daw.osc_bridge.daemon.link import Link
from continuo_daw.osc_bridge.daemon.server import Server
from continuo_daw.osc_bridge.wire.decode import Message, decode

FOLDER = Path(daw_scripts.__file__).parent / "live" / "Continuo"
PATIENCE = 20.0
TASKS = ("generate", "continue", "interpolate", "vary", "walk", "refine_duration", "refine_velocity", "refine")
NOTES = {name: 36 + index for index, name in enumerate((*TASKS, "cancel", "options", "show"))}

Spoil = Callable[[list[bytes]], list[bytes]]
Open = Callable[..., "Desk"]
TUNE = [(60, 0.0, 1.0, 96.0, 0), (64, 1.0, 0.5, 80.4, 0), (67, 2.0, 1.0, 70.0, 1), (72, 3.0, 0.9, 100.0, 0)]


def load(name: str, path: Path, *, package: bool = False) -> ModuleType:
    """A module from its file, run anew."""
    where = [str(path.parent)] if package else None
    spec = importlib.util.spec_from_file_location(name, path, submodule_search_locations=where)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


class Relay:
    """Hands datagrams on between the script and a daemon when it is pumped, and keeps what the script sent."""

    def __init__(self, daemon: tuple[str, int]) -> None:
        self.front = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.back = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        for one in (self.front, self.back):
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2**20)
            one.bind(("127.0.0.1", 0))
            one.setblocking(False)
        self.port = self.front.getsockname()[1]
        self.sent: list[bytes] = []
        self.ask: Spoil = list  # what becomes of what the script sends
        self.answer: Spoil = list  # and of what comes back
        self._daemon = daemon
        self._script: object = None

    def pump(self) -> None:
        asked = [datagram for datagram, self._script in self._waiting(self.front)]
        self.sent += asked
        for datagram in self.ask(asked):
            self.back.sendto(datagram, self._daemon)
        for datagram in self.answer([datagram for datagram, _ in self._waiting(self.back)]):
            self.front.sendto(datagram, self._script)  # type: ignore[arg-type]

    def messages(self) -> list[Message]:
        return [message for datagram in self.sent for message in decode(datagram)]

    def request(self) -> tuple[object, ...]:
        """The arguments of the last request, with the id in front."""
        music = [m for m in self.messages() if any(str(a).startswith("live-") for a in m.arguments[:1])]
        return next(m.arguments for m in reversed(music) if not m.address.startswith("/continuo/clip"))

    @staticmethod
    def _waiting(one: socket.socket) -> Iterator[tuple[bytes, object]]:
        while True:
            try:
                yield one.recvfrom(65_535)
            except BlockingIOError:
                return


class Desk:
    """Live with the script switched on."""

    def __init__(self, live: live_set.LiveSet, home: Path, relay: Relay | None) -> None:
        self.live = live
        self.home = home
        self.relay = relay
        self.forwarded: set[tuple[int, int]] = set()
        for name in [name for name in sys.modules if name.split(".")[0] == "Continuo"]:
            del sys.modules[name]
        sys.modules["Live"] = live_set.live_module(self.forwarded)
        self.module = load("Continuo", FOLDER / "__init__.py", package=True)
        self.switch_on()
        if relay:
            self.install(relay.port)

    def switch_on(self) -> None:
        self.hand = live_set.CInstance(self.live)
        self.script = self.module.create_instance(self.hand)
        self.forwarded.clear()
        self.script.build_midi_map(42)
        assert self.script.can_lock_to_devices() is False
        assert self.script.suggest_input_port() == self.script.suggest_output_port() == ""
        self.script.refresh_state()

    def install(self, port: int, command: str = "/nowhere/continuo") -> None:
        """What `continuo install live` leaves."""
        self.home.mkdir(exist_ok=True)
        text = f"command={command}\nspool={self.home / 'spool'}\nport={port}\n"
        (self.home / "daw.txt").write_text(text, encoding="utf-8")

    @property
    def said(self) -> str:
        """What Live's status bar shows."""
        return self.hand.messages[-1] if self.hand.messages else ""

    def press(self, button: str) -> None:
        """Press and let go a button, as MIDI."""
        note = NOTES[button]
        assert (15, note) in self.forwarded
        self.script.receive_midi((0x9F, note, 100))
        self.script.receive_midi((0x8F, note, 0))

    def tick(self) -> None:
        if self.relay:
            self.relay.pump()
        self.script.update_display()

    def until(self, *words: str, seconds: float = PATIENCE) -> str:
        """Let Live tick until the status bar shows one of these."""
        end = time.monotonic() + seconds
        while not any(word in self.said for word in words):
            assert time.monotonic() < end, (words, self.hand.messages[-5:], self.hand.log)
            self.tick()
            time.sleep(0.002)
        return self.said

    def play(self, button: str, *words: str) -> str:
        """Press, and wait for the end."""
        self.hand.messages.clear()
        self.press(button)
        return self.until(*(words or ("slot", "behind", "changed")))

    def set_options(self, task: str, values: dict[str, object]) -> None:
        """Press Options, and change lines of the file in an editor."""
        self.play("options", "save it")
        path = self.home / "options.txt"
        text = path.read_text(encoding="utf-8")
        head, section, rest = text.partition(f"[{task}]\n")
        body, gap, tail = rest.partition("\n[")
        lines = body.splitlines()
        for key, value in values.items():
            (index,) = [k for k, line in enumerate(lines) if line.lstrip("#").startswith(f"{key} = ")]
            lines[index] = f"{key} = {value}"
        path.write_text(head + section + "\n".join(lines) + gap + tail, encoding="utf-8")
        os.utime(path, ns=(time.time_ns(), path.stat().st_mtime_ns + 1))  # another time, however coarse the clock

    def hurry(self) -> None:
        """Shorten the script's patience, so that a test need not have it."""
        surface = sys.modules["Continuo.surface"]
        surface.QUIET = 0.1  # type: ignore[attr-defined]


@contextmanager
def serving(engine: object, spool: Path) -> Iterator[tuple[str, int]]:
    """A daemon on a thread; where it listens."""
    server = Server(engine, spool, Link("127.0.0.1", 0))  # type: ignore[arg-type]
    thread = threading.Thread(target=server.serve)
    thread.start()
    try:
        yield server.address
    finally:
        server.stop()
        thread.join(20)
    assert not thread.is_alive()


def unreliable(seed: int, lose: float) -> Spoil:
    """Loses some, gives others twice, and gives what is left in any order."""
    chance = random.Random(seed)

    def spoil(datagrams: list[bytes]) -> list[bytes]:
        kept = [one for one in datagrams if chance.random() >= lose]
        twice = kept + [one for one in kept if chance.random() < 0.3]
        return chance.sample(twice, len(twice))

    return spoil


# fixtures, which tests import


@pytest.fixture
def engine() -> object:
    return ScaleEngine()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CONTINUO_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def open_desk(engine: object, home: Path) -> Iterator[Open]:
    """Live with a set and the script, which reaches a daemon with `engine` through a relay."""
    with serving(engine, home / "spool") as address:
        relay = Relay(address)
        desks: list[Desk] = []

        def open_(**how: int) -> Desk:
            desks.append(Desk(live_set.LiveSet(**how), home, relay))
            return desks[-1]

        yield open_
        for desk in desks:
            desk.script.disconnect()
            assert desk.live.open_step is None, "an undo step was left open"
        relay.front.close()
        relay.back.close()


def rows(clip: SimpleNamespace) -> list[tuple[object, ...]]:
    """Pitch, start, duration and velocity of the notes of a clip, in order of start."""
    names = "start_time", "pitch", "duration", "velocity"
    notes = sorted(tuple(note[name] for name in names) for note in clip.notes.values())
    return [(pitch, start, duration, velocity) for start, pitch, duration, velocity in notes]


def played(candidate: int = 0, seed: int = 0) -> list[tuple[object, ...]]:
    """The same of what the engine plays."""
    notes = scale(seed, candidate, 8)
    return [(note.pitch, note.start / TICKS, note.duration / TICKS, float(note.velocity)) for note in notes]
