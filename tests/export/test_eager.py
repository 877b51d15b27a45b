"""The network that `continuo bench` steps eagerly is the one that the bundle's graph holds."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from assistant.bundle import MODEL, read_bundle
from assistant.paths import bundled_models
from export.charrnn import step_weights
from export.eager import eager_steps, gpt2_steps, network_of


@pytest.mark.parametrize("name", ["melody", "piano"])
def test_the_weights_of_a_bundle_are_read_back(name: str) -> None:
    bundle = read_bundle(bundled_models() / name)
    stored = {t.name: numpy_helper.to_array(t) for t in onnx.load_from_string(bundle.graphs[MODEL]).graph.initializer}
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


def test_eager_steps_end_with_a_token() -> None:
    bundle = read_bundle(bundled_models() / "melody")
    last = eager_steps(network_of(bundle))(2)
    assert last.shape == (1, 1) and 0 <= int(last) < bundle.codec.size


def test_gpt2_is_about_as_large_as_asked() -> None:
    pytest.importorskip("transformers")
    _, size = gpt2_steps(1_400_000, 451)
    assert 1_000_000 < size < 2_000_000
