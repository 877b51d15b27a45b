"""Phrases of a corpus: what goes in comes out, in batches that a resumed run would see again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tiny_runs
from tiny import tune

from continuo_daw.assistant.codecs.phrases import Bars, PhraseCodec
from continuo_daw.assistant.music.attributes import NAMES, attributes
from continuo_daw.assistant.music.clip import TICKS, Clip, Note
from continuo_daw.training.corpus.phrases import (
    PhraseCorpus,
    PhraseRows,
    batches,
    encoded,
    phrases,
    prepare_phrases,
    read_phrases,
    training_phrases,
    transposed,
    write_phrases,
)
from continuo_daw.training.corpus.pieces import Piece

BAR = 4 * TICKS
CODEC = PhraseCodec(bars=2, most=8, voices="many")
CONFIG = tiny_runs.config()


def piece(number: int, *sections: Clip, split: str = "train") -> Piece:
    return Piece(str(number), "work", split, sections, "tunes", "CC0", f"Tune {number}")


@pytest.fixture(scope="module")
def corpus() -> PhraseCorpus:
    """Pieces of one and of two sections, one of them with silent bars, one in a meter without a place."""
    sparse = Clip((Note(0, 60, 480), Note(4 * BAR, 62, 480)), 6 * BAR)
    return encoded(
        CODEC,
        [
            piece(0, tune(0, 6), tune(1, 4, (3, 4))),
            piece(1, sparse),
            piece(2, tune(2, 4), split="valid"),
            piece(3, tune(3, 4), Clip((), 2 * BAR, 120.0, (4, 2)), split="test"),
            piece(4, tune(4, 5, voices=3)),
        ],
    )


def bars_at(corpus: PhraseCorpus, start: int, bars: int) -> Bars:
    rows = phrases(corpus, np.array([start]), bars)
    return Bars(rows.notes[0], rows.count[0], int(rows.steps[0]))


def test_every_section_comes_back(corpus: PhraseCorpus) -> None:
    at = 0
    for clip in (tune(0, 6), tune(1, 4, (3, 4))):
        assert CODEC.decode(bars_at(corpus, at, clip.bars)) == CODEC.decode(CODEC.encode(clip))
        at += clip.bars
    assert corpus.piece.tolist() == [0] * 10 + [1] * 6 + [2] * 4 + [3] * 4 + [4] * 5
    assert corpus.section.tolist() == [0] * 6 + [1] * 4 + [2] * 6 + [3] * 4 + [4] * 4 + [5] * 5
    assert np.unique(corpus.meter, axis=0).tolist() == [[3, 4], [4, 4]]
    assert corpus.origin["bars"] == {"train": 21, "valid": 4, "test": 4}
    assert corpus.origin["licences"] == ["CC0"]


def test_a_phrase_lies_in_one_section_of_its_split_and_has_notes(corpus: PhraseCorpus) -> None:
    assert corpus.starts("train", 2).tolist() == [0, 1, 2, 3, 4, 6, 7, 8, 10, 13, 14, 24, 25, 26, 27]
    assert corpus.starts("valid", 2).tolist() == [16, 17, 18]
    assert corpus.starts("test", 4).tolist() == [20]
    assert corpus.starts("train", 99).tolist() == []


def test_phrases_apart_share_no_bar(corpus: PhraseCorpus) -> None:
    found = corpus.starts("train", 2, apart=True)
    assert set(found.tolist()) <= set(corpus.starts("train", 2).tolist())
    assert np.all(np.diff(found) >= 2)
    assert found.tolist() == [0, 2, 4, 6, 8, 10, 13, 24, 26]


@pytest.mark.parametrize(("start", "bars", "clip"), [(0, 6, tune(0, 6)), (24, 5, tune(4, 5, voices=3))])
def test_attributes_of_a_phrase_are_those_of_its_clip(corpus: PhraseCorpus, start: int, bars: int, clip: Clip) -> None:
    held = CODEC.decode(CODEC.encode(clip))  # a bar keeps its first notes, velocities are levels
    wanted = attributes(replace(clip, notes=held))
    found = phrases(corpus, np.array([start]), bars).attributes[0]
    assert dict(zip(NAMES, found.tolist(), strict=True)) == pytest.approx(wanted, abs=1e-5)


def test_a_corpus_comes_back_from_its_file(corpus: PhraseCorpus, tmp_path: Path) -> None:
    write_phrases(corpus, tmp_path / "phrases.npz")
    again = read_phrases(CODEC, tmp_path / "phrases.npz")
    for name, value in vars(corpus).items():
        if isinstance(value, np.ndarray):
            assert np.array_equal(getattr(again, name), value), name
    assert (again.codec, again.origin) == (corpus.codec, corpus.origin)
    assert [file.name for file in tmp_path.iterdir()] == ["phrases.npz"]


def test_a_corpus_is_prepared_once_for_what_went_in(data: Path, tmp_path: Path) -> None:
    first = prepare_phrases(CONFIG, data, tmp_path, progress=False)
    (file,) = tmp_path.glob("phrases-*.npz")
    made = file.stat().st_mtime_ns
    again = prepare_phrases(CONFIG, data, tmp_path, progress=False)
    assert file.stat().st_mtime_ns == made and np.array_equal(again.notes, first.notes)
    assert first.origin["pieces"] == {"train": 4, "valid": 2, "test": 2}
    prepare_phrases(tiny_runs.config(most=6), data, tmp_path, progress=False)
    assert len(list(tmp_path.glob("phrases-*.npz"))) == 2


def same(one: PhraseRows, other: PhraseRows) -> bool:
    return all(
        np.array_equal(a, b, equal_nan=True) for a, b in zip(vars(one).values(), vars(other).values(), strict=True)
    )


@pytest.mark.parametrize("family", ["vae", "seqae"])
def test_a_batch_is_drawn_from_its_step_alone(corpus: PhraseCorpus, family: str) -> None:
    config = tiny_runs.config(family, bars=2)
    starts = corpus.starts("train", 4 if config.phrase.pairs else 2)
    drawn = [training_phrases(corpus, config, starts, step) for step in range(20)]
    for step in (0, 7, 8, 13):
        assert same(training_phrases(corpus, config, starts, step), drawn[step])
        assert not same(drawn[step], drawn[step + 1])
        assert not same(training_phrases(corpus, config, starts, step, rank=1), drawn[step])
    assert {len(rows.notes) for rows in drawn} == {config.train.batch}


def test_every_phrase_is_seen(corpus: PhraseCorpus) -> None:
    config = tiny_runs.config(mixed=0.0, train={"transpose": 0})
    starts = corpus.starts("train", 2)
    known = {CODEC.decode(bars_at(corpus, start, 2)) for start in starts.tolist()}
    seen = set()
    for step in range(40):
        rows = training_phrases(corpus, config, starts, step)
        seen |= {CODEC.decode(Bars(*row)) for row in zip(rows.notes, rows.count, rows.steps.tolist(), strict=True)}
    assert seen == known


def test_pairs_follow_each_other_in_one_key(corpus: PhraseCorpus) -> None:
    config = tiny_runs.config("seqae", bars=2, train={"transpose": 6})
    starts = corpus.starts("train", 4)
    followers = {}
    for start in starts.tolist():
        whole = bars_at(corpus, start, 4)
        followers[shape(whole.notes[:2], whole.count[:2])] = (whole.notes[2:], whole.count[2:])
    for step in range(8):
        rows = training_phrases(corpus, config, starts, step)
        half = len(rows.notes) // 2
        for index in range(half):
            notes, count = followers[shape(rows.notes[index], rows.count[index])]
            other = rows.notes[index + half]
            assert rows.count[index + half].tolist() == count.tolist()
            assert shape(other, count) == shape(notes, count)
            first = rows.notes[index, 0, 0, 1] - rows.notes[index + half, 0, 0, 1]
            own = next(
                whole.notes[0, 0, 1] - whole.notes[2, 0, 1]
                for start in starts.tolist()
                if shape((whole := bars_at(corpus, start, 4)).notes[:2], whole.count[:2])
                == shape(rows.notes[index], rows.count[index])
            )
            assert first == own


def shape(notes: np.ndarray, count: np.ndarray) -> tuple[tuple[int, ...], ...]:  # type: ignore[type-arg]
    """The notes of a phrase from its first pitch on: what transposition does not change."""
    rows = [tuple(row) for bar, size in zip(notes.tolist(), count.tolist(), strict=True) for row in bar[:size]]
    return tuple((place, pitch - rows[0][1], *rest) for place, pitch, *rest in rows)


def test_transposition_stays_on_the_keyboard_and_in_its_notes() -> None:
    notes = np.zeros((2, 1, 3, 4), np.int64)
    notes[0, 0, :2, 1], notes[1, 0, :3, 1] = (1, 120), (60, 64, 67)
    rows = PhraseRows(notes, np.array([[2], [3]]), np.array([96, 96]), np.full((2, 5), 50, np.float32))
    up, down = (transposed(rows, np.array([by, by])) for by in (20, -20))
    assert up.notes[..., 1].tolist() == [[[8, 127, 0]], [[80, 84, 87]]]
    assert down.notes[..., 1].tolist() == [[[0, 119, 0]], [[40, 44, 47]]]
    assert up.attributes[:, NAMES.index("pitch")].tolist() == [57, 70]
    assert rows.notes[1, 0, 0, 1] == 60


def test_bars_from_elsewhere_are_of_the_same_length_and_have_no_attributes(corpus: PhraseCorpus) -> None:
    config = tiny_runs.config(mixed=1.0, train={"transpose": 0})
    starts = corpus.starts("train", 2)
    whole = {shape(*bar_of(corpus, start)) for start in starts.tolist()}
    singles = {shape(*one) for start in starts.tolist() for one in halves(corpus, start)}
    strange = 0
    for step in range(10):
        rows = training_phrases(corpus, config, starts, step)
        assert np.isnan(rows.attributes).all()
        for index in range(len(rows.notes)):
            notes, count = rows.notes[index], rows.count[index]
            strange += bool(count.all()) and shape(notes, count) not in whole
            for bar in np.flatnonzero(count):
                assert shape(notes[bar : bar + 1], count[bar : bar + 1]) in singles
            assert all(notes[bar, : count[bar], 0].max(initial=0) < rows.steps[index] for bar in range(2))
    assert strange > 10


def bar_of(corpus: PhraseCorpus, start: int) -> tuple[np.ndarray, np.ndarray]:  # type: ignore[type-arg]
    bars = bars_at(corpus, start, 2)
    return bars.notes, bars.count


def halves(corpus: PhraseCorpus, start: int) -> list[tuple[np.ndarray, np.ndarray]]:  # type: ignore[type-arg]
    bars = bars_at(corpus, start, 2)
    return [(bars.notes[k : k + 1], bars.count[k : k + 1]) for k in range(2) if bars.count[k]]


def test_batches_hold_every_phrase_once(corpus: PhraseCorpus) -> None:
    starts = corpus.starts("train", 2)
    found = list(batches(corpus, starts, 2, 4))
    assert [len(rows.notes) for rows in found] == [4, 4, 4, 3]
    whole = phrases(corpus, starts, 2)
    assert sorted(a for rows in found for a in rows.attributes.tolist()) == sorted(whole.attributes.tolist())
    widths = [rows.notes.shape[2] for rows in found]
    assert widths == sorted(widths) and widths[0] < widths[-1]
