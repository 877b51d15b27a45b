"""Self-similarity: how much each bar of a clip is like each other one, as a matrix and as a picture of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from continuo_daw.assistant.drawing.ink import FAINT, GIVEN, INK, PAPER, SMALL, TEXT, font, plain, write_png
from continuo_daw.assistant.drawing.piano_roll import MARGIN
from continuo_daw.assistant.latent.distance import distances
from continuo_daw.assistant.music.clip import Clip

Matrix = NDArray[np.float64]

SIDE = 560  # pixels of a matrix, as near as whole pixels a bar come to it
MIN_CELL = 8
TITLE, AXIS, GAP = 44, 36, 40  # above a matrix, left of it and below it, between two
SCALE_HEIGHT, SCALE_WIDTH = 18, 256


def self_similarity(clip: Clip) -> Matrix:
    """(B, B) similarity of the bars of a clip: 1 for the same notes at the same places, 0 for nothing in common.

    A bar has the notes that start in it. Bars without any are like no other bar: silence is no theme.
    """
    bars = [clip.window(bar * clip.bar, (bar + 1) * clip.bar) for bar in range(clip.bars)]
    matrix = np.stack([1 - distances(bars, bar) for bar in bars])
    np.fill_diagonal(matrix, 1.0)
    return matrix


def sameness(matrix: Matrix) -> float:
    """Mean similarity of two different bars; of a single bar 0."""
    bars = len(matrix)
    return float((matrix.sum() - np.trace(matrix)) / max(bars * (bars - 1), 1))


def draw(matrices: Sequence[tuple[str, Matrix]], path: str | Path, heading: str = "") -> None:
    """Draw matrices, each under its title, side by side into a PNG file; the darker, the more alike.

    Raises AssistantError `bad_args` where it cannot be written.
    """
    cells = [max(MIN_CELL, SIDE // len(matrix)) for _, matrix in matrices]
    sides = [cell * len(matrix) for cell, (_, matrix) in zip(cells, matrices, strict=True)]
    top = MARGIN + TITLE + (TITLE if heading else 0)
    width = 2 * MARGIN + sum(AXIS + side + GAP for side in sides)
    height = top + max(sides, default=0) + AXIS + GAP + SCALE_HEIGHT + MARGIN
    image = Image.new("RGB", (width, height), PAPER)
    pen = ImageDraw.Draw(image)
    pen.text((MARGIN, MARGIN - 6), plain(heading), INK, font=font(TEXT + 8))
    left = MARGIN
    for (title, matrix), cell, side in zip(matrices, cells, sides, strict=True):
        pen.text((left + AXIS, top - TITLE), plain(title), INK, font=font(TEXT))
        pixels = _shades(matrix).repeat(cell, 0).repeat(cell, 1)
        image.paste(Image.fromarray(pixels), (left + AXIS, top))
        _axes(pen, left + AXIS, top, cell, len(matrix))
        left += AXIS + side + GAP
    _scale(image, pen, height - MARGIN - SCALE_HEIGHT)
    write_png(image, path)


def _shades(similarity: Matrix) -> NDArray[np.uint8]:
    """(..., 3) colours of similarities: paper for 0, the darkest blue of the piano rolls for 1."""
    part = np.clip(similarity, 0, 1)[..., None]
    return np.asarray(np.rint((1 - part) * np.array(PAPER) + part * np.array(GIVEN[1])), np.uint8)


def _axes(pen: ImageDraw.ImageDraw, left: int, top: int, cell: int, bars: int) -> None:
    """A frame, and the number of the first bar of every four at both edges."""
    side = cell * bars
    pen.rectangle((left - 1, top - 1, left + side, top + side), outline=FAINT)
    every = 4 if bars <= 32 else 8
    for bar in range(0, bars, every):
        at = bar * cell + cell // 2
        pen.text((left + at, top + side + 6), str(bar + 1), FAINT, font=font(SMALL), anchor="ma")
        pen.text((left - 6, top + at), str(bar + 1), FAINT, font=font(SMALL), anchor="rm")


def _scale(image: Image.Image, pen: ImageDraw.ImageDraw, top: int) -> None:
    """What the shades mean."""
    left = MARGIN + AXIS
    ramp = _shades(np.linspace(0, 1, SCALE_WIDTH))[None].repeat(SCALE_HEIGHT, 0)
    image.paste(Image.fromarray(ramp), (left, top))
    pen.rectangle((left - 1, top - 1, left + SCALE_WIDTH, top + SCALE_HEIGHT), outline=FAINT)
    text = "left: nothing in common, right: the same bar"
    pen.text((left + SCALE_WIDTH + 12, top + SCALE_HEIGHT // 2), text, FAINT, font=font(SMALL), anchor="lm")
