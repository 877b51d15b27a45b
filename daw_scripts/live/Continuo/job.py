"""One press of a button: what was sent for it, and what has come back of the answers, in any order and repeated."""

from __future__ import annotations

import time


class Job:
    """A question to the daemon, or a request for music. Only a request has an `identity`."""

    def __init__(self, label: str, task: str) -> None:
        self.label = label
        self.task = task
        self.identity = ""
        self.names = []  # under which its clips were given: errors in them come back under these
        self.given = []
        self.place = None  # where new clips go
        self.datagrams = []  # all that was sent; the request is the last
        self.accepted = False
        self.started = False  # whether the daemon was started for it
        self.losses = 0  # times that the daemon missed a part of its clips
        self.percent = -1
        self.heard = self.asked = time.monotonic()
        self._notes = {}  # by candidate, then by index
        self._results = {}  # number of notes, place and length in beats, and pairs, by candidate

    def owns(self, identity: object) -> bool:
        """True where an answer with this id belongs to the request; then it was heard of now."""
        mine = self.identity != "" and identity in (self.identity, *self.names)
        if mine:
            self.heard = time.monotonic()
        return mine

    def take_notes(self, candidate: int, first: int, values: tuple) -> None:
        notes = self._notes.setdefault(candidate, {})
        for k in range(0, len(values), 5):
            notes[first + k // 5] = values[k : k + 5]

    def take_result(self, candidate: int, total: int, at: float, length: float, pairs: tuple) -> None:
        self._results[candidate] = (total, at, length, {pairs[k]: pairs[k + 1] for k in range(0, len(pairs) - 1, 2)})

    def is_whole(self, candidates: int) -> bool:
        """True where no candidate and no note is missing."""
        found = [len(self._notes.get(index, {})) == total for index, (total, *_) in self._results.items()]
        return len(found) == candidates and all(found)

    def clips(self) -> list:
        """Length and notes of each candidate."""
        return [(length, self._in_order(index)) for index, (_, _, length, _) in sorted(self._results.items())]

    def first(self) -> tuple:
        """Where the first candidate starts, in beats from the start of the given clip, its notes, and its pairs."""
        _, at, _, said = self._results.get(0, (0, 0.0, 0.0, {}))
        return at, self._in_order(0), said

    def whereto(self) -> str:
        """What is done with the answer: in_place, over, beside, behind or free.

        One that replaces notes does so where it is the only one and ends inside the clip; else it is a new clip.
        """
        said = self.first()[2]
        place = said.get("place", "free")
        inside = len(self._results) == 1 and self.given and said.get("to", 0.0) <= self.given[0].length
        return "free" if place == "over" and not inside else place

    def _in_order(self, candidate: int) -> list:
        return [note for _, note in sorted(self._notes.get(candidate, {}).items())]
