"""A client of the daemon, for any Python program: gives clips, asks for music, collects the notes."""

from __future__ import annotations

import itertools
import secrets
import socket
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from continuo_daw.assistant.errors import AssistantError
from continuo_daw.assistant.music.clip import TICKS, Clip
from continuo_daw.assistant.request import Context, Result
from continuo_daw.osc_bridge.clients.collected import Collected, OnNotes, OnProgress
from continuo_daw.osc_bridge.clients.osc import Argument, Message, build, clip_messages, read
from continuo_daw.osc_bridge.daemon.addresses import DONE, FAIL, OPTION, PREFIX, TASK
from continuo_daw.osc_bridge.daemon.link import MAX_DATAGRAM
from continuo_daw.osc_bridge.wire.encode import Value, datagram_size

QUICK_SECONDS = 1.0  # of silence, and whatever was asked is asked again
ATTEMPTS = 5
PART_SECONDS = 0.0005  # between the parts of a clip, so that no socket buffer overflows


@dataclass
class _Asked(Collected):
    """A request that was sent, and what has arrived of its answers."""

    given: dict[str, Clip] = field(default_factory=dict)  # by the name under which they are given, contexts too
    request: bytes = b""


class Client:
    """Talks to the daemon at `host` and `port`. One thread uses it; `cancel` may be called from another.

    What the daemon refuses raises its AssistantError; no answer within `timeout` seconds raises one with `timeout`.
    """

    def __init__(self, host: str = "127.0.0.1", port: int = 16180, timeout: float = 60.0) -> None:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
        self._socket = socket.socket(family, kind, protocol)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2**20)
        self._socket.connect(address)  # so that a port where nobody listens is an error and not a silence
        self._name = f"{host}:{port}"
        self._size = datagram_size(str(address[0]))
        self._timeout = timeout
        self._numbers = itertools.count(1)
        self._asked: dict[int, _Asked] = {}  # by id

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def ping(self) -> float:
        """Seconds to the daemon and back."""
        start = time.perf_counter()
        self._ask("ping", PREFIX + "pong", next(self._numbers))
        return time.perf_counter() - start

    def version(self) -> tuple[str, str, int, str]:
        """Name and version of the daemon, its protocol and the revision of that."""
        name, version, protocol, revision = self._ask("version", PREFIX + "version.reply")
        return str(name), str(version), int(protocol or 0), str(revision)

    def status(self) -> dict[str, Argument]:
        """How the daemon does, by the names of the protocol."""
        names = "device", "running", "queued", "done", "failed", "uptime_sec", "models", "spool"
        return dict(zip(names, self._ask("status", PREFIX + "status.reply"), strict=True))

    def tasks(self) -> dict[str, dict[str, tuple[Argument, ...]]]:
        """The options of each task by key: type, minimum, maximum, default, choices, help, all in text."""
        tasks: dict[str, dict[str, tuple[Argument, ...]]] = {}
        self._send(PREFIX + "tasks")
        for address, arguments in self._messages(time.monotonic() + ATTEMPTS * QUICK_SECONDS):
            if address == TASK:
                tasks.setdefault(str(arguments[0]), {})
            elif address == OPTION:
                tasks.setdefault(str(arguments[0]), {})[str(arguments[1])] = arguments[2:]
            elif address == DONE and arguments[:2] == ("", "tasks"):
                return tasks
        raise self._silence()

    def sync(self) -> None:
        """Wait until every request that the daemon has received has ended."""
        self._ask("sync", PREFIX + "synced", next(self._numbers), seconds=self._timeout)

    def upload(self, name: str, clip: Clip) -> None:
        """Give a clip under a name, which the daemon keeps for ten minutes."""
        for datagram in clip_messages(name, clip, self._size):
            self._socket.send(datagram)
            time.sleep(PART_SECONDS)

    def run(
        self,
        task: str,
        clips: Sequence[Clip] = (),
        *,
        on_notes: OnNotes | None = None,
        on_progress: OnProgress | None = None,
        context: Sequence[Context] = (),
        **options: Value,
    ) -> Result:
        """Ask and wait for the whole result; the callbacks hear of notes and progress as they arrive."""
        return self.wait(
            self.start(task, clips, on_notes=on_notes, on_progress=on_progress, context=context, **options)
        )

    def start(
        self,
        task: str,
        clips: Sequence[Clip] = (),
        *,
        on_notes: OnNotes | None = None,
        on_progress: OnProgress | None = None,
        context: Sequence[Context] = (),
        **options: Value,
    ) -> int:
        """Give the clips and ask; the number is for `wait` and `cancel`. `context`: clips that sound beside them."""
        identity = next(self._numbers)
        named = [f"{secrets.token_hex(4)}-{index}" for index in range(len(clips) + len(context))]
        beside = list(zip(named[len(clips) :], context, strict=True))
        pairs: list[Value] = [value for name in named[: len(clips)] for value in ("clip", name)]
        for name, (_, at) in beside:
            pairs += ["context", name, "context_at", name, at / TICKS]
        for pair in (options or {"model": ""}).items():  # the default; a number alone would be a button
            pairs += pair
        given = dict(zip(named, (*clips, *(clip for clip, _ in context)), strict=True))
        request = build(PREFIX + task, identity, *pairs)
        self._asked[identity] = _Asked(tuple(clips), on_notes, on_progress, given=given, request=request)
        self._give(self._asked[identity])
        return identity

    def wait(self, identity: int) -> Result:
        """The result of a request that `start` sent. What was lost on the way is asked for again."""
        asked = self._asked[identity]
        deadline = time.monotonic() + self._timeout
        attempts = ATTEMPTS
        try:
            while time.monotonic() < deadline and attempts:
                self._collect(asked, deadline)
                if asked.last and asked.last.address == FAIL and asked.last.arguments[1] != "incomplete":
                    raise AssistantError(str(asked.last.arguments[1]), str(asked.last.arguments[2]))
                if asked.last and asked.last.address == DONE and asked.whole:
                    return asked.result()
                attempts -= not asked.accepted or asked.last is not None
                asked.last = None
                self._give(asked)
        finally:
            del self._asked[identity]
        self.cancel(identity)
        raise self._silence()

    def cancel(self, identity: int) -> None:
        """End a request; its `wait` raises `cancelled`."""
        self._send(PREFIX + "cancel", identity)

    def _give(self, asked: _Asked) -> None:
        for name, clip in asked.given.items() if not asked.accepted else ():
            self.upload(name, clip)
        self._socket.send(asked.request)

    def _collect(self, asked: _Asked, deadline: float) -> None:
        """Take answers in, to all requests, until this one has ended or nothing comes any more."""
        if asked.last:  # it came while another was waited for
            return
        for message in self._messages(deadline):
            if message.arguments and (other := self._asked.get(message.arguments[0])):  # type: ignore[arg-type]
                other.take(message)
            if asked.last:
                return

    def _ask(self, question: str, reply: str, *arguments: Value, seconds: float = 0.0) -> tuple[Argument, ...]:
        """The arguments of the answer to a question, asked again where none came."""
        deadline = time.monotonic() + max(seconds, ATTEMPTS * QUICK_SECONDS)
        while time.monotonic() < deadline:
            self._send(PREFIX + question, *arguments)
            for message in self._messages(deadline):
                if message.address == reply and message.arguments[: len(arguments)] == arguments:
                    return message.arguments
        raise self._silence()

    def _send(self, address: str, *arguments: Value) -> None:
        self._socket.send(build(address, *arguments))

    def _messages(self, deadline: float) -> Iterator[Message]:
        """Messages as they arrive, until none comes for a second, or the deadline."""
        while (left := deadline - time.monotonic()) > 0:
            self._socket.settimeout(min(left, QUICK_SECONDS))
            try:
                datagram = self._socket.recv(MAX_DATAGRAM)
            except TimeoutError:
                return
            except ConnectionError:
                raise self._silence() from None
            yield from read(datagram)

    def _silence(self) -> AssistantError:
        return AssistantError("timeout", f"no answer from {self._name}: is `continuo serve` running there?")
