"""The gate: takes datagrams from the socket, keeps out what must stay out, delivers messages when they are due."""

from __future__ import annotations

import heapq
import itertools
import logging
import time
from collections.abc import Callable, Collection
from functools import partial

from continuo_daw.assistant.errors import AssistantError
from continuo_daw.osc_bridge.daemon.arguments import Identity, readable_identity
from continuo_daw.osc_bridge.daemon.bucket import Bucket
from continuo_daw.osc_bridge.daemon.link import Link, Target
from continuo_daw.osc_bridge.wire.decode import Message, PacketError, decode
from continuo_daw.osc_bridge.wire.encode import is_loopback

TICK_SECONDS = 0.1  # between looks at deadlines, and the longest wait for a datagram
MAX_AHEAD = 10.0  # seconds that a time tag may lie ahead
MAX_AGENDA = 256
NTP_UNIX = 2_208_988_800  # seconds from 1900, where OSC counts from, to 1970

log = logging.getLogger("continuo")


class Gate:
    """Calls `deliver` for each message and `refuse` for what is none, both in the thread that called `run`."""

    def __init__(
        self,
        link: Link,
        allow: Collection[str],
        deliver: Callable[[Message, Target], None],
        refuse: Callable[[Target, Identity, AssistantError], None],
    ) -> None:
        self._link = link
        self._allow = frozenset(allow)
        self._deliver = deliver
        self._refuse = refuse
        self._bucket = Bucket(rate=5000, burst=10_000)
        self._agenda: list[tuple[float, int, Callable[[], None]]] = []  # when (monotonic), running number, what
        self._numbers = itertools.count()
        self._next_tick = 0.0
        self._stopped = False

    def run(self, tick: Callable[[], None]) -> None:
        """Deliver until `stop`; `tick` is called ten times a second."""
        while not self._stopped:
            try:
                self._turn(tick)
            except Exception:  # the daemon has to outlive a fault in any of it
                log.exception("a turn of the gate failed")

    def stop(self) -> None:
        """End `run`; any thread or signal handler may call it."""
        self._stopped = True

    def _turn(self, tick: Callable[[], None]) -> None:
        """Whatever is due, and then one datagram."""
        now = time.monotonic()
        if now >= self._next_tick:
            self._next_tick = now + TICK_SECONDS
            tick()
        while self._agenda and self._agenda[0][0] <= now:
            heapq.heappop(self._agenda)[2]()
        due = min(self._next_tick, self._agenda[0][0]) if self._agenda else self._next_tick
        received = self._link.receive(max(due - now, 0.001))
        if received:
            self.receive(*received)

    def later(self, seconds: float, call: Callable[[], None]) -> None:
        """Call in so many seconds, in the thread of `run`."""
        heapq.heappush(self._agenda, (time.monotonic() + seconds, next(self._numbers), call))

    def receive(self, datagram: bytes, source: Target) -> None:
        """One datagram: its messages are delivered, or put off until their time tag."""
        host, port = source
        if port == self._link.address[1] or not (is_loopback(host) or host in self._allow):
            return
        if not self._bucket.take(source, time.monotonic()):
            return
        try:
            messages = decode(datagram)
        except PacketError as error:
            if error.message:  # its handler names the number that is not finite
                self._deliver(error.message, source)
            else:
                self._refuse(source, "", AssistantError("bad_packet", error.text))
            return
        for tag, group in itertools.groupby(messages, key=lambda message: message.time):
            self._in_time(tag / 2**32 - NTP_UNIX - time.time(), tuple(group), source)

    def _in_time(self, ahead: float, messages: tuple[Message, ...], source: Target) -> None:
        """Deliver the messages of one time tag together, in `ahead` seconds; the tag for "at once" lies in 1900."""
        identity = readable_identity(messages[0].arguments)
        if ahead <= 0:
            for message in messages:
                self._deliver(message, source)
        elif ahead > MAX_AHEAD:
            text = f"the time tag lies {ahead:.0f} seconds ahead, and messages wait at most {MAX_AHEAD:.0f}"
            self._refuse(source, identity, AssistantError("bad_args", text))
        elif len(self._agenda) >= MAX_AGENDA:
            text = f"{MAX_AGENDA} bundles wait for their time, more do not fit"
            self._refuse(source, identity, AssistantError("busy", text))
        else:
            self.later(ahead, partial(self._in_time, 0.0, messages, source))
