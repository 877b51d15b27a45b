"""Corpus: sets of files become pieces with a split, and what is left out is told."""

from __future__ import annotations

import json
import tarfile
import zipfile
from pathlib import Path

import pytest
from tiny_sets import ids, load, write_set, write_tune

from continuo_daw.training.corpus.pieces import CorpusError, SetConfig


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A folder with one set: four works, told apart by style and instrument."""
    rows = [
        {"id": "a", "split": "train", "piece_key": "work a", "style": "folk", "title": "A", "license": "CC0"},
        {
            "id": "b",
            "split": "valid",
            "piece_key": "work b",
            "style": "jazz",
            "extra": json.dumps({"instrument": "Piano"}),
        },
        {"id": "c", "split": "test", "piece_key": "work c", "style": "folk song"},
        {"id": "d", "split": "train", "piece_key": "work d", "extra": json.dumps({"instrument": "Harpsichord, Piano"})},
    ]
    write_set(tmp_path / "data" / "clean" / "tunes", rows)
    return tmp_path / "data"


def test_a_manifest_gives_split_group_licence_and_title(data: Path) -> None:
    pieces, report = load(data, SetConfig("tunes", "top"))
    first = pieces[0]
    assert ids(pieces) == ["tunes/a#0", "tunes/b#0", "tunes/c#0", "tunes/d#0"]
    assert (first.group, first.split, first.source, first.licence, first.title) == (
        "work a",
        "train",
        "tunes",
        "CC0",
        "A",
    )
    assert [piece.split for piece in pieces] == ["train", "valid", "test", "train"]
    assert (report.read, report.notes["train"], report.pieces["train"]) == (4, 96, 2)


def test_notes_keep_their_velocity_and_come_in_ticks(data: Path) -> None:
    (clip,) = load(data, SetConfig("tunes", "top"))[0][0].sections
    assert {note.velocity for note in clip.notes} == {70}
    assert {note.duration for note in clip.notes} == {480, 960}


@pytest.mark.parametrize(
    ("config", "kept"),
    [
        (SetConfig("tunes", styles=("folk",)), "ac"),
        (SetConfig("tunes", instruments=("piano",)), "bd"),
        (SetConfig("tunes", styles=("folk", "jazz"), instruments=("PIANO",)), "b"),
    ],
)
def test_styles_and_instruments_choose_files(data: Path, config: SetConfig, kept: str) -> None:
    assert ids(load(data, config)[0]) == [f"tunes/{name}#all" for name in kept]


def test_a_limit_keeps_the_same_pieces_in_order(data: Path) -> None:
    few = ids(load(data, SetConfig("tunes", limit=2))[0])
    assert len(few) == 2
    assert few == sorted(few) == ids(load(data, SetConfig("tunes", limit=2))[0])
    assert set(few) < set(ids(load(data, SetConfig("tunes", limit=3))[0]))


def test_rows_that_repeat_another_are_left_out(tmp_path: Path) -> None:
    rows = [{"id": "a", "role": "performance"}, {"id": "b", "role": "performance_excerpt"}]
    write_set(tmp_path / "data" / "played", rows)
    assert ids(load(tmp_path / "data", SetConfig("played"))[0]) == ["played/a#all"]


def test_of_several_formats_of_a_tune_one_is_read(tmp_path: Path) -> None:
    rows = [{"id": "a", "path": "a.abc"}, {"id": "a", "path": "a.mid"}, {"id": "b", "path": "b.mid"}]
    write_set(tmp_path / "data" / "tunes", rows)
    (tmp_path / "data" / "tunes" / "a.abc").write_text("no ABC")
    pieces, report = load(tmp_path / "data", SetConfig("tunes"))
    assert ids(pieces) == ["tunes/a#all", "tunes/b#all"]
    assert (report.read, report.skipped) == (2, [])


def test_two_files_of_one_id_are_refused(tmp_path: Path) -> None:
    write_set(tmp_path / "data" / "tunes", [{"id": "a", "path": "a.mid"}, {"id": "a", "path": "b.mid"}])
    with pytest.raises(CorpusError, match=r"id 'a' stands for several \.mid files"):
        load(tmp_path / "data", SetConfig("tunes"))


@pytest.mark.parametrize("suffix", [".tar.xz", ".tar.gz", ".zip"])
def test_an_archive_is_as_good_as_its_folder(data: Path, suffix: str) -> None:
    folder = data / "clean" / "tunes"
    packed = data.parent / "packed"
    packed.mkdir()
    if suffix == ".zip":
        with zipfile.ZipFile(packed / "tunes.zip", "w") as archive:
            for path in sorted(folder.rglob("*.*")):
                archive.write(path, Path("tunes") / path.relative_to(folder))
    else:
        with tarfile.open(packed / f"tunes{suffix}", f"w:{suffix[-2:]}") as archive:
            archive.add(folder, "tunes")
    assert load(packed, SetConfig("tunes"))[0] == load(data, SetConfig("tunes"))[0]


def test_an_unpacked_archive_is_used_again(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with zipfile.ZipFile(data / "one.zip", "w") as archive:
        archive.write(write_tune(data.parent / "a.mid", 1), "a.mid")
    pieces, _ = load(data, SetConfig("one"))
    monkeypatch.setattr("continuo_daw.training.corpus.sets.unpack", lambda *_: pytest.fail("unpacked again"))
    assert load(data, SetConfig("one"))[0] == pieces


def test_an_archive_that_leaves_its_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    write_tune(tmp_path / "a.mid", 1)
    with tarfile.open(tmp_path / "data" / "bad.tar.gz", "w:gz") as archive:
        archive.add(tmp_path / "a.mid", "../outside.mid")
    with pytest.raises(CorpusError, match=r"bad\.tar\.gz cannot be unpacked"):
        load(tmp_path / "data", SetConfig("bad"))
    assert not list(tmp_path.rglob("outside.mid"))


def test_a_broken_archive_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "bad.tar.xz").write_bytes(b"not an archive")
    with pytest.raises(CorpusError, match="cannot be unpacked"):
        load(tmp_path / "data", SetConfig("bad"))
    assert not list((tmp_path / "cache").iterdir())


def test_a_python_that_cannot_unpack_safely_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with tarfile.open(write_tune(tmp_path / "data" / "a.mid", 1).with_name("one.tar"), "w") as archive:
        archive.add(tmp_path / "data" / "a.mid", "a.mid")
    monkeypatch.delattr(tarfile, "data_filter")
    with pytest.raises(CorpusError, match=r"one\.tar: .*3\.11\.4"):
        load(tmp_path / "data", SetConfig("one"))
    assert not list((tmp_path / "cache").iterdir())


def test_plain_files_are_split_by_the_hash_of_their_names(tmp_path: Path) -> None:
    for number in range(60):
        write_tune(tmp_path / "data" / f"{number % 3}" / f"{number}.mid", number, count=12)
    pieces, report = load(tmp_path / "data", SetConfig("."))
    splits = {piece.group: piece.split for piece in pieces}
    assert report.pieces == {"train": 51, "valid": 2, "test": 7}
    (tmp_path / "data" / "0" / "0.mid").unlink()
    assert {p.group: p.split for p in load(tmp_path / "data", SetConfig("."))[0]}.items() <= splits.items()


def test_a_pattern_chooses_files(tmp_path: Path) -> None:
    for name in ("a.mid", "b.mid", "deep/c.mid"):
        write_tune(tmp_path / "data" / name, len(name))
    assert ids(load(tmp_path / "data", SetConfig("deep/*.mid"))[0]) == ["deep/*.mid/deep/c.mid#all"]


def test_a_bad_file_is_skipped_named_and_counted(data: Path) -> None:
    bad = data / "clean" / "tunes" / "midi" / "d.mid"
    bad.write_bytes(b"MThd nonsense")
    pieces, report = load(data, SetConfig("tunes"))
    assert (len(pieces), report.read) == (3, 3)
    assert [path for path, _ in report.skipped] == [str(bad)]
    assert str(bad) in str(report)


def test_a_song_without_the_part_is_counted(data: Path) -> None:
    write_tune(data / "clean" / "tunes" / "midi" / "a.mid", 7, program=52)
    pieces, report = load(data, SetConfig("tunes", "voice"))
    assert ids(pieces) == ["tunes/a#0"]
    assert report.without_part == ["b", "c", "d"]


def test_a_transposed_copy_in_train_is_dropped(data: Path) -> None:
    write_tune(data / "clean" / "tunes" / "midi" / "d.mid", 0, key=4)
    pieces, report = load(data, SetConfig("tunes"))
    assert "tunes/d#all" not in ids(pieces)
    assert report.duplicates == [("tunes/d#all", "tunes/a#all")]


def test_a_train_piece_with_a_twin_in_test_is_dropped_from_train(data: Path) -> None:
    write_tune(data / "clean" / "tunes" / "midi" / "d.mid", 2, key=-3, count=90)  # begins like c, and goes on
    pieces, report = load(data, SetConfig("tunes"))
    assert "tunes/c#all" in ids(pieces)
    assert "tunes/d#all" not in ids(pieces)
    assert [leak[:2] for leak in report.leaks] == [("tunes/d#all", "tunes/c#all")]


def test_a_copy_of_a_test_piece_is_one_leak(data: Path) -> None:
    write_tune(data / "clean" / "tunes" / "midi" / "d.mid", 2, key=-3)
    assert load(data, SetConfig("tunes"))[1].leaks == [("tunes/d#all", "tunes/c#all", 1.0)]


def test_a_piece_of_drums_says_so(data: Path) -> None:
    write_tune(data / "clean" / "tunes" / "midi" / "a.mid", 7, channel=9)
    drums, _ = load(data, SetConfig("tunes", "drums"))
    tunes, _ = load(data, SetConfig("tunes"))
    assert [(piece.id, piece.drums) for piece in drums] == [("tunes/a#drums", True)]
    assert [(piece.id, piece.drums) for piece in tunes] == [(f"tunes/{name}#all", False) for name in "bcd"]


def test_a_work_in_two_splits_is_refused(tmp_path: Path) -> None:
    rows = [{"id": "a", "split": "train", "piece_key": "w"}, {"id": "b", "split": "test", "piece_key": "w"}]
    write_set(tmp_path / "data" / "tunes", rows)
    with pytest.raises(CorpusError, match="'w' is in train and test"):
        load(tmp_path / "data", SetConfig("tunes"))


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (SetConfig("nothing"), "set 'nothing' is not in .*folder nothing, an archive nothing"),
        (SetConfig("tunes", "choir"), "parts 'choir' is not one of voice, top"),
        (SetConfig("tunes", "voice"), "no piece with parts 'voice' .*4 files read"),
        (SetConfig("tunes", styles=("polka",)), r"none of 4 files has a style in \['polka'\]"),
        (SetConfig("music21:nobody"), "music21 .* carries no corpus of that name"),
    ],
)
def test_what_cannot_be_loaded_is_named(data: Path, config: SetConfig, message: str) -> None:
    with pytest.raises(CorpusError, match=message):
        load(data, config)


def test_a_set_in_an_archive_may_be_named_with_its_folder(tmp_path: Path) -> None:
    (tmp_path / "data" / "clean").mkdir(parents=True)
    with zipfile.ZipFile(tmp_path / "data" / "clean" / "one.zip", "w") as archive:
        archive.write(write_tune(tmp_path / "a.mid", 1), "one/a.mid")
    assert ids(load(tmp_path / "data", SetConfig("clean/one"))[0]) == ["clean/one/a.mid#all"]


@pytest.mark.parametrize("name", ["", "../data", "/data"])
def test_a_set_lies_inside_the_data_folder(data: Path, name: str) -> None:
    with pytest.raises(CorpusError, match="inside the data folder"):
        load(data, SetConfig(name))


def test_a_manifest_without_paths_is_named(data: Path) -> None:
    manifest = data / "clean" / "tunes" / "manifest.csv"
    manifest.write_text("id,split\na,train\n", encoding="utf-8")
    with pytest.raises(CorpusError, match=r"manifest\.csv cannot be read: KeyError 'path'"):
        load(data, SetConfig("tunes"))


def test_no_set_and_no_folder_are_errors(data: Path) -> None:
    with pytest.raises(CorpusError, match="no set is named"):
        load(data)
    with pytest.raises(CorpusError, match=r"gone is not a folder"):
        load(data / "gone", SetConfig("tunes"))


def test_an_empty_folder_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    with pytest.raises(CorpusError, match="holds no music file"):
        load(tmp_path / "data", SetConfig("."))


def test_a_corpus_of_music21_needs_no_data(tmp_path: Path) -> None:
    pieces, report = load(tmp_path / "data", SetConfig("music21:chopin", "all"))
    assert report.read == 1
    assert pieces[0].source == "music21:chopin"
    assert pieces[0].sections[0].notes
