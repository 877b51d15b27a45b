"""`refine_velocity`: velocities as a player would give them; with a second clip, as that one is played."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from continuo_daw.assistant.bundles.bundle import Bundle
from continuo_daw.assistant.bundles.network import Network
from continuo_daw.assistant.music.clip import Clip
from continuo_daw.assistant.option import Option
from continuo_daw.assistant.refining import passes as refiner
from continuo_daw.assistant.refining import style
from continuo_daw.assistant.refining.dynamics import chords_of, drawn, fitted, with_accents
from continuo_daw.assistant.request import Candidate
from continuo_daw.assistant.tasks import in_place as refining
from continuo_daw.assistant.tasks.answer import Clips, News, Options, Stop, in_turn
from continuo_daw.assistant.tasks.in_place import START, VELOCITY, Chosen, Table
from continuo_daw.assistant.tasks.sampling import count as count

NAME = "refine_velocity"
SUMMARY = "velocities as a player would give them, or as a second clip has them"
VELOCITIES = (
    Option(
        "mean", "float", None, "their mean velocity; left out: as it was, from 30 to 100, or a second clip's", 1, 127
    ),
    Option("spread", "float", None, "standard deviation of their velocities; left out: as the network finds", 0, 60),
    Option(
        "variety", "float", 0.5, "0 gives each note its likeliest velocity, 1 draws as freely as players play", 0, 1
    ),
    Option("keep_accents", "bool", False, "notes that stand out of their neighbours stand out as far again"),
)
OPTIONS = (*VELOCITIES, *refining.COMMON)
PLACE = "in_place"
CLIPS = (1, 2)
APART = 0.25  # variety of further candidates at least: without any, all would be the same

# where the mean of the clip stays, it stays within these, so that there is room for louder and softer notes
LEAST_MEAN, GREATEST_MEAN = 30.0, 100.0

Floats = NDArray[np.float64]


def suits(bundle: Bundle, clips: Clips, options: Options) -> float:
    """How well a bundle does; the best is taken where none is named."""
    return refining.suits(bundle, clips, options)


def check(clips: Clips, options: Options) -> None:
    """Raises AssistantError where no note can change."""
    refining.check(clips, options)


def slices(network: Network, clips: Clips, options: Options, stop: Stop) -> Iterator[News]:
    """One candidate after the other."""
    given = refining.table_of(clips[0])
    location, scale = levels(network, clips, options, stop)
    found = candidates(clips[0], given, location, scale, levelled(clips, options), stop)
    return in_turn(found, count(clips, options))


def levelled(clips: Clips, options: Options) -> Options:
    """The options with a mean: where none is asked for and no second clip has one, that of the notes that change,
    between LEAST_MEAN and GREATEST_MEAN. How loud an instrument sends is the musician's, not the network's."""
    if options["mean"] is not None or len(clips) > 1:
        return options
    own = refining.table_of(clips[0])[refining.chosen(clips[0], options), VELOCITY]
    return {**options, "mean": min(max(float(own.mean()), LEAST_MEAN), GREATEST_MEAN)}


def levels(network: Network, clips: Clips, options: Options, stop: Stop) -> tuple[Floats, Floats]:
    """Location and scale (N,) of the velocities of the first clip, in the style of the second where there is one."""
    told = [_told(network, clip, options, stop) for clip in clips]
    if len(clips) == 1:
        return told[0]
    return style.applied(style.learnt(clips[1], *told[1]), clips[0], *told[0])


def _told(network: Network, clip: Clip, options: Options, stop: Stop) -> tuple[Floats, Floats]:
    drums = refining.drums_of(clip, options)
    refining.check_drums(network, drums)
    location, scale = refiner.loudness(network, clip, drums, stop)
    return location.astype(np.float64), scale.astype(np.float64)


def candidates(
    clip: Clip, tidy: NDArray[np.float64] | Table, location: Floats, scale: Floats, options: Options, stop: Stop
) -> Iterator[Candidate]:
    """Answers to a clip that is to have the onsets and durations of the table `tidy` (N, 3), and velocities of this
    location and scale (N,)."""
    given, chosen = refining.table_of(clip), refining.chosen(clip, options)
    wanted = tidy.astype(np.float64)
    for index in range(count((), options)):
        if stop():
            return
        wanted[:, VELOCITY] = given[:, VELOCITY]
        wanted[chosen, VELOCITY] = _velocities(given, location, scale, chosen, options, index)
        table = refining.part_way(given, wanted, chosen, refining.amount_of(options))
        yield refining.answer(clip, table, chosen)


def _velocities(
    given: Table, location: Floats, scale: Floats, chosen: Chosen, options: Options, index: int
) -> NDArray[np.int64]:
    """The velocities of the chosen notes in a candidate."""
    starts = given[:, START].tolist()
    variety = max(float(options["variety"] or 0), APART if index else 0)
    random = np.random.default_rng([int(options["seed"] or 0), index])
    made = location + variety * scale * drawn(chords_of(starts), random)
    if options["keep_accents"]:
        before = given[:, VELOCITY].astype(np.float64)
        made = with_accents(starts, before, np.where(chosen, made, before), chosen)
    mean, spread = (None if options[key] is None else float(options[key] or 0) for key in ("mean", "spread"))
    return fitted(made[chosen], mean, spread)
