"""`daw.txt`: how the scripts inside a DAW find Continuo. `continuo install` writes it, and the scripts stay as shipped.

Lines `key=value`: `command` is the program that starts Continuo, `spool` the folder of the reply files, `port` the
daemon's. It lies where the script of any host can look without asking us, whatever CONTINUO_HOME says, and once more
where that says.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from continuo_daw.assistant.paths import data_dir

NAME = "daw.txt"
# sys.platform: the variable of the environment that names the folder of the user's data, where it lies otherwise
FOLDERS = {
    "win32": ("LOCALAPPDATA", "AppData/Local"),
    "darwin": ("", "Library/Application Support"),
    "linux": ("XDG_DATA_HOME", ".local/share"),
}


def daw_file() -> Path:
    """Where it lies on this system."""
    variable, otherwise = FOLDERS.get(sys.platform, FOLDERS["linux"])
    named = os.environ.get(variable, "")
    return (Path(named) if named else Path.home() / otherwise) / "continuo" / NAME


def read_daw_file() -> dict[str, str]:
    """Its keys and values; empty where it is not there or cannot be read."""
    try:
        text = daw_file().read_text(encoding="utf-8", errors="replace")
    except OSError:
        return {}
    pairs = (line.partition("=") for line in text.splitlines())
    return {key.strip(): value.strip() for key, equals, value in pairs if equals}


def write_daw_file(command: Path, spool: Path, port: int) -> None:
    """Write it, folder and all. Raises OSError."""
    for file in _files():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"command={command}\nspool={spool}\nport={port}\n", encoding="utf-8", newline="\n")


def remove_daw_file() -> None:
    """Remove it. Raises OSError."""
    for file in _files():
        file.unlink(missing_ok=True)


def _files() -> set[Path]:
    return {daw_file(), data_dir() / NAME}
