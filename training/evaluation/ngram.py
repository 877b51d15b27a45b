"""The n-gram baseline: interpolated counts over the same events, with the same transpositions as the network."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from continuo_daw.assistant.codecs.events import KINDS, EventCodec

Tokens = NDArray[np.int64]
TRIES = 200  # draws of an event that may stand, before any such event is taken


def transposed(codec: EventCodec, pieces: Sequence[Tokens], reach: int) -> list[Tokens]:
    """Every piece moved by -reach to reach - 1 semitones, where all its pitches stay pitches."""
    pitch = codec.kinds == KINDS.index("PITCH")
    found = []
    for piece in pieces:
        at = pitch[piece]
        values = codec.values[piece[at]]
        for semitones in range(-reach, reach) if reach else (0,):
            if not len(values) or (values.min() + semitones >= 0 and values.max() + semitones <= 127):
                found.append(np.where(at, piece + semitones, piece))
    return found


def cross_entropy(
    train: Sequence[Tokens],
    test: Sequence[Tokens],
    vocabulary: int,
    order: int,
    discount: float | NDArray[np.float64] = 0.7,
    lead: int = 1,
    base: NDArray[np.float64] | None = None,
) -> NDArray[np.float64]:
    """Nats of each event of `test` but the first `lead` of each piece, under an interpolated n-gram of `train`.

    Absolute discounting (Ney, Essen, Kneser 1994): each order takes `discount` from every count and gives it to the
    order below; below the single events stands the uniform distribution, or the chances `base` of the counted
    events of `test`. `order` 0 is that one alone. Several
    discounts (D, 1) at once give (D, events).
    """
    pieces = [*train, *test]
    edge = np.full(max(order - 1, 0), vocabulary)  # contexts do not reach into the piece before
    tokens = np.concatenate([part for piece in pieces for part in (edge, piece)])
    skipped = np.concatenate([np.arange(len(edge) + len(piece)) < len(edge) + lead for piece in pieces])
    first = sum(len(edge) + len(piece) for piece in train)
    learned = np.flatnonzero(~skipped[:first])
    targets = np.flatnonzero(~skipped[first:]) + first
    chance = np.full(len(targets), 1 / vocabulary) if base is None else base
    context = np.zeros(len(tokens), np.int64)  # what precedes each token, as a number
    for length in range(order):
        gram = _numbers(context * (vocabulary + 1) + tokens)
        chance = _interpolated(chance, context, gram, learned, targets, discount)
        earlier = np.r_[np.full(length + 1, vocabulary), tokens[: -(length + 1)]]
        context = _numbers(context * (vocabulary + 1) + earlier) if length + 1 < order else context
    nats: NDArray[np.float64] = -np.log(chance)
    return nats


def _interpolated(
    lower: NDArray[np.float64],
    context: Tokens,
    gram: Tokens,
    learned: Tokens,
    targets: Tokens,
    discount: float | NDArray[np.float64],
) -> NDArray[np.float64]:
    counts = np.bincount(gram[learned], minlength=int(gram.max()) + 1)
    totals = np.bincount(context[learned], minlength=int(context.max()) + 1)
    _, where = np.unique(gram[learned], return_index=True)
    kinds = np.bincount(context[learned][where], minlength=len(totals))  # different events behind each context
    count, total, kind = counts[gram[targets]], totals[context[targets]], kinds[context[targets]]
    known = np.maximum(total, 1)
    mixed = np.maximum(count - discount, 0) / known + discount * kind / known * lower
    return np.where(total > 0, mixed, lower)


def _numbers(keys: Tokens) -> Tokens:
    """The same small number for the same key."""
    return np.unique(keys, return_inverse=True)[1].astype(np.int64)


class Sampler:
    """Draws events one by one from the n-gram that `cross_entropy` measures.

    For each order the runs of train are kept as sorted numbers, so that those behind one context lie together. One of
    them is drawn; with the chance that the discount takes from it the order below decides instead, and at last all
    events alike.
    """

    def __init__(self, train: Sequence[Tokens], vocabulary: int, order: int, discount: float) -> None:
        """Raises ValueError where runs are too many for 64 bits."""
        if (vocabulary + 1) ** order >= 2**63:
            raise ValueError(f"{order}-grams of {vocabulary} events do not fit 64 bits")
        self.order, self.discount = order, discount
        self._base, self._events = vocabulary + 1, vocabulary
        edge = np.full(order - 1, vocabulary)
        tokens = np.concatenate([part for piece in train for part in (edge, piece)])
        target = np.concatenate([np.arange(len(edge) + len(p)) > len(edge) for p in train])  # not a piece's opening
        runs, self._runs = tokens.astype(np.int64), []
        for length in range(1, order + 1):
            self._runs.append(np.sort(runs[target]))
            earlier = np.r_[np.full(length, vocabulary), tokens[:-length]]
            runs = runs + earlier * self._base**length

    def draw(self, before: Sequence[int], legal: NDArray[np.bool_], random: np.random.Generator) -> int:
        """The event behind those `before`, one of the `legal` (V,): as if illegal ones were drawn again."""
        for _ in range(TRIES):
            event = self._draw(before, random)
            if legal[event]:
                return event
        return int(random.choice(np.flatnonzero(legal)))

    def _draw(self, before: Sequence[int], random: np.random.Generator) -> int:
        padded = [self._events] * self.order + [int(event) for event in before]
        for length in range(self.order - 1, -1, -1):
            context = 0
            for event in padded[len(padded) - length :]:
                context = context * self._base + event
            runs = self._runs[length]
            low, high = np.searchsorted(runs, (context * self._base, (context + 1) * self._base))
            if low == high:
                continue
            run = runs[random.integers(low, high)]
            count = np.searchsorted(runs, run, "right") - np.searchsorted(runs, run, "left")
            if random.random() * count >= self.discount:
                return int(run % self._base)
        return int(random.integers(self._events))
