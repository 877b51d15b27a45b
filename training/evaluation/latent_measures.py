"""Measures of a latent space at work: ways between clips, attribute moves, copied runs of notes.

What is measured are clips as a task gives them; how they were made makes no difference here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from continuo_daw.assistant.bundles.bundle import Bundle
from continuo_daw.assistant.bundles.families import MODEL
from continuo_daw.assistant.bundles.runtime import Graph
from continuo_daw.assistant.codecs.condition import MOST_DENSE, condition
from continuo_daw.assistant.errors import AssistantError
from continuo_daw.assistant.latent.distance import SLOT, distances
from continuo_daw.assistant.music.attributes import NAMES, attributes
from continuo_daw.assistant.music.clip import TICKS, Clip
from continuo_daw.training.corpus.pieces import Piece
from continuo_daw.training.corpus.shards import IGNORED, encode
from continuo_daw.training.evaluation.costs import Segment, graph_score

GRAM = 12  # steps from note to note; each is an interval and the sixteenths until the next onset
BATCH = 64  # clips that a judge hears at once
EVEN = 80  # velocity
EQUAL = 1e-9  # distances nearer to each other than this are the same

Array = NDArray[np.float64]
Figures = dict[str, float]


@dataclass(frozen=True)
class Phrase:
    """Some bars of a piece, and the number of that piece."""

    piece: int
    clip: Clip


def phrases_in(pieces: Sequence[Piece], split: str, bars: int, least: int = 1, most: int = 24) -> list[Phrase]:
    """The phrases of `bars` bars in a split that share no bar, with at least `least` notes, notes in at least
    half of their bars and no more than `most` in any. No note sounds over the end of its phrase."""
    found = []
    for number, piece in enumerate(pieces):
        for section in piece.sections if piece.split == split else ():
            whole = bars * section.bar
            for start in range(0, section.bars * section.bar - whole + 1, whole):
                clip = section.window(start, start + whole)
                full = Counter(note.start // clip.bar for note in clip.notes)
                if len(clip.notes) >= least and 2 * len(full) >= bars and max(full.values(), default=0) <= most:
                    notes = (replace(note, duration=min(note.duration, whole - note.start)) for note in clip.notes)
                    found.append(Phrase(number, replace(clip, notes=tuple(notes))))
    return found


def drawn(phrases: Sequence[Phrase], count: int, seed: int) -> list[Clip]:
    """At most `count` clips, each once, in an order drawn from the seed."""
    order = np.random.default_rng(seed).permutation(len(phrases))[:count]
    return [phrases[index].clip for index in order]


def pairs(phrases: Sequence[Phrase], count: int, seed: int) -> list[tuple[Clip, Clip]]:
    """`count` pairs of phrases in one meter from different pieces, drawn from the seed; fewer where there are hardly
    any such pairs."""
    random, found = np.random.default_rng(seed), dict[tuple[int, int], None]()
    for first, last in random.integers(0, max(len(phrases), 1), (100 * count if phrases else 0, 2)).tolist():
        a, b = phrases[first], phrases[last]
        if a.piece != b.piece and a.clip.meter == b.clip.meter:
            found[first, last] = None
        if len(found) == count:
            break
    return [(phrases[first].clip, phrases[last].clip) for first, last in found]


def roll(clip: Clip, slots: int) -> NDArray[np.bool_]:
    """(slots, 256) which pitches sound in each sixteenth, in columns 0 to 127, and which start there."""
    cells = np.zeros((slots, 256), bool)
    for note in clip.notes:
        if not note.muted:
            first = round(note.start / SLOT)
            cells[first : max(first + 1, round(note.end / SLOT)), note.pitch] = True
            cells[first : first + 1, 128 + note.pitch] = True
    return cells


def slot_distances(clips: Sequence[Clip], other: Clip) -> Array:
    """(N,) share of sixteenths in which each clip has other sounding or starting pitches than `other`: the plain
    Hamming distance, in which long silences and held notes count as much as runs."""
    slots = max([1, *(-(-clip.length // SLOT) for clip in (*clips, other))])
    fixed = roll(other, slots)
    return np.array([(roll(clip, slots) != fixed).any(1).mean() for clip in clips])


DISTANCES: Mapping[str, Callable[[Sequence[Clip], Clip], Array]] = {"similarity": distances, "slots": slot_distances}


def monotone(from_first: Array, to_last: Array) -> NDArray[np.bool_]:
    """(N - 1,) whether each step of a way of N clips comes no nearer to the first and gets no farther from the last;
    both (N,) distances."""
    return np.asarray((np.diff(from_first) >= -EQUAL) & (np.diff(to_last) <= EQUAL))


def way_figures(ways: Sequence[Sequence[Clip]]) -> Figures:
    """Of ways, each from its first clip to its last: the share of monotone steps by each distance, of steps that stand
    still (the same notes on the grid again), of empty clips, and of notes outside the pitch classes of both ends."""
    inner = [clip for way in ways for clip in way[1:-1]]
    steps = [
        {
            "monotone, " + name: monotone(distance(way, way[0]), distance(way, way[-1]))
            for name, distance in DISTANCES.items()
        }
        | {"still": np.array([slot_distances([b], a)[0] == 0 for a, b in pairwise(way)])}
        for way in ways
    ]
    figures = {name: float(np.concatenate([found[name] for found in steps]).mean()) for name in steps[0]}
    foreign = np.concatenate([_foreign(way) for way in ways])
    return figures | {
        "empty": float(np.mean([not clip.notes for clip in inner])) if inner else 0.0,
        "foreign": float(foreign.mean()) if len(foreign) else 0.0,
        "ways": len(ways),
    }


def _foreign(way: Sequence[Clip]) -> NDArray[np.bool_]:
    """For each note between the ends whether neither end has its pitch class."""
    classes = [note.pitch % 12 for end in (way[0], way[-1]) for note in end.notes]
    return ~np.isin([note.pitch % 12 for clip in way[1:-1] for note in clip.notes], classes)


@dataclass(frozen=True)
class Judge:
    """A Char-RNN that says how likely clips are."""

    bundle: Bundle
    graph: Graph

    def cost(self, clips: Sequence[Clip], even: bool = False) -> float:
        """Nats a note of all clips together, each alone from START to END, with its place in the bar known and no
        condition; `even`: with all notes equally loud. Clips without notes do not count.

        Scores are marked in a few levels; a clip between two loudnesses has neither, and that alone costs a lot.
        """
        codec, sizes = self.bundle.events, self.bundle.card.sizes
        found = [self._segment(_evenly_loud(clip) if even else clip) for clip in clips if clip.notes]
        layers, cells = int(sizes["layers"]), int(sizes["hidden"])
        return graph_score(self.graph, codec, layers, cells, found, "free", BATCH).per_note

    def _segment(self, clip: Clip) -> Segment:
        stream = encode(self.bundle.events, [clip])
        targets = np.append(stream.tokens[1:], np.int64(IGNORED))
        return stream.tokens, targets, stream.position, stream.meter, condition()


def _evenly_loud(clip: Clip) -> Clip:
    return replace(clip, notes=tuple(replace(note, velocity=EVEN) for note in clip.notes))


def judge_of(bundle: Bundle, device: str = "cpu", threads: int = 1) -> Judge:
    """A judge from a bundle. Raises AssistantError `bad_args` where it is no Char-RNN."""
    if not bundle.family.samples:
        raise AssistantError("bad_args", f"--judge {bundle.card.name}: it is not a Char-RNN, so it cannot judge clips")
    return Judge(bundle, Graph(bundle.files[MODEL], str(bundle.folder), device, threads))


@dataclass(frozen=True)
class Move:
    """What became of a clip: number of the attribute that should move, by how much, and (A,) how much each moved; all
    in standard deviations; nan where no notes are left."""

    which: int
    asked: float
    change: Array


def wished(clip: Clip, which: int, sign: int, unit: Array) -> float:
    """A change of an attribute that a clip can make, in standard deviations: one with the sign given, else with the
    other, else 0. The share of syncopated notes is asked to change by one note at least: less there is not."""
    now = attributes(clip)[NAMES[which]]
    least = {"syncopation": 1 / len(clip.notes)}.get(NAMES[which], 0.0)
    low, high = {
        "density": (TICKS / clip.length, MOST_DENSE),
        "pitch": (0.0, 127.0),
        "velocity": (1.0, 127.0),
    }.get(NAMES[which], (0.0, 1.0))
    step = max(1.0, least / float(unit[which]))
    fits = (s * step for s in (sign, -sign) if low - EQUAL <= now + s * step * unit[which] <= high + EQUAL)
    return float(next(fits, 0.0))


def change_of(before: Clip, after: Clip, unit: Array) -> Array:
    """(A,) by how much each attribute rises, in standard deviations; nan where a clip has no notes."""
    known = [attributes(clip) for clip in (before, after)]
    a, b = (np.array([values.get(name, np.nan) for name in NAMES]) for values in known)
    return np.asarray((b - a) / unit + (0 if all(len(values) == len(NAMES) for values in known) else np.nan))


def move_figures(moves: Sequence[Move]) -> dict[str, Figures]:
    """For each attribute, and under `all` the mean of these: `reached`, mean share of what was asked; `clipped`, the
    same with each share held within 0 and 1; `drift`, mean absolute change of the others in standard deviations;
    `within`, share of clips that reached 80 % or more with a drift of at most 15 %; `silent`, share of clips that lost
    all their notes, which have reached nothing and whose drift counts in no mean; `clips`.
    """
    figures = {}
    for which, name in enumerate(NAMES):
        some = [move for move in moves if move.which == which]
        if some:
            share = np.nan_to_num(np.array([move.change[which] / move.asked for move in some]))
            drift = np.array([np.abs(np.delete(move.change, which)).mean() for move in some])
            figures[name] = {
                "reached": float(share.mean()),
                "clipped": float(share.clip(0, 1).mean()),
                "drift": float(drift[np.isfinite(drift)].mean()) if np.isfinite(drift).any() else 0.0,
                "within": float(((share >= 0.8) & (drift <= 0.15)).mean()),
                "silent": float(np.isnan(drift).mean()),
                "clips": len(some),
            }
    keys = [key for key in next(iter(figures.values()), {}) if key != "clips"]
    whole = {key: float(np.mean([row[key] for row in figures.values()])) for key in keys}
    return figures | {"all": whole | {"clips": len(moves)}}


def slopes(codes: Array, values: Array) -> Array:
    """(A,) by how much code number k rises with attribute k, by least squares; codes (N, Z), values (N, A)."""
    codes = codes[:, : values.shape[1]] - codes[:, : values.shape[1]].mean(0)
    values = values - values.mean(0)
    return np.asarray((codes * values).sum(0) / np.maximum((values**2).sum(0), 1e-12))


def grams(clip: Clip, size: int = GRAM) -> list[bytes]:
    """Every run of `size` steps in the top line of a clip, whatever its key: each step an interval in semitones and
    the sixteenths to the next onset."""
    line = {note.start: note.pitch for note in clip.notes if not note.muted}  # of one onset the highest is the last
    onset, pitch = np.array(list(line)), np.array(list(line.values()))
    gaps = np.minimum(np.rint(np.diff(onset) / SLOT), 2**15 - 1)
    steps = np.stack([np.diff(pitch), gaps], axis=1).astype(np.int16)
    return [steps[at : at + size].tobytes() for at in range(len(steps) - size + 1)]


def copied_share(clips: Sequence[Clip], known: Collection[bytes]) -> tuple[float, int]:
    """Share of the clips' grams that are known, and how many grams they have."""
    found = [gram in known for clip in clips for gram in grams(clip)]
    return float(np.mean(found)) if found else 0.0, len(found)


def grams_of(pieces: Sequence[Piece], split: str) -> frozenset[bytes]:
    """All grams of the pieces of a split."""
    sections = (section for piece in pieces if piece.split == split for section in piece.sections)
    return frozenset(gram for section in sections for gram in grams(section))
