"""`interpolate`: the ways from one clip to another.

The way through a latent space is walked in many small steps, and of what is met there the clips are kept that lead
evenly from the first to the second: never back towards the first, never away from the second.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from continuo_daw.assistant.bundles.bundle import Bundle
from continuo_daw.assistant.bundles.network import Network
from continuo_daw.assistant.codecs.phrases import Bars
from continuo_daw.assistant.errors import AssistantError
from continuo_daw.assistant.latent import common as meet
from continuo_daw.assistant.latent.distance import SLOT, even_steps, happenings
from continuo_daw.assistant.latent.space import Codes, Latent, clip_from, levelled
from continuo_daw.assistant.music.clip import Clip
from continuo_daw.assistant.option import Option
from continuo_daw.assistant.tasks.answer import Clips, News, Options, Slice, Stop, at_once

NAME = "interpolate"
SUMMARY = "clips on the way from one clip to another"
OPTIONS = (
    Option("steps", "int", 8, "how many clips, the two given ones among them", 2, 32),
    Option(
        "curve",
        "choice",
        "linear",
        "the way through a latent space; other spaces have one way",
        choices=("linear", "spherical"),
    ),
    Option(
        "space",
        "choice",
        "latent",
        "where the way lies: latent is smoothest, binary flips the bits of a code, data mixes the notes themselves",
        choices=("latent", "binary", "data"),
    ),
)
PLACE = "free"
CLIPS = (2, 2)
LEVEL = 1e-2  # sine of an angle that is none
Way = Callable[[NDArray[np.float64], float], Iterator[Clip]]  # clips at some parts of the way, which bends so far aside
ROUNDS = ((2, 0.0), (3, 0.1), (3, 0.2))  # points a step that are tried, and how far the way bends there, in standard
# deviations of the corpus; a round is for what the ones before did not find
EVEN = 0.25  # price of a step that is good enough


class Point(NamedTuple):
    """A clip that was met a `part` of the way."""

    part: float
    clip: Clip
    happenings: frozenset[int]


def suits(bundle: Bundle, clips: Clips, options: Options) -> float:
    """How well a bundle does; the best is taken where none is named."""
    return meet.suits(bundle, clips, options["space"] == "binary")


def count(clips: Clips, options: Options) -> int:
    """How many candidates there will be: the steps."""
    return int(options["steps"] or 2)


def check(clips: Clips, options: Options) -> None:
    """Raises AssistantError where there is no way between the clips."""
    meet.check_clips(clips)
    meet.one_answer(options, NAME)


def slices(network: Network, clips: Clips, options: Options, stop: Stop) -> Iterator[News]:
    """Both ends at once, then the steps between."""
    first, last = clips
    steps = count(clips, options)
    latent = meet.latent_of(network, clips)
    space = "binary" if latent.binary and options["space"] == "latent" else str(options["space"])
    way = _SPACES[space](latent, first, last, options)
    yield [at_once(0, meet.between(first)), at_once(steps - 1, meet.between(last))], float(steps == 2)
    if steps == 2:
        return
    ends = happenings(first), happenings(last)
    made: list[Point] = []
    chosen: list[int] = []
    for number, (finer, bend) in enumerate(ROUNDS):
        at = (np.arange(1, finer * (steps - 1)) + 0.5 * (bend > 0)) / (finer * (steps - 1))
        for part, clip in zip(at.tolist(), way(at, bend), strict=True):
            if stop():
                return
            made.append(Point(part, clip, happenings(clip)))
        made.sort(key=lambda point: point.part)
        chosen, price = even_steps([point.happenings for point in made], *ends, steps)
        if price <= EVEN or space == "data":
            break
        yield [], (number + 1) / (len(ROUNDS) + 1)
    yield [_step(index, made[which].clip, clips, steps) for index, which in enumerate(chosen, 1)], 1.0


def _step(index: int, clip: Clip, ends: Clips, steps: int) -> Slice:
    """A step as an answer: its tempo lies between those of the ends, and so does its loudness, in velocities that the
    ends have too: a level between two written ones would be one that nobody wrote."""
    part = index / (steps - 1)
    low, high = map(meet.mean_velocity, ends)
    level, tempo = (1 - part) * low + part * high, meet.mean_tempo((1 - part, part), ends)
    known = np.array(sorted({note.velocity for end in ends for note in end.notes if not note.muted}))
    notes = (
        replace(note, velocity=int(known[np.abs(known - note.velocity).argmin()]))
        for note in levelled(clip.notes, level)
    )
    clip = replace(clip, notes=tuple(notes), tempo=tempo)
    return at_once(index, meet.between(clip))


def common_bars(first: Clip, last: Clip, at: float) -> int:
    """Bars of a step: between those of the ends."""
    return round((1 - at) * first.bars + at * last.bars)


def _latent(latent: Latent, first: Clip, last: Clip, options: Options) -> Way:
    """The straight or the spherical way between the codes; the shorter clip is repeated."""
    bars = max(first.bars, last.bars)
    a, b = latent.encode(first, bars), latent.encode(last, bars)
    mean = latent.space.mean if options["curve"] == "spherical" else None
    aside = latent.space.draw(np.random.default_rng(int(options["seed"] or 0)), len(a)) - latent.space.mean

    def way(at: NDArray[np.float64], bend: float) -> Iterator[Clip]:
        codes = np.stack([between(a, b, part, mean) for part in at.tolist()])
        codes += np.float32(bend) * np.sin(np.pi * at).astype(np.float32)[:, None, None] * aside
        return _decoded(latent, codes, bars, first, last, at)

    return way


def _decoded(
    latent: Latent, codes: Codes, bars: int, first: Clip, last: Clip, at: NDArray[np.float64]
) -> Iterator[Clip]:
    size = max(1, meet.PHRASES_A_RUN // codes.shape[1])
    steps = first.bar // latent.codec.step
    for start in range(0, len(codes), size):
        some = latent.decode(codes[start : start + size], bars, steps)
        for made, part in zip(some, at[start : start + size].tolist(), strict=True):
            kept = common_bars(first, last, part)
            yield clip_from(latent, Bars(made.notes[:kept], made.count[:kept], made.steps), first)


def between(first: Codes, last: Codes, part: float, mean: Codes | None = None) -> Codes:
    """The code a `part` of the way from one to the other, each (K, Z): straight, or round `mean` at a distance from it
    that changes evenly."""
    if mean is None:
        return ((1 - part) * first + part * last).astype(np.float32)
    a, b = first - mean, last - mean
    long_a, long_b = (np.maximum(np.linalg.norm(code, axis=-1, keepdims=True), 1e-6) for code in (a, b))
    angle = np.arccos(np.clip((a / long_a * (b / long_b)).sum(-1, keepdims=True), -1, 1))
    turn = np.maximum(np.sin(angle), LEVEL)
    way = np.sin((1 - part) * angle) / turn * (a / long_a) + np.sin(part * angle) / turn * (b / long_b)
    straight = (1 - part) * a / long_a + part * b / long_b
    way = np.where(np.sin(angle) < LEVEL, straight, way)  # codes in one line with the mean: there is no way round
    return np.asarray(mean + way * ((1 - part) * long_a + part * long_b), np.float32)


def _binary(latent: Latent, first: Clip, last: Clip, options: Options) -> Way:
    """The shortest way between the codes: bits that differ are flipped one by one, in an order drawn from the seed."""
    if not latent.binary:
        raise AssistantError("bad_args", f"model {latent.network.bundle.card.name} has no binary codes")
    bars = max(first.bars, last.bars)
    a, b = (latent.encode(clip, bars) for clip in (first, last))
    differ = np.flatnonzero((a != b).ravel())

    def way(at: NDArray[np.float64], bend: float) -> Iterator[Clip]:
        order = np.random.default_rng([int(options["seed"] or 0), round(10 * bend)]).permutation(differ)
        codes = np.repeat(a.reshape(1, -1), len(at), 0)
        for row, part in enumerate(at.tolist()):
            flipped = order[: round(part * len(order))]
            codes[row, flipped] = b.ravel()[flipped]
        return _decoded(latent, codes.reshape(len(at), *a.shape), bars, first, last, at)

    return way


def _data(latent: Latent, first: Clip, last: Clip, options: Options) -> Way:
    """The comparison that a latent space must beat: each sixteenth has the notes of one clip or of the other."""
    bars = max(first.bars, last.bars)
    wholes = [_repeated(clip, bars) for clip in (first, last)]
    drawn = np.random.default_rng(int(options["seed"] or 0)).random(bars * first.bar // SLOT + 1)

    def mixed(part: float) -> Clip:
        length = common_bars(first, last, part) * first.bar
        notes = [
            replace(note, duration=min(note.duration, length - note.start))
            for which, clip in enumerate(wholes)
            for note in clip.notes
            if note.start < length and not note.muted and (drawn[note.start // SLOT] < part) == bool(which)
        ]
        return Clip(tuple(notes), length, first.tempo, first.meter)

    return lambda at, bend: map(mixed, at.tolist())


def _repeated(clip: Clip, bars: int) -> Clip:
    """The clip again and again, to `bars` bars. Raises AssistantError where that makes too many notes."""
    turns, one = -(-bars // clip.bars), clip.bars * clip.bar
    if turns * len(clip.notes) > meet.MOST_NOTES:
        text = f"a clip of {len(clip.notes)} notes repeated {turns} times is more than {meet.MOST_NOTES} notes"
        raise AssistantError("bad_args", text)
    notes = (replace(note, start=note.start + turn * one) for turn in range(turns) for note in clip.notes)
    length = bars * clip.bar
    return replace(clip, notes=tuple(note for note in notes if note.start < length), length=length)


_SPACES = {"latent": _latent, "binary": _binary, "data": _data}
