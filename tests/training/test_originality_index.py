"""`continuo index`: the train pieces and no others, titles, stretches that are measured, planted copies."""

from __future__ import annotations

import csv
import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny import tune, write_data

from continuo_daw.assistant.__main__ import main
from continuo_daw.assistant.bundles.bundle import INDEX, read_bundle, write_bundle
from continuo_daw.assistant.bundles.families import MODEL
from continuo_daw.assistant.music.clip import Clip, Note, clip_of
from continuo_daw.assistant.originality.index import human_level
from continuo_daw.assistant.originality.index_file import read_index
from continuo_daw.assistant.paths import bundled_models
from continuo_daw.training.corpus.pieces import Piece
from continuo_daw.training.corpus.sets import SetConfig
from continuo_daw.training.evaluation.index import (
    LENGTHS,
    composers_of,
    index_of,
    measure,
    phrases_of,
    titled,
    windows_of,
)
from continuo_daw.training.evaluation.planted import KINDS, changed, planted

SETS = [{"name": "tunes", "parts": "top", "styles": [], "instruments": [], "limit": 0}]


def line(seed: int) -> Clip:
    """A line of uneven steps that is like no other."""
    random, at, notes = np.random.default_rng(seed), 0, []
    for pitch in 60 + random.integers(-12, 13, 120):
        wait = int(random.choice([240, 480, 720, 960]))
        notes.append(Note(at, int(pitch), wait))
        at += wait
    return clip_of(notes)


@pytest.fixture
def folder(tmp_path: Path, data: Path) -> Path:
    """A bundle whose card says that it has learnt the tiny corpus."""
    bundle = read_bundle(bundled_models() / "melody")
    said: dict[str, Any] = {"sets": SETS, "pieces": {"train": 4}}
    write_bundle(tmp_path / "tiny", replace(bundle.card, data=said), {MODEL: bundle.files[MODEL]})
    return tmp_path / "tiny"


def test_the_index_has_the_train_pieces_alone(folder: Path, data: Path, tmp_path: Path) -> None:
    assert main(["index", str(folder), str(data), "--cache", str(tmp_path), "--windows", "5"]) == 0
    bundle = read_bundle(folder)
    index = read_index(bundle.files[INDEX])
    assert index.titles.tolist() == [f"tunes/{number}#0" for number in range(4)]
    for number, split in enumerate(["train"] * 4 + ["valid"] * 2 + ["test"] * 2):
        clip = tune(number)
        assert (index.search(clip).copied_notes == len(clip.notes)) == (split == "train")
    figures = bundle.card.metrics["originality"]
    assert [row["notes"] for row in figures["human"]] == [n for n in LENGTHS if n <= 32]
    assert all(set(row["recall"]) == set(KINDS) for row in figures["checker"])
    assert bundle.card.metrics["test"] == read_bundle(bundled_models() / "melody").card.metrics["test"]
    level = human_level(bundle.card, 16)
    assert level
    assert 2 <= level[0] <= 16


