"""The graphs of the phrase autoencoder: they are the network, and they write nothing that is no bar."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch

from continuo_daw.assistant.bundles.runtime import Arrays, Graph, onnxruntime
from continuo_daw.assistant.codecs.phrases import PhraseCodec
from continuo_daw.export.phrase import decoder_graph, encoder_graph
from continuo_daw.export.phrase_parity import likeliest, parity, same_bars
from continuo_daw.training.corpus.phrases import PhraseRows
from continuo_daw.training.families.phrase_net import Decoder, PhraseNet, net_config

BARS, MOST, STEPS = 2, 8, 96
NEVER = np.float32(1 - 2**-24)  # the largest number that a uniform stream gives
KINDS = [(voices, binary) for voices in ("one", "many") for binary in (False, True)]


def codec_of(voices: str) -> PhraseCodec:
    return PhraseCodec(BARS, MOST, voices)


@cache
def network(voices: str, binary: bool = False, hidden: int = 16) -> PhraseNet:
    """A network that has learnt nothing, but whose bars differ and are full."""
    torch.manual_seed(3)
    net = PhraseNet(net_config(codec_of(voices), 8, 16, hidden, 8, binary)).eval()
    with torch.no_grad():
        for decoder in decoders(net):
            decoder.open.normal_()
            for part in (decoder.spread, decoder.end, decoder.sheet, decoder.onsets, decoder.lstm):
                for weight in part.parameters():
                    weight *= 3
            decoder.end.bias[-1] = 0.5 if voices == "one" else 9.0
    return net


def decoders(net: PhraseNet) -> list[Decoder]:
    return [decoder for decoder in (net.decoder, net.binary_decoder) if decoder is not None]


@cache
def graph_of(voices: str, int8: bool = False) -> Graph:
    net = network(voices)
    return Graph(decoder_graph(net.decoder, codec_of(voices), int8).SerializeToString(), "tiny")


def music(batch: int = 8) -> PhraseRows:
    """Random phrases, of bars that are full, empty and in between."""
    random = np.random.default_rng(1)
    count = random.integers(0, MOST + 1, (batch, BARS))
    steps = random.choice([36, 72, STEPS], batch)
    notes = np.stack(
        [random.integers(low, high, (batch, BARS, MOST)) for low, high in ((0, 36), (30, 90), (1, 48), (0, 32))], -1
    )
    notes[np.arange(MOST) >= count[..., None]] = 0
    return PhraseRows(notes, count, steps, np.zeros((batch, 5), np.float32))


def inputs(codec: PhraseCodec, batch: int, seed: int = 0, most: int = MOST, **given: Any) -> Arrays:
    """Random codes and random numbers, nothing forced."""
    random = np.random.default_rng(seed)
    rows = batch * BARS
    return {
        "latent": random.standard_normal((batch, 8)).astype(np.float32),
        "steps": random.choice([36, 72, STEPS], batch),
        "uniform": random.random((most, rows, 4), np.float32),
        "forced": np.full((most, rows, 4), -1, np.int64),
        "bias": np.zeros((rows, codec.positions + 1), np.float32),
        "temperature": np.ones(1, np.float32),
        **given,
    }


@pytest.mark.parametrize(("voices", "binary"), KINDS)
def test_the_graphs_are_the_network(voices: str, binary: bool) -> None:
    worst, share = parity(network(voices, binary), codec_of(voices), music())
    assert worst <= 1e-4
    assert share == 1


@pytest.mark.parametrize("voices", ["one", "many"])
def test_the_bars_that_are_compared_are_worth_it(voices: str) -> None:
    codec, codes = codec_of(voices), inputs(codec_of(voices), 16)
    notes = likeliest(graph_of(voices), codec, codes["latent"], codes["steps"], BARS)
    count = (notes[..., 0] < codec.positions).sum(-1)
    assert len(np.unique(count)) > 3
    assert len(np.unique(notes.reshape(-1, MOST * 4), axis=0)) > 16


def test_notes_behind_the_count_are_not_read() -> None:
    rows, graph = music(), Graph(encoder_graph(network("one"), False).SerializeToString(), "tiny")
    run = {"notes": rows.notes, "count": rows.count, "steps": rows.steps}
    more = np.concatenate([rows.notes, np.full_like(rows.notes, 7)], axis=2)
    assert np.array_equal(graph.run(run)["mean"], graph.run(run | {"notes": more})["mean"])


@pytest.mark.parametrize("int8", [False, True])
@pytest.mark.parametrize("voices", ["one", "many"])
def test_what_is_sampled_is_a_bar(voices: str, int8: bool) -> None:
    codec, random = codec_of(voices), np.random.default_rng(5)
    run = inputs(codec, 24, 2, 40, temperature=np.full(1, 2, np.float32))
    run["uniform"][:, :4] = NEVER  # the least likely of those that may be drawn
    run["uniform"][:, 4:8] = 0
    run["bias"][8:24] = random.standard_normal((16, codec.positions + 1)) * 10.0 ** random.integers(0, 6, (16, 1))
    run["bias"][24:, codec.positions] = -1e9  # ends only where nothing else may follow
    graph = graph_of(voices, int8)
    found = graph.run(run)["notes"]
    assert np.array_equal(found, graph.run(run)["notes"])
    chords = 0
    for row in range(48):
        place = found[:, row, 0]
        count = int((place < codec.positions).sum())
        notes, steps = found[:count, row], run["steps"][row // BARS]
        assert np.all(found[count:, row] == [codec.positions, 0, 0, 0])
        assert np.all(notes >= [0, 0, 1, 0])
        assert np.all(notes < [steps, 128, codec.positions + 1, 32])
        rises = np.diff(notes[:, 0])
        assert np.all(rises > 0 if voices == "one" else rises >= 0)
        assert np.all(np.diff(notes[:, 1])[rises == 0] > 0)
        chords += int((rises == 0).sum())
        if row >= 24 and count < len(found):
            assert notes[-1, 0] == steps - 1
            assert voices == "one" or notes[-1, 1] == 127
    assert (chords > 0) == (voices == "many")


@pytest.mark.parametrize("int8", [False, True])
def test_forced_notes_stand_and_the_rest_is_chosen(int8: bool) -> None:
    codec, graph = codec_of("one"), graph_of("one", int8)
    run = inputs(codec, 2)
    run["forced"][:4, 0] = [[50, 127, 3, 4], [50, 20, 0, 31], [10, 20, 2, 0], [codec.positions, 5, 5, 5]]
    run["forced"][4:, 0] = [1, 1, 1, 1]  # behind its end a bar is closed
    run["forced"][0, 1, 0] = 95
    run["forced"][:, 2, 2] = 5
    run["bias"][1:, codec.positions] = -1e9
    found = graph.run(run)["notes"]
    assert np.array_equal(found[:3, 0], run["forced"][:3, 0])
    assert np.all(found[3:, 0] == [codec.positions, 0, 0, 0])
    assert found[0, 1, 0] == 95
    assert found[1, 1, 0] == codec.positions  # nothing is behind the last place
    there = found[:, 2, 0] < codec.positions
    assert there.sum() > 1
    assert np.all(found[there, 2, 2] == 5)
    free = inputs(codec, 2)
    free["bias"] = run["bias"]
    assert np.array_equal(found[:, 3], graph.run(free)["notes"][: len(found), 3])


def test_a_forced_start_leads_on_as_if_it_had_been_chosen() -> None:
    codec, graph = codec_of("many"), graph_of("many")
    run = inputs(codec, 8)
    run["bias"][:, codec.positions] = -2
    free = graph.run(run)["notes"]
    run["forced"][:3] = np.where(free[:3, :, :1] < codec.positions, free[:3], [codec.positions, -1, -1, -1])
    run["uniform"][:3] = 0.123
    assert np.array_equal(graph.run(run)["notes"], free)


@pytest.mark.parametrize("int8", [False, True])
@pytest.mark.parametrize("voices", ["one", "many"])
def test_a_phrase_is_the_same_alone_and_among_others(voices: str, int8: bool) -> None:
    codec, graph = codec_of(voices), graph_of(voices, int8)
    run = inputs(codec, 8)
    together = likeliest(graph, codec, run["latent"], run["steps"], BARS)
    for row in range(8):
        alone = likeliest(graph, codec, run["latent"][row : row + 1], run["steps"][row : row + 1], BARS)
        assert np.array_equal(alone[0], together[row])


def test_temperature_is_the_spread_of_the_draws() -> None:
    codec, graph = codec_of("one"), graph_of("one")
    run = inputs(codec, 1) | {"steps": np.full(64, STEPS), "bias": np.zeros((128, codec.positions + 1), np.float32)}
    run["latent"] = np.repeat(run["latent"], 64, 0)
    run["uniform"] = np.random.default_rng(2).random((1, 128, 4), np.float32)
    run["forced"] = np.full((1, 128, 4), -1, np.int64)
    heats = [np.full(1, heat, np.float32) for heat in (0, 0.3, 3)]
    found = [len(np.unique(graph.run(run | {"temperature": heat})["notes"][0, ::BARS, 0])) for heat in heats]
    assert found[0] == 1
    assert found[0] < found[1] < found[2]


def test_draws_follow_the_distribution_of_the_network() -> None:
    codec, net, rows = codec_of("one"), network("one"), 4000
    code, steps = torch.ones(1, 8) / 2, torch.full((1,), STEPS)
    with torch.no_grad():
        embedding, sheet = (part.flatten(0, 1) for part in net.decoder.plan(code, steps))
        hidden, _ = net.decoder.lstm(torch.cat([net.decoder.open.expand(BARS, 1, -1), embedding[:, None]], -1))
        logits = net.decoder.positions(hidden, sheet)[0, 0]
        logits[STEPS:-1] = -torch.inf
        wanted = torch.softmax(logits / 1.5, -1).numpy()
    run = inputs(codec, 1, most=1) | {"latent": np.full((rows, 8), 0.5, np.float32), "steps": np.full(rows, STEPS)}
    even = (np.arange(rows * BARS) // BARS + 0.5) / rows  # evenly spread, so that counts are the distribution
    run["uniform"] = np.broadcast_to(even[None, :, None], (1, rows * BARS, 4)).astype(np.float32)
    run["forced"] = np.full((1, rows * BARS, 4), -1, np.int64)
    run["bias"] = np.zeros((rows * BARS, codec.positions + 1), np.float32)
    found = graph_of("one").run(run | {"temperature": np.full(1, 1.5, np.float32)})["notes"][0, ::BARS, 0]
    share = np.bincount(found, minlength=codec.positions + 1) / rows
    assert np.abs(share - wanted).max() <= 2 / rows


def test_the_bias_opens_and_closes_places() -> None:
    codec = codec_of("one")
    run = inputs(codec, 4)
    run["bias"][:, ::2] = -1e9
    found = graph_of("one").run(run)["notes"][..., 0]
    assert np.any(found < codec.positions)
    assert np.all((found % 2 == 1) | (found == codec.positions))


def test_the_loop_stops_when_all_bars_have_ended() -> None:
    codec = codec_of("one")
    run = inputs(codec, 3, most=200)
    assert len(graph_of("one").run(run)["notes"]) <= STEPS + 1
    run["forced"][2, :, 0] = codec.positions
    assert len(graph_of("one").run(run)["notes"]) <= 3


@pytest.mark.parametrize("binary", [False, True])
def test_bytes_are_smaller_and_nearly_the_same(binary: bool) -> None:
    net, codec, rows = network("many", binary, hidden=64), codec_of("many"), music()
    exact, small = (encoder_graph(net, int8).SerializeToString() for int8 in (False, True))
    assert len(small) < 0.4 * len(exact)
    run = {"notes": rows.notes, "count": rows.count, "steps": rows.steps}
    one, other = Graph(exact, "fp32").run(run), Graph(small, "int8").run(run)
    assert 0 < np.abs(one["mean"] - other["mean"]).max() < 0.05 * np.abs(one["mean"]).max()
    sizes = [len(decoder_graph(net.decoder, codec, int8).SerializeToString()) for int8 in (False, True)]
    assert sizes[1] < 0.4 * sizes[0]
    steps = np.full(32, STEPS)
    codes = np.random.default_rng(0).standard_normal((32, 8)).astype(np.float32)
    notes = [
        likeliest(Graph(decoder_graph(net.decoder, codec, int8).SerializeToString(), "x"), codec, codes, steps, BARS)
        for int8 in (False, True)
    ]
    assert np.mean(notes[0][:, :, 0, 0] == notes[1][:, :, 0, 0]) > 0.8
    assert same_bars(net.decoder, codec, codes, steps) == 1


def test_bytes_become_numbers_once(tmp_path: Path) -> None:
    """onnxruntime scales the weights when it loads a graph, not in each call."""
    net = network("one", hidden=64)
    for graph in (encoder_graph(net, True), decoder_graph(net.decoder, codec_of("one"), True)):
        options = onnxruntime.SessionOptions()
        options.optimized_model_filepath = str(tmp_path / "loaded.onnx")
        options.log_severity_level = 3
        onnxruntime.InferenceSession(graph.SerializeToString(), options, providers=["CPUExecutionProvider"])
        stored = [tensor for tensor in graph.graph.initializer if tensor.name.endswith("_bytes")]
        kept = onnx.load(tmp_path / "loaded.onnx").graph.initializer
        assert len(stored) > 5
        assert not [tensor.name for tensor in kept if tensor.name.endswith("_bytes")]
