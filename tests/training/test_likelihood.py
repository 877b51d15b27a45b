"""What frames cost: counts, keys mixed, the command."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from tiny_frames import RANDOM, config, costs, network, write_data

import continuo_daw.assistant.__main__ as program
from continuo_daw.training import train
from continuo_daw.training.corpus.rolls import FILES, KEYS, RollCorpus, prepare_rolls, roll_of
from continuo_daw.training.evaluation.likelihood import chord_cost, figures, mixture, network_rows
from continuo_daw.training.families.frames import FrameNet


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_data(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def corpus(data: Path) -> RollCorpus:
    return prepare_rolls(config(), data, data)


@pytest.fixture(scope="module")
def net() -> FrameNet:
    return network()


def test_a_mixture_costs_at_most_the_choice_of_a_key_more_than_the_best_key() -> None:
    some = RANDOM.random((12, 30)) * 3 + np.linspace(0, 1, 12)[:, None]
    mixed = mixture(some)
    assert mixed[0] == pytest.approx(-np.log(np.exp(-some[:, 0]).mean()))
    best = some.sum(1).min()
    assert best < mixed.sum() <= best + math.log(12)
    later = some.copy()
    later[:, 20:] += RANDOM.random((12, 10))
    np.testing.assert_allclose(mixture(later)[:20], mixed[:20])


def test_rows_of_the_network_are_its_costs(net: FrameNet, corpus: RollCorpus) -> None:
    rolls = corpus.splits["test"]
    rows = network_rows(net, rolls)
    by_key = [[costs(net, np.roll(roll, key, 1))[0] for roll in rolls] for key in range(-6, 6)]
    assert rows["network"] == pytest.approx(np.concatenate(by_key[6]).mean(), rel=1e-4)
    mixed = [mixture(np.stack(piece).astype(float)) for piece in zip(*by_key, strict=True)]
    assert rows["network, 12 keys mixed"] == pytest.approx(np.concatenate(mixed).mean(), rel=1e-4)


def test_counts_of_frames_by_hand() -> None:
    """Two frames seen three times and once: the base is that of independent keys, and unseen frames get it alone."""
    a, b, c = (roll_of([[pitch]]) for pitch in (60, 62, 64))
    splits = {"train": [np.concatenate([a, a, a, b])], "valid": [a], "test": [a, c]}
    on = (np.array([3, 1, 0]) + 0.5) / 5
    rest = (1 - 0.5 / 5) ** (KEYS - 3)
    base = [on[0] * (1 - on[1]) * (1 - on[2]) * rest, (1 - on[0]) * (1 - on[1]) * on[2] * rest]
    least = 0.3  # the valid frame is a frequent one
    chances = [(3 - least) / 4 + least * 2 / 4 * base[0], least * 2 / 4 * base[1]]
    assert chord_cost(splits, "test", 1, range(1)) == pytest.approx(-np.log(chances).mean())


def test_keys_help_counts() -> None:
    roll = roll_of([[60 + n % 3, 67 + n % 3] for n in range(9)])
    higher = np.roll(roll, 2, 1)
    splits = {"train": [roll], "valid": [higher], "test": [higher]}
    assert chord_cost(splits, "test", 3, range(-3, 3)) < chord_cost(splits, "test", 3, range(1)) - 1


@pytest.fixture(scope="module")
def best(corpus: RollCorpus, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The checkpoint of a short run."""
    return train.fit(config(steps=2), corpus, tmp_path_factory.mktemp("runs") / "run")


def test_no_bundle_is_made_of_a_benchmark(best: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert program.main(["export", str(best.parent), "--out", str(tmp_path / "bundle")]) == 1
    assert "of which no bundle is made" in capsys.readouterr().err
    assert not (tmp_path / "bundle").exists()


def test_the_command_prints_the_figures(
    best: Path, corpus: RollCorpus, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert program.main(["frames", str(best.parent), "--data", str(data), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    _, module, _ = train.load_run(best.parent)
    assert found == figures(module.average, corpus, "test")
    assert (found["frames"], found["pieces"], found["set"]) == (12, 2, "jsb_chorales")
    assert program.main(["frames", str(best), "--data", str(data), "--split", "valid"]) == 0
    assert "jsb_chorales, valid: 2 pieces, 8 frames" in capsys.readouterr().out
    for run, folder, said in ((tmp_path, data, "holds no checkpoint"), (best, tmp_path, FILES["jsb_chorales"])):
        assert program.main(["frames", str(run), "--data", str(folder)]) == 1
        assert said in capsys.readouterr().err
