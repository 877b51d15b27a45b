"""The ablation of the Continuous SeqAE: its network, its losses, its figures and its command."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tiny import tune

import continuo_daw.training.ablation.command as ablation
from continuo_daw.assistant.codecs.events import EventCodec
from continuo_daw.training.ablation.config import AblationConfig, AblationTrain, read_ablation
from continuo_daw.training.config import ConfigError
from continuo_daw.training.corpus.shards import encode
from continuo_daw.training.families.seqae import SeqAE, SeqAEConfig, continuity, hamming, quantisation, signs

TOML = """
name = "tiny"
bits = 4
embedding = 4
hidden = 8
[[data.sets]]
name = "tunes"
parts = "top"
[codec]
voices = "one"
[train]
steps = 6
batch = 3
warmup = 1
measure_every = 2
[[rows]]
name = "vanilla"
[[rows]]
name = "both of them"
continuity = 0.1
quantisation = 0.1
"""


def arguments(data: Path, folder: Path, *more: str, text: str = TOML) -> argparse.Namespace:
    """What the command line gives for a run in `folder`."""
    file = folder / "tiny.toml"
    file.write_text(text, encoding="utf-8")
    parser = argparse.ArgumentParser()
    ablation.add_arguments(parser)
    given = [str(file), "--data", str(data), "--out", str(folder / "run"), "--cache", str(folder / "cache"), *more]
    return parser.parse_args(given)


def net_of(bits: int = 4) -> SeqAE:
    torch.manual_seed(0)
    return SeqAE(SeqAEConfig(vocabulary=7, bits=bits, embedding=4, hidden=8))


def test_continuity_and_distance_are_those_of_the_formulas() -> None:
    code = torch.tensor([[0.5, -0.5], [0.5, 0.5], [-1.0, -1.0]])
    within = torch.tensor([True, True])
    # first pair: (1-.5)^2 + (.5-1)^2 and (-1-.5)^2 + (-.5-1)^2; second pair, twice: (1+1)^2 + (.5+1)^2
    assert continuity(code, within).item() == pytest.approx((0.5 + 4.5 + 12.5) / 3)
    assert continuity(code, torch.tensor([True, False])).item() == pytest.approx(5.0 / 3)
    assert hamming(code, within).item() == pytest.approx((1 + 2) / 2)
    assert quantisation(code).item() == pytest.approx(4 * 0.25 / 3)


def test_zero_counts_as_one() -> None:
    assert signs(torch.tensor([0.0, -0.1, 0.1])).tolist() == [1, -1, 1]


def test_what_the_binary_decoder_learns_does_not_reach_the_encoder() -> None:
    net, tokens = net_of(), torch.randint(1, 7, (5, 8))
    real, binary = net.reconstruction(net.encode(tokens), tokens)
    binary.backward(retain_graph=True)
    assert {name.partition(".")[0] for name, w in net.named_parameters() if w.grad is not None} == {"binary_decoder"}
    real.backward()
    assert all(weight.grad is not None and weight.grad.any() for weight in net.lstm.parameters())


def test_a_decoder_sees_the_code_and_only_what_came_before() -> None:
    net, tokens = net_of(), torch.randint(1, 6, (1, 8))
    code = torch.zeros(1, 4)
    before = net.decoder(code, tokens)
    changed = tokens.clone()
    changed[0, 4] = 6
    after = net.decoder(code, changed)
    assert torch.equal(before[:, :5], after[:, :5])
    assert not torch.equal(before[:, 5:], after[:, 5:])
    assert not torch.equal(before[:, 0], net.decoder(code + 1, tokens)[:, 0])


def test_tunes_are_cut_one_behind_the_other_and_say_nothing_of_loudness() -> None:
    codec = EventCodec(voices="one")
    stream = encode(codec, [tune(3, 8)])
    (rows,) = ablation.cut(codec, [stream, encode(codec, [tune(3, 1)])], 16)
    names = [codec.name(token) for token in stream.tokens]
    played = [name for name in names if not name.startswith(("VELOCITY", "START", "END"))]
    assert any(name.startswith("VELOCITY") for name in names)
    assert [codec.name(token) for token in rows.ravel()] == played[: len(played) // 16 * 16]


def test_consecutive_is_within_a_tune() -> None:
    tokens, follows = ablation.joined([np.zeros((2, 8), np.int64), np.ones((3, 8), np.int64)])
    assert tokens.shape == (5, 8)
    assert follows.tolist() == [True, False, True, True]


def test_every_tune_stands_once_in_a_round() -> None:
    tunes = [np.full((2, 8), number) for number in range(7)]
    rounds = [
        [int(t[0, 0]) for step in (3 * r, 3 * r + 1, 3 * r + 2) for t in ablation.batch(tunes, 3, 1, step)]
        for r in (0, 1)
    ]
    assert [sorted(numbers) for numbers in rounds] == [list(range(7))] * 2
    assert rounds[0] != rounds[1]


def test_the_schedule_rises_and_falls() -> None:
    train = AblationTrain(
        steps=100, warmup=1, noise=2.0, noise_rise=(0.2, 0.4), extra_rise=(0.1, 0.3), extra_fall=0.9, extra_end=0.2
    )
    assert [train.noise_at(step) for step in (0, 20, 30, 40, 99)] == pytest.approx([0, 0, 1, 2, 2])
    assert [train.strength(step) for step in (10, 20, 30, 90, 99)] == pytest.approx([0, 0.5, 1, 0.2, 0.2])
    assert train.strength(60) == pytest.approx(0.2**0.5)
    assert [train.rate(step) for step in (0, 74, 99)] == pytest.approx([1, 1, 0.04])


def test_continuity_alone_brings_consecutive_codes_together() -> None:
    tunes = [np.random.default_rng(seed).integers(1, 7, (6, 8)) for seed in range(4)]
    tokens, follows = ablation.joined(tunes)
    net = net_of(bits=8)
    optimiser = torch.optim.Adam(net.parameters(), lr=0.01)
    before = hamming(net.encode(tokens), follows)
    for _ in range(150):
        optimiser.zero_grad()
        continuity(net.encode(tokens), follows).backward()
        optimiser.step()
    assert hamming(net.encode(tokens), follows) < before / 2


def test_the_command_prints_a_table_draws_curves_and_goes_on(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    args = arguments(data, tmp_path, "--json")
    assert ablation.run(args) == 0
    found = json.loads(capsys.readouterr().out)
    assert found == json.loads((tmp_path / "run" / "ablation.json").read_text(encoding="utf-8"))
    assert list(found["rows"]) == ["vanilla", "both of them"]
    assert found["train"]["tunes"] == found["unseen"]["tunes"] == 4
    curves = EventAccumulator(str(tmp_path / "run" / "curves" / "both-of-them")).Reload()
    assert [event.step for event in curves.Scalars("unseen/hamming")] == [2, 4, 6]
    assert curves.Scalars("train/L_rec_bin")[-1].value == pytest.approx(
        found["rows"]["both of them"]["train"]["L_rec_bin"]
    )

    assert ablation.run(args) == 1
    assert "holds a run already" in capsys.readouterr().err
    assert ablation.run(arguments(data, tmp_path, "--resume")) == 0
    table = capsys.readouterr().out
    assert f"| both of them | unseen | {found['rows']['both of them']['unseen']['L_rec']:.3f} |" in table
    assert ablation.run(arguments(data, tmp_path, "--resume", text=TOML.replace("0.1", "0.2"))) == 1
    assert "another configuration" in capsys.readouterr().err


def test_a_broken_run_goes_on_as_if_it_had_not_broken(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    for folder in (whole, broken):
        folder.mkdir()
    assert ablation.run(arguments(data, whole)) == 0
    usual = ablation.batch

    def breaks(*given: object) -> object:
        if given[-1] == 5:
            raise KeyboardInterrupt
        return usual(*given)

    monkeypatch.setattr(ablation, "batch", breaks)
    with pytest.raises(KeyboardInterrupt):
        ablation.run(arguments(data, broken))
    monkeypatch.undo()
    assert ablation.run(arguments(data, broken, "--resume")) == 0
    first, second = (json.loads((f / "run" / "ablation.json").read_text(encoding="utf-8")) for f in (whole, broken))
    assert first["rows"] == second["rows"]


def test_rows_differ_in_their_losses_alone(data: Path, tmp_path: Path) -> None:
    text = TOML.replace("continuity = 0.1\nquantisation = 0.1", "")
    assert ablation.run(arguments(data, tmp_path, text=text)) == 0
    rows = json.loads((tmp_path / "run" / "ablation.json").read_text(encoding="utf-8"))["rows"]
    assert rows["vanilla"] == rows["both of them"]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("name = ", "tiny.toml"),
        (TOML + "colour = 1\n", "unknown key 'colour'"),
        (TOML.replace("warmup = 1", "extra_rise = [0.3]"), "extra_rise [0.3] must be two shares"),
        (TOML.replace("warmup = 1", "extra_fall = 0.1"), "extra_fall 0.1 must lie behind extra_rise"),
        (TOML.replace("bits = 4", "bits = 0"), "bits 0 is less than 1"),
        (TOML.replace("both of them", "vanilla"), "each with a name of its own"),
        (TOML.replace("tunes", "songs"), "set 'songs' is not in"),
    ],
)
def test_a_configuration_that_cannot_be_used_is_one_line(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, named: str
) -> None:
    assert ablation.run(arguments(data, tmp_path, text=text)) == 1
    assert named in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_the_shipped_configuration_has_the_four_rows_of_the_report() -> None:
    config: AblationConfig = read_ablation(Path("seqae-ablation"))
    weighted = [(row.continuity > 0, row.quantisation > 0) for row in config.rows]
    assert weighted == [(False, False), (True, True), (True, False), (False, True)]
    assert (config.length, config.bits) == (8, 16)


def test_a_configuration_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.toml"):
        read_ablation(tmp_path / "nowhere.toml")
