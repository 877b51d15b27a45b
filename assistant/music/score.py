"""Scores: the clips that sound together in one file, one a track, and where their notes lie in the bytes of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

from continuo_daw.assistant.errors import AssistantError
from continuo_daw.assistant.music.clip import Clip, Note
from continuo_daw.assistant.music.midi_events import MidiFile

ALL = "all"  # names all pitched tracks together


class Place(NamedTuple):
    """Where a note lies in a file: track and index of its On and of its Off; -1 for an Off that is not there."""

    track: int
    on: int
    off_track: int
    off: int


@dataclass(frozen=True)
class Part:
    """One track of a score: its clip, the chunk and the channel (0 to 15) that it lies in, and the place of each of
    its notes, None for a note that no other program sees."""

    clip: Clip
    chunk: int
    channel: int
    places: tuple[Place | None, ...]

    @property
    def sounding(self) -> int:
        """Notes that are not muted."""
        return sum(not note.muted for note in self.clip.notes)


@dataclass(frozen=True)
class Score:
    """The parts of a file, in its order. All have the time of the file, and tick 0 is its start."""

    file: MidiFile
    parts: tuple[Part, ...]
    warnings: tuple[str, ...] = ()

    def chosen(self, track: str = "") -> tuple[int, ...]:
        """The indices of the parts that `track` names: by number from 1, by name, several joined by commas, or `all`
        pitched ones. Empty names the only pitched one, or the only one. Raises AssistantError that lists them."""
        pitched = tuple(index for index, part in enumerate(self.parts) if not part.clip.drums)
        whole = track.strip().lower()
        if not whole:
            for some in (tuple(range(len(self.parts))), pitched):
                if len(some) == 1:
                    return some
            raise AssistantError(
                "bad_args", f"the file has several tracks, name one with --track, or all: {self.listed}"
            )
        if whole == ALL and pitched:
            return pitched
        exact = [index for index, part in enumerate(self.parts) if part.clip.name.lower() == whole]
        if len(exact) == 1:
            return (exact[0],)
        found = tuple(dict.fromkeys(self._named(name.strip()) for name in whole.split(",")))
        if len({self.parts[index].clip.drums for index in found}) > 1:
            raise AssistantError("bad_args", f"{track} names drums and tones, which no task takes together")
        return found

    def _named(self, name: str) -> int:
        if name.isdecimal() and 1 <= int(name) <= len(self.parts):
            return int(name) - 1
        names = [part.clip.name.lower() for part in self.parts]
        for found in ([n == name for n in names], [n.startswith(name) for n in names], [name in n for n in names]):
            if name and sum(found) == 1:
                return found.index(True)
        raise AssistantError("bad_args", f"no one track is {name!r}; the file has {self.listed}")

    @property
    def listed(self) -> str:
        """Number, name, program and notes of each part, in words."""
        return "; ".join(f"{number} {described(part)}" for number, part in enumerate(self.parts, 1)) or "none"

    def clip(self, chosen: tuple[int, ...]) -> Clip:
        """The notes of some parts as one clip, with the channel and program of the first of them."""
        return self.places(chosen)[0]

    def places(self, chosen: tuple[int, ...]) -> tuple[Clip, tuple[Place | None, ...]]:
        """The notes of some parts as one clip, and the place of each of its notes."""
        first = self.parts[chosen[0]].clip
        if len(chosen) == 1:
            return first, self.parts[chosen[0]].places
        pairs: list[tuple[Note, Place | None]] = []
        for index in chosen:
            pairs += zip(self.parts[index].clip.notes, self.parts[index].places, strict=True)
        pairs.sort(key=lambda pair: pair[0])
        length = max(self.parts[index].clip.length for index in chosen)
        notes, places = zip(*pairs, strict=True) if pairs else ((), ())
        return replace(first, notes=notes, length=length), places


def described(part: Part) -> str:
    """A part in words: name, program, notes."""
    clip = part.clip
    what = "drums" if clip.drums else f"program {clip.program}" if clip.program else "no program"
    name = f"{clip.name} " if clip.name else ""
    return f"{name}({what}, channel {part.channel + 1}, {part.sounding} notes)"
