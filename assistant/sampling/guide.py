"""Guidance: tells the sampling of each candidate, token by token, what it may choose and what it had better choose.

Limits close tokens outright. Wishes lean on the logits towards what the rest of the music must be like for the whole to
be as asked: its pace, its mean pitch, its pitch classes. So the network may do at any moment what it likes, as long as
there is room to make up for it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from continuo_daw.assistant.codecs.condition import PARTS, condition
from continuo_daw.assistant.codecs.events import KINDS, EventCodec, NoteReader
from continuo_daw.assistant.errors import AssistantError
from continuo_daw.assistant.music.clip import Clip, Note
from continuo_daw.assistant.music.swing import swung, swung_ticks
from continuo_daw.assistant.sampling.inputs import FORBIDDEN
from continuo_daw.assistant.sampling.templates import Onset, onsets_of, template
from continuo_daw.assistant.sampling.wishes import Wishes

Floats = NDArray[np.float32]

# How hard each wish leans; by voices, as chords come in lumps and hands lie far apart.
PACE = {"one": 1.0, "many": 0.7}  # nats for a doubling of the pace that is needed, and a doubling of a length
LIFT = {"one": 0.055, "many": 0.01}  # nats for a semitone that the rest must lie higher, and a semitone of a pitch
REACH = {"one": 7.0, "many": 18.0}  # semitones
PULL = 0.8  # how far the shares that the rest must have count, beside what the network knows from its condition
JOIN = 0.5  # nats for a doubling of the pace that is needed: how much likelier one more note joins a chord
FAR_DOUBLINGS = 2.7
MOST_DOUBLINGS, MOST_SEMITONES = 1.9, 12.0  # needed, beyond which nothing leans harder
USUAL = 1.5  # notes a quarter, where no density is asked and there are no notes yet
RARE = 0.004  # share below which pitch classes are not told apart
_PITCHES = np.arange(128, dtype=np.float32)
_CLASSES = np.arange(128) % 12
_LASTING = ("shortest", "longest", "swing", "start_on_beat")
_OPEN = ("START", "RESUME", "TIME", "DURATION")  # behind these no note is open
_SHAPE = ("VELOCITY", "LONG", "DURATION", "OFFSET", "LENGTH")


class Guidance:
    """Wishes on the grid of a codec, for music from step `begin` to `until` behind `clip`, whose bars it has.

    Raises AssistantError `bad_args` where a limit leaves nothing of the grid.
    """

    def __init__(self, codec: EventCodec, wishes: Wishes, begin: int, until: int, clip: Clip) -> None:
        self.codec, self.wishes = codec, wishes
        # where the first note shall be on a beat, the grid is that of the new bars, even if the clip ends off it
        self.origin = begin * codec.step if wishes.beat else clip.length
        steps = np.arange(begin, until + 1) * codec.step - self.origin  # ticks of the new clip
        self.bar_at = np.clip(steps // clip.bar, 0, wishes.bars - 1)
        self.lines = [int(np.searchsorted(steps, line * clip.bar)) for line in range(wishes.bars + 1)]
        self.bar_ticks = clip.bar
        self.begin, self.until = begin, until
        self.of = {kind: codec.kinds == index for index, kind in enumerate(KINDS)}
        self.shape = np.isin(codec.kinds, [KINDS.index(kind) for kind in _SHAPE])
        self.sounding = self.of["LONG"] | self.of["DURATION"]
        self.doublings = np.log2(np.maximum(codec.values, 1)).astype(np.float32)
        self.closed = [np.where(wishes.allowed(bar), 0, FORBIDDEN).astype(np.float32) for bar in range(wishes.bars)]
        self.rhythm = onsets_of(codec, template(wishes.rhythm, wishes.bars, clip.bar)) if wishes.rhythm else ()
        self.pitches = [sorted({*o.pitches}) for o in onsets_of(codec, wishes.pitches)] if wishes.pitches else []
        self.horizon = [self._horizon(bar) for bar in range(wishes.bars)]
        self.shares_at = [int(np.searchsorted(steps, at)) for at, _ in wishes.shares]
        self.told = [self._told(bar) for bar in range(wishes.bars)]
        # (V,) doublings by which each value is longer than an even note; beyond, grace notes would win
        even = [np.float32(np.log2(codec.resolution / density)) for density in wishes.density or ()]
        self.longer = [np.clip(self.doublings - middle, -FAR_DOUBLINGS, FAR_DOUBLINGS) for middle in even]
        self.time, self.durations = np.flatnonzero(self.of["TIME"]), np.flatnonzero(self.of["DURATION"])
        self.exact = bool(wishes.shortest or wishes.longest or wishes.polyphony or wishes.beat or wishes.rhythm)
        self.ticks = np.clip(steps, 0, wishes.bars * clip.bar)
        if wishes.swing:
            self.ticks = swung(self.ticks, wishes.swing, clip.bar, swung_ticks(clip.meter))
        self.lasting = self._lasting()
        self.starts = self._starts()
        late = steps % wishes.beat if wishes.beat else np.zeros_like(steps)
        self.first = self.starts & (np.minimum(late, wishes.beat - late) * 2 <= codec.step)
        if not self.first[: self.lines[1]].any():
            asked = ", ".join(f"{key} {words}" for key, words in wishes.asked.items() if key in _LASTING)
            raise AssistantError("bad_args", f"{asked}: no note of the grid is so long in the first bar")
        self.latest = begin + int(np.flatnonzero(self.first)[-1])
        if wishes.rhythm and not self.rhythm:
            raise AssistantError("bad_args", f"rhythm_from clip: its first {wishes.bars} bars have no note")
        for onset in self.rhythm:
            room = int((self.closed[self.bar_of_rhythm(onset)] == 0).sum())
            if room < len(onset.lengths):
                text = f"rhythm_from clip has {len(onset.lengths)} notes at once, the limits leave {room} pitches"
                raise AssistantError("bad_args", text)

    def _horizon(self, bar: int) -> tuple[int, int]:
        """First and last bar line between which density and register are to be reached: those of the bar, if they
        differ from bar to bar."""
        asked = [values for values in (self.wishes.density, self.wishes.register) if values]
        return (bar, bar + 1) if any(len({*values}) > 1 for values in asked) else (0, self.wishes.bars)

    def _lasting(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Ticks (steps,) that a note which starts at a step must last, and may last."""
        short, long = (
            (v or (d,) * self.wishes.bars) for v, d in ((self.wishes.shortest, 1), (self.wishes.longest, 10**9))
        )
        return np.array(short)[self.bar_at], np.array(long)[self.bar_at]

    def _starts(self) -> NDArray[np.bool_]:
        """(steps,) where a note may start, since there is a length for it."""
        short, long = self.lasting
        end = np.searchsorted(self.ticks, self.ticks + short)
        inside = end < len(self.ticks)
        starts: NDArray[np.bool_] = inside & (self.ticks[np.minimum(end, len(self.ticks) - 1)] - self.ticks <= long)
        return starts

    def bar_of(self, clock: float) -> int:
        """The bar that a step lies in."""
        return int(self.bar_at[min(max(int(clock) - self.begin, 0), len(self.bar_at) - 1)])

    def bar_of_rhythm(self, onset: Onset) -> int:
        """The bar in which an onset of the given rhythm lies, to the tick."""
        return min(onset.given[0][0] // self.bar_ticks, self.wishes.bars - 1)

    def segment(self, clock: float) -> int:
        """Which of the wishes' shares are asked at a step."""
        return max(bisect_right(self.shares_at, clock - self.begin) - 1, 0)

    def condition(self, base: Floats, clock: float) -> Floats:
        """(SIZE,) the condition at a step: that of the task, with what is asked of the bar in its place."""
        asked, told = self.told[self.bar_of(clock)]
        return np.where(told, asked, base)

    def _told(self, bar: int) -> tuple[Floats, NDArray[np.bool_]]:
        """(SIZE,) a condition with what is asked of a bar, and (SIZE,) which columns that is."""
        wishes = self.wishes
        asked = condition(
            sum((shares for _, shares in wishes.shares), np.zeros(12)) if wishes.shares else None,
            wishes.register[bar] if wishes.register else None,
            wishes.density[bar] if wishes.density else None,
        )
        told = np.zeros(len(asked), bool)
        for columns in PARTS:
            told[columns] = asked[columns[-1]] > 0
        return asked, told


class Guide:
    """What guides one candidate: `lean` before each token, `took` after it."""

    def __init__(self, guidance: Guidance) -> None:
        self.on = guidance
        self.clock, self.onset, self.here = -1, -1, 0  # the present onset: its step, its number, its notes so far
        self.made = False  # whether there is a note
        self.counts, self.totals = ([0] * guidance.wishes.bars for _ in range(2))  # notes, sums of pitches of each bar
        self.classes = np.zeros(12)  # notes of each pitch class
        self.ends: list[int] = []

    def lean(self, reader: NoteReader, bias: Floats) -> None:
        """Adds to the logits (V,) of the token after those that `reader` has read, in place."""
        on, clock = self.on, int(reader.state[2])
        kind = KINDS[on.codec.kinds[reader.previous]]
        if kind not in _OPEN:
            self._length(clock, reader.total, bias)
            return
        bias[on.shape] = FORBIDDEN  # no note is said twice
        self._pitch(clock, bias)
        self._time(clock, float(reader.state[1]), bias)
        if on.rhythm:
            self._given_time(clock, bias)

    def took(self, reader: NoteReader, notes: Sequence[Note]) -> None:
        """Counts the notes that the last token has completed."""
        wishes, clock = self.on.wishes, int(reader.state[2])
        for note in notes:
            self.onset, self.here = (self.onset, self.here + 1) if clock == self.clock else (self.onset + 1, 1)
            self.clock = clock
            self.made = True
            self.counts[self.on.bar_of(clock)] += 1
            self.totals[self.on.bar_of(clock)] += note.pitch
            self.classes[note.pitch % 12] += 1
            self.ends = sorted([*(end for end in self.ends if end > clock), clock + reader.total])
            if wishes.polyphony and len(self.ends) >= wishes.polyphony:
                # the grammar waits until one of them has ended
                free = self.ends[len(self.ends) - wishes.polyphony] - clock
                reader.state = np.array([reader.state[0], max(reader.state[1], free), clock], np.float32)

    def _rest(self, clock: int) -> tuple[float, float, int, int]:
        """Up to the horizon of the bar at `clock`: the notes that are still wanted, the quarters that are left, and how
        many notes with what sum of pitches stand there already."""
        on, bar = self.on, self.on.bar_of(clock)
        first, last = on.horizon[bar]
        start, end = (on.begin + on.lines[line] for line in (first, last))
        count, total = sum(self.counts[first:last]), sum(self.totals[first:last])
        left = max(end - clock, 1) / on.codec.resolution
        passed = (clock - start) / on.codec.resolution
        if on.wishes.density:
            wanted = on.wishes.density[bar] * (end - start) / on.codec.resolution - count
        else:
            wanted = left * (count / passed if passed > 4 else USUAL)
        return max(wanted, 0.5), left, count, total

    def _faster(self, clock: int) -> float:
        """How much faster than asked the rest must go, in doublings."""
        wanted, left, *_ = self._rest(clock)
        assert self.on.wishes.density
        doublings = float(np.log2(wanted / left / self.on.wishes.density[self.on.bar_of(clock)]))
        return max(-MOST_DOUBLINGS, min(MOST_DOUBLINGS, doublings))

    def _pace(self, clock: int) -> Floats:
        """(V,) what is added to tokens of time so that the rest goes as fast as it must."""
        on = self.on
        slower = np.float32(-PACE[on.codec.voices] * self._faster(clock))
        pace: Floats = slower * on.longer[on.bar_of(clock)]
        return pace

    def _wish(self, clock: int) -> Floats:
        """(128,) what is added to pitches so that the rest makes up for what has been made."""
        on, wishes, bar = self.on, self.on.wishes, self.on.bar_of(clock)
        wish = np.zeros(128, np.float32)
        wanted, _, count, total = self._rest(clock)
        if wishes.register:
            higher = (wishes.register[bar] * count - total) / wanted
            higher = max(-MOST_SEMITONES, min(MOST_SEMITONES, higher))
            # what lies far off is wanted no more than what lies `REACH` off, or one wild leap would make up for all
            reach = REACH[on.codec.voices]
            apart = np.minimum(np.maximum(_PITCHES - np.float32(wishes.register[bar]), -reach), reach)
            wish += np.float32(LIFT[on.codec.voices] * higher) * apart
        if wishes.shares:
            shares = wishes.shares[on.segment(clock)][1]
            wish += (PULL * np.log(12 * (self._needed(clock, shares, wanted) + RARE)))[_CLASSES]
        return wish

    def _needed(self, clock: int, shares: NDArray[np.float64], wanted: float) -> NDArray[np.float64]:
        """(12,) the shares that the rest must have; where they are asked of a bar or a chord, those."""
        if len(self.on.wishes.shares) > 1:
            return shares
        rest = np.maximum(shares * (self.classes.sum() + wanted) - self.classes, 0)
        needed: NDArray[np.float64] = rest / max(rest.sum(), 1e-9)
        return needed

    def _place(self, clock: int) -> tuple[int, int]:
        """Number of the onset that a note at `clock` belongs to, and number of that note in it."""
        return (self.onset, self.here) if clock == self.clock else (self.onset + 1, 0)

    def _pitch(self, clock: int, bias: Floats) -> None:
        on, wishes, bar = self.on, self.on.wishes, self.on.bar_of(clock)
        number, above = self._place(clock)
        if on.rhythm and number < len(on.rhythm):
            bar = on.bar_of_rhythm(on.rhythm[number])
        lean = on.closed[bar].copy()
        if wishes.register or wishes.shares:
            lean += self._wish(clock)
        if wishes.density and clock == self.clock and on.codec.voices == "many":
            lean += np.float32(JOIN * self._faster(clock))
        if not (on.starts if self.made else on.first)[max(clock - on.begin, 0)]:
            lean[:] = FORBIDDEN  # no length is right for a note that starts here
        if on.rhythm and number < len(on.rhythm):
            free = np.flatnonzero(on.closed[bar] == 0)
            lean[free[len(free) - (len(on.rhythm[number].lengths) - above - 1) :]] = FORBIDDEN  # for the others above
        if on.pitches:
            chord = on.pitches[number % len(on.pitches)]
            lean[np.arange(128) != (chord[above] if above < len(chord) else -1)] = FORBIDDEN
            if above and above < len(chord):
                bias[on.of["TIME"]] = FORBIDDEN
        bias[on.of["PITCH"]] += lean

    def _time(self, clock: int, wait: float, bias: Floats) -> None:
        """Time to where a note may start, or beyond the end; `wait`: steps that must pass."""
        on, wishes = self.on, self.on.wishes
        landing = clock + on.codec.values[on.time] - on.begin
        shut = ~(on.starts if self.made else on.first)[np.clip(landing, 0, len(on.starts) - 1)]
        shut &= landing < on.until - on.begin
        # behind the longest more time may come; to the first note, which must come soon, only where it is far
        near = bool((~shut[:-1] & (on.codec.values[on.time[:-1]] >= wait)).any())
        shut[-1] &= not self.made and near
        bias[on.time[shut]] = FORBIDDEN
        if wishes.density:
            bias[on.time] += self._pace(clock)[on.time]

    def _given_time(self, clock: int, bias: Floats) -> None:
        """Only the way to the next onset of the given rhythm, or the next note of the present one."""
        on, following = self.on, self.onset + 1
        due = on.begin + on.rhythm[following].step if following < len(on.rhythm) else on.until
        present = clock == self.clock and self.here < len(on.rhythm[self.onset].lengths)
        if present or clock == due:
            bias[on.of["TIME"]] = FORBIDDEN
            return
        bias[on.of["PITCH"]] = FORBIDDEN
        wait = min(max(due - clock, 1), 4 * on.codec.resolution)
        bias[on.of["TIME"] & (on.codec.values != wait)] = FORBIDDEN

    def _length(self, clock: int, total: int, bias: Floats) -> None:
        """What may follow where a length may follow; `total`: the steps that the note has already."""
        on, wishes = self.on, self.on.wishes
        reach = total + on.codec.values[on.durations]
        most = total + 4 * on.codec.resolution + 1  # at least, behind a LONG
        if on.rhythm:
            number, above = self._place(clock)
            wrong, far = reach != on.rhythm[number].lengths[above], most > on.rhythm[number].lengths[above]
        else:
            at = max(clock - on.begin, 0)
            short, long = (int(limit[at]) for limit in on.lasting)
            lasting = on.ticks[np.minimum(at + np.append(reach, most), len(on.ticks) - 1)] - on.ticks[at]
            wrong, far = ((lasting < short) | (lasting > long))[:-1], bool(lasting[-1] > long)
        bias[on.durations[wrong]] = FORBIDDEN
        if far:
            bias[on.of["LONG"]] = FORBIDDEN
        if on.exact:
            bias[on.of["OFFSET"] | on.of["LENGTH"]] = FORBIDDEN
        if wishes.density and on.codec.voices == "one":
            bias[on.sounding] += self._pace(clock)[on.sounding]
