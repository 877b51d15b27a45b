"""The server: from a datagram to the handler of its address; whatever takes longer than a look-up goes to the jobs."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from continuo_daw.assistant.errors import AssistantError
from continuo_daw.assistant.music.clip import TICKS, Clip, Note
from continuo_daw.assistant.option import Option
from continuo_daw.assistant.request import Context, Request
from continuo_daw.assistant.tasks import TASKS, in_place, options_of
from continuo_daw.assistant.version import VERSION
from continuo_daw.osc_bridge.daemon import addresses
from continuo_daw.osc_bridge.daemon.addresses import PREFIX
from continuo_daw.osc_bridge.daemon.answers import Answers, at_once
from continuo_daw.osc_bridge.daemon.arguments import (
    CONTEXT_AT,
    Asked,
    Identity,
    argument,
    is_button,
    nearest,
    read_asked,
    read_identity,
    read_port,
    read_token,
    readable_identity,
    text_of,
)
from continuo_daw.osc_bridge.daemon.bucket import Bucket
from continuo_daw.osc_bridge.daemon.event import Datagrams, Sink
from continuo_daw.osc_bridge.daemon.gate import Gate
from continuo_daw.osc_bridge.daemon.giving import TAKES, Take
from continuo_daw.osc_bridge.daemon.jobs import Engine, Job, Jobs, log_request
from continuo_daw.osc_bridge.daemon.link import Link, Target
from continuo_daw.osc_bridge.daemon.spool import FileSink, ReplyFile, sweep
from continuo_daw.osc_bridge.daemon.store import Given, Store, given
from continuo_daw.osc_bridge.daemon.writer import Writer
from continuo_daw.osc_bridge.wire.decode import Argument, Message
from continuo_daw.osc_bridge.wire.encode import Value, datagram_size, encode
from continuo_daw.osc_bridge.wire.notes import read_notes
from continuo_daw.osc_bridge.wire.pattern import is_pattern, matches

REPLAY_PART = 16  # datagrams at once, so that a client's socket buffer holds them
REPLAY_SECONDS = 0.005
SWEEP_SECONDS = 3600.0
CLOSE_SECONDS = 1.0  # that files have when the daemon ends
PASSING = frozenset({addresses.PROGRESS})  # answers that a repeat does not get again
ERROR_NAMES = ("fail", "error")  # the last part of addresses that other servers answer errors with

log = logging.getLogger("continuo")


class Server:
    """Serves `engine` over UDP. `serve` runs in the thread that calls it, until `stop`."""

    def __init__(
        self,
        engine: Engine,
        spool: Path,
        link: Link,
        *,
        allow: Sequence[str] = (),
        queue: int = 64,
        deadline: float = 60.0,
    ) -> None:
        """`allow` lists the addresses of clients that are not on loopback. `serve` closes the link when it ends."""
        self.address = link.address
        self._link = link
        self._engine = engine
        self._spool = spool
        self._jobs = Jobs(engine, queue, deadline)
        self._writer = Writer()
        self._store = Store()
        self._errors = Bucket(rate=20, burst=40)
        self._gate = Gate(self._link, allow, self._carry_out, self._refuse)
        self._started = time.monotonic()
        self._asking = {
            PREFIX + "ping": self._ping,
            PREFIX + "version": self._version,
            PREFIX + "status": self._status,
            PREFIX + "tasks": self._tasks,
            PREFIX + "sync": self._sync,
            PREFIX + "cancel": self._cancel,
        }
        self._handlers: dict[str, Callable[[Target, Sequence[Argument]], None]] = {
            **self._asking,
            **{address: partial(self._give, take) for address, take in TAKES.items()},
            PREFIX + "reply_port": self._reply_port,
            **{PREFIX + task: partial(self._ask, task) for task in TASKS},
        }

    def serve(self) -> None:
        """Answer until `stop`."""
        self._writer.start()
        self._jobs.start()
        self._gate.later(0.0, self._clean)
        self._gate.run(self._jobs.tick)
        self._jobs.close()
        self._writer.close(CLOSE_SECONDS)
        self._link.close()

    def stop(self) -> None:
        """End `serve`; any thread or signal handler may call it."""
        self._gate.stop()

    def _carry_out(self, message: Message, source: Target) -> None:
        address, arguments, _ = message
        if address in self._handlers:
            chosen = [self._handlers[address]]
        elif is_pattern(address):
            chosen = [handler for known, handler in self._asking.items() if matches(address, known)]
        else:
            chosen = []
        for handler in chosen:
            try:
                handler(source, arguments)
            except AssistantError as error:
                self._fail(source, readable_identity(arguments), error)
            except Exception:  # the daemon has to outlive a fault in any handler
                log.exception("%.80r failed", address)
                text = f"{address[:80]} failed; the log of the daemon says why"
                self._fail(source, readable_identity(arguments), AssistantError("internal", text))
        if not chosen and address not in addresses.ONLY_SENT and address.rpartition("/")[2] not in ERROR_NAMES:
            known = "patterns reach the questions about the daemon alone" if is_pattern(address) else "unknown address"
            text = f"{known}: {address[:80]}{nearest(address, self._handlers)}"
            self._refuse(source, readable_identity(arguments), AssistantError("bad_args", text))

    def _refuse(self, source: Target, identity: Identity, error: AssistantError) -> None:
        """Answer what nobody may have asked: at most 20 a second, lest two servers answer each other for ever."""
        if self._errors.take(source, time.monotonic()):
            self._fail(source, identity, error)

    def _fail(self, source: Target, identity: Identity, error: AssistantError) -> None:
        log_request(source, "", identity, f"{error.code} {error.text}")
        self._send(source, addresses.FAIL, identity, error.code, error.text)

    def _send(self, target: Target, address: str, *arguments: Value) -> None:
        self._link.send(encode(address, *arguments), target)

    # asking about the daemon

    def _ping(self, source: Target, arguments: Sequence[Argument]) -> None:
        self._send(source, addresses.PONG, read_token(arguments))

    def _version(self, source: Target, arguments: Sequence[Argument]) -> None:
        self._send(source, addresses.VERSION, "continuo", VERSION, addresses.PROTOCOL, addresses.REVISION)

    def _status(self, source: Target, arguments: Sequence[Argument]) -> None:
        models = ",".join(self._engine.bundles)
        uptime = time.monotonic() - self._started
        values = self._engine.device, *self._jobs.counts, uptime, models, str(self._spool)
        self._send(source, addresses.STATUS, *values)

    def _tasks(self, source: Target, arguments: Sequence[Argument]) -> None:
        for name, task in TASKS.items():
            self._send(source, addresses.TASK, name, task.SUMMARY, self._default_model(name), *task.CLIPS)
            for option in options_of(name):
                self._send(source, addresses.OPTION, name, *option_row(option))
        self._send(source, addresses.DONE, "", "tasks", len(TASKS))

    def _default_model(self, task: str) -> str:
        """The model that a request of this task gets where it names none; empty where there is none."""
        clip = Clip((Note(0, 60, TICKS),), 4 * TICKS)
        try:
            return self._engine.plan(Request(task, (clip,) * TASKS[task].CLIPS[0])).model
        except AssistantError:
            return ""

    def _sync(self, source: Target, arguments: Sequence[Argument]) -> None:
        self._jobs.when_ended(partial(self._send, source, addresses.SYNCED, read_token(arguments)))

    def _cancel(self, source: Target, arguments: Sequence[Argument]) -> None:
        self._jobs.cancel(source, read_identity(arguments))

    # giving a clip

    def _give(self, take: Take, source: Target, arguments: Sequence[Argument]) -> None:
        take(self._store, source[0], arguments)

    def _reply_port(self, source: Target, arguments: Sequence[Argument]) -> None:
        port = read_port(argument(arguments, 0), self.address[1])
        self._link.copies.pop(source[0], None)
        if port:
            self._link.copies[source[0]] = port

    # asking for music

    def _ask(self, task: str, source: Target, arguments: Sequence[Argument]) -> None:
        host = source[0]
        button = is_button(arguments)
        if button and not arguments[0]:
            return
        identity = 0 if button else read_identity(arguments)
        asked, fault = read_asked(arguments)
        client = host, read_port(asked.options.get("reply_port"), self.address[1]) or source[1]
        repeated = None if button else self._jobs.repeated(client, identity)
        if repeated:
            self._replay(repeated)
            return
        record = Datagrams(partial(self._link.send, target=client), PASSING)
        sinks: list[Sink] = [record]
        try:
            file = self._reply_file(asked.options.get("reply_file"))
        except AssistantError as error:
            file, fault = None, error
        answers = self._answers(identity, file, sinks, host)
        try:
            if fault:
                raise fault
            clips = self._last_clip(task, host) if button else self._clips(host, asked)
            if clips and in_place(task):
                answers.order = clips[0].order
            request = Request(task, tuple(clip for clip, _ in clips), asked.options, self._contexts(host, asked))
            plan = self._engine.plan(request)
            name = file.name if file else ""
            self._jobs.add(Job(source, client, plan, answers, record, file=name, repeatable=not button))
        except AssistantError as error:
            answers.end(answers.fail(error))
            log_request(source, task, identity, f"{error.code} {error.text}")

    def _answers(self, identity: Identity, file: ReplyFile | None, sinks: list[Sink], host: str) -> Answers:
        """The answers to a request: those with files are said in the thread that may wait for the disk."""
        if file is None:
            return Answers(identity, sinks, datagram_size(host), at_once)
        return Answers(identity, [FileSink(file), *sinks], datagram_size(host), self._writer.put)

    def _contexts(self, host: str, asked: Asked) -> tuple[Context, ...]:
        """The clips that sound beside those worked on. Raises like `_clips`."""
        found = []
        for name, at in asked.contexts.items():
            beats = 0.0 if at is None else float(CONTEXT_AT.check(at))
            found.append(Context(self._store.clip(host, name).clip, round(beats * TICKS)))
        return tuple(found)

    def _reply_file(self, name: Argument) -> ReplyFile | None:
        """The files that a request asks for. Raises `bad_args`, or `busy` where another one still writes them."""
        if not name:
            return None
        file = ReplyFile(self._spool, text_of(name))
        if self._jobs.writing(file.name):
            raise AssistantError("busy", f"reply_file {file.name}: a request that has not ended writes it")
        return file

    def _clips(self, host: str, asked: Asked) -> list[Given]:
        clips = [self._store.clip(host, name) for name in asked.clips]
        if asked.notes is not None:
            clips.append(given(read_notes(asked.notes)))
            self._store.keep(host, clips[-1])
        return clips

    def _last_clip(self, task: str, host: str) -> list[Given]:
        last = self._store.last(host) if TASKS[task].CLIPS[1] else None
        return [last] if last else []

    def _replay(self, job: Job, first: int = 0) -> None:
        """Send again what a job was answered with so far, a few datagrams at a time."""
        if job.replaying and not first:
            return
        last = first + REPLAY_PART
        for datagram in job.record.sent[first:last]:
            self._link.send(datagram, job.client)
        job.replaying = last < len(job.record.sent)
        if job.replaying:
            self._gate.later(REPLAY_SECONDS, partial(self._replay, job, last))

    def _clean(self) -> None:
        self._gate.later(SWEEP_SECONDS, self._clean)
        self._writer.put(partial(sweep, self._spool))


def option_row(option: Option) -> tuple[str, ...]:
    """An option as `/continuo/option` and the reference page show it, all in text."""
    bounds = (text_of(bound) for bound in (option.low, option.high))
    return option.key, option.wire_type, *bounds, text_of(option.default), "|".join(option.choices), option.help
