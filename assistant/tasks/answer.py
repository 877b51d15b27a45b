"""What a task gives while it works: slices of its candidates."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from continuo_daw.assistant.music.clip import Clip, Note
from continuo_daw.assistant.option import Value
from continuo_daw.assistant.request import Candidate

Options = Mapping[str, Value | None]
Clips = tuple[Clip, ...]
Stop = Callable[[], bool]


@dataclass(frozen=True)
class Slice:
    """New final notes of one candidate; `whole` is the candidate once there are no more."""

    candidate: int
    first: int  # index of the first of these notes
    notes: tuple[Note, ...]
    whole: Candidate | None


News = tuple[list[Slice], float]  # what is new, and how much of all is done, 0 to 1


def at_once(index: int, candidate: Candidate) -> Slice:
    """A candidate that is whole from the start. Notes that come in another order than the given ones come with it, for
    nothing else says which is which."""
    return Slice(index, 0, candidate.clip.notes if candidate.order is None else (), candidate)


def in_turn(candidates: Iterator[Candidate], count: int) -> Iterator[News]:
    """News of candidates that come one after the other."""
    for index, candidate in enumerate(candidates):
        yield [at_once(index, candidate)], (index + 1) / count
