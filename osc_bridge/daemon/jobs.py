"""Jobs: accepted requests on their way through the one thread that runs models."""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol

from continuo_daw.assistant.errors import AssistantError
from continuo_daw.assistant.music.clip import Note
from continuo_daw.assistant.plan import Plan
from continuo_daw.assistant.request import Candidate, Request, Result
from continuo_daw.osc_bridge.daemon.addresses import DONE
from continuo_daw.osc_bridge.daemon.answers import Answers
from continuo_daw.osc_bridge.daemon.arguments import Identity
from continuo_daw.osc_bridge.daemon.event import Datagrams, Event
from continuo_daw.osc_bridge.daemon.link import Target

REMEMBER_SECONDS = 60.0
MAX_REMEMBERED = 2048  # requests, and
MAX_REMEMBERED_BYTES = 64 * 2**20  # bytes of their answers
MAX_PER_CLIENT = 16  # requests of one client that have not ended
MAX_SYNCS = 256

log = logging.getLogger("continuo")


class Engine(Protocol):
    """What the bridge needs of `assistant.engine.Engine`."""

    device: str

    @property
    def bundles(self) -> Mapping[str, object]: ...

    def plan(self, request: Request) -> Plan: ...

    def run(
        self,
        asked: Plan,
        *,
        on_notes: Callable[[int, int, tuple[Note, ...], int], None] = ...,
        on_candidate: Callable[[int, Candidate], None] = ...,
        on_progress: Callable[[float], None] = ...,
        stop: Callable[[], bool] = ...,
    ) -> Result: ...


@dataclass(eq=False, slots=True)
class Job:
    """One accepted request, that came from `source`, and whose answers go to `client`."""

    source: Target
    client: Target
    plan: Plan
    answers: Answers
    record: Datagrams  # what was sent of them
    file: str = ""  # name of its reply files
    repeatable: bool = True  # not so for the press of a button
    accepted: float = 0.0  # seconds of the monotonic clock
    replaying: bool = False

    @property
    def key(self) -> tuple[Target, Identity]:
        """What makes another request the same one: who asks, and the id."""
        return self.client, self.answers.identity


