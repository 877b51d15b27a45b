"""`continuo evaluate`: the figures of a card come out again, and what is missing is named."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tiny import write_data

import continuo_daw.assistant.__main__ as program
from continuo_daw.assistant.bundles.bundle import read_card
from continuo_daw.training.evaluation.table import ROWS


@pytest.fixture
def evaluate(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    def run(*arguments: object) -> tuple[int, str, str]:
        capsys.readouterr()
        status = program.main(["evaluate", *map(str, arguments), "--cache", str(tmp_path / "cache")])
        return status, *capsys.readouterr()

    return run


def changed(bundle: Path, folder: Path, change: Callable[[dict[str, Any]], object]) -> Path:
    """A copy of a bundle with another card."""
    copy = shutil.copytree(bundle, folder / "copy")
    card = json.loads((copy / "card.json").read_text(encoding="utf-8"))
    change(card)
    (copy / "card.json").write_text(json.dumps(card), encoding="utf-8")
    return copy


def test_the_figures_of_the_card_come_out_again(bundle: Path, data: Path, evaluate: Any) -> None:
    status, out, err = evaluate(bundle, data, "--json")
    assert status == 0, err
    found, said = json.loads(out), read_card(bundle).metrics["test"]
    assert list(found) == ["bundle", "split", "events", "notes", "rows", "difference"]
    assert (found["bundle"], found["split"]) == (str(bundle), "test")
    assert (found["events"], found["notes"]) == (said["events"], said["notes"])
    assert found["rows"] == {name: said["rows"][name] for name in ROWS.values()}
    assert {figure for row in found["difference"].values() for figure in row.values()} == {0}


def test_people_get_a_table(bundle: Path, data: Path, evaluate: Any) -> None:
    status, out, _ = evaluate(bundle, data)
    assert status == 0
    assert f"{read_card(bundle).metrics['test']['events']} events" in out
    for name in ROWS.values():
        line = next(line for line in out.splitlines() if line.startswith(f"{name} "))
        assert line.endswith("+0.0000")


def test_the_prepared_data_are_named_beside_the_answer(bundle: Path, data: Path, tmp_path: Path, evaluate: Any) -> None:
    _, out, err = evaluate(bundle, data, "--json")
    (file,) = (tmp_path / "cache").glob("*.npz")
    assert f"prepared data: {file}" in err and str(file) not in out


def test_another_split_has_nothing_to_be_compared_with(bundle: Path, data: Path, evaluate: Any) -> None:
    status, out, _ = evaluate(bundle, data, "--split", "valid", "--json")
    found = json.loads(out)
    assert (status, found["split"], found["difference"]) == (0, "valid", None)
    assert found["events"] != read_card(bundle).metrics["test"]["events"]
    assert "beside the card" not in evaluate(bundle, data, "--split", "valid")[1]


def test_a_difference_to_the_card_is_shown(bundle: Path, data: Path, tmp_path: Path, evaluate: Any) -> None:
    def flatter(card: dict[str, Any]) -> None:
        card["metrics"]["test"]["rows"]["vanilla Char-RNN"]["nats_per_event"] -= 0.25

    status, out, _ = evaluate(changed(bundle, tmp_path, flatter), data)
    assert status == 0
    assert "+0.2500" in out


def test_a_model_can_be_given_by_its_name(
    bundle: Path, data: Path, evaluate: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONTINUO_HOME", str(bundle.parents[1]))
    status, out, _ = evaluate("tiny", data, "--json")
    assert (status, json.loads(out)["bundle"]) == (0, str(bundle))


def test_no_bundle_is_said_with_those_that_are_there(tmp_path: Path, data: Path, evaluate: Any) -> None:
    status, out, err = evaluate(tmp_path / "nothing", data)
    assert (status, out) == (1, "")
    assert "nothing" in err
    assert "installed:" in err


def test_data_without_the_sets_are_named(bundle: Path, tmp_path: Path, evaluate: Any) -> None:
    (tmp_path / "empty").mkdir()
    status, out, err = evaluate(bundle, tmp_path / "empty", "--json")
    assert (status, out) == (1, "")
    assert "tunes" in err
    assert str(tmp_path / "empty") in err


def test_an_empty_split_is_named(bundle: Path, tmp_path: Path, evaluate: Any) -> None:
    data = write_data(tmp_path / "data", ("train", "valid"))
    status, _, err = evaluate(bundle, data)
    assert status == 1
    assert "--split test" in err


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda card: card["data"].pop("sets"), "sets"),
        (lambda card: card["data"]["sets"][0].update(colour=1), "unknown key 'colour'"),
        (lambda card: card["data"].update(sets="tunes"), "must be a list"),
        (lambda card: card["sizes"].pop("layers"), "layers"),
        (lambda card: card["metrics"].pop("test"), "test"),
        (lambda card: card["metrics"]["test"]["rows"].pop("vanilla Char-RNN"), "vanilla Char-RNN"),
        (lambda card: card.pop("codec"), "missing fields: codec"),
        (lambda card: card["codec"].update(voices="three"), "voices"),
        (lambda card: card["files"].update({"model.onnx": "0"}), "sha256"),
    ],
)
def test_a_corrupted_card_is_named(
    bundle: Path, data: Path, tmp_path: Path, evaluate: Any, change: Callable[[dict[str, Any]], object], named: str
) -> None:
    copy = changed(bundle, tmp_path, change)
    status, out, err = evaluate(copy, data)
    assert (status, out) == (1, "")
    assert str(copy) in err.splitlines()[-1]
    assert named in err.splitlines()[-1]
