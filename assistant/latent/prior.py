"""Music from the prior of a latent space: codes such as those of the corpus, phrase by phrase."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from continuo_daw.assistant.bundles.network import Network
from continuo_daw.assistant.errors import AssistantError
from continuo_daw.assistant.latent import common as meet
from continuo_daw.assistant.latent.space import Codes, Latent, clip_from
from continuo_daw.assistant.music.clip import Clip
from continuo_daw.assistant.request import Candidate
from continuo_daw.assistant.sampling.measures import measures_of
from continuo_daw.assistant.sampling.wishes import asked_of, show
from continuo_daw.assistant.tasks.answer import News, Options, Stop, in_turn

NEAR = 0.8  # how much the code of a phrase keeps of the one before


def slices(network: Network, like: Clip, options: Options, stop: Stop) -> Iterator[News]:
    """One candidate after the other, with the tempo and meter of `like`. Raises AssistantError `bad_args` for options
    that only sampling note by note can follow."""
    for key in asked_of(options):
        text = (
            f"{key} {show(options[key])} cannot be asked of {network.bundle.card.name}: it does not sample note by note"
        )
        raise AssistantError("bad_args", text)
    latent = meet.latent_of(network, (like,))
    return in_turn(_candidates(latent, like, options, stop), int(options["candidates"] or 1))


def _candidates(latent: Latent, like: Clip, options: Options, stop: Stop) -> Iterator[Candidate]:
    bars = int(options["bars"] or 1)
    for index in range(int(options["candidates"] or 1)):
        if stop():
            return
        random = np.random.default_rng([int(options["seed"] or 0), index])
        codes = latent.signs(_drawn(latent, -(-bars // latent.codec.bars), float(options["temperature"] or 1), random))
        made = clip_from(latent, latent.decode(codes[None], bars, like.bar // latent.codec.step)[0], like)
        yield Candidate(made, 0, measures_of(made))


def _drawn(latent: Latent, count: int, temperature: float, random: np.random.Generator) -> Codes:
    """Codes (count, Z) of which each lies near the one before."""
    mean, drawn = latent.space.mean, latent.space.draw(random, count, temperature)
    for index in range(1, count):
        apart = np.sqrt(1 - NEAR**2) * (drawn[index] - mean)
        drawn[index] = mean + NEAR * (drawn[index - 1] - mean) + apart
    return drawn
