"""NoteCodec: a clip as windows of notes, for networks that say something about each note that is there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class NoteCodec:
    """`window` notes are looked at together; what a network says of the `margin` notes at an edge is taken from the
    next window. `drums`: whether drum notes are known. Raises ValueError where windows would not meet.
    """

    window: int = 192
    margin: int = 16
    drums: bool = False

    def __post_init__(self) -> None:
        if not 1 <= self.window <= 4096 or not 0 <= self.margin < self.window / 2:
            raise ValueError(f"windows of {self.window} notes cannot have margins of {self.margin}")

    def rows(self, count: int) -> NDArray[np.int64]:
        """(B, 2) first note and end of the windows over `count` notes, all of one size; one where they fit into it."""
        if count <= self.window:
            return np.array([[0, count]])
        step = self.window - 2 * self.margin
        first = np.minimum(np.arange(0, count - 2 * self.margin, step), count - self.window)
        return np.stack([first, first + self.window], 1)

    def places(self, count: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Row and column (count,) in which each of `count` notes is furthest from the edges of its window."""
        rows, note = self.rows(count), np.arange(count)
        inside = np.minimum(note - rows[:, :1], rows[:, 1:] - 1 - note)
        # the edges of the clip are no edges
        inside = np.where((rows[:, :1] == 0) & (note < self.margin), count, inside)
        inside = np.where((rows[:, 1:] == count) & (note >= count - self.margin), count, inside)
        row = inside.argmax(0)
        return row, note - rows[row, 0]
