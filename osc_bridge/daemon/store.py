"""Clips that clients have given: collected note by note, kept ten minutes, and whole before anyone gets them."""

from __future__ import annotations

import itertools
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NamedTuple, TypeVar

from continuo_daw.assistant.errors import AssistantError
from continuo_daw.assistant.music.clip import TICKS, Clip, Note, order_of
from continuo_daw.assistant.music.time_map import Meter, TimeMap
from continuo_daw.osc_bridge.wire.notes import MAX_NOTES

T = TypeVar("T")

KEEP_SECONDS = 600.0
MAX_CLIPS = 64  # of one host; one more, and the one that was not touched longest goes
MAX_HOST_NOTES = 200_000  # of all clips of a host together
MAX_CHANGES = 4096  # of the tempo, and of the meter, in one clip
DRUM_CHANNEL = 10  # of General MIDI


class Given(NamedTuple):
    """A clip as it was given: note k of `clip` was note `order[k]` of the client."""

    clip: Clip
    order: tuple[int, ...]


class Info(NamedTuple):
    """What is not notes: `length` and `upbeat` in ticks, a length of None is up to the end of the last bar touched;
    `tempo` in quarters a minute, `meter` as (3, 4), both at the start; `drums` None: those of channel 10 are."""

    length: int | None = None
    tempo: float = 120.0
    meter: Meter = (4, 4)
    name: str = ""
    channel: int | None = None
    program: int | None = None
    drums: bool | None = None
    upbeat: int = 0


PLAIN = Info()


@dataclass(slots=True)
class _Entry:
    total: int | None = None  # notes that the clip will have
    notes: dict[int, Note] = field(default_factory=dict)  # by the client's index
    info: Info = PLAIN
    tempos: dict[int, float] = field(default_factory=dict)  # by the tick from which they hold
    meters: dict[int, Meter] = field(default_factory=dict)
    touched: float = 0.0


