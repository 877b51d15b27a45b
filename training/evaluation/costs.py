"""Scores: what the events of held-out pieces cost, under a graph and under the baselines of its table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from continuo_daw.assistant.bundles.runtime import Arrays, Graph
from continuo_daw.assistant.codecs.condition import condition
from continuo_daw.assistant.codecs.events import KINDS, EventCodec
from continuo_daw.assistant.sampling.inputs import CHOOSE, sampling_inputs
from continuo_daw.training.corpus.shards import IGNORED, Stream

MODES = ("blind", "free", "conditioned")  # nothing known; the place in the bar; the condition as well
Segment = tuple[NDArray[np.int64], ...]


@dataclass(frozen=True)
class Score:
    """The sum of nats, over a number of events and of notes."""

    nats: float
    events: int
    notes: int

    @property
    def per_event(self) -> float:
        return self.nats / max(self.events, 1)

    @property
    def per_note(self) -> float:
        return self.nats / max(self.notes, 1)

    def row(self) -> dict[str, float]:
        """The two figures, as a card holds them."""
        return {"nats_per_event": round(self.per_event, 4), "nats_per_note": round(self.per_note, 4)}


def score_of(nats: NDArray[np.float64], codec: EventCodec, targets: NDArray[np.int64]) -> Score:
    """The score of events with these targets, alike in order and number."""
    return Score(float(nats.sum()), len(nats), int((codec.kinds[targets] == KINDS.index("DURATION")).sum()))


def graph_inputs(codec: EventCodec, layers: int, cells: int, some: Sequence[Segment], mode: str) -> Arrays:
    """Inputs that lead a graph through segments, row by row; rows shorter than the longest run on freely."""
    rows, longest = len(some), max(len(tokens) for tokens, *_ in some)
    forced = np.full((longest - 1, rows), CHOOSE, np.int64)
    clock, bar = np.zeros(rows, np.float32), np.zeros(rows, np.float32)
    for row, (tokens, _, position, meter, _) in enumerate(some):
        forced[: len(tokens) - 1, row] = tokens[1:]
        bar[row] = ((meter[-1] - 1) // 2 + 1) * codec.resolution / 2
        elapsed = codec.grammar.add[tokens, 2].cumsum()
        first = int(np.argmax(codec.kinds[tokens] == KINDS.index("PITCH")))
        clock[row] = (position[first] - elapsed[first]) % bar[row]
    blind = mode == "blind"
    return sampling_inputs(
        layers,
        cells,
        codec.size,
        rows,
        longest - 1,
        token=np.array([tokens[0] for tokens, *_ in some]),
        forced=forced,
        state=np.stack([np.zeros(rows), np.zeros(rows), clock], 1).astype(np.float32),
        bar=np.zeros(rows, np.float32) if blind else bar,
        meter=np.array([0 if blind else meter[-1] for _, _, _, meter, _ in some]),
        condition=np.stack([given if mode == "conditioned" else condition() for *_, given in some]),
    )


def graph_score(
    graph: Graph,
    codec: EventCodec,
    layers: int,
    cells: int,
    found: Sequence[Segment],
    mode: str,
    batch: int = 16,
    progress: bool = False,
) -> Score:
    """What the targets of segments cost under a graph, in one of `MODES`; illegal tokens have no probability."""
    ordered = sorted(found, key=lambda cut: len(cut[0]))
    total = Score(0.0, 0, 0)
    for at in tqdm(range(0, len(ordered), batch), mode, unit="batch", disable=not progress):
        some = [_closed(cut) for cut in ordered[at : at + batch]]
        outputs = graph.run(graph_inputs(codec, layers, cells, some, mode))
        for row, (tokens, targets, *_) in enumerate(some):
            wanted = np.flatnonzero(targets[:-1] != IGNORED)
            nats = -np.log(np.maximum(outputs["probability"][wanted, row].astype(np.float64), 1e-30))
            part = score_of(nats, codec, tokens[1:][wanted])
            total = Score(total.nats + part.nats, total.events + part.events, total.notes + part.notes)
    return total


def _closed(cut: Segment) -> Segment:
    """A segment with its last target as its last token."""
    tokens, targets, position, meter, given = cut
    if targets[-1] == IGNORED:
        return cut
    return (
        np.append(tokens, targets[-1]),
        np.append(targets, IGNORED),
        np.append(position, position[-1]),
        np.append(meter, meter[-1]),
        given,
    )


def parts_of(codec: EventCodec, streams: Sequence[Stream]) -> tuple[list[NDArray[np.int64]], NDArray[np.int64]]:
    """The token streams, and all their events but START in one array."""
    tokens = [stream.tokens for stream in streams]
    return tokens, np.concatenate([piece[1:] for piece in tokens])
