"""Sections: a note table cut where the meter changes, each section a Clip that starts on a bar line.

Programs write an incomplete bar in two ways. MuseScore gives it a meter of its own, which says it all. LilyPond
does not: the whole file then stands off its bars, and `upbeat` estimates by how much.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from continuo_daw.assistant.music.clip import Clip, Note, bar_ticks
from continuo_daw.assistant.music.upbeat import heard
from continuo_daw.training.corpus.readers import END, PITCH, START, VELOCITY, Song

Meter = tuple[int, int]


@dataclass(frozen=True)
class Span:
    """Ticks `start` to `end` of a song in one meter; `origin` is the bar line at or before `start`, maybe before 0."""

    start: int
    end: int
    meter: Meter
    origin: int

    @property
    def length(self) -> int:
        """Ticks of music."""
        return self.end - self.start

    @property
    def missing(self) -> int:
        """Ticks from the end to the next bar line."""
        return (self.origin - self.end) % bar_ticks(self.meter)


def spans(song: Song) -> list[Span]:
    """The stretches of constant meter of a song; halves of one bar are joined, up-beats belong to what follows.

    An incomplete bar in a meter of its own stands at the start, at the end, and twice where a repeat sign splits
    a bar.
    """
    end = max((int(track.notes[:, END].max()) for track in song.tracks), default=0)
    changes = [(tick, meter) for tick, meter in song.meters if tick < end]
    bounds = [tick for tick, _ in changes[1:]] + [end]
    waiting = [Span(start, stop, meter, start) for (start, meter), stop in zip(changes, bounds, strict=True)]
    found: list[Span] = []
    for number, span in enumerate(waiting):
        following = waiting[number + 1] if number + 1 < len(waiting) else None
        if found and goes_on(found[-1], span, following):
            found[-1] = replace(found[-1], end=span.end)
        elif found and leads_to(found[-1], span):
            found[-1] = Span(found[-1].start, span.end, span.meter, span.start - bar_ticks(span.meter))
        else:
            found.append(span)
    if found and not song.bars_known and found[0].origin == found[0].start:
        found[0] = replace(found[0], origin=found[0].start - upbeat(song, found[0]))
    return found


def upbeat(song: Song, span: Span) -> int:
    """Ticks that the first bar of `span` lacks at its front; 0 unless the notes say clearly that there are some.

    Long notes start on bar lines, and few notes sound across them. An up-beat that is missed is a lesser fault than one
    that is invented, so in doubt it is 0.
    """
    notes = np.concatenate([track.notes for track in song.tracks if not track.drums] or [np.empty((0, 4), np.int64)])
    notes = notes[(notes[:, START] >= span.start) & (notes[:, START] < span.end)]
    onsets, lengths = notes[:, START] - span.start, notes[:, END] - notes[:, START]
    bar = bar_ticks(span.meter)
    return -heard(onsets, lengths, bar, span.length) % bar


def leads_to(before: Span, span: Span) -> bool:
    """True where `before` is an up-beat to `span`: less than one of its bars."""
    return is_meter(span.meter) and before.meter != span.meter and before.length < bar_ticks(span.meter)


def goes_on(before: Span, span: Span, following: Span | None) -> bool:
    """True where `span` only goes on in the bars of `before`, whatever its own meter says."""
    if span.meter == before.meter and before.missing == 0:
        return True
    if before.missing:
        return span.length == before.missing
    is_partial = span.length < bar_ticks(before.meter)
    return is_partial and (following is None or span.length + following.length == bar_ticks(before.meter))


def is_meter(meter: Meter) -> bool:
    """False for the one endless bar (139/4) in which scores write a cadenza."""
    return meter[0] <= 64


def clips(notes: np.ndarray, song_spans: list[Span], tempos: tuple[tuple[int, float], ...]) -> tuple[Clip, ...]:
    """The clip of every span in which a note starts; a clip ends with the last bar of its span."""
    result = []
    for span in song_spans:
        first, stop = np.searchsorted(notes[:, START], (span.start, span.end))
        if first == stop or not is_meter(span.meter):
            continue
        table = tuple(
            Note(row[START] - span.origin, row[PITCH], row[END] - row[START], row[VELOCITY])
            for row in notes[first:stop].tolist()
        )
        tempo = next((value for tick, value in reversed(tempos) if tick <= span.start), 120.0)
        length = span.end + span.missing - span.origin
        result.append(Clip(table, length, min(max(tempo, 5.0), 1000.0), span.meter))
    return tuple(result)
