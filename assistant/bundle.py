"""Bundles: a folder with a card and the graphs that it names.

A card is read strictly: a field that is unknown or missing, another format, another hash stop the load with the
folder's name. What the card says is all that is known of a model; nothing is guessed from file names.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from assistant.codecs.events import EventCodec
from assistant.request import AssistantError

FORMAT = 1
CARD, MODEL = "card.json", "model.onnx"
FAMILIES = ("charrnn",)  # what the runtime can serve
SIZES = ("layers", "hidden", "vocabulary", "positions", "parameters")
MAX_GRAPH = 256 * 2**20  # bytes


@dataclass(frozen=True, slots=True)
class Card:
    """What is known of a model."""

    format: int
    name: str
    title: str
    family: str  # which function of the runtime serves it
    tasks: tuple[str, ...]
    codec: Mapping[str, Any]  # the fields of EventCodec
    sizes: Mapping[str, int]  # layers, hidden, vocabulary, positions, parameters
    files: Mapping[str, str]  # file name to sha256
    data: Mapping[str, Any]  # sets, pieces and notes by split, licences, attribution
    licence: str  # of the weights
    metrics: Mapping[str, Any]
    command: str  # what trained it
    use: str  # intended use and limits

    def events(self) -> EventCodec:
        """The codec of the model."""
        return EventCodec(**self.codec)


@dataclass(frozen=True, slots=True)
class Bundle:
    """A card and the checked bytes of its graphs."""

    card: Card
    folder: Path
    graphs: Mapping[str, bytes]
    codec: EventCodec


def read_card(folder: Path) -> Card:
    """The card of a folder. Raises AssistantError `no_model` that names the folder and what is wrong."""
    try:
        table = json.loads((folder / CARD).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise AssistantError("no_model", f"{folder}: {CARD} cannot be read: {error}") from None
    if not isinstance(table, dict):
        raise AssistantError("no_model", f"{folder}: {CARD} does not hold a table")
    known = {f.name for f in fields(Card)}
    for wrong, what in ((table.keys() - known, "unknown"), (known - table.keys(), "missing")):
        if wrong:
            raise AssistantError("no_model", f"{folder}: {CARD} has {what} fields: {', '.join(sorted(wrong))}")
    if table["format"] != FORMAT:
        raise AssistantError("no_model", f"{folder}: format {table['format']!r}, this Continuo reads {FORMAT}")
    for name, rule, what in _RULES:
        if not rule(table[name]):
            raise AssistantError("no_model", f"{folder}: {CARD}: {name} {str(table[name])[:80]!r} is not {what}")
    return Card(**(table | {"tasks": tuple(table["tasks"])}))


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_table(value: object) -> bool:
    return isinstance(value, dict)


def _has_sizes(value: object) -> bool:
    return isinstance(value, dict) and all(type(value.get(size)) is int and value[size] > 0 for size in SIZES)


_RULES: tuple[tuple[str, Callable[[Any], bool], str], ...] = (
    *((name, _is_text, "text") for name in ("name", "title", "licence", "command", "use")),
    *((name, _is_table, "a table") for name in ("codec", "data", "metrics")),
    ("family", lambda value: value in FAMILIES, "one of " + ", ".join(FAMILIES)),
    ("tasks", lambda value: isinstance(value, list) and all(map(_is_text, value)), "a list of names"),
    ("sizes", _has_sizes, "a table of whole numbers with " + ", ".join(SIZES)),
    ("files", lambda value: isinstance(value, dict) and set(value) == {MODEL}, f"the sha256 of one graph, {MODEL}"),
)


def read_bundle(folder: Path) -> Bundle:
    """Card, codec and graphs of a folder. Raises AssistantError `no_model` that names the folder."""
    card = read_card(folder)
    graphs = {}
    for name, digest in card.files.items():
        try:
            if (folder / name).stat().st_size > MAX_GRAPH:
                raise AssistantError("no_model", f"{folder}: {name} is larger than {MAX_GRAPH} bytes")
            graphs[name] = (folder / name).read_bytes()
        except OSError as error:
            raise AssistantError("no_model", f"{folder}: {name} cannot be read: {error.strerror}") from None
        if hashlib.sha256(graphs[name]).hexdigest() != digest:
            raise AssistantError("no_model", f"{folder}: {name} is not the file that the card names (sha256 differs)")
    try:
        codec = card.events()
    except (TypeError, ValueError) as error:
        raise AssistantError("no_model", f"{folder}: codec: {error}") from None
    return Bundle(card, folder, graphs, codec)


def write_bundle(folder: Path, card: Card, graphs: Mapping[str, bytes]) -> None:
    """Writes graphs, then the card with their hashes."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, graph in graphs.items():
        (folder / name).write_bytes(graph)
    files = {name: hashlib.sha256(graph).hexdigest() for name, graph in graphs.items()}
    text = json.dumps(asdict(card) | {"files": files}, indent=1, ensure_ascii=False)
    (folder / CARD).write_text(text + "\n", encoding="utf-8")


def find_bundles(folders: Iterable[Path]) -> list[Path]:
    """Every folder with a card directly below `folders`, in their order."""
    return [path.parent for folder in folders for path in sorted(folder.glob(f"*/{CARD}"))]
