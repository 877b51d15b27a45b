"""The README: its commands run, its first two are those of CI; the figures in `docs` are those of the cards."""

from __future__ import annotations

import re
import runpy
import shlex
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from continuo_daw.assistant.__main__ import COMMANDS, main
from continuo_daw.assistant.bundles.bundle import read_card
from continuo_daw.assistant.music.midi import read_midi
from continuo_daw.assistant.paths import bundled_models
from continuo_daw.osc_bridge.clients.child import daemon
from continuo_daw.osc_bridge.wire.decode import decode

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
MODELS = (ROOT / "docs" / "models.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(\w*)\n(.*?)```", README, re.DOTALL)


def block(start: str) -> str:
    """The code block that begins so."""
    found = [text for _, text in BLOCKS if text.startswith(start)]
    assert len(found) == 1, f"{len(found)} blocks begin with {start!r}"
    return found[0]


def test_it_is_short() -> None:
    assert README.count("\n") < 250


def test_two_commands_set_everything_up_and_ci_runs_the_second() -> None:
    assert block("pip install . ") == "pip install . && continuo demo\n"
    install, test = block("pip install '.[test]' ").strip().split(" && ")
    ci = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert install.replace("pip install", "pip install --quiet") in ci
    assert re.search(rf"^{test}\b", ci, re.MULTILINE)


def test_every_command_it_names_is_one() -> None:
    named = set(re.findall(r"^continuo ([a-z]+)", "\n".join(text for _, text in BLOCKS), re.MULTILINE))
    named |= set(re.findall(r"`continuo ([a-z]+)", README))
    assert named <= set(COMMANDS)


def test_the_commands_on_files_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for line in block("continuo generate -o tune").splitlines():
        assert main(shlex.split(line)[1:]) == 0, line
    assert {p.name for p in tmp_path.iterdir()} == {
        "tune.mid",
        "whole.mid",
        *("more.png", "way.png", "map.png", "map.html"),
        *("blend.mid", "denser.mid", "tune2.mid", "walk.mid", "other.0.mid", "other.1.mid"),
        *("louder.mid", "louder.png", "tidy.mid", "like.mid"),
        *(f"more.{k}.mid" for k in range(3)),
        *(f"way.{k}.mid" for k in range(6)),
    }
    assert read_midi(tmp_path / "whole.mid").length == read_midi(tmp_path / "tune.mid").length + 4 * 3840


def test_the_commands_that_steer_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    lines = [line for line in README.splitlines() if re.match(r"continuo .*(verse|chords|next)\.mid", line)]
    assert len(lines) == 4
    for line in lines:
        assert main(shlex.split(line)[1:]) == 0, line
    assert {p.name for p in tmp_path.iterdir()} == {"verse.mid", "chords.mid", "next.mid", "next.png"}


def test_what_it_links_to_is_there() -> None:
    pages = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
    links = [(page, link) for page in pages for link in re.findall(r"\]\((?!http)([^)#]+)", page.read_text("utf-8"))]
    assert [(page.name, link) for page, link in links if not (page.parent / link).exists()] == []


def test_the_python_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "example.py").write_text(block("from continuo_daw"))
    runpy.run_path(str(tmp_path / "example.py"))
    assert [read_midi(tmp_path / f"sonatina.{k}.mid").bars for k in (0, 1)] == [12, 12]


def test_the_messages_from_a_shell_are_answered(
    require_program: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    oscsend = require_program("oscsend")
    with daemon() as child, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.settimeout(10)
        ports = {"16180": str(child.port), "16181": str(listener.getsockname()[1])}
        for line in block("continuo serve").splitlines():
            if line.startswith("oscsend"):
                words = [ports.get(word, word) for word in shlex.split(line)]
                subprocess.run([oscsend, *words[1:]], check=True)
        heard = []
        while "/continuo/done" not in heard:
            heard += [message.address for message in decode(listener.recv(65_535))]
        assert heard[0] == "/continuo/accepted"
        assert "/continuo/notes" in heard
        assert "/continuo/result" in heard


@pytest.mark.parametrize("name", ["melody", "piano"])
def test_its_figures_are_those_of_the_cards(name: str) -> None:
    metrics = read_card(bundled_models() / name).metrics
    for row, figures in metrics["test"]["rows"].items():
        line = next(line for line in MODELS.splitlines() if line.startswith(f"| {row} |"))
        assert f"{figures['nats_per_event']:.3f}" in line, row
        assert f"{figures['nats_per_note']:.2f}" in line, row


@pytest.mark.parametrize("name", ["melody-2bars", "melody-4bars", "piano-bars", "melody-codes"])
def test_its_figures_of_the_latent_space_are_those_of_the_cards(name: str) -> None:
    rows = read_card(bundled_models() / name).metrics["test"]["rows"]
    cells = next(line for line in MODELS.splitlines() if line.startswith(f"| {name} |")).split(" | ")[1:]
    network, hold, nearest = rows["network"], rows["always hold"], rows["nearest phrase"]
    figures = [*network.values(), hold["slots"], nearest["slots"], nearest["note_f1"]]
    assert [float(cell.strip(" |")) for cell in cells] == [round(figure, 3) for figure in figures]


EVALUATION = (ROOT / "docs" / "evaluation.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", [name for name in ("melody", "piano") if f"### `{name}`" in EVALUATION])
def test_figures_of_what_is_generated_are_those_of_the_cards(name: str) -> None:
    section = EVALUATION[EVALUATION.index(f"### `{name}`") :].split("\n### ")[0]
    for task in ("generate", "continue"):
        table = section[section.index(f"| {task}, ") :].split("\n\n")[0]
        for row, figures in read_card(bundled_models() / name).metrics["generation"][task].items():
            line = next(line for line in table.splitlines() if line.startswith(f"| {row} |"))
            if "overlap" in figures:
                found = [float(number) for number in re.findall(r"\d\.\d+", line.split("|")[2])]
                assert found == pytest.approx(figures["overlap"], abs=0.0006), row


@pytest.mark.parametrize("name", ["melody", "piano"])
def test_figures_of_the_search_for_copies_are_those_of_the_cards(name: str) -> None:
    lines = (ROOT / "docs" / "steering.md").read_text(encoding="utf-8").splitlines()
    found = read_card(bundled_models() / name).metrics["originality"]
    rows = {f"{row['notes']} notes": row for row in found["checker"]} | {"8 bars": found["eight_bars"]}
    for title in ("16 notes", "32 notes", "64 notes", "128 notes", "8 bars"):
        cells = next(line for line in lines if line.startswith(f"| {name}, {title} |")).split("|")[2:-1]
        assert [float(cell) for cell in cells] == pytest.approx([*rows[title]["recall"].values()], abs=0.0006)


COLUMNS = {
    "durations": ("exact_one_voice", "exact_polyphonic", "played_onsets", "played_values"),
    "velocities": ("mae", "mse", "within_10", "r", "spread"),
}


@pytest.mark.parametrize("name", COLUMNS)
def test_its_figures_of_the_refine_networks_are_those_of_the_cards(name: str) -> None:
    table = MODELS[MODELS.index(f"| {name},") :].split("\n\n")[0]
    cells = {line.split(" | ")[0].strip("| "): line.split(" | ")[1:] for line in table.splitlines()[2:]}
    for row, figures in read_card(bundled_models() / name).metrics["test"]["rows"].items():
        if row not in ("identity", "as played"):
            wanted = [round(figures[column], 3) for column in COLUMNS[name]]
            assert [float(cell.strip(" |")) for cell in cells[row][: len(wanted)]] == wanted, row
