"""`refine`: durations first, then the velocities of the notes as they would be written."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from continuo_daw.assistant.bundles.network import Network
from continuo_daw.assistant.tasks import in_place as refining
from continuo_daw.assistant.tasks import refine_duration, refine_velocity
from continuo_daw.assistant.tasks.answer import Clips, News, Options, Stop, in_turn
from continuo_daw.assistant.tasks.sampling import count as count

NAME = "refine"
SUMMARY = "durations as they would be written, and velocities as a player would give them or as a second clip has them"
NEEDS = (refine_duration.NAME, refine_velocity.NAME)
OPTIONS = (*refine_duration.TIDIED, *refine_velocity.VELOCITIES, *refining.COMMON)
PLACE = "in_place"
CLIPS = (1, 2)


def check(clips: Clips, options: Options) -> None:
    """Raises AssistantError where the clip cannot be refined."""
    refining.check_tones(clips[0], options)
    refining.check(clips, options)


def slices(durations: Network, velocities: Network, clips: Clips, options: Options, stop: Stop) -> Iterator[News]:
    """One candidate after the other; all are tidied alike."""
    clip = clips[0]
    given, chosen = refining.table_of(clip), refining.chosen(clip, options)
    tidy = refine_duration.tidy(durations, clip, options, stop)
    written, order = refining.changed(clip, refining.part_way(given, tidy, chosen, 1.0))
    # the velocities come in the order of the clip as written, and are wanted in that of the clip as given
    rows = refining.rows_of(clip, order)
    location, scale = (
        values[np.argsort(rows)] for values in refine_velocity.levels(velocities, (written, *clips[1:]), options, stop)
    )
    asked = refine_velocity.levelled(clips, options)
    found = refine_velocity.candidates(clip, tidy, location, scale, asked, stop)
    return in_turn(found, count(clips, options))
