"""`blend`: what lies between several clips, the weighted mean of their codes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from continuo_daw.assistant.bundles.bundle import Bundle
from continuo_daw.assistant.bundles.network import Network
from continuo_daw.assistant.errors import AssistantError
from continuo_daw.assistant.latent import common as meet
from continuo_daw.assistant.latent.space import Latent, clip_from, levelled
from continuo_daw.assistant.music.clip import Clip
from continuo_daw.assistant.option import Option
from continuo_daw.assistant.request import Candidate
from continuo_daw.assistant.tasks.answer import Clips, News, Options, Stop, in_turn
from continuo_daw.assistant.tasks.sampling import count as count

NAME = "blend"
SUMMARY = "one clip between two to eight others"
MOST_WEIGHT = 1000.0
OPTIONS = (
    Option("weights", "text", "", "how much of each clip, such as 1,2,1; empty: all alike"),
    Option("temperature", "float", 0.3, "how far further candidates lie from the first", 0, 2),
)
PLACE = "free"
CLIPS = (2, 8)


def suits(bundle: Bundle, clips: Clips, options: Options) -> float:
    """How well a bundle does; the best is taken where none is named."""
    return meet.suits(bundle, clips, binary=False)


def check(clips: Clips, options: Options) -> None:
    """Raises AssistantError where the clips have nothing between them."""
    meet.check_clips(clips)
    weights_of(options, len(clips))


def weights_of(options: Options, clips: int) -> NDArray[np.float64]:
    """(clips,) weights with the sum 1. Raises AssistantError `bad_args` for a text that does not hold them."""
    text = str(options["weights"] or "")
    parts = text.replace(",", " ").split() or ["1"] * clips
    try:
        weights = np.array([float(part) for part in parts])
    except ValueError:
        weights = np.full(0, np.nan)
    if len(weights) != clips or not np.all((weights >= 0) & (weights <= MOST_WEIGHT)) or not weights.sum():
        wanted = f"{clips} numbers from 0 to {MOST_WEIGHT:g}, not all 0, one for each clip"
        raise AssistantError("bad_args", f"weights {text[:80]} is not {wanted}")
    return np.asarray(weights / weights.sum())


def slices(network: Network, clips: Clips, options: Options, stop: Stop) -> Iterator[News]:
    """One candidate after the other: the mean, then what lies near it."""
    latent = meet.latent_of(network, clips)
    candidates = _candidates(latent, clips, options, stop)
    return in_turn(candidates, count(clips, options))


def _candidates(latent: Latent, clips: Clips, options: Options, stop: Stop) -> Iterator[Candidate]:
    weights = weights_of(options, len(clips))
    bars = round(float(weights @ [clip.bars for clip in clips]))
    codes = np.stack([latent.encode(clip, bars) for clip in clips])
    mean = np.einsum("n,nkz->kz", weights, codes).astype(np.float32)
    level = float(weights @ [meet.mean_velocity(clip) for clip in clips])
    like = Clip((), 0, meet.mean_tempo(weights.tolist(), clips), clips[0].meter)
    apart = float(options["temperature"] or 0)
    for index in range(count(clips, options)):
        if stop():
            return
        random = np.random.default_rng([int(options["seed"] or 0), index])
        near = latent.space.draw(random, len(mean)) - latent.space.mean
        code = mean if index == 0 else mean + np.float32(apart) * near
        made = clip_from(latent, latent.decode(latent.signs(code)[None], bars, like.bar // latent.codec.step)[0], like)
        made = Clip(levelled(made.notes, level), made.length, made.tempo, made.meter)
        yield meet.between(made)
