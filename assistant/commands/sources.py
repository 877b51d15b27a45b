"""The files that a command works on: which tracks of them, what sounds beside, and the file with an answer in it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from continuo_daw.assistant.errors import AssistantError
from continuo_daw.assistant.music.clip import TICKS, Clip, Note
from continuo_daw.assistant.music.midi import read_score
from continuo_daw.assistant.music.midi_patch import changed, joined
from continuo_daw.assistant.music.midi_write import midi_bytes
from continuo_daw.assistant.music.score import Place, Score
from continuo_daw.assistant.option import Option
from continuo_daw.assistant.request import Candidate, Context

UPBEAT = Option("upbeat", "float", None, "beats from the start of the file to its first bar line", 0, 64)


@dataclass(frozen=True)
class Source:
    """A file, the tracks of it that are worked on as one clip, and where the notes of that lie in the file."""

    path: Path
    score: Score
    chosen: tuple[int, ...]
    clip: Clip
    places: tuple[Place | None, ...]

    @property
    def context(self) -> tuple[Context, ...]:
        """The other tracks."""
        others = (part.clip for index, part in enumerate(self.score.parts) if index not in self.chosen)
        return tuple(Context(clip) for clip in others if clip.notes)

    def changed(self, candidate: Candidate) -> bytes:
        """The file with the notes of an answer in place of its own, one for one."""
        notes: list[Note] = list(self.clip.notes)
        order = candidate.order or range(len(notes))
        for index, note in zip(order, candidate.clip.notes, strict=True):
            notes[index] = note
        return changed(self.score, self.clip.notes, self.places, notes)

    def joined(self, candidate: Candidate) -> bytes:
        """The file with an answer in the first of the tracks: where it says, else behind the clip."""
        place, start, end = candidate.placement
        if place == "over":
            return joined(self.score, self.chosen, candidate.clip, start, end)
        return joined(self.score, self.chosen, candidate.clip, start if place == "behind" else self.clip.length)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """`--track` and `--upbeat`."""
    parser.add_argument(
        "--track",
        action="append",
        default=[],
        metavar="NAME|NUMBER",
        help="track to work on, by name or number, several joined by commas, or all; given again for each file "
        "(default: the only pitched one); `continuo tracks FILE` lists them",
    )
    parser.add_argument(
        "--upbeat",
        type=float,
        default=None,
        metavar="BEATS",
        help="beats from the start of the file to its first bar line (default: as the file or its notes say)",
    )


def sources_of(paths: Sequence[Path], tracks: Sequence[str], upbeat: float | None) -> list[Source]:
    """The files with the tracks that are named. Says on stderr what is damaged in one. Raises AssistantError."""
    found = []
    for index, path in enumerate(paths):
        score = read_score(path)
        for warning in score.warnings[:1]:
            more = f" (and {len(score.warnings) - 1} more)" if len(score.warnings) > 1 else ""
            print(f"continuo: {path}: {warning}{more}; what is there is used", file=sys.stderr)
        chosen = score.chosen(tracks[min(index, len(tracks) - 1)] if tracks else "")
        clip, places = score.places(chosen)
        found.append(Source(path, score, chosen, _begun(clip, upbeat), places))
    return found


def bytes_of(candidate: Candidate, given: Sequence[Source], join: bool = False) -> bytes:
    """What is written of an answer: the given file with the answer in it, or a file of its own."""
    if candidate.placement.place == "in_place":
        return given[0].changed(candidate)
    return given[0].joined(candidate) if join and given else midi_bytes(candidate.clip)


def _begun(clip: Clip, upbeat: float | None) -> Clip:
    """The clip with the up-beat that is asked for. Raises AssistantError `bad_args` where it is none."""
    if upbeat is None:
        return clip
    try:
        return replace(clip, upbeat=round(float(UPBEAT.check(upbeat)) * TICKS))
    except ValueError as error:
        raise AssistantError("bad_args", str(error)) from None
