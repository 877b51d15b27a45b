"""Formats: the reader of each kind of music file, by its suffix."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from continuo_daw.training.corpus.match import read_match
from continuo_daw.training.corpus.readers import Song, read_midi, read_score

# of several formats of one tune the first is read: a match file has the notes of a performance on the beats of a score
READERS: dict[str, Callable[[Path], dict[str, Song]]] = {
    ".match": read_match,
    ".mid": read_midi,
    ".midi": read_midi,
    ".abc": read_score,
    ".musicxml": read_score,
    ".xml": read_score,
    ".mxl": read_score,
    ".krn": read_score,
}


def read_songs(path: Path) -> dict[str, Song]:
    """The songs of a file by name, "" where it holds one. Raises whatever its reader raises at a broken file."""
    return READERS[path.suffix.lower()](path)
