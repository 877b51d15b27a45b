"""`walk`: exact bars, a theme that comes back, and codes that change by as many bits as asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny import tune

from continuo_daw.assistant.errors import AssistantError
from continuo_daw.assistant.latent.space import Latent
from continuo_daw.assistant.music.clip import TICKS, Clip
from continuo_daw.assistant.request import Candidate
from continuo_daw.assistant.tasks.walk import walked

Ask = Callable[..., tuple[Candidate, ...]]
BAR = 4 * TICKS
BITS = 24
STAY = {"theme_probability": 0, "new_theme": 0, "leap": 0, "flips": 2}


def start(bars: int = 1) -> Any:
    """Random signs (bars, BITS)."""
    return np.where(np.random.default_rng(9).random((bars, BITS)) > 0.5, 1, -1).astype(np.float32)


def walk(bars: int, seed: int, begin: Any = None, **options: float) -> Any:
    begin = start() if begin is None else begin
    return walked(begin, bars, STAY | options, np.random.default_rng(seed))


def flips(codes: Any) -> list[int]:
    """How many bits change from each code to the next."""
    return [int((a != b).sum()) for a, b in pairwise(codes)]


def bars_of(clip: Clip) -> list[tuple[tuple[int, int, int], ...]]:
    """Onset, pitch and velocity of the notes of each bar; how long the last one sounds, the next bar says."""
    bars = (clip.window(bar * clip.bar, (bar + 1) * clip.bar) for bar in range(clip.bars))
    return [tuple((note.start, note.pitch, note.velocity) for note in bar.notes) for bar in bars]


@given(st.integers(0, 30), st.integers(0, 1000))
def test_codes_differ_by_the_bits_that_are_flipped(count: int, seed: int) -> None:
    found = flips(walk(4, seed, flips=count))
    assert found == [min(count, BITS)] * 3


def test_each_step_without_a_theme_flips_bits() -> None:
    assert flips(walk(13, 1)) == [2] * 12


def test_without_flips_nothing_changes() -> None:
    assert flips(walk(16, 1, flips=0)) == [0] * 15


def test_a_theme_comes_back_after_every_four_bars() -> None:
    codes = walk(16, 1, theme_probability=1)
    assert all(np.array_equal(codes[bar], codes[0]) for bar in (4, 8, 12))
    assert all(not np.array_equal(codes[bar], codes[0]) for bar in (1, 2, 3, 5, 6, 7))


def test_a_walk_from_several_codes_starts_at_the_last_and_returns_to_the_first() -> None:
    begin = start(3)
    codes = walk(8, 1, begin, theme_probability=1)
    assert np.array_equal(codes[0], begin[2])
    assert np.array_equal(codes[4], begin[0])
    assert np.array_equal(begin, start(3))  # what was given is not written on


def test_what_is_reached_becomes_the_theme() -> None:
    def returns(seed: int, new_theme: float) -> list[int]:
        codes = walk(40, seed, theme_probability=0.5, new_theme=new_theme)
        return [bar for bar in range(4, 40, 4) if np.array_equal(codes[bar], codes[0])]

    assert sum(len(returns(seed, 1)) for seed in range(20)) < sum(len(returns(seed, 0)) for seed in range(20))


def test_a_leap_changes_every_bit() -> None:
    assert flips(walk(4, 1, flips=0, leap=1)) == [BITS] * 3
    assert flips(walk(4, 1, flips=5, leap=1)) == [BITS - 5] * 3


@pytest.mark.parametrize("given_clip", [True, False])
@pytest.mark.parametrize("model", ["seqae-one-1", "seqae-one-2"])
@pytest.mark.parametrize("bars", [1, 3, 16])
def test_a_walk_has_exactly_the_bars_asked_for(ask: Ask, bars: int, model: str, given_clip: bool) -> None:
    clips = (tune(3, 2, (3, 4)),) if given_clip else ()
    for candidate in ask("walk", *clips, bars=bars, model=model, candidates=3, meter="3/4", tempo=90):
        clip = candidate.clip
        assert (clip.length, clip.meter) == (bars * clip.bar, (3, 4))
        assert clip.tempo == (120 if given_clip else 90)
        assert candidate.at == (clips[0].length if clips else 0)
        assert clip.notes and all(note.end <= clip.length for note in clip.notes)


def test_the_theme_sounds_the_same_each_time(ask: Ask) -> None:
    for candidate in ask("walk", bars=16, theme_probability=1, candidates=4):
        found = bars_of(candidate.clip)
        assert found[0] and found[0] == found[4] == found[8] == found[12]
        assert len(set(found)) > 2


def test_without_flips_one_bar_is_repeated(ask: Ask) -> None:
    for candidate in ask("walk", bars=12, flips=0, candidates=4):
        assert len(set(bars_of(candidate.clip))) == 1


def test_a_walk_goes_on_from_a_clip(ask: Ask, bits: Latent) -> None:
    clip = replace(tune(3, 4), notes=tuple(replace(note, velocity=50) for note in tune(3, 4).notes))
    found = ask("walk", clip, bars=5, theme_probability=1, model="seqae-one-1")[0].clip
    codes = bits.encode(clip)
    played = [bits.codec.decode(bits.decode(code[None, None], 1, 96)[0]) for code in (codes[-1], codes[0])]
    for bar, notes in ((0, played[0]), (4, played[1])):
        assert [note[:2] for note in bars_of(found)[bar]] == [(n.start, n.pitch) for n in notes]
    louder = replace(clip, notes=tuple(replace(note, velocity=90) for note in clip.notes))
    again = ask("walk", louder, bars=5, theme_probability=1, model="seqae-one-1")[0].clip
    assert sum(note.velocity for note in again.notes) > sum(note.velocity for note in found.notes) + 20 * 5


def test_the_seed_repeats_and_candidates_differ(ask: Ask) -> None:
    for clips in ((), (tune(3, 4),)):
        found = ask("walk", *clips, candidates=6)
        assert found == ask("walk", *clips, candidates=6) != ask("walk", *clips, candidates=6, seed=6)
        assert found[:2] == ask("walk", *clips, candidates=2)
        assert len({candidate.clip for candidate in found}) > 3


def test_temperature_plays_the_same_code_in_other_ways(ask: Ask) -> None:
    cold, warm = (ask("walk", bars=12, flips=0, temperature=heat)[0].clip for heat in (0, 1.5))
    assert len(set(bars_of(cold))) == 1 < len(set(bars_of(warm)))


@pytest.mark.parametrize(
    ("clips", "options", "text"),
    [
        ((tune(1, 2),) * 2, {}, "walk takes 0 to 1 clips, 2 were given"),
        ((), {"model": "vae-one-2"}, "no model vae-one-2 for walk"),
        ((), {"meter": "4/2"}, "meter 4/2 has bars of more than 6 quarters, so seqae-one-1 cannot take it"),
        ((), {"meter": "1/64"}, "meter 1/64 has no whole bars on the grid of 24 a quarter"),
        ((), {"meter": "waltz"}, "meter waltz is not"),
        ((Clip((), BAR),), {}, "clip 1 has no notes that sound"),
        ((), {"flips": 65}, "flips 65 is not a whole number from 0 to 64"),
    ],
)
def test_what_cannot_be_walked_is_refused(
    ask: Ask, clips: tuple[Clip, ...], options: dict[str, object], text: str
) -> None:
    with pytest.raises(AssistantError) as caught:
        ask("walk", *clips, **options)
    assert caught.value.code == ("no_model" if "model" in options else "bad_args")
    assert text in caught.value.text
