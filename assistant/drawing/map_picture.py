"""The map of a corpus in latent space as PNG.

It is drawn `FINE` times as large and made smaller, for smooth dots and lines.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

from PIL import Image, ImageDraw

from continuo_daw.assistant.drawing.ink import (
    BAR_LINE,
    BEAT_LINE,
    FAINT,
    INK,
    LANE_WHITE,
    PAPER,
    SMALL,
    TEXT,
    Color,
    font,
    plain,
    write_png,
)
from continuo_daw.assistant.drawing.map_layout import (
    CLIPS,
    CORPUS,
    DOT,
    LEFT,
    MARK,
    PHRASE,
    PLOT,
    SHADE,
    SHADE_OF_WAY,
    SIZE,
    TOP,
    Box,
    Frame,
    Map,
    colors,
    frame_of,
    leader,
    name_boxes,
    short,
)
from continuo_daw.assistant.drawing.piano_roll import MARGIN

FINE = 2


class _Pen:
    """Draws with lengths in pixels of the picture."""

    def __init__(self, size: tuple[int, int]) -> None:
        self.image = Image.new("RGB", (size[0] * FINE, size[1] * FINE), PAPER)
        self.draw = ImageDraw.Draw(self.image, "RGBA")  # colours with an opacity are mixed with what is there

    def disc(self, x: float, y: float, radius: float, fill: tuple[int, ...], ring: Color | None = None) -> None:
        box = tuple(FINE * edge for edge in (x - radius, y - radius, x + radius, y + radius))
        self.draw.ellipse(box, fill, ring, 2 * FINE if ring else 0)

    def line(self, ends: tuple[float, ...], color: tuple[int, ...], width: int = 1) -> None:
        self.draw.line([FINE * end for end in ends], color, width * FINE)

    def box(self, box: Box, fill: Color) -> None:
        self.draw.rectangle([FINE * edge for edge in (box.left, box.top, box.right, box.bottom)], fill)

    def text(self, x: float, y: float, text: str, color: Color, size: int, anchor: str = "la", halo: int = 0) -> None:
        at, letters = (FINE * x, FINE * y), font(FINE * size)
        self.draw.text(at, plain(text), color, letters, anchor, stroke_width=FINE * halo, stroke_fill=PAPER)


def map_picture(whole: Map, path: str | Path) -> None:
    """Draw the map into a PNG file. Raises AssistantError where it cannot be written."""
    pen, frame = _Pen(SIZE), frame_of(whole)
    _draw_axes(pen, frame, whole)
    for x, y in frame.at(whole.points.reshape(-1, 2)).tolist():
        pen.disc(x, y, DOT, (*CORPUS, SHADE))
    _draw_clips(pen, frame, whole)
    _draw_legend(pen, whole)
    write_png(pen.image.reduce(FINE), path)


def _draw_axes(pen: _Pen, frame: Frame, whole: Map) -> None:
    right, bottom = LEFT + PLOT, TOP + PLOT
    pen.box(Box(LEFT, TOP, right, bottom), LANE_WHITE)
    for number, far in frame.ticks(0):
        pen.line((LEFT + far, TOP, LEFT + far, bottom), BEAT_LINE if number else BAR_LINE)
        pen.text(LEFT + far, bottom + 10, f"{number}", FAINT, SMALL, "ma")
    for number, far in frame.ticks(1):
        pen.line((LEFT, bottom - far, right, bottom - far), BEAT_LINE if number else BAR_LINE)
        pen.text(LEFT - 12, bottom - far, f"{number}", FAINT, SMALL, "rm")
    pen.text((LEFT + right) / 2, bottom + 46, whole.axes[0], INK, SMALL + 2, "ma")
    _draw_upright(pen, MARGIN - 4, (TOP + bottom) / 2, whole.axes[1])


def _draw_upright(pen: _Pen, left: float, middle: float, text: str) -> None:
    """A line of text that is read from below."""
    letters = font(FINE * (SMALL + 2))
    width, height = (round(edge) for edge in letters.getbbox(text)[2:])
    strip = Image.new("RGB", (width, height + 4), PAPER)
    ImageDraw.Draw(strip).text((0, 0), text, INK, letters)
    strip = strip.transpose(Image.Transpose.ROTATE_90)
    pen.image.paste(strip, (round(FINE * left), round(FINE * middle - width / 2)))


def _draw_clips(pen: _Pen, frame: Frame, whole: Map) -> None:
    """The ways of all clips, then their marks, then their names: nothing hides a name."""
    marked = [
        (place, color, box, frame.mark(place))
        for place, color, box in zip(whole.places, colors(whole.places), name_boxes(whole, frame), strict=True)
    ]
    for place, color, box, mark in marked:
        steps = frame.at(place.phrases).tolist() if len(place.phrases) > 1 else []
        for start, end in pairwise(steps):
            pen.line((*start, *end), (*color, SHADE_OF_WAY), 2)
        for x, y in steps:
            pen.disc(x, y, PHRASE, color, PAPER)
        if reached := leader(mark, box):
            pen.line((*mark, *reached), color)
    for _, color, _, (x, y) in marked:
        pen.disc(x, y, MARK, PAPER)
        pen.disc(x, y, MARK - 3, color)
    for place, color, box, _ in marked:
        pen.text(box.left + 4, (box.top + box.bottom) / 2, short(place.name), color, TEXT, "lm", 4)


def _draw_legend(pen: _Pen, whole: Map) -> None:
    """The heading and what it shows at the left; at the right what the marks mean."""
    pen.text(LEFT, MARGIN - 6, whole.heading, INK, TEXT + 8)
    pen.text(LEFT, MARGIN + 46, whole.summary, FAINT, SMALL)
    x, y = float(LEFT + PLOT), MARGIN + 58
    for name, radius, color in (
        ("clip", MARK - 3, CLIPS[0]),
        ("its phrases", PHRASE, CLIPS[0]),
        ("corpus", DOT, CORPUS),
    ):
        width = font(SMALL).getbbox(name)[2]
        pen.text(x, y, name, INK, SMALL, "rm")
        pen.disc(x - width - 20, y, radius, color)
        x -= width + 60
