"""Reader of POP909: played songs, moved from the clock onto their beats.

A song's notes do not stand on the bars of its MIDI file. `beat_midi.txt` beside it has a row for each beat:
seconds, 1 at the first beat of a bar of two or three beats, 1 at the first beat of a bar of twice as many.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import symusic

from continuo_daw.assistant.music.clip import TICKS
from continuo_daw.training.corpus.readers import Song, Track, note_table

SHORT_BARS, LONG_BARS = 1, 2  # columns of beat_midi.txt


def read_pop909(path: Path, beats_a_bar: int, quavers_a_beat: int) -> Song:
    """The song of `path`, a beat being `quavers_a_beat` eighths and a short bar `beats_a_bar` beats."""
    rows = np.loadtxt(path.parent / "beat_midi.txt")
    seconds = rows[:, 0]
    column = LONG_BARS if (beats_a_bar, quavers_a_beat) == (2, 2) else SHORT_BARS  # 2/4 reads better as 4/4
    bars = np.flatnonzero(rows[:, column])
    if len(bars) < 2 or np.any(np.diff(seconds) <= 0):
        raise ValueError(f"{path.name}: beat_midi.txt names fewer than two bars, or its times do not grow")
    tables = {
        track.name: (beats_of(notes["time"], seconds), beats_of(notes["time"] + notes["duration"], seconds), notes)
        for track in symusic.Score(path).to("second").tracks
        for notes in [track.notes.numpy()]
        if len(track.notes)
    }
    usual = int(np.median(np.diff(bars)))
    earliest = min((float(start.min()) for start, _, _ in tables.values()), default=0.0)
    # tick 0 is a bar line: the first one of the file, or whole bars before it
    origin = int(bars[0]) - max(0, math.ceil((bars[0] - earliest) / usual)) * usual
    beat = TICKS * quavers_a_beat // 2
    tracks = tuple(
        Track(name, 0, False, note_table((start - origin) * beat, (end - origin) * beat, n["pitch"], n["velocity"]))
        for name, (start, end, n) in tables.items()
    )
    tempo = 60.0 / float(np.median(np.diff(seconds))) * quavers_a_beat / 2
    return Song(tracks, meters_of(bars, origin, usual, quavers_a_beat), ((0, tempo),), bars_known=True)


def beats_of(times: np.ndarray, seconds: np.ndarray) -> np.ndarray:
    """Where `times` lie among the beats at `seconds`, in beats; outside them the nearest beat's tempo goes on."""
    left = np.clip(np.searchsorted(seconds, times, side="right") - 1, 0, len(seconds) - 2)
    return left + (times - seconds[left]) / (seconds[left + 1] - seconds[left])


def meters_of(
    bars: np.ndarray, origin: int, usual: int, quavers_a_beat: int
) -> tuple[tuple[int, tuple[int, int]], ...]:
    """(tick, meter) where the number of beats from bar line to bar line changes; the last bar has `usual` beats."""
    beat = TICKS * quavers_a_beat // 2
    beats = [(origin, usual), *zip(bars.tolist(), [*np.diff(bars).tolist(), usual], strict=True)]
    meters: dict[int, tuple[int, int]] = {}
    for place, count in beats:
        meter = (count, 4) if quavers_a_beat == 2 else (3 * count, 8)
        if not meters or meter != next(reversed(meters.values())):
            meters[(place - origin) * beat] = meter
    return tuple(meters.items())
