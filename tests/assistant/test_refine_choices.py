"""What can be asked of the refine tasks: velocities, accents, a clip to be like, drums, models; and what is refused.

Rules stand in for the networks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import pytest
from refine_clips import CHORDS, CLIPS, MUTED, TUNE, as_given
from rule_networks import SCALE, STRESS

from continuo_daw.assistant.bundles.network import Network
from continuo_daw.assistant.engine import Engine
from continuo_daw.assistant.errors import AssistantError
from continuo_daw.assistant.music.clip import TICKS, Clip, Note, clip_of
from continuo_daw.assistant.music.midi import clip_of_midi
from continuo_daw.assistant.music.midi_write import midi_bytes
from continuo_daw.assistant.refining import passes as refiner
from continuo_daw.assistant.refining.dynamics import WITHIN
from continuo_daw.assistant.request import Request, Result

Refine = Callable[..., Result]


def test_velocities_without_variety_are_the_likeliest(refine: Refine) -> None:
    clip = clip_of([Note(0, 60, 480, 1), Note(480, 60, 480, 2), Note(960, 70, 480, 3)])
    made = refine("refine_velocity", clip, variety=0, mean=66).candidates[0].clip
    assert [note.velocity for note in made.notes] == [20 + 36 + STRESS, 20 + 36, 20 + 42 + STRESS]


@pytest.mark.parametrize(("given", "kept"), [(1, 30), (45, 45), (90, 90), (127, 100)])
def test_a_clip_stays_as_loud_as_it_was_where_there_is_room(refine: Refine, given: int, kept: int) -> None:
    clip = replace(TUNE, notes=tuple(replace(note, velocity=given) for note in TUNE.notes))
    for task in ("refine_velocity", "refine"):
        assert refine(task, clip).candidates[0].measures["mean_velocity"] == pytest.approx(kept, abs=0.5)


def test_velocities_come_from_the_notes_as_they_are_written(refine: Refine) -> None:
    clip = clip_of([Note(955, 60, 480, 1), Note(20, 48, 480, 1), Note(18, 72, 480, 9), Note(5, 50, 90, 9, muted=True)])
    made = refine("refine", clip, variety=0, mean=68).candidates[0].clip
    found = {note.pitch: note.velocity for note in made.notes}
    assert found == {60: 56 + STRESS, 48: 49 + STRESS, 72: 63 + STRESS, 50: 9}


def test_variety_leaves_the_likeliest_as_far_as_players_do(refine: Refine) -> None:
    clip = CLIPS["4000 notes"]
    likeliest = np.array([n.velocity for n in as_given(refine("refine_velocity", clip, variety=0).candidates[0])])
    for variety in (0.5, 1):
        made = np.array([n.velocity for n in as_given(refine("refine_velocity", clip, variety=variety).candidates[0])])
        assert np.abs(made - likeliest).mean() == pytest.approx(variety * SCALE * WITHIN**0.5, rel=0.1)


def test_the_same_seed_gives_the_same_velocities_and_candidates_differ(refine: Refine) -> None:
    for task in ("refine_velocity", "refine"):
        three = refine(task, CHORDS, candidates=3).candidates
        assert refine(task, CHORDS, candidates=3).candidates == three
        assert refine(task, CHORDS).candidates[0] == three[0]
        assert len({c.clip for c in three}) == 3
        assert refine(task, CHORDS, seed=6).candidates[0] != three[0]


def test_further_candidates_differ_even_without_variety(refine: Refine) -> None:
    assert len({c.clip for c in refine("refine_velocity", CHORDS, variety=0, candidates=3).candidates}) == 3


@pytest.mark.parametrize("task", ["refine_velocity", "refine"])
@pytest.mark.parametrize(("mean", "spread"), [(40, None), (100.5, 6), (None, 15), (64, 20)])
def test_mean_and_spread_are_those_asked_for(
    refine: Refine, task: str, mean: float | None, spread: float | None
) -> None:
    asked = {key: value for key, value in (("mean", mean), ("spread", spread)) if value is not None}
    for options in ({}, {"to": 12}):
        candidate = refine(task, MUTED, **asked, **options).candidates[0]
        made = [
            after.velocity
            for before, after in zip(MUTED.notes, as_given(candidate), strict=True)
            if not before.muted and before.start < options.get("to", 1000) * TICKS
        ]
        assert mean is None or abs(np.mean(made) - mean) <= 0.5
        assert spread is None or np.std(made) == pytest.approx(spread, rel=0.1)
        assert candidate.measures["mean_velocity"] == pytest.approx(np.mean(made), abs=0.01)
        assert candidate.measures["velocity_spread"] == pytest.approx(np.std(made), abs=0.01)


def test_accents_are_kept_where_they_are_wanted(refine: Refine) -> None:
    notes = [Note(k * 480, 60, 480, 110 if k == 5 else 60) for k in range(16)]
    clip = clip_of(notes)
    for keep in (False, True):
        made = refine("refine_velocity", clip, variety=0, keep_accents=keep).candidates[0].clip.notes
        above = made[5].velocity - np.median([made[k].velocity for k in (3, 4, 6, 7)])
        assert (above >= 50) == keep


def test_a_second_clip_gives_its_level_and_its_evenness(refine: Refine) -> None:
    flat = replace(TUNE, notes=tuple(replace(note, velocity=33) for note in TUNE.notes))
    for task in ("refine_velocity", "refine"):
        assert {n.velocity for n in refine(task, CHORDS, flat).candidates[0].clip.notes} == {33}
    loud = replace(CHORDS, notes=tuple(replace(note, velocity=100 + k % 9) for k, note in enumerate(CHORDS.notes)))
    like = refine("refine_velocity", CHORDS, loud).candidates[0].measures
    plain = refine("refine_velocity", CHORDS).candidates[0].measures
    assert like["mean_velocity"] == pytest.approx(104, abs=2)
    assert float(like["velocity_spread"]) < 4 < float(plain["velocity_spread"])
    asked = refine("refine_velocity", CHORDS, loud, mean=50, spread=12).candidates[0].measures
    assert (asked["mean_velocity"], asked["velocity_spread"]) == (
        pytest.approx(50, abs=0.5),
        pytest.approx(12, rel=0.1),
    )


def test_drums_reach_the_network_that_knows_them(refine: Refine, monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[tuple[str, bool]] = []

    def listening(network: Network, clip: Clip, drums: bool, stop: object) -> tuple[np.ndarray, np.ndarray]:
        heard.append((network.bundle.card.name, drums))
        return np.full(len(clip.notes), 60.0), np.full(len(clip.notes), SCALE)

    monkeypatch.setattr(refiner, "loudness", listening)
    drums = replace(TUNE, drums=True)
    for clip, options in ((TUNE, {}), (drums, {}), (drums, {"drums": False}), (TUNE, {"drums": True})):
        result = refine("refine_velocity", clip, **options)
        assert result.candidates[0].clip.drums == clip.drums
    assert heard == [("velocities", False), ("kits", True), ("velocities", False), ("kits", True)]


def test_drums_read_from_a_file_are_written_as_drums(refine: Refine) -> None:
    drums = clip_of_midi(midi_bytes(replace(CHORDS, drums=True)))
    made = refine("refine_velocity", drums).candidates[0].clip
    assert clip_of_midi(midi_bytes(made)) == made
    assert made.drums


DRUMS = replace(TUNE, drums=True)


@pytest.mark.parametrize(
    ("task", "clips", "options", "code", "text"),
    [
        ("refine_duration", (DRUMS,), {}, "bad_args", "a drum note has no note value"),
        ("refine", (TUNE,), {"drums": 1}, "bad_args", "a drum note has no note value"),
        ("refine_velocity", (DRUMS,), {"model": "velocities"}, "bad_args", "is drums, and velocities knows none"),
        ("refine_duration", (TUNE, TUNE), {}, "bad_args", "refine_duration takes 1 clips, 2 were given"),
        ("refine", (), {}, "bad_args", "refine takes 1 to 2 clips, 0 were given"),
        ("refine", (Clip((), 3840),), {}, "bad_args", "clip 1 has no notes that sound"),
        ("refine", (TUNE, Clip((), 3840)), {}, "bad_args", "clip 2 has no notes that sound"),
        ("refine_velocity", (TUNE,), {"from": 4, "to": 2}, "bad_args", "beats from 4 to 2; they start in the beats 0"),
        ("refine_velocity", (TUNE,), {"from": 500.5}, "bad_args", "starts in the beats from 500.5"),
        ("refine_velocity", (TUNE,), {"amount": 1.5}, "bad_args", "amount 1.5 is not a number from 0 to 1"),
        ("refine_velocity", (TUNE,), {"mean": 0}, "bad_args", "mean 0 is not a number from 1 to 127"),
        ("refine_duration", (TUNE,), {"candidates": 2}, "bad_args", "candidates 2 is not 1, and refine"),
        ("refine_duration", (TUNE,), {"tidy": "onset"}, "bad_args", "did you mean onsets"),
        ("refine_duration", (TUNE,), {"model": "velocities"}, "no_model", "no model velocities for "),
        ("refine", (TUNE,), {"model": "durations+mozart"}, "no_model", "known: durations + velocities, kits"),
        ("refine", (TUNE,), {"model": "velocities+kits"}, "no_model", "no model kits for refine"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_said(
    rules: Engine, task: str, clips: tuple[Clip, ...], options: Mapping[str, object], code: str, text: str
) -> None:
    with pytest.raises(AssistantError) as caught:
        rules.run(Request(task, clips, options))
    assert caught.value.code == code
    assert text in caught.value.text


@pytest.mark.parametrize("model", ["", "durations", "kits", "durations+kits", "kits+durations", "durations+velocities"])
def test_refine_has_a_model_for_each_of_its_parts(rules: Engine, model: str) -> None:
    request = Request("refine", (TUNE,), {"model": model, "seed": 1})
    wanted = "durations+" + ("kits" if "kits" in model else "velocities")
    assert rules.plan(request).model == rules.run(request).model == wanted


def test_without_one_of_its_models_refine_says_which(rules: Engine) -> None:
    del rules.bundles["durations"]
    with pytest.raises(AssistantError, match="no model for refine_duration is installed"):
        rules.plan(Request("refine", (TUNE,)))
