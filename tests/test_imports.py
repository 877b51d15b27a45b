"""The dependency rule: which folder may import what, and what a daemon never loads."""

from __future__ import annotations

import ast
import graphlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
RUNTIME = {"numpy", "onnxruntime", "PIL", "platformdirs", "tqdm"}
LEARNING = {"numpy", "torch", "lightning", "tensorboard", "symusic", "music21", "platformdirs", "sklearn", "tqdm"}
PACKAGE = "continuo_daw"
ALLOWED = {  # our own parts by their folder
    "assistant": RUNTIME | {"assistant"},
    "osc_bridge": {"assistant", "osc_bridge", "numpy", "pythonosc", "tqdm"},
    "training": LEARNING | {"assistant", "training"},
    "export": LEARNING | {"assistant", "training", "export", "onnx", "onnxruntime", "transformers"},
    "export/bench": LEARNING | {"assistant", "training", "export", "osc_bridge", "onnx", "transformers"},
}
ONE_FILE_ONLY = {  # in the folders that a daemon loads
    "onnxruntime": "assistant/bundles/runtime.py",
    "pythonosc": "osc_bridge/clients/osc.py",  # a daemon has a stricter decoder of its own
}
HEAVY = ("torch", "lightning", "tensorboard", "symusic", "music21", "onnx", "sklearn", "transformers", "matplotlib")
DAEMON = (
    "osc_bridge.daemon.serve",
    "osc_bridge.clients.client",
    "assistant.engine",
    "assistant.__main__",
    "assistant.commands.task",
)
MEASURING = (
    "training.config",
    "training.corpus.pieces",
    "training.corpus.shards",
    "training.evaluation.costs",
    "training.evaluation.evaluate",
    "training.evaluation.measure",
    "training.families.table",
)


def files_of(folder: str) -> list[Path]:
    found = sorted((ROOT / folder).rglob("*.py"))
    assert found
    return found


def imports_of(file: Path) -> Iterator[tuple[str, int]]:
    """(module, line) of every import statement in a file, wherever it stands."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.level:  # a script that a DAW loads as a package does not know its own name
                assert "daw_scripts" in file.parts, f"{file}:{node.lineno}: imports are absolute"
                continue
            names = [node.module or ""]
            if names == [PACKAGE]:
                names = [f"{PACKAGE}.{alias.name}" for alias in node.names]
            yield from ((name, node.lineno) for name in names)


def part(module: str) -> str:
    """What the rules know a module by: our own by its folder, others by their package."""
    return module.removeprefix(f"{PACKAGE}.").split(".")[0]


def rule_of(file: Path) -> set[str]:
    """What a file may import; the innermost folder with a rule says it."""
    folders = [folder.relative_to(ROOT).as_posix() for folder in file.parents if folder.is_relative_to(ROOT)]
    return ALLOWED[next(folder for folder in folders if folder in ALLOWED)]


def asked_by_name(file: Path) -> set[str]:
    """Packages that a file gives importlib as they are written."""
    calls = [node for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)]
    asked = [call.args[0] for call in calls if ast.unparse(call.func) in ("importlib.import_module", "__import__")]
    return {part(str(name.value)) for name in asked if isinstance(name, ast.Constant)}


def trespasses(file: Path) -> list[str]:
    """Imports of a file that its folder may not have."""
    allowed = rule_of(file) | sys.stdlib_module_names
    return [f"{file.name}:{line}: {m}" for m, line in imports_of(file) if part(m) not in allowed]


@pytest.mark.parametrize("folder", ALLOWED)
def test_a_folder_imports_what_it_may(folder: str) -> None:
    assert [found for file in files_of(folder) for found in trespasses(file)] == []


@pytest.mark.parametrize("folder", ALLOWED)
def test_what_is_asked_for_by_name_is_known(folder: str) -> None:
    asked = {file.relative_to(ROOT).as_posix(): asked_by_name(file) - rule_of(file) for file in files_of(folder)}
    assert {name: found for name, found in asked.items() if found} == {}


@pytest.mark.parametrize("folder", [*ALLOWED, "daw_scripts"])
def test_nothing_imports_the_tests(folder: str) -> None:
    names = {"tests", "conftest", *(file.stem for file in (ROOT / "tests").rglob("*.py"))}
    names -= {file.stem for file in ROOT.rglob("*.py") if "tests" not in file.parts} - {"tests", "conftest"}
    found = [(file.name, module) for file in (ROOT / folder).rglob("*.py") for module, _ in imports_of(file)]
    assert [pair for pair in found if part(pair[1]) in names] == []


def test_scripts_of_a_daw_import_nothing_of_ours() -> None:
    ours = {PACKAGE, *ALLOWED, "numpy", "mido"}
    found = [(file.name, m) for file in (ROOT / "daw_scripts").rglob("*.py") for m, _ in imports_of(file)]
    assert [pair for pair in found if part(pair[1]) in ours] == []


@pytest.mark.parametrize(("module", "file"), ONE_FILE_ONLY.items())
def test_one_file_alone_knows(module: str, file: str) -> None:
    importers = {
        path.relative_to(ROOT).as_posix()
        for folder in ("assistant", "osc_bridge")
        for path in files_of(folder)
        for name, _ in imports_of(path)
        if part(name) == module
    }
    assert importers == {file}


def loaded_by(*modules: str) -> set[str]:
    """The modules in memory behind the import of some."""
    code = "import sys; " + "".join(f"import {PACKAGE}.{module}; " for module in modules) + "print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return {part(module) for module in done.stdout.split()}


def test_a_daemon_loads_nothing_heavy() -> None:
    assert loaded_by(*DAEMON) & {*HEAVY, "training", "export"} == set()


def test_data_scores_and_evaluation_need_no_torch() -> None:
    assert loaded_by(*MEASURING) & {"torch", "lightning", "onnx", "export"} == set()


def test_no_import_goes_round() -> None:
    """A module that needs another is not needed by it, at any distance, even where one is imported late."""
    modules = {
        ".".join([PACKAGE, *file.relative_to(ROOT).with_suffix("").parts]): file
        for folder in ALLOWED
        for file in files_of(folder)
        if file.name != "__init__.py"
    }
    order = graphlib.TopologicalSorter(
        {name: {m for m in needed_by(file) if m in modules} for name, file in modules.items()}
    )
    assert list(order.static_order())


def needed_by(file: Path) -> Iterator[str]:
    """The modules that a file imports, also those that it names behind `from package import`."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
            yield node.module or ""