def test_another_corpus_than_that_of_the_card_is_refused(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = write_data(tmp_path / "other", ("train", "train", "valid", "test"))
    assert main(["index", str(folder), str(other), "--cache", str(tmp_path)]) == 1
    assert "this is not the corpus that it has learnt from" in capsys.readouterr().err
    assert INDEX not in read_bundle(folder).files


def test_a_model_that_makes_no_notes_is_refused(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = shutil.copytree(bundled_models() / "velocities", tmp_path / "velocities")
    assert main(["index", str(folder), str(data)]) == 1
    assert "velocities makes no notes" in capsys.readouterr().err


def test_no_windows_are_refused(folder: Path, data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["index", str(folder), str(data), "--windows", "0"]) == 1
    assert "--windows 0 is below 1" in capsys.readouterr().err


def test_a_title_has_its_composer(tmp_path: Path) -> None:
    data = write_data(tmp_path / "data", ("train", "train"))
    with (data / "tunes" / "manifest.csv").open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows(
            [("id", "path", "composer", "title"), ("0", "0.mid", "Schubert, Franz", "Lied"), ("1", "1.mid", "", "Song")]
        )
    composers = composers_of(data, [SetConfig("tunes", "top")], tmp_path)
    piece = Piece("tunes/0#0", "", "train", (), "tunes", title="Lied")
    assert titled(piece, composers) == "Franz Schubert: Lied"
    assert titled(replace(piece, id="tunes/1#0", title="Song"), composers) == "Song"
    assert titled(replace(piece, id="tunes/9:B#0", title=""), {"tunes/9": "Anon"}) == "tunes/9:B#0"
    assert titled(replace(piece, id="tunes/9:B#0"), {"tunes/9": "Anon"}) == "Anon: Lied"


def test_windows_have_so_many_notes_and_begin_with_a_bar() -> None:
    clip = tune(3, 12)
    piece = Piece("a", "a", "test", (clip, tune(4, 1)), "tunes")
    found = [window for _, window in windows_of([piece], 16, 4, one=True)]
    assert [len(window.notes) for window in found] == [16] * 4
    pitches = [note.pitch for note in clip.notes]
    assert [note.pitch for note in found[0].notes] == pitches[:16]
    assert all(window.notes[0].start < window.bar for window in found)
    assert windows_of([piece], len(clip.notes) + 1, 4, one=True) == []


def test_eight_bars_are_taken_one_after_the_other() -> None:
    clip = tune(3, 20)
    found = phrases_of([Piece("a", "a", "test", (clip, tune(4, 7)), "tunes")], 9, one=True)
    assert [window for _, window in found] == [clip.window(at * clip.bar, (at + 8) * clip.bar) for at in (0, 8)]


def test_people_who_quote_themselves_are_no_false_alarms(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("continuo_daw.training.evaluation.index.LENGTHS", (16,))
    pieces = [Piece(f"{n}#0", f"{n}", "train", (line(n),), "tunes") for n in (1, 2, 3)]
    pieces += [Piece(f"{n}#0", f"{n}", "test", (line(n),), "tunes") for n in (3, 8, 9)]
    pieces[3] = replace(pieces[3], id="again#0")
    titles = {f"{n}#0": f"Composer {n}: Tune" for n in (1, 2, 3, 8, 9)}
    index = index_of(pieces, titles, one=True)
    own, other = (measure(index, pieces, titles | {"again#0": f"Composer {n}: Again"}, 20) for n in (3, 4))
    assert own["checker"][0]["alarm"] < 0.9 < other["checker"][0]["alarm"]
    assert own["human"] == other["human"]
    assert own["checker"][0]["recall"]["transposed"] == 1


def test_changed_notes_leave_the_others_where_they_are() -> None:
    notes = tuple(Note(at * 480, 60 + at % 12, 480) for at in range(40))
    new = changed(notes, 0.2, np.random.default_rng(2))
    kept = {(note.start, note.pitch) for note in notes} & {(note.start, note.pitch) for note in new}
    assert 32 <= len(kept) < 40


@pytest.mark.parametrize("kind", KINDS)
def test_a_planted_copy_is_a_clip_that_differs(kind: str) -> None:
    clip = clip_of(tune(5, 8).notes)
    for seed in range(20):
        copy = planted(clip, kind, np.random.default_rng(seed))
        assert isinstance(copy, Clip)
        assert copy.notes != clip.notes
        assert planted(clip, kind, np.random.default_rng(seed)) == copy


def test_a_card_that_names_no_sets_is_refused(folder: Path, data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = json.loads((folder / "card.json").read_text(encoding="utf-8"))
    (folder / "card.json").write_text(json.dumps(table | {"data": {}}), encoding="utf-8")
    assert main(["index", str(folder), str(data)]) == 1
    assert "does not say which sets" in capsys.readouterr().err
