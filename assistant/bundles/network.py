"""A bundle with its graphs loaded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from continuo_daw.assistant.bundles.bundle import INDEX, Bundle
from continuo_daw.assistant.bundles.runtime import Graph
from continuo_daw.assistant.errors import AssistantError
from continuo_daw.assistant.originality.index import Index
from continuo_daw.assistant.originality.index_file import read_index

_indexes: dict[str, Index] = {}  # by hash: several bundles have learnt from one corpus, whose index is large


@dataclass(frozen=True)
class Network:
    """What a task runs: a bundle, and each of its graphs by file name."""

    bundle: Bundle
    graphs: Mapping[str, Graph]

    @cached_property
    def index(self) -> Index | None:
        """The index of the corpus that the network has learnt from, None where the bundle has none. Raises
        AssistantError `no_model` where it cannot be read."""
        if INDEX not in self.bundle.files:
            return None
        digest = self.bundle.card.files[INDEX]
        try:
            if digest not in _indexes:
                _indexes[digest] = read_index(self.bundle.files[INDEX])
            return _indexes[digest]
        except AssistantError as error:
            raise AssistantError(error.code, f"{self.bundle.folder}: {INDEX}: {error.text}") from None


def load(bundle: Bundle, device: str, threads: int) -> Network:
    """Loads the graphs of a bundle. Raises AssistantError `no_model` for one that cannot be loaded."""
    where = str(bundle.folder)
    graphs = {
        name: Graph(file, where, device, threads) for name, file in bundle.files.items() if name.endswith(".onnx")
    }
    return Network(bundle, graphs)
