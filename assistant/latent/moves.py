"""Moves of a code that change one attribute of its music and leave the others where they are.

Attribute vectors (Roberts et al. 2018) say where to go: the difference of mean codes. How far to go, and what to add
so that nothing else changes, is found by trying: many codes are decoded side by side, the best ones lead the next try.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from continuo_daw.assistant.latent.space import Codes, Space
from continuo_daw.assistant.music.attributes import NAMES, attributes, beat_ticks
from continuo_daw.assistant.music.clip import TICKS, Clip, Note

ROUNDS = 5
TRIES = 40  # codes of a round
BEST = 6  # of them lead the next round
MISSED = 2.0  # what missing the wish costs, against as large a change of something else

Play = Callable[[Codes], Sequence[Clip]]


def moved(
    code: Codes,
    wishes: Mapping[str, float],
    start: Clip,
    space: Space,
    examples: Sequence[Codes],
    play: Play,
    seed: Sequence[int],
    stop: Callable[[], bool],
) -> tuple[Codes, Clip]:
    """The code (K, Z) whose music comes nearest to the attributes of `start` changed by `wishes`, and that music.

    wishes: attribute to change, in its own unit; examples: codes (K, Z) of clips that have what is wished, as `edited`
    makes them: the ways to them are tried as well; play: clips of codes (C, K, Z), one for each
    """
    before = attributes(start)
    asked = np.array([wishes.get(name, 0.0) for name in NAMES]) / space.deviations
    aim = np.array([before[name] for name in NAMES]) / space.deviations + asked
    price = np.where(asked != 0, MISSED, 1.0)
    random = np.random.default_rng(seed)
    known = np.concatenate([space.directions, space.basis])
    ways = np.stack([*np.repeat(known[:, None], len(code), 1), *(example - code for example in examples)])
    spread = np.repeat([0.5, 0.15, 0.4], [len(asked), len(space.basis), len(examples)])
    middle = np.zeros(len(ways))
    middle[: len(asked)] = asked * (not examples)
    middle[len(known) :] = 1 / max(len(examples), 1)
    best: tuple[float, Codes, Clip] | None = None
    for _ in range(ROUNDS):
        if stop():
            break
        steps = middle + spread * random.standard_normal((TRIES, len(ways)))
        steps[0] = middle
        codes = (code + np.einsum("cw,wkz->ckz", steps, ways)).astype(np.float32)
        clips = play(codes)
        if len(clips) < len(codes):  # it was stopped
            break
        missed = np.array([_missed(clip, aim, price, space.deviations) for clip in clips])
        order = np.argsort(missed, kind="stable")
        first = int(order[0])
        if np.isfinite(missed[first]) and (best is None or missed[first] < best[0]):
            best = float(missed[first]), codes[first], clips[first]
        leaders = steps[order[:BEST]]
        middle = leaders.mean(0)
        spread = np.maximum(leaders.std(0), 0.3 * spread)
    return (code, start) if best is None else best[1:]


def _missed(clip: Clip, aim: NDArray[np.float64], price: NDArray[np.float64], unit: Codes) -> float:
    """How far a clip lies from the aim, in standard deviations."""
    found = attributes(clip)
    if len(found) < len(NAMES):
        return np.inf
    gaps = np.abs(np.array([found[name] for name in NAMES]) / unit - aim)
    return float((price * gaps).sum())


def edited(clip: Clip, name: str, change: float) -> Clip:
    """The clip with about that change of an attribute, made by a plain rule: notes are split or left out, moved to the
    half before a beat or onto the next one, held shorter or longer. What a rule makes is no music yet, but the code of
    it points where to go."""
    last = max(clip.length, clip.bar)
    notes = [replace(n, duration=min(n.duration, last - n.start)) for n in clip.notes if not n.muted]
    return replace(clip, notes=tuple(_EDITS[name](notes, change, clip)))


def held(clip: Clip, length: float) -> Clip:
    """The clip with its notes held longer or shorter until their mean length is `length`, as far as they can be."""
    for _ in range(3):
        change = length - attributes(clip).get("length", length)
        clip = edited(clip, "length", change) if abs(change) > 1e-3 else clip
    return clip


def _denser(notes: list[Note], change: float, clip: Clip) -> list[Note]:
    count = round(abs(change) * clip.length / TICKS)
    longest = sorted(notes, key=lambda note: (-note.duration, note.start))
    if change < 0:
        kept = sorted(notes, key=lambda note: (note.start % beat_ticks(clip.meter) == 0, note.duration, note.start))
        left = sorted(kept[min(count, len(kept) - 1) :])
        ends = [b.start for b in left[1:]] + [clip.length]
        return [
            replace(a, duration=max(1, end - a.start)) if end > a.start else a
            for a, end in zip(left, ends, strict=True)
        ]
    split = set(longest[:count])
    halves = [
        half
        for note in split
        if note.duration > 1
        for half in (
            replace(note, duration=note.duration // 2),
            replace(note, start=note.start + note.duration // 2, duration=note.duration - note.duration // 2),
        )
    ]
    return sorted([note for note in notes if note not in split or note.duration <= 1] + halves)


def _syncopated(notes: list[Note], change: float, clip: Clip) -> list[Note]:
    """Notes on the beat come half a beat early, or early ones move onto their beat."""
    beat = beat_ticks(clip.meter)
    count = max(1, round(abs(change) * len(notes)))
    found = [note for note in notes if (note.start % beat == 0 and note.start >= beat) == (change > 0)]
    if change < 0:
        found = [note for note in found if note.start % beat + note.duration > beat and note.start % beat]
    chosen = set(found[:: max(1, len(found) // count)][:count])
    made = []
    for note in notes:
        start = note.start
        if note in chosen:
            start = start - beat // 2 if change > 0 else -(-start // beat) * beat
        made.append(replace(note, start=start, duration=max(1, note.end - start)))
    made = [note for note in made if note.start < clip.length]
    later = _next_onsets(made, clip)
    return [replace(note, duration=min(note.duration, later[note.start] - note.start)) for note in made]


def _next_onsets(notes: list[Note], clip: Clip) -> dict[int, int]:
    """For each onset the one after it, for the last one the end of the clip."""
    return dict(pairwise([*sorted({note.start for note in notes}), clip.length]))


def _longer(notes: list[Note], change: float, clip: Clip) -> list[Note]:
    """Every note sounds a larger or smaller share of the time to the next onset."""
    later = _next_onsets(notes, clip)
    made = []
    for note in notes:
        gap = max(1, later[note.start] - note.start)
        share = min(1.0, max(0.1, note.duration / gap + change))
        made.append(replace(note, duration=max(1, round(gap * share))))
    return made


def _higher(notes: list[Note], change: float, clip: Clip) -> list[Note]:
    return [replace(note, pitch=min(127, max(0, note.pitch + round(change)))) for note in notes]


def _louder(notes: list[Note], change: float, clip: Clip) -> list[Note]:
    return [replace(note, velocity=min(127, max(1, note.velocity + round(change)))) for note in notes]


_EDITS = dict(zip(NAMES, (_denser, _higher, _syncopated, _longer, _louder), strict=True))
