"""Figures of rows with their intervals."""

from __future__ import annotations

import numpy as np
import pytest
from tiny import tune

from continuo_daw.assistant.music.clip import Clip
from continuo_daw.assistant.originality.index import Index
from continuo_daw.training.evaluation import generation_rows
from continuo_daw.training.evaluation.bleu import references
from continuo_daw.training.evaluation.generation_rows import BLEU, COLUMNS, GAP, Measured, interval, intervals, measured

TRAIN = [tune(seed, bars=8) for seed in range(6)]
KNOWN = references([[clip] for clip in TRAIN])
INDEX = Index.of([(str(number), [clip]) for number, clip in enumerate(TRAIN)], one=True)
HELD = [tune(seed, bars=8) for seed in range(20, 30)]


def of(clips: list[Clip], first: int = 0) -> Measured:
    return measured(clips, range(first, first + len(clips)), KNOWN, INDEX)


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> dict[str, dict[str, tuple[float, float, float]]]:
    """Three rows over two seeds: the held-out clips, other such tunes, and copies of train with one note each."""
    monkeypatch.setattr(generation_rows, "DRAWS", 20)
    held = [of(HELD[:5]), of(HELD[5:], 5)]
    other = [of([tune(40 + number, bars=8) for number in range(5)], 10 + 5 * seed) for seed in range(2)]
    copies = [of(TRAIN[:5], 5 * seed) for seed in range(2)]
    splits = ["test"] * 10 + ["valid"] * 10
    return intervals({"held": held, "other": other, "copies": copies}, held, splits)


def test_each_figure_lies_in_its_interval(table: dict[str, dict[str, tuple[float, float, float]]]) -> None:
    for row in table.values():
        assert set(row) <= set(COLUMNS)
        assert all(low <= value <= high for value, low, high in row.values())
    value, low, high = table["other"]["overlap"]
    assert 0.5 < value < 1 and low < high


def test_held_out_windows_are_not_compared_with_themselves(
    table: dict[str, dict[str, tuple[float, float, float]]],
) -> None:
    assert "overlap" not in table["held"] and GAP not in table["held"]
    assert table["other"][GAP][0] < table["copies"][GAP][0]  # tunes like the held-out ones, against copies of train


def test_copies_are_seen(table: dict[str, dict[str, tuple[float, float, float]]]) -> None:
    copies, other = table["copies"], table["other"]
    assert copies[BLEU][0] == 1 > other[BLEU][0]
    assert copies["copied share"][0] > 0.9 > 0.5 > other["copied share"][0]
    assert copies["copied notes"][0] > 20 > other["copied notes"][0]
    assert copies["similarity"][0] > other["similarity"][0]


def test_an_interval_is_moved_to_its_figure() -> None:
    assert interval(5.0, [1.0, 2.0, 3.0]) == pytest.approx((5, 4.05, 5.95))
    value, low, high = interval(5.0, [np.nan])
    assert value == 5 and np.isnan([low, high]).all()
