"""The picture of what a clip shares with a piece: both as piano rolls on one axis of time, the piece laid under the
clip as the search found it, what they share in colour and joined.

Lengths are pixels of the picture, times of both rolls ticks of the clip.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw

from continuo_daw.assistant.drawing.ink import (
    BAR_LINE,
    FAINT,
    INK,
    LANE_BLACK,
    LANE_WHITE,
    NEW,
    PAPER,
    SMALL,
    TEXT,
    Color,
    font,
    plain,
    write_png,
)
from continuo_daw.assistant.drawing.piano_roll import BLACK_KEYS, KEYS_WIDTH, MARGIN
from continuo_daw.assistant.music.clip import TICKS, Clip
from continuo_daw.assistant.originality.index import LEAST_RUN, Found, Index
from continuo_daw.assistant.originality.lines import STEP, line_of

HEAD, LINE, AXIS, BETWEEN = 56, 34, 32, 120  # heights of the heading, a line of text, an axis, the space for ribbons
WIDTH, LEAST_WIDTH, QUARTER = 2300, 1300, 90  # of the rolls; of a quarter note at most
LANE, AIR = 13, 2  # height of a semitone; semitones above the highest note and below the lowest
WHOLE = 16  # bars of a clip that is shown from its start to its end
OWN: Color = (176, 184, 196)  # notes that are not shared
SHARED: Color = (236, 140, 60)
IN_RUN: Color = NEW[1]
RIBBON = (236, 140, 60, 70)
THREAD = (236, 140, 60, 120)


@dataclass(frozen=True, slots=True)
class Bar:
    """One note as it is drawn: start and end in ticks of the clip, pitch, colour."""

    start: float
    end: float
    pitch: int
    color: Color


@dataclass(frozen=True, slots=True)
class Roll:
    """One piano roll: its title, notes, (tick, number) of its bar lines; whether its title and the numbers stand
    `above` it, or below."""

    title: str
    notes: Sequence[Bar]
    bars: Sequence[tuple[float, int]]
    above: bool

    @property
    def low(self) -> int:
        return min((note.pitch for note in self.notes), default=60) - AIR

    @property
    def high(self) -> int:
        return max((note.pitch for note in self.notes), default=72) + AIR

    @property
    def height(self) -> int:
        return (self.high - self.low + 1) * LANE


def originality_picture(
    clip: Clip, index: Index, found: Found, name: str, lines: Sequence[str], path: str | Path
) -> None:
    """Draws a clip above the nearest piece, under a heading and lines of text, into a PNG file. Raises AssistantError
    where it cannot be written."""
    start, end = _shown(clip, index, found)
    rolls = [_clip_roll(clip, index, found, name, start, end)]
    if found.piece >= 0:
        rolls.append(_piece_roll(clip, index, found, start, end))
    quarters = (end - start) / TICKS
    width = max(LEAST_WIDTH, min(WIDTH, round(quarters * QUARTER)))
    page = _Page(start, width / (end - start), MARGIN + KEYS_WIDTH)
    upper = MARGIN + HEAD + LINE * (len(lines) + 2) + AXIS
    tops = [upper, upper + rolls[0].height + BETWEEN]
    lower = tops[len(rolls) - 1] + rolls[-1].height + (len(rolls) - 1) * (AXIS + LINE)
    image = Image.new("RGB", (2 * MARGIN + KEYS_WIDTH + width, lower + MARGIN), PAPER)
    draw = ImageDraw.Draw(image, "RGBA")
    draw.text((MARGIN, MARGIN - 6), plain(f"{name} beside the nearest piece"), INK, font=font(TEXT + 8))
    for number, line in enumerate(lines):
        draw.text(
            (MARGIN, MARGIN + HEAD - 6 + LINE * number), plain(line), INK if not number else FAINT, font(TEXT - 2)
        )
    for roll, top in zip(rolls, tops, strict=False):
        _draw_roll(draw, page, roll, top, end)
    if len(rolls) == 2:
        _draw_ribbons(draw, page, clip, index, found, tops[0] + rolls[0].height, tops[1])
    _draw_legend(draw, page.x(end))
    write_png(image, path)


@dataclass(frozen=True, slots=True)
class _Page:
    start: float
    per_tick: float
    left: int

    def x(self, tick: float) -> int:
        return self.left + round((tick - self.start) * self.per_tick)


def _shown(clip: Clip, index: Index, found: Found) -> tuple[int, int]:
    """Ticks of the clip that are shown: all of it, or of a long one the bars around what is shared."""
    end = clip.bars * clip.bar
    if clip.bars <= WHOLE or not found.pairs:
        return 0, min(end, WHOLE * clip.bar)
    notes = line_of(clip, bool(index.one)).note
    first, last = (clip.notes[int(notes[found.pairs[at][0]])].start // clip.bar for at in (0, -1))
    return max(0, first - 1) * clip.bar, min(end, (last + 2) * clip.bar)


def _clip_roll(clip: Clip, index: Index, found: Found, name: str, start: int, end: int) -> Roll:
    line = line_of(clip, bool(index.one))
    color = {int(line.note[mine]): shade for mine, shade in _colors(found, 0).items()}
    notes = [
        Bar(note.start, min(note.end, end), note.pitch, color.get(number, OWN))
        for number, note in enumerate(clip.notes)
        if start <= note.start < end and not note.muted
    ]
    bars = [(float(tick), tick // clip.bar + 1) for tick in range(start, end + 1, clip.bar)]
    return Roll(f"{name}, {clip.bars} bars, {len(clip.notes)} notes", notes, bars, True)


def _piece_roll(clip: Clip, index: Index, found: Found, start: int, end: int) -> Roll:
    """The piece where the clip is like it, in the time of the clip; a note is held until the next one begins."""
    first, last = index.bounds(found.piece)
    onsets, pitches = index.onsets[first:last], index.pitches[first:last]
    line, (mine, its) = line_of(clip, bool(index.one)), found.pairs[0]

    def tick(step: float) -> float:
        return float((line.onset[mine] + (step - onsets[its]) / found.scale) * STEP)

    color, notes = _colors(found, 1), []
    for number, (onset, pitch) in enumerate(zip(onsets.tolist(), pitches.tolist(), strict=True)):
        if start - 1 <= tick(onset) < end:
            later = onsets[onsets > onset]
            until = min(float(later[0]) if len(later) else onset + 24.0, onset + 96.0)
            notes.append(Bar(tick(onset), min(tick(until), end), pitch, color.get(number, OWN)))
    bars = [(tick(step), number) for step, number in index.bar_lines(found.piece) if start - 1 <= tick(step) <= end + 1]
    return Roll(found.nearest + found_where(index, found), notes, bars, False)


def found_where(index: Index, found: Found) -> str:
    """In words where in the piece the clip stands, and what was done to it."""
    if not found.pairs:
        return ""
    first, last = (index.bar_of(found.piece, found.pairs[at][1]) for at in (0, -1))
    bars = f", bar {first}" if first == last else f", bars {first} to {last}"
    semitones = abs(found.semitones)
    way = "higher" if found.semitones > 0 else "lower"
    key = f", {semitones} semitone{'s' if semitones > 1 else ''} {way}" if semitones else ", same key"
    scale = found.scale if found.scale >= 1 else 1 / found.scale
    tempo = f", note values {scale:.3g} times as {'long' if found.scale > 1 else 'short'}" if scale != 1 else ""
    return bars + key + tempo


def _colors(found: Found, side: int) -> dict[int, Color]:
    """The colour of each shared note: `side` 0 of the clip, 1 of the piece."""
    color = {pair[side]: SHARED for pair in found.pairs}
    for run in found.runs:
        begin = (run.clip, run.piece)[side]
        color |= dict.fromkeys(range(begin, begin + run.length), IN_RUN)
    return color


def _draw_roll(draw: ImageDraw.ImageDraw, page: _Page, roll: Roll, top: int, end: float) -> None:
    upper, lower, right = top, top + roll.height, page.x(end)
    title, number_y = (upper - AXIS - LINE, upper - 8) if roll.above else (lower + AXIS + 6, lower + 26)
    draw.text((MARGIN, title), plain(roll.title), INK, font=font(TEXT))
    for pitch in range(roll.low, roll.high + 1):
        y = upper + (roll.high - pitch) * LANE
        draw.rectangle((page.left, y, right, y + LANE), LANE_BLACK if pitch % 12 in BLACK_KEYS else LANE_WHITE)
        if pitch % 12 == 0:
            draw.line((page.left, y + LANE, right, y + LANE), BAR_LINE)
            draw.text((page.left - 8, y + LANE // 2), f"C{pitch // 12 - 1}", FAINT, font(SMALL), anchor="rm")
    every = 1
    while len(roll.bars) > 1 and every * (roll.bars[1][0] - roll.bars[0][0]) * page.per_tick < 48:
        every *= 2
    for number, (tick, bar) in enumerate(roll.bars):
        x = page.x(tick)
        draw.line((x, upper - 6 * roll.above, x, lower + 6 * (not roll.above)), BAR_LINE, 2)
        if number % every == 0 and tick < end:
            draw.text((x, number_y), str(bar), INK, font=font(SMALL), anchor="ms")
    for note in roll.notes:
        y = upper + (roll.high - note.pitch) * LANE
        left = max(page.left, page.x(note.start)) + 1
        draw.rounded_rectangle((left, y + 1, max(left + 3, page.x(note.end) - 2), y + LANE - 1), 3, note.color)


def _draw_ribbons(
    draw: ImageDraw.ImageDraw, page: _Page, clip: Clip, index: Index, found: Found, upper: int, lower: int
) -> None:
    """A ribbon from roll to roll for each run, with its number of notes; a thread for each other shared note."""
    line = line_of(clip, bool(index.one))
    inside = {run.clip + at for run in found.runs for at in range(run.length)}
    for mine, _ in found.pairs:
        if mine not in inside:
            x = page.x(clip.notes[int(line.note[mine])].start) + 3
            draw.line((x, upper, x, lower), THREAD, 2)
    starts = [clip.notes[number].start for number in line.note.tolist()]
    for run in found.runs:
        first, last = run.clip, run.clip + run.length - 1
        later = [start for start in starts[last + 1 : last + 2] if start > starts[last]]  # a bass may last longer
        left, right = page.x(starts[first]), page.x(min([clip.notes[int(line.note[last])].end, *later]))
        draw.rectangle((left, upper, right, lower), RIBBON)
        draw.line((left, upper, left, lower), IN_RUN, 2)
        draw.line((right, upper, right, lower), IN_RUN, 2)
        words = f"{run.length} notes"
        short = words if draw.textlength(words, font(SMALL)) < right - left - 6 else str(run.length)
        draw.text(((left + right) / 2, (upper + lower) / 2), short, IN_RUN, font=font(SMALL), anchor="mm")


def _draw_legend(draw: ImageDraw.ImageDraw, right: float) -> None:
    """At the right of the heading what the colours mean."""
    for text, color in (
        ("not shared", OWN),
        ("same place and pitch", SHARED),
        (f"{LEAST_RUN} or more in a row", IN_RUN),
    ):
        right -= draw.textlength(text, font(SMALL))
        draw.text((right, MARGIN), text, INK, font=font(SMALL))
        draw.rounded_rectangle((right - 40, MARGIN + 5, right - 10, MARGIN + 5 + LANE), 3, color)
        right -= 70
