"""Note lists on the wire: flat groups of `pitch start duration velocity mute`, checked all at once."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from continuo_daw.assistant.errors import AssistantError
from continuo_daw.assistant.music.clip import MAX_TICK, TICKS, Note

MAX_NOTES = 20_000  # of one clip
_MAX_BEATS = MAX_TICK // TICKS
_NUMBERS = {int, float, bool}
FIELDS = (  # name, smallest, largest, whether whole, what fits in words
    ("pitch", 0, 127, True, "a whole number from 0 to 127"),
    ("start", 0, _MAX_BEATS, False, f"a number of beats from 0 to {_MAX_BEATS}"),
    ("duration", math.ulp(0.0), _MAX_BEATS, False, f"a number of beats above 0, up to {_MAX_BEATS}"),
    ("velocity", 1, 127, False, "a number from 1 to 127"),
    ("mute", 0, 1, True, "0 or 1"),
)
_LOW, _HIGH, _WHOLE = (np.array([field[place] for field in FIELDS]) for place in (1, 2, 3))  # (5,) each


def read_notes(values: Sequence[object], first: int = 0) -> tuple[Note, ...]:
    """Notes from the wire, times in beats. Raises AssistantError `bad_args` that names the note, counted from `first`.

    Times are rounded to ticks, and a duration becomes at least one tick; a velocity is rounded to a whole number.
    """
    if len(values) % 5:
        text = f"a note is five values (pitch start duration velocity mute), and {len(values)} is no multiple of five"
        raise AssistantError("bad_args", text)
    numbers = [value if type(value) in _NUMBERS else math.nan for value in values]
    table = np.array(numbers, dtype=float).reshape(-1, 5)  # (notes, 5)
    fits = (table >= _LOW) & (table <= _HIGH) & ~(_WHOLE & (table != np.rint(table)))
    if not fits.all():
        wrong = int(np.argmin(fits))
        name, _, _, _, text = FIELDS[wrong % 5]
        shown = "nothing" if values[wrong] is None else str(values[wrong])[:40]
        raise AssistantError("bad_args", f"note {first + wrong // 5}: {name} {shown} is not {text}")
    table[:, 1:3] *= TICKS
    rows = np.floor(table + 0.5).astype(int).tolist()
    return tuple(
        Note(start, pitch, duration or 1, velocity, mute == 1) for pitch, start, duration, velocity, mute in rows
    )
