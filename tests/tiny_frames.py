"""Small piano rolls, the files that hold them, and networks over them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch

from continuo_daw.training.config import Config, DataConfig, FramesConfig, ModelConfig, SetConfig, TrainConfig
from continuo_daw.training.corpus.rolls import FILES, KEYS, Roll
from continuo_daw.training.families.frames import FrameNet, FrameNetConfig, batch_of

RANDOM = np.random.default_rng(5)
PIECES = {
    "train": [[[60 + n % 5, 72 + n % 7][: 1 + n % 2] for n in range(size)] for size in (12, 20, 9, 15)],
    "valid": [[[60 + n % 5, 72 + n % 7] for n in range(8)], []],
    "test": [[[60 + n % 5] if n % 4 else [] for n in range(10)], [[64], [64, 67, 72]]],
}


def config(steps: int = 8) -> Config:
    return Config(
        name="small",
        title="small",
        data=DataConfig((SetConfig("jsb_chorales"),)),
        model=ModelConfig("frames", hidden=16, dropout=0.1),
        frames=FramesConfig(width=12, heads=2, size=4, average=0.5),
        train=TrainConfig(
            steps=steps, batch=2, length=16, learning_rate=1e-2, warmup=2, validate_every=4, patience=9, threads=1
        ),
    )


def write_data(folder: Path) -> Path:
    """A folder of data with the rolls as one set has them."""
    (folder / "jsb_chorales").mkdir(parents=True)
    (folder / "jsb_chorales" / FILES["jsb_chorales"]).write_text(json.dumps(PIECES), encoding="utf-8")
    return folder


def network() -> FrameNet:
    """A network that has learnt nothing and is sure of much."""
    torch.manual_seed(2)
    made = FrameNet(FrameNetConfig(hidden=16, width=12, heads=2, size=4, dropout=0.3, forget=0.2)).eval()
    for weights in made.parameters():
        weights.data += 0.2 * torch.randn_like(weights)
    return made


def some_roll(length: int, chance: float = 0.2) -> Roll:
    """A random roll (length, KEYS) in the middle of the keyboard."""
    roll = np.zeros((length, KEYS), bool)
    roll[:, 40:60] = RANDOM.random((length, 20)) < chance
    return roll


@torch.no_grad()
def costs(net: FrameNet, *rolls: Roll) -> np.ndarray:
    """(B, T) nats of the frames of some rolls."""
    found: np.ndarray = net.costs(**batch_of(rolls)).numpy()
    return found
