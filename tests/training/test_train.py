"""Training runs: they learn, stop, and go on where they stood."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from lightning.pytorch.callbacks import Callback
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tiny import CONFIG, config

import continuo_daw.training.train as train
from continuo_daw.training.config import Config, ConfigError
from continuo_daw.training.corpus.shards import Corpus, prepare, read_corpus, training_rows


class PowerCut(Exception):
    """What ends a run in the middle."""


@dataclass
class Watch(Callback):
    """What each step saw and lost, and the weights at the end; cuts the run off behind `cut_at` steps."""

    cut_at: int = 0
    losses: dict[int, float] = field(default_factory=dict)
    validations: dict[int, float] = field(default_factory=dict)
    weights: dict[str, torch.Tensor] = field(default_factory=dict)
    tokens: list[torch.Tensor] = field(default_factory=list)
    rates: list[float] = field(default_factory=list)

    def on_train_batch_start(self, trainer: Any, module: Any, rows: Any, index: int) -> None:
        self.tokens.append(rows["tokens"].clone())
        self.rates.append(trainer.optimizers[0].param_groups[0]["lr"])

    def on_train_batch_end(self, trainer: Any, module: Any, outputs: Any, *rest: Any) -> None:
        self.losses[trainer.global_step] = float(outputs["loss"])
        if trainer.global_step == self.cut_at:
            raise PowerCut

    def on_validation_end(self, trainer: Any, module: Any) -> None:
        self.validations[trainer.global_step] = float(trainer.callback_metrics["valid/conditioned"])

    def on_train_end(self, trainer: Any, module: Any) -> None:
        self.weights = {name: weight.clone() for name, weight in module.state_dict().items()}


def watched(config: Config, corpus: Corpus, out: Path, resume: Path | None = None, cut_at: int = 0) -> Watch:
    """A run, and what was seen of it."""
    watch, usual = Watch(cut_at), train.callbacks
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(train, "callbacks", lambda *given: [*usual(*given), watch])
        train.fit(config, corpus, out, resume)
    return watch


@pytest.fixture(scope="module")
def corpus(data: Path) -> Corpus:
    return prepare(CONFIG, data, data.parent / "cache", progress=False)


@pytest.fixture(scope="module")
def unbroken(corpus: Corpus, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Watch]:
    """A whole run: its folder, and what was seen of it."""
    out = tmp_path_factory.mktemp("runs") / "unbroken"
    return out, watched(CONFIG, corpus, out)


def test_a_run_learns(unbroken: tuple[Path, Watch]) -> None:
    losses = unbroken[1].losses
    assert list(losses) == list(range(1, 31))
    assert np.mean([losses[step] for step in range(28, 31)]) < losses[1] - 1.5
    assert losses[1] == pytest.approx(np.log(451), abs=0.3)  # before it has learnt, all tokens are alike


def test_every_step_sees_its_own_batch(unbroken: tuple[Path, Watch], corpus: Corpus) -> None:
    for step, tokens in enumerate(unbroken[1].tokens):
        assert tokens.tolist() == training_rows(corpus, CONFIG.train, step).tokens.tolist()


def test_the_learning_rate_rises_and_falls_to_nothing(unbroken: tuple[Path, Watch]) -> None:
    rates = unbroken[1].rates
    assert rates[0] == pytest.approx(CONFIG.train.learning_rate / 2)
    assert rates[15] == pytest.approx(CONFIG.train.learning_rate / 2)
    assert rates[2:] == sorted(rates[2:], reverse=True)
    assert rates[-1] < CONFIG.train.learning_rate / 100


def test_a_run_is_measured_as_often_as_asked(unbroken: tuple[Path, Watch]) -> None:
    seen = unbroken[1].validations
    assert list(seen) == [10, 20, 30]
    assert seen[30] < seen[10]


def test_a_run_leaves_its_checkpoints_data_and_curves(unbroken: tuple[Path, Watch], corpus: Corpus) -> None:
    out = unbroken[0]
    assert {"best.ckpt", "last.ckpt", "corpus.npz", "config.json", "curves"} == {file.name for file in out.iterdir()}
    assert read_corpus(corpus.codec, out / "corpus.npz").origin == corpus.origin
    curves = EventAccumulator(str(out / "curves")).Reload()
    assert [event.step for event in curves.Scalars("valid/conditioned")] == [9, 19, 29]
    assert {"train/loss", "valid/free", "valid/conditioned"} <= set(curves.Tags()["scalars"])


def test_a_run_can_be_loaded(unbroken: tuple[Path, Watch]) -> None:
    out, watch = unbroken
    config, module, checkpoint = train.load_run(out)
    assert config == CONFIG
    assert checkpoint["global_step"] == 30
    assert all(torch.equal(weight, watch.weights[name]) for name, weight in module.state_dict().items())
    assert not module.training


@pytest.mark.parametrize("cut_at", [10, 14, 25])
def test_a_run_that_goes_on_is_the_unbroken_run(
    corpus: Corpus, unbroken: tuple[Path, Watch], tmp_path: Path, cut_at: int
) -> None:
    whole = unbroken[1]
    first, again = 10 * (cut_at // 10), tmp_path / "run"
    if cut_at == 10:  # what is saved at step 10 is saved behind it
        cut_at = 11
    with pytest.raises(PowerCut):
        watched(CONFIG, corpus, again, cut_at=cut_at)
    rest = watched(CONFIG, corpus, again, again / "last.ckpt")
    assert rest.losses == {step: loss for step, loss in whole.losses.items() if step > first}
    assert {step: loss for step, loss in rest.validations.items() if step > first} == {
        step: loss for step, loss in whole.validations.items() if step > first
    }
    assert all(torch.equal(weight, whole.weights[name]) for name, weight in rest.weights.items())


def test_the_same_seed_gives_the_same_run(corpus: Corpus, unbroken: tuple[Path, Watch], tmp_path: Path) -> None:
    assert watched(CONFIG, corpus, tmp_path).losses == unbroken[1].losses


def test_another_seed_gives_another_run(corpus: Corpus, unbroken: tuple[Path, Watch], tmp_path: Path) -> None:
    short = watched(config(steps=3, seed=2), corpus, tmp_path).losses
    assert short[1] != unbroken[1].losses[1]


def test_a_run_that_gets_no_better_stops(corpus: Corpus, tmp_path: Path) -> None:
    still = config(learning_rate=0.0, steps=100, validate_every=2, patience=2)
    assert max(watched(still, corpus, tmp_path).losses) == 6  # the first validation and two more


def test_steps_that_are_no_multiple_of_validations_are_all_made(corpus: Corpus, tmp_path: Path) -> None:
    watch = watched(config(steps=5, validate_every=3), corpus, tmp_path)
    assert (list(watch.losses), list(watch.validations)) == ([1, 2, 3, 4, 5], [3, 5])


def test_a_folder_without_a_run_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"best\.ckpt"):
        train.load_run(tmp_path)
