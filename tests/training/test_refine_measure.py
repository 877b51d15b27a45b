"""`continuo evaluate` and `continuo measure` of refine networks: whole on tiny bundles and tiny sets."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import test_asap
import test_ceiling
import tiny_played
from tiny_notes import bundle
from tiny_sets import write_set

import continuo_daw.assistant.__main__ as program
from continuo_daw.assistant.music.clip import TICKS, Clip, Note
from continuo_daw.training.evaluation.duration_rows import Case
from continuo_daw.training.evaluation.refine_measure import matches, performed_rows

NAN = np.nan
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def continuo(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    def run(*arguments: object) -> tuple[int, str, str]:
        capsys.readouterr()
        status = program.main([*map(str, arguments), "--cache", str(tmp_path / "cache")])
        return status, *capsys.readouterr()

    return run


def change(folder: Path, key: str, value: Any) -> None:
    """Puts a value into the table of a card."""
    card = json.loads((folder / "card.json").read_text(encoding="utf-8"))
    card[key] |= value
    (folder / "card.json").write_text(json.dumps(card), encoding="utf-8")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tiny_played.write_data(tmp_path / "data")


def tiny_bundle(folder: Path, family: str) -> Path:
    """A tiny bundle whose card names the set that `data` has."""
    made = bundle(folder / "models", family)
    change(made, "data", {"sets": [{"name": "tunes", "parts": "all"}]})
    return made


@pytest.mark.parametrize("family", ["durations", "velocities"])
def test_an_evaluation_shows_what_differs_from_the_card(family: str, data: Path, tmp_path: Path, continuo: Run) -> None:
    folder = tiny_bundle(tmp_path, family)
    _, out, _ = continuo("evaluate", folder, data, "--split", "valid", "--json")
    found = json.loads(out)
    assert list(found) == [
        *("bundle", "split", "notes", "pieces"),
        *(("without_value",) if family == "durations" else ()),
        *("rows", "difference"),
    ]
    assert found["pieces"] == 2
    # a card says the same of the test split, but for one figure
    split = tiny_played.write_data(tmp_path / "other")
    table = (split / "tunes" / "manifest.csv").read_text(encoding="utf-8")
    swapped = table.replace("test", "x").replace("valid", "test").replace("x", "valid")
    (split / "tunes" / "manifest.csv").write_text(swapped, encoding="utf-8")
    first = next(iter(found["rows"]["network"]))
    found["rows"]["network"][first] -= 0.25
    change(folder, "metrics", {"test": {"rows": found["rows"]}})
    status, out, err = continuo("evaluate", folder, split)
    assert status == 0, err
    (line,) = (line for line in out.splitlines() if line.startswith("network "))
    assert line.endswith("+0.2500")
    assert "2 pieces" in out and first.replace("_", " ") in out


def test_onsets_are_met_by_one_note_each() -> None:
    pitch = np.array([60, 60, 60, 62])
    true = np.array([0.0, 1, 2, 1])
    assert matches(true + 1 / 48, true, pitch) == 4
    assert matches(true + 1 / 40, true, pitch) == 0
    assert matches(np.array([1.0, 0, 0, 1]), true, pitch) == 3  # whichever note it is, but not twice
    assert matches(np.array([0.0, 1, 2, 2]), true, pitch) == 3  # an onset of another pitch does not count


def test_performed_notes_count_as_they_are_written() -> None:
    notes = tuple(Note(at, 60, 900) for at in (0, 960, 1920, 2880))
    written = np.array([[0.0, 1.0], [1.0, 0.5], [NAN, NAN], [2.9, 1.0]])
    rows = performed_rows(
        {
            "as given": lambda case: np.array([[note.start, note.duration] for note in case.clip.notes]) / TICKS,
            "all quarters": lambda case: np.array([[note.start / TICKS, 1.0] for note in case.clip.notes]),
        },
        [Case(Clip(notes, 4 * TICKS), written)],
    )
    assert rows["as given"] == {"onset_f1": pytest.approx(2 / 3), "note_values": 0}
    assert rows["all quarters"] == {"onset_f1": pytest.approx(2 / 3), "note_values": pytest.approx(2 / 3)}
    assert rows["T5 transformer, published"] == {"onset_f1": 0.973, "note_values": 0.833}


def test_durations_are_measured_on_tunes_scores_and_performances(tmp_path: Path, continuo: Run) -> None:
    piece = test_asap.write_set(tmp_path / "data" / "asap_nasap")
    test_asap.perform(piece, "Player01", test_asap.PLAYED)
    test_asap.write_manifest(tmp_path / "data" / "asap_nasap")
    rows = [{"id": str(number), "split": split} for number, split in enumerate(("train", "train", "test"))]
    write_set(tmp_path / "data" / "nottingham", rows)
    folder = bundle(tmp_path / "models", "durations")
    status, out, err = continuo("measure", folder, "--data", tmp_path / "data", "--json")
    assert status == 0, err
    found = json.loads(out)
    assert list(found) == ["bundle", "split", "nottingham", "asap_nasap"]
    assert found["nottingham"]["stretched"]["next onset"] == {"exact": 1, "mae": pytest.approx(0, abs=1e-9)}
    performed = found["asap_nasap"]["performed"]
    assert list(performed) == [*found["asap_nasap"]["stretched"], "T5 transformer, published"]
    # of the seven notes that the score has, three are played within a 48th of their places
    assert performed["identity"] == {"onset_f1": pytest.approx(3 / 7), "note_values": 0}
    assert performed["nearest 16th"]["onset_f1"] == 1
    status, out, _ = continuo("measure", folder, "--data", tmp_path / "data")
    assert status == 0 and "asap_nasap: performed" in out and "0.973" in out


def test_velocities_are_measured_on_performances_and_against_pianists(
    data: Path, tmp_path: Path, continuo: Run
) -> None:
    piece = test_asap.write_set(data / "asap_nasap")
    test_asap.perform(piece, "Player01", test_asap.PLAYED)
    test_asap.write_manifest(data / "asap_nasap")
    vienna = data / "vienna4x22"
    vienna.mkdir()
    lines = ["id,split,piece_key,path"]
    for number, name in enumerate(("p1", "p2")):
        test_ceiling.performance(vienna / f"{name}.match", (50 + 4 * number, 80 + 4 * number, 60))
        lines.append(f"{name},test,work,{name}.match")
    (vienna / "manifest.csv").write_text("\n".join(lines), encoding="utf-8")
    status, out, err = continuo("measure", tiny_bundle(tmp_path, "velocities"), "--data", data, "--json")
    assert status == 0, err
    found = json.loads(out)
    rules = ["flat", "median", "piece mean", "ridge", "boosting"]
    assert list(found["asap_nasap"]["velocities"]) == [*rules, "network", "network, drawn", "as played"]
    work = found["vienna4x22"]["work"]
    assert list(work) == ["two pianists", "flat", "own mean", "median", "ridge", "boosting", "network"]
    assert work["two pianists"]["mae"] == pytest.approx(8 / 3)
    assert work["flat"]["mae"] == pytest.approx(((14 + 4 + 16) + (10 + 4 + 20)) / 6)
    assert work["own mean"]["mae"] == work["own mean"]["centred"] == work["flat"]["centred"]
    assert work["flat"]["r"] == 0 and set(work["network"]) == {"mae", "centred", "r"}


@pytest.mark.parametrize(
    ("flags", "named"),
    [
        (("--judge", "melody"), "--judge"),
        (("--what", "walk"), "--what"),
        (("--clips", "10"), "--clips"),
        (("--pictures", "here"), "--pictures"),
        ((), "nottingham and asap_nasap"),
    ],
)
def test_what_does_not_suit_is_named(flags: tuple[str, ...], named: str, tmp_path: Path, continuo: Run) -> None:
    folder = bundle(tmp_path / "models", "durations")
    status, out, err = continuo("measure", folder, "--data", tmp_path, *flags)
    assert (status, out) == (1, "")
    assert named in err and "tiny-durations" in err


def test_rules_want_the_sets_of_the_card(tmp_path: Path, continuo: Run) -> None:
    (tmp_path / "empty" / "vienna4x22").mkdir(parents=True)
    status, out, err = continuo("measure", tiny_bundle(tmp_path, "velocities"), "--data", tmp_path / "empty")
    assert (status, out) == (1, "")
    assert "tunes" in err
