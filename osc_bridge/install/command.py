"""`continuo install DAW`: the buttons into the folder where that DAW looks for scripts; `--remove` takes them away.

No file that the user has changed is written over or removed.
"""

from __future__ import annotations

import argparse
import glob
import os
import shutil
import sys
import sysconfig
from pathlib import Path

from continuo_daw.assistant.errors import AssistantError
from continuo_daw.assistant.paths import spool_dir
from continuo_daw.osc_bridge.clients.ask import PORT
from continuo_daw.osc_bridge.install.daw_file import remove_daw_file, write_daw_file
from continuo_daw.osc_bridge.install.record import (
    FOLDER,
    Files,
    below,
    read_record,
    sha256,
    state_of,
    take_away,
    write_record,
)
from continuo_daw.osc_bridge.install.scripts import built

# DAW, sys.platform, a folder that is there once the DAW has run, the folder for scripts in it
PLACES = (
    ("ardour", "linux", "{config}/ardour[789]", "scripts"),
    ("ardour", "darwin", "~/Library/Preferences/Ardour[789]", "scripts"),
    ("ardour", "win32", "{local}/Ardour[789]", "scripts"),
    ("reaper", "linux", "{config}/REAPER", "Scripts"),
    ("reaper", "darwin", "~/Library/Application Support/REAPER", "Scripts"),
    ("reaper", "win32", "{roaming}/REAPER", "Scripts"),
    ("live", "darwin", "~/Music/Ableton/User Library", "Remote Scripts"),
    ("live", "win32", "~/Documents/Ableton/User Library", "Remote Scripts"),
    ("bitwig", "linux", "~/Bitwig Studio", "Controller Scripts"),
    ("bitwig", "darwin", "~/Documents/Bitwig Studio", "Controller Scripts"),
    ("bitwig", "win32", "~/Documents/Bitwig Studio", "Controller Scripts"),
)
VARIABLES = {  # in PLACES: of the environment, and where it is not set
    "config": ("XDG_CONFIG_HOME", "~/.config"),
    "local": ("LOCALAPPDATA", "~/AppData/Local"),
    "roaming": ("APPDATA", "~/AppData/Roaming"),
}
TITLES = {"ardour": "Ardour", "reaper": "REAPER", "live": "Ableton Live", "bitwig": "Bitwig Studio"}
STEPS = {  # what to click then
    "ardour": (
        "Edit > Lua Scripts > Script Manager > Action Hooks: add the hook Continuo",
        "right-click a script button of the toolbar and choose Continuo: Continue; the same for other buttons you want",
        "select a MIDI region and press the button",
    ),
    "reaper": (
        "Actions > Show action list > New action > Load ReaScript: choose the files continuo_*.lua in {folder}",
        "give the actions that you want a key or a toolbar button",
        "select a MIDI item and run Continue",
    ),
    "live": (
        "start Live again",
        "Settings > Link, Tempo & MIDI: choose Continuo as a Control Surface, and what sends it notes as its Input",
        "show a MIDI clip in the Clip View and send note 37 on channel 16: Continue",
    ),
    "bitwig": (
        "run `continuo serve` in a terminal: Bitwig's scripts cannot start it",
        "Settings > Controllers > Add controller: choose Continuo > Continuo",
        "select a note clip and press Continue in the Studio I/O panel",
    ),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `continuo install`."""
    parser.add_argument("daw", choices=sorted(TITLES), metavar="DAW", help=", ".join(sorted(TITLES)))
    parser.add_argument(
        "--to", type=Path, metavar="DIR", help="the folder for scripts, where the DAW has it elsewhere than usual"
    )
    parser.add_argument("--remove", action="store_true", help="take away what was installed")


def run(args: argparse.Namespace) -> int:
    """0 where everything is in its place, or gone; 1 where a changed file is in the way."""
    try:
        changed = remove(args.daw, args.to) if args.remove else install(args.daw, args.to)
    except OSError as error:
        raise AssistantError("internal", f"{error.filename or error}: {error.strerror}") from None
    for path in changed:
        print(f"kept as it is, because it was changed: {path}")
    return int(bool(changed))


def install(daw: str, to: Path | None = None) -> list[str]:
    """Put the files of a DAW into its folders, write daw.txt, say what to click; the files that were in the way.

    Raises AssistantError `not_found` where no folder or no program is found, and OSError.
    """
    folders = [to.expanduser().absolute()] if to else found(daw)
    if not folders:
        text = (
            f"no folder of {TITLES[daw]} is where it usually is: start it once, or name its folder for scripts (--to)"
        )
        raise AssistantError("not_found", text)
    command = program()
    record = read_record()
    changed: list[str] = []
    for folder in folders:
        changed += _put(daw, folder, record.setdefault(daw, {}))
    write_record(record)
    spool_dir().mkdir(mode=0o700, parents=True, exist_ok=True)  # scripts write there before any daemon has run
    write_daw_file(command, spool_dir(), PORT)
    for number, step in enumerate(STEPS[daw], 1):
        print(f"{number}. {step.format(folder=folders[0] / FOLDER)}")
    return changed


def _put(daw: str, folder: Path, recorded: Files) -> list[str]:
    """Put the files into one folder, in the place of an earlier version; what is recorded changes with them."""
    earlier = below(recorded, folder)
    take_away(earlier)
    for path in earlier:
        del recorded[path]
    files = {str(folder / name): data for name, data in placed(daw).items()}
    recorded |= {path: sha256(data) for path, data in files.items()}
    changed = [path for path in files if state_of(path, recorded[path]) == "changed"]
    for path in files.keys() - set(changed):
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_bytes(files[path])
    print(f"{TITLES[daw]}: {len(files) - len(changed)} files in {folder}")
    return changed


def remove(daw: str, to: Path | None = None) -> list[str]:
    """Take away what was installed for a DAW, or only what was below `to`; the files that stay. Raises OSError."""
    record = read_record()
    recorded = record.get(daw, {})
    files = below(recorded, to.expanduser().absolute()) if to else recorded
    changed = take_away(files)
    record[daw] = {path: sha for path, sha in recorded.items() if path not in files}
    write_record(record)
    if not any(record.values()):
        remove_daw_file()
    print(f"{TITLES[daw]}: {len(files) - len(changed)} files are removed")
    return changed


def found(daw: str, system: str = sys.platform) -> list[Path]:
    """The folders for scripts of the versions of a DAW that have run on this machine."""
    places = {name: os.environ.get(variable) or otherwise for name, (variable, otherwise) in VARIABLES.items()}
    patterns = [(pattern, scripts) for name, its, pattern, scripts in PLACES if (name, its) == (daw, system)]
    folders = []
    for pattern, scripts in patterns:
        full = str(Path(pattern.format(**places)).expanduser())
        folders += [Path(path) / scripts for path in sorted(glob.glob(full))]  # noqa: PTH207 - absolute pattern
    return folders


def placed(daw: str) -> dict[str, bytes]:
    """The files of a DAW by their place in its folder for scripts. Ardour does not look into folders there."""
    prefix = "" if daw == "ardour" else f"{FOLDER}/"
    return {prefix + name: data for name, data in built(daw).items()}


def program() -> Path:
    """The program `continuo` that was installed: a file that any host can start. Raises AssistantError `not_found`."""
    name = "continuo.exe" if sys.platform == "win32" else "continuo"
    called = Path(sys.argv[0]).absolute()
    candidates = [called.with_name(name)] if called.stem == "continuo" else []
    candidates += [Path(sysconfig.get_path("scripts")) / name, *map(Path, filter(None, [shutil.which("continuo")]))]
    for path in candidates:
        if path.is_file():
            return path
    raise AssistantError("not_found", "the program continuo is not installed: pip install continuo-daw")
