"""Versions: one work played several times, and the files that tell its score."""

from __future__ import annotations

from pathlib import Path

from tiny_sets import ids, load, write_set, write_tune

from continuo_daw.training.corpus.pieces import SetConfig


def write_versions(folder: Path, other: str) -> Path:
    """A set of one tune played three times, twice as one train work and once as a work in `other`."""
    rows = [{"id": name, "split": "train", "piece_key": "work"} for name in ("first", "second")]
    rows.append({"id": "third", "split": other, "piece_key": "other work"})
    for number, row in enumerate(rows):
        write_tune(folder / "midi" / f"{row['id']}.mid", 1, velocity=50 + number)
    return write_set(folder, rows)


def test_versions_of_a_work_are_kept_where_a_set_asks_for_it(tmp_path: Path) -> None:
    write_versions(tmp_path / "data" / "played", "train")
    pieces, report = load(tmp_path / "data", SetConfig("played", versions=True))
    assert [piece.sections[0].notes[0].velocity for piece in pieces] == [50, 51]
    assert report.duplicates == [("played/third#all", "played/first#all")]
    assert ids(load(tmp_path / "data", SetConfig("played"))[0]) == ["played/first#all"]


def test_versions_of_a_work_in_test_are_leaks_all_the_same(tmp_path: Path) -> None:
    write_versions(tmp_path / "data" / "played", "test")
    pieces, report = load(tmp_path / "data", SetConfig("played", versions=True))
    assert ids(pieces) == ["played/third#all"]
    assert [leak[0] for leak in report.leaks] == ["played/first#all", "played/second#all"]


def test_of_a_performance_the_file_that_knows_its_score_is_read(tmp_path: Path) -> None:
    rows = [{"id": "a", "path": "a.mid"}, {"id": "a", "path": "a.match"}, {"id": "b", "path": "b.mid"}]
    rows.append({"id": "a.score", "role": "score_xml", "path": "a.musicxml"})
    folder = write_set(tmp_path / "data" / "played", rows)
    (folder / "a.match").write_text(
        "scoreprop(timeSignature,6/8,0:1,0,-1.0000).\n"
        "snote(n1,[C,n],4,0:3,0,1/8,-1.0000,0.0000,[])-note(n1,60,13,77,66,0,0).\n"
    )
    pieces, report = load(tmp_path / "data", SetConfig("played"))
    assert (ids(pieces), report.skipped) == (["played/a#all", "played/b#all"], [])
    (clip,) = pieces[0].sections
    assert (clip.meter, clip.length, [(n.start, n.duration, n.velocity) for n in clip.notes]) == (
        (6, 8),
        2880,
        [(2400, 480, 66)],
    )
