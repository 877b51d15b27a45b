"""The refine tasks in place: which notes change, how far, and in which order.

Rules stand in for the networks.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from refine_clips import CHORDS, CLIPS, TUNE, as_given
from rule_networks import GRID

from continuo_daw.assistant.engine import Engine
from continuo_daw.assistant.errors import AssistantError
from continuo_daw.assistant.music.clip import TICKS, Clip, Note, clip_of
from continuo_daw.assistant.music.midi_write import midi_bytes
from continuo_daw.assistant.request import Candidate, Request, Result

TASKS = ("refine_duration", "refine_velocity", "refine")
Refine = Callable[..., Result]


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("name", CLIPS)
def test_number_order_and_pitches_stay(refine: Refine, task: str, name: str) -> None:
    clip = CLIPS[name]
    candidate = refine(task, clip).candidates[0]
    made = as_given(candidate)
    assert candidate.order is not None and sorted(candidate.order) == list(range(len(clip.notes)))
    assert [(n.pitch, n.muted) for n in made] == [(n.pitch, n.muted) for n in clip.notes]
    assert replace(candidate.clip, notes=()) == replace(clip, notes=())
    for before, after in zip(clip.notes, made, strict=True):
        if before.muted:
            assert before == after
        if task == "refine_duration":
            assert before.velocity == after.velocity
        if task == "refine_velocity":
            assert (before.start, before.duration) == (after.start, after.duration)


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("name", CLIPS)
def test_amount_0_gives_the_clip_back_byte_for_byte(refine: Refine, task: str, name: str) -> None:
    candidate = refine(task, CLIPS[name], amount=0).candidates[0]
    assert candidate.clip == CLIPS[name]
    assert midi_bytes(candidate.clip) == midi_bytes(CLIPS[name])
    assert candidate.order == tuple(range(len(CLIPS[name].notes)))
    assert (candidate.measures["changed"], candidate.measures["moved"]) == (0, 0)


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("name", CLIPS)
def test_what_lies_outside_is_context_and_stays(refine: Refine, task: str, name: str) -> None:
    clip = CLIPS[name]
    low, high = clip.notes[0].start, clip.notes[len(clip.notes) // 2].start + 1
    made = as_given(refine(task, clip, **{"from": low / TICKS, "to": high / TICKS}).candidates[0])
    for before, after in zip(clip.notes, made, strict=True):
        assert low <= before.start < high or before == after
    if len(clip.notes) > 1:
        assert made != list(clip.notes)


def test_part_of_a_clip_changes_as_it_does_in_the_whole(refine: Refine) -> None:
    """But for the level: that of the part stays."""
    whole = as_given(refine("refine", CHORDS).candidates[0])
    part = as_given(refine("refine", CHORDS, to=4).candidates[0])
    pairs = [(a, b) for a, b, g in zip(part, whole, CHORDS.notes, strict=True) if g.start < 3840]
    assert [replace(a, velocity=1) for a, _ in pairs] == [replace(b, velocity=1) for _, b in pairs]
    assert np.ptp([a.velocity - b.velocity for a, b in pairs]) <= 1  # rounding


def test_half_the_amount_is_half_the_way(refine: Refine) -> None:
    for task in TASKS:
        half, whole = (as_given(refine(task, TUNE, amount=amount).candidates[0]) for amount in (0.5, 1))
        for own, some, full in zip(TUNE.notes, half, whole, strict=True):
            for field in ("start", "duration", "velocity"):
                before, between, after = (getattr(note, field) for note in (own, some, full))
                assert between == int(np.floor((before + after) / 2 + 0.5))


@pytest.mark.parametrize(("what", "onsets", "durations"), [("both", 1, 1), ("onsets", 1, 0), ("durations", 0, 1)])
def test_only_what_is_tidied_is_on_the_grid(refine: Refine, what: str, onsets: int, durations: int) -> None:
    made = as_given(refine("refine_duration", TUNE, tidy=what).candidates[0])
    assert all(note.start % GRID == 0 for note in made) == bool(onsets)
    assert all(note.duration % GRID == 0 for note in made) == bool(durations)
    if not onsets:
        assert [n.start for n in made] == [n.start for n in TUNE.notes]
    if not durations:
        assert [n.duration for n in made] == [n.duration for n in TUNE.notes]


def test_notes_that_change_places_say_so(refine: Refine) -> None:
    clip = CLIPS["swapped"]
    candidate = refine("refine_duration", clip).candidates[0]
    assert candidate.order == (0, 1, 3, 2)
    assert [clip.notes[index].pitch for index in candidate.order] == [n.pitch for n in candidate.clip.notes]


def test_a_note_that_belongs_to_the_next_bar_stays_where_it_is(refine: Refine) -> None:
    clip = Clip((Note(10, 60, 900), Note(3800, 64, 50)), 3840)
    made = as_given(refine("refine_duration", clip).candidates[0])
    assert [note.start for note in made] == [0, 3800]


def test_notes_in_place_come_with_their_order_and_not_before(rules: Engine) -> None:
    heard: list[int] = []
    wholes: list[Candidate] = []
    rules.run(
        Request("refine", (CHORDS,), {"candidates": 2}),
        on_notes=lambda candidate, first, notes, total: heard.append(len(notes)),
        on_candidate=lambda index, candidate: wholes.append(candidate),
    )
    assert sum(heard) == 0
    assert [len(c.clip.notes) for c in wholes] == [len(CHORDS.notes)] * 2


def test_a_stop_ends_it_between_two_candidates(rules: Engine) -> None:
    asked: list[int] = []

    def stop() -> bool:
        asked.append(1)
        return len(asked) > 2

    with pytest.raises(AssistantError, match="was cancelled"):
        rules.run(Request("refine_velocity", (TUNE,), {"candidates": 16}), stop=stop)
    assert len(asked) == 3


note = st.builds(
    Note, st.integers(0, 4000), st.sampled_from((40, 60)), st.integers(1, 900), st.integers(1, 127), st.booleans()
)


@given(st.lists(note, min_size=1, max_size=12), st.floats(0, 1), st.sampled_from(TASKS))
@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_clip_comes_back_note_for_note(rules: Engine, notes: list[Note], amount: float, task: str) -> None:
    clip = clip_of([*notes, Note(0, 50, 10)])
    candidate = rules.run(Request(task, (clip,), {"amount": amount, "seed": 1})).candidates[0]
    made = as_given(candidate)
    assert [(n.pitch, n.muted) for n in made] == [(n.pitch, n.muted) for n in clip.notes]
    assert all(a == b for a, b in zip(clip.notes, made, strict=True) if a.muted)
    assert all(a <= b for a, b in pairwise(candidate.clip.notes))


def test_lengths_out_of_reach_stay(refine: Refine) -> None:
    clip = clip_of([Note(0, 60, 260), Note(960, 62, 330)])
    assert [n.duration for n in refine("refine_duration", clip).candidates[0].clip.notes] == [240, 240]
    assert [n.duration for n in refine("refine_duration", clip, reach=0.2).candidates[0].clip.notes] == [240, 330]
