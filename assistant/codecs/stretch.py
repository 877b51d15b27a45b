"""Stretches: a sequence from its start, or from the middle behind RESUME; networks learn and are prompted alike."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from continuo_daw.assistant.codecs.events import KINDS, RESUME, EventCodec

Tokens = NDArray[np.int64]


@dataclass(frozen=True)
class Stretch:
    """`tokens` (N,); `source` (N,) the index of each in the whole sequence. A token that was not there, RESUME or a
    velocity that is said again, has the index of the token after which it stands."""

    tokens: Tokens
    source: Tokens
    added: NDArray[np.bool_]  # (N,) not in the whole sequence


def starts_of(codec: EventCodec, tokens: Tokens) -> Tokens:
    """Where a stretch may begin: at START, and at the first TIME token of each onset."""
    time = codec.kinds[tokens] == KINDS.index("TIME")
    first = time[1:] & ~time[:-1]
    first[:1] = False  # behind START the piece has only begun
    return np.flatnonzero(np.concatenate([[True], first]))


def stretch_of(codec: EventCodec, tokens: Tokens, start: int, end: int) -> Stretch:
    """Tokens `start` to `end` of a sequence; `start` is one of `starts_of`."""
    source = np.arange(start, min(end, len(tokens)))
    added = np.zeros(len(source), bool)
    if start == 0:
        return Stretch(tokens[source], source, added)
    kinds = codec.kinds[tokens]
    pitched = np.flatnonzero(kinds[source] == KINDS.index("PITCH"))
    said = np.flatnonzero(kinds[:start] == KINDS.index("VELOCITY"))
    inserts = [0]
    values, origins = [RESUME], [start - 1]
    if len(pitched) and len(said):
        first = int(pitched[0])
        if first + 1 < len(source) and kinds[source[first + 1]] != KINDS.index("VELOCITY"):
            inserts.append(first + 1)
            values.append(int(tokens[said[-1]]))
            origins.append(int(source[first]))
    return Stretch(
        np.insert(tokens[source], inserts, values),
        np.insert(source, inserts, origins),
        np.insert(added, inserts, True),
    )
