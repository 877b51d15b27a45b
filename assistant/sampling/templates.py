"""What is kept of a clip: its onsets, as a rhythm or as pitches to follow."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby

from continuo_daw.assistant.codecs.events import EventCodec
from continuo_daw.assistant.music.clip import Clip, Note


@dataclass(frozen=True)
class Onset:
    """Notes that start together: the grid step, and of each note its pitch, its length in steps, and (start, duration)
    in ticks as it was given."""

    step: int
    pitches: tuple[int, ...]
    lengths: tuple[int, ...]
    given: tuple[tuple[int, int], ...]


def onsets_of(codec: EventCodec, clip: Clip) -> tuple[Onset, ...]:
    """The onsets of a clip on the grid of a codec; with one voice a note each. One that is played ahead of the bar line
    behind the clip stands on its last step, where there is room."""
    found = []
    last = max(-(-clip.length // codec.step) - 1, 0)
    rows_of = groupby(codec.grid(clip), lambda row: min(row[0], last))
    for step, rows in ((step, list(rows)[: 1 if codec.voices == "one" else None]) for step, rows in rows_of):
        notes = [
            (pitch, length, onset * codec.step + early, (onset + length) * codec.step + late)
            for onset, pitch, length, _, early, late in rows
        ]
        given = tuple((max(start, 0), max(end - max(start, 0), 1)) for *_, start, end in notes)
        found.append(Onset(step, tuple(note[0] for note in notes), tuple(note[1] for note in notes), given))
    return tuple(found)


def template(clip: Clip, bars: int, bar: int) -> Clip:
    """`bars` bars of `bar` ticks with the notes of a clip, again and again, cut where they end."""
    length = -(-max(clip.length, 1) // bar) * bar
    times = -(-bars * bar // length)
    copies = Clip((), 0, clip.tempo, clip.meter)
    for _ in range(times):
        copies = copies.joined(Clip(tuple(n for n in clip.notes if not n.muted), length, clip.tempo, clip.meter))
    cut = copies.window(0, bars * bar)
    ends = [Note(n.start, n.pitch, min(n.duration, cut.length - n.start), n.velocity) for n in cut.notes]
    return Clip(tuple(ends), cut.length, clip.tempo, clip.meter)
