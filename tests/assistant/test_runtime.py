"""The runtime: which device, and which graphs are refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from continuo_daw.assistant.bundles import runtime
from continuo_daw.assistant.bundles.runtime import Graph, has_external_data, pick_device
from continuo_daw.assistant.errors import AssistantError

onnx = pytest.importorskip("onnx")
from onnx import TensorProto, helper, numpy_helper  # noqa: E402


def model(*nodes: object, tensors: tuple[object, ...] = (), domain: str = "") -> bytes:
    graph = helper.make_graph(
        list(nodes),
        "test",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [2])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [2])],
        list(tensors),
    )
    opsets = [helper.make_opsetid("", 17)] + ([helper.make_opsetid(domain, 1)] if domain else [])
    return bytes(helper.make_model(graph, opset_imports=opsets, ir_version=10).SerializeToString())


def external(name: str, location: str) -> object:
    tensor = numpy_helper.from_array(np.ones(2, np.float32), name)
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", location
    return tensor


def test_a_graph_runs_by_names() -> None:
    graph = Graph(model(helper.make_node("Add", ["x", "x"], ["y"])), "double")
    assert graph.run({"x": np.array([1, 2], np.float32)})["y"].tolist() == [2, 4]


def test_external_data_are_refused_though_the_file_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "w.bin").write_bytes(np.ones(2, np.float32).tobytes())
    monkeypatch.chdir(tmp_path)
    graph = model(helper.make_node("Add", ["x", "w"], ["y"]), tensors=(external("w", "w.bin"),))
    with pytest.raises(AssistantError, match=r"spy: the graph keeps data outside its file"):
        Graph(graph, "spy")


def test_external_data_are_found_inside_a_loop() -> None:
    node = helper.make_node("Constant", [], ["w"])
    node.attribute.append(helper.make_attribute("value", external("value", "w.bin")))
    body = helper.make_graph(
        [helper.make_node("Identity", ["go"], ["on"]), node],
        "body",
        [
            helper.make_tensor_value_info("i", TensorProto.INT64, []),
            helper.make_tensor_value_info("go", TensorProto.BOOL, []),
        ],
        [
            helper.make_tensor_value_info("on", TensorProto.BOOL, []),
            helper.make_tensor_value_info("w", TensorProto.FLOAT, [2]),
        ],
    )
    loop = helper.make_node("Loop", ["n", "t"], ["y"], body=body)
    assert has_external_data(model(loop))
    assert not has_external_data(model(helper.make_node("Add", ["x", "x"], ["y"])))


@pytest.mark.parametrize("hidden", [b"\x4b\x4c", b"\xbb\x80\x80\x80\x80\x01", b"\x3a\xff"])
def test_a_file_that_hides_its_graph_from_the_check_is_refused(hidden: bytes) -> None:
    with pytest.raises(AssistantError, match="cannot be loaded"):
        Graph(hidden + model(helper.make_node("Add", ["x", "x"], ["y"])), "crafted")


def test_a_custom_operator_is_refused() -> None:
    graph = model(helper.make_node("Steal", ["x"], ["y"], domain="com.stranger"), domain="com.stranger")
    with pytest.raises(AssistantError, match="odd: the graph cannot be loaded") as caught:
        Graph(graph, "odd")
    assert caught.value.code == "no_model"


@pytest.mark.parametrize("graph", [b"", b"\x00" * 64, b"MThd", bytes(range(256))])
def test_what_is_no_graph_is_refused(graph: bytes) -> None:
    with pytest.raises(AssistantError, match="cannot be loaded"):
        Graph(graph, "noise")


def test_without_a_driver_the_cpu_runs_and_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "_gpu_count", lambda: 0)
    device, why = pick_device("auto")
    assert device == "cpu"
    assert why in ("no NVIDIA driver with a GPU", "this onnxruntime is built for CPUs")
    with pytest.raises(AssistantError, match="device cuda cannot run here: "):
        pick_device("cuda")


def test_a_gpu_without_its_libraries_is_the_cpu_and_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(runtime, "_gpu_count", lambda: 1)
    monkeypatch.setattr(runtime.onnxruntime, "get_available_providers", lambda: [runtime.CUDA])
    monkeypatch.setattr(runtime.onnxruntime, "preload_dlls", lambda **_: print("Failed to load it"), raising=False)

    def missing(name: str) -> object:
        raise OSError(name)

    monkeypatch.setattr(runtime.ctypes, "CDLL", missing)
    device, why = pick_device("auto")
    assert device == "cpu"
    assert "pip install 'continuo-daw[cuda]'" in why
    assert capsys.readouterr().out == ""


def test_an_unknown_device_is_named() -> None:
    with pytest.raises(AssistantError, match="device tpu is not one of auto, cpu, cuda"):
        pick_device("tpu")
