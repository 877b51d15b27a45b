"""Sets: where the files of a data set lie, and what its manifest says of each.

A set is a folder, an archive of one (unpacked once to a cache), plain files, or a corpus that music21 carries.
"""

from __future__ import annotations

import contextlib
import csv
import hashlib
import json
import os
import shutil
import tarfile
import tempfile
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import music21

from continuo_daw.assistant.paths import data_dir
from continuo_daw.training.corpus.formats import READERS

ARCHIVES = (".tar.xz", ".tar.gz", ".tgz", ".tar.bz2", ".tar", ".zip")
MUSIC21 = "music21:"
MANIFEST = "manifest.csv"
# rows of a manifest that hold another row's music again, whole or in part
REPEATING_ROLES = frozenset({"performance_excerpt", "performance_average", "score_xml"})


class CorpusError(ValueError):
    """A corpus that cannot be loaded; the message names it and what was looked for."""


@dataclass(frozen=True)
class SetConfig:
    """One `[[data.sets]]` table: which files of the data folder to read and which of their notes make a piece.

    name: a set's folder, an archive without its suffix, a file pattern, `music21:` and a corpus of music21,
        or `.` for every file
    parts: a rule of `training.corpus.parts.RULES`
    styles, instruments: keep the files whose manifest names contain one of these; empty keeps all
    limit: at most this many pieces, chosen by hash; 0 keeps all
    versions: keep pieces of one work that differ in nothing but how they are played
    """

    name: str
    parts: str = "all"
    styles: tuple[str, ...] = ()
    instruments: tuple[str, ...] = ()
    limit: int = 0
    versions: bool = False


@dataclass(frozen=True)
class Entry:
    """One music file of a set; `split` is empty where no manifest gives one."""

    path: Path
    id: str
    group: str
    split: str
    title: str
    licence: str = ""
    style: str = ""
    instrument: str = ""
    extra: dict[str, object] = field(default_factory=dict)


def split_of(group: str) -> str:
    """The split of a group that no manifest assigns: about 90 % train, 5 % valid, 5 % test, by its hash."""
    share = int(hashlib.sha256(group.encode()).hexdigest()[:8], 16) % 100
    return "train" if share < 90 else "valid" if share < 95 else "test"


def entries_of(data: Path, config: SetConfig, cache: Path | None = None) -> list[Entry]:
    """The files of a set in order of their ids. Raises CorpusError where there are none."""
    if config.name.startswith(MUSIC21):
        found = music21_entries(config.name)
    else:
        found = folder_entries(data, config.name, cache)
    if not found:
        raise CorpusError(f"set {config.name!r} in {data} holds no music file ({', '.join(READERS)})")
    kept = [entry for entry in found if wanted(entry, config)]
    if not kept:
        raise CorpusError(
            f"set {config.name!r}: none of {len(found)} files has a style in {list(config.styles) or 'any'} "
            f"and an instrument in {list(config.instruments) or 'any'}"
        )
    return sorted(kept, key=lambda entry: entry.id)


def wanted(entry: Entry, config: SetConfig) -> bool:
    """True where an entry passes the filters of a set."""
    tests = ((config.styles, entry.style), (config.instruments, entry.instrument))
    return all(not words or any(word.lower() in value.lower() for word in words) for words, value in tests)


def state_of(data: Path, config: SetConfig) -> list[tuple[str, int, int]]:
    """What tells whether a set has changed: path, bytes and time of change (ns) of every file that it may be read from.

    Raises CorpusError where it is not there.
    """
    if config.name.startswith(MUSIC21):
        return [(f"{config.name} {music21.__version__}", 0, 0)]
    found = [file for place in places_of(data, config.name) for file in files_of(place)]
    states = [(path.relative_to(data).as_posix(), path.stat()) for path in found]
    return [(name, state.st_size, state.st_mtime_ns) for name, state in states]


def files_of(place: Path) -> Iterator[Path]:
    """A file as it is; of a folder the manifests and the music, at any depth."""
    if place.is_file():
        yield place
        return
    with contextlib.suppress(PermissionError), os.scandir(place) as found:  # what cannot be listed is not read either
        for entry in found:
            if entry.is_dir(follow_symlinks=False):
                yield from files_of(Path(entry.path))
            elif (entry.name == MANIFEST or Path(entry.name).suffix.lower() in READERS) and entry.is_file():
                yield Path(entry.path)


def folder_entries(data: Path, name: str, cache: Path | None) -> list[Entry]:
    """The entries of a set that lies in a folder, in an archive or in plain files."""
    places = places_of(data, name)
    if places[0].is_file() and not places[0].name.endswith(ARCHIVES):
        return plain_entries(data, places)
    folder = unpacked(places[0], name, cache) if places[0].is_file() else places[0]
    manifest = folder / MANIFEST
    if manifest.is_file():
        return manifest_entries(folder, manifest)
    return plain_entries(folder, (path for path in folder.rglob("*") if path.suffix.lower() in READERS))


