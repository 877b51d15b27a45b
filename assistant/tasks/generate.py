"""`generate`: music from nothing."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from assistant.bundle import Bundle
from assistant.clip import Clip
from assistant.codecs.events import START
from assistant.condition import condition
from assistant.generator import Prompt
from assistant.network import Network
from assistant.option import Option
from assistant.request import AssistantError
from assistant.tasks import prior, sampling
from assistant.tasks.answer import Clips, News, Options, Stop
from assistant.tasks.sampling import BARS, SAMPLING, sample
from assistant.tasks.sampling import count as count

NAME = "generate"
SUMMARY = "new music from nothing"
OPTIONS = (
    BARS,
    Option("tempo", "float", 120.0, "quarters a minute", 5, 1000),
    Option("meter", "text", "4/4", "beats over the note that is one beat, such as 3/4 or 6/8"),
    *SAMPLING,
)
CLIPS = (0, 0)


def suits(bundle: Bundle, clips: Clips, options: Options) -> float:
    """How well a bundle does: melodies, unless a model is named."""
    return sampling.suits(bundle, "one")


def check(clips: Clips, options: Options) -> None:
    """Raises AssistantError where the meter is none."""
    empty(options)


def empty(options: Options) -> Clip:
    """An empty clip with the tempo and meter asked for. Raises AssistantError `bad_args` where the meter is none."""
    text = str(options["meter"])
    try:
        numerator, denominator = (int(part) for part in text.split("/"))
        return Clip((), 0, float(options["tempo"] or 0), (numerator, denominator))
    except ValueError:
        raise AssistantError("bad_args", f"meter {text} is not 1 to 64 over 1, 2, 4, 8, 16, 32 or 64") from None


def slices(network: Network, clips: Clips, options: Options, stop: Stop) -> Iterator[News]:
    """The notes, slice by slice; from the prior of a latent space where the model has one."""
    if network.bundle.card.family != "charrnn":
        return prior.slices(network, empty(options), options, stop)
    return sample(network, empty(options), Prompt(np.array([START]), 0), condition(), options, stop, 0)
