"""Runs of the phrase autoencoders: they learn, go on where they stood, and begin with the weights of others."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tiny_runs
import torch
from torch import Tensor
from watched import PowerCut, Watch, watched

import continuo_daw.training.train as train
from continuo_daw.training.config import Config, ConfigError
from continuo_daw.training.corpus.phrases import PhraseCorpus, phrases, prepare_phrases, read_phrases
from continuo_daw.training.families.phrase_run import (
    BinaryPhraseRun,
    PhraseBatches,
    PhraseRun,
    note_f1,
    regularisation,
    tensors,
)

FAMILIES = ("vae", "seqae")


Corpus = Callable[[Config], PhraseCorpus]


@pytest.fixture(scope="module")
def corpus_of(data: Path) -> Corpus:
    """The corpus of a configuration."""
    return lambda config: prepare_phrases(config, data, data.parent / "cache", progress=False)


@pytest.fixture(scope="module", params=FAMILIES)
def unbroken(
    request: pytest.FixtureRequest, corpus_of: Corpus, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Config, Path, Watch]:
    """A whole run: its configuration, its folder, and what was seen of it."""
    config, out = tiny_runs.config(request.param), tmp_path_factory.mktemp("runs") / request.param
    return config, out, watched(config, corpus_of(config), out)


def test_a_run_learns(unbroken: tuple[Config, Path, Watch]) -> None:
    losses = unbroken[2].losses
    assert list(losses) == list(range(1, 21))
    assert np.mean([losses[step] for step in range(17, 21)]) < 0.7 * losses[1]


def test_a_run_is_validated(unbroken: tuple[Config, Path, Watch]) -> None:
    config, _, watch = unbroken
    assert list(watch.validations) == [10, 20]
    assert watch.validations[20]["valid/loss"] < watch.validations[10]["valid/loss"]
    own = {"kl"} if config.model.family == "vae" else {"quantisation", "binary", "binary_roll"}
    known = {"reconstruction", "roll", "loss", "f1"} | own
    assert set(watch.validations[20]) == {f"valid/{name}" for name in known}
    assert all(np.isfinite(list(found.values())).all() for found in watch.validations.values())


def test_a_run_can_be_loaded(unbroken: tuple[Config, Path, Watch]) -> None:
    config, out, watch = unbroken
    loaded, module, checkpoint = train.load_run(out)
    assert (loaded, checkpoint["global_step"]) == (config, 20)
    assert all(torch.equal(weight, watch.weights[name]) for name, weight in module.state_dict().items())
    assert not module.training
    corpus = read_phrases(module.codec, out / "corpus.npz")
    assert corpus.origin["pieces"] == {"train": 4, "valid": 2, "test": 2}


def test_a_run_that_goes_on_is_the_unbroken_run(
    unbroken: tuple[Config, Path, Watch], corpus_of: Corpus, tmp_path: Path
) -> None:
    config, _, whole = unbroken
    corpus = corpus_of(config)
    with pytest.raises(PowerCut):
        watched(config, corpus, tmp_path, cut_at=14)
    rest = watched(config, corpus, tmp_path, resume=tmp_path / "last.ckpt")
    assert rest.losses == {step: loss for step, loss in whole.losses.items() if step > 10}
    assert rest.validations[20] == whole.validations[20]
    assert all(torch.equal(weight, whole.weights[name]) for name, weight in rest.weights.items())


def test_a_run_begins_with_the_weights_of_another(
    unbroken: tuple[Config, Path, Watch], corpus_of: Corpus, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config, start, whole = unbroken
    still = tiny_runs.config(config.model.family, {"steps": 1, "learning_rate": 0.0, "validate_every": 1})
    found = watched(still, corpus_of(still), tmp_path, start=start).weights
    weights = {name: weight for name, weight in found.items() if "normal" not in name}  # which counts batches
    assert all(torch.equal(weight, whole.weights[name]) for name, weight in weights.items())
    assert f"{len(found)} of {len(found)} tensors come from {start}" in capsys.readouterr().out


def test_only_weights_that_fit_are_taken(unbroken: tuple[Config, Path, Watch], tmp_path: Path) -> None:
    config, start, whole = unbroken
    other = train.FAMILIES[config.model.family].run(tiny_runs.config(config.model.family, latent=4))
    before = {name: weight.clone() for name, weight in other.state_dict().items()}
    taken = train.begin_with(other, start)
    fits = {name for name, weight in before.items() if weight.shape == whole.weights[name].shape}
    assert taken == len(fits) < len(before)
    for name, weight in other.state_dict().items():
        assert torch.equal(weight, whole.weights[name] if name in fits else before[name]), name


def test_a_decoder_of_bits_begins_as_the_decoder_of_numbers(corpus_of: Corpus, tmp_path: Path) -> None:
    config = tiny_runs.config("vae", {"steps": 2, "validate_every": 2}, bars=1)
    weights = watched(config, corpus_of(config), tmp_path).weights
    binary = BinaryPhraseRun(tiny_runs.config("seqae"))
    train.begin_with(binary, tmp_path / "best.ckpt")
    for name, weight in binary.state_dict().items():
        if "decoder" in name:
            assert torch.equal(weight, weights[name.replace("binary_decoder", "decoder")]), name


def test_where_there_is_no_run_to_begin_with_that_is_said(corpus_of: Corpus, tmp_path: Path) -> None:
    config = tiny_runs.config()
    with pytest.raises(ConfigError, match=r"best\.ckpt cannot be read: there is no such file"):
        train.fit(config, corpus_of(config), tmp_path / "out", start=tmp_path)


def test_bits_teach_the_encoder_nothing(corpus_of: Corpus) -> None:
    """The loss of the decoder of signs does not reach the encoder; those of the codes do."""
    torch.manual_seed(1)
    config = tiny_runs.config("seqae")
    run, batches = BinaryPhraseRun(config), PhraseBatches(corpus_of(config), config)
    run.train()
    run.trainer = None  # type: ignore[assignment]
    rows = batches.rows(0, 0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(PhraseRun, "global_step", 5)
        parts = run.losses(rows)
    assert set(parts) >= {"continuity", "quantisation", "binary", "reconstruction"}
    reaches = {}
    for name, value in parts.items():
        run.zero_grad()
        value.backward(retain_graph=True)
        gradient = run.net.encoder.out.weight.grad
        reaches[name] = gradient is not None and bool(gradient.abs().sum() > 0)
    assert {name for name, reached in reaches.items() if not reached} == {"binary", "binary_roll"}


def batch(*phrases: list[tuple[int, int]]) -> tuple[Tensor, Tensor]:
    """notes (B, 1, N, 4) and count (B, 1) of phrases of (position, pitch) rows."""
    most = max(map(len, phrases))
    notes = torch.zeros(len(phrases), 1, most, 4, dtype=torch.long)
    for index, rows in enumerate(phrases):
        for column, row in enumerate(rows):
            notes[index, 0, column, :2] = torch.tensor(row)
    return notes, torch.tensor([[len(rows)] for rows in phrases])


@pytest.mark.parametrize(
    ("true", "made", "f1"),
    [
        ([[(0, 60), (24, 62)]], [[(0, 60), (24, 62)]], 1.0),
        ([[(0, 60), (24, 62)]], [[(0, 60), (24, 64)]], 0.5),
        ([[(0, 60), (24, 62)]], [[(0, 60)]], 2 / 3),
        ([[(0, 60)], [(0, 62)]], [[(0, 62)], [(0, 60)]], 0.0),  # the right notes in the wrong phrase
        ([[(0, 60)]], [[]], 0.0),
        ([[]], [[]], 0.0),
        ([[(143, 127)], [(0, 0)]], [[(143, 127)], [(0, 0)]], 1.0),
    ],
)
def test_note_f1(true: list[list[tuple[int, int]]], made: list[list[tuple[int, int]]], f1: float) -> None:
    assert note_f1(*batch(*true), *batch(*made)) == pytest.approx(f1)


def test_notes_behind_the_count_do_not_count() -> None:
    notes, _ = batch([(0, 60), (24, 62)])
    one = torch.tensor([[1]])
    assert note_f1(notes, one, notes, torch.tensor([[2]])) == pytest.approx(2 / 3)


def test_regularisation_falls_where_codes_rise_with_attributes() -> None:
    values = torch.tensor([[0.0, 3.0], [1.0, 2.0], [2.0, 1.0]])
    ordered = torch.tensor([[-9.0, 9.0, 0.0], [0.0, 0.0, 5.0], [9.0, -9.0, 1.0]])
    assert regularisation(ordered, values) < 0.01
    assert regularisation(-ordered, values) > 2
    assert regularisation(torch.zeros(3, 3), values) == pytest.approx(2 * 6 / 9)
    unknown = torch.cat([values, torch.full((1, 2), torch.nan)])
    assert regularisation(torch.cat([ordered, torch.ones(1, 3)]), unknown) == regularisation(ordered, values)


def test_regularisation_of_unknown_attributes_costs_nothing() -> None:
    mean = torch.randn(3, 8, requires_grad=True)
    loss = regularisation(mean, torch.full((3, 5), torch.nan))
    loss.backward()
    assert loss == 0 and mean.grad is not None and not mean.grad.any()


def test_a_regularised_run_learns(corpus_of: Corpus, tmp_path: Path) -> None:
    config = tiny_runs.config(regular=5.0)
    losses = watched(config, corpus_of(config), tmp_path).losses
    assert losses[20] < 0.8 * losses[1]
    module = train.load_run(tmp_path)[1]
    corpus = corpus_of(config)
    rows = phrases(corpus, corpus.starts("train", 2), 2)
    with torch.no_grad():
        mean = module.net.encode(*(tensors(rows)[name] for name in ("notes", "count", "steps")))[0]
    rise = [np.corrcoef(mean[:, column], rows.attributes[:, column])[0, 1] for column in (0, 1)]
    assert min(rise) > 0.3


def test_validation_looks_at_phrases_apart(corpus_of: Corpus) -> None:
    for family in FAMILIES:
        config = tiny_runs.config(family)
        corpus = corpus_of(config)
        found = [len(rows["notes"]) for rows in PhraseBatches(corpus, config).val_dataloader()]
        assert sum(found) == len(corpus.starts("valid", config.phrase.bars, apart=True)) > 0
