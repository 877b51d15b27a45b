"""What the sampling graph chooses: tokens come as often as logits, temperature, top_p and bias say."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from graphs import CODECS, forced_to, graph_of, inputs, masked, music, softmax, written
from numpy.typing import NDArray

from continuo_daw.assistant.codecs.condition import SIZE
from continuo_daw.assistant.codecs.events import START, EventCodec
from continuo_daw.export.step import TOP_TOKENS


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
    kept = np.argsort(-chances)[:TOP_TOKENS]
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
