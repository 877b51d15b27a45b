"""Export of phrase autoencoders: a run becomes a bundle that the engine plays, or it is said why not."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import onnx
import pytest
import tiny_runs
import torch
from tiny import tune

from continuo_daw.assistant.bundles.bundle import Bundle, read_bundle
from continuo_daw.assistant.bundles.families import DECODER, ENCODER, SPACE
from continuo_daw.assistant.engine import Engine
from continuo_daw.assistant.latent.space import space_of
from continuo_daw.assistant.request import Request
from continuo_daw.export import phrase_parity
from continuo_daw.export.export import ExportError, export
from continuo_daw.training.config import Config, table_of
from continuo_daw.training.corpus.phrases import prepare_phrases
from continuo_daw.training.families.phrase_net import PhraseNet
from continuo_daw.training.train import fit, load_run

FILES = {ENCODER, DECODER, SPACE}


@pytest.fixture(scope="module", params=["vae", "seqae"])
def family(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def run(family: str, data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run of a phrase autoencoder."""
    config, folder = tiny_runs.config(family), tmp_path_factory.mktemp("runs") / family
    fit(config, prepare_phrases(config, data, data.parent / "cache", progress=False), folder)
    return folder


@pytest.fixture(scope="module")
def phrases(run: Path) -> Bundle:
    """Its bundle, in a folder of bundles."""
    folder = run.parent / "models" / run.name
    export(run, folder)
    return read_bundle(folder)


def under(run: Path, folder: Path, config: Config) -> Path:
    """A copy of a run, under another configuration."""
    copy = shutil.copytree(run, folder / "copy", ignore=shutil.ignore_patterns("curves", "last.ckpt"))
    checkpoint = torch.load(copy / "best.ckpt", weights_only=True)
    torch.save(checkpoint | {"config": table_of(config)}, copy / "best.ckpt")
    return copy


def test_a_bundle_says_what_it_is(phrases: Bundle, run: Path, family: str) -> None:
    card, config = phrases.card, tiny_runs.config(family)
    assert (card.name, card.family, card.tasks, card.licence) == (config.name, family, config.tasks, "CC0")
    assert card.codec == {"bars": config.phrase.bars, "most": 8, "voices": "one", "resolution": 24}
    net = load_run(run)[1].net
    assert card.sizes == {
        "parameters": sum(weight.numel() for weight in net.parameters()),
        "latent": 8,
        "width": 32,
        "hidden": 32,
    }
    assert card.data["pieces"] == {"train": 4, "valid": 2, "test": 2}
    assert set(card.files) == set(phrases.files) == FILES
    assert space_of(phrases.files[SPACE]).mean.shape == (8,)


def test_a_bundle_has_its_measures(phrases: Bundle, family: str) -> None:
    metrics = phrases.card.metrics
    assert 0 <= metrics["parity"] <= 1e-4
    assert metrics["same_bars"] >= 0.9
    assert metrics["int8_cost"] <= 0.5
    assert metrics["steps_trained"] == 20
    if family == "vae":
        assert metrics["kl_nats_per_phrase"] > 0
    else:
        assert all(
            0 <= metrics["codes"][split]["hamming"] <= phrases.card.sizes["latent"] for split in ("train", "test")
        )
        assert metrics["codes"]["test"]["l_rec"] > 0 and metrics["codes"]["test"]["l_rec_bin"] > 0
    rows = metrics["test"]["rows"]
    assert list(rows) == ["always hold", "nearest phrase", "network"]
    for row in (*rows.values(), metrics["fp32"]):
        assert set(row) == {"slots", "note_f1", "exact_bars"}
        assert all(0 <= value <= 1 for value in row.values())
    assert metrics["int8_cost"] == pytest.approx(metrics["fp32"]["note_f1"] - rows["network"]["note_f1"], abs=1e-4)
    forced = metrics["teacher_forced"]
    assert set(forced) >= {"positions", "pitches", "durations"}
    assert forced["durations"] > 0.3  # there are two


def test_the_engine_plays_a_bundle(phrases: Bundle, family: str) -> None:
    engine = Engine([phrases.folder.parent], "cpu")
    assert engine.broken == {}
    clips = tune(50, 4), tune(51, 4)
    space = "binary" if family == "seqae" else "latent"
    requests = [
        Request("generate", (), {"bars": 4, "seed": 1}),
        Request("interpolate", clips, {"steps": 5, "space": space, "seed": 1}),
        Request("blend", clips, {"seed": 1}),
        Request("vary", clips[:1], {"keep": "rhythm", "amount": 1, "seed": 1}),
    ]
    requests += [Request("walk", clips[:1], {"bars": 8, "seed": 1})] if family == "seqae" else []
    for request in requests:
        result = engine.run(request)
        assert result.model == f"tiny-{family}"
        assert result.candidates == engine.run(request).candidates
        assert all(candidate.clip.monophonic for candidate in result.candidates)
    interpolated = engine.run(requests[1]).candidates
    assert (interpolated[0].clip, interpolated[-1].clip) == clips
    varied = engine.run(requests[3]).candidates[0].clip
    assert [(n.start, n.duration, n.velocity) for n in varied.notes] == [
        (n.start, n.duration, n.velocity) for n in clips[0].notes
    ]


def test_the_same_run_gives_the_same_files(run: Path, phrases: Bundle, tmp_path: Path) -> None:
    export(run, tmp_path)
    again = read_bundle(tmp_path)
    assert {name: again.files[name] == phrases.files[name] for name in (ENCODER, DECODER)} == {
        ENCODER: True,
        DECODER: True,
    }
    one, other = (vars(space_of(bundle.files[SPACE])) for bundle in (again, phrases))
    assert all((one[name] == other[name]).all() for name in one)
    assert again.card.metrics == phrases.card.metrics


def test_a_graph_that_is_not_the_network_is_refused(run: Path, family: str, tmp_path: Path) -> None:
    config = tiny_runs.config(family)
    strict = under(run, tmp_path, replace(config, export=replace(config.export, parity=-1.0)))
    with pytest.raises(ExportError, match="differs from torch"):
        export(strict, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_wrong_weights_are_no_parity(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    right = phrase_parity.encoder_graph

    def wrong(net: PhraseNet, int8: bool) -> onnx.ModelProto:
        bias = net.encoder.place.bias
        with torch.no_grad():
            bias += 0.01
            graph = right(net, int8)
            bias -= 0.01
        return graph

    monkeypatch.setattr(phrase_parity, "encoder_graph", wrong)
    with pytest.raises(ExportError, match="differs from torch"):
        export(run, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_bytes_that_cost_too_much_are_refused(run: Path, family: str, tmp_path: Path) -> None:
    config = tiny_runs.config(family)
    strict = under(run, tmp_path, replace(config, export=replace(config.export, int8_cost=-2.0)))
    with pytest.raises(ExportError, match="int8 weights cost"):
        export(strict, tmp_path / "out")
    assert not (tmp_path / "out").exists()