class Jobs:
    """The queue, the thread behind it, and the memory of what was answered."""

    def __init__(self, engine: Engine, queue: int = 64, deadline: float = 60.0) -> None:
        self.done = 0
        self.failed = 0
        self._engine = engine
        self._queue = queue
        self._deadline = deadline
        self._waiting: deque[Job] = deque()
        self._unfinished: list[Job] = []
        self._remembered: OrderedDict[tuple[Target, Identity], Job] = OrderedDict()
        self._syncs: list[tuple[set[Job], Callable[[], None]]] = []
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._work, name="inference", daemon=True)
        self._closed = False

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def close(self) -> None:
        """Cancel everything and end the thread, which has one second for it."""
        for job in tuple(self._unfinished):
            self._fail(job, "cancelled", "the daemon was stopped")
        with self._changed:
            self._closed = True
            self._changed.notify()
        if self._thread.is_alive():
            self._thread.join(1.0)

    @property
    def counts(self) -> tuple[int, int, int, int]:
        """Running, queued, done, failed."""
        with self._changed:
            return len(self._unfinished) - len(self._waiting), len(self._waiting), self.done, self.failed

    def add(self, job: Job) -> None:
        """Accept a job. Raises AssistantError `busy`."""
        with self._changed:
            if len(self._waiting) >= self._queue:
                raise AssistantError("busy", f"{len(self._waiting)} requests are waiting, more do not fit (--queue)")
            if sum(other.client == job.client for other in self._unfinished) >= MAX_PER_CLIENT:
                text = f"{MAX_PER_CLIENT} of your requests have not ended: wait for one, or cancel it"
                raise AssistantError("busy", text)
            job.accepted = time.monotonic()
            job.answers.fault = lambda error: self._fail(job, error.code, error.text)
            if job.repeatable:
                self._remembered[job.key] = job
            self._unfinished.append(job)
        job.answers.accept(job.plan.request.task, job.plan.model)  # before the thread can say anything of it
        with self._changed:
            if not job.answers.ended:
                self._waiting.append(job)
                self._changed.notify()

    def writing(self, name: str) -> bool:
        """True where a job that has not ended writes the reply file `name`."""
        with self._changed:  # who heard the end of a job finds its name free
            return any(job.file.lower() == name.lower() for job in self._unfinished)  # not every system tells A from a

    def repeated(self, client: Target, identity: Identity) -> Job | None:
        """The job that a request of this client with this id repeats."""
        job = self._remembered.get((client, identity))
        if job and job.answers.ended and job.answers.ended < time.monotonic() - REMEMBER_SECONDS:
            return None
        return job

    def cancel(self, source: Target, identity: Identity) -> None:
        """End a job that came from `source`, or where it has none of this id, from its host. Raises `not_found`."""
        known = {*self._remembered.values(), *tuple(self._unfinished)}
        same = [job for job in known if job.answers.identity == identity and job.source[0] == source[0]]
        own = [job for job in same if source in (job.source, job.client)]
        for job in own or same:
            self._fail(job, "cancelled", "cancelled as asked")
        if not same:
            raise AssistantError("not_found", f"no request {identity} is running or waiting")

    def when_ended(self, call: Callable[[], None]) -> None:
        """Call once all jobs that are here now have ended. Raises `busy`."""
        with self._changed:
            if len(self._syncs) >= MAX_SYNCS:
                raise AssistantError("busy", f"{MAX_SYNCS} syncs are waiting, more do not fit")
            if self._unfinished:
                self._syncs.append((set(self._unfinished), call))
                return
        call()

    def tick(self) -> None:
        """End the jobs that are over their deadline, forget what is remembered too long or takes too much room."""
        now = time.monotonic()
        for job in tuple(self._unfinished):
            if now - job.accepted > self._deadline:
                self._fail(job, "timeout", f"not done within {self._deadline:g} seconds (--deadline)")
        ended = [(key, job.answers, job.record) for key, job in self._remembered.items() if job.answers.ended]
        room = MAX_REMEMBERED_BYTES
        for count, (key, answers, record) in enumerate(reversed(ended)):
            room -= record.bytes
            if count >= MAX_REMEMBERED or room < 0 or answers.ended < now - REMEMBER_SECONDS:
                del self._remembered[key]

    def _work(self) -> None:
        while not self._closed:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._closed)
                if self._closed:
                    return
                job = self._waiting.popleft()
            if job.answers.ended:  # and only its files are still being written
                continue
            try:
                self._run(job)
            except Exception:  # this thread has to outlive a fault in any model, and in any answer
                log.exception("%.200r failed", job.plan.request.task)
                self._fail(job, "internal", f"{job.plan.request.task} failed; the log of the daemon says why")

    def _run(self, job: Job) -> None:
        answers = job.answers
        try:
            result = self._engine.run(
                job.plan,
                on_notes=answers.notes,
                on_candidate=answers.candidate,
                on_progress=answers.progress,
                stop=lambda: bool(answers.ended),
            )
        except AssistantError as error:
            self._fail(job, error.code, error.text)
        else:
            last = answers.done(
                job.plan.request.task, len(result.candidates), result.model, result.seed, result.seconds
            )
            self._end(job, last)

    def _fail(self, job: Job, code: str, text: str) -> None:
        self._end(job, job.answers.fail(AssistantError(code, text)))

    def _end(self, job: Job, event: Event) -> None:
        """Say the last word to a job and count it, unless it had ended before."""
        job.answers.end(event, partial(self._settle, job))

    def _settle(self, job: Job, event: Event, say: Callable[[], None]) -> None:
        """Count a job that has ended. `say` sends its last word, which takes no time: its files are written."""
        task, well = job.plan.request.task, event.address == DONE
        with self._changed:  # around both, so that who heard the end finds it counted
            say()
            self.done += well
            self.failed += not well
            self._unfinished.remove(job)
            # the answers are remembered, the clips need not be
            job.plan = replace(job.plan, request=Request(task), frames=())
            if job in self._waiting:
                self._waiting.remove(job)
            for jobs, _ in self._syncs:
                jobs.discard(job)
            calls = [call for jobs, call in self._syncs if not jobs]
            self._syncs = [sync for sync in self._syncs if sync[0]]
        log_request(job.client, task, job.answers.identity, "done" if well else str(event.arguments[1]))
        for call in calls:
            call()


def log_request(client: Target, asked: str, identity: Identity, outcome: str) -> None:
    """One line a request; what came from outside is quoted and cut."""
    log.info("%s:%d %.80r id %.80r: %.200r", *client, asked, identity, outcome)
