"""Bundles: a card is read strictly, a graph only if it is the one that the card names."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from continuo_daw.assistant.bundles.bundle import CARD, INDEX, find_bundles, read_bundle, read_card, write_bundle
from continuo_daw.assistant.bundles.families import MODEL
from continuo_daw.assistant.errors import AssistantError
from continuo_daw.assistant.originality.index_file import read_index
from continuo_daw.assistant.paths import bundled_models

SHIPPED = bundled_models() / "melody"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(SHIPPED, tmp_path / "melody"))


def change(folder: Path, **fields: Any) -> None:
    table = json.loads((folder / CARD).read_text(encoding="utf-8")) | fields
    (folder / CARD).write_text(json.dumps({k: v for k, v in table.items() if v is not ...}), encoding="utf-8")


def test_what_is_written_is_read(copy: Path, tmp_path: Path) -> None:
    bundle = read_bundle(copy)
    write_bundle(tmp_path / "again", bundle.card, bundle.files)
    again = read_bundle(tmp_path / "again")
    assert (again.card, again.files) == (bundle.card, bundle.files)


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"mood": "blue"}, "unknown fields: mood"),
        ({"licence": ...}, "missing fields: licence"),
        ({"format": 2}, "format 2, this Continuo reads 1"),
        ({"files": {}}, "files .* is not the sha256 of model.onnx"),
        ({"files": {"../model.onnx": "0"}}, "files .* is not the sha256 of model.onnx"),
        ({"files": ["model.onnx"]}, "files .* is not the sha256 of model.onnx"),
        ({"tasks": None}, "tasks 'None' is not a list of names"),
        ({"tasks": "continue"}, "tasks 'continue' is not a list of names"),
        ({"family": "transformer"}, "family 'transformer' is not one of charrnn"),
        ({"sizes": {}}, "sizes .* is not a table of whole numbers with layers"),
        ({"name": ["melody"]}, "name .* is not text"),
        ({"codec": {"resolution": 7}}, "codec: resolution 7"),
        ({"codec": {"speed": 7}}, "codec: .*speed"),
    ],
)
def test_a_wrong_card_is_refused_with_the_name_of_its_folder(copy: Path, fields: dict[str, Any], wrong: str) -> None:
    change(copy, **fields)
    with pytest.raises(AssistantError, match=wrong) as caught:
        read_bundle(copy)
    assert caught.value.code == "no_model"
    assert str(copy) in caught.value.text


@pytest.mark.parametrize("text", ["", "[]", "{"])
def test_a_card_that_is_no_table_is_refused(copy: Path, text: str) -> None:
    (copy / CARD).write_text(text)
    with pytest.raises(AssistantError, match=CARD):
        read_card(copy)


def test_one_changed_byte_is_another_file(copy: Path) -> None:
    graph = bytearray((copy / MODEL).read_bytes())
    graph[len(graph) // 2] ^= 1
    (copy / MODEL).write_bytes(graph)
    with pytest.raises(AssistantError, match="not the file that the card names"):
        read_bundle(copy)


def test_a_missing_graph_is_named(copy: Path) -> None:
    (copy / MODEL).unlink()
    with pytest.raises(AssistantError, match=r"model\.onnx cannot be read"):
        read_bundle(copy)


def test_folders_come_in_their_order(copy: Path) -> None:
    found = find_bundles([bundled_models(), copy.parent])
    assert found.index(SHIPPED) < found.index(copy)


def test_an_index_may_be_there_and_is_checked_like_the_graph(copy: Path) -> None:
    bundle = read_bundle(copy)
    write_bundle(copy, bundle.card, {MODEL: bundle.files[MODEL], INDEX: b"notes"})
    assert read_bundle(copy).files[INDEX] == b"notes"
    (copy / INDEX).write_bytes(b"other notes")
    with pytest.raises(AssistantError, match=r"index\.npz is not the file that the card names"):
        read_bundle(copy)
    write_bundle(copy, bundle.card, {MODEL: bundle.files[MODEL]})
    assert INDEX not in read_bundle(copy).files


@pytest.fixture
def pair(copy: Path) -> tuple[Path, Path]:
    """Two bundles that have learnt from one corpus, whose index lies with the first."""
    bundle, other = read_bundle(copy), copy.parent / "other"
    for folder in (copy, other):
        write_bundle(folder, bundle.card, {MODEL: bundle.files[MODEL], INDEX: b"notes"})
    (other / INDEX).unlink()
    return copy, other


def test_bundles_of_one_corpus_share_its_index(pair: tuple[Path, Path]) -> None:
    assert read_bundle(pair[1]).files[INDEX] == b"notes"


def test_the_index_of_another_corpus_is_not_taken(pair: tuple[Path, Path]) -> None:
    (pair[0] / INDEX).write_bytes(b"other")
    with pytest.raises(
        AssistantError, match=r"other: index\.npz cannot be read: .*, and no bundle beside it has the one"
    ):
        read_bundle(pair[1])


def test_the_own_index_comes_first(pair: tuple[Path, Path]) -> None:
    (pair[1] / INDEX).write_bytes(b"own, but damaged")
    with pytest.raises(AssistantError, match=r"index\.npz is not the file that the card names"):
        read_bundle(pair[1])


def test_a_copy_of_a_shipped_bundle_finds_the_index_that_it_shared(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(bundled_models() / "melody-2bars", tmp_path / "melody-2bars"))
    assert not (folder / INDEX).exists()
    assert read_bundle(folder).files[INDEX] == (SHIPPED / INDEX).read_bytes()


def test_each_index_ships_once_and_all_bundles_are_small() -> None:
    indexes = [path.read_bytes() for path in bundled_models().glob(f"*/{INDEX}")]
    assert len(set(indexes)) == len(indexes)
    assert all(read_index(data).stored for data in indexes)
    assert sum(path.stat().st_size for path in bundled_models().rglob("*")) < 60e6
