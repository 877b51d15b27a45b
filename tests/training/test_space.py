"""What is said of a latent space is what its codes are."""

from __future__ import annotations

import numpy as np
import pytest
import tiny_phrases
from tiny import tune

from continuo_daw.assistant.bundles.bundle import read_bundle
from continuo_daw.assistant.bundles.families import ENCODER
from continuo_daw.assistant.bundles.runtime import Graph
from continuo_daw.assistant.latent.space import Space, space_of
from continuo_daw.assistant.music.attributes import NAMES
from continuo_daw.training.corpus.phrases import PhraseCorpus, encoded, phrases
from continuo_daw.training.corpus.pieces import Piece
from continuo_daw.training.space import directions, encoded_phrases, space_of_corpus


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> Graph:
    bundle = read_bundle(tiny_phrases.bundle(tmp_path_factory.mktemp("models")))
    return Graph(bundle.files[ENCODER], "tiny")


@pytest.fixture(scope="module")
def corpus() -> PhraseCorpus:
    pieces = [
        Piece(str(seed), "work", split, (tune(seed, 8),), "tunes", "CC0", f"Tune {seed}")
        for seed, split in enumerate(["train"] * 12 + ["test"] * 2)
    ]
    return encoded(tiny_phrases.codec(), pieces)


@pytest.fixture(scope="module")
def space(graph: Graph, corpus: PhraseCorpus) -> Space:
    return space_of_corpus(graph, corpus)


def test_codes_come_in_the_order_of_their_phrases(graph: Graph, corpus: PhraseCorpus) -> None:
    starts = corpus.starts("train", 2)
    means, spreads = encoded_phrases(graph, corpus, np.tile(starts, 5))  # more than one batch
    assert means.shape == spreads.shape == (5 * len(starts), tiny_phrases.LATENT)
    for index in (0, 5, len(starts) + 3):
        rows = phrases(corpus, np.tile(starts, 5)[[index]], 2)
        alone = graph.run({"notes": rows.notes, "count": rows.count, "steps": rows.steps})
        assert np.allclose(means[index], alone["mean"][0], atol=1e-5)
        assert np.allclose(spreads[index], alone["spread"][0], atol=1e-5)


def test_a_space_has_the_mean_and_the_spread_of_its_codes(graph: Graph, corpus: PhraseCorpus, space: Space) -> None:
    codes, _ = encoded_phrases(graph, corpus, corpus.starts("train", 2))
    assert np.allclose(space.mean, codes.mean(0), atol=1e-5)
    assert np.allclose(space.basis.T @ space.basis + np.diag(space.rest**2), np.cov(codes.T, bias=True), atol=1e-3)
    turned = space.basis @ space.basis.T
    assert np.allclose(turned, np.diag(np.diag(turned)), atol=1e-3)
    assert np.all(np.diff(np.diag(turned)) <= 1e-6)


def test_the_map_shows_the_phrases_by_their_pieces(corpus: PhraseCorpus, space: Space) -> None:
    assert space.points.shape == (len(corpus.starts("train", 2)), 2)
    assert np.allclose(space.points.std(0), 1, atol=1e-3)
    assert set(space.titles.tolist()) == {f"Tune {seed}" for seed in range(12)}


def test_deviations_are_those_of_the_attributes(corpus: PhraseCorpus, space: Space) -> None:
    values = phrases(corpus, corpus.starts("train", 2), 2).attributes
    assert np.allclose(space.deviations, np.maximum(values.std(0), 1e-3))
    assert space.directions.shape == (len(NAMES), tiny_phrases.LATENT)


def test_a_space_goes_into_a_file(space: Space) -> None:
    back = space_of(space.to_bytes())
    assert all(np.array_equal(value, getattr(back, name)) for name, value in vars(space).items())


def test_directions_raise_their_attribute_by_a_deviation() -> None:
    random = np.random.default_rng(1)
    values = random.standard_normal((20_000, len(NAMES))).astype(np.float32)
    ways = random.standard_normal((len(NAMES), 7))
    codes = (values @ ways + 0.1 * random.standard_normal((20_000, 7))).astype(np.float32)
    scales = np.arange(1, 6, dtype=np.float32)  # whatever the unit of the attribute
    deviations = (values * scales).std(0)
    assert np.allclose(directions(codes, values * scales, deviations), ways, atol=0.1)


def test_an_attribute_that_never_changes_leads_nowhere_far() -> None:
    codes = np.random.default_rng(1).standard_normal((100, 4)).astype(np.float32)
    found = directions(codes, np.zeros((100, len(NAMES)), np.float32), np.full(len(NAMES), 1e-3, np.float32))
    assert np.isfinite(found).all()
