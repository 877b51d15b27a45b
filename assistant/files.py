"""Files are written whole or not at all: under a temporary name, then renamed."""

from __future__ import annotations

import os
from pathlib import Path

from continuo_daw.assistant.errors import AssistantError


def write_whole(data: bytes, path: str | Path) -> None:
    """Write a file; no link to one is written through, and what is no file, such as /dev/null, is written to. Raises
    AssistantError `bad_args` where the place cannot be written."""
    path = Path(path)
    temporary = path.with_name(f".{path.name[:200]}.{os.getpid()}.tmp")
    try:
        if path.is_dir():
            raise IsADirectoryError(0, "it is a folder")
        if path.exists() and not path.is_file():
            path.write_bytes(data)
            return
        temporary.write_bytes(data)
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise AssistantError("bad_args", f"cannot write {path}: {error.strerror or error}") from None
