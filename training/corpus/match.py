"""Reader of match files: a performance, aligned note by note to its score.

A line `snote(id,[step,alter],octave,bar:beat,offset,length,ONSET,OFFSET,[marks])-note(id,pitch,ON,off,VELOCITY,...)`
is a score note and how it was played; `snote(...)-deletion` was left out, `insertion-note(...)` is in no score.
ONSET and OFFSET are in beats, the time signature's denominators, from the first whole bar; ON is in clock units.
Version 1.0.0, https://cpjku.github.io/matchfile (Foscarin, Karystinaios et al. 2022).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from continuo_daw.assistant.music.clip import TICKS, bar_ticks
from continuo_daw.training.corpus.readers import DEFAULT_TEMPO, Song, Track, note_table

Meters = tuple[tuple[int, tuple[int, int]], ...]

# a grace note takes no time in its score: it stands where the note stands that it leads to, for a thirty-second
GRACE = TICKS // 8
STEPS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
ALTERS = {"n": 0, "#": 1, "b": -1, "x": 2, "##": 2, "bb": -2}

CLOCK = re.compile(r"info\(midiClock(Units|Rate),(\d+)\)")
METER = re.compile(r"scoreprop\(timeSignature,(\d+)/(\d+),[^,]+,[^,]+,(-?[\d.]+)\)")
NOTE = re.compile(
    r"snote\((?P<id>[^,]+),\[(?P<step>[A-G]),(?P<alter>[^]]+)\],(?P<octave>-?\d+),[^,]+,[^,]+,[^,]+,"
    r"(?P<onset>-?[\d.]+),(?P<offset>-?[\d.]+),\[[^]]*\]\)-"
    r"(?:deletion|note\([^,]+,\d+,(?P<on>-?\d+),-?\d+,(?P<velocity>\d+),.*\))\."
)


class ScoreNote(NamedTuple):
    """A note of a score, in ticks, and how it was played: velocity 0 and seconds NaN where it was not."""

    start: int
    end: int
    pitch: int
    velocity: int
    seconds: float


@dataclass(frozen=True)
class Alignment:
    """One performance: every note of the score by its id, played or not; tick 0 is a bar line, and so is each meter."""

    notes: dict[str, ScoreNote]
    meters: Meters

    @property
    def song(self) -> Song:
        """The notes that were played, where the score has them, with the velocities and the usual tempo of the player.

        Raises ValueError where none was.
        """
        played = [note for note in self.notes.values() if note.velocity]
        if not played:
            raise ValueError("no note of the score was played")
        return song_of(played, self.meters, tempo_of(played))


def read_match(path: Path) -> dict[str, Song]:
    """A match file, as one song of one piano track. Raises ValueError as `aligned` does, or where nothing is played."""
    return {"": aligned(path).song}


def aligned(path: Path) -> Alignment:
    """The alignment in a match file. Raises ValueError where it names no time signature or a line cannot be read."""
    text = path.read_text(encoding="utf-8", errors="replace")  # only names have other letters
    changes = [(float(beat), (int(top), int(bottom))) for top, bottom, beat in METER.findall(text)]
    if not changes:
        raise ValueError(f"{path.name} names no time signature")
    clock = {"Units": 480.0, "Rate": 500_000.0} | {name: float(value) for name, value in CLOCK.findall(text)}
    second = clock["Units"] / clock["Rate"] * 1e6  # clock units
    found = [note_of_line(path, line) for line in text.splitlines() if line.startswith("snote")]
    onsets = [ticks_of(float(note["onset"]), changes) for note in found]
    ends = [ticks_of(float(note["offset"]), changes) for note in found]
    bar = bar_ticks(changes[0][1])
    shift = math.ceil(max(0, -min(onsets, default=0)) / bar) * bar  # whole bars before the first one, for an up-beat
    notes = {
        note["id"]: ScoreNote(
            start=onset + shift,
            end=(end if end > onset else onset + GRACE) + shift,
            pitch=12 * (int(note["octave"]) + 1) + STEPS[note["step"]] + ALTERS[note["alter"]],
            velocity=int(note["velocity"] or 0),
            seconds=float(note["on"] or "nan") / second,
        )
        for note, onset, end in zip(found, onsets, ends, strict=True)
    }
    later = {ticks_of(beat, changes) + shift: meter for beat, meter in changes[1:]}
    return Alignment(notes, ((0, changes[0][1]), *later.items()))


def note_of_line(path: Path, line: str) -> dict[str, str]:
    """The named fields of a score note's line; "" for `on` and `velocity` where it was not played."""
    found = NOTE.match(line)
    if not found or found["alter"] not in ALTERS:
        raise ValueError(f"{path.name}: not a score note of version 1.0.0: {line}")
    return found.groupdict(default="")


def ticks_of(beat: float, changes: list[tuple[float, tuple[int, int]]]) -> int:
    """Ticks from beat 0; a beat is the denominator of the last of `changes`, (beat, meter), at or before it."""
    ticks = last = 0.0
    bounds = [*(bound for bound, _ in changes[1:]), math.inf]
    for (_, (_, denominator)), bound in zip(changes, bounds, strict=True):
        reached = min(beat, bound)
        ticks += (reached - last) * 4 * TICKS / denominator
        last = reached
    return round(ticks)


def song_of(notes: Iterable[ScoreNote], meters: Meters, tempo: float) -> Song:
    """A song of one piano track."""
    start, end, pitch, velocity, _ = np.array(list(notes)).T
    track = Track("", 0, False, note_table(start, end, pitch, velocity))
    return Song((track,), meters, ((0, tempo),), bars_known=True)


def tempo_of(notes: Iterable[ScoreNote]) -> float:
    """Quarters a minute: the median from each onset of the score to the next; chords are played at their median."""
    start, _, _, _, seconds = np.array(list(notes)).T
    onsets = np.unique(start)
    times = np.array([np.median(seconds[start == onset]) for onset in onsets])
    forward = np.diff(times) > 0
    if not forward.any():
        return DEFAULT_TEMPO
    return float(np.median(60 / TICKS * np.diff(onsets)[forward] / np.diff(times)[forward]))
