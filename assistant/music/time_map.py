"""Time: the tempo and meter changes of a clip, and where its bar lines lie. Nothing else computes bars.

Ticks are counted from the start of the clip, `TICKS` to the quarter note. A clip need not begin on a bar line: `upbeat`
says how far its first bar line lies from its start. A meter change begins a new bar.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple, TypeVar

TICKS = 960  # ticks a quarter note
Meter = tuple[int, int]
T = TypeVar("T")


class Bar(NamedTuple):
    """One bar: its `number`, 0 for an up-beat and 1 for the first whole bar, the tick where it starts, its ticks.

    The `start` of the bar that an up-beat ends lies before the clip.
    """

    number: int
    start: int
    ticks: int


def bar_ticks(meter: Meter) -> int:
    """Ticks in one bar of `meter`."""
    return TICKS * 4 * meter[0] // meter[1]


def check_tempo(tempo: float) -> None:
    """Raises ValueError for what is no tempo."""
    if not 5.0 <= tempo <= 1000.0:
        raise ValueError(f"tempo {tempo} is outside 5 to 1000 quarters a minute")


def check_meter(meter: Meter) -> None:
    """Raises ValueError for what is no meter."""
    if not 1 <= meter[0] <= 64 or meter[1] not in (1, 2, 4, 8, 16, 32, 64):
        raise ValueError(f"meter {meter[0]}/{meter[1]} is not a meter: 1 to 64 over 1, 2, 4 ... 64")


@dataclass(frozen=True, slots=True)
class TimeMap:
    """`tempos` in quarters a minute and `meters`, each with the tick from which it holds, the first at 0 and ticks
    rising; `upbeat`: ticks from the start to the first bar line, less than a bar. At the end the last ones hold."""

    tempos: tuple[tuple[int, float], ...] = ((0, 120.0),)
    meters: tuple[tuple[int, Meter], ...] = ((0, (4, 4)),)
    upbeat: int = 0

    def __post_init__(self) -> None:
        for name, changes in (("tempo", self.tempos), ("meter", self.meters)):
            ticks = [tick for tick, _ in changes]
            if not ticks or ticks[0] != 0 or ticks != sorted(set(ticks)):
                raise ValueError(f"{name} changes must begin at tick 0 and rise, not {ticks[:8]}")
        for _, tempo in self.tempos:
            check_tempo(tempo)
        for _, meter in self.meters:
            check_meter(meter)
        if not 0 <= self.upbeat < bar_ticks(self.meters[0][1]):
            bar = bar_ticks(self.meters[0][1])
            raise ValueError(f"upbeat {self.upbeat / TICKS:g} is outside 0 to less than a bar of {bar / TICKS:g} beats")

    def tempo_at(self, tick: int) -> float:
        """Quarters a minute."""
        return _at(self.tempos, tick)

    def meter_at(self, tick: int) -> Meter:
        """The meter of the bar that holds `tick`."""
        return _at(self.meters, tick)

    def bar_at(self, tick: int) -> Bar:
        """The bar that holds `tick`; the bars before the clip are numbered 0, -1 ... and have its first meter."""
        whole = 1  # number of the first bar whose line is known
        for index, (start, meter) in enumerate(self.meters):
            line, ticks = (start if index else self.upbeat), bar_ticks(meter)
            later = self.meters[index + 1][0] if index + 1 < len(self.meters) else None
            if later is None or tick < later:
                count = (tick - line) // ticks
                return Bar(whole + count, line + count * ticks, ticks)
            whole += -(-(later - line) // ticks)
        raise AssertionError("the last meter holds to the end")

    def line_from(self, tick: int) -> int:
        """The first bar line at or behind `tick`."""
        bar = self.bar_at(tick)
        if bar.start == tick:
            return tick
        following = next((start for start, _ in self.meters if start > tick), None)
        line = bar.start + bar.ticks
        return line if following is None else min(line, following)

    def lines(self, start: int, end: int) -> list[int]:
        """The bar lines from `start` to before `end`."""
        found = []
        line = self.line_from(start)
        while line < end:
            found.append(line)
            line = self.line_from(line + 1)
        return found

    def seconds_at(self, tick: int) -> float:
        """Seconds from the start of the clip to `tick`."""
        seconds = 0.0
        for index, (start, tempo) in enumerate(self.tempos):
            end = self.tempos[index + 1][0] if index + 1 < len(self.tempos) else tick
            seconds += max(0, min(end, tick) - start) * 60 / (tempo * TICKS)
        return seconds

    def cut(self, start: int, end: int | None = None) -> TimeMap:
        """The map of the stretch that begins at `start`, without the changes at `end` and behind it."""
        return TimeMap(_cut(self.tempos, start, end), _cut(self.meters, start, end), self.line_from(start) - start)

    def joined(self, at: int, other: TimeMap) -> TimeMap:
        """This map up to `at`, and `other` from there on; where its bars do not go on, a new one begins at its first
        bar line."""
        if not at:
            return other
        goes_on = self.meter_at(at) == other.meters[0][1] and self.line_from(at) - at == other.upbeat
        first = () if goes_on else ((other.upbeat, other.meters[0][1]),)
        behind = dict((*first, *other.meters[1:]))
        meters = (*((t, m) for t, m in self.meters if t < at), *((t + at, m) for t, m in behind.items()))
        tempos = [(t, v) for t, v in self.tempos if t < at] + [(t + at, v) for t, v in other.tempos]
        kept = tempos[:1] + [b for a, b in pairwise(tempos) if a[1] != b[1]]
        return TimeMap(((0, kept[0][1]), *kept[1:]), meters, self.upbeat)


def _at(changes: Sequence[tuple[int, T]], tick: int) -> T:
    return changes[max(0, bisect_right(changes, tick, key=lambda change: change[0]) - 1)][1]


def _cut(changes: Sequence[tuple[int, T]], start: int, end: int | None) -> tuple[tuple[int, T], ...]:
    inside = ((tick - start, value) for tick, value in changes if tick > start and (end is None or tick < end))
    return ((0, _at(changes, start)), *inside)
