"""`continuo evaluate` on what a model makes: a shipped bundle and a small corpus, end to end, as in CI."""

from __future__ import annotations

import json
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from tiny_sets import write_set, write_tune

import continuo_daw.assistant.__main__ as program
from continuo_daw.assistant.bundles.bundle import read_bundle
from continuo_daw.assistant.paths import bundled_models
from continuo_daw.training.evaluation import control, generation_rows
from continuo_daw.training.evaluation.control import COLUMNS, STEERED
from continuo_daw.training.evaluation.features import FEATURES
from continuo_daw.training.evaluation.generated import Generated, write_card
from continuo_daw.training.evaluation.generation import HELD, HUMAN, OURS
from continuo_daw.training.evaluation.report import write_report

CHOIR = 52
SPLITS = ("train",) * 4 + ("valid",) * 2 + ("test",) * 3
ROWS = ("unigram notes", "first-order Markov", "5-gram", OURS, HUMAN, HELD)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the two sets that `melody` has learnt from, as far as their names go."""
    data = tmp_path_factory.mktemp("data")
    for number, name in enumerate(("openscore_lieder", "mutopia_clean")):
        rows = [{"id": f"{at}", "split": split, "style": "folk"} for at, split in enumerate(SPLITS)]
        for at in range(len(rows)):
            write_tune(data / name / "midi" / f"{at}.mid", 100 * number + at, program=CHOIR, count=96)
        write_set(data / name, rows)
    return data


@pytest.fixture(autouse=True)
def few_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (control, generation_rows):
        monkeypatch.setattr(module, "DRAWS", 3)


def evaluated(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    capsys.readouterr()
    status = program.main(["evaluate", *map(str, arguments), "--clips=4", "--seeds=2"])
    out, err = capsys.readouterr()
    assert status == 0, err
    return out


class Page(HTMLParser):
    """What stands in a page: its words, how often each tag opens, and the tags that are still open."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.words, self.tags, self.open = "", Counter[str](), list[str]()
        self.feed(file.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags[tag] += 1
        if tag not in ("meta", "rect", "circle", "path"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: Any) -> None:
        self.tags[tag] += 1

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words += data


def test_a_network_that_samples(corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "page.html"
    found = json.loads(evaluated(capsys, "melody", corpus, "--cache", tmp_path / "cache", "--json", "--report", page))
    made = found["generation"]
    assert (made["clips"], made["seeds"], made["bars"]) == (4, 2, 8)
    for task in ("generate", "continue"):
        assert tuple(made[task]) == ROWS
        value, low, high = made[task][OURS]["overlap"]
        assert 0 < value < 1 and low <= value <= high
        assert all(f"overlap, {name}" in made[task][OURS] for name in FEATURES)
        assert "overlap" not in made[task][HELD]
    asked = made["control"]
    assert set(asked["rows"]) == {STEERED, OURS, HELD}
    assert all(-1 <= asked["figures"][f"rank correlation, {name}"][0] <= 1 for name in COLUMNS)
    assert set(asked["limits"]["broken"].values()) == {0}
    assert found["rows"] and "5-gram" in found["card_rows"]
    shown = Page(page)
    assert not shown.open and not shown.tags["script"] and not shown.tags["link"] and not shown.tags["img"]
    assert all(name in shown.words for name in (*ROWS, STEERED, "conditional Char-RNN", "AR-VAE"))
    assert shown.tags["svg"] > 30


def test_tables_in_markdown(corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = evaluated(capsys, "melody-2bars", corpus, "--cache", tmp_path / "cache", "--markdown")
    lines = [line for line in out.splitlines() if line.startswith("|")]
    assert [line.split("|")[1].strip() for line in lines[2:]] == [*ROWS]
    assert len({line.count("|") for line in lines}) == 1
    assert "continue" not in out  # a latent space makes music from nothing only


def test_without_being_asked_nothing_is_made(corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = evaluated(capsys, "melody", corpus, "--cache", tmp_path / "cache", "--json")
    assert "generation" not in json.loads(out)


def test_too_few_clips_are_refused(corpus: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert program.main(["evaluate", "melody", str(corpus), "--clips=0"]) == 1
    assert "--clips 0 is less than 1" in capsys.readouterr().err


def test_only_the_test_split_is_compared_with(corpus: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert program.main(["evaluate", "melody", str(corpus), "--split=valid", "--generated"]) == 1
    assert "--split valid" in capsys.readouterr().err


def test_a_model_that_makes_no_notes_has_a_page_of_its_rows(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    rows = {"network": {"exact": 0.9}}
    found = {"split": "test", "rows": rows, "card_rows": {"nearest": {"exact": 0.7}}}
    write_report(page, found, "A <net>", Generated((), 1, 1, (), None))
    shown = Page(page)
    assert all(word in shown.words for word in ("A <net>", "network", "nearest", "0.9", "0.7"))
    assert not shown.tags["svg"]


def test_the_card_takes_the_figures(tmp_path: Path) -> None:
    bundle = tmp_path / "melody"
    bundle.mkdir()
    for file in (bundled_models() / "melody").iterdir():
        (bundle / file.name).write_bytes(file.read_bytes())
    write_card(bundle, {"clips": 1})
    assert read_bundle(bundle).card.metrics["generation"] == {"clips": 1}
