"""A run of a few steps, and the bundle that is made of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from tiny import CONFIG, write_data

from continuo_daw.export.export import export
from continuo_daw.training.corpus.shards import prepare
from continuo_daw.training.train import fit


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with the set that the run has learnt."""
    return write_data(tmp_path_factory.mktemp("music") / "data")


@pytest.fixture(scope="session")
def trained(data: Path) -> Path:
    """The folder of a run."""
    folder = data.parent / "run"
    fit(CONFIG, prepare(CONFIG, data, data.parent / "cache", progress=False), folder)
    return folder


@pytest.fixture(scope="session")
def bundle(trained: Path) -> Path:
    """The folder of a bundle, in a folder of bundles."""
    folder = trained.parent / "models" / "tiny"
    export(trained, folder)
    return folder
