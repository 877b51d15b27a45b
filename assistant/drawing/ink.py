"""Colours and letters of the pictures."""

from __future__ import annotations

import io
import unicodedata
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from continuo_daw.assistant.files import write_whole

Color = tuple[int, int, int]
Shades = tuple[Color, Color]  # of the softest note and of the loudest

PAPER, INK, FAINT = (255, 255, 255), (40, 44, 52), (120, 126, 136)
LANE_WHITE, LANE_BLACK = (250, 250, 252), (239, 241, 245)
BAR_LINE, BEAT_LINE, OCTAVE_LINE = (168, 174, 184), (224, 227, 233), (206, 210, 218)
GIVEN: Shades = ((158, 190, 222), (20, 74, 140))
NEW: Shades = ((250, 190, 130), (200, 60, 0))
TEXT, SMALL = 26, 20  # sizes of letters


def shade(colors: Shades, velocity: int) -> Color:
    """The colour of a note."""
    part = velocity / 127
    red, green, blue = (round(soft + (loud - soft) * part) for soft, loud in zip(*colors, strict=True))
    return red, green, blue


def plain(text: str) -> str:
    """The text in the letters that Pillow's own font has."""
    return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()


def fitting(draw: ImageDraw.ImageDraw, text: str, size: int, width: float) -> str:
    """The text, cut behind a comma and ended with dots where it is wider than `width` pixels."""
    parts = plain(text).split(", ")
    whole = len(parts)
    while len(parts) > 1 and draw.textlength(", ".join(parts) + " ...", font=font(size)) > width:
        parts.pop()
    return ", ".join(parts) + (" ..." if len(parts) < whole else "")


def font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size=size)


def write_png(image: Image.Image, path: str | Path) -> None:
    """Write a picture, whole or not at all. Raises AssistantError where the place cannot be written."""
    data = io.BytesIO()
    image.save(data, format="PNG")
    write_whole(data.getvalue(), path)
