"""The dynamics of one clip for another: what is learnt from a clip, and how it sounds on others."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tiny import tune

from continuo_daw.assistant.music.clip import TICKS, Clip, Note, clip_of
from continuo_daw.assistant.refining.style import applied, columns, learnt

SCALE = 8.0


def told(clip: Clip) -> tuple[np.ndarray, np.ndarray]:
    """What a network may say: location and scale."""
    random = np.random.default_rng(4)
    notes = [note for note in clip.notes if not note.muted]
    return random.normal(64, 8, len(notes)), np.full(len(notes), SCALE)


def played(clip: Clip, velocities: np.ndarray) -> Clip:
    whole = np.clip(np.rint(velocities), 1, 127).astype(int).tolist()
    return replace(clip, notes=tuple(replace(n, velocity=v) for n, v in zip(clip.notes, whole, strict=True)))


A, B = tune(1, 8), tune(2, 24, voices=2)


def test_the_highest_and_the_lowest_that_sound() -> None:
    bass, inner, top = Note(0, 40, 3840), Note(960, 60, 960), Note(0, 80, 1920)
    clip = clip_of([bass, top, inner, Note(1920, 61, 960), Note(3840, 50, 960)])
    table = columns(clip, np.arange(5.0))
    assert table[:, 0].tolist() == [0, 1, 2, 3, 4]
    assert table[:, 1].tolist() == [0, 1, 0, 1, 1]  # bass, top, inner, after the top has ended, alone
    assert table[:, 2].tolist() == [1, 0, 0, 0, 1]
    assert table[:, 3].tolist() == [1, 1, 0, 1, 1]  # bar lines and the middle of the bar


def test_muted_notes_are_not_looked_at() -> None:
    clip = clip_of([Note(0, 90, 960, muted=True), Note(0, 60, 960), Note(10, 50, 960)])
    assert columns(clip, np.zeros(2))[:, 1:3].tolist() == [[1, 0], [0, 1]]


def test_a_flat_clip_makes_others_flat_at_its_level() -> None:
    style = learnt(played(B, np.full(len(B.notes), 83)), *told(B))
    location, scale = applied(style, A, *told(A))
    assert location == pytest.approx(np.full(len(A.notes), 83.0))
    assert scale == pytest.approx(0)


def test_a_clip_that_does_as_the_network_says_changes_only_the_rest() -> None:
    location, scale = told(B)
    style = learnt(played(B, location), location, scale)
    assert style.weights[0] == pytest.approx(1, abs=0.1)
    assert style.freedom < 0.1
    found, _ = applied(style, A, *told(A))
    assert found == pytest.approx(told(A)[0], abs=2.5)


def test_a_voice_that_stands_out_there_stands_out_here() -> None:
    location, scale = told(B)
    top = columns(B, location)[:, 1]
    style = learnt(played(B, location - 10 + 20 * top), location, scale)
    other = tune(7, 8, voices=2)
    found, _ = applied(style, other, np.full(len(other.notes), 60.0), told(other)[1])
    highest = columns(other, found)[:, 1] == 1
    assert 14 < found[highest].mean() - found[~highest].mean() <= 21


def test_a_clip_of_few_notes_says_little_but_its_level() -> None:
    few = clip_of([Note(0, 60, TICKS, 20), Note(TICKS, 72, TICKS, 22)])
    style = learnt(few, np.array([50.0, 70.0]), np.full(2, SCALE))
    assert style.mean == 21
    assert 0 < style.weights[0] < 0.2  # as even as it is
    assert np.abs(style.weights[1:]).max() < 0.5


def test_one_note_gives_its_level() -> None:
    style = learnt(clip_of([Note(0, 60, TICKS, 45)]), np.array([70.0]), np.array([SCALE]))
    location, scale = applied(style, A, *told(A))
    assert location == pytest.approx(np.full(len(A.notes), 45.0))
    assert scale == pytest.approx(0)


def test_a_wild_player_is_wilder_than_a_calm_one() -> None:
    location, scale = told(B)
    random = np.random.default_rng(8).normal(0, 1, len(location))
    calm, wild = (learnt(played(B, location + by * random), location, scale).freedom for by in (3, 15))
    assert 3 * calm < wild
