"""`continue`: new bars that begin exactly where the clip ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from assistant.bundle import Bundle
from assistant.clip import Clip
from assistant.condition import condition_of_clip
from assistant.generator import prompt_of, recent
from assistant.option import Value
from assistant.request import AssistantError
from assistant.runtime import Graph
from assistant.tasks.sampling import BARS, HOLD, SAMPLING, Slice, sample

NAME = "continue"
SUMMARY = "new bars behind the clip, in its meter, key, density and register"
OPTIONS = (BARS, HOLD, *SAMPLING)
CLIPS = (1, 1)


def voices(clips: tuple[Clip, ...]) -> str:
    """Which codec fits: `one` voice or `many`."""
    return "one" if clips[0].monophonic else "many"


def check(clips: tuple[Clip, ...]) -> None:
    """Raises AssistantError where the clip cannot be continued."""
    if all(note.muted for note in clips[0].notes):
        raise AssistantError("bad_args", "the clip has no notes that sound; use generate to start from nothing")


def origin(clips: tuple[Clip, ...], options: Mapping[str, Value | None]) -> Clip:
    """The clip behind which the new music stands."""
    return clips[0]


def slices(
    bundle: Bundle, graph: Graph, clips: tuple[Clip, ...], options: Mapping[str, Value | None], stop: Callable[[], bool]
) -> Iterator[list[Slice]]:
    """The new notes, slice by slice."""
    heard = recent(clips[0])
    prompt = prompt_of(bundle.codec, heard, cut=heard.length < clips[0].length)
    return sample(bundle, graph, heard, prompt, condition_of_clip(heard), options, stop)
