"""Runs that are watched while they train: what each step lost, and a cut in the middle."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from lightning.pytorch.callbacks import Callback
from torch import Tensor

from continuo_daw.training import train
from continuo_daw.training.config import Config
from continuo_daw.training.corpus.notes import NoteCorpus
from continuo_daw.training.corpus.phrases import PhraseCorpus


class PowerCut(Exception):
    """What ends a run in the middle."""


@dataclass
class Watch(Callback):
    """What each step lost and each validation found; cuts the run off behind `cut_at`."""

    cut_at: int = 0
    losses: dict[int, float] = field(default_factory=dict)
    weights: dict[str, Tensor] = field(default_factory=dict)
    validations: dict[int, dict[str, float]] = field(default_factory=dict)

    def on_train_batch_end(self, trainer: Any, module: Any, outputs: Any, *rest: Any) -> None:
        self.losses[trainer.global_step] = float(outputs["loss"])
        if trainer.global_step == self.cut_at:
            raise PowerCut

    def on_validation_end(self, trainer: Any, module: Any) -> None:
        found = {name: float(value) for name, value in trainer.callback_metrics.items() if name.startswith("valid/")}
        self.validations[trainer.global_step] = found

    def on_train_end(self, trainer: Any, module: Any) -> None:
        self.weights = {name: weight.clone() for name, weight in module.state_dict().items()}


def watched(config: Config, corpus: NoteCorpus | PhraseCorpus, out: Path, cut_at: int = 0, **more: Any) -> Watch:
    """A run, and what was seen of it."""
    watch, usual = Watch(cut_at), train.callbacks
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(train, "callbacks", lambda *given: [*usual(*given), watch])
        train.fit(config, corpus, out, **more)
    return watch
