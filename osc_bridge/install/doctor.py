"""`continuo doctor`: what is installed, which device runs, whether the port is free, which DAWs are there.

Every line is OK, -- (not there, and nothing needs it) or !! (in the way), and says what to do.
"""

from __future__ import annotations

import argparse
import glob
import importlib.metadata
import json
import os
import platform
import shutil
import socket
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from continuo_daw.assistant.engine import Engine
from continuo_daw.assistant.errors import AssistantError
from continuo_daw.assistant.paths import data_dir, models_dir
from continuo_daw.osc_bridge.clients.ask import PORT
from continuo_daw.osc_bridge.clients.client import Client
from continuo_daw.osc_bridge.clients.reach import port_number
from continuo_daw.osc_bridge.install.command import TITLES, found
from continuo_daw.osc_bridge.install.daw_file import daw_file, read_daw_file
from continuo_daw.osc_bridge.install.record import read_record, sha256, state_of
from continuo_daw.osc_bridge.install.scripts import built

OK, ABSENT, BROKEN = "OK", "--", "!!"
PACKAGES = ("numpy", "pillow", "platformdirs")
ONNXRUNTIMES = ("onnxruntime-gpu", "onnxruntime")
TRAINING = ("torch", "lightning")

# name, sys.platform, and where it usually lies: a program on the PATH, or a path with ~, variables and *
DAWS = (
    ("Ardour", "linux", ("ardour", "ardour6", "ardour7", "ardour8", "ardour9", "/opt/Ardour-*/bin/ardour*")),
    ("Ardour", "darwin", ("/Applications/Ardour*.app",)),
    ("Ardour", "win32", (r"%ProgramFiles%\Ardour*\bin\Ardour.exe",)),
    ("REAPER", "linux", ("reaper", "~/opt/REAPER/reaper", "/opt/REAPER/reaper")),
    ("REAPER", "darwin", ("/Applications/REAPER*.app",)),
    ("REAPER", "win32", (r"%ProgramFiles%\REAPER*\reaper.exe",)),
    ("Ableton Live", "darwin", ("/Applications/Ableton Live*.app",)),
    ("Ableton Live", "win32", (r"%ProgramData%\Ableton\Live *\Program\Ableton Live *.exe",)),
    ("Bitwig Studio", "linux", ("bitwig-studio", "/opt/bitwig-studio", "/var/lib/flatpak/app/com.bitwig.BitwigStudio")),
    ("Bitwig Studio", "darwin", ("/Applications/Bitwig Studio*.app",)),
    ("Bitwig Studio", "win32", (r"%ProgramFiles%\Bitwig Studio\*\Bitwig Studio.exe",)),
)


class Finding(NamedTuple):
    """One line of the report."""

    state: str
    subject: str
    text: str


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `continuo doctor`."""
    parser.add_argument("--port", type=port_number, default=PORT, help=f"the daemon's port (default {PORT})")
    parser.add_argument("--json", action="store_true", help="print one JSON array")


def run(args: argparse.Namespace) -> int:
    """Print all findings as they come; 1 where something is broken."""
    findings = []
    for finding in examine(args.port):
        findings.append(finding)
        if not args.json:
            print(f"{finding.state}  {finding.subject:16} {finding.text}", flush=True)
    if args.json:
        print(json.dumps([finding._asdict() for finding in findings], indent=1))
    return int(any(finding.state == BROKEN for finding in findings))


def examine(number: int) -> Iterator[Finding]:
    """All findings; `number` is the daemon's port."""
    yield from packages()
    yield from models()
    yield folder()
    yield port(number)
    yield from daws()
    yield from buttons()


def packages() -> Iterator[Finding]:
    """Python and the packages, those for training too."""
    yield Finding(OK, "python", f"{platform.python_version()} on {platform.platform()}")
    for name in PACKAGES:
        yield _package(name, BROKEN, f"pip install {name}")
    runtimes = [name for name in ONNXRUNTIMES if _version(name)]
    if len(runtimes) == 2:
        remedy = "pip uninstall onnxruntime onnxruntime-gpu, then pip install continuo-daw"
        yield Finding(BROKEN, "onnxruntime", f"two packages in each other's way: {remedy}")
    else:
        yield _package(runtimes[0] if runtimes else ONNXRUNTIMES[1], BROKEN, "pip install continuo-daw")
    for name in TRAINING:
        yield _package(name, ABSENT, "only for training: pip install 'continuo-daw[train]'")


