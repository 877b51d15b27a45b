"""Checkpoints of the score network: written whole or not at all, and halved for what is kept with the project.

`python -m continuo_daw.training.families.score.checkpoint RUN/last.ckpt --half FILE` writes the averaged weights alone,
in half precision; a run begins with them by `--from FILE`.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from continuo_daw.training.families.score.net import ScoreConfig, ScoreNet


def save(file: Path, checkpoint: dict[str, Any]) -> None:
    """Write a checkpoint whole or not at all."""
    part = file.with_suffix(".part")
    torch.save(checkpoint, part)
    with part.open("rb") as handle:
        os.fsync(handle.fileno())
    part.replace(file)


def load(file: Path) -> dict[str, Any]:
    """A checkpoint; nothing in it is executed."""
    found: dict[str, Any] = torch.load(file, map_location="cpu", weights_only=True)
    return found


def load_net(file: Path) -> ScoreNet:
    """The network of a checkpoint, with its averaged weights."""
    checkpoint = load(file)
    net = ScoreNet(ScoreConfig(**checkpoint["model"]))
    net.load_state_dict({name: value.float() for name, value in checkpoint["average"].items()})
    return net.eval()


def halved(checkpoint: dict[str, Any]) -> dict[str, Any]:
    """Sizes, averaged weights in half precision, and where the run stood."""
    average = {name: value.half() for name, value in checkpoint["average"].items()}
    return {"model": checkpoint["model"], "average": average, "state": checkpoint["state"]}


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Halve a checkpoint of the score network.")
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--half", type=Path, required=True, metavar="FILE", help="file to write")
    args = parser.parse_args(arguments)
    save(args.half, halved(load(args.checkpoint)))


if __name__ == "__main__":
    main()
