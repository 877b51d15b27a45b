"""The files that each DAW gets, made of those in `daw_scripts`, which stay the only source."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable

CORE = "-- CONTINUO CORE"  # the lines of a script for Ardour where the core goes,
REGIONS = "-- CONTINUO REGIONS"  # and where `regions.lua` goes
CORE_PARTS = ("core.lua", "options.lua")
SOURCES = {"ardour": "ardour", "reaper": "reaper", "live": "live/Continuo", "bitwig": "bitwig"}  # below daw_scripts


def built(daw: str) -> dict[str, bytes]:
    """Names, with / where there are folders, and bytes of all files of a DAW."""
    sources = dict(_files(files("continuo_daw.daw_scripts").joinpath(SOURCES[daw])))
    if daw == "ardour":
        return _single_files(sources)
    return sources | ({"core.lua": _core()} if daw == "reaper" else {})


def _single_files(sources: dict[str, bytes]) -> dict[str, bytes]:
    """Ardour keeps only the function `factory` of a file: each action is a file of its own, with the core inside.

    `action.lua` is that of Continue, with the line `CORE`; `actions.txt` has a line `action|title` for each. `hook.lua`
    has the line `REGIONS`, too.
    """
    core = _core()
    text = {name: data.replace(CORE.encode(), core.rstrip()) for name, data in sources.items()}
    made = {"continuo_hook.lua": text["hook.lua"].replace(REGIONS.encode(), text["regions.lua"].rstrip())}
    for line in text["actions.txt"].decode().splitlines():
        action, title = line.split("|")
        own = text["action.lua"].replace(b'"Continuo: Continue"', f'"{title}"'.encode())
        made[f"continuo_{action}.lua"] = own.replace(b'ACTION = "continue"', f'ACTION = "{action}"'.encode())
    return made


def _core() -> bytes:
    """What the Lua scripts share, the parts of it as one."""
    folder = files("continuo_daw.daw_scripts").joinpath("lua")
    return b"\n".join(folder.joinpath(name).read_bytes() for name in CORE_PARTS)


def _files(folder: Traversable, prefix: str = "") -> Iterator[tuple[str, bytes]]:
    for entry in folder.iterdir():
        if entry.is_dir() and entry.name != "__pycache__":
            yield from _files(entry, f"{prefix}{entry.name}/")
        elif entry.is_file() and not entry.name.endswith((".md", ".pyc")):
            yield prefix + entry.name, entry.read_bytes()
