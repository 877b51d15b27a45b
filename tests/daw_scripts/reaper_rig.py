"""The REAPER scripts as an installation leaves them, in a model of REAPER that plays scenarios written in Lua."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import golden

from continuo_daw.osc_bridge.install.scripts import built

MODEL = Path(__file__).with_name("reaper_model.lua")
THIRDS = (0.333333, 0.666667)


class Reaper:
    """A REAPER whose user has installed Continuo, in folders of its own."""

    def __init__(self, lua: str, home: Path, port: int) -> None:
        self.lua, self.home, self.port = lua, home, port
        self.spool = home / "continuo" / "spool"
        self.scripts = home / "REAPER Scripts" / "Continuo"
        self.scripts.mkdir(parents=True)
        for name, data in built("reaper").items():
            (self.scripts / name).write_bytes(data)
        self.spool.mkdir(parents=True, exist_ok=True)
        (home / "asked").mkdir()
        self.python = f'"{sys.executable}"'
        keep = f'cp "{self.spool}/$2.ask" "{home}/asked"'  # it is removed once it has been read
        self.install(f'{keep} && exec {self.python} -m continuo_daw.assistant "$@"')

    def install(self, program: str) -> None:
        """What `continuo install` leaves, with a program of the shell as the command."""
        command = self.home / "a folder" / "continuo"
        command.parent.mkdir(exist_ok=True)
        command.write_text(f"#!/bin/sh\n{program}\n")
        command.chmod(0o755)
        (self.home / "continuo").mkdir(exist_ok=True)
        (self.home / "continuo" / "daw.txt").write_text(f"command={command}\nspool={self.spool}\nport={self.port}\n")

    def answer_by_hand(self, lines: str, task: str) -> None:
        """Answer requests of a task with these lines; the daemon answers all else."""
        (self.home / "answer").write_text(lines)
        ask, reply = f'"{self.spool}/$2.ask"', f'"{self.spool}/$2.reply"'
        ours = f'*/continuo/{task}*) cp "{self.home}/answer" {reply} ;;'
        self.install(f'case $(cat {ask}) in {ours} *) exec {self.python} -m continuo_daw.assistant "$@" ;; esac')

    def run(self, scenario: str) -> list[dict]:  # type: ignore[type-arg]
        """What `M.dump` printed in a scenario."""
        path = self.home / "scenario.lua"
        path.write_text(scenario)
        environment = {"PATH": "/usr/bin:/bin", "XDG_DATA_HOME": str(self.home)}
        ran = subprocess.run(
            [self.lua, str(MODEL), str(self.scripts), str(path)],
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert ran.returncode == 0, ran.stderr + ran.stdout
        return [json.loads(line) for line in ran.stdout.splitlines()]

    def asked(self) -> list[list[golden.Message]]:
        """The requests that were written, the questions about the daemon apart, in order."""
        texts = [path.read_text() for path in sorted((self.home / "asked").iterdir())]
        return [golden.parsed(text) for text in texts if not text.startswith("/continuo/tasks")]


def lua_notes(rows: tuple[golden.Row, ...]) -> str:
    """Rows of notes as a Lua table; thirds as exact as a host has them."""
    exact = ((p, round(s * 12) / 12, round(d * 12) / 12 if d in THIRDS else d, v, m) for p, s, d, v, m in rows)
    return "{" + ",".join("{" + ",".join(map(str, row)) + "}" for row in exact) + "}"


TEMPO = "M.project.tempo = { { 0, 120, 4, 4 }, { 8, 96.5, 3, 4 } }\n"
PROJECT = TEMPO + f"track = M.track 'Keys' A = M.item (track, 11, 6, {lua_notes(golden.A.notes)})\n"
SECOND = f"B = M.item (M.track (), 20, 6, {lua_notes(golden.B.notes)})\n"
TOLD = {"A": {"name": "Keys", "channel": 1}, "B": {"channel": 1}}


def typed(action: str) -> str:
    """The dialogs in which a musician sets the golden options; tempo and meter are the project's own."""
    task, options, _ = golden.ACTIONS[action]
    texts = {key: str(value) for key, value in options.items() if key not in ("tempo", "meter")}
    fields = ", ".join(f'["{key}"] = "{text}"' for key, text in texts.items())
    return f'M.inputs = {{ {{ name = "{task}" }}, {{ {fields} }} }}\nM.press "options" M.pump ()\n'
