"""The refine networks at work, with tiny ones that have learnt nothing: every clip gets an answer that is a clip."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tiny_notes

from continuo_daw.assistant.bundles.bundle import read_bundle
from continuo_daw.assistant.bundles.families import LENGTHS, ONSETS
from continuo_daw.assistant.bundles.network import Network, load
from continuo_daw.assistant.errors import AssistantError
from continuo_daw.assistant.music.clip import TICKS, Clip, Note, clip_of
from continuo_daw.assistant.refining.choices import VALUES
from continuo_daw.assistant.refining.passes import loudness, tidied

WINDOW = 24
SIZES = (1, 2, WINDOW - 1, WINDOW, WINDOW + 1, 3 * WINDOW)


@pytest.fixture(scope="module")
def durations(tmp_path_factory: pytest.TempPathFactory) -> Network:
    return network(tmp_path_factory.mktemp("models"), "durations")


@pytest.fixture(scope="module")
def velocities(tmp_path_factory: pytest.TempPathFactory) -> Network:
    return network(tmp_path_factory.mktemp("models"), "velocities")


def network(folder: Path, family: str) -> Network:
    return load(read_bundle(tiny_notes.bundle(folder, family, window=WINDOW)), "cpu", 1)


def music(count: int, meter: tuple[int, int] = (4, 4), seed: int = 1) -> Clip:
    """Notes and chords of any length at any place."""
    random = np.random.default_rng(seed)
    start = np.sort(random.integers(0, 30 * count, count)) * 16
    rows = zip(start.tolist(), random.integers(30, 90, count), random.integers(20, 3000, count), strict=True)
    return clip_of((Note(at, int(pitch), int(long)) for at, pitch, long in rows), 100.0, meter)


def sounding(clip: Clip) -> np.ndarray:
    return np.array([(n.start, n.duration) for n in clip.notes if not n.muted], np.float64).reshape(-1, 2).T


def check(clip: Clip, start: np.ndarray, length: np.ndarray) -> None:
    """Whole ticks inside the clip, one for each note."""
    given = sounding(clip)
    assert start.shape == length.shape == given[0].shape
    assert np.array_equal(start, np.rint(start)) and np.array_equal(length, np.rint(length))
    assert (start >= 0).all() and (start < max(clip.length, 1)).all() and (length >= 1).all()
    assert np.abs(start - given[0]).max(initial=0) <= TICKS


@pytest.mark.parametrize("count", SIZES)
@pytest.mark.parametrize("meter", [(4, 4), (6, 8), (7, 8)])
def test_any_number_of_notes_can_be_tidied(durations: Network, count: int, meter: tuple[int, int]) -> None:
    clip = music(count, meter)
    check(clip, *tidied(durations, clip))


@pytest.mark.parametrize("count", SIZES)
@pytest.mark.parametrize("drums", [False, True])
def test_any_number_of_notes_has_velocities(velocities: Network, count: int, drums: bool) -> None:
    location, scale = loudness(velocities, music(count), drums)
    assert location.shape == scale.shape == (count,)
    assert ((location >= 1) & (location <= 127) & (scale > 0)).all()
    assert np.isfinite(scale).all()


def test_four_thousand_notes(durations: Network, velocities: Network) -> None:
    clip = music(4000)
    check(clip, *tidied(durations, clip))
    assert np.isfinite(loudness(velocities, clip, False)).all()


def test_nothing_of_nothing(durations: Network, velocities: Network) -> None:
    muted = Note(0, 60, 960, 80, True)
    for clip in (Clip((), 0), Clip((), 3840), Clip((muted,), 3840)):
        for found in (*tidied(durations, clip), *loudness(velocities, clip, False)):
            assert found.shape == (0,)


def test_muted_notes_are_not_there(durations: Network, velocities: Network) -> None:
    clip = music(40)
    muted = tuple(Note(note.start + 30, 90, 777, 3, True) for note in clip.notes[::3])
    more = Clip(clip.notes + muted, clip.length, clip.tempo, clip.meter)
    assert np.array_equal(tidied(durations, more), tidied(durations, clip))
    assert np.array_equal(loudness(velocities, more, False), loudness(velocities, clip, False))


def test_what_is_not_asked_for_stays(durations: Network) -> None:
    clip = music(60)
    start, length = sounding(clip)
    both = tidied(durations, clip)
    assert (both[0] != start).any() and (both[1] != length).any()
    assert np.array_equal(tidied(durations, clip, durations=False), (both[0], length))
    alone = tidied(durations, clip, onsets=False)
    assert np.array_equal(alone[0], start) and (alone[1] != length).any()
    assert np.array_equal(tidied(durations, clip, onsets=False, durations=False), (start, length))


def test_lengths_are_note_values_or_end_at_onsets(durations: Network) -> None:
    clip = music(60)
    start, length = tidied(durations, clip)
    values = set(np.rint(VALUES * TICKS / 24).tolist())
    for at, long in zip(start.tolist(), length.tolist(), strict=True):
        assert long in values or at + long in start


def test_lengths_of_a_known_reach_are_kept_within_it(durations: Network) -> None:
    clip = music(60)
    given = sounding(clip)[1]
    near = np.abs(given / tidied(durations, clip, onsets=False, reach=0.2)[1] - 1)
    free = np.abs(given / tidied(durations, clip, onsets=False)[1] - 1)
    usual = given >= 50
    assert near[usual].max() < 0.5 < free[usual].max()  # where nothing lies in reach all may be taken
    assert np.mean(near[usual] <= 0.22) > 0.9 > np.mean(free[usual] <= 0.22)


@pytest.mark.parametrize("meter", [(4, 4), (3, 4), (7, 8)])
def test_a_clip_some_bars_later_is_tidied_alike(
    durations: Network, velocities: Network, meter: tuple[int, int]
) -> None:
    clip = music(60, meter)
    later = clip.shifted(5 * clip.bar)
    start, length = tidied(durations, clip)
    moved, kept = tidied(durations, later)
    assert np.array_equal(moved, start + 5 * clip.bar) and np.array_equal(kept, length)
    assert np.array_equal(loudness(velocities, later, False), loudness(velocities, clip, False))


def test_the_order_of_the_answer_is_that_of_the_clip(durations: Network) -> None:
    """Lengths are found for the notes in the order in which they then stand, and come back in the given one."""
    clip = music(60)
    start, length = tidied(durations, clip)
    assert (np.diff(start) < 0).any()  # notes have changed places
    tidy = [Note(int(at), n.pitch, n.duration) for n, at in zip(clip.notes, start, strict=True)]
    order = sorted(range(60), key=lambda k: (tidy[k].start, tidy[k].pitch))
    again = tidied(durations, Clip(tuple(tidy), clip.length, clip.tempo, clip.meter), onsets=False)[1]
    assert np.array_equal(again, length[order])


def test_drums_are_no_tones(velocities: Network) -> None:
    clip = music(30)
    tones, drums = (loudness(velocities, clip, which)[0] for which in (False, True))
    assert np.abs(tones - drums).max() > 0.01


def test_a_note_at_the_last_tick_stays_in_the_clip(durations: Network) -> None:
    clip = Clip((Note(0, 60, 240), Note(3839, 62, 1)), 3840)
    check(clip, *tidied(durations, clip))


def test_a_bundle_has_a_graph_for_onsets_and_one_for_lengths(durations: Network) -> None:
    assert set(durations.graphs) == {ONSETS, LENGTHS}


def test_a_long_clip_can_be_cancelled_between_its_windows(durations: Network, velocities: Network) -> None:
    asked: list[int] = []

    def stop() -> bool:
        asked.append(1)
        return len(asked) == 3

    for refine in (
        lambda clip: tidied(durations, clip, stop=stop),
        lambda clip: loudness(velocities, clip, False, stop),
    ):
        asked.clear()
        with pytest.raises(AssistantError, match="cancelled") as caught:
            refine(music(4000))
        assert caught.value.code == "cancelled" and len(asked) == 3
