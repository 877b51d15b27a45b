"""`continuo train`: a run from a configuration and a folder of music to a checkpoint."""

from __future__ import annotations

import argparse
import json
import sys
import warnings
from pathlib import Path
from typing import Any

import lightning
import torch
from lightning.pytorch.loggers import TensorBoardLogger
from platformdirs import user_cache_path

from continuo_daw.training.config import Config, ConfigError, config_of, read_config, table_of
from continuo_daw.training.corpus.pieces import CorpusError
from continuo_daw.training.corpus.shards import SPLITS
from continuo_daw.training.families.table import FAMILIES
from continuo_daw.training.run import Run, callbacks, read_checkpoint

CHECKPOINT, CORPUS = "best.ckpt", "corpus.npz"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("config", type=Path, help="a TOML like those in training/configs")
    parser.add_argument("--data", type=Path, required=True, help="folder with the sets that the configuration names")
    parser.add_argument("--out", type=Path, required=True, help="folder of the run: checkpoints and curves")
    parser.add_argument("--resume", action="store_true", help="go on from the last checkpoint of the run")
    parser.add_argument(
        "--from", dest="start", type=Path, metavar="RUN", help="begin with the weights of another run, where they fit"
    )
    parser.add_argument("--devices", type=int, default=1, help="processes or GPUs (default 1)")
    parser.add_argument("--nodes", type=int, default=1, help="machines that train together (default 1)")
    parser.add_argument("--cache", type=Path, default=None, help="folder for prepared data")


def run(args: argparse.Namespace) -> int:
    try:
        config, resume = checked(args)
        corpus = FAMILIES[config.model.family].prepare(config, args.data, args.cache or user_cache_path("continuo"))
        for split in SPLITS:
            if not corpus.origin["pieces"][split]:
                raise CorpusError(f"{args.data} has no piece in the split {split}: training wants {', '.join(SPLITS)}")
        best = fit(config, corpus, args.out, resume, args.devices, args.nodes, args.start)
    except (ConfigError, CorpusError) as error:
        print(f"continuo: {error}", file=sys.stderr)
        return 1
    print(f"best checkpoint: {best}")
    return 0


def checked(args: argparse.Namespace) -> tuple[Config, Path | None]:
    """The configuration, and the checkpoint to go on from. Raises ConfigError where they cannot be used."""
    config = read_config(args.config)
    if config.model.family not in FAMILIES:
        known = ", ".join(FAMILIES)
        raise ConfigError(f"{args.config}: model: family {config.model.family!r} is not one of {known}")
    try:
        FAMILIES[config.model.family].codec(config)
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
    own = dict.fromkeys(family.own for family in FAMILIES.values() if family.own)
    shaping = ("data", "codec", "model", *own)  # tables in which a resumed run cannot differ
    differ = [part for part in shaping if getattr(before, part) != getattr(config, part)]
    if differ:
        raise ConfigError(f"--resume: {last} is of another configuration: {', '.join(differ)} of {args.config} differ")
    return config, last


def fit(
    config: Config,
    corpus: Any,
    out: Path,
    resume: Path | None = None,
    devices: int = 1,
    nodes: int = 1,
    start: Path | None = None,
) -> Path:
    """Trains on a corpus as the family prepares it, and returns the path of the best checkpoint. The run's folder holds
    checkpoints, config and curves."""
    train, family = config.train, FAMILIES[config.model.family]
    if train.threads:
        torch.set_num_threads(train.threads)
    warnings.filterwarnings("ignore", ".*does not have many workers.*")
    lightning.seed_everything(train.seed, verbose=False)
    out.mkdir(parents=True, exist_ok=True)
    (out / "config.json").write_text(json.dumps(table_of(config), indent=1), encoding="utf-8")
    family.write(corpus, out / CORPUS)
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
        callbacks=callbacks(config, out, family.monitor),
        logger=TensorBoardLogger(out, name=None, version="curves"),
        enable_model_summary=False,
    )
    run = family.run(config)
    if start and not resume:
        print(f"{begin_with(run, start)} of {len(run.state_dict())} tensors come from {start}")
    trainer.fit(run, family.batches(corpus, config), ckpt_path=resume, weights_only=True)
    return out / CHECKPOINT


def begin_with(run: Run, start: Path) -> int:
    """Copies the weights of another run whose names and shapes fit, and gives their number; a decoder of binary codes
    begins as the decoder of the others. Raises ConfigError where there is no such run."""
    state = read_checkpoint(start / CHECKPOINT if start.is_dir() else start)["state_dict"]
    own = run.state_dict()
    found = {name: state.get(name, state.get(name.replace("binary_decoder", "decoder"))) for name in own}
    fits = {name: weight for name, weight in found.items() if weight is not None and weight.shape == own[name].shape}
    run.load_state_dict(fits, strict=False)
    return len(fits)


def load_run(folder: Path) -> tuple[Config, Any, dict[str, Any]]:
    """Configuration, network with the best weights, and checkpoint of a run. Raises ConfigError where there is none."""
    file = folder / CHECKPOINT if folder.is_dir() else folder
    if not file.is_file():
        raise ConfigError(f"{folder} holds no checkpoint {CHECKPOINT}")
    checkpoint = read_checkpoint(file)
    config = config_of(checkpoint["config"], str(file))
    module = FAMILIES[config.model.family].run(config)
    module.load_state_dict(checkpoint["state_dict"])
    return config, module.eval(), checkpoint
