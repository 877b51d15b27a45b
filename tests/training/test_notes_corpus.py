"""Notes of a corpus: what is written comes back, pieces that nobody played are left out of velocities."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import tiny_played

from continuo_daw.assistant.codecs.notes import NoteCodec
from continuo_daw.assistant.music.clip import Clip, Note
from continuo_daw.training.corpus.notes import (
    NoteCorpus,
    Section,
    all_rows,
    clip_of_section,
    note_codec,
    prepare_notes,
    prepare_played,
    read_notes,
    table_of,
    write_notes,
)

DURATIONS, VELOCITIES = (tiny_played.config(family) for family in ("durations", "velocities"))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Played tunes, and one in train and one in test with two velocities."""
    return tiny_played.write_data(tmp_path_factory.mktemp("played") / "data", ("train", "test"))


def section(*notes: tuple[int, int, int, int], piece: int = 0, drums: bool = False) -> Section:
    """Notes as (start, end, pitch, velocity) in a section of two bars of 7/8."""
    frame = Clip((), 2 * 3360, 77.5, (7, 8))
    return Section(np.array(notes, np.int64).reshape(-1, 4), frame, drums, piece)


def assert_same(one: NoteCorpus, other: NoteCorpus) -> None:
    assert one.origin == other.origin and one.codec == other.codec
    for split in ("train", "valid", "test"):
        for a, b in zip(one.splits[split], other.splits[split], strict=True):
            assert np.array_equal(a.notes, b.notes) and b.notes.dtype == np.int64 and b.notes.shape[1] == 4
            assert (a.frame, a.drums, a.piece) == (b.frame, b.drums, b.piece)


def test_what_is_written_comes_back(tmp_path: Path) -> None:
    one = section((0, 10, 60, 1), (0, 2**31 - 1, 64, 127))
    several = [section((5, 6, 35, 90), piece=1, drums=True), section(), section((6719, 6720, 0, 64), piece=1)]
    origin: dict[str, object] = {"pieces": {"train": 1}, "licences": ["CC0"], "title": "Für"}
    corpus = NoteCorpus(NoteCodec(8, 2), {"train": [one], "valid": [], "test": several}, origin)
    write_notes(corpus, tmp_path / "corpus.npz")
    assert_same(read_notes(NoteCodec(8, 2), tmp_path / "corpus.npz"), corpus)
    assert [path.name for path in tmp_path.iterdir()] == ["corpus.npz"]  # nothing half written is left


def test_sections_are_clips_without_the_muted_notes() -> None:
    notes = (Note(0, 60, 100, 9), Note(0, 64, 50, 70), Note(10, 50, 5, 5, True), Note(20, 40, 4000, 127))
    clip = Clip(notes, 3360, 77.5, (7, 8))
    table = table_of(clip)
    assert table.tolist() == [[0, 100, 60, 9], [0, 50, 64, 70], [20, 4020, 40, 127]]
    found = clip_of_section(Section(table, Clip((), 3360, 77.5, (7, 8)), False, 0))
    assert found == replace(clip, notes=tuple(note for note in notes if not note.muted))
    assert table_of(Clip((), 0)).shape == (0, 4)


def test_a_corpus_is_prepared_once(data: Path) -> None:
    cache = data.parent / "cache"
    found = prepare_notes(DURATIONS, data, cache, progress=False)
    files = {path: path.stat().st_mtime_ns for path in cache.glob("tiny-durations*")}
    assert_same(prepare_notes(DURATIONS, data, cache, progress=False), found)
    assert len(files) == 1 and {path: path.stat().st_mtime_ns for path in cache.glob("tiny-durations*")} == files


def test_what_was_not_played_says_nothing_of_velocities(data: Path) -> None:
    cache = data.parent / "cache"
    durations = prepare_notes(DURATIONS, data, cache, progress=False)
    velocities = prepare_played(VELOCITIES, data, cache, progress=False)
    assert durations.origin["pieces"] == {"train": 5, "valid": 2, "test": 3}
    assert velocities.origin["pieces"] == {"train": 4, "valid": 2, "test": 2}
    assert velocities.origin["licences"] == ["CC0"]
    for corpus in (durations, velocities):
        for split, sections in corpus.splits.items():
            counts = corpus.origin["notes"]
            assert isinstance(counts, dict) and counts[split] == sum(len(each.notes) for each in sections) > 0
            assert sorted({each.piece for each in sections}) == list(range(len(sections)))
    for each in (each for sections in velocities.splits.values() for each in sections):
        assert len(np.unique(each.notes[:, 3])) >= 8
    assert any(len(np.unique(each.notes[:, 3])) == 2 for each in durations.splits["train"])


def test_notes_are_in_the_order_of_a_clip(data: Path) -> None:
    corpus = prepare_notes(DURATIONS, data, data.parent / "cache", progress=False)
    for each in corpus.splits["train"]:
        assert each.notes.tolist() == table_of(clip_of_section(each)).tolist()
        assert np.all(each.notes[:, 0] < each.frame.length)


def test_the_codec_of_a_configuration() -> None:
    assert asdict(note_codec(VELOCITIES)) == {"window": 24, "margin": 4, "drums": False}
    wrong = replace(VELOCITIES, notes=replace(VELOCITIES.notes, margin=12))
    with pytest.raises(ValueError, match="windows of 24 notes"):
        note_codec(wrong)


def test_rows_lie_one_behind_the_other() -> None:
    counts = (5, 0, 8, 1)
    sections = [section(*[(k, k + 1, 60, 64) for k in range(count)], piece=at) for at, count in enumerate(counts)]
    found = [(each.piece, first, end) for each, first, end in all_rows(sections, 4)]
    assert found == [(0, 0, 4), (0, 4, 5), (2, 0, 4), (2, 4, 8), (3, 0, 1)]
    assert list(all_rows(sections, 4, most=5)) == list(all_rows(sections, 4))
    assert [each.piece for each, _, _ in all_rows(sections, 4, most=3)] == [0, 2, 3]
    assert [each.piece for each, _, _ in all_rows(sections, 4, most=2)] == [0, 2]
