"""`continuo train`: a run from a configuration and a folder of music to a checkpoint."""

from __future__ import annotations

import argparse
import json
import math
import pickle
import sys
import warnings
from pathlib import Path
from typing import Any

import lightning
import torch
from lightning.pytorch.callbacks import Callback, EarlyStopping, LearningRateMonitor, ModelCheckpoint, TQDMProgressBar
from lightning.pytorch.loggers import TensorBoardLogger
from platformdirs import user_cache_path
from torch import Tensor
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset

from assistant.codecs.events import EventCodec
from assistant.condition import positions
from training.config import Config, ConfigError, config_of, read_config, table_of
from training.corpus import CorpusError
from training.models.charrnn import CharRNN, CharRNNConfig
from training.shards import IGNORED, SPLITS, Corpus, Rows, padded, prepare, segments, training_rows, write_corpus

VALID_TOKENS = 60_000  # enough for a steady loss, little enough to look often
CHECKPOINT, CORPUS = "best.ckpt", "corpus.npz"


class CharRNNRun(lightning.LightningModule):
    """What Lightning needs to know of a Char-RNN: its losses and its optimiser."""

    def __init__(self, config: Config, vocabulary: int) -> None:
        super().__init__()
        self.config = config
        self.net = CharRNN(
            CharRNNConfig(
                vocabulary=vocabulary,
                positions=positions(config.codec.resolution),
                layers=config.model.layers,
                hidden=config.model.hidden,
                dropout=config.model.dropout,
            )
        )

    def loss(self, rows: dict[str, Tensor], smoothing: float = 0.0) -> tuple[Tensor, Tensor]:
        """Mean cross-entropy in nats per event, and the number of events."""
        logits, _ = self.net(rows["tokens"], rows["position"], rows["meter"], rows["condition"])
        targets = rows["targets"].flatten()
        loss = functional.cross_entropy(
            logits.flatten(0, 1).float(), targets, ignore_index=IGNORED, label_smoothing=smoothing
        )
        return loss, (targets != IGNORED).sum()

    def training_step(self, rows: dict[str, Tensor], index: int) -> Tensor:
        loss, _ = self.loss(rows, self.config.train.label_smoothing)
        self.log("train/loss", loss, prog_bar=True, on_step=True)
        return loss

    def validation_step(self, rows: dict[str, Tensor], index: int, dataloader_idx: int = 0) -> None:
        loss, count = self.loss(rows)
        name = ("valid/free", "valid/conditioned")[dataloader_idx]
        self.log(name, loss, prog_bar=True, batch_size=int(count), add_dataloader_idx=False, sync_dist=True)

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

    def __init__(self, corpus: Corpus, config: Config, offset: int, count: int, rank: int) -> None:
        self.corpus, self.config, self.offset, self.count, self.rank = corpus, config, offset, count, rank

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        if index >= self.count:
            raise IndexError(index)
        return tensors(training_rows(self.corpus, self.config.train, self.offset + index, self.rank))


class Batches(lightning.LightningDataModule):
    """Training batches by step, validation batches by segment: without and with the condition."""

    def __init__(self, corpus: Corpus, config: Config) -> None:
        super().__init__()
        self.corpus, self.config = corpus, config

    def train_dataloader(self) -> DataLoader[dict[str, Tensor]]:
        train, trainer = self.config.train, self.trainer
        assert trainer is not None
        offset = trainer.global_step
        steps = Steps(
            self.corpus, self.config, offset, min(train.validate_every, train.steps - offset), trainer.global_rank
        )
        return DataLoader(steps, batch_size=None)

    def val_dataloader(self) -> list[DataLoader[dict[str, Tensor]]]:
        train = self.config.train
        found = segments(self.corpus, "valid", 4 * train.length, VALID_TOKENS)
        return [
            DataLoader([tensors(rows) for rows in padded(found, train.batch, free)], batch_size=None)
            for free in (True, False)
        ]


class Bar(TQDMProgressBar):
    """One bar over the steps between two validations, with the step of the whole run in front."""

    def on_train_epoch_start(self, trainer: lightning.Trainer, *rest: Any) -> None:
        super().on_train_epoch_start(trainer, *rest)
        self.train_progress_bar.set_description(f"step {trainer.global_step} of {trainer.max_steps}")


def tensors(rows: Rows) -> dict[str, Tensor]:
    """A batch as torch tensors."""
    return {name: torch.from_numpy(array) for name, array in vars(rows).items()}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("config", type=Path, help="a TOML like those in training/configs")
    parser.add_argument("--data", type=Path, required=True, help="folder with the sets that the configuration names")
    parser.add_argument("--out", type=Path, required=True, help="folder of the run: checkpoints and curves")
    parser.add_argument("--resume", action="store_true", help="go on from the last checkpoint of the run")
    parser.add_argument("--devices", type=int, default=1, help="processes or GPUs (default 1)")
    parser.add_argument("--nodes", type=int, default=1, help="machines that train together (default 1)")
    parser.add_argument("--cache", type=Path, default=None, help="folder for prepared data")


