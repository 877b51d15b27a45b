"""`continuo train`: once, again, with what cannot be used, and in several processes."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny import write_data

import continuo_daw.training.train as train
from continuo_daw.training.corpus.pieces import SPLITS

TOML = """
name = "tiny"
title = "A tiny Char-RNN"
[[data.sets]]
name = "tunes"
parts = "top"
[codec]
voices = "one"
[model]
layers = 1
hidden = 8
[train]
steps = 4
batch = 2
length = 16
validate_every = 2
threads = 1
"""


def arguments(data: Path, folder: Path, *more: str) -> argparse.Namespace:
    """What the command line gives for a run in `folder`."""
    file = folder / "tiny.toml"
    if not file.exists():
        file.write_text(TOML, encoding="utf-8")
    parser = argparse.ArgumentParser()
    train.add_arguments(parser)
    given = [str(file), "--data", str(data), "--out", str(folder / "run"), "--cache", str(folder / "cache"), *more]
    return parser.parse_args(given)


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Iterator[Any]:
    def both() -> str:
        captured = capsys.readouterr()
        return captured.out + captured.err

    yield both


def test_the_command_trains_once_and_goes_on_when_asked(data: Path, tmp_path: Path, said: Any) -> None:
    assert train.run(arguments(data, tmp_path)) == 0
    assert "best checkpoint" in said()
    assert train.run(arguments(data, tmp_path)) == 1
    assert "holds a run already" in said()
    assert train.run(arguments(data, tmp_path, "--resume")) == 0


def test_nothing_to_go_on_from_is_said(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert train.run(arguments(data, tmp_path, "--resume")) == 1
    assert "last.ckpt" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("name = ", "tiny.toml"),
        (TOML + "colour = 1\n", "unknown key 'colour'"),
        (TOML.replace("tunes", "songs"), "set 'songs' is not in"),
        (TOML.replace('"top"', '"bottom"'), "parts 'bottom' is not one of"),
        (TOML.replace('"one"', '"three"'), "voices 'three' is not one of one, many"),
        (TOML.replace("[codec]", "[codec]\nresolution = 7"), "resolution 7 does not divide"),
        (TOML.replace("[model]", '[model]\nfamily = "gpt"'), "family 'gpt'"),
    ],
)
def test_a_configuration_that_cannot_be_used_is_one_line(
    data: Path, tmp_path: Path, said: Any, text: str, named: str
) -> None:
    (tmp_path / "tiny.toml").write_text(text, encoding="utf-8")
    assert train.run(arguments(data, tmp_path)) == 1
    assert named in said()
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("missing", SPLITS)
def test_a_split_without_a_piece_is_said(tmp_path: Path, said: Any, missing: str) -> None:
    data = write_data(tmp_path / "data", tuple(split for split in SPLITS if split != missing))
    assert train.run(arguments(data, tmp_path)) == 1
    assert f"no piece in the split {missing}" in said()


def test_a_checkpoint_that_cannot_be_read_is_named(data: Path, tmp_path: Path, said: Any) -> None:
    args = arguments(data, tmp_path, "--resume")
    args.out.mkdir()
    (args.out / "last.ckpt").write_bytes(b"nothing of the kind")
    assert train.run(args) == 1
    assert "last.ckpt" in said()


def test_a_checkpoint_of_another_configuration_is_refused(data: Path, tmp_path: Path, said: Any) -> None:
    assert train.run(arguments(data, tmp_path)) == 0
    (tmp_path / "tiny.toml").write_text(TOML.replace("hidden = 8", "hidden = 9"), encoding="utf-8")
    assert train.run(arguments(data, tmp_path, "--resume")) == 1
    assert "another configuration" in said()


@pytest.mark.parametrize("option", ["--devices", "--nodes"])
def test_less_than_one_process_is_refused(data: Path, tmp_path: Path, said: Any, option: str) -> None:
    assert train.run(arguments(data, tmp_path, option, "0")) == 1
    assert f"{option} 0 is less than 1" in said()


RANKS = """
import argparse, sys
from pathlib import Path
import torch
from lightning.pytorch.callbacks import Callback
import continuo_daw.training.train as train

class Spy(Callback):
    def on_train_batch_start(self, trainer, module, rows, index):
        self.seen = [*getattr(self, "seen", []), rows["tokens"].clone()]

    def on_train_end(self, trainer, module):
        torch.save({"seen": self.seen, "weights": module.state_dict()}, f"{sys.argv[1]}/rank{trainer.global_rank}.pt")

if __name__ == "__main__":
    usual = train.callbacks
    train.callbacks = lambda *given: [*usual(*given), Spy()]
    parser = argparse.ArgumentParser()
    train.add_arguments(parser)
    sys.exit(train.run(parser.parse_args(sys.argv[2:])))
"""


def test_two_processes_see_other_rows_and_end_with_the_same_weights(data: Path, tmp_path: Path) -> None:
    script = tmp_path / "ranks.py"
    script.write_text(RANKS, encoding="utf-8")
    args = arguments(data, tmp_path)
    given = [args.config, "--data", data, "--out", args.out, "--cache", args.cache, "--devices", "2"]
    command = [sys.executable, str(script), str(tmp_path), *map(str, given)]
    done = subprocess.run(
        command, env=os.environ | {"CUDA_VISIBLE_DEVICES": ""}, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr[-3000:]
    first, second = (torch.load(tmp_path / f"rank{rank}.pt", weights_only=True) for rank in (0, 1))
    assert len(first["seen"]) == len(second["seen"]) == 4
    assert not any(torch.equal(a, b) for a, b in zip(first["seen"], second["seen"], strict=True))
    assert all(torch.equal(weight, second["weights"][name]) for name, weight in first["weights"].items())
    assert train.load_run(args.out)[2]["global_step"] > 0
