"""Moves of codes: rules that point the way, and a search that finds it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import tiny_phrases
from numpy.typing import NDArray
from tiny import tune

from continuo_daw.assistant.latent.moves import ROUNDS, edited, held, moved
from continuo_daw.assistant.music.attributes import NAMES, attributes
from continuo_daw.assistant.music.clip import TICKS, Clip, Note

BAR = 4 * TICKS
WAYS = np.zeros((len(NAMES), tiny_phrases.LATENT), np.float32)
WAYS[0, 1], WAYS[1, 0], WAYS[4, 2] = 1.0, 1.6, 1.2  # what one standard deviation more takes on the instrument below
WAYS[1, 1], WAYS[4, 0] = 0.4, 0.3  # but a higher pitch brings more notes with it, and loudness a higher pitch
SPACE = replace(tiny_phrases.space(), directions=WAYS)
START = np.zeros((1, tiny_phrases.LATENT), np.float32)


def never() -> bool:
    return False


def played(codes: NDArray[np.float32]) -> list[Clip]:
    """An instrument that is easy to understand: the first number of a code is the pitch, the second the density, the
    third the loudness; the rest changes nothing."""
    clips = []
    for pitch, density, level in codes[:, :, :3].mean(1).tolist():
        count = int(np.clip(round(8 + 4 * density), 1, 32))
        velocity, height = (int(np.clip(round(x), 1, 127)) for x in (80 + 10 * level, 60 + 5 * pitch))
        notes = (Note(k % 8 * TICKS, height, TICKS, velocity) for k in range(count))
        clips.append(Clip(tuple(notes), 2 * BAR))
    return clips


@pytest.mark.parametrize(
    "wishes", [{"pitch": 4.0}, {"pitch": -6.0}, {"density": 0.5}, {"velocity": 15.0}, {"pitch": 3.0, "density": -0.25}]
)
def test_what_is_wished_is_found_and_the_rest_stays(wishes: dict[str, float]) -> None:
    clip = played(START[None])[0]
    code, found = moved(START, wishes, clip, SPACE, (), played, 1, never)
    before, after = attributes(clip), attributes(found)
    for name, unit in zip(NAMES, SPACE.deviations.tolist(), strict=True):
        assert abs(after[name] - before[name] - wishes.get(name, 0.0)) <= 0.3 * unit, name
    assert played(code[None])[0] == found


def test_examples_show_the_way() -> None:
    clip = played(START[None])[0]
    example = START.copy()
    example[0, 0] = 5
    lost = replace(SPACE, directions=0 * SPACE.directions, basis=0 * SPACE.basis)
    reached = [
        attributes(moved(START, {"pitch": 20.0}, clip, lost, examples, played, 1, never)[1])["pitch"]
        for examples in ((), (example,))
    ]
    assert (reached[0], reached[1]) == (60, pytest.approx(80, abs=2))


def test_the_seed_repeats() -> None:
    clip, wishes = played(START[None])[0], {"pitch": 3.0, "density": 0.3}
    first, again, other = (moved(START, wishes, clip, SPACE, (), played, seed, never) for seed in (1, 1, 2))
    assert np.array_equal(first[0], again[0]) and first[1] == again[1]
    assert not np.array_equal(first[0], other[0])


def test_every_phrase_is_moved() -> None:
    """Codes of several phrases are decoded together, and each has its own place on the way to an example."""
    codes, example = np.zeros((2, 3, tiny_phrases.LATENT), np.float32)
    example[2, 0] = 15
    seen = []

    def play(found: NDArray[np.float32]) -> list[Clip]:
        seen.append(found.shape)
        return played(found)

    code, clip = moved(codes, {"pitch": 25.0}, played(codes[None])[0], SPACE, (example,), play, 1, never)
    assert code.shape == (3, tiny_phrases.LATENT)
    assert code[2, 0] - code[0, 0] > 5
    assert len(seen) == ROUNDS and len(set(seen)) == 1
    assert attributes(clip)["pitch"] > 75


def test_a_stop_is_heard_between_rounds() -> None:
    clip = played(START[None])[0]
    assert moved(START, {"pitch": 3.0}, clip, SPACE, (), played, 1, lambda: True)[1] == clip
    asked = []
    moved(START, {"pitch": 3.0}, clip, SPACE, (), played, 1, lambda: asked.append(1) is None and len(asked) > 2)
    assert len(asked) == 3


def test_silence_is_never_the_best() -> None:
    def play(codes: NDArray[np.float32]) -> list[Clip]:
        return [Clip((), 2 * BAR) if k else clip for k, clip in enumerate(played(codes))]

    assert moved(START, {"pitch": 3.0}, played(START[None])[0], SPACE, (), play, 1, never)[1].notes


@pytest.mark.parametrize("voices", [1, 3])
@pytest.mark.parametrize("change", [-1, 1])
@pytest.mark.parametrize(("name", "unit"), [("density", 0.5), ("pitch", 5), ("velocity", 10)])
def test_an_edit_changes_what_it_is_for(name: str, unit: float, change: int, voices: int) -> None:
    for seed in range(4):
        clip = tune(seed, 4, voices=voices)
        found = edited(clip, name, change * unit)
        assert attributes(found)[name] - attributes(clip)[name] == pytest.approx(change * unit, rel=0.15)
        assert (found.length, found.tempo, found.meter) == (clip.length, clip.tempo, clip.meter)


def test_edits_of_syncopation_and_length_go_the_right_way() -> None:
    legato = Clip(tuple(Note(k * TICKS, 60 + k % 5, TICKS) for k in range(16)), 4 * BAR)
    early = edited(legato, "syncopation", 0.5)
    assert attributes(early)["syncopation"] > 0.3
    assert attributes(edited(early, "syncopation", -0.5))["syncopation"] < attributes(early)["syncopation"]
    short = edited(legato, "length", -0.5)
    assert attributes(short)["length"] == pytest.approx(0.5, abs=0.05)
    assert attributes(edited(short, "length", 0.3))["length"] == pytest.approx(0.8, abs=0.05)
    assert [note.start for note in short.notes] == [note.start for note in legato.notes]


@pytest.mark.parametrize("length", [0.3, 0.6, 1.0])
def test_notes_are_held_until_their_mean_length_is_met(length: float) -> None:
    clip = tune(1, 4)
    found = held(clip, length)
    assert attributes(found)["length"] == pytest.approx(length, abs=0.02)
    assert [(n.start, n.pitch, n.velocity) for n in found.notes] == [(n.start, n.pitch, n.velocity) for n in clip.notes]
    assert held(Clip((), BAR), length) == Clip((), BAR)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("change", [-100.0, 100.0])
def test_no_edit_is_too_much(name: str, change: float) -> None:
    for clip in (Clip((Note(0, 0, 1, 1),), BAR), Clip((Note(BAR - 1, 127, 1, 127),), BAR), tune(1, 2, (6, 8))):
        assert len(edited(clip, name, change).notes) <= 2 * len(clip.notes)
