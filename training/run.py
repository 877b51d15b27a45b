"""What all training runs share: the optimiser, batches by step, checkpoints, the bar."""

from __future__ import annotations

import math
import pickle
from pathlib import Path
from typing import Any

import lightning
import torch
from lightning.pytorch.callbacks import Callback, EarlyStopping, LearningRateMonitor, ModelCheckpoint, TQDMProgressBar
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from continuo_daw.training.config import Config, ConfigError, table_of


class Run(lightning.LightningModule):
    """A network in training; a family gives it `net` and its steps."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config

    def configure_optimizers(self) -> dict[str, Any]:
        train = self.config.train
        optimiser = torch.optim.AdamW(self.parameters(), lr=train.learning_rate, weight_decay=train.weight_decay)

        def rate(step: int) -> float:
            rise = min(1.0, (step + 1) / max(train.warmup, 1))
            return rise * 0.5 * (1 + math.cos(math.pi * min(1.0, step / train.steps)))

        schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, rate)
        return {"optimizer": optimiser, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint["config"] = table_of(self.config)
        # dropout goes on where it stood
        checkpoint["random"] = torch.get_rng_state()
        checkpoint["random_cuda"] = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        self._random = checkpoint["random"], checkpoint.get("random_cuda", [])

    def on_train_start(self) -> None:
        if hasattr(self, "_random"):
            torch.set_rng_state(self._random[0])
            if len(self._random[1]) == torch.cuda.device_count() > 0:
                torch.cuda.set_rng_state_all(self._random[1])


class Steps(Dataset[dict[str, Tensor]]):
    """The batches between two validations; `offset` is the step of the first."""

    def __init__(self, batches: Batches, offset: int, count: int, rank: int) -> None:
        self.batches, self.offset, self.count, self.rank = batches, offset, count, rank

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        if index >= self.count:
            raise IndexError(index)
        return self.batches.rows(self.offset + index, self.rank)


class Batches(lightning.LightningDataModule):
    """Training batches by step; a family says what stands in them and what a validation looks at."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config

    def rows(self, step: int, rank: int) -> dict[str, Tensor]:
        """The batch of one step on one process."""
        raise NotImplementedError

    def train_dataloader(self) -> DataLoader[dict[str, Tensor]]:
        train, trainer = self.config.train, self.trainer
        assert trainer is not None
        offset = trainer.global_step
        count = min(train.validate_every, train.steps - offset)
        return DataLoader(Steps(self, offset, count, trainer.global_rank), batch_size=None)


class Bar(TQDMProgressBar):
    """One bar over the steps between two validations, with the step of the whole run in front."""

    def on_train_epoch_start(self, trainer: lightning.Trainer, *rest: Any) -> None:
        super().on_train_epoch_start(trainer, *rest)
        self.train_progress_bar.set_description(f"step {trainer.global_step} of {trainer.max_steps}")


def callbacks(config: Config, out: Path, monitor: str) -> list[Callback]:
    """The best checkpoint by what is monitored, the last one, early stopping, the learning rate, the bar."""
    best = ModelCheckpoint(
        out,
        "best",
        monitor=monitor,
        enable_version_counter=False,
        save_on_train_epoch_end=False,
    )
    # one of its own: with `save_last` the last one is only as new as the best
    last = ModelCheckpoint(out, "last", enable_version_counter=False, save_on_train_epoch_end=False)
    stop = EarlyStopping(monitor, patience=config.train.patience, check_on_train_epoch_end=False)
    return [best, last, stop, LearningRateMonitor(), Bar()]


def read_checkpoint(file: Path) -> dict[str, Any]:
    """A checkpoint of a run, on the CPU; nothing in it is executed. Raises ConfigError that names the file."""
    try:
        checkpoint: dict[str, Any] = torch.load(file, map_location="cpu", weights_only=True)
        if {"config", "state_dict", "random"} <= checkpoint.keys():
            return checkpoint
        reason = "it is of another program"
    except FileNotFoundError:
        reason = "there is no such file"
    except (OSError, RuntimeError, ValueError, EOFError, AttributeError, pickle.UnpicklingError) as error:
        reason = str(error).partition("\n")[0]
    raise ConfigError(f"{file} cannot be read: {reason}")
