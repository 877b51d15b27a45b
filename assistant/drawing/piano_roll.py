"""Piano-roll pictures: given and new notes over bars and keys, as PNG.

All rows share one scale of time, and rows of the same given clip one range of pitches: candidates compare by eye.
Lengths are pixels of the picture.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw

from continuo_daw.assistant.drawing.ink import (
    BAR_LINE,
    BEAT_LINE,
    FAINT,
    GIVEN,
    INK,
    LANE_BLACK,
    LANE_WHITE,
    NEW,
    OCTAVE_LINE,
    PAPER,
    SMALL,
    TEXT,
    Shades,
    fitting,
    font,
    plain,
    shade,
    write_png,
)
from continuo_daw.assistant.drawing.lanes import GAP, HEIGHT, Lane, draw_lane
from continuo_daw.assistant.music.clip import TICKS, Clip, Note, bar_ticks
from continuo_daw.assistant.music.time_map import TimeMap
from continuo_daw.assistant.request import Candidate

BLACK_KEYS = {1, 3, 6, 8, 10}

MARGIN, KEYS_WIDTH = 28, 76
TITLE_HEIGHT, AXIS_HEIGHT, ROW_GAP, LEGEND_HEIGHT = 44, 34, 34, 76
MAX_QUARTER, MIN_QUARTER = 96, 28  # width of a quarter note
GOOD_WIDTH, MAX_WIDTH, MIN_WIDTH = 2300, 6000, 1200  # of all the time shown; it is good as far as the quarters allow
MAX_LANE, MIN_LANE, ROW_HEIGHT = 18, 11, 460  # height of a semitone; of all lanes as far as the bounds allow


@dataclass(frozen=True, slots=True)
class Row:
    """One roll: `new` starts `at` ticks after the start of `given`; with `lanes`, velocities stand below it."""

    title: str
    given: Clip | None
    new: Clip | None
    at: int = 0
    lanes: bool = False

    @property
    def ticks(self) -> int:
        """What the row shows: up to the bar line at or behind the end of the last note."""
        clips = [(0, self.given), (self.at, self.new)]
        end = max((max([c.length, *(n.end for n in c.notes)]) + start for start, c in clips if c), default=0)
        return self.time.line_from(max(end, 1))

    @property
    def time(self) -> TimeMap:
        """The bars drawn."""
        clip = self.given or self.new
        return clip.time if clip else TimeMap()

    @property
    def beats(self) -> Iterator[tuple[int, int]]:
        """Every beat with its number in the bar, from 1."""
        time = self.time
        for tick in [time.bar_at(0).start, *time.lines(1, self.ticks)]:
            bar, beat = time.bar_at(max(tick, 0)), 4 * TICKS // time.meter_at(max(tick, 0))[1]
            yield from ((at, n) for n, at in enumerate(range(tick, bar.start + bar.ticks, beat), 1) if at >= 0)

    @property
    def notes(self) -> Iterator[tuple[int, Note, Shades]]:
        """Every note with the tick that its clip starts at, and its colours."""
        for start, clip, colors in ((0, self.given, GIVEN), (self.at, self.new, NEW)):
            yield from ((start, note, colors) for note in (clip.notes if clip else ()))


def rows_of(clips: Sequence[Clip], candidates: Sequence[tuple[str, Candidate]]) -> list[Row]:
    """A row for each titled candidate: behind the given clip where it stands behind that, else below the given clips,
    of which those that come back among the candidates are not drawn twice. Candidates that were made in place each have
    the first clip above them, and velocities."""
    if clips and any(candidate.order is not None for _, candidate in candidates):
        like = [Row(f"given clip {number}", clip, None, lanes=True) for number, clip in enumerate(clips[1:], 2)]
        pairs = (
            (Row("before", clips[0], None, lanes=True), Row(title, None, candidate.clip, lanes=True))
            for title, candidate in candidates
        )
        return like + [row for pair in pairs for row in pair]
    behind = any(candidate.at for _, candidate in candidates)
    if behind and clips:
        return [Row(title, clips[0], candidate.clip, candidate.at) for title, candidate in candidates]
    back = [candidate.clip for _, candidate in candidates]
    given = [Row(f"given clip {number}", clip, None) for number, clip in enumerate(clips, 1) if clip not in back]
    return given + [Row(title, None, candidate.clip, candidate.at) for title, candidate in candidates]


@dataclass(frozen=True, slots=True)
class _Scale:
    """Pixels a tick, pixels a semitone, the `ticks` shown and the pitches from `low` to `high`."""

    ticks: int
    per_tick: float
    lane: int
    low: int
    high: int

    @property
    def height(self) -> int:
        return (self.high - self.low + 1) * self.lane

    def x(self, tick: int) -> int:
        return MARGIN + KEYS_WIDTH + round(tick * self.per_tick)

    def y(self, pitch: int, top: int) -> int:
        """Upper edge of the lane of `pitch` in a roll that begins at `top`."""
        return top + (self.high - pitch) * self.lane


def piano_roll(rows: Sequence[Row], path: str | Path, heading: str = "") -> None:
    """Draw the rows under each other into a PNG file. Raises AssistantError where it cannot be written."""
    quarters = max((row.ticks / TICKS for row in rows), default=1.0)
    width = min(max(quarters * min(max(GOOD_WIDTH / quarters, MIN_QUARTER), MAX_QUARTER), MIN_WIDTH), MAX_WIDTH)
    apart = [row.given if row.at else None for row in rows]  # rows that are compared with each other
    comparable = [[r for r, other in zip(rows, apart, strict=True) if other is own] for own in apart]
    scales = [_scale(row, some, width / quarters / TICKS) for row, some in zip(rows, comparable, strict=True)]
    heights = [
        TITLE_HEIGHT + AXIS_HEIGHT + scale.height + ROW_GAP + row.lanes * (HEIGHT + GAP)
        for row, scale in zip(rows, scales, strict=True)
    ]
    size = (2 * MARGIN + KEYS_WIDTH + round(width), MARGIN + LEGEND_HEIGHT + sum(heights))
    image = Image.new("RGB", size, PAPER)
    draw = ImageDraw.Draw(image)
    _draw_legend(draw, heading, size[0] - MARGIN)
    top = MARGIN + LEGEND_HEIGHT
    for row, scale, height in zip(rows, scales, heights, strict=True):
        _draw_row(draw, row, scale, top)
        top += height
    write_png(image, path)


def _scale(row: Row, comparable: Sequence[Row], per_tick: float) -> _Scale:
    """The scale of a row that shows all pitches of the comparable ones."""
    pitches = [note.pitch for other in comparable for _, note, _ in other.notes] or [60, 72]
    spare = max(0, 20 - (max(pitches) - min(pitches)))  # a drone deserves some air, too
    low, high = max(0, min(pitches) - 2 - spare // 2), min(127, max(pitches) + 2 + spare // 2)
    lane = min(max(ROW_HEIGHT // (high - low + 1), MIN_LANE), MAX_LANE)
    return _Scale(row.ticks, per_tick, lane, low, high)


def _draw_row(draw: ImageDraw.ImageDraw, row: Row, scale: _Scale, top: int) -> None:
    title = fitting(draw, row.title, TEXT, scale.x(scale.ticks) - MARGIN)
    draw.text((MARGIN, top), title, INK, font=font(TEXT))
    axis, roll = top + TITLE_HEIGHT, top + TITLE_HEIGHT + AXIS_HEIGHT
    for pitch in range(scale.low, scale.high + 1):
        y = scale.y(pitch, roll)
        color = LANE_BLACK if pitch % 12 in BLACK_KEYS else LANE_WHITE
        draw.rectangle((scale.x(0), y, scale.x(scale.ticks), y + scale.lane), color)
    _draw_time(draw, row, scale, axis, roll)
    _draw_keys(draw, scale, roll)
    for start, note, colors in row.notes:
        _draw_note(draw, note, scale, start, roll, colors)
    if row.given and row.new and row.at:
        x = scale.x(row.at)
        draw.line((x, roll - 6, x, roll + scale.height), NEW[1], 3)
    if row.lanes:
        bars = [scale.x(tick) for tick in row.time.lines(0, scale.ticks + 1)]
        lane = Lane(roll + scale.height + GAP, scale.x(0), scale.x(scale.ticks), bars)
        draw_lane(draw, lane, ((scale.x(start + note.start), note, colors) for start, note, colors in row.notes))


def _draw_time(draw: ImageDraw.ImageDraw, row: Row, scale: _Scale, axis: int, roll: int) -> None:
    """Bars and beats, numbered as far as there is room; the time of the new notes on a coloured axis."""
    bottom = roll + scale.height
    for clip, start, color in ((row.given, 0, GIVEN[0]), (row.new, row.at, NEW[0])):
        if clip:
            draw.rectangle((scale.x(start), roll - 6, scale.x(start + clip.length), roll - 1), color)
    meter = row.time.meters[0][1]
    beat = 4 * TICKS // meter[1]
    every = _every(bar_ticks(meter) * scale.per_tick, 44)
    if beat * scale.per_tick >= 8:
        for tick, number in row.beats:
            if tick >= scale.ticks:
                break
            x = scale.x(tick)
            draw.line((x, roll, x, bottom), BEAT_LINE)
            if number > 1 and beat * scale.per_tick >= 40:
                draw.text((x, axis + 3), str(number), FAINT, font=font(SMALL), anchor="ma")
    for tick in row.time.lines(0, scale.ticks + 1):
        number = row.time.bar_at(tick).number
        if (number - 1) % every == 0:
            x = scale.x(tick)
            draw.line((x, roll - 6, x, bottom), BAR_LINE, 2)
            if tick < scale.ticks:
                draw.text((x, axis - 2), str(number), INK, font=font(TEXT), anchor="ma")


def _draw_keys(draw: ImageDraw.ImageDraw, scale: _Scale, roll: int) -> None:
    """The keyboard at the left; every C is named (middle C, pitch 60, is C4) and has a line through the roll."""
    left, right = MARGIN, scale.x(0) - 2
    draw.rectangle((left, roll, right, roll + scale.height), PAPER, BAR_LINE)
    for pitch in range(scale.low, scale.high + 1):
        y = scale.y(pitch, roll)
        if pitch % 12 in BLACK_KEYS:
            draw.rectangle((left + KEYS_WIDTH * 2 // 5, y + 1, right, y + scale.lane - 1), INK)
        below = y + scale.lane
        if pitch % 12 == 5:
            draw.line((left, below, right, below), OCTAVE_LINE, 2)
        if pitch % 12 == 0:
            draw.line((left, below, scale.x(scale.ticks), below), BAR_LINE, 2)
            draw.text((left + 4, below - 2), f"C{pitch // 12 - 1}", INK, font=font(SMALL), anchor="ls")


def _draw_note(draw: ImageDraw.ImageDraw, note: Note, scale: _Scale, start: int, roll: int, colors: Shades) -> None:
    """A filled bar, darker when louder; a muted note is an empty one."""
    x, y = scale.x(start + note.start), scale.y(note.pitch, roll)
    box = (x + 1, y + 1, max(x + 3, scale.x(start + note.end) - 2), y + scale.lane - 1)
    fill = None if note.muted else shade(colors, note.velocity)
    draw.rounded_rectangle(box, radius=min(4, (box[2] - box[0]) / 2), fill=fill, outline=colors[1])


def _draw_legend(draw: ImageDraw.ImageDraw, heading: str, right: int) -> None:
    """The heading at the left; at the right what the colours mean, with their shades from soft to loud."""
    draw.text((MARGIN, MARGIN - 6), plain(heading), INK, font=font(TEXT + 8))
    x = right
    for name, colors in (("new", NEW), ("given", GIVEN)):
        for velocity in range(127, 0, -1):
            draw.line((x, MARGIN, x, MARGIN + 22), shade(colors, velocity))
            x -= 1
        x -= 12
        draw.text((x, MARGIN - 4), name, INK, font=font(TEXT), anchor="ra")
        x -= round(draw.textlength(name, font=font(TEXT))) + 40
    draw.text((right, MARGIN + 28), "shade: soft to loud", FAINT, font=font(SMALL), anchor="ra")


def _every(width: float, room: float) -> int:
    """How many bars go to one number, so that numbers are `room` apart: 1, 2, 4, 8 ..."""
    every = 1
    while every * width < room:
        every *= 2
    return every
