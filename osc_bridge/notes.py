"""Note lists on the wire: flat groups of `pitch start duration velocity mute`, checked one by one."""

from __future__ import annotations

import math
from collections.abc import Sequence

from assistant.clip import MAX_TICK, TICKS, Note
from assistant.request import AssistantError

MAX_NOTES = 20_000  # of one clip
_MAX_BEATS = MAX_TICK // TICKS
FIELDS = (  # name, smallest, largest, whether it has to be whole, what it is in words
    ("pitch", 0, 127, True, "a whole number from 0 to 127"),
    ("start", 0, _MAX_BEATS, False, f"a number of beats from 0 to {_MAX_BEATS}"),
    ("duration", math.ulp(0.0), _MAX_BEATS, False, f"a number of beats above 0, up to {_MAX_BEATS}"),
    ("velocity", 1, 127, False, "a number from 1 to 127"),
    ("mute", 0, 1, True, "0 or 1"),
)


def read_notes(values: Sequence[object], first: int = 0) -> tuple[Note, ...]:
    """Notes from the wire, times in beats. Raises AssistantError `bad_args` that names the note, counted from `first`.

    Times are rounded to ticks, and a duration becomes at least one tick; a velocity is rounded to a whole number.
    """
    if len(values) % 5:
        text = f"a note is five values (pitch start duration velocity mute), and {len(values)} is no multiple of five"
        raise AssistantError("bad_args", text)
    return tuple(_note(values[index : index + 5], first + index // 5) for index in range(0, len(values), 5))


def _note(values: Sequence[object], index: int) -> Note:
    for value, (name, low, high, whole, what) in zip(values, FIELDS, strict=True):
        if not (isinstance(value, (int, float)) and low <= value <= high and not (whole and value != int(value))):
            shown = "nothing" if value is None else str(value)[:40]
            raise AssistantError("bad_args", f"note {index}: {name} {shown} is not {what}")
    pitch, start, duration, velocity, mute = values
    return Note(
        start=round(start * TICKS),  # type: ignore[operator]
        pitch=int(pitch),  # type: ignore[call-overload]
        duration=max(1, round(duration * TICKS)),  # type: ignore[operator]
        velocity=int(velocity + 0.5),  # type: ignore[operator]
        muted=bool(mute),
    )
