"""What a refine network is told of each note: its place in the bar, its chord, its neighbours.

Notes are looked at in windows: rows of the same number of notes that follow each other, so that a row of a training
batch and a stretch of a long clip are the same thing. Times are quarter notes. All arrays are (B, T), a note a column.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from continuo_daw.assistant.music.clip import TICKS, Clip

Floats = NDArray[np.float32]
Real = TypeVar("Real", np.float32, np.float64)

CHORD = 0.06  # quarters that the onsets of a chord may lie apart
FAR = 16.0  # quarters; nothing is looked for further away
REACHES = (0.5, 2.0, 8.0)  # quarters to either side in which density and pitch are looked at
LEVELS = 7  # strengths of a place in the bar; see `strength`
SIZE = 48  # numbers a note
DRUMS = 128  # what is added to the pitch of a drum, so that it is no pitch


@dataclass(frozen=True)
class Windows:
    """Rows of notes in order of onset, then pitch: start, end in quarters from a bar line, pitch, all (B, T).

    bar, beat (B,): quarters a bar and a beat; tempo (B,): quarters a minute; drums (B,): whether pitches name drums
    """

    start: NDArray[np.float64]
    end: NDArray[np.float64]
    pitch: NDArray[np.int64]
    bar: NDArray[np.float64]
    beat: NDArray[np.float64]
    tempo: NDArray[np.float64]
    drums: NDArray[np.bool_]


def beat_of(meter: tuple[int, int]) -> float:
    """Quarters of a beat: three of the lower figure in 6/8, 9/8, 12/8 and their like, else one."""
    numerator, denominator = meter
    return 4 / denominator * (3 if denominator >= 8 and numerator % 3 == 0 and numerator > 3 else 1)


def windows_of(
    table: NDArray[np.int64], clip: Clip, rows: Sequence[tuple[int, int]] | NDArray[np.int64], drums: bool
) -> Windows:
    """The notes `rows` (B, 2), first and end, of a table (N, 3) of start, end, pitch in ticks, each as a window."""
    index = np.asarray(rows)[:, :1] + np.arange(rows[0][1] - rows[0][0])
    start, end, pitch = table[index].transpose(2, 0, 1)
    time, middle = (
        clip.time,
        [int(row) for row in start[:, start.shape[1] // 2]],
    )  # a change of meter inside is passed over
    bars = [time.bar_at(tick) for tick in middle]
    lines = np.array([bar.start for bar in bars])[:, None]
    ticks = np.array([bar.ticks for bar in bars])
    origin = lines + (start[:, :1] - lines) // ticks[:, None] * ticks[:, None]
    return Windows(
        (start - origin) / TICKS,
        (end - origin) / TICKS,
        pitch,
        ticks / TICKS,
        np.array([beat_of(time.meter_at(tick)) for tick in middle]),
        np.array([time.tempo_at(tick) for tick in middle]),
        np.full(len(index), drums),
    )


def strength(place: NDArray[np.float64], bar: NDArray[np.float64], beat: NDArray[np.float64]) -> NDArray[np.int64]:
    """How strong places in the bar (quarters, any shape) are: 0 bar line, 1 middle of the bar, 2 beat, 3 half a beat or
    a third, 4 sixteenth, 5 twelfth or thirty-second, 6 none of them. `bar` and `beat` have a shape that fits."""
    half = np.where(np.rint(bar / beat) % 2 == 0, bar / 2, bar)
    part = np.where(np.abs(beat - np.rint(beat * 2) / 2) < 1e-6, np.where(beat % 1 == 0.5, beat / 3, beat / 2), beat)
    level = np.full(place.shape, LEVELS - 1)
    units: tuple[NDArray[np.float64] | float, ...] = (bar, half, beat, part, 0.25, 1 / 12)
    for number in reversed(range(len(units))):
        level = np.where(off(place, units[number]) < CHORD / 2, number, level)
    return level


def off(place: NDArray[Real], unit: NDArray[Real] | float) -> NDArray[Real]:
    """Quarters to the nearest multiple of `unit`."""
    missed: NDArray[Real] = np.abs(place - np.rint(place / unit) * unit)
    return missed


def _log(value: NDArray[np.float64] | Floats) -> NDArray[np.float64]:
    return np.asarray(np.log2(np.clip(value, 1 / 64, FAR)) / 2)


class _Pairs:
    """Every note (B, T, 1) against every other (B, 1, T), and what is the largest, smallest, sum of those that meet."""

    def __init__(self, windows: Windows) -> None:
        self.start = windows.start.astype(np.float32)
        self.end = windows.end.astype(np.float32)
        self.pitch = windows.pitch.astype(np.float32)
        self.apart = self.start[:, None, :] - self.start[:, :, None]  # how much later the other starts
        self.chord = np.abs(self.apart) < CHORD

    def extreme(self, which: NDArray[np.bool_], value: Floats, largest: bool, otherwise: Floats) -> Floats:
        """(B, T) of `value` (B, T) of the others in `which` (B, T, T); `otherwise` where there is none."""
        empty = np.float32(-np.inf if largest else np.inf)
        found = np.where(which, value[:, None, :], empty)
        best: Floats = found.max(-1) if largest else found.min(-1)
        return np.where(np.isfinite(best), best, otherwise)

    def gap(self, which: NDArray[np.bool_], later: bool) -> Floats:
        """Quarters (B, T) to the nearest of the others in `which` that start later or earlier, FAR where none does."""
        far = np.float32(FAR)
        apart = self.apart if later else -self.apart
        nearest: Floats = np.where(which & (apart > 0), apart, far).min(-1)
        return np.minimum(nearest, far)


def told_of(windows: Windows) -> dict[str, Floats | NDArray[np.int64]]:
    """What both refine networks are told: `told` (B, T, SIZE), and `pitch` (B, T), drums from DRUMS on."""
    return {"told": surroundings(windows), "pitch": windows.pitch + DRUMS * windows.drums[:, None]}


def surroundings(windows: Windows) -> Floats:
    """(B, T, SIZE) what is known of each note, about -2 to 2 each; more in bars of more than 6 quarters."""
    pairs = _Pairs(windows)
    parts = [_own(windows), *(part(pairs, windows) for part in (_in_chord, _sounding, _around, _line))]
    return np.concatenate(parts, -1).astype(np.float32)


def _columns(*columns: NDArray[np.float64] | Floats | NDArray[np.bool_]) -> Floats:
    return np.stack([np.asarray(column, np.float32) for column in columns], -1)


def _own(windows: Windows) -> Floats:
    """Pitch, length, place in the bar."""
    bar, beat = windows.bar[:, None], windows.beat[:, None]
    length = windows.end - windows.start
    place = windows.start % bar
    pace = np.log2(windows.tempo / 120)[:, None] + np.zeros_like(place)
    level = strength(windows.start, bar, beat)[..., None] == np.arange(LEVELS)
    turn = 2 * np.pi * windows.start
    sixteenth = windows.start - np.rint(windows.start * 4) / 4
    plain = _columns(
        (windows.pitch - 60) / 24, _log(length), _log(length) - pace / 2, pace, place / bar, bar + 0 * place - 4,
        np.sin(turn / bar), np.cos(turn / bar), np.sin(turn), np.cos(turn), sixteenth * 8,
        windows.drums[:, None] + 0 * place,
    )  # fmt: skip
    return np.concatenate([plain, level], -1).astype(np.float32)


def _in_chord(pairs: _Pairs, windows: Windows) -> Floats:
    """The notes that start together: how many, and where in them the note stands."""
    chord, pitch = pairs.chord, pairs.pitch
    size = chord.sum(-1)
    above = (chord & (pitch[:, None, :] > pitch[:, :, None])).sum(-1)
    below = (chord & (pitch[:, None, :] < pitch[:, :, None])).sum(-1)
    top, bottom = pairs.extreme(chord, pitch, True, pitch), pairs.extreme(chord, pitch, False, pitch)
    return _columns(
        np.log2(size), above == 0, below == 0, above / 3, below / 3, (top - pitch) / 12, (pitch - bottom) / 12
    )


def _sounding(pairs: _Pairs, windows: Windows) -> Floats:
    """The notes that sound when this one starts, and when it starts again."""
    held = (pairs.apart < CHORD) & (pairs.end[:, None, :] > pairs.start[:, :, None] + CHORD)
    count = held.sum(-1)
    top = pairs.extreme(held, pairs.pitch, True, pairs.pitch)
    bottom = pairs.extreme(held, pairs.pitch, False, pairs.pitch)
    same = pairs.pitch[:, None, :] == pairs.pitch[:, :, None]
    return _columns(
        np.log2(1 + count), top <= pairs.pitch, bottom >= pairs.pitch, (top - pairs.pitch) / 12,
        (pairs.pitch - bottom) / 12, _log(pairs.gap(same, False)), _log(pairs.gap(same, True)),
    )  # fmt: skip


def _around(pairs: _Pairs, windows: Windows) -> Floats:
    """Density, pitch and length of the notes near by."""
    length = _log(pairs.end - pairs.start).astype(np.float32)
    columns: list[Floats] = []
    for reach in REACHES:
        near = (np.abs(pairs.apart) <= reach).astype(np.float32)
        count = near.sum(-1)
        pitch = np.einsum("btu,bu->bt", near, pairs.pitch) / count
        columns += [np.log2(count / reach) / 2, (pairs.pitch - pitch) / 12]
    columns += [np.einsum("btu,bu->bt", near, length) / count, (pitch - 60) / 24]
    reached = np.abs(pairs.apart) <= 1.0
    highest = pairs.extreme(reached, pairs.pitch, True, pairs.pitch)
    lowest = pairs.extreme(reached, pairs.pitch, False, pairs.pitch)
    return _columns(*columns, (highest - pairs.pitch) / 12, (pairs.pitch - lowest) / 12)


def _line(pairs: _Pairs, windows: Windows) -> Floats:
    """The onsets before and behind: how far they are, and how their highest notes lie."""
    columns: list[NDArray[np.float64] | Floats] = []
    apart = ~pairs.chord
    for later in (False, True):
        gap = pairs.gap(apart, later)
        side = gap if later else -gap
        there = np.abs(pairs.apart - side[:, :, None]) < CHORD
        highest = pairs.extreme(there, pairs.pitch, True, pairs.pitch)
        columns += [_log(gap), (highest - pairs.pitch) / 12]
    length = pairs.end - pairs.start
    return _columns(*columns, _log(length / np.maximum(pairs.gap(apart, True), CHORD)))
