"""The engine with the shipped models: exact bars, the same notes everywhere, streaming, cancel, clear errors."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from continuo_daw.assistant.bundles.bundle import Bundle, read_bundle
from continuo_daw.assistant.codecs.events import KINDS, EventCodec
from continuo_daw.assistant.engine import Engine
from continuo_daw.assistant.errors import AssistantError
from continuo_daw.assistant.music.clip import TICKS, Clip, Note, clip_of
from continuo_daw.assistant.paths import bundled_models
from continuo_daw.assistant.request import Candidate, Request, Result
from continuo_daw.assistant.sampling.generator import tonal_bias

SCALE = clip_of([Note(i * TICKS, 60 + step, TICKS, 90) for i, step in enumerate((0, 2, 4, 5, 7, 5, 4, 2))])
CHORDS = clip_of([Note(i * 2 * TICKS, p, 2 * TICKS, 70) for i, p in enumerate((48, 55, 64)) for p in (p, p + 12)])


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine([bundled_models()], "cpu")


def ask(engine: Engine, clip: Clip | None = SCALE, **options: object) -> Result:
    task = "continue" if clip else "generate"
    return engine.run(Request(task, (clip,) if clip else (), {"seed": 5, **options}))


@pytest.mark.parametrize("meter", [(4, 4), (3, 4), (7, 8), (6, 8)])
@pytest.mark.parametrize("bars", [1, 3])
def test_a_continuation_has_exactly_the_bars_asked_for(engine: Engine, meter: tuple[int, int], bars: int) -> None:
    clip = replace(SCALE, meter=meter)
    for candidate in ask(engine, clip, bars=bars, candidates=4).candidates:
        assert candidate.at == clip.length
        assert candidate.clip.length == bars * clip.bar
        assert candidate.clip.meter == meter
        assert candidate.clip.notes
        assert all(note.end <= candidate.clip.length for note in candidate.clip.notes)


def test_one_voice_goes_on_with_one_voice_and_chords_with_many(engine: Engine) -> None:
    melody, piano = ask(engine, SCALE), ask(engine, CHORDS)
    assert (melody.model, piano.model) == ("melody", "piano")
    assert melody.candidates[0].clip.monophonic


def test_a_note_that_sounds_over_the_end_is_waited_for_by_one_voice(engine: Engine) -> None:
    clip = Clip((Note(0, 60, TICKS), Note(3 * TICKS, 64, 3 * TICKS)), 4 * TICKS)
    for candidate in ask(engine, clip, candidates=4, model="melody").candidates:
        assert candidate.clip.notes[0].start >= 2 * TICKS


def test_a_clip_that_ends_between_two_bars_is_continued_from_there(engine: Engine) -> None:
    clip = replace(SCALE, length=SCALE.length + TICKS)
    candidate = ask(engine, clip, bars=2).candidates[0]
    assert candidate.at == clip.length
    assert candidate.clip.length == 2 * clip.bar


@pytest.mark.parametrize("ticks", [-19, -1, 1, 2, 19])
def test_a_clip_that_ends_a_few_ticks_off_the_bar_keeps_its_downbeat(engine: Engine, ticks: int) -> None:
    clip = replace(SCALE, length=SCALE.length + ticks, notes=SCALE.notes[:-1])
    found = ask(engine, clip, candidates=16, hold=0).candidates
    assert any(candidate.clip.notes[0].start <= 20 for candidate in found)
    assert all(note.end <= candidate.clip.length for candidate in found for note in candidate.clip.notes)


@pytest.mark.parametrize("seed", range(6))
def test_nothing_is_added_to_the_notes_that_were_given(engine: Engine, seed: int) -> None:
    wild = {"temperature": 2.0, "top_p": 1.0, "candidates": 16, "bars": 1, "hold": 0}
    for clip in (CHORDS, replace(CHORDS, length=CHORDS.notes[-1].start + 10)):
        found = ask(engine, clip, seed=seed, **wild).candidates
        assert min(note.pitch for c in found for note in c.clip.notes) > 0


def test_a_note_that_rings_for_ever_leaves_room_for_new_ones(engine: Engine) -> None:
    clip = Clip((Note(0, 60, 100 * TICKS),), 4 * TICKS)
    assert all(c.clip.notes for c in ask(engine, clip, candidates=4, bars=1, model="melody").candidates)


@pytest.mark.parametrize(
    "clip",
    [
        Clip((Note(0, 60, TICKS), Note(10**9, 62, TICKS)), 10**9 + 3840),
        Clip((Note(0, 60, TICKS),), 2 * 10**9),
        Clip(tuple(Note(k, 60 + k % 12, 2**31 - 1 - k, 80) for k in range(0, 3000)), 3840),
    ],
)
def test_no_clip_is_too_long_or_too_dense(engine: Engine, clip: Clip) -> None:
    for model in ("melody", "piano"):
        assert ask(engine, clip, model=model).candidates[0].clip.notes


def test_a_bar_that_no_grid_fits_is_filled(engine: Engine) -> None:
    candidate = ask(engine, replace(SCALE, meter=(5, 64)), bars=7).candidates[0]
    assert candidate.clip.length == 7 * 300
    assert candidate.clip.notes[-1].start < 7 * 300


@pytest.mark.parametrize("clip", [SCALE, CHORDS, None])
def test_the_same_seed_gives_the_same_notes_alone_in_a_batch_and_on_two_threads(clip: Clip | None) -> None:
    one, two = Engine([bundled_models()], "cpu", threads=1), Engine([bundled_models()], "cpu", threads=2)
    alone = ask(one, clip).candidates[0].clip
    assert ask(one, clip, candidates=8).candidates[0].clip == alone
    assert ask(two, clip).candidates[0].clip == alone
    assert ask(two, clip, candidates=8).candidates[0].clip == alone


def test_candidates_and_seeds_differ(engine: Engine) -> None:
    clips = [c.clip for c in ask(engine, candidates=4).candidates] + [ask(engine, seed=6).candidates[0].clip]
    assert len(set(clips)) == 5


def test_without_a_seed_one_is_drawn_and_told(engine: Engine) -> None:
    request = Request("continue", (SCALE,), {})
    result = engine.run(request)
    assert engine.run(replace(request, options={"seed": result.seed})).candidates == result.candidates


def test_notes_stream_in_order_and_are_those_of_the_result(engine: Engine) -> None:
    heard: dict[int, list[Note]] = {0: [], 1: []}
    totals: dict[int, int] = {}
    wholes: list[int] = []
    progress: list[float] = []

    def on_notes(candidate: int, first: int, notes: tuple[Note, ...], total: int) -> None:
        assert first == len(heard[candidate])
        heard[candidate] += notes
        totals[candidate] = total

    def on_candidate(index: int, candidate: Candidate) -> None:
        assert tuple(sorted(heard[index])) == candidate.clip.notes
        wholes.append(index)

    request = Request("continue", (CHORDS,), {"seed": 1, "candidates": 2, "bars": 8})
    result = engine.run(request, on_notes=on_notes, on_candidate=on_candidate, on_progress=progress.append)
    assert {index: len(notes) for index, notes in heard.items()} == totals
    assert sorted(wholes) == [0, 1] == list(range(len(result.candidates)))
    assert progress == sorted(progress)
    assert progress[-1] == 1.0


def test_a_stop_ends_it_between_two_slices(engine: Engine) -> None:
    asked = []

    def stop() -> bool:
        asked.append(1)
        return len(asked) > 2

    with pytest.raises(AssistantError, match="was cancelled") as caught:
        engine.run(Request("continue", (SCALE,), {"bars": 64}), stop=stop)
    assert caught.value.code == "cancelled"
    assert len(asked) == 3


def test_density_and_register_are_steered(engine: Engine) -> None:
    def mean(key: str, **options: float) -> float:
        found = ask(engine, None, candidates=8, bars=8, **options).candidates
        return sum(float(c.measures[key]) for c in found) / len(found)

    assert mean("density", density=0.5) < mean("density", density=3.0) - 0.5
    assert mean("register", register=55) < mean("register", register=75) - 5


@pytest.mark.parametrize(
    ("task", "clips", "options", "code", "text"),
    [
        ("sing", (), {}, "not_found", "unknown task sing; known: generate, continue"),
        ("continue", (), {}, "bad_args", "continue takes 1 clips, 0 were given"),
        ("generate", (SCALE,) * 2, {}, "bad_args", "generate takes 0 to 1 clips, 2 were given"),
        ("continue", (Clip((), 3840),), {}, "bad_args", "no notes that sound"),
        ("continue", (SCALE,), {"bars": 0}, "bad_args", "bars 0 is not a whole number from 1 to 64"),
        ("continue", (SCALE,), {"temperature": "hot"}, "bad_args", "temperature hot is not a number from 0.1 to 2"),
        ("continue", (SCALE,), {"barz": 4}, "bad_args", "unknown option barz; did you mean bars"),
        ("generate", (), {"meter": "4/5"}, "bad_args", "meter 4/5 is not"),
        ("generate", (), {"meter": "waltz"}, "bad_args", "meter waltz is not"),
        ("generate", (), {"model": "mozart"}, "no_model", "no model mozart for generate; known: melody, "),
    ],
)
def test_what_cannot_be_done_is_said(
    engine: Engine, task: str, clips: tuple[Clip, ...], options: Mapping[str, object], code: str, text: str
) -> None:
    with pytest.raises(AssistantError) as caught:
        engine.plan(Request(task, clips, options))
    assert caught.value.code == code
    assert text in caught.value.text


def test_a_broken_bundle_is_left_out_and_named(tmp_path: Path) -> None:
    for name in ("melody", "piano"):
        shutil.copytree(bundled_models() / name, tmp_path / name)
    (tmp_path / "piano" / "model.onnx").write_bytes(b"no")
    engine = Engine([tmp_path], "cpu")
    assert list(engine.bundles) == ["melody"]
    with pytest.raises(AssistantError, match=r"no model piano .*sha256 differs"):
        engine.plan(Request("continue", (CHORDS,), {"model": "piano"}))


def test_a_broken_copy_of_the_user_does_not_hide_the_shipped_model(tmp_path: Path) -> None:
    shutil.copytree(bundled_models() / "piano", tmp_path / "piano")
    (tmp_path / "piano" / "model.onnx").write_bytes(b"no")
    engine = Engine([bundled_models(), tmp_path], "cpu")
    assert set(engine.bundles) >= {"melody", "piano"}
    assert "sha256 differs" in engine.broken["piano"]


def test_a_lazy_engine_reads_the_bundle_that_it_needs_and_gives_the_same(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []

    def watched(folder: Path) -> Bundle:
        read.append(folder.name)
        return read_bundle(folder)

    monkeypatch.setattr("continuo_daw.assistant.engine.read_bundle", watched)
    lazy = Engine([bundled_models()], "cpu", lazy=True)
    assert list(lazy.bundles) == list(engine.bundles)
    assert [ask(lazy, CHORDS).candidates for _ in range(2)] == [ask(engine, CHORDS).candidates] * 2
    assert read == ["piano"]


def test_a_lazy_engine_leaves_out_what_it_finds_broken(tmp_path: Path) -> None:
    for name in ("melody", "piano"):
        shutil.copytree(bundled_models() / name, tmp_path / name)
    (tmp_path / "piano" / "model.onnx").write_bytes(b"no")
    engine = Engine([tmp_path], "cpu", lazy=True)
    assert ask(engine, CHORDS).model == "melody"
    with pytest.raises(AssistantError, match=r"no model piano .*sha256 differs"):
        ask(engine, CHORDS, model="piano")
    both = Engine([bundled_models(), tmp_path], "cpu", lazy=True)
    assert ask(both, CHORDS).model == "piano"
    assert "sha256 differs" in both.broken["piano"]


def test_without_any_model_the_error_says_so(tmp_path: Path) -> None:
    with pytest.raises(AssistantError, match="no model for continue is installed"):
        Engine([tmp_path], "cpu").plan(Request("continue", (SCALE,)))


def test_hold_keeps_to_the_pitch_classes_of_the_clip(engine: Engine) -> None:
    own = {note.pitch % 12 for note in SCALE.notes}

    def outside(hold: float) -> float:
        notes = [n for c in ask(engine, candidates=8, bars=8, hold=hold).candidates for n in c.clip.notes]
        return sum(note.pitch % 12 not in own for note in notes) / len(notes)

    assert outside(1.0) < outside(0.0)


def test_the_tonal_bias_leaves_the_share_of_the_clip_s_own_notes() -> None:
    codec = EventCodec()
    shares = np.bincount([note.pitch % 12 for note in SCALE.notes], minlength=12) / len(SCALE.notes)
    bias = tonal_bias(codec, shares, 0.7)
    of_pitch = {codec.values[token]: bias[token] for token in np.flatnonzero(codec.kinds == KINDS.index("PITCH"))}
    assert sum(share * np.exp(of_pitch[60 + k]) for k, share in enumerate(shares)) == pytest.approx(1)
    assert of_pitch[60] > of_pitch[61]
    assert of_pitch[61] == of_pitch[73]
    assert not bias[codec.kinds != KINDS.index("PITCH")].any()
    assert not tonal_bias(codec, np.zeros(12), 1.0).any()
    assert not tonal_bias(codec, shares, 0.0).any()
