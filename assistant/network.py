"""A bundle with its graphs loaded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from assistant.bundle import Bundle
from assistant.runtime import Graph


@dataclass(frozen=True)
class Network:
    """What a task runs: a bundle, and each of its graphs by file name."""

    bundle: Bundle
    graphs: Mapping[str, Graph]


def load(bundle: Bundle, device: str, threads: int) -> Network:
    """Loads the graphs of a bundle. Raises AssistantError `no_model` for one that cannot be loaded."""
    where = str(bundle.folder)
    graphs = {
        name: Graph(file, where, device, threads) for name, file in bundle.files.items() if name.endswith(".onnx")
    }
    return Network(bundle, graphs)
