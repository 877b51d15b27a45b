"""The families of networks: a row on each side says all that is known of one, and a new one needs nothing else."""

from __future__ import annotations

import ast
import importlib
import json
from pathlib import Path

import pytest
import tiny_notes
import tiny_played
import toy_family

from continuo_daw.assistant.__main__ import main
from continuo_daw.assistant.bundles.bundle import find_bundles, read_bundle, read_card
from continuo_daw.assistant.bundles.families import FAMILIES as SERVED
from continuo_daw.assistant.bundles.families import MODEL, Family
from continuo_daw.assistant.codecs.notes import NoteCodec
from continuo_daw.assistant.engine import Engine
from continuo_daw.assistant.errors import AssistantError
from continuo_daw.assistant.paths import bundled_models
from continuo_daw.assistant.request import Request
from continuo_daw.assistant.tasks import TASKS
from continuo_daw.training.config import SHIPPED, read_config
from continuo_daw.training.evaluation import measure, refine_measure
from continuo_daw.training.families.table import FAMILIES

ROOT = Path(__file__).parents[1]
TABLES = ("assistant/bundles/families.py", "training/families/table.py")
CONFIGS = sorted(file for file in SHIPPED.glob("*.toml") if "ablation" not in file.stem)
BUNDLED = {name: row for name, row in FAMILIES.items() if row.export}
TOML = """
name = "toy"
title = "A toy"
licence = "CC0"
tasks = ["refine_velocity"]
[[data.sets]]
name = "tunes"
parts = "all"
[model]
family = "toy"
layers = 1
hidden = 8
[notes]
window = 24
margin = 4
[train]
steps = 8
batch = 4
validate_every = 4
warmup = 1
threads = 1
"""


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tables with a row for the toy."""
    served = Family(NoteCodec, (MODEL,), ("layers", "parameters"), ("refine_velocity",))
    monkeypatch.setitem(SERVED, "toy", served)
    monkeypatch.setitem(FAMILIES, "toy", toy_family.ROW)


@pytest.mark.usefixtures("toy")
def test_a_new_family_takes_one_file_and_its_rows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """From music to notes: trained, exported, measured, and asked through the engine."""
    data, cache = tiny_played.write_data(tmp_path / "data"), str(tmp_path / "cache")
    (tmp_path / "toy.toml").write_text(TOML, encoding="utf-8")
    run, bundle = tmp_path / "run", tmp_path / "models" / "toy"
    train = ["train", str(tmp_path / "toy.toml"), "--data", str(data), "--out", str(run), "--cache", cache]
    assert main(train) == 0
    assert main([*train, "--resume"]) == 0
    assert main(["export", str(run), "--out", str(bundle)]) == 0
    card = read_bundle(bundle).card
    assert (card.family, card.use, card.data["level"], set(card.files)) == ("toy", "tests", 64.0, {MODEL})
    capsys.readouterr()
    assert main(["evaluate", str(bundle), str(data), "--cache", cache, "--json"]) == 0
    apart = json.loads(capsys.readouterr().out)["difference"]
    assert set(apart) == {"network", "network, drawn"} and not any(any(row.values()) for row in apart.values())
    assert main(["measure", str(bundle), "--data", str(data)]) == 1
    assert "none of the sets that toy is measured on: asap_nasap" in capsys.readouterr().err
    clip = tiny_played.played(3)
    result = Engine([tmp_path / "models"], "cpu").run(Request("refine_velocity", (clip,), {"seed": 1}))
    made = result.candidates[0].clip
    assert result.model == "toy"
    assert [(note.start, note.pitch) for note in made.notes] == [(note.start, note.pitch) for note in clip.notes]
    assert [note.velocity for note in made.notes] != [note.velocity for note in clip.notes]


def test_a_task_that_a_family_cannot_do_is_no_task_of_its_bundles(tmp_path: Path) -> None:
    """Whatever the card says."""
    made = tiny_notes.bundle(tmp_path / "models", "velocities")
    card = json.loads((made / "card.json").read_text(encoding="utf-8"))
    (made / "card.json").write_text(json.dumps(card | {"tasks": ["refine_velocity", "generate"]}), encoding="utf-8")
    engine = Engine([tmp_path / "models"], "cpu")
    with pytest.raises(AssistantError, match="no model for generate is installed"):
        engine.run(Request("generate", ()))


def test_what_is_served_is_what_is_exported() -> None:
    assert SERVED.keys() == BUNDLED.keys()


@pytest.mark.parametrize("name", BUNDLED)
def test_a_row_names_what_is_there(name: str) -> None:
    row, known = BUNDLED[name], {*measure.MEASURES, *refine_measure.MEASURES}
    assert callable(importlib.import_module(row.export).files_and_figures)
    assert row.figures and set(row.measures) <= known
    assert set(SERVED[name].tasks) <= set(TASKS)
    assert hasattr(read_config(Path("melody")), row.own) or not row.own


@pytest.mark.parametrize("folder", find_bundles([bundled_models()]), ids=lambda folder: folder.name)
def test_shipped_models_have_learnt_what_their_families_can_do(folder: Path) -> None:
    card = read_card(folder)
    assert set(card.tasks) <= set(SERVED[card.family].tasks)


@pytest.mark.parametrize("file", CONFIGS, ids=lambda file: file.stem)
def test_shipped_configurations_ask_for_what_their_families_can_do(file: Path) -> None:
    config = read_config(file)
    assert config.model.family in FAMILIES
    if config.model.family in SERVED:
        assert set(config.tasks) <= set(SERVED[config.model.family].tasks)


@pytest.mark.parametrize("folder", ["assistant", "osc_bridge", "training", "export"])
def test_nothing_else_asks_for_a_family_by_its_name(folder: str) -> None:
    """No comparison of a `family` with anything, and no table whose keys are families."""
    found = []
    for file in sorted((ROOT / folder).rglob("*.py")):
        if file.relative_to(ROOT).as_posix() in TABLES:
            continue
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            found += [f"{file}:{node.lineno}" for _ in asked(node)]
    assert found == []


def asked(node: ast.AST) -> list[ast.AST]:
    """What in a node depends on the name of a family."""
    if isinstance(node, ast.Compare):
        sides = [side for side in (node.left, *node.comparators) if isinstance(side, ast.Attribute)]
        names = [text for side in node.comparators for text in ast.walk(side) if isinstance(text, ast.Constant)]
        return [side for side in sides if side.attr == "family" and names]
    if isinstance(node, ast.Dict):
        keys = {key.value for key in node.keys if isinstance(key, ast.Constant)}
        return [node] if len(keys & set(FAMILIES)) > 1 else []
    return []
