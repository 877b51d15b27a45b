"""What goes into the engine and what comes out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from continuo_daw.assistant.music.clip import Clip

PLACES = ("behind", "over", "in_place", "beside", "free")


class Context(NamedTuple):
    """A clip that sounds beside the one worked on: read, never changed. It starts `at` ticks from its start."""

    clip: Clip
    at: int = 0


@dataclass(frozen=True, slots=True)
class Request:
    """Everything that a job needs: no session, no server state. `options` are as given, checked by the engine."""

    task: str
    clips: tuple[Clip, ...] = ()
    options: Mapping[str, object] = field(default_factory=dict)
    context: tuple[Context, ...] = ()


class Placement(NamedTuple):
    """What an answer is to the clip that was given, in ticks from its start.

    behind: it goes on at `start`; over: it takes the place of the notes that start in `start` to `end`; in_place: its
    note k is note k of the clip; beside: a new track, from `start` on; free: a clip of its own
    """

    place: str
    start: int = 0
    end: int = 0


FREE = Placement("free")


@dataclass(frozen=True, slots=True)
class Candidate:
    """One answer: a clip of its own, that starts `at` ticks after the start of the clip that was given.

    `order` of a task that works in place: note k of `clip` was note `order[k]` of the given clip; None: the same order.
    `placement` is set by the engine. `data`: what is not notes, as (key, rows), such as chord symbols with their beats
    """

    clip: Clip
    at: int = 0
    measures: Mapping[str, float | str] = field(default_factory=dict)
    order: tuple[int, ...] | None = None
    placement: Placement = FREE
    data: tuple[tuple[str, tuple[tuple[float | str, ...], ...]], ...] = ()


@dataclass(frozen=True, slots=True)
class Result:
    """All answers to a request, with the model that made them, or several joined by `+`, the seed that repeats them,
    and the seconds it took."""

    candidates: tuple[Candidate, ...]
    model: str
    seed: int
    seconds: float
