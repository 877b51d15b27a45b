"""The pages for users say what the code does: install steps, buttons, texts of errors, links, and what was not run."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from continuo_daw.assistant.__main__ import COMMANDS
from continuo_daw.osc_bridge.install.command import STEPS, TITLES
from continuo_daw.osc_bridge.install.scripts import SOURCES, built

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "daw_scripts"
DAWS = sorted(TITLES)
NOT_RUN = ("reaper", "live", "bitwig")
PAGES = [FOLDER / "README.md", *(FOLDER / name / "README.md" for name in (*DAWS, "controllers"))]
ACTIONS = [line.partition("|")[2] for line in (FOLDER / "ardour" / "actions.txt").read_text().splitlines()]
MOST_PICTURE_BYTES = 150_000


def page(name: str) -> str:
    return (FOLDER / name / "README.md").read_text(encoding="utf-8")


def plain(text: str) -> str:
    """Without line breaks and capitals."""
    return " ".join(text.lower().split())


@pytest.mark.parametrize("daw", DAWS)
def test_to_install_is_three_steps_which_are_those_of_the_command(daw: str) -> None:
    section = page(daw).partition("## Install\n")[2].partition("\n## ")[0]
    assert re.findall(r"^(\d)\. ", section, re.MULTILINE) == ["1", "2", "3"]
    assert section.strip().startswith(f"1. `continuo install {daw}`\n")
    at = 0
    for step in STEPS[daw]:
        for part in step.split("{folder}"):
            found = plain(section).find(plain(part), at)
            assert found >= at, part
            at = found + len(plain(part))


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.parent.name))
def test_all_buttons_are_named(path: Path) -> None:
    rows = [line for line in path.read_text(encoding="utf-8").splitlines() if line.startswith("|")]
    assert len(ACTIONS) == 11
    for title in ACTIONS:
        name = title.removeprefix("Continuo: ")
        assert [row for row in rows if re.search(rf"\| {name}\b", row)], name


@pytest.mark.parametrize("daw", NOT_RUN)
def test_what_was_not_run_is_said_first(daw: str) -> None:
    first = page(daw).split("\n## ")[0]
    assert f"**Not yet run in {TITLES[daw]} itself.**" in first
    row = next(line for line in PAGES[0].read_text().splitlines() if f"`continuo install {daw}`" in line)
    assert f"not yet run in {TITLES[daw]} itself" in row


def test_the_table_has_every_daw() -> None:
    text = PAGES[0].read_text(encoding="utf-8")
    for daw in DAWS:
        assert f"({daw}/README.md) | `continuo install {daw}` |" in text


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.parent.name))
def test_links_lead_somewhere(path: Path) -> None:
    links = re.findall(r"\]\(([^)]+)\)", path.read_text(encoding="utf-8"))
    assert links or path.parent.name in NOT_RUN
    for link in links:
        assert (path.parent / link).is_file(), link


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.parent.name))
def test_commands_exist(path: Path) -> None:
    named = set(re.findall(r"(?:`|'|^)continuo ([a-z]+)", path.read_text(encoding="utf-8"), re.MULTILINE))
    assert named and named <= set(COMMANDS)


@pytest.mark.parametrize("daw", DAWS)
def test_texts_of_errors_are_those_of_the_code(daw: str) -> None:
    """A page writes ... for what changes in a text."""
    ours = [path for name in (SOURCES[daw], "lua") for path in (FOLDER / name).iterdir() if path.is_file()]
    sources = [*ours, *(ROOT / "assistant").glob("*.py")]
    code = "\n".join(path.read_text(encoding="utf-8") for path in sources if path.suffix != ".md").replace('\\"', '"')
    texts = re.findall(r'^\| "(.+?)" \|', page(daw), re.MULTILINE)
    assert len(texts) >= 8
    for text in texts:
        for part in filter(None, map(str.strip, text.split("..."))):
            assert part in code, part


def test_pictures_are_small_and_shown() -> None:
    pictures = list(FOLDER.rglob("*.png"))
    shown = {
        (path.parent / link).resolve() for path in PAGES for link in re.findall(r"!\[.*?\]\((.+?)\)", path.read_text())
    }
    assert pictures and {path.resolve() for path in pictures} == shown
    assert max(path.stat().st_size for path in pictures) < MOST_PICTURE_BYTES


@pytest.mark.parametrize("daw", DAWS)
def test_neither_pages_nor_pictures_are_installed(daw: str) -> None:
    assert not [name for name in built(daw) if name.endswith((".md", ".png")) or "pictures" in name]


def test_pictures_are_not_in_the_wheel() -> None:
    table = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]
    patterns = table["continuo_daw.daw_scripts"]
    assert not [pattern for pattern in patterns if pattern.endswith((".png", "*")) or "pictures" in pattern]