def places_of(data: Path, name: str) -> list[Path]:
    """Where a set lies: its folder, its archive, or its files. Raises CorpusError where there is nothing."""
    if not name or Path(name).is_absolute() or ".." in Path(name).parts:
        raise CorpusError(f"set {name!r} is not the name of anything inside the data folder")
    if not data.is_dir() or not os.access(data, os.R_OK):
        raise CorpusError(f"data folder {data} is not a folder that can be read")
    if name == "." or (data.name == name and (data / MANIFEST).is_file()):
        return [data]
    if not any(letter in name for letter in "*?["):
        if (data / name).is_dir():
            return [data / name]
        folders = [path for path in sorted(data.rglob(name)) if path.is_dir()]
        archives = [path for suffix in ARCHIVES for path in sorted(data.rglob(name + suffix))]
        if folders or archives:
            return [*folders, *archives][:1]
    files = [path for path in sorted(data.glob(name)) if path.is_file() and path.suffix.lower() in READERS]
    if not files:
        raise CorpusError(
            f"set {name!r} is not in {data}: looked for a folder {name}, an archive {name} "
            f"({', '.join(ARCHIVES)}) and files that match {name}"
        )
    return files


def unpacked(archive: Path, name: str, cache: Path | None = None) -> Path:
    """The folder of an archive, unpacked to the cache unless it is there already."""
    cache = cache or data_dir() / "corpora"
    state = archive.stat()
    key = hashlib.sha256(f"{archive.resolve()}\0{state.st_size}\0{state.st_mtime_ns}".encode()).hexdigest()[:12]
    stem = Path(name).name
    target = cache / f"{stem}-{key}"
    if not target.is_dir():
        cache.mkdir(parents=True, exist_ok=True)
        part = Path(tempfile.mkdtemp(prefix=f"{stem}-", dir=cache))
        try:
            unpack(archive, part)
            part.rename(target)
        except (tarfile.TarError, zipfile.BadZipFile, EOFError, OSError) as error:
            if not target.is_dir():  # else another process was faster
                raise CorpusError(f"archive {archive} cannot be unpacked to {cache}: {error}") from error
        finally:
            shutil.rmtree(part, ignore_errors=True)
    inner = target / stem
    return inner if inner.is_dir() else target


def unpack(archive: Path, folder: Path) -> None:
    """Unpack without ever writing outside `folder`."""
    if archive.suffix == ".zip":
        with zipfile.ZipFile(archive) as packed:
            packed.extractall(folder)
    else:
        if not hasattr(tarfile, "data_filter"):
            raise CorpusError(f"archive {archive}: to unpack it safely takes Python 3.11.4 or later")
        with tarfile.open(archive) as packed:
            packed.extractall(folder, filter="data")


def manifest_entries(folder: Path, manifest: Path) -> list[Entry]:
    """One entry for every id of the manifest that has a music file; of several formats the first in READERS."""
    try:
        with manifest.open(newline="", encoding="utf-8") as stream:
            rows = list(csv.DictReader(stream))
        entries: dict[str, Entry] = {}
        for suffix in READERS:
            rows_of_format = [row for row in rows if Path(row["path"]).suffix.lower() == suffix]
            found = [entry_of_row(folder, row) for row in rows_of_format if row.get("role") not in REPEATING_ROLES]
            names = Counter(entry.id for entry in found)
            if len(names) < len(found):
                raise ValueError(f"id {names.most_common(1)[0][0]!r} stands for several {suffix} files")
            entries = {entry.id: entry for entry in found} | entries
        return list(entries.values())
    except (OSError, KeyError, ValueError) as error:
        raise CorpusError(f"manifest {manifest} cannot be read: {type(error).__name__} {error}") from error


def entry_of_row(folder: Path, row: dict[str, str]) -> Entry:
    """The entry of one manifest row; a column that is missing counts as empty."""
    extra = json.loads(row.get("extra") or "{}")
    return Entry(
        path=folder / row["path"],
        id=row["id"],
        group=row.get("piece_key") or row["id"],
        split=row.get("split", ""),
        title=row.get("title", ""),
        licence=row.get("license", ""),
        style=row.get("style", ""),
        instrument=str(extra.get("instrument", "")),
        extra=extra,
    )


def plain_entries(folder: Path, files: Iterable[Path]) -> list[Entry]:
    """Files without a manifest: each is a group of its own."""
    names = [(path, path.relative_to(folder).as_posix()) for path in files]
    return [Entry(path, name, name, "", path.stem) for path, name in names]


def music21_entries(name: str) -> list[Entry]:
    """The files of a corpus in music21's own package."""
    paths: Sequence[Path] = music21.corpus.corpora.CoreCorpus().getComposer(name.removeprefix(MUSIC21))
    if not paths:
        raise CorpusError(f"set {name!r}: music21 {music21.__version__} carries no corpus of that name")
    root = Path(music21.__file__).parent / "corpus"
    return plain_entries(root, (Path(path) for path in paths if Path(path).suffix.lower() in READERS))
