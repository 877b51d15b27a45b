"""Configurations of phrase autoencoders that learn the tiny tunes in a second."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import tiny_phrases
from tiny import CONFIG

from continuo_daw.training.config import Config, ExportConfig, ModelConfig, PhraseConfig, TrainConfig

BINARY = {"bars": 1, "pairs": True, "noise": 0.1, "continuity": 0.01, "quantisation": 0.01, "mixed": 0.0}


def config(family: str = "vae", train: dict[str, Any] | None = None, **phrase: Any) -> Config:
    """A configuration of the family, with other values in its `[phrase]` and `[train]` tables."""
    small = {"most": 8, "latent": 8, "width": 32, "sheet": 8, "rise": 10, "sampled": 0.5, "mixed": 0.25}
    usual = small | (BINARY if family == "seqae" else {})
    learning = {"steps": 20, "batch": 8, "learning_rate": 1e-2, "warmup": 2, "transpose": 2, "validate_every": 10}
    return replace(
        CONFIG,
        name=f"tiny-{family}",
        title=f"A tiny {family}",
        tasks=tiny_phrases.TASKS[family],
        model=ModelConfig(family=family, hidden=32),
        phrase=PhraseConfig(**(usual | phrase)),
        train=TrainConfig(**({**learning, "threads": 1} | (train or {}))),
        export=ExportConfig(int8_cost=0.5),
    )
