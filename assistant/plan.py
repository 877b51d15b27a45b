"""A request that has been checked: made once, carried by the job, and what an answer to it is to its clip."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from types import ModuleType

from continuo_daw.assistant.errors import AssistantError
from continuo_daw.assistant.music.clip import TICKS, Clip
from continuo_daw.assistant.music.frame import Frame, framed
from continuo_daw.assistant.music.time_map import TimeMap
from continuo_daw.assistant.option import Value, check_options
from continuo_daw.assistant.request import FREE, Candidate, Placement, Request
from continuo_daw.assistant.tasks import TASKS, in_place, options_of
from continuo_daw.assistant.tasks.answer import News, Slice

PLUS = "+"  # between the names of the models of a task that is made of several


@dataclass(frozen=True)
class Plan:
    """A checked request: its task, options and clips as the networks see them, and the names of its models.

    frames: of each given clip, where the task makes new notes; what is worked on in place keeps the clip's own time
    """

    request: Request
    options: dict[str, Value | None]
    frames: tuple[Frame, ...]
    models: tuple[str, ...] = ()

    @property
    def task(self) -> ModuleType:
        """The module that does it."""
        return TASKS[self.request.task]

    @property
    def clips(self) -> tuple[Clip, ...]:
        """What the task works on."""
        return tuple(frame.clip for frame in self.frames) or self.request.clips

    @property
    def model(self) -> str:
        """The models in one word."""
        return PLUS.join(self.models)


def plan_of(request: Request) -> Plan:
    """The plan of a request, still without models. Raises AssistantError where it cannot be done."""
    if request.task not in TASKS:
        raise AssistantError("not_found", f"unknown task {request.task}; known: {', '.join(TASKS)}")
    task = TASKS[request.task]
    options = check_options(options_of(request.task), request.options)
    low, high = task.CLIPS
    if not low <= len(request.clips) <= high:
        wanted = str(low) if low == high else f"{low} to {high}"
        raise AssistantError("bad_args", f"{request.task} takes {wanted} clips, {len(request.clips)} were given")
    frames = (
        ()
        if in_place(request.task)
        else tuple(_framed(clip, options, task.PLACE == "behind") for clip in request.clips)
    )
    plan = Plan(request, options, frames)
    task.check(plan.clips, options)
    return plan


def _framed(clip: Clip, options: dict[str, Value | None], behind: bool) -> Frame:
    """The stretch that is asked for. Raises AssistantError `bad_args` for an empty one, and for drums."""
    if clip.drums:
        raise AssistantError(
            "bad_args", "the clip is drums, and no model for drums is installed: refine_velocity takes it"
        )
    start, end = (
        None if options.get(key) is None else round(float(options[key] or 0) * TICKS) for key in ("from", "to")
    )
    start, end = start or 0, clip.length if end is None else min(end, clip.length)
    if start >= end and clip.length:
        said = f"from {start / TICKS:g} to {end / TICKS:g}"
        raise AssistantError("bad_args", f"{said} is empty: the clip has the beats 0 to {clip.length / TICKS:g}")
    return framed(clip, start, end, behind)


def placed(plan: Plan, news: News) -> News:
    """What a task says, in the time of the clip that was given, with the channel and program of its track."""
    parts, done = news
    return [replace(part, whole=_whole(plan, part.whole)) if part.whole else part for part in _moved(plan, parts)], done


def _moved(plan: Plan, parts: list[Slice]) -> Iterator[Slice]:
    """Answers that are a stretch of the clip anew begin where the stretch does, not where its frame does."""
    ahead = plan.frames[0].ahead if plan.task.PLACE == "free" and len(plan.frames) == 1 else 0
    for part in parts:
        if not ahead or part.whole is None:
            yield part
            continue
        whole = replace(part.whole, clip=part.whole.clip.window(ahead, max(part.whole.clip.length, ahead + 1)))
        yield Slice(part.candidate, 0, whole.clip.notes, whole)


def _whole(plan: Plan, candidate: Candidate) -> Candidate:
    place, made = plan.task.PLACE, candidate.clip
    if plan.request.context:
        candidate = replace(candidate, measures={**candidate.measures, "context": 0})  # no model hears it yet
    if not plan.request.clips:
        return replace(candidate, placement=FREE)
    given = plan.request.clips[0]
    if place == "in_place":
        return replace(candidate, placement=Placement(place, 0, given.length))
    frame = plan.frames[0]
    end = frame.end
    track = replace(made, name=given.name, channel=given.channel, program=given.program)
    if place == "behind":
        track = track.timed(TimeMap(((0, made.tempo),), ((0, made.meter),), given.time.line_from(end) - end))
        return replace(candidate, clip=track, at=end, placement=_behind(given, end, made.length))
    if len(plan.frames) == 1 and (frame.start, end) != (0, given.length):
        track = track.timed(given.time.cut(frame.start, end))
        return replace(candidate, clip=track, at=frame.start, placement=Placement("over", frame.start, end))
    if len(plan.frames) == 1:
        track = track.timed(given.time)
    return replace(candidate, clip=track, placement=FREE)


def _behind(given: Clip, end: int, length: int) -> Placement:
    """Over what the clip has there, where the stretch that was heard does not reach to its end."""
    if any(end <= note.start < end + length for note in given.notes):
        return Placement("over", end, end + length)
    return Placement("behind", end)
