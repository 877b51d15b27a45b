"""What goes into the engine and what comes out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from continuo_daw.assistant.music.clip import Clip


@dataclass(frozen=True, slots=True)
class Request:
    """Everything that a job needs: no session, no server state. `options` are as given, checked by the engine."""

    task: str
    clips: tuple[Clip, ...] = ()
    options: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Candidate:
    """One answer: a clip of its own, that starts `at` ticks after the start of the clip that was given.

    `order` of a task that works in place: note k of `clip` was note `order[k]` of the given clip; None: the same order.
    """

    clip: Clip
    at: int = 0
    measures: Mapping[str, float | str] = field(default_factory=dict)
    order: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """All answers to a request, with the model that made them, or several joined by `+`, the seed that repeats them,
    and the seconds it took."""

    candidates: tuple[Candidate, ...]
    model: str
    seed: int
    seconds: float