def models() -> Iterator[Finding]:
    """The device that runs, and every bundle: loaded, its hash compared."""
    engine = Engine()
    yield Finding(OK, "device", f"{engine.device}: {engine.device_note}")
    for name, bundle in engine.bundles.items():
        yield Finding(OK, f"model {name}", f"{bundle.card.title}; {', '.join(bundle.card.tasks)}")
    for name, trouble in engine.broken.items():
        yield Finding(BROKEN, f"model {name}", f"{trouble}; remove that folder or install it again")
    if not engine.bundles:
        yield Finding(BROKEN, "models", f"none can be used; install continuo again, or put one into {models_dir()}")


def folder() -> Finding:
    """Whether the folder of the user can be written."""
    place = data_dir()
    there = next(parent for parent in (place, *place.parents) if parent.exists())
    if there.is_dir() and os.access(there, os.W_OK):
        return Finding(OK, "user folder", str(place))
    return Finding(BROKEN, "user folder", f"{place} cannot be written; name another one in CONTINUO_HOME")


def port(number: int) -> Finding:
    """Whether the daemon's port is free, or who answers there."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind(("127.0.0.1", number))
        except OSError:
            pass
        else:
            return Finding(OK, "port", f"UDP {number} is free")
    try:
        with Client(port=number) as client:
            name, version, protocol, _ = client.version()
            device = client.status()["device"]
    except AssistantError:
        remedy = f"continuo serve --port {number + 1}, and the same number in the DAW script"
        return Finding(BROKEN, "port", f"UDP {number} is taken by a program that is not Continuo: {remedy}")
    return Finding(OK, "port", f"UDP {number}: {name} {version} answers (protocol {protocol}, {device})")


def daws(rows: Sequence[tuple[str, str, tuple[str, ...]]] = DAWS, system: str = sys.platform) -> Iterator[Finding]:
    """Which DAWs lie where they usually lie on this system."""
    for name, its_system, places in rows:
        if its_system == system:
            found = next((path for place in places for path in _installed(place)), None)
            yield Finding(OK if found else ABSENT, name, found or "not found in the usual places")


def buttons(system: str = sys.platform) -> Iterator[Finding]:
    """Whether the scripts in DAWs find Continuo, and for each DAW that has run here whether they are as installed."""
    record, settings = read_record(), read_daw_file()
    if record:
        command = settings.get("command", "")
        state = OK if Path(command).is_file() else BROKEN
        remedy = "" if state == OK else f" is not there: run `continuo install {next(iter(record))}` again"
        yield Finding(state, "daw.txt", f"{daw_file()}: {command or 'the command'}{remedy}")
    for daw, title in TITLES.items():
        subject, again = f"{title} buttons", f"run `continuo install {daw}`"
        files, folders = record.get(daw, {}), found(daw, system)
        states = {path: state_of(path, sha) for path, sha in files.items()}
        if lost := [path for path, state in states.items() if state == "missing"]:
            yield Finding(BROKEN, subject, f"{', '.join(lost)}: not there any more, {again}")
        elif changed := [path for path, state in states.items() if state == "changed"]:
            yield Finding(ABSENT, subject, f"{', '.join(changed)}: changed since; to renew it, remove it and {again}")
        elif files and set(files.values()) != {sha256(data) for data in built(daw).values()}:
            yield Finding(ABSENT, subject, f"of another version of Continuo: {again}")
        elif files:
            yield Finding(OK, subject, f"{len(files)} files, as they were installed")
        elif folders:
            yield Finding(ABSENT, subject, f"not in {folders[0]}: {again}")


def _installed(place: str) -> list[str]:
    if Path(place).name == place:
        program = shutil.which(place)
        return [program] if program else []
    return sorted(glob.glob(os.path.expandvars(Path(place).expanduser())))  # noqa: PTH207 - absolute pattern


def _package(name: str, otherwise: str, remedy: str) -> Finding:
    version = _version(name)
    return Finding(OK, name, version) if version else Finding(otherwise, name, f"not installed: {remedy}")


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return ""
