"""The answers to one request: said to every sink in one order, and ended exactly once."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial

from continuo_daw.assistant.errors import AssistantError
from continuo_daw.assistant.music.clip import TICKS, Note
from continuo_daw.assistant.request import Candidate
from continuo_daw.osc_bridge.daemon.addresses import ACCEPTED, DATA, DONE, FAIL, NOTES, PROGRESS, RESULT
from continuo_daw.osc_bridge.daemon.arguments import Identity
from continuo_daw.osc_bridge.daemon.event import Event, Sink
from continuo_daw.osc_bridge.wire.encode import Value, note_parts, value_parts

PROGRESS_SECONDS = 0.1
Order = tuple[int, ...] | None
Say = Callable[[], None]
Last = Callable[[Event, Say], None]

log = logging.getLogger("continuo")


def at_once(call: Say) -> None:
    """How answers are handed to sinks of which none is slow."""
    call()


def just_say(event: Event, say: Say) -> None:
    """The last word to a request that nobody counts."""
    say()


class Answers:
    """Takes what the engine makes, from its thread, and the end, from any thread; after the end it is silent.

    `order` names for note k of the given clip the client's index, where the answer keeps the client's order; which note
    of that clip a note of a candidate was, the candidate's own `order` says.
    `sinks`: where answers go, the slow ones first, so that who hears the end finds the files. `hand_over` calls what it
    is given in turn, in a thread that may wait where a sink is slow. `fault` hears of a sink that cannot go on.
    """

    def __init__(self, identity: Identity, sinks: Sequence[Sink], size: int, hand_over: Callable[[Say], None]) -> None:
        self.identity = identity
        self.order: Order = None
        self.fault: Callable[[AssistantError], None] = lambda error: None
        self.ended = 0.0  # when the end was decided, in seconds of the monotonic clock
        self._sinks = sinks
        self._hand_over = hand_over
        self._size = size  # bytes a datagram at most
        self._sent: dict[int, int] = {}  # notes of each candidate that are on their way
        self._next_progress = 0.0
        self._progress_waits = False
        self._broken: AssistantError | None = None  # why a sink cannot go on
        self._lock = threading.RLock()

    def accept(self, task: str, model: str) -> None:
        """Begin with `/continuo/accepted`."""
        self._say(Event(ACCEPTED, (self.identity, task, model)))

    def notes(self, candidate: int, first: int, notes: Sequence[Note], total: int) -> None:
        """Notes `first`, `first` + 1 ... of a candidate are final."""
        with self._lock:
            self._sent[candidate] = max(self._sent.get(candidate, 0), first + len(notes))
            self._say_notes(candidate, first, notes, total, self.order)

    def candidate(self, index: int, candidate: Candidate) -> None:
        """A candidate is whole: the notes that were not sent yet, what is not notes, and the result."""
        clip = candidate.clip
        with self._lock:
            sent = self._sent.get(index, 0)
            self._say_notes(index, sent, clip.notes[sent:], len(clip.notes), _through(candidate.order, self.order))
            for key, rows in candidate.data:
                for arguments in value_parts(DATA, (self.identity, index, key), rows, self._size):
                    self._say(Event(DATA, arguments))
            pairs = {**candidate.measures, **what_it_is(candidate)}
            arguments = self.identity, index, len(clip.notes), candidate.at / TICKS, clip.length / TICKS
            self._say(Event(RESULT, (*arguments, *(value for pair in pairs.items() for value in pair)), clip=clip))

    def progress(self, fraction: float) -> None:
        """How much is done, 0 to 1; at most ten a second, and none while the one before waits for a slow sink."""
        now = time.monotonic()
        with self._lock:
            if self.ended or self._progress_waits or now < self._next_progress:
                return
            self._next_progress = now + PROGRESS_SECONDS
            self._progress_waits = True
            self._hand_over(partial(self._deliver_progress, min(1.0, max(0.0, float(fraction)))))

    def done(self, task: str, candidates: int, model: str, seed: int, seconds: float) -> Event:
        """The last word where all went well."""
        return Event(DONE, (self.identity, task, candidates, model, seed, seconds))

    def fail(self, error: AssistantError) -> Event:
        """The last word where it did not."""
        return Event(FAIL, (self.identity, error.code, error.text))

    def end(self, event: Event, last: Last = just_say) -> bool:
        """End with `/continuo/done` or `fail`; False where it had ended.

        The slow sinks hear it first; then `last` gets the event and what tells it to the others, which takes no time.
        """
        with self._lock:
            if self.ended:
                return False
            self.ended = time.monotonic()
            self._hand_over(partial(self._deliver_end, event, last))
        return True

    def _say(self, event: Event) -> None:
        with self._lock:
            if not self.ended:
                self._hand_over(partial(self._deliver, event))

    def _say_notes(self, candidate: int, first: int, notes: Sequence[Note], total: int, order: Order) -> None:
        for start, run in _runs(first, notes, order):
            for arguments, part in note_parts(NOTES, (self.identity, candidate), start, total, run, self._size):
                self._say(Event(NOTES, arguments, part))

    def _deliver(self, event: Event) -> None:
        if self._broken:
            return
        try:
            tell(self._sinks, event)
        except AssistantError as error:
            self._broken = error
        except Exception:  # the thread has to outlive a fault in any sink
            log.exception("an answer to %.80r failed", self.identity)
            self._broken = AssistantError("internal", "an answer could not be said; the log of the daemon says why")
        if self._broken:
            self.fault(self._broken)

    def _deliver_progress(self, fraction: float) -> None:
        self._progress_waits = False
        self._deliver(Event(PROGRESS, (self.identity, fraction)))

    def _deliver_end(self, event: Event, last: Last) -> None:
        if self._broken:  # whatever was decided before it broke: not all of it was said
            event = self.fail(self._broken)
        try:
            tell((sink for sink in self._sinks if sink.slow), event)
        except Exception:  # whatever becomes of the files, the end is said
            log.exception("the files of %.80r failed", self.identity)
        last(event, partial(tell, [sink for sink in self._sinks if not sink.slow], event))


def tell(sinks: Iterable[Sink], event: Event) -> None:
    """Say it to all of them."""
    for sink in sinks:
        sink.take(event)


def what_it_is(candidate: Candidate) -> dict[str, Value]:
    """The pairs of a result that say what it is to the given clip, and of which track and time it is."""
    place, start, end = candidate.placement
    stretch = {"from": start / TICKS, "to": end / TICKS} if place == "over" else {}
    clip = candidate.clip
    track = {"channel": clip.channel, "program": clip.program}
    known = {key: value for key, value in track.items() if value is not None}
    numerator, denominator = clip.meter
    timing = {"tempo": clip.tempo, "numerator": numerator, "denominator": denominator, "upbeat": clip.upbeat / TICKS}
    return {"place": place, **stretch, **known, "drums": int(clip.drums), **timing}


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
