"""The strict model of Bitwig in a JavaScript engine, with the shipped script in it and OSC over real sockets."""

from __future__ import annotations

import json
import socket
import subprocess
import time
from pathlib import Path

import golden
from pythonosc.osc_message import OscMessage
from pythonosc.osc_message_builder import OscMessageBuilder

from continuo_daw import daw_scripts

FOLDER = Path(daw_scripts.__file__).parent / "bitwig"
MODEL = Path(__file__).with_name("bitwig_model.js")
QUESTIONS = {"/continuo/reply_port", "/continuo/status", "/continuo/tasks"}  # with which every press begins
PATIENCE = 20.0


def bitwig_clip(clip: golden.GoldenClip, at: float = 0.0) -> dict[str, object]:
    """A clip of the model whose loop starts at beat `at`; starts as they are before the golden clips round them."""
    notes = [
        {"channel": 0, "key": p, "start": at + round(12 * s) / 12, "duration": d, "velocity": v / 127, "muted": bool(m)}
        for p, s, d, v, m in clip.notes
    ]
    end = at + clip.length
    return {"notes": notes, "loop": True, "start": at, "length": clip.length, "playStart": at, "playStop": end}


class Bitwig:
    """The model with the script in it. Its OSC goes over real sockets: to the port of the daemon, and to its own."""

    def __init__(self, duk: str, work: Path, daemon: int | None) -> None:
        self.daemon = daemon
        self.events: list[list[object]] = []
        self.sent: list[golden.Message] = []
        self.server, taken = free_server()
        self.client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        before = work / "files.js"
        files = {path.name: path.read_text() for path in FOLDER.glob("*.js")}
        before.write_text(f"var FILES = {json.dumps(files)};\n")
        command = [duk, str(before), str(MODEL), str(FOLDER / "Continuo.control.js"), "-i"]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, bufsize=1
        )
        self.run(f"world.taken = {json.dumps(taken)}; start()")

    def run(self, code: str) -> list[list[object]]:
        """What the model tells while it runs one line."""
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(f"try {{ {code} }} catch (e) {{ tell('thrown', e.stack || e) }} tell('end', 0)\n")
        self.process.stdin.flush()
        told: list[list[object]] = []
        for line in self.process.stdout:
            if "@@" in line:
                told.append(json.loads(line[line.index("@@") + 2 :]))
                if told[-1][0] == "end":
                    break
        else:
            raise AssertionError("the engine ended")
        self.events += told[:-1]
        assert not [event for event in told if event[0] in ("thrown", "error")], told
        for event in told:
            if event[0] != "send":
                continue
            host, port, address, values = event[1]  # type: ignore[misc]
            assert (host, port) == ("127.0.0.1", 16180)
            self.sent.append((address, tuple(values)))
            if self.daemon:
                self.client.sendto(datagram(address, values), ("127.0.0.1", self.daemon))
        return told

    def push(self, label: str) -> None:
        self.run(f"push({json.dumps(label)})")

    def select(self, clip: golden.GoldenClip | None, where: str = "Launcher", at: float = 0.0) -> None:
        given = json.dumps(bitwig_clip(clip, at) if clip else None)
        self.run(f"selection.{where} = {given}; see()")

    def hear(self, address: str, *values: object) -> None:
        self.run(f"hear({json.dumps(address)}, {json.dumps(values)})")

    def until(self, text: str) -> str:
        """Hand over what the daemon answers until a popup has `text` in it, and give that popup."""
        return self.until_told("popup", text)

    def until_told(self, kind: str, text: str = "") -> str:
        end = time.monotonic() + PATIENCE
        self.server.settimeout(0.05)
        while not (found := [value for value in self.told(kind) if text in str(value)]):
            assert time.monotonic() < end, self.events[-5:]
            try:
                message = OscMessage(self.server.recv(65_535))
            except TimeoutError:
                continue
            self.hear(message.address, *message.params)
        return str(found[-1])

    def told(self, kind: str) -> list[object]:
        return [value for name, value in self.events if name == kind]

    def music(self) -> list[golden.Message]:
        """What was sent besides the questions about the daemon."""
        return [message for message in self.sent if message[0] not in QUESTIONS]

    def notes(self) -> list[dict[str, float]]:
        self.run("tell('notes', selection.Launcher.notes)")
        return self.told("notes")[-1]  # type: ignore[return-value]

    def close(self) -> None:
        self.process.kill()
        self.process.communicate()
        self.server.close()
        self.client.close()


def free_server() -> tuple[socket.socket, list[int]]:
    """A socket on the first free port of those that the script tries, and the ports before it."""
    for port in range(16190, 16200):
        server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            server.bind(("127.0.0.1", port))
            return server, list(range(16190, port))
        except OSError:
            server.close()
    raise AssertionError("no port is free")


def datagram(address: str, values: list[object]) -> bytes:
    """A message as Bitwig sends what JavaScript gives it: whole numbers as Integer, others as Double."""
    builder = OscMessageBuilder(address)
    for value in values:
        builder.add_arg(value, "s" if isinstance(value, str) else "i" if isinstance(value, int) else "d")
    return builder.build().dgram
