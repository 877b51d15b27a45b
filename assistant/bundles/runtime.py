"""Runtime: the only file that knows onnxruntime. It picks the device, loads graphs from bytes and runs them."""

from __future__ import annotations

import contextlib
import ctypes
import io
import os
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from numpy.typing import NDArray

from continuo_daw.assistant.errors import AssistantError

# since 1.29 it reports to its maker unless told otherwise before it is loaded
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
import onnxruntime

Arrays = dict[str, NDArray[Any]]
CUDA = "CUDAExecutionProvider"
_LIBRARIES = ("nvcuda.dll",) if sys.platform == "win32" else ("libcuda.so.1", "libcuda.so")


def pick_device(wanted: str = "auto") -> tuple[str, str]:
    """(`cuda` or `cpu`, why). `wanted` is `auto`, `cpu` or `cuda`; the latter raises AssistantError `bad_args` where
    no GPU answers.

    The driver is asked before onnxruntime is: its own list of providers names CUDA on machines without a GPU, and
    trying prints a page of warnings.
    """
    if wanted not in ("auto", "cpu", "cuda"):
        raise AssistantError("bad_args", f"device {wanted} is not one of auto, cpu, cuda")
    if wanted == "cpu":
        return "cpu", "the CPU was asked for"
    trouble = _cuda_trouble()
    if trouble is None:
        return "cuda", f"{_gpu_count()} GPU found"
    if wanted == "cuda":
        raise AssistantError("bad_args", f"device cuda cannot run here: {trouble}")
    return "cpu", trouble


def _cuda_trouble() -> str | None:
    if CUDA not in onnxruntime.get_available_providers():
        return "this onnxruntime is built for CPUs"
    if not _gpu_count():
        return "no NVIDIA driver with a GPU"
    preload = getattr(onnxruntime, "preload_dlls", None)
    if preload is not None:
        with contextlib.redirect_stdout(io.StringIO()):  # it prints a line for each library that is missing
            preload(directory="")
    name = "cublasLt64_13.dll" if sys.platform == "win32" else "libcublasLt.so.13"
    if str(getattr(onnxruntime, "cuda_version", "13")).startswith("12"):
        name = name.replace("13", "12")
    try:
        ctypes.CDLL(name)
    except OSError:
        return f"a GPU, but {name} is missing: pip install 'continuo-daw[cuda]'"
    return None


def _gpu_count() -> int:
    for name in _LIBRARIES:
        try:
            driver = ctypes.CDLL(name)
        except OSError:
            continue
        count = ctypes.c_int(0)
        if driver.cuInit(0) == 0 and driver.cuDeviceGetCount(ctypes.byref(count)) == 0:
            return count.value
    return 0


class Graph:
    """One loaded graph. `run` maps named arrays to named arrays, of which `inputs` are the names; `device` is where
    it really runs."""

    def __init__(self, graph: bytes, name: str, device: str = "cpu", threads: int = 1) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        # threads that wait by spinning take the cores that the DAW next door needs
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 4
        providers = [CUDA, "CPUExecutionProvider"] if device == "cuda" else ["CPUExecutionProvider"]
        onnxruntime.set_default_logger_severity(4)  # what goes wrong is said below, in one line
        try:
            outside = has_external_data(graph)
            session = None if outside else onnxruntime.InferenceSession(graph, options, providers=providers)
        except Exception as error:  # onnxruntime raises a class of its own for each kind of trouble
            reason = str(error).splitlines()[0][:200]
            raise AssistantError("no_model", f"{name}: the graph cannot be loaded: {reason}") from None
        if session is None:
            raise AssistantError("no_model", f"{name}: the graph keeps data outside its file, which is refused")
        self._session = session
        self.device = "cuda" if CUDA in self._session.get_providers() else "cpu"
        self.inputs = tuple(entry.name for entry in self._session.get_inputs())
        self._outputs = [entry.name for entry in self._session.get_outputs()]

    def run(self, arrays: Mapping[str, NDArray[Any]]) -> Arrays:
        """Named outputs for named inputs."""
        return dict(zip(self._outputs, self._session.run(None, dict(arrays)), strict=True))


def has_external_data(graph: bytes) -> bool:
    """True where any tensor of an ONNX file says that its data lie in another file. Raises ValueError for a file that
    is damaged or written in a way that no exporter writes: what cannot be read cannot be trusted.

    Walks the protobuf fields that lead to tensors: onnx itself is too heavy for the daemon.
    """
    return _external(graph, "model")


# field number -> kind of the message in it, for every way from a model to a tensor (onnx.proto)
_WAYS = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "function": {7: "node", 11: "attribute"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
}


def _external(message: bytes, kind: str) -> bool:
    pending = [(memoryview(message), kind)]
    while pending:
        view, kind = pending.pop()
        for number, value in _fields(view):
            if kind == "tensor":
                if number == 13 or (number == 14 and value == 1):
                    return True
            elif isinstance(value, memoryview) and number in _WAYS[kind]:
                pending.append((value, _WAYS[kind][number]))
    return False


def _fields(view: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """(field number, number or bytes) of a protobuf message."""
    at = 0
    while at < len(view):
        key, at = _varint(view, at)
        number, kind = key >> 3, key & 7
        if kind not in _SIZES or not 0 < number < 2**29:
            raise ValueError(f"field {number} of kind {kind}")
        if kind == 0:
            value, at = _varint(view, at)
            yield number, value
            continue
        size, at = _varint(view, at) if kind == 2 else (_SIZES[kind], at)
        if at + size > len(view):
            raise ValueError("the file ends early")
        yield number, view[at : at + size]
        at += size


_SIZES = {0: 0, 1: 8, 2: 0, 5: 4}  # bytes of the fixed kinds of field; groups, 3 and 4, are not among them


def _varint(view: memoryview, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(view):
            raise ValueError("the file ends early")
        byte = view[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
    raise ValueError("a number of more than 64 bits")
