"""Indexes that bundles share: those that have learnt from one corpus need its index once on disk."""

from __future__ import annotations

import hashlib
from pathlib import Path

from continuo_daw.assistant.paths import bundled_models


def path_of_index(folder: Path, name: str, digest: str) -> Path:
    """Where the index of a bundle lies: in its own folder, else in one beside it or among the shipped ones, in a file
    with the hash on the bundle's card. Where there is none, its place in the own folder."""
    own = folder / name
    if own.exists():
        return own
    others = (path for place in (folder.parent, bundled_models()) for path in sorted(place.glob(f"*/{name}")))
    return next((path for path in others if _digest_of(path) == digest), own)


def _digest_of(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""
