"""`continuo models`: what the cards say, for people and for programs."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from continuo_daw.assistant.__main__ import main
from continuo_daw.assistant.bundles.bundle import FORMAT, Card, write_bundle
from continuo_daw.assistant.bundles.families import MODEL
from continuo_daw.assistant.commands import models as models_command

CARD = Card(
    format=FORMAT,
    name="tiny",
    title="Tunes in one voice",
    family="charrnn",
    tasks=("generate", "continue"),
    codec={"voices": "one"},
    sizes={"layers": 2, "hidden": 8, "vocabulary": 451, "positions": 385, "parameters": 900_000},
    files={},
    data={"sources": ["openscore_lieder", "mutopia_clean"], "pieces": {"train": 1200, "test": 90}},
    licence="CC-BY-4.0",
    metrics={"test": {"rows": {"5-gram": {"nats_per_event": 1.75}, "Char-RNN": {"nats_per_event": 1.23456}}}},
    command="continuo train training/configs/tiny.toml",
    use="sketches",
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder with models: one of the user's own."""
    monkeypatch.setenv("CONTINUO_HOME", str(tmp_path))
    monkeypatch.setattr(models_command, "bundled_models", lambda: tmp_path / "none")
    write_bundle(tmp_path / "models" / "tiny", CARD, {MODEL: bytes(1_200_000)})
    return tmp_path / "models"


def test_a_model_in_words(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "tiny: Tunes in one voice",
        "   tasks      generate, continue (charrnn)",
        "   size       0.9 million parameters, 1.2 MB",
        "   trained on openscore_lieder, mutopia_clean: 1200 pieces",
        "   licence    CC-BY-4.0",
        "   measured   nats per event: 5-gram 1.75, Char-RNN 1.235",
    ]


def test_json_has_the_whole_of_data_and_metrics(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["models", "--json"])
    (model,) = json.loads(capsys.readouterr().out)
    assert (model["data"], model["metrics"], model["bytes"]) == (CARD.data, CARD.metrics, 1_200_000)
    assert model["folder"] == str(folder / "tiny")


def test_a_model_that_was_changed_is_named_with_what_is_wrong(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "tiny" / MODEL).write_bytes(b"another")
    assert main(["models"]) == 0
    assert "tiny: cannot be used:" in (said := capsys.readouterr().out) and "sha256 differs" in said


def test_what_a_card_does_not_say(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_bundle(folder / "tiny", replace(CARD, licence="", metrics={}), {MODEL: b"graph"})
    main(["models"])
    assert capsys.readouterr().out.splitlines()[-2:] == ["   licence    not said", "   measured   not said"]


def test_two_models_stand_apart(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_bundle(folder / "other", replace(CARD, name="other"), {MODEL: b"graph"})
    main(["models"])
    assert [text.split(":")[0] for text in capsys.readouterr().out.split("\n\n")] == ["other", "tiny"]


def test_no_models(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CONTINUO_HOME", str(tmp_path / "empty"))
    main(["models"])
    assert capsys.readouterr().out == "no models are installed\n"
