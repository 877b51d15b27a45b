"""`generate`: music from nothing."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np
from numpy.typing import NDArray

from continuo_daw.assistant.bundles.bundle import Bundle
from continuo_daw.assistant.bundles.network import Network
from continuo_daw.assistant.codecs.condition import condition
from continuo_daw.assistant.codecs.events import START
from continuo_daw.assistant.errors import AssistantError
from continuo_daw.assistant.latent import prior
from continuo_daw.assistant.music.clip import Clip
from continuo_daw.assistant.music.keys import Key
from continuo_daw.assistant.option import Option
from continuo_daw.assistant.sampling.generator import Prompt
from continuo_daw.assistant.sampling.wishes import wishes_of
from continuo_daw.assistant.tasks import sampling
from continuo_daw.assistant.tasks.answer import Clips, News, Options, Stop
from continuo_daw.assistant.tasks.sampling import BARS, SAMPLING, sample
from continuo_daw.assistant.tasks.sampling import count as count

NAME = "generate"
SUMMARY = "new music from nothing"
OPTIONS = (
    BARS,
    Option("tempo", "float", None, "quarters a minute; left out: that of the clip, else 120", 5, 1000),
    Option("meter", "text", "", "beats over a note value, such as 3/4 or 6/8; empty: that of the clip, else 4/4"),
    *SAMPLING,
)
MINOR = 0.3  # share of pieces in a minor key
PLACE = "behind"
CLIPS = (0, 1)  # the clip, where there is one, is only looked at: for `auto`, and for what is kept of it


def suits(bundle: Bundle, clips: Clips, options: Options) -> float:
    """How well a bundle does: melodies, unless a model is named."""
    return sampling.suits(bundle, "one")


def check(clips: Clips, options: Options) -> None:
    """Raises AssistantError where the options make no sense."""
    wishes_of(options, clips[0] if clips else None, empty(clips, options))


def empty(clips: Clips, options: Options) -> Clip:
    """An empty clip with the tempo and meter asked for. Raises AssistantError `bad_args` where the meter is none."""
    like = clips[0] if clips else Clip((), 0)
    text = str(options["meter"] or "{}/{}".format(*like.meter))
    try:
        numerator, denominator = (int(part) for part in text.split("/"))
        return Clip((), 0, float(options["tempo"] or like.tempo), (numerator, denominator))
    except ValueError:
        raise AssistantError("bad_args", f"meter {text} is not 1 to 64 over 1, 2, 4, 8, 16, 32 or 64") from None


def slices(network: Network, clips: Clips, options: Options, stop: Stop) -> Iterator[News]:
    """The notes, slice by slice; from the prior of a latent space where the model has one. Where a clip is given, they
    stand behind it."""
    start = empty(clips, options)
    if not network.bundle.family.samples:
        return prior.slices(network, start, options, stop)
    at, given = (clips[0].length, clips[0]) if clips else (0, None)
    key = partial(keyed, int(options["seed"] or 0))
    return sample(network, start, Prompt(np.array([START]), 0), key, options, stop, at, given)


def keyed(seed: int, candidate: int) -> NDArray[np.float32]:
    """(SIZE,) the condition of a candidate: a key of its own. Left alone, a small network wanders from key to key."""
    random = np.random.default_rng([seed, candidate, 1])
    key = Key(int(random.integers(12)), "minor" if random.random() < MINOR else "major")
    return condition(key.shares)
