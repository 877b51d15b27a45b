"""`continuo watch FOLDER`: every MIDI file that is dropped into a folder becomes results beside it.

For DAWs without scripting: drag a clip into the folder, drag what comes out back. The results of `name.mid` are
`name.TASK.0.mid`, `name.TASK.1.mid` ...; files of such a name are never worked on. Files that are there at the start
are new unless they have results that are newer.
"""

from __future__ import annotations

import argparse
import re
import signal
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from continuo_daw.assistant.commands import sources
from continuo_daw.assistant.commands.sources import bytes_of, sources_of
from continuo_daw.assistant.engine import Engine
from continuo_daw.assistant.errors import AssistantError
from continuo_daw.assistant.files import write_whole
from continuo_daw.assistant.option import Option, check_options
from continuo_daw.assistant.request import Request
from continuo_daw.assistant.tasks import TASKS, options_of

LOOK_SECONDS = 0.5  # between looks; a file that has not changed from one to the next is whole
ENDINGS = (".mid", ".midi")
_RESULT = re.compile(rf"\.({'|'.join(TASKS)})\.[0-9]+\.mid$")
_DEST = "option."  # so that no option of a task can be taken for an argument of the command

Stamp = tuple[int, int]  # when a file was changed in ns, its bytes


def tasks() -> dict[str, list[Option]]:
    """The tasks that work on one clip, with their options but those of the wire."""
    fitting = (name for name, task in TASKS.items() if task.CLIPS[0] <= 1 <= task.CLIPS[1])
    return {name: [option for option in options_of(name) if not option.key.startswith("reply_")] for name in fitting}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The folder, the task, and a flag for every option that one of the tasks has."""
    known = tasks()
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="where MIDI files are dropped")
    parser.add_argument("--task", choices=known, default="continue", help="what to do with them (default: continue)")
    sources.add_arguments(parser)
    owners: dict[str, list[str]] = {}
    rows: dict[str, Option] = {}
    for task, options in known.items():
        for option in options:
            rows.setdefault(option.key, option)
            owners.setdefault(option.key, []).append(task)
    for key, option in rows.items():
        where = "" if len(owners[key]) == len(known) else f" ({', '.join(owners[key])})"
        parser.add_argument(
            "--" + key.replace("_", "-"),
            dest=_DEST + key,
            default=argparse.SUPPRESS,
            help=f"{option.help}{where}".replace("%", "%%"),
            **({"action": argparse.BooleanOptionalAction} if option.type == "bool" else {"metavar": key.upper()}),
        )


def run(args: argparse.Namespace) -> int:
    """Look until Ctrl-C. Raises AssistantError where folder or options are wrong."""
    options = {key.removeprefix(_DEST): value for key, value in vars(args).items() if key.startswith(_DEST)}
    check_options(tasks()[args.task], options)
    if not args.folder.is_dir():
        raise AssistantError("bad_args", f"there is no folder {args.folder}")
    watch = Watch(args.folder, Engine(), args.task, options, args.track, args.upbeat)
    print(f"{args.task} for every MIDI file in {args.folder}; Ctrl-C ends it", flush=True)
    ended = threading.Event()

    def end(*_: object) -> None:
        ended.set()  # what is raised while Python clears something away is lost
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, end)
    try:
        while not ended.is_set():
            for line in watch.look():
                print(line, flush=True)
            time.sleep(LOOK_SECONDS)
    except KeyboardInterrupt:
        pass
    finally:
        signal.signal(signal.SIGINT, before)
    return 0


class Watch:
    """The files of a folder, and what has become of them."""

    def __init__(
        self,
        folder: Path,
        engine: Engine,
        task: str,
        options: Mapping[str, object],
        tracks: Sequence[str] = (),
        upbeat: float | None = None,
    ) -> None:
        self._folder = folder
        self._engine = engine
        self._task = task
        self._options = options
        self._tracks = tracks
        self._upbeat = upbeat
        self._seen: dict[Path, Stamp] = {}  # at the last look
        self._done = {path: stamp for path, stamp in self._stamps().items() if self._has_results(path, stamp)}

    def look(self) -> Iterator[str]:
        """Work on what is new and whole; a line for each result, or for what went wrong with a file.

        Raises AssistantError `not_found` where the folder is gone.
        """
        before, self._seen = self._seen, self._stamps()
        self._done = {path: stamp for path, stamp in self._done.items() if path in self._seen}
        for path, stamp in self._seen.items():
            if before.get(path) == stamp != self._done.get(path):
                self._done[path] = stamp
                yield from self._work(path)

    def _work(self, path: Path) -> Iterator[str]:
        try:
            given = sources_of([path], self._tracks, self._upbeat)
            result = self._engine.run(Request(self._task, (given[0].clip,), self._options, given[0].context))
            for index, candidate in enumerate(result.candidates):
                written = self._result(path, index)
                if written.is_symlink():  # whoever put it there does not say what is written over
                    written.unlink()
                write_whole(bytes_of(candidate, given), written)
                yield f"{written.name}: {len(candidate.clip.notes)} notes by {result.model}"
        except AssistantError as error:
            yield f"{path.name}: {error.text}"
        except Exception as error:  # whatever is wrong with one file, the next may be good
            yield f"{path.name}: {error!r}"

    def _stamps(self) -> dict[Path, Stamp]:
        stamps = {}
        try:
            for path in sorted(self._folder.iterdir()):
                ours = _RESULT.search(path.name) or path.name.startswith(".")
                if path.suffix.lower() in ENDINGS and not ours and (stamp := _stamp(path)):
                    stamps[path] = stamp
        except OSError as error:
            raise AssistantError("not_found", f"{self._folder} cannot be read any more: {error.strerror}") from None
        return stamps

    def _result(self, path: Path, index: int) -> Path:
        return path.with_name(f"{path.stem}.{self._task}.{index}.mid")

    def _has_results(self, path: Path, stamp: Stamp) -> bool:
        made = _stamp(self._result(path, 0))
        return made is not None and made[0] >= stamp[0]


def _stamp(path: Path) -> Stamp | None:
    """None where there is no such file, or no more."""
    try:
        status = path.stat()
    except OSError:
        return None
    return (status.st_mtime_ns, status.st_size) if path.is_file() else None
