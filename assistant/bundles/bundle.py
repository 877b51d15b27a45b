"""Bundles: a folder with a card and the graphs that it names.

A card is read strictly: a field that is unknown or missing, another format, another hash stop the load with the
folder's name. What the card says is all that is known of a model; nothing is guessed from file names.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from continuo_daw.assistant.bundles.families import FAMILIES, Codec, Family
from continuo_daw.assistant.bundles.shared import path_of_index
from continuo_daw.assistant.codecs.events import EventCodec
from continuo_daw.assistant.codecs.notes import NoteCodec
from continuo_daw.assistant.codecs.phrases import PhraseCodec
from continuo_daw.assistant.errors import AssistantError

FORMAT = 1
CARD = "card.json"
INDEX = "index.npz"  # of the corpus, so that copies of it are found
MAX_GRAPH = 256 * 2**20  # bytes


@dataclass(frozen=True, slots=True)
class Card:
    """What is known of a model."""

    format: int
    name: str
    title: str
    family: str  # its name in `FAMILIES`
    tasks: tuple[str, ...]
    codec: Mapping[str, Any]  # the fields of the family's codec
    sizes: Mapping[str, int]  # those of the family
    files: Mapping[str, str]  # file name to sha256
    data: Mapping[str, Any]  # sets, pieces and notes by split, licences, attribution
    licence: str  # of the weights
    metrics: Mapping[str, Any]
    command: str  # what trained it
    use: str  # intended use and limits

    def make_codec(self) -> Codec:
        """The codec of the model. Raises TypeError or ValueError where its fields make none."""
        return FAMILIES[self.family].codec(**self.codec)


@dataclass(frozen=True, slots=True)
class Bundle:
    """A card and the checked bytes of its files."""

    card: Card
    folder: Path
    files: Mapping[str, bytes]
    codec: Codec

    @property
    def family(self) -> Family:
        """What the runtime knows of the family."""
        return FAMILIES[self.card.family]

    @property
    def events(self) -> EventCodec:
        """The codec, where it is one of events."""
        assert isinstance(self.codec, EventCodec)
        return self.codec

    @property
    def phrases(self) -> PhraseCodec:
        """The codec, where it is one of phrases."""
        assert isinstance(self.codec, PhraseCodec)
        return self.codec

    @property
    def notes(self) -> NoteCodec:
        """The codec, where it is one of notes."""
        assert isinstance(self.codec, NoteCodec)
        return self.codec


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
    _check_family(table, folder)
    return Card(**(table | {"tasks": tuple(table["tasks"])}))


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_table(value: object) -> bool:
    return isinstance(value, dict)


_RULES: tuple[tuple[str, Callable[[Any], bool], str], ...] = (
    *((name, _is_text, "text") for name in ("name", "title", "licence", "command", "use")),
    *((name, _is_table, "a table") for name in ("codec", "data", "metrics")),
    ("family", lambda value: isinstance(value, str) and value in FAMILIES, "one of " + ", ".join(FAMILIES)),
    ("tasks", lambda value: isinstance(value, list) and all(map(_is_text, value)), "a list of names"),
)


def _check_family(table: Mapping[str, Any], folder: Path) -> None:
    family, sizes, files = FAMILIES[table["family"]], table["sizes"], table["files"]
    if not isinstance(sizes, dict) or not all(type(sizes.get(s)) is int and sizes[s] > 0 for s in family.sizes):
        wanted = "a table of whole numbers with " + ", ".join(family.sizes)
        raise AssistantError("no_model", f"{folder}: {CARD}: sizes {str(sizes)[:80]!r} is not {wanted}")
    if not isinstance(files, dict) or set(files) - ({INDEX} if family.indexed else set()) != set(family.files):
        wanted = "the sha256 of " + ", ".join(family.files)
        raise AssistantError("no_model", f"{folder}: {CARD}: files {str(files)[:80]!r} is not {wanted}")


def describe(folder: Path) -> Bundle:
    """Card and codec of a folder, without files. Raises AssistantError `no_model` that names the folder."""
    card = read_card(folder)
    try:
        return Bundle(card, folder, {}, card.make_codec())
    except (TypeError, ValueError) as error:
        raise AssistantError("no_model", f"{folder}: codec: {error}") from None


def read_bundle(folder: Path) -> Bundle:
    """Card, codec and files of a folder; its index may lie in another. Raises AssistantError `no_model` that names the
    folder."""
    bundle, files = describe(folder), {}
    for name, digest in bundle.card.files.items():
        path = path_of_index(folder, name, digest) if name == INDEX else folder / name
        try:
            if path.stat().st_size > MAX_GRAPH:
                raise AssistantError("no_model", f"{folder}: {name} is larger than {MAX_GRAPH} bytes")
            files[name] = path.read_bytes()
        except OSError as error:
            beside = ", and no bundle beside it has the one that the card names" if name == INDEX else ""
            raise AssistantError("no_model", f"{folder}: {name} cannot be read: {error.strerror}{beside}") from None
        if hashlib.sha256(files[name]).hexdigest() != digest:
            raise AssistantError("no_model", f"{folder}: {name} is not the file that the card names (sha256 differs)")
    return replace(bundle, files=files)


def write_bundle(folder: Path, card: Card, files: Mapping[str, bytes]) -> None:
    """Writes the files, then the card with their hashes."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, file in files.items():
        (folder / name).write_bytes(file)
    hashes = {name: hashlib.sha256(file).hexdigest() for name, file in files.items()}
    text = json.dumps(asdict(card) | {"files": hashes}, indent=1, ensure_ascii=False)
    (folder / CARD).write_text(text + "\n", encoding="utf-8")


def find_bundles(folders: Iterable[Path]) -> list[Path]:
    """Every folder with a card directly below `folders`, in their order."""
    return [path.parent for folder in folders for path in sorted(folder.glob(f"*/{CARD}"))]
