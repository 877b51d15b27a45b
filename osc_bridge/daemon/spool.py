"""Reply files: the answers to a request as text and MIDI, for hosts that cannot receive OSC.

Every file appears whole: it is written under a temporary name and then renamed.
"""

from __future__ import annotations

import json
import logging
import re
import time
from collections.abc import Iterable
from pathlib import Path

from continuo_daw.assistant.errors import AssistantError
from continuo_daw.assistant.music.clip import Clip
from continuo_daw.osc_bridge.daemon.addresses import ACCEPTED, DONE, FAIL, PROGRESS
from continuo_daw.osc_bridge.daemon.event import Event

KEEP_SECONDS = 86_400.0
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_OURS = re.compile(r"[A-Za-z0-9_-]{1,64}\.(ask|reply|progress|press|alive|error|[0-9]+\.mid)(\.tmp)?")
_DEVICES = {"con", "prn", "aux", "nul", *(f"{port}{number}" for port in ("com", "lpt") for number in range(10))}
_WORD = re.compile(r"[A-Za-z_/][^\s\"\\]*")

log = logging.getLogger("continuo")


class ReplyFile:
    """The files `<folder>/<name>.*` of one request. Raises AssistantError `bad_args` where the name does not do."""

    def __init__(self, folder: Path, name: str) -> None:
        if not _NAME.fullmatch(name) or name.lower() in _DEVICES:
            text = f"reply_file {name[:80]} is not a name of up to 64 letters, digits, - and _"
            raise AssistantError("bad_args", text)
        self.name = name
        self._folder = folder

    def clear(self) -> None:
        """Remove the files of an earlier request. Raises AssistantError `internal` where the folder cannot be used."""
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            for path in self._folder.iterdir():
                if path.name.startswith(self.name + ".") and _OURS.fullmatch(path.name):
                    path.unlink(missing_ok=True)
        except OSError as error:
            raise AssistantError(
                "internal", f"reply_file: the folder {self._folder} cannot be used: {error.strerror}"
            ) from None

    def candidate(self, index: int, clip: Clip) -> None:
        """`name.<index>.mid`"""
        # here, because `continuo ask` does without, and it is slow to load
        from continuo_daw.assistant.music.midi_write import midi_bytes

        self._write(f"{self.name}.{index}.mid", midi_bytes(clip))

    def progress(self, line: str) -> None:
        """`name.progress`, one line"""
        self._write(f"{self.name}.progress", f"{line}\n".encode())

    def finish(self, lines: Iterable[str]) -> None:
        """`name.reply`, the last file to appear"""
        self._write(f"{self.name}.reply", "".join(f"{line}\n" for line in lines).encode())
        try:
            (self._folder / f"{self.name}.progress").unlink(missing_ok=True)
        except OSError as error:  # on Windows a host that reads it keeps it there
            log.warning("%s.progress cannot be removed: %s", self.name, error)

    def _write(self, name: str, data: bytes) -> None:
        temporary = self._folder / f"{name}.tmp"
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            temporary.unlink(missing_ok=True)  # whatever lies there, a link too, is not written through
            with temporary.open("xb") as file:
                file.write(data)
            temporary.replace(self._folder / name)
        except OSError as error:  # a full disk ends the file, not the music
            log.warning("reply file %s cannot be written: %s", name, error)


class FileSink:
    """The answers to a request as files: each result as MIDI, all of them as text once the last word is said."""

    slow = True

    def __init__(self, file: ReplyFile) -> None:
        self._file = file
        self._lines: list[str] = []

    def take(self, event: Event) -> None:
        """The next answer. Raises AssistantError `internal` where the folder cannot be used."""
        line = as_text(event.address, event.values)
        if event.address == PROGRESS:
            self._file.progress(line)
            return
        if event.address == ACCEPTED:
            self._file.clear()
        self._lines.append(line)
        if event.clip is not None:
            self._file.candidate(int(event.arguments[1]), event.clip)
        if event.address in (DONE, FAIL):
            self._file.finish(self._lines)


def sweep(folder: Path) -> None:
    """Remove the reply files that are older than a day."""
    oldest = time.time() - KEEP_SECONDS
    for path in folder.iterdir() if folder.is_dir() else ():
        try:
            if _OURS.fullmatch(path.name) and path.lstat().st_mtime < oldest:
                path.unlink()
        except OSError as error:
            log.warning("old reply file %s cannot be removed: %s", path.name, error)


def as_text(address: str, arguments: Iterable[object]) -> str:
    """A message as one line: one space between values, a string in JSON's quotes where it is not one plain word."""
    return " ".join([address, *map(_shown, arguments)])


def _shown(value: object) -> str:
    if isinstance(value, str):
        return value if _WORD.fullmatch(value) else json.dumps(value, ensure_ascii=False)
    if isinstance(value, float):
        return repr(round(value, 6))
    return str(int(value)) if isinstance(value, int) else str(value)