def run(args: argparse.Namespace) -> int:
    try:
        config, resume = checked(args)
        corpus = prepare(config, args.data, args.cache or user_cache_path("continuo"))
        for split in SPLITS:
            if not corpus.splits[split]:
                raise CorpusError(f"{args.data} has no piece in the split {split}: training wants {', '.join(SPLITS)}")
    except (ConfigError, CorpusError) as error:
        print(f"continuo: {error}", file=sys.stderr)
        return 1
    best = fit(config, corpus, args.out, resume, args.devices, args.nodes)
    print(f"best checkpoint: {best}")
    return 0


def checked(args: argparse.Namespace) -> tuple[Config, Path | None]:
    """The configuration, and the checkpoint to go on from. Raises ConfigError where they cannot be used."""
    config = read_config(args.config)
    if config.model.family != "charrnn":
        raise ConfigError(f"{args.config}: model: family {config.model.family!r} is not charrnn")
    try:
        EventCodec(**vars(config.codec))
    except ValueError as error:
        raise ConfigError(f"{args.config}: codec: {error}") from None
    for name in ("devices", "nodes"):
        if getattr(args, name) < 1:
            raise ConfigError(f"--{name} {getattr(args, name)} is less than 1")
    last = args.out / "last.ckpt"
    if not args.resume:
        if last.is_file():
            raise ConfigError(f"{args.out} holds a run already; --resume goes on with it, or choose another --out")
        return config, None
    before = config_of(read_checkpoint(last)["config"], str(last))
    if (before.data, before.codec, before.model) != (config.data, config.codec, config.model):
        raise ConfigError(f"--resume: {last} is of another configuration: data, codec or model of {args.config} differ")
    return config, last


def fit(
    config: Config, corpus: Corpus, out: Path, resume: Path | None = None, devices: int = 1, nodes: int = 1
) -> Path:
    """Trains, and returns the path of the best checkpoint. The run's folder holds checkpoints, config and curves."""
    train = config.train
    if train.threads:
        torch.set_num_threads(train.threads)
    warnings.filterwarnings("ignore", ".*does not have many workers.*")
    lightning.seed_everything(train.seed, verbose=False)
    out.mkdir(parents=True, exist_ok=True)
    (out / "config.json").write_text(json.dumps(table_of(config), indent=1), encoding="utf-8")
    write_corpus(corpus, out / CORPUS)
    cuda = torch.cuda.is_available()
    several = devices * nodes > 1
    trainer = lightning.Trainer(
        accelerator="gpu" if cuda else "cpu",
        devices=devices,
        num_nodes=nodes,
        strategy=("ddp" if cuda else "ddp_spawn") if several else "auto",
        precision="16-mixed" if cuda else "32-true",
        max_steps=train.steps,
        max_epochs=-1,
        gradient_clip_val=train.clip,
        num_sanity_val_steps=0,
        reload_dataloaders_every_n_epochs=1,
        use_distributed_sampler=False,  # a batch is drawn from (seed, step, rank) already
        log_every_n_steps=10,
        callbacks=callbacks(config, out),
        logger=TensorBoardLogger(out, name=None, version="curves"),
        enable_model_summary=False,
    )
    module = CharRNNRun(config, corpus.codec.size)
    trainer.fit(module, Batches(corpus, config), ckpt_path=resume, weights_only=True)
    return out / CHECKPOINT


def callbacks(config: Config, out: Path) -> list[Callback]:
    """The best checkpoint by conditioned loss, the last one, early stopping, the learning rate, the bar."""
    best = ModelCheckpoint(
        out,
        "best",
        monitor="valid/conditioned",
        save_last=True,
        enable_version_counter=False,
        save_on_train_epoch_end=False,
    )
    stop = EarlyStopping("valid/conditioned", patience=config.train.patience, check_on_train_epoch_end=False)
    return [best, stop, LearningRateMonitor(), Bar()]


def load_run(folder: Path) -> tuple[Config, CharRNNRun, dict[str, Any]]:
    """Configuration, network with the best weights, and checkpoint of a run. Raises ConfigError where there is none."""
    file = folder / CHECKPOINT if folder.is_dir() else folder
    if not file.is_file():
        raise ConfigError(f"{folder} holds no checkpoint {CHECKPOINT}")
    checkpoint = read_checkpoint(file)
    config = config_of(checkpoint["config"], str(file))
    vocabulary = checkpoint["state_dict"]["net.out.bias"].shape[0]
    module = CharRNNRun(config, vocabulary)
    module.load_state_dict(checkpoint["state_dict"])
    return config, module.eval(), checkpoint


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
