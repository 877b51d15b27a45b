"""What was reached of what was asked: a measure of each option, and how far a candidate falls short."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from continuo_daw.assistant.music.attributes import most_at_once
from continuo_daw.assistant.music.clip import TICKS, Clip, Note
from continuo_daw.assistant.music.keys import histogram
from continuo_daw.assistant.music.swing import swing_of
from continuo_daw.assistant.sampling.wishes import Wishes, show

Measure = float | str
# What falls one unit short: a part of the density, and in a clip of `USUAL` notes so many semitones and such a share.
DENSITY, REGISTER, SHARES, USUAL = 0.02, 0.3, 0.2, 32


def measures_of(clip: Clip) -> dict[str, Measure]:
    """What is said of every candidate: notes a quarter, and the mean pitch where there are notes."""
    measures: dict[str, Measure] = {"density": round(len(clip.notes) * TICKS / (clip.length or clip.bar), 3)}
    if clip.notes:
        measures["register"] = round(_mean(clip.notes, "pitch"), 2)
    return measures


def reached(clip: Clip, wishes: Wishes) -> dict[str, Measure]:
    """`measures_of`, and of each option that was asked its name with what was reached, and `..._asked`."""
    found = measures_of(clip)
    for key, asked in wishes.asked.items():
        found[f"{key}_asked"] = asked
        if key in _REACHED and clip.notes:
            found[key] = _REACHED[key](clip, wishes)
    return found


def short_of(clip: Clip, wishes: Wishes) -> float:
    """How far a candidate falls short of what is wished: 0 is exact, and one unit of each wish counts the same."""
    if not clip.notes:
        return float("inf")
    bars = _bars(clip)
    lacks: list[float] = []
    # means over many notes come nearer to anything: without this the densest candidate would win
    fair = (len(clip.notes) / USUAL) ** 0.5
    if wishes.density:
        each = [abs(len(n) * TICKS / clip.bar - d) / (DENSITY * d) for n, d in zip(bars, wishes.density, strict=True)]
        whole = float(np.mean(wishes.density))
        lacks.append(abs(len(clip.notes) * TICKS / clip.length - whole) / (DENSITY * whole))
        lacks += [float(np.mean(each))] if len({*wishes.density}) > 1 else []
    if wishes.register:
        asked = np.array([wishes.register[_bar(note, clip)] for note in clip.notes])
        lacks.append(abs(float(np.mean([note.pitch for note in clip.notes] - asked))) * fair / REGISTER)
        if len({*wishes.register}) > 1:
            apart = [abs(_mean(n, "pitch") - r) for n, r in zip(bars, wishes.register, strict=True) if n]
            lacks.append(float(np.mean(apart)) / 4 / REGISTER)
    if wishes.shares:
        starts = [at for at, _ in wishes.shares]
        wanted = np.zeros(12)
        for note in clip.notes:
            wanted += wishes.shares[int(np.searchsorted(starts, note.start, "right")) - 1][1]
        lacks.append(float(np.abs(wanted / len(clip.notes) - histogram(clip)).sum()) * fair / SHARES)
    if wishes.chords:
        lacks.append((1 - _in_chords(clip, wishes)) / SHARES)
    return float(np.square(lacks).sum())


def _bar(note: Note, clip: Clip) -> int:
    return note.start // clip.bar


def _bars(clip: Clip) -> list[list[Note]]:
    found: list[list[Note]] = [[] for _ in range(clip.bars)]
    for note in clip.notes:
        found[_bar(note, clip)].append(note)
    return found


def _mean(notes: Sequence[Note], name: str) -> float:
    """Mean of a field of notes; 0 where there are none."""
    return float(np.mean([getattr(note, name) for note in notes])) if notes else 0.0


def _in_bars(measure: Callable[[list[Note], int], float], values: tuple[float, ...] | None, clip: Clip) -> Measure:
    """A measure of notes and the ticks that they fill: of the whole clip, or where values differ each bar's."""
    if len({*(values or ())}) <= 1:
        return round(measure(list(clip.notes), clip.length), 3)
    return show(tuple(round(measure(notes, clip.bar), 2) for notes in _bars(clip)))


def _in_chords(clip: Clip, wishes: Wishes) -> float:
    """Share of the notes that belong to the chord beneath them, among those that have one."""
    starts = [at for at, _ in wishes.chords]
    beneath = [(n, wishes.chords[int(np.searchsorted(starts, n.start, "right")) - 1][1]) for n in clip.notes]
    inside = [note.pitch % 12 in chord.tones for note, chord in beneath if chord.tones]
    return float(np.mean(inside)) if inside else 1.0


def _in_key(clip: Clip, wishes: Wishes) -> float:
    assert wishes.keys
    return float(np.mean([wishes.keys[_bar(note, clip)].tones[note.pitch % 12] for note in clip.notes]))


def _ends_on(clip: Clip, tonic: int | None) -> bool:
    return any(note.pitch % 12 == tonic for note in clip.notes if note.start == clip.notes[-1].start)


_REACHED: dict[str, Callable[[Clip, Wishes], Measure]] = {
    "key": lambda clip, wishes: f"{_in_key(clip, wishes):.0%} inside",
    "density": lambda clip, wishes: _in_bars(lambda notes, ticks: len(notes) * TICKS / ticks, wishes.density, clip),
    "register": lambda clip, wishes: _in_bars(lambda notes, _: _mean(notes, "pitch"), wishes.register, clip),
    "pitch_classes": lambda clip, wishes: show(tuple(round(float(share), 3) for share in histogram(clip))),
    "pitch_low": lambda clip, wishes: float(min(note.pitch for note in clip.notes)),
    "pitch_high": lambda clip, wishes: float(max(note.pitch for note in clip.notes)),
    "polyphony": lambda clip, wishes: float(most_at_once(clip)),
    "shortest": lambda clip, wishes: round(min(note.duration for note in clip.notes) / TICKS, 4),
    "longest": lambda clip, wishes: round(max(note.duration for note in clip.notes) / TICKS, 4),
    "velocity": lambda clip, wishes: _in_bars(lambda notes, _: _mean(notes, "velocity"), wishes.velocity, clip),
    "swing": lambda clip, wishes: _in_bars(
        lambda notes, _: swing_of(replace(clip, notes=tuple(notes))), wishes.swing, clip
    ),
    "chords": lambda clip, wishes: f"{_in_chords(clip, wishes):.0%} inside",
    "start_on_beat": lambda clip, wishes: str(clip.notes[0].start % wishes.beat == 0).lower(),
    "end_on_tonic": lambda clip, wishes: str(_ends_on(clip, wishes.tonic)).lower(),
}
