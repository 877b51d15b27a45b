"""A client of the daemon, for any Python program: gives clips, asks for music, collects the notes."""

from __future__ import annotations

import contextlib
import itertools
import secrets
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from continuo_daw.assistant.errors import AssistantError
from continuo_daw.assistant.music.clip import TICKS, Clip, Note, order_of
from continuo_daw.assistant.request import Candidate, Result
from continuo_daw.assistant.tasks import in_place
from continuo_daw.osc_bridge.daemon.addresses import ACCEPTED, DONE, FAIL, NOTES, OPTION, PREFIX, PROGRESS, RESULT, TASK
from continuo_daw.osc_bridge.daemon.link import MAX_DATAGRAM
from continuo_daw.osc_bridge.wire.decode import Argument, Message, PacketError, decode
from continuo_daw.osc_bridge.wire.encode import Value, datagram_size, encode, note_parts
from continuo_daw.osc_bridge.wire.notes import read_notes

QUICK_SECONDS = 1.0  # of silence, and whatever was asked is asked again
ATTEMPTS = 5
PART_SECONDS = 0.0005  # between the parts of a clip, so that no socket buffer overflows

OnNotes = Callable[[int, int, tuple[Note, ...], int], None]  # candidate, first, notes, total
OnProgress = Callable[[float], None]


@dataclass
class _Asked:
    """A request that was sent, and what has arrived of its answers."""

    task: str
    drums: bool  # whether it changes notes of drums
    clips: dict[str, Clip]  # by the name under which they are given
    options: dict[str, Value]
    request: bytes
    on_notes: OnNotes | None
    on_progress: OnProgress | None
    accepted: bool = False
    notes: dict[int, dict[int, Note]] = field(default_factory=dict)  # by candidate, then by index
    results: dict[int, tuple[Argument, ...]] = field(default_factory=dict)  # total, at, length, measures
    last: Message | None = None  # done or fail

    @property
    def whole(self) -> bool:
        """True where no candidate and no note is missing."""
        notes = all(len(self.notes.get(index, {})) == total for index, (total, *_) in self.results.items())
        return notes and self.last is not None and len(self.results) == self.last.arguments[2]


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

    def version(self) -> tuple[str, str, int]:
        """Name, version and protocol of the daemon."""
        name, version, protocol = self._ask("version", PREFIX + "version.reply")
        return str(name), str(version), int(protocol or 0)

    def status(self) -> dict[str, Argument]:
        """How the daemon does, by the names of the protocol."""
        names = "device", "running", "queued", "done", "failed", "uptime_sec", "models", "spool"
        return dict(zip(names, self._ask("status", PREFIX + "status.reply"), strict=True))

    def tasks(self) -> dict[str, dict[str, tuple[Argument, ...]]]:
        """The options of each task by key: type, minimum, maximum, default, choices, help, all in text."""
        tasks: dict[str, dict[str, tuple[Argument, ...]]] = {}
        self._send(PREFIX + "tasks")
        for address, arguments, _ in self._messages(time.monotonic() + ATTEMPTS * QUICK_SECONDS):
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
        numerator, denominator = clip.meter
        self._send(PREFIX + "clip/info", name, clip.length / TICKS, clip.tempo, numerator, denominator)
        if not clip.notes:
            self._send(PREFIX + "clip", name, 0, 0)
        for before, notes in note_parts(PREFIX + "clip", (name,), 0, len(clip.notes), clip.notes, self._size):
            self._socket.send(encode(PREFIX + "clip", *before, notes=notes))
            time.sleep(PART_SECONDS)

    def run(
        self,
        task: str,
        clips: Sequence[Clip] = (),
        *,
        on_notes: OnNotes | None = None,
        on_progress: OnProgress | None = None,
        **options: Value,
    ) -> Result:
        """Ask and wait for the whole result; the callbacks hear of notes and progress as they arrive."""
        return self.wait(self.start(task, clips, on_notes=on_notes, on_progress=on_progress, **options))

    def start(
        self,
        task: str,
        clips: Sequence[Clip] = (),
        *,
        on_notes: OnNotes | None = None,
        on_progress: OnProgress | None = None,
        **options: Value,
    ) -> int:
        """Give the clips and ask; the number is for `wait` and `cancel`."""
        identity = next(self._numbers)
        drums = bool(in_place(task) and clips and clips[0].drums)
        if drums:
            options = {"drums": True, **options}  # nothing else on the wire says it
        named = {f"{secrets.token_hex(4)}-{index}": clip for index, clip in enumerate(clips)}
        options = options or {"model": ""}  # the default; a number alone would be a button
        pairs = itertools.chain(*(("clip", name) for name in named), *options.items())
        request = encode(PREFIX + task, identity, *pairs)
        self._asked[identity] = _Asked(task, drums, named, options, request, on_notes, on_progress)
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
                    return _result(asked, asked.last)
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
        for name, clip in asked.clips.items() if not asked.accepted else ():
            self.upload(name, clip)
        self._socket.send(asked.request)

    def _collect(self, asked: _Asked, deadline: float) -> None:
        """Take answers in, to all requests, until this one has ended or nothing comes any more."""
        if asked.last:  # it came while another was waited for
            return
        for message in self._messages(deadline):
            if message.arguments and (other := self._asked.get(message.arguments[0])):  # type: ignore[arg-type]
                _take(other, message)
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
        self._socket.send(encode(address, *arguments))

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
            with contextlib.suppress(PacketError):  # another program answers there
                yield from decode(datagram)

    def _silence(self) -> AssistantError:
        return AssistantError("timeout", f"no answer from {self._name}: is `continuo serve` running there?")


