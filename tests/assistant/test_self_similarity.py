"""Self-similarity: bars that are alike, and what the picture shows of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from continuo_daw.assistant.drawing.ink import GIVEN, PAPER
from continuo_daw.assistant.drawing.self_similarity import draw, sameness, self_similarity
from continuo_daw.assistant.errors import AssistantError
from continuo_daw.assistant.music.clip import TICKS, Clip, Note

BAR = 4 * TICKS


def bars_of(*pitches: int | None) -> Clip:
    """A clip with one whole note a bar; None is a silent bar."""
    notes = (Note(bar * BAR, pitch, BAR) for bar, pitch in enumerate(pitches) if pitch is not None)
    return Clip(tuple(notes), len(pitches) * BAR)


def test_bars_that_return_are_alike() -> None:
    matrix = self_similarity(bars_of(60, 62, 60, 64))
    assert matrix.tolist() == [[1, 0, 1, 0], [0, 1, 0, 0], [1, 0, 1, 0], [0, 0, 0, 1]]
    assert sameness(matrix) == pytest.approx(2 / 12)


def test_half_of_the_notes_in_common_is_between() -> None:
    shared = Note(0, 60, 2 * TICKS)
    first, second = (Clip((shared, Note(2 * TICKS, pitch, 2 * TICKS)), BAR) for pitch in (62, 65))
    matrix = self_similarity(first.joined(second))
    assert matrix[0, 1] == matrix[1, 0] == pytest.approx(0.5)


def test_silent_bars_are_no_theme() -> None:
    assert sameness(self_similarity(bars_of(None, None, None))) == 0
    assert sameness(self_similarity(bars_of(60, None, 60))) == pytest.approx(2 / 6)


def test_one_bar_has_nothing_to_be_like() -> None:
    assert sameness(self_similarity(bars_of(60))) == 0


def test_the_picture_shows_the_cells(tmp_path: Path) -> None:
    matrix = self_similarity(bars_of(60, 62, 60, 64))
    draw([("first", matrix), ("second", np.eye(4))], tmp_path / "two.png", "A heading")
    image = Image.open(tmp_path / "two.png").convert("RGB")
    pixels = np.asarray(image)
    dark = (pixels == GIVEN[1]).all(2)
    rows = np.flatnonzero(dark.any(1))[:1]  # the top row of cells: bar 1 is like bars 1 and 3, and like bar 1 alone
    runs = np.flatnonzero(np.diff(np.concatenate([[0], dark[rows[0] + 20].astype(int), [0]])))
    starts, ends = runs[::2], runs[1::2]
    assert len(starts) == 3
    cell = ends[0] - starts[0]
    assert starts[1] - starts[0] == 2 * cell and ends[2] - starts[2] == cell
    assert tuple(pixels[rows[0] + 20, ends[0] + cell // 2]) == PAPER


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(AssistantError, match=r"cannot write .*two\.png"):
        draw([("one", np.eye(2))], tmp_path / "none" / "two.png")
