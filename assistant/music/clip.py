"""Notes and clips: the values that everything else passes around.

Time is integer ticks, `TICKS` to the quarter note. Beats and seconds exist only at the borders,
and there the unit is in the name. What is said of tempo, meter and bars is a clip's `time`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from operator import attrgetter

from continuo_daw.assistant.music.time_map import TICKS as TICKS
from continuo_daw.assistant.music.time_map import Meter, TimeMap, check_meter, check_tempo
from continuo_daw.assistant.music.time_map import bar_ticks as bar_ticks

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
    """The notes of one track in order of onset, with the `length` of the clip in ticks.

    A note may sound over the end of the clip, but not start there. `drums`: pitches name drums, not tones.
    tempo, meter: those at the start, in quarters a minute and as (3, 4); tempos, meters: later changes, as
    (tick, value); upbeat: ticks from the start to the first bar line
    name, channel 1 to 16, program 1 to 128: those of the track; None where nothing says it
    """

    notes: tuple[Note, ...]
    length: int
    tempo: float = 120.0
    meter: Meter = (4, 4)
    drums: bool = False
    upbeat: int = 0
    tempos: tuple[tuple[int, float], ...] = ()
    meters: tuple[tuple[int, Meter], ...] = ()
    name: str = ""
    channel: int | None = None
    program: int | None = None

    def __post_init__(self) -> None:
        check_meter(self.meter)
        check_tempo(self.tempo)
        if self.upbeat or self.tempos or self.meters:
            _ = self.time
        if not 0 <= self.length <= MAX_TICK:
            raise ValueError(f"length {self.length} is outside 0 to {MAX_TICK} ticks")
        for name, value, high in (("channel", self.channel, 16), ("program", self.program, 128)):
            if value is not None and not 1 <= value <= high:
                raise ValueError(f"{name} {value} is outside 1 to {high}")
        object.__setattr__(self, "notes", tuple(sorted(self.notes)))
        if self.notes and self.notes[-1].start >= max(self.length, 1):
            raise ValueError(f"a note starts at tick {self.notes[-1].start}, the clip ends at {self.length}")

    @property
    def time(self) -> TimeMap:
        """Tempo, meter and bars."""
        return TimeMap(((0, self.tempo), *self.tempos), ((0, self.meter), *self.meters), self.upbeat)

    def timed(self, time: TimeMap) -> Clip:
        """The same notes in other time."""
        (_, tempo), *tempos = time.tempos
        (_, meter), *meters = time.meters
        return replace(self, tempo=tempo, meter=meter, upbeat=time.upbeat, tempos=tuple(tempos), meters=tuple(meters))

    @property
    def bar(self) -> int:
        """Ticks a bar of the meter at the start."""
        return bar_ticks(self.meter)

    @property
    def bars(self) -> int:
        """Bars that the clip touches, at least 1."""
        time = self.time
        return max(1, time.bar_at(max(self.length - 1, 0)).number - time.bar_at(0).number + 1)

    @property
    def monophonic(self) -> bool:
        """True where no note that sounds starts before the one before it has ended."""
        return all(a.end <= b.start for a, b in pairwise(note for note in self.notes if not note.muted))

    def window(self, start: int, end: int) -> Clip:
        """The notes that start in `start` to `end` ticks, counted from `start`."""
        notes = tuple(replace(n, start=n.start - start) for n in self.notes if start <= n.start < end)
        return replace(self, notes=notes, length=end - start).timed(self.time.cut(start, end))

    def shifted(self, ticks: int) -> Clip:
        """The same notes `ticks` later, on the same bars as before."""
        notes = tuple(replace(n, start=n.start + ticks) for n in self.notes)
        return replace(self, notes=notes, length=self.length + ticks)

    def joined(self, other: Clip) -> Clip:
        """This clip with `other` behind it, in its own time up to there; name, channel, program are this clip's."""
        notes = self.notes + tuple(replace(n, start=n.start + self.length) for n in other.notes)
        time = self.time.joined(self.length, other.time)
        return replace(self, notes=notes, length=self.length + other.length).timed(time)


_KEY = attrgetter("start", "pitch", "duration", "velocity", "muted")  # compared in C


def order_of(notes: Sequence[Note]) -> tuple[int, ...]:
    """The index that each note of a clip has in `notes`, which the clip is made of."""
    keys = list(map(_KEY, notes))
    return tuple(sorted(range(len(notes)), key=keys.__getitem__))


def clip_of(notes: Iterable[Note], tempo: float = 120.0, meter: Meter = (4, 4)) -> Clip:
    """A clip that ends with the last bar that a note touches."""
    notes = tuple(notes)
    bar = bar_ticks(meter)
    end = max((n.end for n in notes), default=0)
    return Clip(notes, max(1, -(-end // bar)) * bar, tempo, meter)
