"""Rows of a refine network: the figures are right on arrays whose figures are known, and whole on a tiny bundle."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tiny_notes import bundle

from continuo_daw.assistant.bundles.bundle import read_bundle
from continuo_daw.assistant.bundles.network import Network, load
from continuo_daw.assistant.music.clip import TICKS, Clip
from continuo_daw.training.corpus.notes import NoteCorpus, Section
from continuo_daw.training.evaluation.refine_rows import (
    correlation,
    drawn_pieces,
    duration_table,
    figures,
    network_velocities,
    plain_notes,
    rows_of,
    velocity_rows,
    velocity_table,
)
from continuo_daw.training.evaluation.velocity_rules import piece_mean

TABLES = {"durations": duration_table, "velocities": velocity_table}


def section(piece: int, count: int = 40) -> Section:
    """Quarters up a scale that get louder."""
    start = np.arange(count) * TICKS
    notes = np.stack([start, start + TICKS, 40 + start // TICKS % 40, 50 + piece % 10 + np.arange(count) % 30], 1)
    return Section(notes, Clip((), count * TICKS), False, piece)


def corpus(network: Network) -> NoteCorpus:
    splits = {name: [section(piece) for piece in range(6)] for name in ("train", "valid", "test")}
    return NoteCorpus(network.bundle.notes, splits, {})


@pytest.fixture(scope="module", params=TABLES)
def network(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Network:
    return load(read_bundle(bundle(tmp_path_factory.mktemp("models"), request.param)), "cpu", 1)


@pytest.fixture(scope="module")
def player(tmp_path_factory: pytest.TempPathFactory) -> Network:
    return load(read_bundle(bundle(tmp_path_factory.mktemp("models"), "velocities")), "cpu", 1)


def test_the_figures_of_velocities() -> None:
    true, found = np.array([60.0, 70, 80, 90]), np.array([60.0, 73, 92.8, 77.4])
    row = figures(found, true, np.zeros(4, np.int64))
    # 12.8 of 127 is more than a tenth, 12.6 less
    assert row["mae"] == pytest.approx((0 + 3 + 12.8 + 12.6) / 4)
    assert row["mse"] == pytest.approx((9 + 12.8**2 + 12.6**2) / 4)
    assert row["within_10"] == 0.75
    assert row["spread"] == pytest.approx(np.std(found), abs=1e-4)
    assert list(row) == ["mae", "mse", "within_10", "r", "spread"]


def test_correlation_is_that_within_a_piece() -> None:
    up, piece = np.tile(np.arange(10.0), 2), np.repeat([3, 8], 10)
    level = np.repeat([0.0, 50], 10)
    assert correlation(up + level, up, piece) == pytest.approx(1)  # one piece louder than the other is no fault
    assert correlation(level, up + level, piece) == 0  # and no merit
    assert correlation(np.where(piece == 3, up, -up), up, piece) == pytest.approx(0)
    # pieces of few notes and pieces that were played all alike have none
    assert correlation(
        np.r_[up, 1, 2, up[:10]], np.r_[-up, 1, 2, np.ones(10)], np.r_[piece, 9, 9, np.full(10, 10)]
    ) == (pytest.approx(-1))
    assert correlation(np.zeros(0), np.zeros(0), np.zeros(0, np.int64)) == 0


def test_pieces_are_drawn_whole_and_spread() -> None:
    sections = [section(piece, count) for piece in range(40) for count in (10, 20)]
    some = drawn_pieces(sections, 300)
    pieces = [one.piece for one in some]
    assert sum(len(one.notes) for one in some) == 300
    assert pieces == sorted(pieces) and all(pieces.count(piece) == 2 for piece in pieces)
    assert max(pieces) > 25 and min(pieces) < 15
    assert [id(one) for one in drawn_pieces(sections, 300)] == [id(one) for one in some]
    assert len({one.piece for one in drawn_pieces(sections, 5)}) == 1
    assert drawn_pieces(sections, 10_000) == sections


def test_a_network_is_measured_with_its_medians_and_with_a_draw(player: Network) -> None:
    some = [section(0), section(1, 30)]
    median, draw = network_velocities(player, some)
    assert len(median) == len(draw) == 70
    assert (draw == np.rint(draw)).all() and draw.min() >= 1 and draw.max() <= 127
    again, other = network_velocities(player, some)
    np.testing.assert_array_equal(median, again)
    np.testing.assert_array_equal(draw, other)
    assert draw.std() > median.std() + 5  # the tiny network has learnt nothing and says so


def test_the_rows_of_velocities(player: Network) -> None:
    some = [section(0), section(3, 30)]
    rows = velocity_rows(player, some, {"piece mean": piece_mean})
    assert list(rows) == ["piece mean", "network", "network, drawn", "as played"]
    true = plain_notes(some).velocity
    assert rows["as played"] == {"mae": 0, "mse": 0, "within_10": 1, "r": 1, "spread": round(float(true.std()), 4)}
    assert rows["network"] == figures(network_velocities(player, some)[0], true, np.repeat([0, 3], [40, 30]))
    alone = velocity_rows(player, some, {})
    assert alone == {name: rows[name] for name in ("network", "network, drawn")}


def test_the_table_of_a_card_and_that_of_an_evaluation(network: Network) -> None:
    whole, family = corpus(network), network.bundle.card.family
    card = rows_of(TABLES[family], network, whole)
    again = rows_of(TABLES[family], network, whole, rules=False)
    assert (card["notes"], card["pieces"]) == (240, 6)
    assert len(card["rows"]) > 5 and len({tuple(row) for row in card["rows"].values()}) == 1
    own = [name for name in card["rows"] if name.startswith("network")]
    assert again["rows"] == {name: card["rows"][name] for name in own}
    assert rows_of(TABLES[family], network, whole, limit=90, rules=False)["pieces"] == 2
    assert np.isfinite([value for row in card["rows"].values() for value in row.values()]).all()


def test_a_table_has_no_measure_of_chance(network: Network, tmp_path: Path) -> None:
    """The same rows come from the same files."""
    family = network.bundle.card.family
    other = load(read_bundle(bundle(tmp_path, family)), "cpu", 1)
    tables = [rows_of(TABLES[family], one, corpus(one), rules=False) for one in (network, other)]
    assert tables[0] == tables[1]
