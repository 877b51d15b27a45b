"""Training of the network for piano rolls: its loss, its batches, and the average of its weights."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from copy import deepcopy
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from continuo_daw.training.config import Config
from continuo_daw.training.corpus.rolls import Roll, RollCorpus
from continuo_daw.training.families.frames_net import KEYS, FrameNet, FrameNetConfig
from continuo_daw.training.run import Batches, Run

POOL = 8  # batches drawn together, so that each has pieces of like length
Batch = dict[str, Tensor]


class FramesRun(Run):
    """What Lightning needs to know of a FrameNet; `average`, the mean of its weights over late steps, is what is
    measured."""

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        frames, model = config.frames, config.model
        self.net = FrameNet(
            FrameNetConfig(model.hidden, frames.width, frames.heads, frames.size, model.dropout, frames.forget)
        )
        self.average = deepcopy(self.net).requires_grad_(False).eval()

    def training_step(self, batch: Batch, index: int) -> Tensor:
        loss = self.net.costs(**batch).sum() / batch["real"].sum()
        self.log("train/loss", loss, prog_bar=True, on_step=True)
        return loss

    def on_train_batch_end(self, outputs: Any, batch: Batch, batch_idx: int) -> None:
        keep = min(self.config.frames.average, (1 + self.global_step) / (10 + self.global_step))
        with torch.no_grad():
            for mean, weight in zip(self.average.parameters(), self.net.parameters(), strict=True):
                mean.lerp_(weight, 1 - keep)

    def validation_step(self, batch: Batch, index: int) -> None:
        count = int(batch["real"].sum())
        self.average.eval()
        loss = self.average.costs(**batch).sum() / count
        self.log("valid/loss", loss, prog_bar=True, batch_size=count, sync_dist=True)


class FrameBatches(Batches):
    """Training batches of whole pieces or long stretches of them, each in a key of its own; validation as it is."""

    def __init__(self, corpus: RollCorpus, config: Config) -> None:
        super().__init__(config)
        self.corpus = corpus

    def rows(self, step: int, rank: int) -> Batch:
        """The batch of a step. An epoch's pieces come in random order, sorted by length within each pool."""
        train, rolls = self.config.train, self.corpus.splits["train"]
        step = step * self.devices + rank
        size = min(train.batch, len(rolls))
        epoch, place = divmod(step, len(rolls) // size)
        random = np.random.default_rng((train.seed, epoch))
        order = random.permutation(len(rolls))[: len(rolls) // size * size]
        pools = [sorted(pool, key=lambda piece: len(rolls[piece])) for pool in cut(order, POOL * size)]
        found = cut(np.concatenate(pools), size)
        chosen = found[random.permutation(len(found))[place]]
        random = np.random.default_rng((train.seed, epoch, place))
        starts = [int(random.integers(max(0, len(rolls[piece]) - train.length) + 1)) for piece in chosen]
        keys = random.integers(-train.transpose, max(train.transpose, 1), size)
        return batch_of(
            [np.roll(rolls[p][s : s + train.length], k, 1) for p, s, k in zip(chosen, starts, keys, strict=True)],
            starts,
        )

    @property
    def devices(self) -> int:
        """Processes that train together."""
        return self.trainer.world_size if self.trainer else 1

    def val_dataloader(self) -> DataLoader[Batch]:
        return DataLoader(list(batches_of(self.corpus.splits["valid"], self.config.train.batch)), batch_size=None)


def cut(items: Sequence[Any], size: int) -> list[Sequence[Any]]:
    """Stretches of `size` items, the last one of what is left."""
    return [items[start : start + size] for start in range(0, len(items), size)]


def batches_of(rolls: Sequence[Roll], size: int) -> Iterable[Batch]:
    """All pieces as they are, those of like length together."""
    for part in cut(sorted(rolls, key=len), size):
        yield batch_of(part)


def batch_of(rolls: Sequence[Roll], starts: Sequence[int] = ()) -> Batch:
    """`roll` (B, T, KEYS), `index` (B, T) of each frame in its piece, `real` (B, T): as FrameNet takes them."""
    length = max(map(len, rolls))
    roll, real = np.zeros((len(rolls), length, KEYS), np.float32), np.zeros((len(rolls), length), bool)
    for row, piece in enumerate(rolls):
        roll[row, : len(piece)], real[row, : len(piece)] = piece, True
    index = np.arange(length) + np.array(starts or [0] * len(rolls))[:, None]
    return {"roll": torch.from_numpy(roll), "index": torch.from_numpy(index), "real": torch.from_numpy(real)}
