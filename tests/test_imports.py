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
RUNTIME = {"numpy", "mido", "music21", "onnxruntime", "PIL", "platformdirs", "tqdm"}
LEARNING = {"numpy", "torch", "lightning", "tensorboard", "symusic", "music21", "platformdirs", "sklearn", "tqdm"}
ALLOWED = {
    "assistant": RUNTIME | {"assistant"},
    "osc_bridge": {"assistant", "osc_bridge", "numpy", "pythonosc", "tqdm"},
    "training": LEARNING | {"assistant", "training"},
    "export": LEARNING | {"assistant", "training", "export", "onnx", "onnxruntime", "transformers"},
}
# what a command asks importlib for, where its extra brings it
BY_NAME = {"osc_bridge/bench.py": {"torch", "export"}, "osc_bridge/bench_latent.py": {"export"}}
ONE_FILE_ONLY = {
    "onnxruntime": "assistant/runtime.py",
    "music21": "assistant/chords.py",
}  # in the folders that a daemon loads
HEAVY = ("torch", "lightning", "tensorboard", "symusic", "music21", "onnx", "sklearn", "transformers", "matplotlib")
DAEMON = ("osc_bridge.daemon", "osc_bridge.client", "assistant.engine", "assistant.__main__", "assistant.task_command")
MEASURING = (
    "training.config",
    "training.corpus",
    "training.shards",
    "training.scores",
    "training.evaluate",
    "training.measure",
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
            yield node.module or "", node.lineno


def asked_by_name(file: Path) -> set[str]:
    """Packages that a file gives importlib as they are written."""
    calls = [node for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)]
    asked = [call.args[0] for call in calls if ast.unparse(call.func) in ("importlib.import_module", "__import__")]
    return {str(name.value).split(".")[0] for name in asked if isinstance(name, ast.Constant)}


def trespasses(folder: str, file: Path) -> list[str]:
    """Imports of a file that its folder may not have."""
    allowed = ALLOWED[folder] | sys.stdlib_module_names
    return [f"{file.name}:{line}: {m}" for m, line in imports_of(file) if m.split(".")[0] not in allowed]


@pytest.mark.parametrize("folder", ALLOWED)
def test_a_folder_imports_what_it_may(folder: str) -> None:
    assert [found for file in files_of(folder) for found in trespasses(folder, file)] == []


@pytest.mark.parametrize("folder", ALLOWED)
def test_what_is_asked_for_by_name_is_known(folder: str) -> None:
    asked = {file.relative_to(ROOT).as_posix(): asked_by_name(file) for file in files_of(folder)}
    assert {name: found for name, found in asked.items() if found - ALLOWED[folder]} == {
        name: found for name, found in BY_NAME.items() if name.startswith(f"{folder}/")
    }


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


def loaded_by(*modules: str) -> set[str]:
    """The modules in memory behind the import of some."""
    done = subprocess.run(
        [sys.executable, "-c", f"import sys, {', '.join(modules)}; print(*sys.modules)"],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


def test_a_daemon_loads_nothing_heavy() -> None:
    assert loaded_by(*DAEMON) & {*HEAVY, "training", "export"} == set()


def test_data_scores_and_evaluation_need_no_torch() -> None:
    assert loaded_by(*MEASURING) & {"torch", "lightning", "onnx", "export"} == set()
