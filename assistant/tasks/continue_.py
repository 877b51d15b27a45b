"""`continue`: new bars that begin exactly where the clip ends."""

from __future__ import annotations

from collections.abc import Iterator

from continuo_daw.assistant.bundles.bundle import Bundle
from continuo_daw.assistant.bundles.network import Network
from continuo_daw.assistant.codecs.condition import condition_of_clip
from continuo_daw.assistant.errors import AssistantError
from continuo_daw.assistant.sampling.generator import prompt_of, recent
from continuo_daw.assistant.sampling.wishes import wishes_of
from continuo_daw.assistant.tasks import sampling
from continuo_daw.assistant.tasks.answer import Clips, News, Options, Stop
from continuo_daw.assistant.tasks.sampling import BARS, HOLD, SAMPLING, sample
from continuo_daw.assistant.tasks.sampling import count as count

NAME = "continue"
SUMMARY = "new bars behind the clip, in its meter, key, density and register"
OPTIONS = (BARS, HOLD, *SAMPLING)
PLACE = "behind"
CLIPS = (1, 1)


def suits(bundle: Bundle, clips: Clips, options: Options) -> float:
    """How well a bundle does; the best is taken where none is named."""
    return sampling.suits(bundle, "one" if clips[0].monophonic else "many")


def check(clips: Clips, options: Options) -> None:
    """Raises AssistantError where the clip cannot be continued."""
    if all(note.muted for note in clips[0].notes):
        raise AssistantError("bad_args", "the clip has no notes that sound; use generate to start from nothing")
    wishes_of(options, clips[0], clips[0])


def slices(network: Network, clips: Clips, options: Options, stop: Stop) -> Iterator[News]:
    """The new notes, slice by slice."""
    heard = recent(clips[0])
    like = condition_of_clip(heard)
    prompt = prompt_of(network.bundle.events, heard, cut=heard.length < clips[0].length)
    return sample(network, heard, prompt, lambda _: like, options, stop, clips[0].length, clips[0])
