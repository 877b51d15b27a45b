"""The dependency rule: which folder may import what, and what a daemon never loads."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
RUNTIME = {"numpy", "mido", "onnxruntime", "PIL", "platformdirs"}
LEARNING = {"numpy", "torch", "lightning", "tensorboard", "symusic", "music21", "platformdirs", "tqdm"}
ALLOWED = {
    "assistant": RUNTIME | {"assistant"},
    "osc_bridge": {"assistant", "osc_bridge", "numpy", "pythonosc"},
    "training": LEARNING | {"assistant", "training"},
    "export": LEARNING | {"assistant", "training", "export", "onnx", "onnxruntime"},
}
ONE_FILE_ONLY = {"onnxruntime": "assistant/runtime.py"}  # in the folders that a daemon loads
HEAVY = ("torch", "lightning", "tensorboard", "symusic", "music21", "onnx", "transformers", "matplotlib")
DAEMON = ("osc_bridge.daemon", "osc_bridge.client", "assistant.engine", "assistant.__main__", "assistant.task_command")


def files_of(folder: str) -> list[Path]:
    found = sorted((ROOT / folder).rglob("*.py"))
    assert found
    return found


def imports_of(file: Path) -> Iterator[tuple[str, int]]:
    """(module, line) of every import in a file, wherever it stands; `importlib` by name counts where it is written."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}:{node.lineno}: imports are absolute"
            yield node.module or "", node.lineno
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in ("importlib.import_module", "__import__"):
            name = node.args[0]
            if isinstance(name, ast.Constant):
                yield str(name.value), node.lineno


def trespasses(folder: str, file: Path) -> list[str]:
    """Imports of a file that its folder may not have."""
    allowed = ALLOWED[folder] | sys.stdlib_module_names
    return [f"{file.name}:{line}: {m}" for m, line in imports_of(file) if m.split(".")[0] not in allowed]


@pytest.mark.parametrize("folder", ALLOWED)
def test_a_folder_imports_what_it_may(folder: str) -> None:
    assert [found for file in files_of(folder) for found in trespasses(folder, file)] == []


@pytest.mark.parametrize("folder", [*ALLOWED, "daw_scripts"])
def test_nothing_imports_the_tests(folder: str) -> None:
    names = {"tests", "conftest", *(file.stem for file in (ROOT / "tests").rglob("*.py"))}
    names -= {file.stem for file in ROOT.rglob("*.py") if "tests" not in file.parts} - {"tests", "conftest"}
    found = [(file.name, module) for file in (ROOT / folder).rglob("*.py") for module, _ in imports_of(file)]
    assert [pair for pair in found if pair[1].split(".")[0] in names] == []


def test_scripts_of_a_daw_import_nothing_of_ours() -> None:
    ours = {*ALLOWED, "numpy", "mido"}
    found = [(file.name, m) for file in (ROOT / "daw_scripts").rglob("*.py") for m, _ in imports_of(file)]
    assert [pair for pair in found if pair[1].split(".")[0] in ours] == []


@pytest.mark.parametrize(("module", "file"), ONE_FILE_ONLY.items())
def test_one_file_alone_knows(module: str, file: str) -> None:
    importers = {
        path.relative_to(ROOT).as_posix()
        for folder in ("assistant", "osc_bridge")
        for path in files_of(folder)
        for name, _ in imports_of(path)
        if name.split(".")[0] == module
    }
    assert importers == {file}


def loaded_by(module: str) -> set[str]:
    """The modules in memory behind the import of one."""
    done = subprocess.run(
        [sys.executable, "-c", f"import sys, {module}; print(*sys.modules)"],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


@pytest.mark.parametrize("module", DAEMON)
def test_a_daemon_loads_nothing_heavy(module: str) -> None:
    assert loaded_by(module) & {*HEAVY, "training", "export"} == set()


@pytest.mark.parametrize("module", ["training.config", "training.corpus", "training.shards", "training.scores"])
def test_data_and_scores_need_no_torch(module: str) -> None:
    assert loaded_by(module) & {"torch", "lightning", "onnx"} == set()
