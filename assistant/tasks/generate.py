"""`generate`: music from nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np

from assistant.bundle import Bundle
from assistant.clip import Clip
from assistant.codecs.events import START
from assistant.condition import condition
from assistant.generator import Prompt
from assistant.option import Option, Value
from assistant.request import AssistantError
from assistant.runtime import Graph
from assistant.tasks.sampling import BARS, SAMPLING, Slice, sample

NAME = "generate"
SUMMARY = "new music from nothing"
OPTIONS = (
    BARS,
    Option("tempo", "float", 120.0, "quarters a minute", 5, 1000),
    Option("meter", "text", "4/4", "beats over the note that is one beat, such as 3/4 or 6/8"),
    *SAMPLING,
)
CLIPS = (0, 0)


def voices(clips: tuple[Clip, ...]) -> str:
    """Which codec fits: melodies, unless a model is named."""
    return "one"


def check(clips: tuple[Clip, ...]) -> None:
    """Nothing can be wrong with no clips."""


def origin(clips: tuple[Clip, ...], options: Mapping[str, Value | None]) -> Clip:
    """An empty clip with the tempo and meter asked for. Raises AssistantError `bad_args` where the meter is none."""
    text = str(options["meter"])
    try:
        numerator, denominator = (int(part) for part in text.split("/"))
        return Clip((), 0, float(options["tempo"] or 0), (numerator, denominator))
    except ValueError:
        raise AssistantError("bad_args", f"meter {text} is not 1 to 64 over 1, 2, 4, 8, 16, 32 or 64") from None


def slices(
    bundle: Bundle, graph: Graph, clips: tuple[Clip, ...], options: Mapping[str, Value | None], stop: Callable[[], bool]
) -> Iterator[list[Slice]]:
    """The notes, slice by slice."""
    prompt = Prompt(np.array([START]), 0)
    return sample(bundle, graph, origin(clips, options), prompt, condition(), options, stop)
