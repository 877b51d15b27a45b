"""How clips meet in one latent space: the checks, the model that suits, the bars that they have in common."""

from __future__ import annotations

from collections.abc import Sequence

from continuo_daw.assistant.bundles.bundle import Bundle
from continuo_daw.assistant.bundles.families import BINARY, REAL
from continuo_daw.assistant.bundles.network import Network
from continuo_daw.assistant.errors import AssistantError
from continuo_daw.assistant.latent.space import Latent
from continuo_daw.assistant.music.clip import Clip
from continuo_daw.assistant.request import Candidate
from continuo_daw.assistant.sampling.measures import measures_of
from continuo_daw.assistant.tasks.answer import Options
from continuo_daw.assistant.tasks.sampling import voices_of

MOST_BARS = 64
MOST_NOTES = 4096  # of a clip
PHRASES_A_RUN = 64  # so that cancelling takes but a moment


def check_clips(clips: Sequence[Clip]) -> None:
    """Raises AssistantError `bad_args` where clips have no common bar to be coded in."""
    for number, clip in enumerate(clips, 1):
        if all(note.muted for note in clip.notes):
            raise AssistantError("bad_args", f"clip {number} has no notes that sound")
        if clip.bars > MOST_BARS:
            raise AssistantError("bad_args", f"clip {number} has {clip.bars} bars, {MOST_BARS} is the most")
        if len(clip.notes) > MOST_NOTES:
            raise AssistantError("bad_args", f"clip {number} has {len(clip.notes)} notes, {MOST_NOTES} is the most")
        if clip.meter != clips[0].meter:
            meters = " and ".join("{}/{}".format(*c.meter) for c in (clips[0], clip))
            text = f"clips in {meters} have no bar in common: give them one meter"
            raise AssistantError("bad_args", text)


def suits(bundle: Bundle, clips: Sequence[Clip], binary: bool) -> float:
    """How well a bundle does for clips: by the kind of its codes, then by voices; then the shorter its phrases are,
    for what lies between short phrases is the likelier music (`continuo measure`)."""
    voices = "one" if all(clip.monophonic for clip in clips) else "many"
    score = 4.0 * (bundle.family.codes == (BINARY if binary else REAL)) + 2.0 * (voices_of(bundle) == voices)
    if bundle.family.codes:
        score -= bundle.phrases.bars / 100
    return score


def latent_of(network: Network, clips: Sequence[Clip]) -> Latent:
    """The network as a latent space. Raises AssistantError `bad_args` where it has no place for the clips."""
    card = network.bundle.card
    if not network.bundle.family.codes:
        raise AssistantError("bad_args", f"model {card.name} has no latent space")
    latent = Latent(network)
    for clip in clips:
        if reason := latent.codec.refusal(clip):
            raise AssistantError("bad_args", f"{reason}, so {card.name} cannot take it")
        for number, row in enumerate(latent.codec.rows(clip), 1):
            if len(row) > latent.codec.most:
                text = f"bar {number} has {len(row)} notes, {card.name} takes {latent.codec.most} in a bar"
                raise AssistantError("bad_args", text)
    return latent


def one_answer(options: Options, task: str) -> None:
    """Raises AssistantError `bad_args` where more than one candidate is asked of a task that has one."""
    if int(options["candidates"] or 1) != 1:
        raise AssistantError("bad_args", f"candidates {options['candidates']} is not 1, and {task} gives no more")


def mean_tempo(weights: Sequence[float], clips: Sequence[Clip]) -> float:
    """The weighted mean of the tempi, to a thousandth; the weights have the sum 1."""
    mean = sum(weight * clip.tempo for weight, clip in zip(weights, clips, strict=True))
    return round(min(max(clip.tempo for clip in clips), max(min(clip.tempo for clip in clips), mean)), 3)


def mean_velocity(clip: Clip) -> float:
    """Of the notes that sound."""
    levels = [note.velocity for note in clip.notes if not note.muted]
    return sum(levels) / max(len(levels), 1)


def between(clip: Clip) -> Candidate:
    """A clip between others: its result says its tempo, which may be another than that of the first clip."""
    return Candidate(clip, 0, measures_of(clip) | {"tempo": clip.tempo})
