"""`refine_duration`: onsets and durations as they would be written."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from continuo_daw.assistant.bundles.bundle import Bundle
from continuo_daw.assistant.bundles.network import Network
from continuo_daw.assistant.latent import common as meet
from continuo_daw.assistant.music.clip import MAX_TICK, Clip
from continuo_daw.assistant.option import Option
from continuo_daw.assistant.refining import passes as refiner
from continuo_daw.assistant.tasks import in_place as refining
from continuo_daw.assistant.tasks.answer import Clips, News, Options, Stop, at_once
from continuo_daw.assistant.tasks.in_place import DURATION, START
from continuo_daw.assistant.tasks.sampling import count as count

NAME = "refine_duration"
SUMMARY = "onsets and durations of a clip as they would be written"
TIDY = Option("tidy", "choice", "both", "what is tidied", choices=("both", "durations", "onsets"))
REACH = Option(
    "reach", "float", None, "how far lengths may be from what was meant, 0.2 for 80 to 120 %; left out: any", 0.01, 1
)
TIDIED = (TIDY, REACH)
OPTIONS = (*TIDIED, *refining.COMMON)
PLACE = "in_place"
CLIPS = (1, 1)


def suits(bundle: Bundle, clips: Clips, options: Options) -> float:
    """How well a bundle does; the best is taken where none is named."""
    return refining.suits(bundle, clips, options)


def check(clips: Clips, options: Options) -> None:
    """Raises AssistantError where the clip cannot be tidied."""
    refining.check_tones(clips[0], options)
    refining.check(clips, options)
    meet.one_answer(options, NAME)


def slices(network: Network, clips: Clips, options: Options, stop: Stop) -> Iterator[News]:
    """The one candidate."""
    clip = clips[0]
    chosen, given = refining.chosen(clip, options), refining.table_of(clip)
    table = refining.part_way(given, tidy(network, clip, options, stop), chosen, refining.amount_of(options))
    yield [at_once(0, refining.answer(clip, table, chosen))], 1.0


def tidy(network: Network, clip: Clip, options: Options, stop: Stop) -> NDArray[np.float64]:
    """The table (N, 3) of a clip with the onsets and durations that it would be written with. A note that would be
    written in the bar behind the clip stays where it is: the last tick, to which `tidied` brings it, is no place."""
    what, reach = str(options["tidy"]), options["reach"]
    near = math.inf if reach is None else float(reach)
    start, duration = refiner.tidied(network, clip, what != "durations", what != "onsets", near, stop)
    table = refining.table_of(clip).astype(np.float64)
    inside = start < clip.length - 1
    table[:, START] = np.where(inside, start, table[:, START])
    table[:, DURATION] = np.clip(duration, 1, MAX_TICK)
    return table
