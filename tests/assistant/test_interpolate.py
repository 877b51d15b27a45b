"""`interpolate`: both ends come back, and what lies between leads from one to the other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from tiny import tune

from continuo_daw.assistant.engine import Engine
from continuo_daw.assistant.errors import AssistantError
from continuo_daw.assistant.latent.space import Latent
from continuo_daw.assistant.music.clip import TICKS, Clip, Note, clip_of
from continuo_daw.assistant.request import Candidate, Request
from continuo_daw.assistant.tasks.interpolate import between

Ask = Callable[..., tuple[Candidate, ...]]
BAR = 4 * TICKS
A, B = tune(1, 2), tune(2, 2)
SPACES = ("latent", "binary", "data")


@pytest.mark.parametrize("space", SPACES)
@pytest.mark.parametrize("steps", [2, 3, 8])
def test_both_ends_are_given_back(ask: Ask, space: str, steps: int) -> None:
    odd = Clip(
        (Note(3, 60, 5000, 3), Note(481, 60, 100, 80, True), Note(960, 64, 20_000)), 2 * BAR - 7, 93.5
    )  # off the grid, muted, over the end, in half a bar
    clips = [c.clip for c in ask("interpolate", odd, B, steps=steps, space=space)]
    assert len(clips) == steps
    assert (clips[0], clips[-1]) == (odd, B)


@pytest.mark.parametrize("space", SPACES)
def test_steps_lie_between_the_ends_and_within_their_bars(ask: Ask, space: str) -> None:
    first, last = replace(tune(1, 1), tempo=60.0), replace(tune(2, 5), tempo=120.0)
    clips = [c.clip for c in ask("interpolate", first, last, steps=9, space=space)]
    bars = [clip.bars for clip in clips]
    assert bars == sorted(bars) and (bars[0], bars[-1]) == (1, 5)
    assert [clip.tempo for clip in clips] == np.linspace(60, 120, 9).tolist()
    for clip in clips[1:-1]:
        assert clip.notes
        assert clip.length == clip.bars * BAR
        assert all(note.end <= clip.length for note in clip.notes)


@pytest.mark.parametrize("space", SPACES)
def test_loudness_goes_from_one_end_to_the_other_in_velocities_that_they_have(ask: Ask, space: str) -> None:
    soft, loud = (replace(c, notes=tuple(replace(n, velocity=v) for n in c.notes)) for c, v in ((A, 40), (B, 100)))
    clips = [c.clip for c in ask("interpolate", soft, loud, steps=9, space=space)]
    assert {note.velocity for clip in clips for note in clip.notes} <= {40, 100}
    early, late = (np.mean([n.velocity for c in part for n in c.notes]) for part in (clips[1:3], clips[-3:-1]))
    assert early < 70 < late


@pytest.mark.parametrize("space", SPACES)
@pytest.mark.parametrize("meter", [(3, 4), (6, 8), (7, 8)])
def test_other_meters_are_kept(ask: Ask, space: str, meter: tuple[int, int]) -> None:
    clips = [c.clip for c in ask("interpolate", tune(1, 2, meter), tune(2, 3, meter), steps=4, space=space)]
    assert {clip.meter for clip in clips} == {meter}
    assert all(clip.length % clip.bar == 0 for clip in clips)


def test_one_bar_is_enough_for_a_model_of_two(ask: Ask) -> None:
    clips = [c.clip for c in ask("interpolate", tune(1, 1), tune(2, 1), steps=5, model="vae-one-2")]
    assert [clip.length for clip in clips] == [BAR] * 5
    assert all(clip.notes for clip in clips)


def test_a_clip_and_itself(ask: Ask) -> None:
    assert all(c.clip.notes for c in ask("interpolate", A, A, steps=6))


def test_polyphony_goes_to_the_model_of_many_voices(latent_engine: Engine) -> None:
    chords = tune(1, 2, voices=3)

    def model(*clips: Clip, **options: object) -> str:
        return latent_engine.plan(Request("interpolate", clips, options)).model

    assert model(A, B) == "vae-one-2"
    assert model(chords, B) == "vae-many-2"
    assert model(tune(1, 1), tune(2, 1), space="binary") == "seqae-one-1"
    assert model(A, B, space="binary") == "seqae-one-1"


def test_muted_notes_are_no_second_voice(latent_engine: Engine) -> None:
    muted = replace(A, notes=(*A.notes, Note(100, 90, 960, 1, True)))
    assert latent_engine.plan(Request("interpolate", (muted, B), {})).model == "vae-one-2"


@pytest.mark.parametrize("space", SPACES)
def test_the_seed_decides(ask: Ask, space: str) -> None:
    ends = tune(1, 6), tune(2, 6)
    first, again = (ask("interpolate", *ends, steps=12, space=space, seed=3) for _ in range(2))
    assert first == again
    others = [ask("interpolate", *ends, steps=12, space=space, seed=seed) for seed in range(4)]
    assert any(other != first for other in others)


@pytest.mark.parametrize("space", SPACES)
def test_progress_rises_to_the_end(latent_engine: Engine, space: str) -> None:
    reached: list[float] = []
    latent_engine.run(Request("interpolate", (A, B), {"steps": 5, "space": space}), on_progress=reached.append)
    assert reached == sorted(reached)
    assert (reached[0], reached[-1]) == (0.0, 1.0)


def test_progress_reaches_the_end_without_a_step_between(latent_engine: Engine) -> None:
    reached: list[float] = []
    latent_engine.run(Request("interpolate", (A, B), {"steps": 2}), on_progress=reached.append)
    assert reached[-1] == 1.0


def test_the_ends_come_before_the_rest_is_made(latent_engine: Engine) -> None:
    seen: list[int] = []
    request = Request("interpolate", (A, B), {"steps": 5})
    with pytest.raises(AssistantError, match="was cancelled"):
        latent_engine.run(request, on_candidate=lambda index, _: seen.append(index), stop=lambda: True)
    assert seen == [0, 4]


def test_data_mixing_takes_every_note_from_one_of_the_clips(ask: Ask) -> None:
    owned = {(n.start, n.pitch) for clip in (A, B) for n in clip.notes}
    for candidate in ask("interpolate", A, B, steps=7, space="data"):
        assert {(n.start, n.pitch) for n in candidate.clip.notes} <= owned


def test_data_mixing_needs_no_particular_model(ask: Ask) -> None:
    found = [
        ask("interpolate", A, B, steps=5, space="data", model=m) for m in ("vae-one-2", "vae-many-2", "seqae-one-1")
    ]
    assert found[0] == found[1] == found[2]


def test_bits_that_differ_are_flipped_one_by_one(ask: Ask, bits: Latent, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[NDArray[np.float32]] = []
    decode = Latent.decode

    def recording(self: Latent, codes: NDArray[np.float32], *rest: Any, **more: Any) -> Any:
        seen.extend(codes)
        return decode(self, codes, *rest, **more)

    monkeypatch.setattr(Latent, "decode", recording)
    ask("interpolate", A, B, steps=32, space="binary", model="seqae-one-1")
    a, b = bits.encode(A), bits.encode(B)
    whole = int((a != b).sum())
    gone = [int((codes != a).sum()) for codes in seen]
    assert whole > 4 and set(gone) == set(range(whole + 1))
    assert [int((codes != b).sum()) for codes in seen] == [whole - flips for flips in gone]  # on a shortest way


@pytest.mark.parametrize(
    ("clips", "options", "text"),
    [
        ((A,), {}, "interpolate takes 2 clips, 1 were given"),
        ((A, B), {"candidates": 2}, "candidates 2 is not 1, and interpolate gives no more"),
        ((A, B), {"steps": 1}, "steps 1 is not a whole number from 2 to 32"),
        ((A, B), {"curve": "sperical"}, "did you mean spherical?"),
        ((A, B), {"space": "binary", "model": "vae-one-2"}, "model vae-one-2 has no binary codes"),
        ((A, tune(2, 2, (3, 4))), {}, "clips in 4/4 and 3/4 have no bar in common"),
        ((A, Clip((Note(0, 60, 960, 80, True),), BAR)), {}, "clip 2 has no notes that sound"),
        ((Clip((), BAR), A), {}, "clip 1 has no notes that sound"),
        ((A, tune(1, 65)), {}, "clip 2 has 65 bars, 64 is the most"),
        ((tune(1, 2, (4, 2)),) * 2, {}, "meter 4/2 has bars of more than 6 quarters, so vae-one-2 cannot take it"),
        ((tune(1, 64, (1, 64)),) * 2, {}, "meter 1/64 has no whole bars on the grid of 24 a quarter"),
    ],
)
def test_what_has_no_way_is_refused(ask: Ask, clips: tuple[Clip, ...], options: dict[str, object], text: str) -> None:
    with pytest.raises(AssistantError) as caught:
        ask("interpolate", *clips, **options)
    assert caught.value.code == "bad_args"
    assert text in caught.value.text


numbers = arrays(np.float32, (3, 6), elements=st.floats(-4, 4, width=32, allow_subnormal=False))


@given(numbers, numbers, arrays(np.float32, 6, elements=st.floats(-1, 1, width=32)), st.booleans())
def test_a_way_begins_and_ends_at_its_ends(
    a: np.ndarray,
    b: np.ndarray,
    mean: np.ndarray,
    straight: bool,  # type: ignore[type-arg]
) -> None:
    centre = None if straight else mean
    turned = (a - mean) * (b - mean)
    opposite = turned.sum(-1) <= -0.9999 * np.linalg.norm(a - mean, axis=-1) * np.linalg.norm(b - mean, axis=-1)
    if straight or not opposite.any():
        assert np.allclose(between(a, b, 0.0, centre), a, atol=1e-4)
        assert np.allclose(between(a, b, 1.0, centre), b, atol=1e-4)


@given(st.integers(0, 10_000), st.floats(0, 1))
def test_a_way_round_the_mean_keeps_its_distance(seed: int, part: float) -> None:
    random = np.random.default_rng(seed)
    a, b, mean = (random.standard_normal(shape).astype(np.float32) for shape in ((2, 16), (2, 16), 16))
    found, one, other = (np.linalg.norm(code - mean, axis=-1) for code in (between(a, b, part, mean), a, b))
    assert np.allclose(found, (1 - part) * one + part * other, rtol=1e-3)
    straight = between(a, b, part, None)
    assert np.allclose(straight, (1 - part) * a + part * b, atol=1e-5)


@pytest.mark.parametrize("apart", [0.0, 1e-7, 1e-4])
def test_a_way_between_the_same_codes_stays(apart: float) -> None:
    code = np.random.default_rng(1).standard_normal((2, 16)).astype(np.float32)
    for part in (0.0, 0.3, 1.0):
        assert np.allclose(between(code, code + np.float32(apart), part, np.zeros(16, np.float32)), code, atol=1e-3)


@pytest.mark.parametrize("apart", [0.0, 3e-4])
def test_a_way_between_opposite_codes_stays_bounded(apart: float) -> None:
    a, mean = np.array([[1.0, 0.0]], np.float32), np.zeros(2, np.float32)
    b = np.array([[-1.0, apart]], np.float32)
    assert np.allclose(between(a, b, 0.0, mean), a, atol=1e-3)
    for part in (0.25, 0.5, 0.75):
        assert np.linalg.norm(between(a, b, part, mean)) <= 1.01


def test_long_clips_are_met_in_time(ask: Ask) -> None:
    clips = [c.clip for c in ask("interpolate", tune(1, 64), clip_of([Note(0, 60, 480)]), steps=3, model="vae-one-2")]
    assert (clips[0].bars, clips[-1].bars) == (64, 1)
    assert 1 < clips[1].bars < 64
