"""What was put into the folders of DAWs: a record of each file, so that it can be checked, renewed and taken away."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Iterable
from pathlib import Path

from continuo_daw.assistant.paths import data_dir

FOLDER = "Continuo"  # the folder that is ours, where a DAW has one for each script

Files = dict[str, str]  # absolute path: sha256 of what was put there


def read_record() -> dict[str, Files]:
    """The files by DAW."""
    try:
        record = json.loads(_file().read_text(encoding="utf-8"))
        return {str(daw): {str(path): str(sha) for path, sha in files.items()} for daw, files in record.items()}
    except (OSError, ValueError, AttributeError):
        return {}


def write_record(record: dict[str, Files]) -> None:
    """Keep the record; DAWs without files are left out. Raises OSError."""
    _file().parent.mkdir(parents=True, exist_ok=True)
    kept = {daw: files for daw, files in record.items() if files}
    _file().write_text(json.dumps(kept, indent=1), encoding="utf-8")


def sha256(data: bytes) -> str:
    """The hash that the record has."""
    return hashlib.sha256(data).hexdigest()


def below(files: Files, folder: Path) -> Files:
    """Those of the files that lie in a folder or deeper."""
    return {path: sha for path, sha in files.items() if Path(path).is_relative_to(folder)}


def state_of(path: str, sha: str) -> str:
    """`unchanged`, `changed` since it was put there, or `missing`."""
    try:
        return "unchanged" if sha256(Path(path).read_bytes()) == sha else "changed"
    except OSError:
        return "missing"


def take_away(files: Files) -> list[str]:
    """Remove the files that are unchanged, what Python has compiled of them, and our folder where it is empty then.

    Gives the changed ones, which stay. Raises OSError.
    """
    changed = [path for path, sha in files.items() if state_of(path, sha) == "changed"]
    gone = [Path(path) for path in files if path not in changed]
    for path in gone:
        path.unlink(missing_ok=True)
        for compiled in path.parent.glob(f"__pycache__/{path.stem}.*.pyc"):
            compiled.unlink()
    _tidy({path.parent for path in gone})
    return changed


def _tidy(folders: Iterable[Path]) -> None:
    for folder in folders:
        if folder.name == FOLDER:
            for empty in (folder / "__pycache__", folder):
                with contextlib.suppress(OSError):  # not there, or something of the user's is in it
                    empty.rmdir()


def _file() -> Path:
    return data_dir() / "installed.json"
