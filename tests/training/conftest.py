"""Music to learn, on disk."""

from __future__ import annotations

from pathlib import Path

import pytest
from tiny import write_data


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_data(tmp_path_factory.mktemp("data"))
