"""Notes and clips: the values that everything else passes around.

Time is integer ticks, `TICKS` to the quarter note. Beats and seconds exist only at the borders,
and there the unit is in the name.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from operator import attrgetter

TICKS = 960  # ticks a quarter note
MAX_TICK = 2**31 - 1  # a clip of 2 million beats; also what fits an int32 on the wire and in a file


@dataclass(frozen=True, order=True, slots=True)
class Note:
    """One note: `start` and `duration` in ticks, `pitch` 0 to 127, `velocity` 1 to 127."""

    start: int
    pitch: int
    duration: int
    velocity: int = 80
    muted: bool = False

    def __post_init__(self) -> None:
        start, pitch, duration, velocity = self.start, self.pitch, self.duration, self.velocity
        whole = type(start) is type(pitch) is type(duration) is type(velocity) is int
        if (
            whole
            and 0 <= start <= MAX_TICK
            and 0 <= pitch <= 127
            and 1 <= duration <= MAX_TICK
            and 1 <= velocity <= 127
        ):
            return  # a clip has thousands of notes: what is wrong is looked for only where something is
        for name, low, high in _RANGES:
            value = getattr(self, name)
            if type(value) is not int:
                raise TypeError(f"{name} must be an int, not {value!r}")
            if not low <= value <= high:
                raise ValueError(f"{name} {value} is outside {low} to {high}")

    @property
    def end(self) -> int:
        """First tick after the note."""
        return self.start + self.duration


_RANGES = (
    ("start", 0, MAX_TICK),
    ("pitch", 0, 127),
    ("duration", 1, MAX_TICK),
    ("velocity", 1, 127),
)


@dataclass(frozen=True, slots=True)
class Clip:
    """Notes in order of onset, with the `length` of the clip in ticks, `tempo` in quarters a minute, `meter`.

    Tick 0 is the start of a bar. A note may sound over the end of the clip, but not start there. `drums`: pitches name
    drums, not tones.
    """

    notes: tuple[Note, ...]
    length: int
    tempo: float = 120.0
    meter: tuple[int, int] = (4, 4)
    drums: bool = False

    def __post_init__(self) -> None:
        numerator, denominator = self.meter
        if not 1 <= numerator <= 64 or denominator not in (1, 2, 4, 8, 16, 32, 64):
            raise ValueError(f"meter {numerator}/{denominator} is not a meter: 1 to 64 over 1, 2, 4 ... 64")
        if not 5.0 <= self.tempo <= 1000.0:
            raise ValueError(f"tempo {self.tempo} is outside 5 to 1000 quarters a minute")
        if not 0 <= self.length <= MAX_TICK:
            raise ValueError(f"length {self.length} is outside 0 to {MAX_TICK} ticks")
        object.__setattr__(self, "notes", tuple(sorted(self.notes)))
        if self.notes and self.notes[-1].start >= max(self.length, 1):
            raise ValueError(f"a note starts at tick {self.notes[-1].start}, the clip ends at {self.length}")

    @property
    def bar(self) -> int:
        """Ticks a bar."""
        return bar_ticks(self.meter)

    @property
    def bars(self) -> int:
        """Bars that the clip touches, at least 1."""
        return max(1, -(-self.length // self.bar))

    @property
    def monophonic(self) -> bool:
        """True where no note that sounds starts before the one before it has ended."""
        return all(a.end <= b.start for a, b in pairwise(note for note in self.notes if not note.muted))

    def window(self, start: int, end: int) -> Clip:
        """The notes that start in `start` to `end` ticks, counted from `start`."""
        notes = tuple(replace(n, start=n.start - start) for n in self.notes if start <= n.start < end)
        return replace(self, notes=notes, length=end - start)

    def shifted(self, ticks: int) -> Clip:
        """The same notes `ticks` later."""
        notes = tuple(replace(n, start=n.start + ticks) for n in self.notes)
        return replace(self, notes=notes, length=self.length + ticks)

    def joined(self, other: Clip) -> Clip:
        """This clip with `other` behind it; tempo, meter and `drums` are this clip's."""
        notes = self.notes + other.shifted(self.length).notes
        return replace(self, notes=notes, length=self.length + other.length)


_KEY = attrgetter("start", "pitch", "duration", "velocity", "muted")  # compared in C


def order_of(notes: Sequence[Note]) -> tuple[int, ...]:
    """The index that each note of a clip has in `notes`, which the clip is made of."""
    keys = list(map(_KEY, notes))
    return tuple(sorted(range(len(notes)), key=keys.__getitem__))


def bar_ticks(meter: tuple[int, int]) -> int:
    """Ticks in one bar of `meter`."""
    return TICKS * 4 * meter[0] // meter[1]


def clip_of(notes: Iterable[Note], tempo: float = 120.0, meter: tuple[int, int] = (4, 4)) -> Clip:
    """A clip that ends with the last bar that a note touches."""
    notes = tuple(notes)
    bar = bar_ticks(meter)
    end = max((n.end for n in notes), default=0)
    return Clip(notes, max(1, -(-end // bar)) * bar, tempo, meter)
