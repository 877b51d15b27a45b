"""Training of the refine networks: batches that a resumed run would see again, right targets, runs that learn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tiny_played
import torch
from torch import Tensor
from watched import PowerCut, Watch, watched

import continuo_daw.training.train as train
from continuo_daw.assistant.music.clip import TICKS, Clip
from continuo_daw.assistant.refining.choices import everywhere, length_choices, onset_choices
from continuo_daw.assistant.refining.surroundings import SIZE, windows_of
from continuo_daw.training.config import Config
from continuo_daw.training.corpus.notes import NoteCorpus, Section, read_notes
from continuo_daw.training.families.notes_run import (
    IGNORED,
    Row,
    VelocityBatches,
    distorted,
    duration_batch,
    quantised,
    retold,
    row_of,
    velocity_batch,
    windows_of_rows,
)

FAMILIES = ("durations", "velocities")
Corpus = Callable[[Config], NoteCorpus]


@pytest.fixture(scope="module")
def corpus_of(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    """The corpus of a configuration."""
    data = tiny_played.write_data(tmp_path_factory.mktemp("played") / "data")
    cache = data.parent / "cache"
    return lambda config: train.FAMILIES[config.model.family].prepare(config, data, cache, progress=False)


@pytest.fixture(scope="module", params=FAMILIES)
def unbroken(
    request: pytest.FixtureRequest, corpus_of: Corpus, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Config, Path, Watch]:
    """A whole run: its configuration, its folder, and what was seen of it."""
    config, out = tiny_played.config(request.param), tmp_path_factory.mktemp("runs") / request.param
    return config, out, watched(config, corpus_of(config), out)


def test_a_run_learns(unbroken: tuple[Config, Path, Watch], corpus_of: Corpus) -> None:
    """What the weights cost on the same rows, before and behind: those of single steps differ too much."""
    config, _, watch = unbroken
    assert list(watch.losses) == list(range(1, 17)) and list(watch.validations) == [8, 16]
    assert all(np.isfinite(list(found.values())).all() for found in watch.validations.values())
    family = train.FAMILIES[config.model.family]
    run, batches = family.run(config).eval(), family.batches(corpus_of(config), config)
    run.log = lambda *given, **more: None  # type: ignore[method-assign]
    rows, costs = [batches.rows(step, 0) for step in range(8)], []
    for weights in (run.state_dict(), watch.weights):
        run.load_state_dict(weights)
        with torch.no_grad():
            costs.append(np.mean([float(run.losses(each, "train")) for each in rows]))
    assert costs[1] < costs[0] - 0.2  # nats a note


def test_a_run_can_be_loaded(unbroken: tuple[Config, Path, Watch], corpus_of: Corpus) -> None:
    config, out, watch = unbroken
    loaded, module, checkpoint = train.load_run(out)
    best = min(watch.validations, key=lambda step: watch.validations[step]["valid/loss"])
    assert (loaded, checkpoint["global_step"], module.training) == (config, best, False)
    corpus = read_notes(corpus_of(config).codec, out / "corpus.npz")
    assert corpus.origin == corpus_of(config).origin


def test_a_run_that_goes_on_is_the_unbroken_run(
    unbroken: tuple[Config, Path, Watch], corpus_of: Corpus, tmp_path: Path
) -> None:
    config, _, whole = unbroken
    corpus = corpus_of(config)
    with pytest.raises(PowerCut):
        watched(config, corpus, tmp_path, cut_at=12)
    rest = watched(config, corpus, tmp_path, resume=tmp_path / "last.ckpt")
    assert rest.losses == {step: loss for step, loss in whole.losses.items() if step > 8}
    assert rest.validations[16] == whole.validations[16]
    assert all(torch.equal(weight, whole.weights[name]) for name, weight in rest.weights.items())


def same(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("family", FAMILIES)
def test_rows_are_drawn_from_seed_step_and_rank_alone(corpus_of: Corpus, family: str) -> None:
    config = tiny_played.config(family)
    corpus = corpus_of(config)
    batches = train.FAMILIES[family].batches
    once = batches(corpus, config)
    rows = once.rows(5, 0)
    once.rows(6, 1)
    assert same(once.rows(5, 0), rows) and same(batches(corpus, config).rows(5, 0), rows)
    other = batches(corpus, tiny_played.config(family, seed=2)).rows(5, 0)
    assert not any(same(rows, each) for each in (once.rows(6, 0), once.rows(5, 1), other))


@pytest.mark.parametrize("family", FAMILIES)
def test_batches_are_of_many_sizes(corpus_of: Corpus, family: str) -> None:
    """Long rows and short ones, about as many notes in each batch, and more rows of the short."""
    config = tiny_played.config(family)
    batches, shapes = train.FAMILIES[family].batches(corpus_of(config), config), set()
    for step in range(30):
        rows = batches.rows(step, 0)
        batch, size, numbers = rows["told"].shape
        assert numbers == SIZE and rows["pitch"].shape == (batch, size)
        assert rows["told"].dtype == torch.float32 and torch.isfinite(rows["told"]).all()
        shapes.add((batch, size))
    assert shapes >= {(4, 24), (12, 8), (16, 2)}


@pytest.mark.parametrize("family", FAMILIES)
def test_what_is_held_out_is_the_same_each_time(corpus_of: Corpus, family: str) -> None:
    config = tiny_played.config(family)
    corpus = corpus_of(config)
    once, again = (list(train.FAMILIES[family].batches(corpus, config).held_out("valid")) for _ in range(2))
    assert all(same(*pair) for pair in zip(once, again, strict=True))
    notes = sum(len(section.notes) for section in corpus.splits["valid"])
    assert sum(batch["pitch"].numel() for batch in once) == notes
    pitches = np.sort(np.concatenate([section.notes[:, 2] for section in corpus.splits["valid"]]))
    assert np.array_equal(np.sort(torch.cat([batch["pitch"].flatten() for batch in once]).numpy()), pitches)


def rows_of(corpus: NoteCorpus) -> list[Row]:
    return [row_of(section, 0, 24) for section in corpus.splits["train"]]


def test_targets_are_what_was_written(corpus_of: Corpus) -> None:
    """The tunes have nothing but eighths and quarters, so there is a target for each note, and it is exact."""
    plain, modes = rows_of(corpus_of(tiny_played.config("durations"))), set()
    for seed in range(12):
        rows = [distorted(row, np.random.default_rng([seed, k])) for k, row in enumerate(plain)]
        modes |= {(row.reach < 1, np.array_equal(row.start, row.written[:, 0])) for row in rows}
        windows, batch = windows_of_rows(rows), duration_batch(rows)
        written = np.stack([row.written for row in rows])
        place, value = (make(windows, *everywhere(windows))[0] for make in (onset_choices, length_choices))
        for values, name, wanted in ((place, "onset", written[..., 0]), (value, "length", written[..., 1])):
            right = batch[name].numpy()
            assert (right != IGNORED).all()
            assert np.take_along_axis(values, right[..., None], -1)[..., 0] == pytest.approx(wanted, abs=1e-9)
        assert batch["open"].gather(-1, batch["length"][..., None]).all()
    assert modes == {(True, True), (False, True), (False, False)}


def test_what_no_candidate_comes_near_is_no_target() -> None:
    """An onset between the thirty-second and the triplet, a length of 40 quarters; 22 twenty-fourths are near 21."""
    notes = np.array([[0, 880, 60, 64], [210, 1170, 64, 64], [960, 960 + 40 * 960, 48, 64]])
    row = row_of(Section(notes, Clip((), 3840), False, 0), 0, 3)
    batch = duration_batch([row])
    assert (batch["onset"] != IGNORED).tolist() == [[True, False, True]]
    assert (batch["length"] != IGNORED).tolist() == [[True, True, False]]


def test_a_row_is_what_the_assistant_makes_of_the_clip(corpus_of: Corpus) -> None:
    section = corpus_of(tiny_played.config("velocities")).splits["train"][0]
    wanted = windows_of(section.notes[:, :3], section.frame, [(9, 30)], section.drums)
    found = windows_of_rows([row_of(section, 9, 30)])
    assert all(np.array_equal(value, vars(found)[name]) for name, value in vars(wanted).items())


def test_rows_can_be_transposed(corpus_of: Corpus) -> None:
    section = corpus_of(tiny_played.config("velocities")).splits["train"][0]
    plain, high = (row_of(section, 3, 9, semitones) for semitones in (0, 5))
    assert np.array_equal(high.pitch, plain.pitch + 5) and np.array_equal(high.start, plain.start)


def test_velocities_go_with_their_notes(corpus_of: Corpus) -> None:
    rows = rows_of(corpus_of(tiny_played.config("velocities")))
    batch = velocity_batch([quantised(rows[0])])
    assert batch["velocity"].tolist() == [rows[0].velocity.tolist()]  # they stand on 24ths already


def test_distorted_notes_keep_what_belongs_to_them() -> None:
    """Chords of notes of which no two are alike; a chord that is broken has its notes in another order."""
    notes = [(at // 3 * 240, at // 3 * 240 + 100 + 40 * at, 60 + at % 3, 1 + at) for at in range(60)]
    row = row_of(Section(np.array(notes), Clip((), 24000), False, 0), 0, 60)
    belong = {tuple(each) for each in np.column_stack([row.velocity, row.pitch, row.written]).tolist()}
    moved = 0
    for seed in range(20):
        found = distorted(row, np.random.default_rng(seed))
        assert {
            tuple(each) for each in np.column_stack([found.velocity, found.pitch, found.written]).tolist()
        } == belong
        assert (np.diff(found.start) >= 0).all() and found.start[0] >= 0 and (found.end > found.start).all()
        moved += not np.array_equal(found.velocity, row.velocity)
        if found.reach < 1:
            share = (found.end - found.start) / found.written[:, 1]
            assert share.min() >= 0.8 - 1e-9 and share.max() <= 1.2 + 1e-9
    assert moved > 3


def test_a_quantised_row_stands_on_24ths_in_order() -> None:
    notes = np.array([[5, 9, 64, 1], [10, 950, 60, 2], [965, 970, 62, 3]])
    section = Section(notes, Clip((), 3840), False, 0)
    found = quantised(row_of(section, 0, 3))
    assert np.rint(found.start * TICKS).tolist() == [0, 0, 960]
    assert np.rint(found.end * TICKS).tolist() == [960, 40, 1000]
    assert (found.pitch.tolist(), found.velocity.tolist()) == ([60, 64, 62], [2, 1, 3])


def test_what_is_retold_lasts_as_long_in_seconds(corpus_of: Corpus) -> None:
    """Twice the quarters go with twice the tempo, but for what a tempo is a little off; notes keep their velocities."""
    row, scales, played = rows_of(corpus_of(tiny_played.config("velocities")))[0], set(), 0
    for seed in range(60):
        found = retold(row, np.random.default_rng(seed))
        scale = float(found.written[:, 0].max() / row.start[-1])
        scales.add(round(float(np.log2(scale)), 1))
        assert sorted(zip(found.pitch, found.velocity, strict=True)) == sorted(
            zip(row.pitch, row.velocity, strict=True)
        )
        assert np.sort(found.written[:, 0]) == pytest.approx(row.start * scale)
        assert np.abs(found.start - found.written[:, 0]).max() < 0.5
        assert (np.diff(found.start) >= 0).all()
        assert 0.5 < found.section.frame.tempo / row.section.frame.tempo / scale < 2
        played += not np.allclose(found.start, found.written[:, 0], atol=1 / 40)
    assert scales == {-1.0, 0.0, 1.0}
    assert 8 < played < 30


def test_drums_are_not_transposed_and_are_no_tones(corpus_of: Corpus) -> None:
    config = tiny_played.config("velocities", transpose=6)
    corpus = corpus_of(config)
    kit = [replace(section, drums=True) for section in corpus.splits["train"]]
    own = {int(pitch) + 128 for section in kit for pitch in section.notes[:, 2]}
    tones = VelocityBatches(corpus, config)
    drums = VelocityBatches(NoteCorpus(corpus.codec, corpus.splits | {"train": kit}, {}), config)
    found = {pitch for step in range(8) for pitch in drums.rows(step, 0)["pitch"].flatten().tolist()}
    moved = {pitch + 128 for step in range(8) for pitch in tones.rows(step, 0)["pitch"].flatten().tolist()}
    assert found <= own and not moved <= own
