"""BLEU of clips against all pieces of the train split (Papineni et al., *BLEU: a method for automatic evaluation of
machine translation*, ACL 2002).

It is no aim: on folk tunes a first-order Markov chain has a higher BLEU-3 than tunes that people wrote, and copies have
1. It says something only beside the figures of people and of simple samplers, and as the gap to that of people.

A word is a note, its pitch and its length in sixteenths, in order of onset and then pitch. Matches are clipped to the
most that one piece has, and summed over all clips before the precisions are taken (corpus BLEU), so that no clip needs
smoothing. The references are whole pieces of all lengths, so there is no penalty for brevity.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from continuo_daw.assistant.latent.distance import SLOT
from continuo_daw.assistant.music.clip import Clip

ORDER = 4
LONGEST = 64  # sixteenths
Gram = tuple[int, ...]


def words(clip: Clip) -> list[int]:
    """The notes that are not muted as numbers."""
    lengths = ((note.pitch, round(note.duration / SLOT)) for note in clip.notes if not note.muted)
    return [pitch * (LONGEST + 1) + min(max(length, 1), LONGEST) for pitch, length in lengths]


def grams(sequence: list[int], size: int) -> Counter[Gram]:
    """How often each run of `size` words stands in a sequence."""
    return Counter(zip(*(sequence[at:] for at in range(size)), strict=False))


def references(pieces: Iterable[Iterable[Clip]]) -> dict[Gram, int]:
    """For each run of up to `ORDER` words the most times that one piece has it; a piece is given as its sections."""
    most: dict[Gram, int] = {}
    for sections in pieces:
        parts = [words(section) for section in sections]
        for size in range(1, ORDER + 1):
            for gram, count in sum((grams(part, size) for part in parts), Counter[Gram]()).items():
                most[gram] = max(most.get(gram, 0), count)
    return most


def matches(clip: Clip, known: Mapping[Gram, int]) -> NDArray[np.float64]:
    """(ORDER, 2) of the runs of 1 to `ORDER` words: how many are in the references, and how many there are."""
    sequence = words(clip)
    found = [grams(sequence, size) for size in range(1, ORDER + 1)]
    return np.array([[sum(min(n, known.get(gram, 0)) for gram, n in c.items()), c.total()] for c in found], float)


def bleu(counted: NDArray[np.float64]) -> float:
    """BLEU of the sum (ORDER, 2) of the `matches` of clips; 0 where one of the sizes has no match, nan without runs."""
    if not counted[:, 1].all():
        return float("nan")
    precision = counted[:, 0] / counted[:, 1]
    return float(np.exp(np.log(precision).mean())) if precision.all() else 0.0
