"""The event codec: notes of a clip to tokens on a musical grid and back, and which token may follow which.

A note is written `PITCH [VELOCITY] [OFFSET] [LENGTH] LONG* DURATION`; `TIME` tokens before it say how many grid
steps after the onset before it starts. Notes of one onset stand from low to high. A second `DURATION` behind a note
is the same pitch once more, longer by that much. `VELOCITY` is written where it changes. `LONG` and the longest
`TIME` add a quarter-note times four and may repeat, so that any length is held.

    START PITCH60 VELOCITY80 DURATION24 PITCH64 DURATION24 TIME24 PITCH67 DURATION48 END

Everything that decides whether a token is legal stands in `Grammar`, as tables; the same tables are built into the
graphs, so what cannot be decoded cannot be sampled.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from continuo_daw.assistant.music.clip import TICKS, Clip, Note

END, START, RESUME = 0, 1, 2  # RESUME opens a sequence that does not begin where the piece begins
KINDS = ("END", "START", "RESUME", "TIME", "PITCH", "VELOCITY", "LONG", "DURATION", "OFFSET", "LENGTH")
OPEN = 1e6  # no bound
CLOSED = 128.0  # a pitch floor above every pitch


@dataclass(frozen=True)
class Grammar:
    """Which token is legal, as tables over the V tokens.

    The state of a sequence is three numbers: `floor` (lowest pitch that may still join this onset), `gap` (steps that
    must pass before the next onset) and `clock` (steps since the start). A token moves it by
    `state = state * keep[token] + add[token]`. A token is legal after `previous` where
    `follow[kind[previous], token]` and `pitch[token] >= floor` and `wait[token] >= gap`.
    """

    kind: NDArray[np.int64]  # (V,) index into KINDS
    follow: NDArray[np.bool_]  # (kinds + 1, V); the last row is the longest TIME, which another TIME may follow
    keep: NDArray[np.float32]  # (V, 3)
    add: NDArray[np.float32]  # (V, 3)
    pitch: NDArray[np.float32]  # (V,)
    wait: NDArray[np.float32]  # (V,)

    def legal(self, previous: int, state: NDArray[np.float32]) -> NDArray[np.bool_]:
        """(V,) tokens that may follow `previous` in `state` (3,)."""
        legal: NDArray[np.bool_] = self.follow[self.kind[previous]] & (self.pitch >= state[0]) & (self.wait >= state[1])
        return legal

    def allows(self, previous: int, state: NDArray[np.float32], token: int) -> bool:
        """Whether `token` may follow; the same as `legal`, for one."""
        follows = self.follow[self.kind[previous], token]
        return bool(follows and self.pitch[token] >= state[0] and self.wait[token] >= state[1])

    def advance(self, state: NDArray[np.float32], token: int) -> NDArray[np.float32]:
        """The state (3,) after `token`."""
        moved: NDArray[np.float32] = state * self.keep[token] + self.add[token]
        return moved


@dataclass(frozen=True)
class EventCodec:
    """`resolution` steps a quarter; `voices` is `one` (no note starts while another sounds) or `many`;
    `timing` is `round` (notes move to the grid) or `micro` (what is off the grid is kept, in ticks)."""

    resolution: int = 24
    voices: str = "many"
    timing: str = "round"

    def __post_init__(self) -> None:
        if self.resolution < 1 or TICKS % self.resolution:
            raise ValueError(f"resolution {self.resolution} does not divide {TICKS} ticks a quarter")
        if self.voices not in ("one", "many"):
            raise ValueError(f"voices {self.voices!r} is not one of one, many")
        if self.timing not in ("round", "micro"):
            raise ValueError(f"timing {self.timing!r} is not one of round, micro")

    @property
    def step(self) -> int:
        """Ticks a grid step."""
        return TICKS // self.resolution

    @cached_property
    def _ranges(self) -> dict[str, range]:
        longest = 4 * self.resolution
        micro = self.timing == "micro"
        half = self.step // 2
        return {
            "END": range(0, 1),
            "START": range(0, 1),
            "RESUME": range(0, 1),
            "TIME": range(1, longest + 1),
            "PITCH": range(0, 128),
            "VELOCITY": range(1, 128),
            "LONG": range(longest, longest + 1),
            "DURATION": range(1, longest + 1),
            # ticks between grid and note: the onset to either side, the end also where a short note had to grow
            "OFFSET": range(-half, self.step - half) if micro else range(0),
            "LENGTH": range(-half - self.step, self.step - half) if micro else range(0),
        }

    @cached_property
    def _first(self) -> dict[str, int]:
        """Token of the value 0 of each kind, so that a token is `_first[kind] + value`."""
        first, at = {}, 0
        for kind, values in self._ranges.items():
            first[kind] = at - values.start
            at += len(values)
        return first

    @cached_property
    def size(self) -> int:
        """Number of tokens, V."""
        return sum(len(values) for values in self._ranges.values())

    @cached_property
    def kinds(self) -> NDArray[np.int64]:
        """(V,) index of each token's kind in `KINDS`."""
        return np.repeat(np.arange(len(KINDS)), [len(self._ranges[kind]) for kind in KINDS])

    @cached_property
    def values(self) -> NDArray[np.int64]:
        """(V,) value of each token: steps, pitch, velocity or ticks."""
        return np.concatenate([np.asarray(self._ranges[kind], np.int64) for kind in KINDS])

    def token(self, kind: str, value: int = 0) -> int:
        """The token of `kind` with `value`."""
        if value not in self._ranges[kind]:
            raise ValueError(f"{kind} {value} is outside {self._ranges[kind]}")
        return self._first[kind] + value

    def name(self, token: int) -> str:
        """A token as text, for people."""
        return f"{KINDS[self.kinds[token]]}{self.values[token] or ''}"

    @cached_property
    def grammar(self) -> Grammar:
        """The tables of what is legal."""
        kinds, values, size = self.kinds, self.values, self.size
        of = {kind: kinds == index for index, kind in enumerate(KINDS)}
        longest_time = of["TIME"] & (values == 4 * self.resolution)

        note = of["DURATION"] | of["LONG"]
        shape = note | of["OFFSET"] | of["LENGTH"]
        begin = of["TIME"] | of["PITCH"] | of["END"]
        again = shape | of["VELOCITY"] if self.voices == "many" else np.zeros(size, bool)
        follow = {
            "END": np.zeros(size, bool),
            "START": begin,
            "RESUME": begin,
            "TIME": of["PITCH"] | of["END"],
            "PITCH": shape | of["VELOCITY"],
            "VELOCITY": shape,
            "OFFSET": note | of["LENGTH"],
            "LENGTH": note,
            "LONG": note,
            "DURATION": begin | again,
        }
        after_longest = of["TIME"] | follow["TIME"]

        keep, add = np.ones((size, 3), np.float32), np.zeros((size, 3), np.float32)
        keep[of["TIME"] | of["PITCH"], 0] = 0
        add[of["PITCH"], 0] = values[of["PITCH"]] + 1
        add[of["TIME"], 1] = -values[of["TIME"]]
        add[of["TIME"], 2] = values[of["TIME"]]
        keep[of["PITCH"], 1] = 0
        if self.voices == "one":
            add[note, 1] = values[note]
        wait = np.select([longest_time, of["TIME"], of["PITCH"]], [OPEN, values, 0], OPEN).astype(np.float32)
        if self.voices == "many":
            wait[again] = 0  # while an onset is waited for, nothing may be added to the note before it
        return Grammar(
            kind=np.where(longest_time, len(KINDS), kinds),
            follow=np.stack([*(follow[kind] for kind in KINDS), after_longest]),
            keep=keep,
            add=add,
            pitch=np.where(of["PITCH"], values, OPEN).astype(np.float32),
            wait=wait,
        )

    def encode(self, clip: Clip, first: int = START, last: int | None = END) -> NDArray[np.int64]:
        """Tokens of the clip's notes; muted notes are left out, of notes alike in onset, pitch and duration the
        loudest is kept, and with `voices` one a note ends where the next begins (of a chord the highest stays)."""
        tokens = [first]
        clock, pitch, total, velocity = 0, -1, 0, -1
        for onset, note_pitch, duration, note_velocity, offset, length in self.grid(clip):
            if onset > clock:
                tokens += self._chain("TIME", onset - clock)
                clock, pitch = onset, -1
            if note_pitch != pitch:
                tokens.append(self._first["PITCH"] + note_pitch)
                total = 0
            if note_velocity != velocity:
                tokens.append(self._first["VELOCITY"] + note_velocity)
            if self.timing == "micro":
                tokens += [self._first["OFFSET"] + offset] if offset else []
                tokens += [self._first["LENGTH"] + length] if length else []
            tokens += self._chain("DURATION", duration - total)
            pitch, total, velocity = note_pitch, duration, note_velocity
        if last is not None:
            tokens.append(last)
        return np.asarray(tokens, np.int64)

    def _chain(self, kind: str, steps: int) -> list[int]:
        """`steps` as the longest value, as often as it goes in with something left, and the rest."""
        longest = 4 * self.resolution
        times, rest = divmod(steps - 1, longest)
        full = self._first["LONG" if kind == "DURATION" else kind] + longest
        return [full] * times + [self._first[kind] + rest + 1]

    def grid(self, clip: Clip) -> Iterator[tuple[int, int, int, int, int, int]]:
        """(onset, pitch, duration, velocity, offset, length) of each note in canonical order; steps, then ticks."""
        step = self.step
        rows: dict[tuple[int, int, int], tuple[int, int, int]] = {}
        for note in clip.notes:
            if note.muted:
                continue
            onset = (note.start + step // 2) // step
            end = max((note.end + step // 2) // step, onset + 1)
            row = (onset, note.pitch, end - onset)
            loudest = rows.get(row)
            if loudest is None or note.velocity > loudest[0]:
                rows[row] = (note.velocity, note.start - onset * step, note.end - end * step)
        ordered = [(*row, *rows[row]) for row in sorted(rows)]
        return iter(ordered if self.voices == "many" else _one_voice(ordered))

    def decode(self, tokens: Iterable[int]) -> tuple[Note, ...]:
        """The notes of a sequence, from its START. Raises ValueError where a token is illegal."""
        reader = NoteReader(self)
        return tuple(note for token in tokens for note in reader.read(int(token)))


class NoteReader:
    """Reads tokens one by one and gives each note as soon as its DURATION has come.

    previous: the token before the first, None where the sequence opens; state (3,) of the grammar after it
    """

    def __init__(
        self,
        codec: EventCodec,
        previous: int | None = None,
        state: NDArray[np.float32] | None = None,
        velocity: int = 80,
    ) -> None:
        self.codec = codec
        self.previous = previous
        self.state = np.zeros(3, np.float32) if state is None else state
        self.velocity = velocity
        self.total = 0  # steps of the note that is being read, or of the last one
        self._pitch = self._offset = self._length = 0

    def read(self, token: int) -> Sequence[Note]:
        """The notes that `token` completes. Raises ValueError where it may not stand here."""
        codec, grammar = self.codec, self.codec.grammar
        if self.previous is None:
            if token not in (START, RESUME):
                raise ValueError(f"a sequence opens with START or RESUME, not {codec.name(token)}")
        elif not 0 <= token < codec.size or not grammar.allows(self.previous, self.state, token):
            raise ValueError(f"token {token} may not follow {codec.name(self.previous)}")
        self.previous = token
        self.state = grammar.advance(self.state, token)
        kind, value = KINDS[codec.kinds[token]], int(codec.values[token])
        if kind == "PITCH":
            self._pitch, self.total = value, 0
        elif kind == "VELOCITY":
            self.velocity = value
        elif kind == "OFFSET":
            self._offset = value
        elif kind == "LENGTH":
            self._length = value
        elif kind == "LONG":
            self.total += value
        elif kind == "DURATION":
            self.total += value
            return self._note()
        return ()

    def _note(self) -> Sequence[Note]:
        clock = int(self.state[2])
        start = max(0, clock * self.codec.step + self._offset)
        end = (clock + self.total) * self.codec.step + self._length
        self._offset = self._length = 0
        return (Note(start, self._pitch, max(1, end - start), self.velocity),)


def _one_voice(rows: list[tuple[int, int, int, int, int, int]]) -> list[tuple[int, int, int, int, int, int]]:
    """The highest note of each onset (the longest of its unisons), cut where the next onset is."""
    highest = {row[0]: row for row in rows}  # rows rise in pitch and duration: the last one of an onset stays
    voice = list(highest.values())
    for index, (row, after) in enumerate(pairwise(voice)):
        onset, pitch, duration, velocity, offset, length = row
        if onset + duration > after[0]:
            voice[index] = (onset, pitch, after[0] - onset, velocity, offset, after[4])
        elif onset + duration == after[0] and length > after[4]:
            voice[index] = (onset, pitch, duration, velocity, offset, after[4])
    return voice
