"""The benchmark on piano rolls: chances that sum to one and are told by the past alone; rolls, batches, runs."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_frames import PIECES, config, costs, network, some_roll, write_data
from watched import PowerCut, Watch, watched

import continuo_daw.training.families.frames as frames
from continuo_daw.training.config import DataConfig, SetConfig, read_config
from continuo_daw.training.corpus.rolls import (
    FILES,
    KEYS,
    LOWEST,
    CorpusError,
    RollCorpus,
    prepare_rolls,
    read_rolls,
    roll_codec,
    roll_of,
    write_rolls,
)
from continuo_daw.training.families.frames import END, FrameBatches, FrameNet, FramesRun, age, next_notes, steps


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_data(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def corpus(data: Path) -> RollCorpus:
    return prepare_rolls(config(), data, data)


@pytest.fixture(scope="module")
def net() -> FrameNet:
    return network()


def test_all_frames_that_can_follow_have_a_chance_of_one_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a keyboard of three keys."""
    monkeypatch.setattr(frames, "KEYS", 3)
    monkeypatch.setattr(frames, "END", 3)
    small, before = network(), np.array([[1, 0, 1], [0, 0, 0], [1, 1, 0], [0, 1, 1]], bool)
    told = [np.concatenate([before, [frame]]) for frame in product((False, True), repeat=3)]
    found = costs(small, *told)
    assert np.exp(-found[:, -1]).sum() == pytest.approx(1, abs=1e-5)
    assert np.ptp(found[:, -1]) > 0.5  # not by being all alike
    assert np.ptp(found[:, :-1], axis=0) == pytest.approx(0, abs=1e-5)


def test_a_frame_costs_what_the_frames_before_it_say(net: FrameNet) -> None:
    """What comes later, how long the piece is, and what else is in the batch change nothing."""
    one, other = some_roll(12), some_roll(30)
    changed = np.concatenate([one[:7], some_roll(5, 0.8)])
    alone = costs(net, one)[0]
    np.testing.assert_allclose(costs(net, changed)[0, :7], alone[:7], atol=1e-4)
    np.testing.assert_allclose(costs(net, one[:7])[0], alone[:7], atol=1e-4)
    both = costs(net, one, other)
    np.testing.assert_allclose(both[0, :12], alone, atol=1e-4)
    assert (both[0, 12:] == 0).all()
    assert abs(costs(net, changed)[0, 7:] - alone[7:]).max() > 0.01


def test_frames_far_back_are_remembered(net: FrameNet) -> None:
    one = some_roll(20)
    other = np.concatenate([some_roll(1, 0.8), one[1:]])
    assert abs(costs(net, one)[0, 1:] - costs(net, other)[0, 1:]).max() > 1e-3


def test_the_next_note_of_what_was_seen_is_the_one_to_copy() -> None:
    seen = torch.zeros(1, 1, KEYS)
    seen[0, 0, [50, 57]] = 1.0
    first = next_notes(seen)[0, 0]
    assert first.softmax(0).argmax() == 57
    assert first[:57].softmax(0).argmax() == 50
    below = torch.cat([first[:50], first[END:]])
    assert below.softmax(0).argmax() == 50  # END, behind 50 keys


def test_age_and_steps_of_a_roll() -> None:
    roll = torch.zeros(1, 4, KEYS)
    roll[0, [0, 1, 3], 50] = 1
    roll[0, 1:3, 53] = 1
    assert age(roll)[0, :, [50, 53]].tolist() == [[1, 0], [2, 1], [0, 2], [1, 0]]
    assert steps(roll, True)[0].argmax(-1).tolist() == [26, 15, 12, 9]
    assert steps(roll, False)[0].argmax(-1).tolist() == [26, 12, 15 - 6, 15]


