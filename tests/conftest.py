"""What all tests share: programs that we did not write, and how a missing one is treated."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable

import pytest


@pytest.fixture
def require_program() -> Callable[[str], str]:
    """Path of an outside program; without it the test skips and names it, or fails in CI."""

    def require(name: str) -> str:
        path = shutil.which(name)
        if path is None:
            missing = f"the program {name} is not installed"
            if os.environ.get("CONTINUO_REQUIRE_ALL") == "1":
                pytest.fail(missing)
            pytest.skip(missing)
        return path

    return require
