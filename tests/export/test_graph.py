"""The sampling graph: it is the network, it cannot write what cannot be read, and a row does not see the others."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from tiny import tune

from assistant.clip import Clip
from assistant.codecs.events import END, KINDS, START, EventCodec
from assistant.condition import SIZE, condition, meter_index, positions
from assistant.runtime import Arrays, Graph
from export.charrnn import step_weights
from export.graph import sampling_graph
from export.step import CANDIDATES, StepWeights
from training.models.charrnn import CharRNN, CharRNNConfig
from training.shards import encode

LAYERS, CELLS = 2, 16
CODECS = [EventCodec(12, voices, timing) for voices in ("one", "many") for timing in ("round", "micro")]
PARITY = 1e-4
NEVER = np.float32(1 - 2**-24)  # the largest number that a uniform stream gives


def network(codec: EventCodec, layers: int = LAYERS) -> CharRNN:
    """A network that has learnt nothing."""
    torch.manual_seed(3)
    return CharRNN(CharRNNConfig(codec.size, positions(codec.resolution), layers, CELLS)).eval()


def graph_of(codec: EventCodec, int8: bool, loud: float = 1.0, threads: int = 1, logits: bool = False) -> Graph:
    """A loaded graph, its output weights times `loud`."""
    weights: StepWeights = step_weights(network(codec))
    weights = replace(weights, out=weights.out * np.float32(loud))
    return Graph(sampling_graph(weights, codec.grammar, int8, logits).SerializeToString(), "tiny", threads=threads)


def inputs(codec: EventCodec, rows: int, steps: int, seed: int = 0, layers: int = LAYERS, **given: Any) -> Arrays:
    """Rows that start from nothing in 4/4, with random numbers and conditions of their own."""
    random = np.random.default_rng(seed)
    return {
        "prompt": np.zeros((0, rows), np.int64),
        "prompt_position": np.zeros((0, rows), np.int64),
        "token": np.full(rows, START),
        "forced": np.full((steps, rows), -1, np.int64),
        "uniform": random.random((steps, rows), np.float32),
        "hidden": np.zeros((layers, rows, CELLS), np.float32),
        "cell": np.zeros((layers, rows, CELLS), np.float32),
        "state": np.zeros((rows, 3), np.float32),
        "until": np.full(rows, np.inf, np.float32),
        "bar": np.full(rows, 4 * codec.resolution, np.float32),
        "meter": np.full(rows, meter_index((4, 4))),
        "condition": random.random((rows, SIZE), np.float32),
        "bias": np.zeros((rows, codec.size), np.float32),
        "temperature": np.ones(1, np.float32),
        "top_p": np.ones(1, np.float32),
        **given,
    }


def following(outputs: Arrays) -> Arrays:
    """The inputs that lead on from outputs."""
    return {name: outputs[f"next_{name}"] for name in ("token", "hidden", "cell", "state")}


def forced_to(tokens: NDArray[np.int64]) -> Arrays:
    """The inputs that make one row write `tokens` behind its first."""
    return {"token": tokens[:1], "forced": tokens[1:, None]}


def written(column: NDArray[np.int64]) -> list[int]:
    """What a row wrote, up to its END."""
    ends = np.flatnonzero(column == END)
    return [START, *column[: ends[0] + 1 if len(ends) else None].tolist()]


def masked(codec: EventCodec, tokens: NDArray[np.int64], logits: NDArray[np.float32]) -> NDArray[np.float64]:
    """(T, V) logits with minus infinity where the grammar forbids a token behind each of `tokens`."""
    state, rows = np.zeros(3, np.float32), []
    for token, row in zip(tokens, logits.astype(np.float64), strict=True):
        state = codec.grammar.advance(state, token)
        rows.append(np.where(codec.grammar.legal(token, state), row, -np.inf))
    return np.stack(rows)


def softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    powers = np.exp(logits - logits.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def music(codec: EventCodec, meter: tuple[int, int] = (3, 4)) -> Clip:
    return tune(4, 4, meter, 1 if codec.voices == "one" else 2)


@pytest.mark.parametrize("layers", [1, 2, 3])
@pytest.mark.parametrize("codec", CODECS, ids=str)
def test_the_graph_is_the_network(codec: EventCodec, layers: int) -> None:
    net = network(codec, layers)
    loaded = Graph(sampling_graph(step_weights(net), codec.grammar, False, logits=True).SerializeToString(), "tiny")
    stream = encode(codec, [music(codec)])
    given = condition(np.arange(12), 61.5, 2.0)
    run = inputs(codec, 1, 1, layers=layers, **forced_to(stream.tokens), condition=given[None])
    run |= {"uniform": np.zeros((len(stream.tokens) - 1, 1), np.float32), "meter": stream.meter[:1]}
    found = loaded.run(run | {"bar": np.full(1, 3 * codec.resolution, np.float32)})
    batch = (stream.tokens, stream.position, stream.meter, np.repeat(given[None], len(stream.tokens), 0))
    with torch.no_grad():
        wanted, _ = net(*(torch.from_numpy(array)[None] for array in batch))
    assert np.abs(found["logits"][:, 0] - wanted[0, :-1].numpy()).max() <= PARITY
    assert found["tokens"][:, 0].tolist() == stream.tokens[1:].tolist()


def test_an_unknown_bar_is_the_last_position() -> None:
    codec, net = CODECS[2], network(CODECS[2])
    tokens = codec.encode(music(codec))
    run = inputs(codec, 1, len(tokens) - 1, **forced_to(tokens), bar=np.zeros(1, np.float32))
    found = graph_of(codec, False, logits=True).run(run | {"meter": np.zeros(1, np.int64)})
    unknown = np.full_like(tokens, positions(codec.resolution) - 1)
    batch = (tokens, unknown, np.zeros_like(tokens), np.repeat(run["condition"], len(tokens), 0))
    with torch.no_grad():
        wanted, _ = net(*(torch.from_numpy(array)[None] for array in batch))
    assert np.abs(found["logits"][:, 0] - wanted[0, :-1].numpy()).max() <= PARITY


@pytest.mark.parametrize("int8", [False, True])
@pytest.mark.parametrize("codec", CODECS, ids=str)
def test_two_slices_are_one_run(codec: EventCodec, int8: bool) -> None:
    loaded, whole = graph_of(codec, int8, logits=True), inputs(codec, 3, 20)
    once = loaded.run(whole)
    first = loaded.run(whole | {name: whole[name][:10] for name in ("forced", "uniform")})
    second = loaded.run(whole | {name: whole[name][10:] for name in ("forced", "uniform")} | following(first))
    for name in ("tokens", "probability", "logits"):
        assert np.array_equal(np.concatenate([first[name], second[name]]), once[name]), name
    assert all(np.array_equal(second[name], once[name]) for name in once if name.startswith("next_"))


@pytest.mark.parametrize("int8", [False, True])
@pytest.mark.parametrize("codec", CODECS, ids=str)
def test_what_is_heard_is_remembered_as_what_is_forced(codec: EventCodec, int8: bool) -> None:
    stream = encode(codec, [music(codec)])
    tokens, loaded = stream.tokens[:-1], graph_of(codec, int8, logits=True)
    run = inputs(codec, 1, 0, meter=stream.meter[:1], bar=np.full(1, 3 * codec.resolution, np.float32))
    steps = {"forced": np.full((12, 1), -1, np.int64), "uniform": inputs(codec, 1, 12)["uniform"]}
    forced = loaded.run(run | forced_to(tokens) | {"uniform": np.zeros((len(tokens) - 1, 1), np.float32)})
    heard = {"prompt": tokens[:-1, None], "prompt_position": stream.position[:-2, None]}
    state = {"token": tokens[-1:], "state": forced["next_state"]}
    one, other = loaded.run(run | following(forced) | steps), loaded.run(run | heard | state | steps)
    assert np.array_equal(one["tokens"], other["tokens"])
    assert np.abs(one["logits"] - other["logits"]).max() <= (0 if int8 else 1e-5)


def test_forced_tokens_stand_and_the_rest_is_chosen() -> None:
    codec = CODECS[2]
    tokens = codec.encode(music(codec), last=None)[1:9]
    forced = np.full((12, 2), -1, np.int64)
    forced[:8, 0] = tokens
    found = graph_of(codec, True).run(inputs(codec, 2, 12, forced=forced))["tokens"]
    assert found[:8, 0].tolist() == tokens.tolist()
    assert found[:, 1].tolist() == graph_of(codec, True).run(inputs(codec, 2, 12))["tokens"][:, 1].tolist()
    codec.decode(written(found[:, 0]))


@pytest.mark.parametrize("bias", ["none", "no end", "hostile"])
@pytest.mark.parametrize("int8", [False, True])
@pytest.mark.parametrize("codec", CODECS, ids=str)
def test_what_is_sampled_can_be_read(codec: EventCodec, int8: bool, bias: str) -> None:
    rows, steps, random = 12, 120, np.random.default_rng(9)
    run = inputs(codec, rows, steps, temperature=np.full(1, 1.5, np.float32))
    run["uniform"][:, :2] = NEVER  # the least likely of those that may be drawn
    run["uniform"][:, 2:3] = 0
    if bias == "hostile":
        run["bias"] = (random.standard_normal((rows, codec.size)) * 10.0 ** random.integers(0, 6, (rows, 1))).astype(
            "f"
        )
        run["bias"][:4, codec.kinds != KINDS.index("TIME")] -= 1e4  # some rows only want to wait
        run["bias"][4:6, codec.kinds == KINDS.index("PITCH")] += 1e4  # others only want to begin a note
    if bias != "none":
        run["bias"][:, END] = -1e9
    found = graph_of(codec, int8, loud=20).run(run)["tokens"]
    notes = [codec.decode(written(found[:, row])) for row in range(rows)]
    assert sum(map(len, notes)) > rows
    if bias != "none":
        assert not np.any(found == END)
    if codec.voices == "one" and codec.timing == "round":
        assert all(a.end <= b.start for voice in notes for a, b in pairwise(voice))


@pytest.mark.parametrize("codec", CODECS, ids=str)
def test_an_int8_row_is_the_same_alone_among_others_and_on_two_threads(codec: EventCodec) -> None:
    run = inputs(codec, 8, 40)
    together = graph_of(codec, True, loud=4).run(run)
    threads = graph_of(codec, True, loud=4, threads=2).run(run)
    assert all(np.array_equal(together[name], threads[name]) for name in together)
    alone = graph_of(codec, True, loud=4)
    axes = dict.fromkeys(("prompt", "prompt_position", "forced", "uniform", "hidden", "cell"), 1)
    for row in range(8):
        single = {
            name: array if name in ("temperature", "top_p") else np.take(array, [row], axes.get(name, 0))
            for name, array in run.items()
        }
        found = alone.run(single)
        length = len(found["tokens"])
        assert np.array_equal(found["tokens"][:, 0], together["tokens"][:length, row])
        assert np.array_equal(found["probability"][:, 0], together["probability"][:length, row])
        assert not np.any(together["tokens"][length:, row])


@pytest.mark.parametrize("int8", [False, True])
def test_a_row_stops_behind_its_own_end(int8: bool) -> None:
    codec = CODECS[2]
    until = np.array([6, 30, 1000], np.float32)
    run = inputs(codec, 3, 200, until=until)
    run["bias"][:, END] = -1e9
    found = graph_of(codec, int8).run(run)["tokens"]
    clock = np.cumsum(codec.grammar.add[found, 2], axis=0)
    for row in range(2):
        stop = int(np.argmax(clock[:, row] >= until[row]))
        assert clock[stop, row] >= until[row]
        assert not np.any(found[: stop + 1, row] == END)
        assert np.all(found[stop + 1 :, row] == END)


@pytest.mark.parametrize("int8", [False, True])
def test_the_run_ends_when_all_rows_have(int8: bool) -> None:
    codec = CODECS[2]
    run = inputs(codec, 4, 400, until=np.full(4, 24, np.float32))
    run["bias"][:, END] = -1e9
    outputs = graph_of(codec, int8).run(run)
    assert len(outputs["tokens"]) < 400
    assert outputs["next_state"][:, 2].min() >= 24


def test_nothing_comes_behind_an_end_that_was_chosen() -> None:
    codec = CODECS[2]
    forced = np.full((6, 2), -1, np.int64)
    forced[1, 0] = END
    forced[0, 0] = codec.token("TIME", 3)
    forced[:6, 1] = codec.encode(music(codec))[1:7]
    until = np.full(2, 1e5, np.float32)
    found = graph_of(codec, True).run(inputs(codec, 2, 6, forced=forced, until=until))["tokens"]
    assert found[:, 0].tolist() == [codec.token("TIME", 3), *[END] * 5]
    assert found[:, 1].tolist() == forced[:, 1].tolist()


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("int8", [False, True])
@pytest.mark.parametrize("codec", CODECS, ids=str)
def test_probabilities_are_those_of_the_legal_tokens(codec: EventCodec, int8: bool, temperature: float) -> None:
    tokens = codec.encode(music(codec))
    random = np.random.default_rng(1)
    run = inputs(codec, 1, len(tokens) - 1, **forced_to(tokens), temperature=np.full(1, temperature, np.float32))
    run["bias"] = random.standard_normal((1, codec.size)).astype(np.float32)
    found = graph_of(codec, int8, loud=4, logits=True).run(run)
    chances = softmax(masked(codec, tokens[:-1], found["logits"][:, 0] + run["bias"]) / temperature)
    wanted = chances[np.arange(len(tokens) - 1), tokens[1:]]
    assert np.all(wanted > 0)
    assert np.allclose(found["probability"][:, 0], wanted, rtol=1e-4, atol=1e-9)


def test_a_tiny_top_p_takes_the_likeliest() -> None:
    codec = CODECS[2]
    run = inputs(codec, 5, 30, top_p=np.full(1, 1e-6, np.float32))
    found = graph_of(codec, True, loud=4, logits=True).run(run)
    for row in range(5):
        tokens = np.array(written(found["tokens"][:, row]))
        best = masked(codec, tokens[:-1], found["logits"][: len(tokens) - 1, row]).argmax(1)
        assert tokens[1:].tolist() == best.tolist()


def shares(codec: EventCodec, rows: int, **given: Any) -> NDArray[np.float64]:
    """How often each token comes first, among rows with evenly spread random numbers."""
    run = inputs(codec, rows, 1, condition=np.zeros((rows, SIZE), np.float32), **given)
    run["uniform"] = ((np.arange(rows, dtype=np.float32) + 0.5) / rows)[None]
    found = graph_of(codec, True, loud=30).run(run)["tokens"][0]
    return np.bincount(found, minlength=codec.size) / rows


def first_chances(codec: EventCodec, temperature: float = 1.0) -> NDArray[np.float64]:
    """The chances of the first token, as the logits have them."""
    run = inputs(codec, 1, 1, condition=np.zeros((1, SIZE), np.float32))
    logits = graph_of(codec, True, loud=30, logits=True).run(run)["logits"][0]
    return softmax(masked(codec, np.array([START]), logits) / temperature)[0]


@pytest.mark.parametrize("temperature", [0.25, 1.0])
def test_tokens_come_as_often_as_their_chances_say(temperature: float) -> None:
    codec = CODECS[2]
    chances = first_chances(codec, temperature)
    kept = np.argsort(-chances)[:CANDIDATES]
    wanted = np.zeros(codec.size)
    wanted[kept] = chances[kept] / chances[kept].sum()
    found = shares(codec, 2000, temperature=np.full(1, temperature, np.float32))
    assert np.abs(found - wanted).max() < 2e-3
    assert np.count_nonzero(wanted > 0.02) > 3


@pytest.mark.parametrize("top_p", [0.1, 0.3])
def test_top_p_leaves_the_unlikely_out(top_p: float) -> None:
    codec = CODECS[2]
    chances = first_chances(codec)
    order = np.argsort(-chances)
    kept = order[: np.searchsorted(chances[order].cumsum(), top_p) + 1]
    found = shares(codec, 2000, top_p=np.full(1, top_p, np.float32))
    assert set(np.flatnonzero(found)) == set(kept)
    assert np.abs(found[kept] - chances[kept] / chances[kept].sum()).max() < 2e-3


def test_a_bias_moves_the_chances() -> None:
    codec = CODECS[2]
    bias = np.zeros((50, codec.size), np.float32)
    bias[:, codec.token("PITCH", 90)] = 1e3
    assert shares(codec, 50, bias=bias)[codec.token("PITCH", 90)] == 1
