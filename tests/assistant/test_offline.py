"""Nothing is reported to anybody: no file outside the folders of the program, no device id, no queue."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize("arguments", [["generate", "-o", "a.mid", "--bars", "1"], ["doctor"]])
def test_a_command_leaves_nothing_in_the_home_of_its_user(tmp_path: Path, arguments: list[str]) -> None:
    home, work = tmp_path / "home", tmp_path / "work"
    home.mkdir()
    work.mkdir()
    keep = {key: value for key, value in os.environ.items() if key != "CI" and not key.startswith(("ORT_", "XDG_"))}
    subprocess.run(
        [sys.executable, "-m", "continuo_daw.assistant", *arguments],
        cwd=work,
        env=keep | {"HOME": str(home)},
        timeout=60,
    )
    left = {path.relative_to(home).parts[:2] for path in home.rglob("*") if path.is_file()}
    assert {parts for parts in left if "continuo" not in parts} == set()
