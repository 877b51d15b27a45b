"""Song: the tracks and meters of one music file, whatever its format, and the readers of MIDI and of scores.

MIDI is read by the reader that serves musicians, so that a network hears what it has learnt; ABC, MusicXML and kern are
read by music21. The table of all readers is in `training.formats`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import music21
import numpy as np

from continuo_daw.assistant.errors import AssistantError
from continuo_daw.assistant.music import midi
from continuo_daw.assistant.music.clip import TICKS, Clip

START, END, PITCH, VELOCITY = range(4)  # the columns of a note table
DEFAULT_VELOCITY = 80
DEFAULT_TEMPO = 120.0
DEFAULT_METER = (4, 4)
DENOMINATORS = (1, 2, 4, 8, 16, 32, 64)


@dataclass(frozen=True)
class Track:
    """One part: `notes` is an int64 table (notes, 4) of start, end, pitch, velocity, sorted; times in ticks."""

    name: str
    program: int
    drums: bool
    notes: np.ndarray


@dataclass(frozen=True)
class Song:
    """Tracks that hold notes, in the file's order; `meters` and `tempos` are (tick, value), the first at tick 0.

    bars_known: the meters tell every bar line; False where a first incomplete bar may pass for a whole one
    """

    tracks: tuple[Track, ...]
    meters: tuple[tuple[int, tuple[int, int]], ...]
    tempos: tuple[tuple[int, float], ...]
    bars_known: bool


def note_table(start: np.ndarray, end: np.ndarray, pitch: np.ndarray, velocity: np.ndarray) -> np.ndarray:
    """Columns to a sorted note table; every note lasts at least a tick, velocity is 1 to 127."""
    start = np.rint(start).astype(np.int64)
    end = np.maximum(np.rint(end).astype(np.int64), start + 1)
    table = np.stack([start, end, pitch.astype(np.int64), np.clip(velocity, 1, 127).astype(np.int64)], axis=1)
    return table[np.lexsort((table[:, END], table[:, PITCH], table[:, START]))]


def from_zero(events: Iterable[tuple[int, Any]], default: Any) -> tuple[tuple[int, Any], ...]:
    """Events in order, the last one of a tick, with one at tick 0."""
    by_tick = dict(sorted(events, key=lambda event: event[0]))
    by_tick.setdefault(0, default)
    return tuple(sorted(by_tick.items()))


def read_midi(path: Path) -> dict[str, Song]:
    """A MIDI file, by the reader that serves musicians. Raises ValueError for what it cannot read."""
    try:
        score = midi.read_score(path)
    except AssistantError as error:
        raise ValueError(error.text) from None
    tempos, meters, _ = midi.changes_of(score.file)
    tracks = tuple(
        Track(part.clip.name, (part.clip.program or 1) - 1, part.clip.drums, table_of(part.clip))
        for part in score.parts
        if part.sounding
    )
    return {"": Song(tracks, tuple(meters.items()), tuple(tempos.items()), bars_known=False)}


def table_of(clip: Clip) -> np.ndarray:
    """The note table of a clip's notes that sound."""
    columns = np.array([(n.start, n.end, n.pitch, n.velocity) for n in clip.notes if not n.muted]).reshape(-1, 4)
    return note_table(*columns.T)


def read_score(path: Path) -> dict[str, Song]:
    """An ABC, MusicXML or kern file; a book of tunes gives one song for each, by its number."""
    score = music21.converter.parse(path, forceSource=True)
    if isinstance(score, music21.stream.Opus):
        return {str(number): song_of_score(tune) for number, tune in enumerate(score.scores, 1)}
    return {"": song_of_score(score)}


def song_of_score(score: Any) -> Song:
    """The song of a music21 score."""
    parts = list(score.parts) or [score]
    meters = meters_of_part(parts[0])
    marks = score.flatten().getElementsByClass(music21.tempo.MetronomeMark)
    tempos = [(ticks_of(mark.offset), float(mark.getQuarterBPM())) for mark in marks if mark.getQuarterBPM()]
    tracks = [track_of_part(part) for part in parts]
    return Song(
        tracks=tuple(track for track in tracks if len(track.notes)),
        meters=from_zero(meters, DEFAULT_METER),
        tempos=from_zero(tempos, DEFAULT_TEMPO),
        bars_known=True,
    )


def ticks_of(quarters: Any) -> int:
    """Ticks of a music21 offset or length."""
    return round(Fraction(quarters) * TICKS)


def meters_of_part(part: Any) -> list[tuple[int, tuple[int, int]]]:
    """(tick, meter) where the bars of a music21 part change; an incomplete bar has a meter of its own length."""
    meters: list[tuple[int, tuple[int, int]]] = []
    written = DEFAULT_METER
    for bar in part.getElementsByClass(music21.stream.Measure):
        if bar.timeSignature:
            written = (bar.timeSignature.numerator, bar.timeSignature.denominator)
        length = Fraction(bar.quarterLength) / 4
        meter = written
        if 0 < length < Fraction(*written) and length.denominator in DENOMINATORS:
            denominator = max(length.denominator, written[1])
            meter = (int(length * denominator), denominator)
        if not meters or meter != meters[-1][1]:
            meters.append((ticks_of(bar.offset), meter))
    return meters


def track_of_part(part: Any) -> Track:
    """The track of a music21 part: ties joined in place, grace notes and chord symbols left out."""
    rows = []
    for element in (part.stripTies(inPlace=True) or part).flatten().notes:
        if not element.quarterLength:  # a grace note or a chord symbol
            continue
        start = ticks_of(element.offset)
        end = start + ticks_of(element.quarterLength)
        velocity = element.volume.velocity or DEFAULT_VELOCITY
        rows += [(start, end, pitch.midi, velocity) for pitch in element.pitches]
    instrument = part.getInstrument()
    drums = isinstance(instrument, music21.instrument.UnpitchedPercussion)
    table = note_table(*np.array(rows, dtype=np.int64).reshape(-1, 4).T)
    return Track(part.partName or "", instrument.midiProgram or 0, drums, table)
