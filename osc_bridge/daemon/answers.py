"""The answers to one request: sent, remembered for a repeat, written to its file, and ended exactly once."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence

from continuo_daw.assistant.errors import AssistantError
from continuo_daw.assistant.music.clip import TICKS, Note
from continuo_daw.assistant.request import Candidate
from continuo_daw.osc_bridge.daemon.addresses import ACCEPTED, DONE, FAIL, NOTES, PROGRESS, RESULT
from continuo_daw.osc_bridge.daemon.arguments import Identity
from continuo_daw.osc_bridge.daemon.spool import ReplyFile, as_text
from continuo_daw.osc_bridge.wire.encode import Value, encode, note_parts, note_values

PROGRESS_SECONDS = 0.1
Order = tuple[int, ...] | None

log = logging.getLogger("continuo")


class Answers:
    """Takes what the engine makes, from its thread, and the end, from any thread; after the end it is silent.

    `order` names for note k of the given clip the client's index, where the answer keeps the client's order; which note
    of that clip a note of a candidate was, the candidate's own `order` says.
    `file` is what the answers are written to as well.
    """

    def __init__(self, identity: Identity, send: Callable[[bytes], None], size: int) -> None:
        self.identity = identity
        self.order: Order = None
        self.file: ReplyFile | None = None
        self.ended = 0.0  # when, in seconds of the monotonic clock
        self.datagrams: list[bytes] = []
        self.bytes = 0
        self._send = send
        self._size = size  # bytes a datagram at most
        self._lines: list[str] = []
        self._sent: dict[int, int] = {}  # notes of each candidate that are on their way
        self._next_progress = 0.0
        self._lock = threading.RLock()

    def say(self, address: str, *arguments: Value, notes: Sequence[Note] = ()) -> None:
        """Send `address id arguments... notes...`."""
        with self._lock:
            if self.ended:
                return
            datagram = encode(address, self.identity, *arguments, notes=notes)
            self.datagrams.append(datagram)
            self.bytes += len(datagram)
            if self.file:
                self._lines.append(as_text(address, (self.identity, *arguments, *note_values(notes))))
            self._send(datagram)

    def accept(self, task: str, model: str) -> None:
        """Begin with `/continuo/accepted`; files of an earlier request go. Raises `internal` where they cannot."""
        if self.file:
            self.file.clear()
        self.say(ACCEPTED, task, model)

    def notes(self, candidate: int, first: int, notes: Sequence[Note], total: int) -> None:
        """Notes `first`, `first` + 1 ... of a candidate are final."""
        with self._lock:
            self._sent[candidate] = max(self._sent.get(candidate, 0), first + len(notes))
            self._say_notes(candidate, first, notes, total, self.order)

    def candidate(self, index: int, candidate: Candidate) -> None:
        """A candidate is whole: the notes that were not sent yet, its file, and the result."""
        clip = candidate.clip
        with self._lock:
            sent = self._sent.get(index, 0)
            self._say_notes(index, sent, clip.notes[sent:], len(clip.notes), _through(candidate.order, self.order))
            if self.file and not self.ended:
                self.file.candidate(index, clip)
            measures = [value for pair in candidate.measures.items() for value in pair]
            self.say(RESULT, index, len(clip.notes), candidate.at / TICKS, clip.length / TICKS, *measures)

    def progress(self, fraction: float) -> None:
        """How much is done, 0 to 1; at most ten a second go out, and none is remembered."""
        now = time.monotonic()
        with self._lock:
            if self.ended or now < self._next_progress:
                return
            self._next_progress = now + PROGRESS_SECONDS
            arguments = self.identity, min(1.0, max(0.0, float(fraction)))
            if self.file:
                self.file.progress(as_text(PROGRESS, arguments))
            self._send(encode(PROGRESS, *arguments))

    def done(self, *arguments: Value) -> bool:
        """End with `/continuo/done id arguments...`; False where it had ended."""
        return self._end(DONE, *arguments)

    def fail(self, error: AssistantError) -> bool:
        """End with `/continuo/fail id code text`; False where it had ended."""
        return self._end(FAIL, error.code, error.text)

    def _end(self, address: str, *arguments: Value) -> bool:
        with self._lock:
            if self.ended:
                return False
            if self.file:  # before the message, so that who hears the end finds the files
                try:
                    self.file.finish([*self._lines, as_text(address, (self.identity, *arguments))])
                except Exception:  # whatever becomes of the files, the end is said
                    log.exception("the reply file of %.80r failed", self.identity)
            self.say(address, *arguments)
            self.ended = time.monotonic()
            self._lines.clear()
        return True

    def _say_notes(self, candidate: int, first: int, notes: Sequence[Note], total: int, order: Order) -> None:
        for start, run in _runs(first, notes, order):
            for arguments, part in note_parts(NOTES, (self.identity, candidate), start, total, run, self._size):
                self.say(NOTES, *arguments[1:], notes=part)


def _through(own: Order, given: Order) -> Order:
    """The client's index of each note of a candidate, from its own order and that of the given clip."""
    if own is None or given is None:
        return given if own is None else own
    return tuple(given[index] for index in own)


def _runs(first: int, notes: Sequence[Note], order: Order) -> Iterator[tuple[int, Sequence[Note]]]:
    """The notes in runs of neighbouring indices of the client: one, where both orders agree."""
    if order is None:
        yield first, notes
        return
    placed = sorted(zip(order[first : first + len(notes)], notes, strict=True), key=lambda pair: pair[0])
    start = 0
    for end in range(1, len(placed) + 1):
        if end == len(placed) or placed[end][0] != placed[end - 1][0] + 1:
            yield placed[start][0], [note for _, note in placed[start:end]]
            start = end
