"""`vary`: what is kept is kept exactly, and what is asked for is moved."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from tiny import tune

from continuo_daw.assistant.engine import Engine
from continuo_daw.assistant.errors import AssistantError
from continuo_daw.assistant.music.attributes import NAMES, attributes
from continuo_daw.assistant.music.clip import TICKS, Clip, Note
from continuo_daw.assistant.paths import bundled_models
from continuo_daw.assistant.request import Candidate, Request

Ask = Callable[..., tuple[Candidate, ...]]
BAR = 4 * TICKS
TUNE = tune(1, 4)
CHORDS = tune(2, 4, voices=3)
ODD = Clip(
    (Note(0, 60, 481, 101), Note(480, 62, 300, 55, True), Note(963, 64, 400, 40), Note(5000, 65, 9000, 90)),
    2 * BAR - 77,
    93.5,
)  # off the grid, muted, over the end, in half a bar
LEAPS = {"amount": 1.0, "candidates": 6}


def rhythm(clip: Clip) -> list[tuple[int, int, int, bool]]:
    return [(note.start, note.duration, note.velocity, note.muted) for note in clip.notes]


def pitches(clip: Clip) -> list[int]:
    return [note.pitch for note in clip.notes]


@pytest.mark.parametrize("clip", [TUNE, CHORDS, ODD, tune(1, 1), tune(3, 3, (6, 8))])
@pytest.mark.parametrize("model", ["vae-one-2", "vae-many-2", "seqae-one-1"])
def test_no_change_gives_the_clip_back(ask: Ask, clip: Clip, model: str) -> None:
    for keep in ("nothing", "rhythm", "pitches"):
        found = ask("vary", clip, amount=0, keep=keep, model=model, candidates=2)
        assert [c.clip for c in found] == [clip, clip]


@pytest.mark.parametrize("clip", [TUNE, CHORDS, ODD, tune(1, 1), tune(3, 3, (6, 8))])
@pytest.mark.parametrize("keep", ["nothing", "rhythm", "pitches"])
@pytest.mark.parametrize("model", ["vae-one-2", "vae-many-2", "seqae-one-2"])
def test_a_variation_lies_within_the_bars_of_its_clip(ask: Ask, clip: Clip, keep: str, model: str) -> None:
    for candidate in ask("vary", clip, keep=keep, model=model, **LEAPS):
        found = candidate.clip
        assert found.length in (clip.length, clip.bars * clip.bar)
        assert (candidate.at, found.tempo, found.meter) == (0, clip.tempo, clip.meter)
        own = {(note.start, note.duration) for note in clip.notes}
        assert all(n.end <= found.length or (n.start, n.duration) in own for n in found.notes)


@pytest.mark.parametrize("model", ["vae-one-2", "vae-many-2", "seqae-one-1"])
def test_a_kept_rhythm_is_kept_to_the_tick(ask: Ask, model: str) -> None:
    quiet = replace(ODD, notes=tuple(note for note in ODD.notes if not note.muted))
    for clip in (TUNE, CHORDS, quiet):
        found = [c.clip for c in ask("vary", clip, keep="rhythm", model=model, **LEAPS)]
        assert all(rhythm(other) == rhythm(clip) and other.length == clip.length for other in found)


@pytest.mark.parametrize("clip", [TUNE, CHORDS])
def test_with_a_kept_rhythm_pitches_change(ask: Ask, clip: Clip) -> None:
    found = [c.clip for c in ask("vary", clip, keep="rhythm", **LEAPS)]
    assert all(pitches(other) != pitches(clip) for other in found)
    assert len(set(found)) > 3


def test_a_kept_rhythm_is_kept_beside_muted_notes(ask: Ask) -> None:
    clip = Clip((Note(0, 60, 480, 100), Note(480, 64, 480, 40, True), Note(960, 65, 480, 90)), BAR)
    assert rhythm(ask("vary", clip, keep="rhythm")[0].clip) == rhythm(clip)


def test_with_a_kept_rhythm_pitches_off_the_grid_change_as_well(ask: Ask) -> None:
    played = replace(TUNE, notes=tuple(replace(note, start=note.start + 30, duration=200) for note in TUNE.notes))
    found = [c.clip for c in ask("vary", played, keep="rhythm", **LEAPS)]
    changed = np.mean([[a != b for a, b in zip(pitches(c), pitches(played), strict=True)] for c in found])
    assert changed > 0.5


def test_chords_keep_their_order(ask: Ask) -> None:
    for candidate in ask("vary", CHORDS, keep="rhythm", **LEAPS):
        for a, b in pairwise(candidate.clip.notes):
            assert a.start < b.start or a.pitch < b.pitch


@pytest.mark.parametrize(
    "clip",
    [
        TUNE,
        CHORDS,
    ],
)
def test_kept_pitches_follow_each_other_as_they_did(ask: Ask, clip: Clip) -> None:
    """Where a bar has no place for all its notes, the first ones stay."""
    for candidate in ask("vary", clip, keep="pitches", **LEAPS):
        for bar in range(4):
            found, own = (pitches(c.window(bar * BAR, (bar + 1) * BAR)) for c in (candidate.clip, clip))
            assert found and found == own[: len(found)]


@pytest.fixture(scope="module")
def shipped() -> Callable[..., tuple[Clip, ...]]:
    """`vary` with the model that ships."""
    engine = Engine([bundled_models()], "cpu")

    def vary(clip: Clip, **options: object) -> tuple[Clip, ...]:
        given = {"seed": 5, "model": "melody-2bars", **options}
        return tuple(c.clip for c in engine.run(Request("vary", (clip,), given)).candidates)

    return vary


@pytest.mark.parametrize("seed", range(3))
def test_a_network_that_has_learnt_keeps_every_pitch(shipped: Callable[..., tuple[Clip, ...]], seed: int) -> None:
    clip = tune(seed, 4)
    for found in shipped(clip, keep="pitches", amount=0.5, candidates=4):
        assert pitches(found) == pitches(clip)
        assert rhythm(found) != rhythm(clip)


def test_amount_is_how_far_a_variation_goes(shipped: Callable[..., tuple[Clip, ...]]) -> None:
    def kept(amount: float) -> float:
        own = {(note.start, note.pitch) for note in TUNE.notes}
        found = [{(note.start, note.pitch) for note in c.notes} for c in shipped(TUNE, amount=amount, candidates=8)]
        return float(np.mean([len(own & notes) / len(own) for notes in found]))

    assert kept(0.05) > kept(0.4) > kept(1.0)
    assert kept(0.05) > 0.8


def test_a_bar_that_does_not_change_is_the_clip_s_own(shipped: Callable[..., tuple[Clip, ...]]) -> None:
    played = replace(TUNE, notes=tuple(replace(note, start=note.start + 3, velocity=77) for note in TUNE.notes))
    bars = [played.window(bar * BAR, (bar + 1) * BAR).notes for bar in range(4)]
    found = shipped(played, amount=0.05, candidates=8)
    same = [c.window(bar * BAR, (bar + 1) * BAR).notes == bars[bar] for c in found for bar in range(4)]
    assert np.mean(same) > 0.5


@pytest.mark.parametrize(("name", "change"), [("density", 0.5), ("density", -0.5), ("pitch", 5), ("pitch", -5)])
def test_what_is_asked_for_is_moved(shipped: Callable[..., tuple[Clip, ...]], name: str, change: float) -> None:
    clips = [tune(seed, 4) for seed in range(4)]
    reached = [attributes(shipped(clip, **{name: change})[0])[name] - attributes(clip)[name] for clip in clips]
    assert 0.25 < np.mean(reached) / change < 1.5


@pytest.mark.parametrize("change", [-30, -10.5, 7, 25])
@pytest.mark.parametrize("keep", ["nothing", "rhythm"])
def test_the_mean_velocity_is_met(shipped: Callable[..., tuple[Clip, ...]], change: float, keep: str) -> None:
    for found in shipped(TUNE, velocity=change, keep=keep, candidates=2):
        assert attributes(found)["velocity"] - attributes(TUNE)["velocity"] == pytest.approx(change, abs=0.51)


def test_the_answer_says_what_was_reached(ask: Ask) -> None:
    found = ask("vary", TUNE, pitch=3.0, density=0.5)[0]
    assert set(found.measures) == {"density", "register", "pitch"}
    assert found.measures["pitch"] == round(attributes(found.clip)["pitch"], 3)
    assert found.measures["density"] == round(attributes(found.clip)["density"], 3)


@pytest.mark.parametrize("change", [-1, 1])
@pytest.mark.parametrize("name", NAMES)
def test_any_clip_can_be_moved(ask: Ask, name: str, change: int) -> None:
    for clip in (Clip((Note(480, 60, 100),), BAR), Clip((Note(0, 60, BAR), Note(0, 64, BAR)), BAR), CHORDS):
        found = ask("vary", clip, **{name: change * (1 if name != "velocity" else 20)})[0].clip
        assert all(note.end <= found.length for note in found.notes)


def test_a_clip_whose_last_note_rings_can_become_denser(ask: Ask) -> None:
    assert ask("vary", Clip((Note(0, 60, 960), Note(3600, 62, 960)), BAR), density=1)


def test_the_seed_repeats_and_a_candidate_is_the_same_alone_and_among_others(ask: Ask) -> None:
    for options in ({}, {"keep": "rhythm"}, {"keep": "pitches"}, {"density": 0.5}):
        found = ask("vary", TUNE, candidates=4, **options)
        assert found == ask("vary", TUNE, candidates=4, **options)
        assert found[:1] == ask("vary", TUNE, **options)
    assert ask("vary", TUNE, **LEAPS) != ask("vary", TUNE, seed=6, **LEAPS)


def test_a_move_with_the_next_seed_is_another(ask: Ask) -> None:
    assert ask("vary", TUNE, density=0.5, candidates=2)[1].clip != ask("vary", TUNE, density=0.5, seed=6)[0].clip


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"keep": "pitches", "pitch": 2}, "pitch 2 cannot change while keep pitches holds it"),
        ({"keep": "rhythm", "density": 0.5}, "density 0.5 cannot change while keep rhythm holds it"),
        ({"keep": "rhythm", "syncopation": -0.5}, "syncopation -0.5 cannot change while keep rhythm holds it"),
        ({"keep": "rhythm", "length": 0.1}, "length 0.1 cannot change while keep rhythm holds it"),
        ({"density": 0.5, "model": "seqae-one-1"}, "seqae-one-1 has binary codes, which cannot be moved"),
        ({"amount": 1.5}, "amount 1.5 is not a number from 0 to 1"),
        ({"keep": "rythm"}, "did you mean rhythm?"),
    ],
)
def test_what_cannot_be_done_is_refused(ask: Ask, options: dict[str, object], text: str) -> None:
    with pytest.raises(AssistantError) as caught:
        ask("vary", TUNE, **options)
    assert caught.value.code == "bad_args"
    assert text in caught.value.text


@pytest.mark.parametrize(
    ("clip", "text"),
    [
        (Clip((), BAR), "clip 1 has no notes that sound"),
        (tune(1, 65), "clip 1 has 65 bars, 64 is the most"),
        (tune(1, 2, (4, 2)), "meter 4/2 has bars of more than 6 quarters, so vae-one-2 cannot take it"),
    ],
)
def test_clips_that_cannot_be_varied_are_refused(ask: Ask, clip: Clip, text: str) -> None:
    with pytest.raises(AssistantError) as caught:
        ask("vary", clip)
    assert (caught.value.code, caught.value.text) == ("bad_args", text)


def test_one_voice_stays_one_voice(shipped: Callable[..., tuple[Clip, ...]]) -> None:
    for seed in (1, 2, 3):
        assert all(clip.monophonic for clip in shipped(tune(seed, 4), candidates=8))


def test_bars_that_are_kept_are_not_sounded_over(shipped: Callable[..., tuple[Clip, ...]]) -> None:
    starts = [note.start + 240 for note in tune(15, 4).notes if note.start + 240 < 4 * BAR]
    ends = [*starts[1:], 4 * BAR]
    rows = zip(starts, ends, tune(15, 4).notes, strict=False)
    late = Clip(tuple(Note(a, note.pitch, min(note.duration, b - a), note.velocity) for a, b, note in rows), 4 * BAR)
    found = [clip for seed in range(12, 20) for clip in shipped(late, amount=0.1, candidates=4, seed=seed)]
    assert late.monophonic and all(clip.monophonic for clip in found)


def test_a_clip_without_length_can_be_varied(ask: Ask) -> None:
    assert ask("vary", Clip((Note(0, 60, 960),), 0))
