"""Places on disk: what came with the program, and the folders of the user.

The environment variable CONTINUO_HOME puts all folders of the user into one place, for a portable installation.
Nothing is created here: who writes makes the folder.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import platformdirs

_PACKAGE = Path(__file__).parent


def data_dir() -> Path:
    """The folder of the user that holds the others."""
    home = os.environ.get("CONTINUO_HOME")
    return Path(home).absolute() if home else platformdirs.user_data_path("continuo", appauthor=False)


def models_dir() -> Path:
    """Model bundles that the user added."""
    return data_dir() / "models"


def spool_dir() -> Path:
    """Reply files for hosts that cannot receive OSC."""
    return data_dir() / "spool"


def bundled_models() -> Path:
    """Model bundles that came with the program."""
    return _PACKAGE / "models"


def examples_dir() -> Path:
    """Clips that came with the program."""
    return _PACKAGE / "examples"


PLACES: dict[str, Callable[[], Path]] = {
    "data": data_dir,
    "models": models_dir,
    "spool": spool_dir,
    "bundled_models": bundled_models,
    "examples": examples_dir,
}
