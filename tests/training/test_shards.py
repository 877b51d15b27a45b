"""Shards: what a network is given to learn, and what it is measured on."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tiny import CONFIG, config, tune, write_data

from continuo_daw.assistant.codecs.condition import DENSITY, HISTOGRAM, PITCH, condition_of, meter_index, positions
from continuo_daw.assistant.codecs.events import END, KINDS, RESUME, START, EventCodec
from continuo_daw.assistant.music.clip import Clip, Note
from continuo_daw.assistant.music.midi_write import write_midi
from continuo_daw.training.config import TrainConfig
from continuo_daw.training.corpus.pieces import CorpusError
from continuo_daw.training.corpus.sets import SetConfig, state_of
from continuo_daw.training.corpus.shards import (
    IGNORED,
    SPLITS,
    Corpus,
    Cutter,
    Rows,
    encode,
    padded,
    prepare,
    read_corpus,
    segments,
    training_rows,
    write_corpus,
)

CODEC = EventCodec()
SURE = config(free=0.0, leave_out=0.0).train  # nothing is left out


def corpus_of(*pieces: list[Clip], codec: EventCodec = CODEC) -> Corpus:
    streams = [encode(codec, sections) for sections in pieces]
    return Corpus(codec, {split: streams for split in SPLITS}, {"sources": ["made here"]})


def same(a: Rows, b: Rows) -> bool:
    return all(np.array_equal(x, y) for x, y in zip(vars(a).values(), vars(b).values(), strict=True))


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    return corpus_of(*([tune(seed, 8)] for seed in range(6)))


def test_a_batch_depends_on_seed_step_and_rank_alone(corpus: Corpus) -> None:
    later = training_rows(corpus, SURE, 7, 1)
    for step in range(3):
        training_rows(corpus, SURE, step)
    assert same(training_rows(corpus, SURE, 7, 1), later)


@pytest.mark.parametrize(("seed", "step", "rank"), [(2, 7, 1), (1, 8, 1), (1, 7, 0)])
def test_another_seed_step_or_rank_gives_another_batch(corpus: Corpus, seed: int, step: int, rank: int) -> None:
    base = training_rows(corpus, replace(SURE, seed=1), 7, 1)
    other = training_rows(corpus, replace(SURE, seed=seed), step, rank)
    assert not np.array_equal(base.tokens, other.tokens)


def test_a_batch_has_the_shapes_that_the_network_takes(corpus: Corpus) -> None:
    rows = training_rows(corpus, SURE, 0)
    shape = (SURE.batch, SURE.length)
    assert {rows.tokens.shape, rows.targets.shape, rows.position.shape, rows.meter.shape} == {shape}
    assert rows.condition.shape == (*shape, 17)
    assert rows.tokens.max() < CODEC.size
    assert rows.position.max() < positions(CODEC.resolution)


def test_a_target_is_the_token_that_follows(corpus: Corpus) -> None:
    rows = training_rows(corpus, SURE, 0)
    follows = rows.targets[:, :-1] == rows.tokens[:, 1:]
    ends = rows.targets[:, :-1] == IGNORED
    opens = np.isin(rows.tokens[:, 1:], (START, RESUME))
    assert np.all(follows | ends | opens)
    assert follows.mean() > 0.8


def in_sections(*meters: tuple[int, int]) -> list[Clip]:
    return [tune(seed, 3, meter) for seed, meter in enumerate(meters)]


REST = [Clip((Note(0, 60, 960),), 3840 * 3, 120.0, (4, 4)), Clip((Note(960, 62, 960),), 2880, 120.0, (3, 4))]
MIXED = in_sections((4, 4), (3, 4), (6, 8), (4, 4))


@pytest.mark.parametrize("length", [8, 20, 64, 10_000])
@pytest.mark.parametrize("sections", [MIXED, [tune(5, 9)], REST], ids=["meters", "one meter", "a long rest"])
def test_every_token_is_a_target_once(sections: list[Clip], length: int) -> None:
    corpus = corpus_of(sections)
    found = segments(corpus, "test", length)
    targets = np.concatenate([cut[1] for cut in found])
    assert targets[targets != IGNORED].tolist() == corpus.splits["test"][0].tokens[1:].tolist()


@pytest.mark.parametrize("length", [20, 10_000])
@pytest.mark.parametrize("sections", [MIXED, REST], ids=["meters", "a long rest"])
def test_the_notes_of_a_segment_stand_in_one_meter(sections: list[Clip], length: int) -> None:
    corpus = corpus_of(sections)
    stream = corpus.splits["test"][0]
    assert len(np.unique(stream.meter)) > 1
    for tokens, _, _, meter, _ in segments(corpus, "test", length):
        assert len(np.unique(meter[CODEC.kinds[tokens] == KINDS.index("PITCH")])) == 1


def test_a_limit_of_tokens_takes_whole_pieces_evenly(corpus: Corpus) -> None:
    whole = sum(len(stream.tokens) for stream in corpus.splits["test"])
    found = segments(corpus, "test", 10_000, whole // 3)
    kept = [0, 3]
    assert [len(cut[0]) for cut in found] == [len(corpus.splits["test"][k].tokens) - 1 for k in kept]


def test_a_stretch_from_the_middle_says_its_velocity_again() -> None:
    notes = tuple(Note(k * 960, 60 + k, 960, 99) for k in range(8))
    stream = encode(CODEC, [Clip(notes, 8 * 960)])
    times = np.flatnonzero(CODEC.kinds[stream.tokens] == KINDS.index("TIME"))
    tokens, targets, _, _ = Cutter(CODEC).cut(stream, int(times[3]), len(stream.tokens) - 1)
    assert [CODEC.name(token) for token in tokens[:5]] == ["RESUME", "TIME24", "PITCH64", "VELOCITY99", "DURATION24"]
    assert [CODEC.name(t) if t != IGNORED else "" for t in targets[:4]] == ["TIME24", "PITCH64", "", "DURATION24"]
    assert targets[-1] == END


def test_a_stretch_from_the_start_is_as_it_stands() -> None:
    stream = encode(CODEC, [tune(0, 2)])
    tokens, targets, position, meter = Cutter(CODEC).cut(stream, 0, len(stream.tokens))
    assert tokens.tolist() == stream.tokens.tolist()
    assert targets.tolist() == [*stream.tokens[1:], IGNORED]
    assert position.tolist() == stream.position.tolist()
    assert meter.tolist() == stream.meter.tolist()


def test_positions_count_from_the_bar_in_each_meter() -> None:
    three = Clip(tuple(Note(k * 960, 60, 960) for k in range(3)), 2880, 120.0, (3, 4))
    four = Clip(tuple(Note(k * 960, 60, 960) for k in range(4)), 3840, 120.0, (2, 4))
    stream = encode(CODEC, [three, four])
    pitched = CODEC.kinds[stream.tokens] == KINDS.index("PITCH")
    assert stream.position[pitched].tolist() == [0, 24, 48, 0, 24, 0, 24]
    assert stream.meter[pitched].tolist() == [meter_index((3, 4))] * 3 + [meter_index((2, 4))] * 4


def copies(rows: Rows, row: int, size: int) -> list[slice]:
    """Where a row holds the whole piece, which has `size` tokens."""
    starts = np.flatnonzero(rows.tokens[row] == START)
    return [slice(at, at + size) for at in starts if at + size <= rows.tokens.shape[1]]


def test_transposing_moves_notes_targets_and_condition_together() -> None:
    corpus = corpus_of([tune(1, 2)])
    stream = corpus.splits["train"][0]
    size = len(stream.tokens)
    settings = TrainConfig(batch=12, length=8 * size, transpose=5, free=0.0, leave_out=0.0)
    rows = training_rows(corpus, settings, 0)
    pitched = CODEC.kinds[stream.tokens] == KINDS.index("PITCH")
    plain = condition_of(CODEC.values[stream.tokens[pitched]], 8.0)
    moves = set()
    for row in range(12):
        for span in copies(rows, row, size):
            tokens, targets, given = rows.tokens[row, span], rows.targets[row, span], rows.condition[row, span]
            by = int((tokens - stream.tokens)[pitched][0])
            assert tokens.tolist() == np.where(pitched, stream.tokens + by, stream.tokens).tolist()
            assert targets[:-1].tolist() == tokens[1:].tolist()
            assert np.allclose(given[:, HISTOGRAM], np.roll(plain[HISTOGRAM], by))
            assert np.allclose(given[:, PITCH], plain[PITCH] + by / 127)
            assert np.allclose(given[:, DENSITY], given[0, DENSITY])
            moves.add(by)
    assert moves == set(range(-5, 5))


@pytest.mark.parametrize(("pitch", "reached"), [(126, set(range(120, 128))), (1, set(range(0, 7)))])
def test_a_piece_is_moved_no_further_than_the_pitches_go(pitch: int, reached: set[int]) -> None:
    clip = Clip(tuple(Note(k * 480, pitch, 480) for k in range(8)), 3840)
    rows = training_rows(corpus_of([clip]), TrainConfig(batch=30, length=40, transpose=6), 0)
    for tokens in (rows.tokens, rows.targets[rows.targets != IGNORED]):
        of = {kind: set(CODEC.values[tokens[CODEC.kinds[tokens] == k]].tolist()) for k, kind in enumerate(KINDS)}
        assert (of["PITCH"], of["VELOCITY"]) == (reached, {80})


def test_the_condition_is_left_out_as_often_as_asked(corpus: Corpus) -> None:
    never = training_rows(corpus, replace(SURE, free=1.0), 0).condition
    assert not never.any()
    always = training_rows(corpus, SURE, 0).condition
    assert np.all(always[..., 14:] == 1)
    some = training_rows(corpus, replace(SURE, batch=64, leave_out=0.5), 0).condition[:, 0, 14:]
    assert np.all(np.abs(some.mean(0) - 0.5) < 0.25)


def test_segments_come_in_batches_filled_up_with_nothing(corpus: Corpus) -> None:
    found = segments(corpus, "valid", 24)
    batches = list(padded(found, 4, free=False))
    assert sum(len(rows.tokens) for rows in batches) == len(found)
    assert sum(int((rows.targets != IGNORED).sum()) for rows in batches) == sum(
        int((cut[1] != IGNORED).sum()) for cut in found
    )
    assert all(rows.condition.any() for rows in batches)
    assert not any(rows.condition.any() for rows in padded(found, 4, free=True))


def test_a_file_gives_the_corpus_back(tmp_path: Path) -> None:
    corpus = Corpus(
        CODEC,
        {"train": [encode(CODEC, MIXED), encode(CODEC, [tune(1)])], "valid": [], "test": [encode(CODEC, [tune(2)])]},
        {"sources": ["é"], "pieces": {"train": 2}},
    )
    write_corpus(corpus, tmp_path / "some.npz")
    back = read_corpus(CODEC, tmp_path / "some.npz")
    assert back.origin == corpus.origin
    assert [len(back.splits[split]) for split in SPLITS] == [2, 0, 1]
    for split in SPLITS:
        for one, other in zip(back.splits[split], corpus.splits[split], strict=True):
            assert all(np.array_equal(a, b) for a, b in zip(vars(one).values(), vars(other).values(), strict=True))
    assert [file.name for file in tmp_path.iterdir()] == ["some.npz"]


def test_data_are_prepared_once_for_each_configuration(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data, cache = write_data(tmp_path / "data"), tmp_path / "cache"
    first = prepare(CONFIG, data, cache, progress=False)
    assert first.origin["pieces"] == {"train": 4, "valid": 2, "test": 2}
    assert first.origin["licences"] == ["CC0"]
    assert "8 files read" in capsys.readouterr().out
    again = prepare(CONFIG, data, cache, progress=False)
    (file,) = cache.glob("*.npz")
    assert capsys.readouterr().out == f"prepared data: {file}\n"
    assert again.splits["test"][1].tokens.tolist() == first.splits["test"][1].tokens.tolist()
    prepare(replace(CONFIG, codec=replace(CONFIG.codec, resolution=12)), data, cache, progress=False)
    assert len(list(cache.glob("*.npz"))) == 2


def with_manifest(data: Path) -> None:
    manifest = data / "tunes" / "manifest.csv"
    manifest.write_text(manifest.read_text(encoding="utf-8").replace("CC0", "CC-BY"), encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("tunes", lambda data: write_midi(tune(99), data / "tunes" / "3.mid")),
        ("tunes", lambda data: os.utime(data / "tunes" / "3.mid", ns=(5, 5))),
        ("tunes", with_manifest),
        (".", lambda data: write_midi(tune(99), data / "more" / "new.mid")),
        ("tunes/*.mid", lambda data: (data / "tunes" / "3.mid").unlink()),
        ("packed", lambda data: shutil.make_archive(str(data / "packed"), "zip", data / "more")),
    ],
    ids=["a file", "its time", "the manifest", "a new file", "a pattern", "an archive"],
)
def test_another_state_of_the_files_is_another_set(tmp_path: Path, name: str, change: Callable[[Path], object]) -> None:
    data = write_data(tmp_path / "data")
    (data / "more").mkdir()
    shutil.make_archive(str(data / "packed"), "zip", data / "tunes")
    before = state_of(data, SetConfig(name))
    assert before and state_of(data, SetConfig(name)) == before
    change(data)
    assert sorted(state_of(data, SetConfig(name))) != sorted(before)


def test_files_that_have_changed_are_prepared_anew(tmp_path: Path) -> None:
    data, cache = write_data(tmp_path / "data"), tmp_path / "cache"
    before = prepare(CONFIG, data, cache, progress=False)
    write_midi(tune(99), data / "tunes" / "7.mid")
    after = prepare(CONFIG, data, cache, progress=False)
    assert after.splits["test"][1].tokens.tolist() != before.splits["test"][1].tokens.tolist()


def test_a_file_that_two_processes_write_is_whole(
    corpus: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save = np.savez_compressed

    def meanwhile(*given: object, **arrays: object) -> None:
        monkeypatch.setattr(np, "savez_compressed", save)
        write_corpus(corpus, tmp_path / "some.npz")
        save(*given, **arrays)  # type: ignore[arg-type]

    monkeypatch.setattr(np, "savez_compressed", meanwhile)
    write_corpus(corpus, tmp_path / "some.npz")
    assert [file.name for file in tmp_path.iterdir()] == ["some.npz"]
    assert len(read_corpus(CODEC, tmp_path / "some.npz").splits["train"]) == 6


def test_no_set_is_an_empty_corpus(tmp_path: Path) -> None:
    empty = replace(CONFIG, data=replace(CONFIG.data, sets=()))
    with pytest.raises(CorpusError, match="the corpus is empty"):
        prepare(empty, tmp_path, tmp_path / "cache", progress=False)
    assert not (tmp_path / "cache").exists()
