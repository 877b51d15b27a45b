"""The sampling graph: it is the network, it cannot write what cannot be read, and a row does not see the others."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch
from graphs import CODECS, following, forced_to, graph_of, inputs, music, network, written

from continuo_daw.assistant.bundles.runtime import Graph
from continuo_daw.assistant.codecs.condition import condition, positions
from continuo_daw.assistant.codecs.events import END, KINDS, EventCodec
from continuo_daw.export.charrnn import step_weights
from continuo_daw.export.graph import sampling_graph
from continuo_daw.training.corpus.shards import encode

PARITY = 1e-4
NEVER = np.float32(1 - 2**-24)  # the largest number that a uniform stream gives


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
