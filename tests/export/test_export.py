"""Export: a run becomes a bundle that the engine plays, or it is said why not."""

from __future__ import annotations

import argparse
import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from tiny import CONFIG, tune

import continuo_daw.export.charrnn_export as charrnn_export
import continuo_daw.export.export as exporting
from continuo_daw.assistant.bundles.bundle import INDEX, read_bundle
from continuo_daw.assistant.bundles.families import MODEL
from continuo_daw.assistant.engine import Engine
from continuo_daw.assistant.request import Request
from continuo_daw.export.export import ExportError
from continuo_daw.training.config import Config, ConfigError, table_of
from continuo_daw.training.evaluation.table import ROWS


def arguments(run: Path, out: Path, *more: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    exporting.add_arguments(parser)
    return parser.parse_args([str(run), "--out", str(out), *more])


def under(run: Path, folder: Path, config: Config) -> Path:
    """A copy of a run, under another configuration."""
    copy = shutil.copytree(run, folder / "copy", ignore=shutil.ignore_patterns("curves", "last.ckpt"))
    checkpoint = torch.load(copy / "best.ckpt", weights_only=True)
    torch.save(checkpoint | {"config": table_of(config)}, copy / "best.ckpt")
    return copy


def test_a_bundle_says_where_it_comes_from(bundle: Path, trained: Path) -> None:
    card = read_bundle(bundle).card
    assert (card.name, card.title, card.family, card.licence) == ("tiny", CONFIG.title, "charrnn", "CC0")
    assert card.sizes == {
        "layers": 1,
        "hidden": 16,
        "vocabulary": card.make_codec().size,
        "positions": 385,
        "parameters": sum(weight.numel() for weight in exporting.load_run(trained)[1].net.parameters()),
    }
    assert card.codec == vars(CONFIG.codec)
    assert card.data["sets"][0]["name"] == "tunes"
    assert card.data["pieces"] == {"train": 4, "valid": 2, "test": 2}
    assert (card.data["licences"], card.data["attribution"]) == (["CC0"], ["nobody"])


def test_a_bundle_has_its_measures(bundle: Path) -> None:
    metrics = read_bundle(bundle).card.metrics
    assert metrics["parity"] <= CONFIG.export.parity
    assert metrics["int8_cost"] <= CONFIG.export.int8_cost
    assert metrics["steps_trained"] == 30
    rows = metrics["test"]["rows"]
    assert rows["random"]["nats_per_event"] == pytest.approx(6.1115, abs=1e-4)  # log 451
    assert rows["conditional Char-RNN"]["nats_per_event"] < rows["random"]["nats_per_event"] - 1
    assert metrics["test"]["notes"] < metrics["test"]["events"]
    for mode, row in metrics["fp32"].items():
        assert abs(row["nats_per_event"] - rows[ROWS[mode]]["nats_per_event"]) < 0.1


def test_the_engine_generates_with_a_bundle(bundle: Path) -> None:
    engine = Engine([bundle.parent], "cpu")
    assert engine.broken == {}
    request = Request("generate", (), {"bars": 2, "candidates": 3, "seed": 1})
    result = engine.run(request)
    assert result.model == "tiny"
    assert len(result.candidates) == 3
    assert all(candidate.clip.monophonic and candidate.clip.notes for candidate in result.candidates)
    assert result.candidates == engine.run(request).candidates


def test_the_engine_continues_with_a_bundle(bundle: Path) -> None:
    clip = tune(50, 4)
    result = Engine([bundle.parent], "cpu").run(Request("continue", (clip,), {"bars": 2, "seed": 3}))
    assert result.candidates[0].at == clip.length
    assert result.candidates[0].clip.notes


def test_the_command_prints_the_table(trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert exporting.run(arguments(trained, tmp_path / "out", "--title", "Another")) == 0
    said = capsys.readouterr().out
    assert all(word in said for word in ("5-gram", "conditional Char-RNN", "MB", "parity", "int8 costs"))
    assert read_bundle(tmp_path / "out").card.title == "Another"


def test_the_same_run_gives_the_same_graph(trained: Path, bundle: Path, tmp_path: Path) -> None:
    exporting.export(trained, tmp_path)
    assert (tmp_path / MODEL).read_bytes() == (bundle / MODEL).read_bytes()


def test_a_graph_that_is_not_the_network_is_refused(trained: Path, tmp_path: Path) -> None:
    strict = under(trained, tmp_path, replace(CONFIG, export=replace(CONFIG.export, parity=1e-12)))
    with pytest.raises(ExportError) as caught:
        exporting.export(strict, tmp_path / "out")
    found, bound = map(float, re.findall(r"\d\.?\d*e-\d+", str(caught.value)))
    assert found > bound == 1e-12
    assert not (tmp_path / "out").exists()


def test_int8_weights_that_cost_too_much_are_refused(trained: Path, tmp_path: Path) -> None:
    strict = under(trained, tmp_path, replace(CONFIG, export=replace(CONFIG.export, int8_cost=-0.5)))
    with pytest.raises(ExportError) as caught:
        exporting.export(strict, tmp_path / "out")
    found, bound = map(float, re.findall(r"(-?\d+\.\d+)%", str(caught.value)))
    assert found > bound == -50
    assert not (tmp_path / "out").exists()


def test_wrong_weights_are_no_parity(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    right = charrnn_export.step_weights

    def wrong(net: torch.nn.Module) -> object:
        weights = right(net)
        return replace(weights, position=weights.position[::-1].copy())

    monkeypatch.setattr(charrnn_export, "step_weights", wrong)
    with pytest.raises(ExportError, match="differs from torch"):
        exporting.export(trained, tmp_path / "out")


def test_a_refusal_is_one_line(trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    strict = under(trained, tmp_path, replace(CONFIG, export=replace(CONFIG.export, parity=1e-12)))
    assert exporting.run(arguments(strict, tmp_path / "out")) == 1
    assert "differ" in capsys.readouterr().err


def test_a_folder_without_a_run_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert exporting.run(arguments(tmp_path, tmp_path / "out")) == 1
    assert f"{tmp_path} holds no checkpoint best.ckpt" in capsys.readouterr().err


def test_a_run_without_its_data_is_named(trained: Path, tmp_path: Path) -> None:
    copy = under(trained, tmp_path, CONFIG)
    (copy / "corpus.npz").unlink()
    with pytest.raises(ConfigError, match=r"corpus\.npz"):
        exporting.export(copy, tmp_path / "out")


def test_a_broken_checkpoint_is_named(trained: Path, tmp_path: Path) -> None:
    copy = under(trained, tmp_path, CONFIG)
    whole = (copy / "best.ckpt").read_bytes()
    (copy / "best.ckpt").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ConfigError, match=r"best\.ckpt cannot be read"):
        exporting.export(copy, tmp_path / "out")


def test_a_card_can_be_read_by_people(bundle: Path) -> None:
    table = json.loads((bundle / "card.json").read_text(encoding="utf-8"))
    assert table["command"].startswith("continuo train tiny.toml")
    assert list(table["files"]) == [MODEL]


def test_with_the_data_at_hand_the_corpus_is_indexed(
    trained: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert exporting.run(arguments(trained, tmp_path / "indexed", "--data", str(data))) == 0
    bundle = read_bundle(tmp_path / "indexed")
    assert set(bundle.files) == {MODEL, INDEX}
    assert bundle.card.metrics["originality"]["human"]
    assert bundle.card.metrics["parity"] <= CONFIG.export.parity
    assert "planted copies found" in capsys.readouterr().out
