"""Where things lie on disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from continuo_daw.assistant import paths


def test_the_environment_moves_all_folders_of_the_user(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CONTINUO_HOME", str(tmp_path))
    assert (paths.data_dir(), paths.models_dir(), paths.spool_dir()) == (
        tmp_path,
        tmp_path / "models",
        tmp_path / "spool",
    )


def test_a_relative_home_becomes_absolute(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CONTINUO_HOME", "portable")
    assert paths.data_dir() == tmp_path / "portable"


def test_without_it_the_system_says_where(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CONTINUO_HOME", raising=False)
    assert paths.data_dir().name == "continuo"
    assert paths.data_dir().is_absolute()


def test_asking_makes_no_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CONTINUO_HOME", str(tmp_path / "new"))
    for place in paths.PLACES.values():
        place()
    assert not (tmp_path / "new").exists()


def test_what_came_with_the_program_lies_beside_it() -> None:
    package = Path(paths.__file__).parent
    assert (paths.bundled_models(), paths.examples_dir()) == (package / "models", package / "examples")


def test_the_examples_are_there() -> None:
    assert len(list(paths.examples_dir().glob("*.mid"))) >= 2
