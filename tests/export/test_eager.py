"""The network that `continuo bench` steps eagerly is the one that the bundle's graph holds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from continuo_daw.assistant.bundles.bundle import read_bundle
from continuo_daw.assistant.bundles.families import MODEL
from continuo_daw.assistant.paths import bundled_models
from continuo_daw.export.bench.command import graph_steps
from continuo_daw.export.bench.eager import eager_steps, gpt2_steps, network_of
from continuo_daw.export.charrnn import step_weights
from continuo_daw.export.graph import sampling_graph


@pytest.mark.parametrize("name", ["melody", "piano"])
def test_the_weights_of_a_bundle_are_read_back(name: str) -> None:
    bundle = read_bundle(bundled_models() / name)
    stored = {t.name: numpy_helper.to_array(t) for t in onnx.load_from_string(bundle.files[MODEL]).graph.initializer}
    weights = step_weights(network_of(bundle))
    for found, wanted in (
        (weights.token, stored["token_gates"]),
        (weights.position, stored["position_gates"]),
        (weights.meter, stored["meter_gates"]),
        (weights.condition, stored["condition_gates"][0]),
        (weights.layers[1], stored["layer_1_weight"] * stored["layer_1_weight_scale"]),
        (weights.out, stored["out_weight"] * stored["out_weight_scale"]),
    ):
        np.testing.assert_allclose(found, wanted, atol=1e-4)


@pytest.mark.parametrize("name", ["melody", "piano"])
def test_eager_torch_samples_the_notes_of_the_fp32_graph(name: str) -> None:
    bundle = read_bundle(bundled_models() / name)
    net = network_of(bundle)
    whole = sampling_graph(step_weights(net), bundle.events.grammar, int8=False).SerializeToString()
    outputs = graph_steps(replace(bundle, files={MODEL: whole}), threads=1)(96)
    assert eager_steps(net, bundle.events)(96) == outputs["tokens"][:, 0].tolist()


def test_gpt2_is_about_as_large_as_asked() -> None:
    _, size = gpt2_steps(1_400_000, 451)
    assert 1_000_000 < size < 2_000_000