class Store:
    """The clips of every host by name. One thread uses it."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._hosts: dict[str, OrderedDict[str, _Entry]] = {}
        self._last: dict[str, str | tuple[float, Given]] = {}  # a name, or a clip that rode inside a request

    def add(self, host: str, name: str, first: int, total: int, notes: Sequence[Note]) -> None:
        """Notes `first`, `first` + 1 ... of the `total` of a clip. Another `total` than before starts a new clip."""
        if total > MAX_NOTES:
            raise AssistantError("too_large", f"clip {name}: {total} notes; a clip has at most {MAX_NOTES}")
        if first + len(notes) > total:
            text = f"clip {name}: notes {first} to {first + len(notes) - 1} do not fit into a total of {total}"
            raise AssistantError("bad_args", text)
        entry = self._entry(host, name)
        if entry.total != total:
            entry.total, entry.notes = total, {}
        entry.notes.update(enumerate(notes, first))
        self._last[host] = name
        entries = self._hosts[host]
        while len(entries) > 1 and sum(len(e.notes) for e in entries.values()) > MAX_HOST_NOTES:
            entries.popitem(last=False)

    def describe(self, host: str, name: str, info: Info) -> None:
        """What is not notes. Raises `bad_args`."""
        given((), info)
        self._entry(host, name).info = info

    def change_tempo(self, host: str, name: str, tick: int, tempo: float) -> None:
        """The tempo changes there; another one at the same tick is forgotten. Raises `bad_args`."""
        given((), Info(tempo=tempo))
        _change(self._entry(host, name).tempos, name, "tempo", tick, tempo)

    def change_meter(self, host: str, name: str, tick: int, meter: Meter) -> None:
        """The meter changes there; another one at the same tick is forgotten. Raises `bad_args`."""
        given((), Info(meter=meter))
        _change(self._entry(host, name).meters, name, "meter", tick, meter)

    def keep(self, host: str, given: Given) -> None:
        """Remember a clip without a name as the last one that `host` gave."""
        self._last[host] = (self._clock(), given)

    def clip(self, host: str, name: str) -> Given:
        """The whole clip. Raises `not_found`, `incomplete` with the missing range, or `bad_args`."""
        self._expire(host)
        entry = self._hosts.get(host, OrderedDict()).get(name)
        if entry is None:
            raise AssistantError("not_found", f"clip {name} was not given in the last ten minutes")
        missing = _missing(entry)
        if missing:
            raise AssistantError("incomplete", f"clip {name}: {missing}; send them again")
        entry.touched = self._clock()
        self._hosts[host].move_to_end(name)
        notes = [entry.notes[index] for index in range(len(entry.notes))]
        return given(notes, entry.info, entry.tempos, entry.meters)

    def last(self, host: str) -> Given | None:
        """The clip that `host` gave last, None where it gave none in the last ten minutes. Raises like `clip`."""
        last = self._last.get(host)
        self._expire(host)
        if isinstance(last, str):
            return self.clip(host, last) if last in self._hosts.get(host, {}) else None
        return last[1] if last and self._clock() - last[0] < KEEP_SECONDS else None

    def _entry(self, host: str, name: str) -> _Entry:
        self._expire(host)
        entries = self._hosts.setdefault(host, OrderedDict())
        entry = entries.setdefault(name, _Entry())
        entry.touched = self._clock()
        entries.move_to_end(name)
        if len(entries) > MAX_CLIPS:
            entries.popitem(last=False)
        return entry

    def _expire(self, host: str) -> None:
        entries = self._hosts.get(host, OrderedDict())
        oldest = self._clock() - KEEP_SECONDS
        while entries and next(iter(entries.values())).touched <= oldest:
            entries.popitem(last=False)


def given(
    notes: Sequence[Note],
    info: Info = PLAIN,
    tempos: Mapping[int, float] = MappingProxyType({}),
    meters: Mapping[int, Meter] = MappingProxyType({}),
) -> Given:
    """A clip of `notes` in the client's order; changes of tempo and meter by their ticks, those at 0 hold from the
    start, and those behind its end say nothing. Raises AssistantError `bad_args` where clip and notes do not fit."""
    order = order_of(notes)
    length = info.length
    if length is not None and order and notes[order[-1]].start >= length:
        late = f"note {order[-1]} starts at beat {notes[order[-1]].start / TICKS:g}"
        raise AssistantError("bad_args", f"{late}, the clip ends at beat {length / TICKS:g}: length_beats is too short")
    try:
        time = TimeMap(_from_start(info.tempo, tempos), _from_start(info.meter, meters), info.upbeat)
        if length is None:
            length = _last_bar(notes, time)
        inside = TimeMap(
            tuple(change for change in time.tempos if change[0] <= length),
            tuple(change for change in time.meters if change[0] <= length),
            info.upbeat,
        )
        drums = info.channel == DRUM_CHANNEL if info.drums is None else info.drums
        track = {"drums": drums, "name": info.name, "channel": info.channel, "program": info.program}
        return Given(Clip(tuple(notes), length, **track).timed(inside), order)  # type: ignore[arg-type]
    except ValueError as error:
        raise AssistantError("bad_args", str(error)) from None


def _from_start(first: T, changes: Mapping[int, T]) -> tuple[tuple[int, T], ...]:
    return tuple(sorted({0: first, **changes}.items(), key=lambda change: change[0]))


def _last_bar(notes: Sequence[Note], time: TimeMap) -> int:
    """Ticks up to the end of the last bar that a note touches, of one bar at least."""
    end = max((note.end for note in notes), default=0)
    return time.line_from(max(end, 1))


def _change(changes: dict[int, T], name: str, what: str, tick: int, value: T) -> None:
    if tick not in changes and len(changes) >= MAX_CHANGES:
        text = f"clip {name}: at_beats {tick / TICKS:g}: a clip has at most {MAX_CHANGES} changes of the {what}"
        raise AssistantError("bad_args", text)
    changes[tick] = value


def _missing(entry: _Entry) -> str:
    """The ranges of notes that have not arrived, in words; empty where all have."""
    if entry.total is None:
        return "no notes have arrived"
    if len(entry.notes) == entry.total:
        return ""
    edges = [-1, *sorted(entry.notes), entry.total]
    gaps = [(low + 1, high - 1) for low, high in itertools.pairwise(edges) if high > low + 1]
    named = ", ".join(f"{low} to {high}" for low, high in gaps[:8]) + (", ..." if len(gaps) > 8 else "")
    return f"notes {named} of {entry.total} are missing"
