"""Velocity lanes: a stem and a dot for each note, as high as the note is loud."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from PIL import ImageDraw

from continuo_daw.assistant.drawing.ink import (
    BAR_LINE,
    BEAT_LINE,
    FAINT,
    LANE_WHITE,
    OCTAVE_LINE,
    SMALL,
    Color,
    Shades,
    font,
    shade,
)
from continuo_daw.assistant.music.clip import Note

HEIGHT, GAP = 150, 14  # of a lane, and between it and the roll above
DOT, STEM = 4, 2  # radius, width
MARKS = (32, 64, 96)  # velocities with a line


class Lane(NamedTuple):
    """Where a lane stands: `top` to `bottom`, `left` to `right`, in pixels; `bars` are the places of the bar lines."""

    top: int
    left: int
    right: int
    bars: Sequence[int]

    @property
    def bottom(self) -> int:
        return self.top + HEIGHT

    def y(self, velocity: int) -> int:
        """How high a velocity lies."""
        return self.bottom - round(velocity / 127 * HEIGHT)


def draw_lane(draw: ImageDraw.ImageDraw, lane: Lane, notes: Iterable[tuple[int, Note, Shades]]) -> None:
    """A lane with notes, each with the place of its onset and its colours; a muted note is faint and hollow."""
    draw.rectangle((lane.left, lane.top, lane.right, lane.bottom), LANE_WHITE)
    for velocity in (*MARKS, 127):
        y = lane.y(velocity)
        draw.line((lane.left, y, lane.right, y), BEAT_LINE)
        draw.text((lane.left - 8, y), str(velocity), FAINT, font=font(SMALL), anchor="rm")
    for x in lane.bars:
        draw.line((x, lane.top, x, lane.bottom), BAR_LINE, 2)
    draw.line((lane.left, lane.bottom, lane.right, lane.bottom), BAR_LINE, 2)
    for x, note, colors in notes:
        stem, outline, fill = _colors(note, colors)
        y = lane.y(note.velocity)
        draw.line((x, lane.bottom - 2, x, y), stem, STEM)
        draw.ellipse((x - DOT, y - DOT, x + DOT, y + DOT), fill, outline)


def _colors(note: Note, colors: Shades) -> tuple[Color, Color, Color]:
    """Of the stem, of the rim of the dot, and inside it."""
    if note.muted:
        return OCTAVE_LINE, OCTAVE_LINE, LANE_WHITE
    color = shade(colors, note.velocity)
    return color, colors[1], color
