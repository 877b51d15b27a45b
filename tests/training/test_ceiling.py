"""Ceiling: what pianists have in common is measured over the notes that both played."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from continuo_daw.training.corpus.readers import DEFAULT_VELOCITY
from continuo_daw.training.evaluation.ceiling import against, agreement, pianists

HEAD = """info(midiClockUnits,480).
info(midiClockRate,{rate}).
scoreprop(timeSignature,2/4,1:1,0,0.0000).
"""
# id, step, beat; not in the order of the score: the chord's higher note comes first
NAMES = (("low", "C", 0), ("top", "G", 1), ("inner", "E", 1))
NAN = np.nan


def performance(path: Path, velocities: tuple[int, ...], rate: int = 500_000) -> Path:
    """A match file of a quarter and a chord; velocity 0 is a note that is not played."""
    lines = []
    for (name, step, beat), velocity in zip(NAMES, velocities, strict=True):
        note = f"note(n,60,{960 * beat},{960 * beat + 900},{velocity},0,0)" if velocity else "deletion"
        lines.append(f"snote({name},[{step},n],4,1:1,0,1/4,{beat}.0000,{beat + 1}.0000,[v1])-{note}.")
    path.write_text(HEAD.format(rate=rate) + "\n".join(lines), encoding="utf-8")
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A set of two pianists in test and one in train."""
    rows = [("p1", "test", "work"), ("p2", "test", "work"), ("p3", "train", "other work")]
    for number, (name, _, _) in enumerate(rows):
        velocities = (50 + number, 80 + number, 60 if name == "p1" else 0)
        performance(tmp_path / f"{name}.match", velocities, 500_000 * (number + 1))
    with (tmp_path / "manifest.csv").open("w", newline="", encoding="utf-8") as stream:
        table = csv.writer(stream)
        table.writerow(("id", "split", "piece_key", "path"))
        table.writerows((name, split, work, f"{name}.match") for name, split, work in rows)
    return tmp_path


def test_the_pianists_of_a_work_stand_in_one_table(folder: Path) -> None:
    ((work, found),) = pianists(folder).items()
    assert (work, found.ids) == ("work", ("low", "inner", "top"))
    np.testing.assert_array_equal(found.table, [[50, 60, 80], [51, NAN, 81]])
    assert list(pianists(folder, "train")) == ["other work"]


def test_the_score_has_a_row_for_each_column_and_tells_no_velocity(folder: Path) -> None:
    score = pianists(folder)["work"].score
    assert score.tracks[0].notes.tolist() == [
        [0, 960, 60, DEFAULT_VELOCITY],
        [960, 1920, 64, DEFAULT_VELOCITY],
        [960, 1920, 67, DEFAULT_VELOCITY],
    ]
    assert (score.meters, score.tempos) == (((0, (2, 4)),), ((0, 45.0),))  # between 60 and 30


def test_pianists_agree_over_what_both_played() -> None:
    table = np.array([[60.0, 70, 80, NAN], [62.0, 72, NAN, 90], [60.0, 40, 50, 60]])
    last = np.corrcoef([62, 72, 90], [60, 40, 60])[0, 1]
    measured = agreement(table)
    # pair by pair, over two, three and three notes
    assert measured.mae == pytest.approx((2 + 20 + 64 / 3) / 3)
    assert measured.centred == pytest.approx((0 + 40 / 3 + 116 / 9) / 3)
    assert measured.r == pytest.approx((1 - 0.5 + last) / 3)


def test_a_prediction_is_measured_against_each_pianist() -> None:
    table = np.array([[60.0, 70, 80], [64.0, NAN, 84]])
    assert against(np.array([61.0, 71, 81]), table) == pytest.approx((2.0, 0.0, 1.0))
    assert against(np.array([70.0, 70, 70]), table) == pytest.approx(((20 / 3 + 10) / 2, (20 / 3 + 10) / 2, 0.0))
