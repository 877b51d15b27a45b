"""`continuo generate`, `continuo continue` ...: a task on MIDI files; flags and clips come from the task's tables."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Sequence
from pathlib import Path

from continuo_daw.assistant.commands import sources
from continuo_daw.assistant.commands.sources import bytes_of, sources_of
from continuo_daw.assistant.engine import Engine
from continuo_daw.assistant.errors import AssistantError
from continuo_daw.assistant.files import write_whole
from continuo_daw.assistant.music.clip import TICKS, Clip
from continuo_daw.assistant.option import Option, Value
from continuo_daw.assistant.request import Candidate, Request, Result
from continuo_daw.assistant.tasks import TASKS, in_place, options_of

_DEST = "option."  # so that no option of a task can be taken for an argument of the command


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The clips that the task takes, a flag for each of its options, and what is written."""
    task = parser.get_default("command")
    low, high = TASKS[task].CLIPS
    if high:
        count = low if low == high else "+" if low else "*"
        parser.add_argument("clips", nargs=count, type=Path, metavar="CLIP.mid", help="MIDI file to work on")
        sources.add_arguments(parser)
    parser.add_argument(
        "-o", "--out", type=Path, required=True, metavar="OUT.mid", help="several answers: OUT.0.mid ..."
    )
    parser.add_argument("--picture", type=Path, metavar="OUT.png", help="draw given and new notes as a piano roll")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of lines")
    if high == 1 and not in_place(task):
        parser.add_argument("--join", action="store_true", help="write the given file with the new notes in its track")
    for option in options_of(task):
        if not option.key.startswith("reply_"):  # those concern the wire
            _add_option(parser, option)


def run(args: argparse.Namespace) -> int:
    """Read the clips, run the task, write every candidate, and say what was written."""
    paths: list[Path] = getattr(args, "clips", [])
    refuse_to_write([args.out, args.picture], paths)
    given = sources_of(paths, args.track, args.upbeat) if paths else []
    clips = tuple(source.clip for source in given)
    options = {key.removeprefix(_DEST): value for key, value in vars(args).items() if key.startswith(_DEST)}
    context = given[0].context if given else ()
    result = Engine(lazy=True).run(Request(args.command, clips, options, context))
    files = _files(args.out, len(result.candidates))
    refuse_to_write([*files, args.picture], paths)
    for file, candidate in zip(files, result.candidates, strict=True):
        write_whole(bytes_of(candidate, given, getattr(args, "join", False)), file)
    if args.picture:
        _draw(args, files, clips, result)
    if args.json:
        print(json.dumps(_report(args.command, files, result, args.picture)))
    else:
        _print_lines(files, result)
    return 0


def _add_option(parser: argparse.ArgumentParser, option: Option) -> None:
    """One flag; left out, the option is not in the request and the task's default holds."""

    def checked(text: str) -> Value:
        try:
            return option.check(text)
        except AssistantError as error:
            raise argparse.ArgumentTypeError(error.text) from None

    default = "" if option.default in (None, "") else f"; default {option.default}"
    description = f"{option.help} ({option.range}{default})".replace("%", "%%")
    flag, dest = "--" + option.key.replace("_", "-"), _DEST + option.key
    if option.type == "bool":
        switch = argparse.BooleanOptionalAction
        parser.add_argument(flag, dest=dest, default=argparse.SUPPRESS, help=description, action=switch)
    else:
        name = option.key.upper()
        parser.add_argument(flag, dest=dest, default=argparse.SUPPRESS, help=description, type=checked, metavar=name)


def refuse_to_write(files: Sequence[Path | None], inputs: Sequence[Path]) -> None:
    """No file that was given may be written over, and folders must be there before anything runs."""
    named = [file for file in files if file is not None]
    places = [os.path.realpath(file) for file in named]
    for file, place in zip(named, places, strict=True):
        if places.count(place) > 1:
            raise AssistantError("bad_args", f"{file} would be written twice; name another file")
        if not file.parent.is_dir():
            raise AssistantError("bad_args", f"cannot write {file}: there is no folder {file.parent}")
        if any(file.exists() and path.exists() and file.samefile(path) for path in inputs):
            raise AssistantError("bad_args", f"{file} is the clip that was given; name another file to write")


def _files(out: Path, count: int) -> list[Path]:
    """`out.mid`, or `out.0.mid`, `out.1.mid` ... where there are several candidates."""
    if count == 1:
        return [out]
    return [out.with_name(f"{out.stem}.{index}{out.suffix}") for index in range(count)]


def _draw(args: argparse.Namespace, files: Sequence[Path], clips: Sequence[Clip], result: Result) -> None:
    from continuo_daw.assistant.drawing.piano_roll import piano_roll, rows_of  # most commands draw nothing

    pairs = zip(files, result.candidates, strict=True)
    rows = rows_of(clips, [(f"{file.name}   {_in_words(c)}", c) for file, c in pairs])
    piano_roll(rows, args.picture, f"{args.command}: {result.model}, seed {result.seed}")


def _report(task: str, files: Sequence[Path], result: Result, picture: Path | None) -> dict[str, object]:
    """All that `--json` prints. Beats are quarter notes."""
    candidates = [
        {
            "file": str(file),
            "notes": len(c.clip.notes),
            "at_beats": c.at / TICKS,
            "length_beats": c.clip.length / TICKS,
            "place": c.placement.place,
            "measures": dict(c.measures),
        }
        for file, c in zip(files, result.candidates, strict=True)
    ]
    report = {"task": task, "model": result.model, "seed": result.seed, "seconds": result.seconds}
    return report | {"candidates": candidates, "picture": picture and str(picture)}


def _print_lines(files: Sequence[Path], result: Result) -> None:
    for file, candidate in zip(files, result.candidates, strict=True):
        print(f"{file}: {_in_words(candidate)}")
    print(f"{result.model}, seed {result.seed}, {result.seconds * 1000:.0f} ms")


def _in_words(candidate: Candidate) -> str:
    """Notes, bars, and each measure; what was asked behind what was reached."""
    measures, said = candidate.measures, []
    for key, value in measures.items():
        name = key.removesuffix("_asked")
        if name != key and name in measures:
            continue
        shown = f"{value:.3g}" if isinstance(value, float) else str(value)
        asked = f" (asked {measures[f'{key}_asked']})" if f"{key}_asked" in measures else ""
        said.append(f"{name} {shown}{asked}")
    return ", ".join([f"{len(candidate.clip.notes)} notes", f"{candidate.clip.bars} bars", *said])
