"""`interpolate`: the ways from one clip to another.

The way through a latent space is walked in many small steps, and of what is met there the clips are kept that lead
evenly from the first to the second: never back towards the first, never away from the second.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from assistant.bundle import Bundle
from assistant.clip import TICKS, Clip
from assistant.codecs.phrases import Bars
from assistant.latent import Codes, Latent, clip_from, levelled
from assistant.likeness import distances
from assistant.network import Network
from assistant.option import Option
from assistant.request import AssistantError, Candidate
from assistant.tasks import meet
from assistant.tasks.answer import Clips, News, Options, Slice, Stop, at_once
from assistant.tasks.sampling import measures_of

NAME = "interpolate"
SUMMARY = "clips on the way from one clip to another"
OPTIONS = (
    Option("steps", "int", 8, "how many clips, the two given ones among them", 2, 32),
    Option("curve", "choice", "spherical", "the way through the space", choices=("spherical", "linear")),
    Option(
        "space",
        "choice",
        "latent",
        "where the way lies: latent is smoothest, binary flips the bits of a code, data mixes the notes themselves",
        choices=("latent", "binary", "data"),
    ),
)
CLIPS = (2, 2)
FINER = 4  # points that are tried for each step, on each of the
DETOURS = (0.0, 0.1, 0.2)  # ways: how far they bend, in standard deviations of the corpus
ASTRAY = 0.5  # what it costs to be far from both, for each way that the two distances are longer than the whole
BACK, FARTHER = (
    0.3,
    10.0,
)  # what a step back costs, and how much more the farther, against a step one whole way too long


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
    yield [at_once(0, meet.given_back(first)), at_once(steps - 1, meet.given_back(last))], 0.0
    if steps == 2:
        return
    latent = meet.latent_of(network, clips)
    at = np.repeat(np.linspace(0, 1, FINER * (steps - 1) + 1)[1:-1], len(DETOURS))
    made: list[Clip] = []
    for clip in _SPACES[str(options["space"])](latent, first, last, at, options):
        if stop():
            return
        made.append(clip)
        yield [], 0.9 * len(made) / len(at)
    chosen = even_steps(made, first, last, steps)
    yield [_step(index, made[which], clips, steps) for index, which in enumerate(chosen, 1)], 1.0


def _step(index: int, clip: Clip, ends: Clips, steps: int) -> Slice:
    """A step as an answer: tempo and loudness lie between those of the ends."""
    part = index / (steps - 1)
    level, tempo = (
        (1 - part) * low + part * high for low, high in (map(meet.mean_velocity, ends), (ends[0].tempo, ends[1].tempo))
    )
    clip = replace(clip, notes=levelled(clip.notes, level), tempo=tempo)
    return at_once(index, Candidate(clip, 0, measures_of(clip)))


def even_steps(clips: list[Clip], first: Clip, last: Clip, steps: int) -> list[int]:
    """Indices, rising, of the `steps - 2` clips that lead most evenly from `first` to `last`.

    The least sum, over all choices, of how far each clip lies from its place on the way, and of what it costs to come
    nearer to the first or to get farther from the last again. An empty clip is never chosen while there is another.
    """
    away, near = distances(clips, first), distances(clips, last)
    whole = float(distances([first], last)[0])
    on_way = away / np.maximum(away + near, 1e-9)
    empty = np.array([not clip.notes for clip in clips])
    wanted = np.arange(1, steps - 1) / (steps - 1)
    astray = (away + near) / max(whole, 1e-9) - 1
    place = np.abs(on_way[None] - wanted[:, None]) + ASTRAY * astray + 100.0 * empty  # (steps - 2, N)
    back = np.maximum(away[:, None] - away[None], 0) + np.maximum(near[None] - near[:, None], 0)  # from row to column
    move = _price(back) + np.where(np.tri(len(clips)) > 0, 1000.0, 0)
    cost = place[0] + _price(np.maximum(near - whole, 0))
    came = np.zeros(place.shape, int)
    for step in range(1, len(wanted)):
        total = cost[:, None] + move
        came[step] = total.argmin(0)
        cost = total.min(0) + place[step]
    cost = cost + _price(np.maximum(away - whole, 0))
    chosen = [int(cost.argmin())]
    for step in range(len(wanted) - 1, 0, -1):
        chosen.append(int(came[step][chosen[-1]]))
    return chosen[::-1]


def _price(back: NDArray[np.float64]) -> NDArray[np.float64]:
    """What it costs to go back so far."""
    return np.where(back > 1e-9, BACK + FARTHER * back, 0.0)


def common_bars(first: Clip, last: Clip, at: float) -> int:
    """Bars of a step: between those of the ends."""
    return round((1 - at) * first.bars + at * last.bars)


def _latent(latent: Latent, first: Clip, last: Clip, at: NDArray[np.float64], options: Options) -> Iterator[Clip]:
    """The clips on the straight or the spherical way between the codes; the shorter clip is repeated."""
    bars = max(first.bars, last.bars)
    a, b = latent.encode(first, bars), latent.encode(last, bars)
    mean = latent.space.mean if options["curve"] == "spherical" else None
    codes = np.stack([between(a, b, part, mean) for part in at.tolist()])
    random = np.random.default_rng(int(options["seed"] or 0))
    bends = [bend * (latent.space.draw(random, len(a)) - latent.space.mean) for bend in DETOURS]
    codes += np.stack([np.sin(np.pi * part) * bends[k % len(bends)] for k, part in enumerate(at.tolist())])
    yield from _decoded(latent, codes, bars, first, last, at)


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
    turn = np.maximum(np.sin(angle), 1e-6)
    way = np.sin((1 - part) * angle) / turn * (a / long_a) + np.sin(part * angle) / turn * (b / long_b)
    straight = (1 - part) * a / long_a + part * b / long_b
    way = np.where(angle < 1e-3, straight, way)
    return np.asarray(mean + way * ((1 - part) * long_a + part * long_b), np.float32)


def _binary(latent: Latent, first: Clip, last: Clip, at: NDArray[np.float64], options: Options) -> Iterator[Clip]:
    """The shortest way between the codes: bits that differ are flipped one by one, in an order drawn from the seed."""
    if not latent.binary:
        raise AssistantError("bad_args", f"model {latent.network.bundle.card.name} has no binary codes")
    bars = max(first.bars, last.bars)
    a, b = (latent.encode(clip, bars) for clip in (first, last))
    order = np.random.default_rng(int(options["seed"] or 0)).permutation(np.flatnonzero((a != b).ravel()))
    codes = np.repeat(a.reshape(1, -1), len(at), 0)
    for row, part in enumerate(at.tolist()):
        flipped = order[: round(part * len(order))]
        codes[row, flipped] = b.ravel()[flipped]
    yield from _decoded(latent, codes.reshape(len(at), *a.shape), bars, first, last, at)


def _data(latent: Latent, first: Clip, last: Clip, at: NDArray[np.float64], options: Options) -> Iterator[Clip]:
    """The comparison that a latent space must beat: each sixteenth has the notes of one clip or of the other."""
    bars = max(first.bars, last.bars)
    slot = TICKS // 4
    wholes = [_repeated(clip, bars) for clip in (first, last)]
    drawn = np.random.default_rng(int(options["seed"] or 0)).random(bars * first.bar // slot + 1)
    for part in at.tolist():
        length = common_bars(first, last, part) * first.bar
        notes = [
            replace(note, duration=min(note.duration, length - note.start))
            for which, clip in enumerate(wholes)
            for note in clip.notes
            if note.start < length and not note.muted and (drawn[note.start // slot] < part) == bool(which)
        ]
        yield Clip(tuple(notes), length, first.tempo, first.meter)


def _repeated(clip: Clip, bars: int) -> Clip:
    """The clip again and again, to `bars` bars."""
    clip = whole = clip.window(0, clip.bars * clip.bar)
    while whole.bars < bars:
        whole = whole.joined(clip)
    return whole.window(0, bars * clip.bar)


_SPACES = {"latent": _latent, "binary": _binary, "data": _data}
