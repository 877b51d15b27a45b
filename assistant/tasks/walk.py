"""`walk`: a bar for each step of a walk through binary codes, which comes back to a theme.

After *Deep Symphony* (Lai et al.): each step flips some random bits of a code, now and then all of them; after every
four steps the walk returns to its theme with a high probability, and with a low one what it is at becomes the theme.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from continuo_daw.assistant.bundles.bundle import Bundle
from continuo_daw.assistant.bundles.network import Network
from continuo_daw.assistant.codecs.phrases import Bars
from continuo_daw.assistant.errors import AssistantError
from continuo_daw.assistant.latent import common as meet
from continuo_daw.assistant.latent.space import Codes, Latent, clip_from, levelled
from continuo_daw.assistant.music.clip import Clip
from continuo_daw.assistant.option import Option
from continuo_daw.assistant.request import Candidate
from continuo_daw.assistant.sampling.measures import measures_of
from continuo_daw.assistant.tasks import generate
from continuo_daw.assistant.tasks.answer import Clips, News, Options, Stop, in_turn
from continuo_daw.assistant.tasks.sampling import count as count

NAME = "walk"
SUMMARY = "a walk through codes, bar by bar, that comes back to a theme; from a clip where one is given"
OPTIONS = (
    Option("bars", "int", 16, "how many bars to make", 1, 64),
    Option("flips", "int", 4, "bits of the code that change from bar to bar", 0, 64),
    Option("theme_probability", "float", 0.8, "chance to return to the theme after every four bars", 0, 1),
    Option(
        "new_theme",
        "float",
        0.1,
        "chance after every four bars, where it does not return, that the bar reached becomes the theme",
        0,
        1,
    ),
    Option("leap", "float", 0.0, "chance in each bar that all bits change", 0, 1),
    Option("temperature", "float", 0.0, "0 plays each code alike each time, above that more freely", 0, 2),
    Option("tempo", "float", 120.0, "quarters a minute, where no clip is given", 5, 1000),
    Option("meter", "text", "4/4", "beats over the note that is one beat, where no clip is given"),
)
PLACE = "behind"
CLIPS = (0, 1)
THEME_EVERY = 4
WAYS, NEAR = 6, 7.0  # steps that are looked at, and semitones that the next bar may lie above or below the theme
Choose = Callable[[Codes], Codes]


def suits(bundle: Bundle, clips: Clips, options: Options) -> float:
    """How well a bundle does; the best is taken where none is named."""
    return meet.suits(bundle, clips or (generate.empty((), options),), binary=True)


def check(clips: Clips, options: Options) -> None:
    """Raises AssistantError where there is nothing to walk from."""
    meet.check_clips(clips)
    generate.empty((), options)


def slices(network: Network, clips: Clips, options: Options, stop: Stop) -> Iterator[News]:
    """One candidate after the other."""
    latent = meet.latent_of(network, clips or (generate.empty((), options),))
    if not latent.binary:
        raise AssistantError("bad_args", f"model {network.bundle.card.name} has no binary codes to walk through")
    return in_turn(_candidates(latent, clips, options, stop), count(clips, options))


def _candidates(latent: Latent, clips: Clips, options: Options, stop: Stop) -> Iterator[Candidate]:
    like = clips[0] if clips else generate.empty((), options)
    given = latent.encode(clips[0]) if clips else None
    bars, steps = int(options["bars"] or 1), like.bar // latent.codec.step
    for index in range(count(clips, options)):
        if stop():
            return
        seed = [int(options["seed"] or 0), index]
        random = np.random.default_rng(seed)
        start = given if given is not None else _heard(latent, random, steps)
        phrases = -(-bars // latent.codec.bars)
        codes = walked(start, phrases, options, random, WAYS, _likeliest_bar(latent, steps, start[0]))
        made = latent.decode(codes[None], bars, steps, [[*seed, 1]], float(options["temperature"] or 0))[0]
        clip = clip_from(latent, made, like)
        if clips:
            clip = Clip(levelled(clip.notes, meet.mean_velocity(clips[0])), clip.length, clip.tempo, clip.meter)
        yield Candidate(clip, clips[0].length if clips else 0, measures_of(clip))


def _heard(latent: Latent, random: np.random.Generator, steps: int) -> Codes:
    """A code (1, Z) drawn from the space that is not a silent bar, where a few tries find one."""
    codes = latent.signs(latent.space.draw(random, 8))
    played = latent.decode(codes[:, None], latent.codec.bars, steps)
    return codes[[int(np.argmax([_sounds(bars) for bars in played]))]]


def _sounds(bars: Bars) -> bool:
    return bool(bars.count.min() > 0)


def first_way(codes: Codes) -> Codes:
    """The first of some codes (N, Z)."""
    return np.asarray(codes[0])


def walked(
    start: Codes, count: int, options: Options, random: np.random.Generator, ways: int = 1, choose: Choose = first_way
) -> Codes:
    """Codes (count, Z) of a walk from the last of the codes `start` (K, Z), whose first one is the theme; each step is
    one that `choose` takes of some `ways`."""
    theme, code = start[0], start[-1]
    codes = []
    for number in range(count):
        back = number and number % THEME_EVERY == 0 and random.random() < float(options["theme_probability"] or 0)
        if back:
            code = theme
        elif number:
            if number % THEME_EVERY == 0 and random.random() < float(options["new_theme"] or 0):
                theme = code
            code = choose(np.stack([_flipped(code, options, random) for _ in range(ways)]))
        codes.append(code)
    return np.stack(codes)


def _flipped(code: Codes, options: Options, random: np.random.Generator) -> Codes:
    """A code with some bits changed, or with all of them."""
    code = code.copy()
    code[random.choice(len(code), min(int(options["flips"] or 0), len(code)), replace=False)] *= -1
    return -code if random.random() < float(options["leap"] or 0) else code


def _likeliest_bar(latent: Latent, steps: int, theme: Codes) -> Choose:
    """Of the codes a step may lead to, the first that is heard and stays near the pitch of the theme; else the one that
    comes nearest. A code of random bits may be far from all music."""

    def middle(bars: Bars) -> float:
        pitches = np.concatenate([bars.notes[bar, :n, 1] for bar, n in enumerate(bars.count)])
        return float(pitches.mean()) if len(pitches) else np.inf

    home = middle(latent.decode(theme[None, None], latent.codec.bars, steps)[0])

    def choose(codes: Codes) -> Codes:
        played = latent.decode(codes[:, None], latent.codec.bars, steps)
        apart = [abs(middle(bars) - home) if np.isfinite(home) else 0.0 for bars in played]
        apart = [np.inf if not bars.count.all() else far for far, bars in zip(apart, played, strict=True)]
        near = [index for index, far in enumerate(apart) if far <= NEAR]
        return np.asarray(codes[near[0] if near else int(np.argmin(apart))])

    return choose
