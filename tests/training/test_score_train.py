"""A run of the score network learns, and goes on as if it had not stopped."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_score import band

from continuo_daw.training.families.score import checkpoint
from continuo_daw.training.families.score.checkpoint import load_net
from continuo_daw.training.families.score.measure import repeated_bars
from continuo_daw.training.families.score.songs import write_songs
from continuo_daw.training.families.score.train import main
from continuo_daw.training.families.score.windows import whole_windows

CONFIG = """
[weights]
set = 1
[model]
width = 16
hidden = 24
heads = 2
pointers = 1
size = 8
value = 8
given = 8
[train]
room = 128
most = 48
warmup = 4
"""


@pytest.fixture
def given(tmp_path: Path) -> list[str]:
    """The arguments of a tiny run, and the files that they name."""
    piece = band()
    card = dataclasses.replace(piece, source="card:piano", split="valid", events=300, plain=290)
    write_songs([piece, dataclasses.replace(piece, split="valid")], tmp_path / "songs.npz")
    write_songs([card], tmp_path / "cards.npz")
    (tmp_path / "score.toml").write_text(CONFIG)
    files = ["--config", "score.toml", "--songs", "songs.npz", "--cards", "cards.npz"]
    return [str(tmp_path / word) if "." in word else word for word in files]


def test_a_resumed_run_is_the_run_that_did_not_stop(tmp_path: Path, given: list[str]) -> None:
    main([*given, "--out", str(tmp_path / "one"), "--steps", "6"])
    main([*given, "--out", str(tmp_path / "two"), "--steps", "3"])
    main([*given, "--out", str(tmp_path / "two"), "--steps", "6", "--resume"])
    one, two = (torch.load(tmp_path / name / "last.ckpt", weights_only=True) for name in ("one", "two"))
    assert one["state"]["step"] == two["state"]["step"] == 6
    for name, value in one["state_dict"].items():
        torch.testing.assert_close(value, two["state_dict"][name])
    assert load_net(tmp_path / "two" / "last.ckpt").config.hidden == 24
    main([*given, "--out", str(tmp_path / "two"), "--resume", "--decay", "2"])
    assert torch.load(tmp_path / "two" / "last.ckpt", weights_only=True)["state"]["step"] == 8


def test_a_run_begins_with_halved_weights(tmp_path: Path, given: list[str]) -> None:
    main([*given, "--out", str(tmp_path / "one"), "--steps", "2"])
    checkpoint.main([str(tmp_path / "one" / "last.ckpt"), "--half", str(tmp_path / "half.pt")])
    main([*given, "--out", str(tmp_path / "two"), "--steps", "0", "--from", str(tmp_path / "half.pt")])
    one, two = (load_net(tmp_path / name / "last.ckpt") for name in ("one", "two"))
    for name, value in one.state_dict().items():
        torch.testing.assert_close(two.state_dict()[name], value.half().float())


def test_bars_that_return_are_counted() -> None:
    window = whole_windows(band(), 999, [[0], [1], [2]])[0]
    found = repeated_bars(window, np.ones(len(window.notes) + 1))
    assert len(found) == 7  # of twelve bars four are new, and the last one is not looked at
    assert {lag for _, lag in found} == {4}
    assert all(nats == 11 for nats, _ in found)