def _take(asked: _Asked, message: Message) -> None:
    """One answer to a request; parts may come twice and in any order."""
    address, arguments, _ = message
    if address in (DONE, FAIL):
        asked.last = message
    elif address == ACCEPTED:
        asked.accepted = True
    elif address == PROGRESS and asked.on_progress:
        asked.on_progress(float(arguments[1] or 0))
    elif address == RESULT:
        asked.results[int(arguments[1] or 0)] = arguments[2:]
    elif address == NOTES:
        candidate, first, total = (int(value or 0) for value in arguments[1:4])
        notes = read_notes(arguments[4:], first)
        known = asked.notes.setdefault(candidate, {})
        new = any(index not in known for index in range(first, first + len(notes)))
        known.update(enumerate(notes, first))
        if new and asked.on_notes:
            asked.on_notes(candidate, first, notes, total)


def _result(asked: _Asked, done: Message) -> Result:
    tempo, meter = _tempo_and_meter(asked)
    candidates = []
    for index, (_, at, length, *pairs) in sorted(asked.results.items()):
        notes = tuple(note for _, note in sorted(asked.notes.get(index, {}).items()))
        order = order_of(notes) if in_place(asked.task) else None
        measures = {str(key): value for key, value in zip(pairs[::2], pairs[1::2], strict=True)}
        own = round(float(measures.get("tempo") or tempo), 3)
        clip = Clip(notes, round(float(length or 0) * TICKS), own, meter, asked.drums)
        candidates.append(Candidate(clip, round(float(at or 0) * TICKS), measures, order))  # type: ignore[arg-type]
    _, _, _, model, seed, seconds = done.arguments
    return Result(tuple(candidates), str(model), int(seed or 0), float(seconds or 0))


def _tempo_and_meter(asked: _Asked) -> tuple[float, tuple[int, int]]:
    """What an answer is played in where its result does not say it: that of the clip, but for `generate`, which only
    looks at its clip, what was asked for."""
    like = next(iter(asked.clips.values()), None)
    told = asked.options if like is None or asked.task == "generate" else {}
    like = like or Clip((), 0)
    numerator, _, denominator = str(told.get("meter") or "{}/{}".format(*like.meter)).partition("/")
    return float(told.get("tempo") or like.tempo), (int(numerator), int(denominator))