def test_rolls_are_read_from_both_forms_and_kept(corpus: RollCorpus, tmp_path: Path) -> None:
    assert np.argwhere(roll_of({"seq": [[60], [], [21, 108]]})).tolist() == [
        [0, 60 - LOWEST],
        [2, 21 - LOWEST],
        [2, 108 - LOWEST],
    ]
    assert corpus.origin["frames"] == {"train": 56, "valid": 8, "test": 12}
    write_rolls(corpus, tmp_path / "some.npz")
    kept = read_rolls(None, tmp_path / "some.npz")
    assert kept.origin == corpus.origin
    assert all(
        np.array_equal(a, b) for split in PIECES for a, b in zip(kept.splits[split], corpus.splits[split], strict=True)
    )


@pytest.mark.parametrize("text", ["{", "[]", '{"train": [], "valid": []}', '{"train": [[[130]]]}', '{"train": [3]}'])
def test_a_file_that_holds_no_rolls_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "jsb_chorales").mkdir()
    (tmp_path / "jsb_chorales" / FILES["jsb_chorales"]).write_text(text, encoding="utf-8")
    with pytest.raises(CorpusError, match=FILES["jsb_chorales"]):
        prepare_rolls(config(), tmp_path, tmp_path)


def test_other_sets_and_keys_off_the_keyboard_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="pop909"):
        prepare_rolls(replace(config(), data=DataConfig((SetConfig("pop909"),))), tmp_path, tmp_path)
    with pytest.raises(ValueError, match="7"):
        roll_codec(replace(config(), train=replace(config().train, transpose=7)))


def test_batches_are_stretches_of_pieces_in_all_keys(corpus: RollCorpus) -> None:
    small = config()
    batches = FrameBatches(corpus, small)
    keys, starts = set(), set()
    for step in range(60):
        batch = batches.rows(step, 0)
        for roll, index, real in zip(*(batch[name].numpy() for name in ("roll", "index", "real")), strict=True):
            found = roll[real].astype(bool)
            at = index[0]
            fits = [
                (piece, key)
                for piece, whole in enumerate(corpus.splits["train"])
                for key in range(-6, 6)
                if np.array_equal(np.roll(whole[at : at + 16], key, 1), found)
            ]
            assert fits
            keys.add(fits[0][1])
            starts.add(int(at))
    assert keys == set(range(-6, 6))
    assert starts == set(range(5))  # the longest piece has 20 frames, a row 16
    again = FrameBatches(corpus, small).rows(7, 0)
    assert all(torch.equal(again[name], part) for name, part in batches.rows(7, 0).items())


@pytest.fixture(scope="module")
def unbroken(corpus: RollCorpus, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Watch]:
    out = tmp_path_factory.mktemp("runs") / "frames"
    return out, watched(config(), corpus, out)


def test_a_run_goes_on_as_if_it_had_not_stopped(
    unbroken: tuple[Path, Watch], corpus: RollCorpus, tmp_path: Path
) -> None:
    _, watch = unbroken
    with pytest.raises(PowerCut):
        watched(config(), corpus, tmp_path, cut_at=6)
    rest = watched(config(), corpus, tmp_path, resume=tmp_path / "last.ckpt")
    assert {step: watch.losses[step] for step in rest.losses} == rest.losses
    assert all(torch.equal(watch.weights[name], weights) for name, weights in rest.weights.items())


def test_the_average_follows_the_weights_and_learns(unbroken: tuple[Path, Watch], corpus: RollCorpus) -> None:
    _, watch = unbroken
    weights = [watch.weights[f"{part}.out.weight"] for part in ("net", "average")]
    untrained = FramesRun(config()).average.out.weight
    assert 0 < float((weights[0] - weights[1]).abs().max()) < float((weights[0] - untrained).abs().max())
    found = [each["valid/loss"] for each in watch.validations.values()]
    assert found[-1] < found[0]


@pytest.mark.parametrize("name", ["frames-jsb", "frames-nottingham"])
def test_the_benchmarks_have_at_most_three_million_weights(name: str) -> None:
    net = FramesRun(read_config(Path(name))).average
    assert sum(weights.numel() for weights in net.parameters()) <= 3_000_000
