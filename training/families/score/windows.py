"""Windows of the score network: what is heard, what is given and what is to be written, drawn from packed pieces.

A window is a stretch of a piece that begins on a bar line. Its written lanes are one list of events in order of
onset, lane, pitch. Beside them may stand given notes: of other lanes, behind a gap, or single ones. A lane is a voice,
an instrument or the drums; hands of one keyboard are one lane.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from continuo_daw.assistant.codecs.condition import PARTS, SIZE, condition, condition_of
from continuo_daw.assistant.codecs.score.window import (
    ANY_PROGRAM,
    DRUMS,
    KEY,
    LANES,
    ONSET,
    RESOLUTION,
    SPARE,
    TRACK,
    Table,
    Window,
)
from continuo_daw.training.families.score.songs import (
    DRUM,
    KEYBOARD,
    LONGEST,
    MONO,
    STYLES,
    TUNE,
    Piece,
    distinct,
    one_voice,
)

ANY_STYLE = len(STYLES)
MOST_GIVEN = 640  # given notes at most, in training
LEAST = 8  # notes that a window has to teach
TASKS = ("plain", "infill", "accompany", "some")


def lanes_of(piece: Piece, rng: np.random.Generator) -> list[list[int]]:
    """The tracks of each lane, drawn: one voice, one keyboard, everything as one instrument, or several lanes."""
    flags = piece.flags
    keys = [t for t, flag in enumerate(flags) if flag & KEYBOARD and not flag & TUNE]
    drums = [t for t, flag in enumerate(flags) if flag & DRUM]
    others = [t for t, flag in enumerate(flags) if not flag & DRUM and t not in keys]
    singles = [t for t, flag in enumerate(flags) if flag & MONO]
    pitched = others + keys
    apart = [[t] for t in others] + ([keys] if keys and rng.random() < 0.85 else [[t] for t in keys])
    apart += [drums] if drums else []
    choices: list[tuple[float, list[list[int]]]] = []
    if singles:
        choices.append((0.3, [[int(rng.choice(singles))]]))
    if keys:
        choices.append((0.4, [keys]))
    if 2 <= len(pitched) <= 5 and not (keys and not others):
        choices.append((0.12, [pitched]))
    if len(apart) > 1:
        most = min(len(apart), int(rng.integers(2, LANES + 1)))
        picked = sorted(rng.choice(len(apart), most, replace=False).tolist())
        choices.append((0.3, [apart[p] for p in picked]))
    if drums:
        choices.append((0.1, [drums]))
    weights = np.cumsum([weight for weight, _ in choices]) if choices else np.array([1.0])
    at = int(np.searchsorted(weights, rng.random() * weights[-1], "right"))
    return choices[min(at, len(choices) - 1)][1] if choices else apart


def laned(piece: Piece, lanes: Sequence[Sequence[int]]) -> tuple[Table, NDArray[np.int32]]:
    """The notes of some lanes, numbered anew, and the program of each lane."""
    number = np.full(len(piece.flags), -1, np.int32)
    programs = []
    for lane, tracks in enumerate(lanes):
        number[list(tracks)] = lane
        own = {DRUMS if piece.flags[t] & DRUM else int(piece.programs[t]) for t in tracks}
        programs.append(own.pop() if len(own) == 1 else ANY_PROGRAM)
    table = piece.notes[number[piece.notes[:, TRACK]] >= 0].copy()
    table[:, TRACK] = number[table[:, TRACK]]
    alone = len(lanes) == 1 and len(lanes[0]) == 1
    return (table if alone else distinct(table)), np.array(programs, np.int32)


def voices_of(piece: Piece, lanes: Sequence[Sequence[int]]) -> NDArray[np.bool_]:
    """Which lanes are one voice."""
    return np.array([len(tracks) == 1 and bool(piece.flags[tracks[0]] & MONO) for tracks in lanes])


def bar_line(piece: Piece, onset: int) -> int:
    """The bar line at or before a step."""
    first, bar, _ = piece.bars[max(int(np.searchsorted(piece.bars[:, 0], onset, "right")) - 1, 0)]
    return onset - (onset - first) % max(int(bar), 1) if bar else onset


def bars_from(piece: Piece, start: int, known: bool = True) -> Table:
    """The bars of a piece as they are counted from a bar line at `start`."""
    at = max(int(np.searchsorted(piece.bars[:, 0], start, "right")) - 1, 0)
    bars = piece.bars[at:].copy()
    bars[:, 0] -= start
    bars[0, 0] = 0
    if not known:
        bars[:, 1:] = 0
    return bars


def stretch(table: Table, first: int, most: int) -> int:
    """Where a window of at most `most` notes from number `first` stops; it never spans a very long silence."""
    stop = min(first + most, len(table))
    silent = np.flatnonzero(np.diff(table[first:stop, ONSET]) > LONGEST)
    return first + int(silent[0]) + 1 if len(silent) else stop


def draw(piece: Piece, most: int, rng: np.random.Generator) -> Window | None:
    """A window of at most `most` written notes of a piece, with its task; None where the piece has no such notes."""
    lanes = lanes_of(piece, rng)
    table, programs = laned(piece, lanes)
    if len(table) < LEAST:
        return None
    first = 0
    if rng.random() > 0.3 and len(table) > most // 2:
        near = int(table[rng.integers(0, len(table) - most // 4), ONSET])
        first = int(np.searchsorted(table[:, ONSET], bar_line(piece, near)))
    start = bar_line(piece, int(table[first, ONSET])) if first else 0
    if table[first, ONSET] - start > LONGEST:
        start = bar_line(piece, int(table[first, ONSET]))
    heard = table[first:].copy()
    heard[:, ONSET] -= start
    bars = bars_from(piece, start, rng.random() > 0.05)
    shown = np.where(rng.random(len(programs)) < 0.1, ANY_PROGRAM, programs).astype(np.int32)
    shown[programs == DRUMS] = DRUMS
    end = piece.length - start if rng.random() < 0.4 else -1
    style = piece.style if rng.random() < 0.5 else ANY_STYLE
    whole = Window(
        heard, heard[:0], np.empty(0, np.int32), np.empty(0, np.int32), shown, np.ones(len(heard), bool), True, bars,
        end, condition(), style, piece.name,
    )  # fmt: skip
    window = masked(replace(whole, voices=voices_of(piece, lanes) & (rng.random() < 0.9)), most, rng)
    return moved(conditioned(window, rng), rng) if window.learnt.sum() >= LEAST else None


def masked(window: Window, most: int, rng: np.random.Generator) -> Window:
    """The window of one task, drawn, cut to at most `most` written notes."""
    several = len(window.programs) > 1
    chances = np.array([0.68, 0.12, 0.0, 0.06]) if not several else np.array([0.38, 0.1, 0.48, 0.04])
    task = TASKS[int(np.searchsorted(np.cumsum(chances / chances.sum()), rng.random(), "right"))]
    if task == "accompany":
        return accompanied(window, most, rng)
    if task == "infill":
        return gapped(window, most, rng)
    window = cut(window, most)
    if task == "some":
        shown = rng.random(len(window.notes)) < rng.uniform(0.1, 0.5)
        return with_given(replace(window, learnt=window.learnt & ~shown), window.notes[shown], window.programs, True)
    return window


def cut(window: Window, most: int) -> Window:
    """The first notes of a window; END is to be learnt where nothing was cut off."""
    stop = stretch(window.notes, 0, most)
    return replace(
        window, notes=window.notes[:stop], learnt=window.learnt[:stop], ends=window.ends and stop == len(window.notes)
    )


def with_given(window: Window, given: Table, programs: NDArray[np.int32], own: bool) -> Window:
    """A window with given notes, of the written lanes themselves (`own`) or of other ones with these programs."""
    given = given[:MOST_GIVEN]
    lane = given[:, TRACK].astype(np.int32)
    return replace(
        window, given=given, given_lane=lane if own else np.full_like(lane, -1), given_programs=programs[lane]
    )


def accompanied(window: Window, most: int, rng: np.random.Generator) -> Window:
    """Some lanes given as a whole, the others to be written."""
    count = len(window.programs)
    given = rng.permutation(count) < int(rng.integers(1, count))
    lane = window.notes[:, TRACK]
    number = np.cumsum(~given) - 1
    written = window.notes[~given[lane]].copy()
    if not len(written):
        return cut(window, most)
    written[:, TRACK] = number[written[:, TRACK]]
    whole = replace(window, notes=written, learnt=np.ones(len(written), bool), programs=window.programs[~given])
    whole = replace(whole, voices=window.voices[~given])
    own = cut(whole, most)
    others = window.notes[given[lane]]
    if not own.ends:  # what sounds behind the last written note is nothing to be told
        others = others[others[:, ONSET] <= own.notes[-1, ONSET] + SPARE]
    if len(others) > MOST_GIVEN:
        own = cut(whole, max(int(np.searchsorted(own.notes[:, ONSET], others[MOST_GIVEN, ONSET])), 1))
    return with_given(own, others, window.programs, False)


def gapped(window: Window, most: int, rng: np.random.Generator) -> Window:
    """A gap of some bars to be filled, with the notes ahead given; END stands at its end."""
    window = cut(window, most)
    bar = int(window.bars[0, 1]) or SPARE
    last = int(window.notes[-1, ONSET]) // bar
    if last < 3:
        return window
    size = int(rng.integers(1, min(8, last - 1) + 1))
    begin = int(rng.integers(0, last - size + 1))
    stop = (begin + size) * bar
    written = window.notes[:, ONSET] < stop
    ahead = window.notes[(window.notes[:, ONSET] >= stop) & (window.notes[:, ONSET] < stop + 8 * bar)]
    if not written.any() or not len(ahead):
        return window
    own = replace(window, notes=window.notes[written], learnt=window.learnt[written], ends=True, end=stop)
    return with_given(own, ahead[: MOST_GIVEN // 2], window.programs, True)


def conditioned(window: Window, rng: np.random.Generator) -> Window:
    """The window with what its written tones are like as a condition, of which parts are left out at random."""
    tones = window.notes[window.programs[window.notes[:, TRACK]] != DRUMS]
    if not len(tones) or rng.random() < 0.6:
        return window
    span = max(int(tones[-1, ONSET] - tones[0, ONSET]), RESOLUTION)
    given = condition_of(tones[:, KEY].astype(np.int64), span / RESOLUTION).copy()
    for columns in PARTS:
        if rng.random() < 0.3:
            given[columns] = 0
    assert given.shape == (SIZE,)
    return replace(window, condition=given)


def moved(window: Window, rng: np.random.Generator) -> Window:
    """The window transposed at random by up to six semitones; drums stay, and the condition goes along."""
    tones = window.programs[window.notes[:, TRACK]] != DRUMS
    given_tones = window.given_programs != DRUMS
    pitches = np.concatenate([window.notes[tones, KEY], window.given[given_tones, KEY]])
    by = int(rng.integers(-6, 6))
    if not by or not len(pitches) or pitches.min() + by < 0 or pitches.max() + by > 127:
        return window
    notes, given, wish = window.notes.copy(), window.given.copy(), window.condition.copy()
    notes[tones, KEY] += by
    given[given_tones, KEY] += by
    wish[:12] = np.roll(wish[:12], by)
    if wish[15]:
        wish[12] += by / 127
    return replace(window, notes=notes, given=given, condition=wish)


def whole_windows(piece: Piece, most: int, lanes: Sequence[Sequence[int]] | None = None) -> list[Window]:
    """A piece from its start to its end in windows of at most `most` notes, with nothing given: for measuring."""
    lanes = lanes or [range(len(piece.flags))]
    table, programs = laned(piece, lanes)
    if len(lanes) == 1 and len(lanes[0]) == 1 and piece.flags[lanes[0][0]] & MONO:
        table = one_voice(table)
    found, first = [], 0
    while first < len(table):
        start = bar_line(piece, int(table[first, ONSET])) if first else 0
        heard = table[first:].copy()
        heard[:, ONSET] -= start
        stop = stretch(heard, 0, most)
        nothing, told = np.empty(0, np.int32), bars_from(piece, start)
        learnt, ends = np.ones(stop, bool), first + stop == len(table)
        row = (heard[:stop], heard[:0], nothing, nothing, programs, learnt, ends, told, -1, condition(), ANY_STYLE)
        found.append(Window(*row, name=piece.name, voices=voices_of(piece, lanes)))
        first += stop
    return found
