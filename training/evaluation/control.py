"""Control: does a musician get what was asked for?

What is asked comes from held-out windows of the test split, wherever they stand in their piece: the density, the mean
pitch and the pitch classes of one window together, so that they belong together as in music. All clips are made through
the engine. Asked against reached is Spearman's rank correlation, that of pitch classes pooled over clips and classes.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from continuo_daw.assistant.codecs.condition import MOST_DENSE
from continuo_daw.assistant.music.attributes import attributes
from continuo_daw.assistant.music.clip import TICKS, Clip
from continuo_daw.assistant.music.keys import histogram, key_of
from continuo_daw.assistant.option import Value
from continuo_daw.assistant.request import Request
from continuo_daw.assistant.sampling.wishes import most_at_once
from continuo_daw.training.corpus.pieces import Piece
from continuo_daw.training.evaluation.generation import BARS, HELD, OURS, SEEDS, Bench, ours
from continuo_daw.training.evaluation.generation_rows import DRAWS, SEED, Interval, Measured, interval, intervals
from continuo_daw.training.evaluation.latent_measures import phrases_in
from continuo_daw.training.evaluation.windows import Window

Array = NDArray[np.float64]

STEERED = "ours, steered"
COLUMNS = {"density": slice(0, 1), "register": slice(1, 2), "pitch_classes": slice(2, 14)}  # of values
FEWEST, DENSEST = 8, 32  # notes of a window that is asked for, and of one of its bars
SINGLE = 5  # one clip in so many is also asked for each attribute alone, and for limits
KEYS = ("C", "G", "Eb major", "D dorian", "F mixolydian", "Am", "C#m")


@dataclass(frozen=True)
class Control:
    """asked, reached: (N, 14) of the clips that were asked for everything; free: (N, 14) of those asked for nothing.

    rows: figures of steered, free and held-out clips; drift: for each attribute that alone was asked for, how far the
    means of the others moved away from those of free clips, in standard deviations of held-out windows
    broken: of `limited` clips, how many broke each limit
    """

    asked: Array
    reached: Array
    free: Array
    rows: Mapping[str, Mapping[str, Interval]]
    sets: Mapping[str, Sequence[Measured]]
    figures: Mapping[str, Interval]
    drift: Mapping[str, Mapping[str, float]]
    broken: Mapping[str, int]
    limited: int


def values(clips: Sequence[Clip]) -> Array:
    """(N, 14) notes a quarter, mean pitch, and the share of each pitch class among the notes; nan without notes."""
    rows = []
    for clip in clips:
        heard = attributes(clip)
        shares = histogram(clip) if "pitch" in heard else np.full(12, np.nan)
        rows.append(np.r_[heard["density"], heard.get("pitch", np.nan), shares])
    return np.array(rows)


def control(bench: Bench, clips: int, seeds: int) -> Control | None:
    """Control of a network that samples; None where the data have too few held-out windows. clips: of all seeds
    together, fewer where there are fewer such windows"""
    windows = asking(bench.pieces, clips)
    if len(windows) < 2 * seeds:
        return None
    parts = [windows[at::seeds] for at in range(seeds)]
    made: dict[str, list[list[Clip]]] = {STEERED: [], OURS: [], HELD: []}
    for seed, part in enumerate(tqdm(parts, "control: clips")):
        made[STEERED].append(steered(bench, part, seed, COLUMNS))
        made[OURS].append(ours(bench, "generate", part, seed))
        made[HELD].append([window.clip for window in part])
    sets = {name: [bench.measured(*one) for one in zip(some, parts, strict=True)] for name, some in made.items()}
    asked, reached, free = (values([c for part in made[name] for c in part]) for name in (HELD, STEERED, OURS))
    some = windows[: -(-len(windows) // SINGLE)]
    alone = {name: values(steered(bench, some, SEEDS, (name,))) for name in tqdm(COLUMNS, "control: one at a time")}
    return Control(
        asked,
        reached,
        free,
        intervals(sets, sets[HELD], bench.splits),
        sets,
        _spread(asked, reached, np.concatenate([one.piece for one in sets[HELD]])),
        {name: drift(asked, free, found, name) for name, found in alone.items()},
        limits(bench, some),
        len(some),
    )


def asking(pieces: Sequence[Piece], count: int) -> list[Window]:
    """At most `count` windows of the test split, drawn from all of them whose density can be asked for."""
    phrases = phrases_in(pieces, "test", BARS, FEWEST, DENSEST)
    found = [one for one in phrases if len(one.clip.notes) * TICKS < MOST_DENSE * one.clip.length]
    order = np.random.default_rng(SEED).permutation(len(found))[:count]
    return [Window(found[at].piece, found[at].clip, Clip((), 0)) for at in order.tolist()]


def steered(bench: Bench, windows: Sequence[Window], seed: int, names: Collection[str]) -> list[Clip]:
    """A clip for each window with the attributes `names` asked from it."""
    made = []
    for number, window in enumerate(tqdm(windows, f"asked for {', '.join(names)}", leave=False)):
        row = values([window.clip])[0]
        asked = {name: ",".join(f"{value:.4f}" for value in row[COLUMNS[name]]) for name in names}
        made.append(_made(bench, window, SEEDS * seed + number, asked))
    return made


def _made(bench: Bench, window: Window, seed: int, asked: Mapping[str, Value]) -> Clip:
    plain = {"model": bench.bundle.card.name, "seed": seed, "bars": BARS, "meter": "{}/{}".format(*window.clip.meter)}
    clip = bench.engine.run(Request("generate", (), plain | dict(asked))).candidates[0].clip
    return replace(clip, tempo=window.clip.tempo)


def ranks(values: Array) -> Array:
    """(N,) ranks; values alike share their mean rank."""
    _, number, count = np.unique(values, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(count) - (count - 1) / 2)[number.ravel()])


def spearman(asked: Array, reached: Array) -> float:
    """Rank correlation of two arrays of one shape, pooled over all of it; nan where one of them is constant."""
    a, b = ranks(asked.ravel()), ranks(reached.ravel())
    with np.errstate(invalid="ignore", divide="ignore"):
        return float(np.corrcoef(a, b)[0, 1])


def accuracy(asked: Array, reached: Array) -> dict[str, float]:
    """The figures of asked (N, 14) against reached (N, 14); clips without notes have reached nothing."""
    known = ~np.isnan(reached).any(1)
    a, b = asked[known], reached[known]
    off, apart = np.abs(b[:, 0] / a[:, 0] - 1), np.abs(b[:, 1] - a[:, 1])
    return {
        **{f"rank correlation, {name}": spearman(a[:, where], b[:, where]) for name, where in COLUMNS.items()},
        "density, within 10 %": float((off <= 0.1).sum() / len(known)),
        "density, median error": float(np.median(off)),
        "register, within a semitone": float((apart <= 1).sum() / len(known)),
        "register, mean error": float(apart.mean()),
        "pitch_classes, mean distance": float(np.abs(b[:, 2:] - a[:, 2:]).sum(1).mean()),
    }


def _spread(asked: Array, reached: Array, piece: NDArray[np.int64]) -> dict[str, Interval]:
    """`accuracy` with intervals over pieces (N,)."""
    random, numbers = np.random.default_rng(SEED), np.unique(piece)
    where = [np.flatnonzero(piece == number) for number in numbers]
    draws = (np.concatenate([where[k] for k in random.integers(len(where), size=len(where))]) for _ in range(DRAWS))
    spread = [accuracy(asked[drawn], reached[drawn]) for drawn in draws]
    plain, shares = accuracy(asked, reached), ("rank", "within")  # of which none is above 1
    most = {key: 1.0 if any(word in key for word in shares) else np.inf for key in plain}
    return {key: interval(value, [one[key] for one in spread], most[key]) for key, value in plain.items()}


def drift(asked: Array, free: Array, found: Array, name: str) -> dict[str, float]:
    """How far the means of the attributes other than `name` lie from those of free clips, in standard deviations of
    the windows; of the pitch classes the mean of all twelve distances."""
    moved = np.abs(np.nanmean(found, 0) - np.nanmean(free, 0)) / np.maximum(asked.std(0), 1e-9)
    return {other: float(moved[where].mean()) for other, where in COLUMNS.items() if other != name}


def limits(bench: Bench, windows: Sequence[Window]) -> dict[str, int]:
    """How many clips break each hard limit, where all of them are asked for at once."""
    broken = dict.fromkeys(("pitch_low", "pitch_high", "polyphony", "scale_strict", "shortest", "longest", "bars"), 0)
    for number, window in enumerate(tqdm(windows, "control: limits")):
        asked = _limits_of(window.clip, np.random.default_rng([SEED, number]), bench.bundle.events.voices == "one")
        for key, wrong in breaks(_made(bench, window, number, asked), asked).items():
            broken[key] += wrong
    return broken


def _limits_of(clip: Clip, random: np.random.Generator, one: bool) -> dict[str, Value]:
    """Limits near what a window has, so that they bind."""
    pitches = [note.pitch for note in clip.notes]
    return {
        "pitch_low": min(pitches),
        "pitch_high": max(min(pitches) + 12, max(pitches) - 2),
        "polyphony": 1 if one else int(random.integers(1, 5)),
        "scale_strict": True,
        "key": str(random.choice(KEYS)),
        "shortest": float(random.choice([0.25, 0.5])),
        "longest": float(random.choice([1, 2])),
    }


def breaks(clip: Clip, asked: Mapping[str, Value]) -> dict[str, bool]:
    """Whether a clip breaks each of the limits that were asked for; `bars`: that it has other than BARS, or notes
    beyond them."""
    pitches = np.array([note.pitch for note in clip.notes], np.int64)
    lengths = np.array([note.duration for note in clip.notes]) / TICKS
    return {
        "pitch_low": bool((pitches < int(asked["pitch_low"])).any()),
        "pitch_high": bool((pitches > int(asked["pitch_high"])).any()),
        "polyphony": most_at_once(clip) > int(asked["polyphony"]),
        "scale_strict": bool((~key_of(str(asked["key"])).tones[pitches % 12]).any()),
        "shortest": bool((lengths < float(asked["shortest"])).any()),
        "longest": bool((lengths > float(asked["longest"])).any()),
        "bars": clip.length != BARS * clip.bar or any(note.end > clip.length for note in clip.notes),
    }
