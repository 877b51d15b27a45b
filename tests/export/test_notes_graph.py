"""The graphs of the refine networks: they are the networks, in any shape, and bytes cost little."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest
import tiny_notes
import tiny_played
import torch
from numpy.typing import NDArray

from continuo_daw.assistant.bundles.bundle import read_bundle
from continuo_daw.assistant.bundles.families import LENGTHS, MODEL, ONSETS
from continuo_daw.assistant.bundles.network import load
from continuo_daw.assistant.bundles.runtime import Arrays, Graph
from continuo_daw.assistant.refining.choices import LENGTH_SIZE, ONSET_SIZE
from continuo_daw.assistant.refining.choices import LENGTHS as LENGTH_COUNT
from continuo_daw.assistant.refining.choices import ONSETS as ONSET_COUNT
from continuo_daw.assistant.refining.surroundings import SIZE
from continuo_daw.export.notes_export import graphs_of, parity
from continuo_daw.training.families.notes_net import CENTRE, UNIT, DurationNet, VelocityNet
from continuo_daw.training.families.table import FAMILIES

SHAPES = [(1, 1), (1, 24), (3, 7), (5, 192)]  # windows, notes in each
HEADS = {ONSETS: (ONSET_COUNT, ONSET_SIZE), LENGTHS: (LENGTH_COUNT, LENGTH_SIZE)}
Floats = NDArray[np.float32]


@cache
def network(family: str, hidden: int = 32, seed: int = 3) -> DurationNet | VelocityNet:
    """A network that has learnt nothing, but whose notes differ."""
    torch.manual_seed(seed)
    net = tiny_notes.NETS[family](2, hidden, 0.3).eval()
    with torch.no_grad():
        for lstm in net.trunk.lstms:
            for weight in lstm.parameters():
                weight *= 2
    return net


@cache
def graphs(family: str, int8: bool = False) -> dict[str, Graph]:
    return {name: Graph(file, name) for name, file in graphs_of(network(family), int8).items()}


def told(batch: int, size: int) -> Arrays:
    """Random notes, tones and drums."""
    random = np.random.default_rng([batch, size])
    return {
        "told": random.standard_normal((batch, size, SIZE)).astype(np.float32),
        "pitch": random.integers(0, 256, (batch, size)),
    }


def by_torch(net: VelocityNet, given: Arrays) -> Floats:
    with torch.no_grad():
        location, spread = net(*(torch.from_numpy(given[name]) for name in ("told", "pitch"))).unbind(-1)
    return torch.stack([(location * UNIT + CENTRE).clamp(1, 127), spread.exp() * UNIT], -1).numpy()


def choices(name: str, count: int) -> Floats:
    return np.random.default_rng(count).standard_normal((count, *HEADS[name])).astype(np.float32)


@pytest.mark.parametrize("shape", SHAPES)
def test_the_velocity_graph_is_the_network(shape: tuple[int, int]) -> None:
    net, given = network("velocities"), told(*shape)
    assert isinstance(net, VelocityNet)
    found = graphs("velocities")[MODEL].run(given)["velocity"]
    assert found.shape == (*shape, 2)
    assert found == pytest.approx(by_torch(net, given), rel=1e-5, abs=1e-5 * UNIT)
    near = graphs("velocities", True)[MODEL].run(given)["velocity"]
    assert 0 < np.abs(near - found).max() < 0.05 * UNIT


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", HEADS)
def test_the_score_graphs_are_the_network(name: str, shape: tuple[int, int]) -> None:
    net, given = network("durations"), told(*shape)
    place = np.argwhere(np.ones(shape))
    asked = {"place": place, "candidates": choices(name, len(place))}
    rows = {each: torch.from_numpy(choices(each, len(place)).reshape(*shape, *HEADS[each])) for each in HEADS}
    with torch.no_grad():
        both = net(torch.from_numpy(given["told"]), torch.from_numpy(given["pitch"]), rows[ONSETS], rows[LENGTHS])
    wanted = both[list(HEADS).index(name)].numpy()
    found = graphs("durations")[name].run(given | asked)["scores"]
    assert found.reshape(wanted.shape) == pytest.approx(wanted, abs=1e-5)
    near = graphs("durations", True)[name].run(given | asked)["scores"]
    assert 0 < np.abs(near - found).max() < 0.1 * found.std()


@pytest.mark.parametrize("name", HEADS)
def test_only_the_notes_that_are_asked_about_are_scored(name: str) -> None:
    given, place = told(3, 7), np.array([[2, 6], [0, 0], [2, 6], [1, 3]])
    every = np.argwhere(np.ones((3, 7)))
    values, graph = choices(name, 21), graphs("durations")[name]
    which = place[:, 0] * 7 + place[:, 1]
    whole = graph.run(given | {"place": every, "candidates": values})["scores"]
    some = graph.run(given | {"place": place, "candidates": values[which]})["scores"]
    assert some == pytest.approx(whole[which], abs=1e-6)


def test_a_window_is_the_same_in_a_batch_and_alone() -> None:
    given, graph = told(3, 7), graphs("velocities")[MODEL]
    together = graph.run(given)["velocity"]
    for row in range(3):
        alone = graph.run({name: value[row : row + 1] for name, value in given.items()})["velocity"]
        assert alone[0] == pytest.approx(together[row], rel=1e-5)


def test_velocities_stay_in_their_range() -> None:
    net = VelocityNet(1, 8, 0.0).eval()
    with torch.no_grad():
        net.out.bias[0] = 99
        loud = Graph(graphs_of(net, False)[MODEL], "loud").run(told(1, 5))["velocity"]
        net.out.bias[0] = -99
        soft = Graph(graphs_of(net, False)[MODEL], "soft").run(told(1, 5))["velocity"]
    assert (loud[..., 0] == 127).all() and (soft[..., 0] == 1).all()


@pytest.mark.parametrize("family", tiny_notes.NETS)
def test_bytes_make_small_files(family: str) -> None:
    net = network(family, hidden=64)
    whole, small = (graphs_of(net, int8) for int8 in (False, True))
    assert whole.keys() == small.keys()
    for name in whole:
        assert len(small[name]) < len(whole[name]) / 2


@pytest.mark.parametrize("family", tiny_notes.NETS)
def test_a_bundle_is_read_and_loaded(family: str, tmp_path: Path) -> None:
    bundle = read_bundle(tiny_notes.bundle(tmp_path, family, window=30, margin=5))
    assert (bundle.card.family, bundle.notes.window, bundle.notes.margin) == (family, 30, 5)
    assert bundle.notes.drums == (family == "velocities")
    found = load(bundle, "cpu", 1).graphs
    given = told(2, 30)
    for name, file in graphs_of(tiny_notes.network(family), True).items():
        if name in HEADS:
            given |= {"place": np.array([[1, 29]]), "candidates": choices(name, 1)}
        for output, value in Graph(file, name).run(given).items():
            assert np.array_equal(found[name].run(given)[output], value)


@pytest.mark.parametrize("family", tiny_notes.NETS)
def test_parity_finds_another_network(family: str, tmp_path: Path) -> None:
    config = tiny_played.config(family)
    data, row = tiny_played.write_data(tmp_path / "data"), FAMILIES[family]
    corpus = row.prepare(config, data, tmp_path / "cache", progress=False)
    net, batches = network(family), row.batches(corpus, config)
    assert 0 < parity(net, graphs_of(net, False), batches) < 1e-5
    assert parity(net, graphs_of(network(family, seed=4), False), batches) > 0.01
