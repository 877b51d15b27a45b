"""How far clips lie apart, and which of them lead most evenly from one to another."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations, pairwise
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny import tune

from continuo_daw.assistant.latent.distance import ASTRAY, BACK, FARTHER, distances, even_steps, happenings
from continuo_daw.assistant.music.clip import TICKS, Clip, Note

BAR = 4 * TICKS
notes = st.lists(
    st.builds(Note, start=st.integers(0, BAR - 1), pitch=st.integers(60, 63), duration=st.integers(1, 2 * BAR)),
    max_size=8,
)


def distance(one: Clip, other: Clip) -> float:
    return float(distances([one], other)[0])


@given(notes, notes)
def test_a_distance_is_a_share_and_the_same_both_ways(one: list[Note], other: list[Note]) -> None:
    a, b = Clip(tuple(one), BAR), Clip(tuple(other), BAR)
    assert 0 <= distance(a, b) == distance(b, a) <= 1


@pytest.mark.parametrize("seed", range(4))
def test_a_clip_is_like_itself_at_any_loudness(seed: int) -> None:
    clip = tune(seed, 2)
    assert distance(clip, replace(clip, notes=tuple(replace(n, velocity=30) for n in clip.notes), tempo=90.0)) == 0


def test_clips_in_other_registers_have_nothing_in_common() -> None:
    clip = tune(1, 2)
    higher = replace(clip, notes=tuple(replace(n, pitch=n.pitch + 24) for n in clip.notes))
    assert distance(clip, higher) == 1


def test_figures_that_can_be_counted() -> None:
    held = Clip((Note(0, 60, BAR),), BAR)
    half = Clip((Note(0, 60, BAR // 2),), BAR)
    late = Clip((Note(BAR // 2, 60, BAR // 2),), BAR)
    again = Clip((Note(0, 60, BAR // 2), Note(BAR // 2, 60, BAR // 2)), BAR)
    assert distance(held, half) == pytest.approx(1 - 2 * 9 / (17 + 9))
    assert distance(held, late) == pytest.approx(1 - 2 * 8 / (17 + 9))
    assert distance(held, again) == pytest.approx(1 - 2 * 17 / (17 + 18))
    assert distances([held, half, late], held).tolist() == [distance(c, held) for c in (held, half, late)]


def test_a_shorter_clip_is_silent_behind_its_end() -> None:
    long = Clip((Note(0, 60, BAR), Note(BAR, 60, BAR)), 2 * BAR)
    assert distance(long.window(0, BAR), long) == pytest.approx(1 - 2 * 17 / (17 + 34))


def test_muted_notes_and_what_sounds_over_the_end_do_not_count() -> None:
    clip = Clip((Note(0, 60, BAR),), BAR)
    more = Clip((Note(0, 60, 3 * BAR), Note(0, 64, BAR, 80, True)), BAR)
    assert distance(clip, more) == 0


def test_what_sounds_and_what_starts_happens() -> None:
    found = happenings(Clip((Note(480, 60, 480), Note(960, 62, 10)), BAR))
    assert sorted(divmod(number, 256) for number in found) == [(2, 60), (2, 188), (3, 60), (4, 62), (4, 190)]


def test_against_silence_everything_differs() -> None:
    assert distance(Clip((), BAR), tune(1, 1)) == 1


def test_the_last_upbeat_is_heard() -> None:
    clip = Clip((Note(0, 60, TICKS),), BAR)
    assert distance(clip, replace(clip, notes=(*clip.notes, Note(BAR - 40, 64, 40)))) > 0


def places(*pitches: int) -> Clip:
    """Quarters of these pitches; 0 is a rest."""
    return Clip(tuple(Note(k * TICKS, pitch, TICKS) for k, pitch in enumerate(pitches) if pitch), BAR)


def chosen_of(clips: list[Clip], first: Clip, last: Clip, steps: int) -> tuple[list[int], float]:
    """What `even_steps` takes of some clips."""
    return even_steps([happenings(clip) for clip in clips], happenings(first), happenings(last), steps)


def cost(chosen: tuple[int, ...], clips: list[Clip], first: Clip, last: Clip, steps: int) -> float:
    """What the choice costs, step by step, as the docstring of `even_steps` says."""
    away, near = distances(clips, first), distances(clips, last)
    whole = float(distances([first], last)[0])
    total = 0.0
    for step, which in enumerate(chosen, 1):
        a, b = away[which], near[which]
        total += abs(a / max(a + b, 1e-9) - step / (steps - 1)) + ASTRAY * ((a + b) / max(whole, 1e-9) - 1)
        total += 100.0 * (not clips[which].notes)
    ends = [(0.0, whole), *((away[which], near[which]) for which in chosen), (whole, 0.0)]
    for (a, b), (c, d) in pairwise(ends):
        back = max(a - c, 0) + max(d - b, 0)
        total += BACK + FARTHER * back if back > 1e-9 else 0.0
    return total


mixtures = st.lists(st.lists(st.sampled_from([0, 60, 61, 62, 63, 70, 72, 74, 76]), min_size=4, max_size=4), min_size=5)


@given(mixtures.filter(lambda rows: len(rows) <= 8), st.integers(3, 5))
@settings(max_examples=60, deadline=None)
def test_the_steps_are_the_best_of_all_choices(rows: list[list[int]], steps: int) -> None:
    first, last = places(60, 61, 62, 63), places(70, 72, 74, 76)
    clips = [places(*row) for row in rows]
    chosen, price = chosen_of(clips, first, last, steps)
    assert chosen == sorted(set(chosen)) and len(chosen) == steps - 2
    costs = [cost(which, clips, first, last, steps) for which in combinations(range(len(clips)), steps - 2)]
    assert cost(tuple(chosen), clips, first, last, steps) == pytest.approx(min(costs), abs=1e-6)
    assert price == pytest.approx(min(costs) / (steps - 2), abs=1e-6)


@given(st.lists(st.integers(0, 2), min_size=10, max_size=10), st.randoms(use_true_random=False))
@settings(max_examples=40, deadline=None)
def test_a_way_without_a_step_back_is_found_where_there_is_an_even_one(strays: list[int], random: Random) -> None:
    ends = [60, 61, 62, 63], [70, 72, 74, 76]
    good = [places(*ends[1][:k], *ends[0][k:]) for k in (1, 2, 3)]
    clips: list[Clip] = []
    for index, clip in enumerate(good):
        clips += [places(*(random.choice((0, 60, 65, 74)) for _ in range(4))) for _ in range(strays[index])]
        clips.append(clip)
    first, last = (places(*pitches) for pitches in ends)
    chosen = [first, *(clips[which] for which in chosen_of(clips, first, last, 5)[0]), last]
    away, near = distances(chosen, first), distances(chosen, last)
    assert np.all(np.diff(away) >= -1e-9) and np.all(np.diff(near) <= 1e-9)


def test_an_empty_clip_is_chosen_only_where_there_is_no_other() -> None:
    first, last, empty = places(60, 61, 62, 63), places(70, 72, 74, 76), places(0, 0, 0, 0)
    far = places(20, 0, 0, 0)
    assert chosen_of([empty, empty, far, empty], first, last, 3)[0] == [2]
    assert chosen_of([empty, far, empty, far, empty], first, last, 4)[0] == [1, 3]
    assert len(chosen_of([empty] * 5, first, last, 4)[0]) == 2
