"""Rows of a Duration Net: what is true of a score, what the rules make of it, and what counts as right."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tiny_notes import bundle

from continuo_daw.assistant.bundles.bundle import read_bundle
from continuo_daw.assistant.bundles.network import Network, load
from continuo_daw.assistant.codecs.notes import NoteCodec
from continuo_daw.assistant.music.clip import TICKS, Clip, Note
from continuo_daw.training.corpus.notes import Section
from continuo_daw.training.evaluation.duration_rows import (
    Case,
    case_of,
    drawn_cases,
    duration_rows,
    judged,
    learnt_prior,
    one_voice,
    played_case,
    restoring,
    right,
    rules_of,
    stretched_case,
    true_lengths,
)
from continuo_daw.training.evaluation.duration_rules import HIGH, LOW, times_of

CODEC = NoteCodec(24, 4)
NAN = np.nan
QUARTER, EIGHTH = TICKS, TICKS // 2


def section(*notes: tuple[int, int, int], meter: tuple[int, int] = (4, 4), piece: int = 0) -> Section:
    """Notes of start, length, pitch in ticks."""
    table = np.array([(start, start + length, pitch, 70) for start, length, pitch in notes])
    return Section(table, Clip((), int(table[:, 1].max()), 120.0, meter), False, piece)


def line(seed: int, voices: int = 1, count: int = 40) -> Section:
    """Eighths and quarters; with two voices a low note that is as long as two of them."""
    lengths = np.random.default_rng(seed).choice([EIGHTH, QUARTER], count)
    starts = np.cumsum([0, *lengths[:-1]])
    notes = [(int(start), int(length), 72) for start, length in zip(starts, lengths, strict=True)]
    if voices == 2:
        notes += [(a[0], a[1] + b[1], 48) for a, b in zip(notes[::2], notes[1::2], strict=True)]
    return section(*sorted(notes, key=lambda note: (note[0], note[2])), piece=seed)


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Network:
    return load(read_bundle(bundle(tmp_path_factory.mktemp("models"), "durations")), "cpu", 1)


def test_a_length_stands_for_the_note_value_that_is_a_little_longer() -> None:
    some = section((0, 478, 60), (480, 955, 60), (1440, 318, 60), (1920, 30, 60), (4800, 22 * QUARTER, 60))
    # 32nd notes of triplets are 80 ticks, 64th notes of triplets 40; nothing lasts 22 quarters
    np.testing.assert_allclose(true_lengths(some, CODEC), [0.5, 1.0, 1 / 3, NAN, NAN])


def test_a_length_that_ends_where_a_note_begins_is_one_though_it_has_no_name() -> None:
    tied = (0, 22 * QUARTER, 60)
    assert true_lengths(section(tied, (22 * QUARTER, QUARTER, 62)), CODEC)[0] == pytest.approx(22)


def test_stretched_lengths_are_within_their_range_of_the_note_values() -> None:
    some = line(1)
    case = stretched_case(some, CODEC, np.random.default_rng(0))
    start, length = times_of(case.clip)
    np.testing.assert_array_equal(case.written[:, 0], some.notes[:, 0] / TICKS)
    np.testing.assert_array_equal(start, case.written[:, 0])
    ratio = length / case.written[:, 1]
    assert LOW - 0.01 < ratio.min() < 0.85 and 1.15 < ratio.max() < HIGH + 0.01


def test_what_was_written_goes_with_its_note_when_notes_change_places() -> None:
    some = section((0, QUARTER, 60), (QUARTER, EIGHTH, 62), (2 * QUARTER, QUARTER, 64))
    written = np.array([[0.0, 1], [1, 0.5], [2, 1]])
    case = case_of(some, np.array([0.0, 2.5, 1.9]), np.array([1.0, 0.4, 0.9]), written, False)
    assert [note.pitch for note in case.clip.notes] == [60, 64, 62]
    assert case.written.tolist() == [[0, 1], [2, 1], [1, 0.5]]
    assert case.clip.notes[2] == Note(2400, 62, 384, 70)


def test_played_notes_go_with_their_truth_and_stand_in_a_clip() -> None:
    some = line(2, voices=2)
    case = played_case(some, CODEC, np.random.default_rng(0))
    start, _ = times_of(case.clip)
    assert len(start) == len(some.notes)
    assert 0 < np.abs(start - case.written[:, 0]).max() < 0.5
    assert sorted(case.written[:, 0]) == sorted(some.notes[:, 0] / TICKS)


def test_one_voice_is_told_from_two() -> None:
    assert one_voice(line(0)) and not one_voice(line(0, voices=2))
    assert one_voice(section((0, QUARTER, 60)))


def test_right_counts_what_has_a_truth() -> None:
    written = np.array([[0.0, 1.0], [1.0, NAN], [NAN, NAN], [2.0, 0.5]])
    found = np.array([[0.015, 1.005], [1.5, 9.0], [7.0, 9.0], [2.0, 0.75]])
    assert right(found, written) == pytest.approx((2 / 3, 1 / 2, (0.005 + 0.25) / 2))
    assert right(np.zeros((0, 2)), np.zeros((0, 2))) == (0, 0, 0)


def test_the_rules_restore_what_they_should() -> None:
    rules = rules_of(learnt_prior([line(seed) for seed in range(20)]))
    assert list(rules) == ["identity", "nearest 16th", "nearest", "prior", "next onset"]
    notes = (Note(40, 60, 1100), Note(940, 60, 500), Note(1450, 60, 1200))
    given = Case(Clip(notes, 4 * QUARTER), np.zeros((3, 2)))
    assert rules["nearest 16th"](given)[:, 0].tolist() == [0, 1, 1.5]
    assert rules["nearest 16th"](given)[:, 1].tolist() == [1.25, 0.5, 1.25]
    assert rules["next onset"](given)[:2, 1].tolist() == [1, 0.5]
    # where the onsets are known they stay
    stretched = Case(given.clip, given.written, stretched=True)
    assert rules["nearest"](stretched)[:, 0].tolist() == [note.start / TICKS for note in notes]


def test_the_rules_are_judged_over_all_cases() -> None:
    some = [line(seed) for seed in range(5)]
    prior = learnt_prior(some)
    found = judged(rules_of(prior), drawn_cases(stretched_case, some, CODEC))
    assert found == judged(rules_of(prior), drawn_cases(stretched_case, some, CODEC))
    share = {name: exact for name, (_, exact, _) in found.items()}
    assert share["identity"] < share["nearest"] < share["prior"] <= share["next onset"] == 1
    assert {onsets for onsets, _, _ in found.values()} == {1}


def test_a_network_keeps_the_onsets_of_stretched_lengths_and_their_range(network: Network) -> None:
    case = stretched_case(line(3), CODEC, np.random.default_rng(0))
    start, length = restoring(network)(case).T
    given, observed = times_of(case.clip)
    np.testing.assert_array_equal(start, given)
    assert (np.abs(length / observed - 1) < 0.27).all()  # 1 / 0.8 is the most, and what is near is the same time


def test_the_rows_of_one_voice_and_of_several_are_apart(network: Network) -> None:
    some = [line(seed) for seed in range(3)]
    both = [*some, *(line(seed, voices=2) for seed in range(3, 6))]
    prior = learnt_prior(both)
    found = duration_rows(network, both, prior)
    alone = duration_rows(network, some, prior)
    assert list(found["rows"]) == [*rules_of(prior), "network"]
    assert len({tuple(row) for row in found["rows"].values()}) == 1
    for name, row in found["rows"].items():
        for column in ("exact_one_voice", "mae_one_voice"):
            assert row[column] == alone["rows"][name][column]
    assert found["rows"]["next onset"]["exact_one_voice"] == 1
    assert found["rows"]["next onset"]["exact_polyphonic"] < 1
    assert found["without_value"] == 0
    assert duration_rows(network, both, None)["rows"] == {"network": found["rows"]["network"]}


def test_a_prior_is_learnt_from_some_of_many(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    seen: list[int] = []
    rows = "continuo_daw.training.evaluation.duration_rows"
    monkeypatch.setattr(f"{rows}.LEARNT", 100)
    monkeypatch.setattr(
        "continuo_daw.training.evaluation.duration_rows.clip_of_section",
        lambda some: seen.append(some.piece) or Clip((), 0),
    )
    learnt_prior([line(seed) for seed in range(10)])
    assert len(seen) == 3 and len(set(seen)) == 3
