"""What the refine tasks share: which notes change, how far, and how a changed clip becomes an answer.

They work in place: number, order and pitches of the notes stay. A table is (N, 3): start and duration in ticks and
velocity of each note that sounds; muted notes are in none and stay as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from continuo_daw.assistant.bundles.bundle import Bundle
from continuo_daw.assistant.bundles.network import Network
from continuo_daw.assistant.codecs.notes import NoteCodec
from continuo_daw.assistant.errors import AssistantError
from continuo_daw.assistant.music.clip import MAX_TICK, TICKS, Clip, Note, order_of
from continuo_daw.assistant.option import Option
from continuo_daw.assistant.request import Candidate
from continuo_daw.assistant.tasks.answer import Clips, Options

Table = NDArray[np.int64]
Chosen = NDArray[np.bool_]
START, DURATION, VELOCITY = range(3)  # columns

_BEATS = MAX_TICK // TICKS
COMMON = (
    Option("amount", "float", 1.0, "how far from what was given to what is proposed: 0 changes nothing", 0, 1),
    Option("from", "float", None, "beat from which notes change; left out: the start of the clip", 0, _BEATS),
    Option("to", "float", None, "beat before which notes change; left out: the end of the clip", 0, _BEATS),
    Option("drums", "bool", None, "whether the pitches name drums; left out: as the file says, by channel 10"),
)


def suits(bundle: Bundle, clips: Clips, options: Options) -> float:
    """How well a bundle does: the more notes it has learnt from, the better; for drums only if it knows them."""
    if drums_of(clips[0], options) and not knows_drums(bundle):
        return -1.0
    notes = bundle.card.data.get("notes")
    learnt = notes.get("train") if isinstance(notes, dict) else None
    return float(learnt) if isinstance(learnt, int) else 0.0


def check(clips: Clips, options: Options) -> None:
    """Raises AssistantError `bad_args` where no note is left that could change."""
    for number, clip in enumerate(clips, 1):
        if all(note.muted for note in clip.notes):
            raise AssistantError("bad_args", f"clip {number} has no notes that sound")
    if not chosen(clips[0], options).any():
        parts = (f"{key} {options[key]:g}" for key in ("from", "to") if options[key] is not None)
        first, last = table_of(clips[0])[[0, -1], START] / TICKS
        known = f"they start in the beats {first:g} to {last:g}"
        raise AssistantError("bad_args", f"no note that sounds starts in the beats {' '.join(parts)}; {known}")


def check_tones(clip: Clip, options: Options) -> None:
    """Raises AssistantError `bad_args` for drums, whose notes have no note value."""
    if drums_of(clip, options):
        text = (
            "the clip is drums, and a drum note has no note value: refine_velocity takes it, drums false makes it tones"
        )
        raise AssistantError("bad_args", text)


def check_drums(network: Network, drums: bool) -> None:
    """Raises AssistantError `bad_args` where a model does not know the drums that it is given."""
    if drums and not knows_drums(network.bundle):
        text = f"the clip is drums, and {network.bundle.card.name} knows none: name another model"
        raise AssistantError("bad_args", text)


def knows_drums(bundle: Bundle) -> bool:
    """True for a model that has learnt from drums, too."""
    return isinstance(bundle.codec, NoteCodec) and bundle.codec.drums


def drums_of(clip: Clip, options: Options) -> bool:
    """Whether a clip is taken for drums."""
    return clip.drums if options["drums"] is None else bool(options["drums"])


def amount_of(options: Options) -> float:
    """How far to go, 0 to 1."""
    return float(options["amount"] or 0)


def table_of(clip: Clip) -> Table:
    """What a clip's notes that sound are now."""
    rows = [(note.start, note.duration, note.velocity) for note in clip.notes if not note.muted]
    return np.array(rows, np.int64).reshape(-1, 3)


def chosen(clip: Clip, options: Options) -> Chosen:
    """(N,) which of the notes that sound may change: by their onset, in beats `from` to `to`."""
    low = round(float(options["from"] or 0) * TICKS)
    high = MAX_TICK + 1 if options["to"] is None else round(float(options["to"]) * TICKS)
    start = table_of(clip)[:, START]
    return (start >= low) & (start < high)


def part_way(given: Table, wanted: NDArray[np.float64], chosen: Chosen, amount: float) -> Table:
    """The table that lies `amount` of the way from the given one to the wanted one, both (N, 3); notes that are not
    chosen stay."""
    whole = np.floor(given + amount * (wanted - given) + 0.5).astype(np.int64)
    return np.where(chosen[:, None], whole, given)


def changed(clip: Clip, table: Table) -> tuple[Clip, tuple[int, ...]]:
    """The clip with a table in place of its own, and the index in the old clip of each note of the new one."""
    rows = iter(table.tolist())

    def new(note: Note) -> Note:
        start, duration, velocity = next(rows)
        return Note(start, note.pitch, duration, velocity)

    notes = [note if note.muted else new(note) for note in clip.notes]
    return replace(clip, notes=tuple(notes)), order_of(notes)


def rows_of(clip: Clip, order: Sequence[int]) -> NDArray[np.int64]:
    """(N,) the row in the old table of each note that sounds in a clip that `changed` has put into this `order`; `clip`
    is the old one."""
    row = np.cumsum([not note.muted for note in clip.notes]) - 1
    return np.array([row[index] for index in order if not clip.notes[index].muted], np.int64)


def answer(clip: Clip, table: Table, chosen: Chosen) -> Candidate:
    """The clip with a new table; how many of its notes changed, and of the chosen ones how many beats they moved, mean,
    and mean and standard deviation of their velocities."""
    given = table_of(clip)
    made, order = changed(clip, table)
    velocity = table[chosen, VELOCITY]
    measures: dict[str, float | str] = {
        "changed": int((given != table).any(1).sum()),
        "moved": round(float(np.abs(table - given)[chosen, START].mean()) / TICKS, 4),
        "mean_velocity": round(float(velocity.mean()), 2),
        "velocity_spread": round(float(velocity.std()), 2),
    }
    return Candidate(made, 0, measures, order)
