"""Draws training windows of the score network, balanced by set and style."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from continuo_daw.assistant.codecs.score.window import Window
from continuo_daw.training.families.score.songs import Piece
from continuo_daw.training.families.score.windows import draw

MOST_ROWS = 24  # of a batch
LONG = 0.25  # share of windows that may be twice as long


class Sampler:
    """Draws windows balanced by set and style; a batch is drawn from (seed, number) alone.

    room: written notes of a batch at most, rows times the longest; most: notes of most windows
    """

    POOL = 192  # windows that are drawn together and sorted by length

    def __init__(self, pieces: Sequence[Piece], weights: dict[str, float], room: int, most: int, seed: int) -> None:
        self.pieces = [piece for piece in pieces if piece.split == "train" and weights.get(piece.source)]
        self.room, self.most, self.seed = room, most, seed
        sizes = np.array([len(piece.notes) for piece in self.pieces], np.float64)
        groups: dict[tuple[str, int], list[int]] = {}
        for number, piece in enumerate(self.pieces):
            groups.setdefault((piece.source, piece.style), []).append(number)
        share = np.zeros(len(self.pieces))
        for source in {source for source, _ in groups}:
            own = {key: members for key, members in groups.items() if key[0] == source}
            root = {key: sizes[members].sum() ** 0.5 for key, members in own.items()}
            for key, members in own.items():
                each = np.minimum(sizes[members], 4000) ** 0.6  # long pieces have more to tell, but not in proportion
                share[members] = weights[source] * root[key] / sum(root.values()) * each / each.sum()
        self.reach = np.cumsum(share)
        self.known: tuple[int, list[list[Window]]] = (-1, [])

    def pool(self, number: int) -> list[list[Window]]:
        """The batches of one pool."""
        if self.known[0] != number:
            rng = np.random.default_rng([self.seed, number])
            found: list[Window] = []
            while len(found) < self.POOL:
                at = int(np.searchsorted(self.reach, rng.random() * self.reach[-1], "right"))
                # some windows are twice as long, so that what returns late is learnt as well
                window = draw(self.pieces[at], self.most * (2 if rng.random() < LONG else 1), rng)
                found += [window] if window else []
            batches = _batches(found, self.room)
            self.known = number, [batches[i] for i in rng.permutation(len(batches))]
        return self.known[1]


def _batches(windows: Sequence[Window], room: int) -> list[list[Window]]:
    """Windows of like length together, those with given notes apart; three given notes take the room of one."""
    batches: list[list[Window]] = []
    longest, given = 0, 0
    for window in sorted(windows, key=lambda w: (len(w.given) > 0, len(w.notes)), reverse=True):
        last = batches[-1] if batches else []
        given = max(given, len(window.given))
        fits = last and bool(last[0].given.size) == bool(window.given.size)
        if fits and len(last) < MOST_ROWS and (len(last) + 1) * (longest + given // 3) <= room:
            last.append(window)
        else:
            batches.append([window])
            longest, given = len(window.notes), len(window.given)
    return batches
