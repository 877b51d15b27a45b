"""Clips as codes and back: phrases cover a clip, a space is drawn from, and codes do not depend on their neighbours."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import tiny_phrases
from hypothesis import given
from hypothesis import strategies as st
from tiny import tune

from continuo_daw.assistant.bundles.families import SPACE
from continuo_daw.assistant.bundles.network import Network
from continuo_daw.assistant.codecs.phrases import Bars
from continuo_daw.assistant.errors import AssistantError
from continuo_daw.assistant.latent.space import CLOSED, FREE, Latent, clip_from, levelled, phrases_of, space_of
from continuo_daw.assistant.music.clip import Clip, Note

BAR = 3840


@given(st.integers(1, 64), st.integers(1, 8))
def test_phrases_cover_every_bar_once(bars: int, size: int) -> None:
    found = phrases_of(bars, size)
    assert (found.starts[found.phrase] + found.bar).tolist() == list(range(bars))
    assert len(found.starts) == -(-bars // size)
    assert found.bar.min() >= 0 and found.bar.max() < size
    assert found.starts.min() == 0
    assert bars < size or found.starts.max() + size == bars


def test_a_space_comes_back_from_its_file() -> None:
    space = tiny_phrases.space()
    back = space_of(space.to_bytes())
    for name, value in vars(space).items():
        assert np.array_equal(getattr(back, name), value)


@pytest.mark.parametrize("data", [b"junk", b"\x93NUMPY junk"])
def test_what_is_no_space_is_refused(latent: Latent, data: bytes) -> None:
    bundle = latent.network.bundle
    broken = replace(bundle, files={**bundle.files, SPACE: data})
    with pytest.raises(AssistantError, match=rf"{SPACE} cannot be read") as caught:
        _ = Latent(Network(broken, latent.network.graphs)).space
    assert caught.value.code == "no_model"


@pytest.mark.parametrize("size", [0, 200])
def test_half_a_space_is_refused(latent: Latent, size: int) -> None:
    bundle = latent.network.bundle
    broken = replace(bundle, files={**bundle.files, SPACE: bundle.files[SPACE][:size]})
    with pytest.raises(AssistantError, match=rf"{SPACE} cannot be read"):
        _ = Latent(Network(broken, latent.network.graphs)).space


def test_codes_are_drawn_as_the_corpus_lies() -> None:
    space = tiny_phrases.space()
    drawn = space.draw(np.random.default_rng(1), 20_000)
    assert drawn.shape == (20_000, tiny_phrases.LATENT) and drawn.dtype == np.float32
    assert np.allclose(drawn.mean(0), space.mean, atol=0.03)
    assert np.allclose(np.cov(drawn.T), space.basis.T @ space.basis + np.diag(space.rest**2), atol=0.05)
    assert np.array_equal(space.draw(np.random.default_rng(1), 3, 0.0), np.repeat(space.mean[None], 3, 0))
    assert np.array_equal(drawn, space.draw(np.random.default_rng(1), 20_000))


def test_a_clip_has_a_code_for_each_phrase(latent: Latent) -> None:
    clip = tune(1, 5)
    codes = latent.encode(clip)
    assert codes.shape == (3, tiny_phrases.LATENT)
    for code, start in zip(codes, (0, 2, 3), strict=True):  # the last one begins a bar earlier
        assert np.allclose(code, latent.encode(clip.window(start * BAR, (start + 2) * BAR))[0], atol=1e-5)


def test_a_clip_shorter_than_a_phrase_is_repeated(latent: Latent) -> None:
    clip = tune(1, 1)
    twice = clip.joined(clip)
    assert np.allclose(latent.encode(clip), latent.encode(twice), atol=1e-5)
    assert np.allclose(latent.encode(clip, 5), latent.encode(twice.joined(twice).joined(clip)), atol=1e-5)


def test_only_the_bars_asked_for_are_coded(latent: Latent) -> None:
    clip = tune(1, 6)
    assert np.allclose(latent.encode(clip, 3), latent.encode(clip.window(0, 3 * BAR)), atol=1e-5)


def test_binary_codes_are_signs(bits: Latent) -> None:
    codes = bits.encode(tune(1, 8))
    assert codes.shape == (8, tiny_phrases.LATENT)
    assert set(codes.ravel().tolist()) == {-1.0, 1.0}
    assert len(np.unique(codes, axis=0)) > 2


def test_a_clip_is_coded_as_it_would_be_written(latent: Latent) -> None:
    clip = tune(1, 2)
    played = replace(clip, notes=tuple(replace(n, start=n.start + 7, duration=n.duration - 40) for n in clip.notes))
    muted = replace(clip, notes=(*clip.notes, Note(480, 100, 960, 80, True)))
    assert np.array_equal(latent.encode(played), latent.encode(clip))
    assert np.array_equal(latent.encode(muted), latent.encode(clip))


def test_a_meter_without_a_place_is_refused_with_the_model_s_name(latent: Latent) -> None:
    with pytest.raises(AssistantError, match=r"does not fit vae-one-2: meter 4/2 has bars of more") as caught:
        latent.encode(Clip((), 2 * BAR, 120.0, (4, 2)))
    assert caught.value.code == "bad_args"


def test_rows_are_decoded_alone_as_among_others(latent: Latent) -> None:
    codes = tiny_phrases.space().draw(np.random.default_rng(1), 12).reshape(4, 3, -1)
    seeds = [[7, row] for row in range(4)]
    together = latent.decode(codes, 5, 96, seeds, 1.0)
    assert len(together) == 4
    for row, bars in enumerate(together):
        alone = latent.decode(codes[row : row + 1], 5, 96, seeds[row : row + 1], 1.0)[0]
        assert bars.steps == 96 and bars.notes.shape[0] == len(bars.count) == 5
        most = int(bars.count.max())
        assert alone.count.tolist() == bars.count.tolist()
        assert alone.notes[:, :most].tolist() == bars.notes[:, :most].tolist()


def test_seeds_count_above_temperature_0_alone(latent: Latent) -> None:
    code = tiny_phrases.space().draw(np.random.default_rng(1), 2)[None]

    def played(seed: int, temperature: float) -> tuple[Note, ...]:
        return latent.codec.decode(latent.decode(code, 4, 96, [[seed]], temperature)[0])

    assert played(1, 1.0) == played(1, 1.0) != played(2, 1.0)
    assert played(1, 0.0) == played(2, 0.0)


def test_bars_that_stand_in_two_phrases_are_those_of_the_first(latent: Latent) -> None:
    codes = tiny_phrases.space().draw(np.random.default_rng(3), 2)[None]
    three, four = (latent.decode(codes, bars, 96)[0] for bars in (3, 4))

    def rows(bars: Bars, bar: int) -> list[list[int]]:
        found: list[list[int]] = bars.notes[bar, : bars.count[bar]].tolist()
        return found

    assert [rows(three, bar) for bar in range(3)] == [rows(four, 0), rows(four, 1), rows(four, 3)]


def test_what_is_given_is_played(many: Latent) -> None:
    codec = many.codec
    forced = np.full((3, codec.most, 4), FREE)
    forced[:, :, 0] = codec.positions
    forced[0, :2] = [[0, 60, 24, 20], [48, 64, 24, 10]]
    forced[2, 0] = [95, FREE, 1, FREE]
    bars = many.decode(np.zeros((2, 2, tiny_phrases.LATENT), np.float32), 3, 96, forced=forced)
    for row in bars:
        assert row.count.tolist() == [2, 0, 1]
        assert row.notes[0, :2].tolist() == [[0, 60, 24, 20], [48, 64, 24, 10]]
        assert row.notes[2, 0, [0, 2]].tolist() == [95, 1]


def test_a_bias_closes_places(latent: Latent) -> None:
    bias = np.zeros(latent.codec.positions + 1, np.float32)
    bias[1::2] = CLOSED
    codes = tiny_phrases.space().draw(np.random.default_rng(4), 16)[:, None]
    notes = [n for bars in latent.decode(codes, 2, 96, bias=bias) for n in latent.codec.decode(bars)]
    assert notes and all(note.start // latent.codec.step % 2 == 0 for note in notes)


def test_no_note_sounds_over_the_end_of_a_clip(many: Latent) -> None:
    bars = Bars(np.array([[[0, 60, 144, 20], [95, 64, 24, 20]]]), np.array([2]), 96)
    clip = clip_from(many, bars, Clip((), 0, 90.0, (4, 4)))
    assert clip == Clip((Note(0, 60, BAR, 80), Note(95 * 40, 64, 40, 80)), BAR, 90.0)


@given(st.lists(st.integers(40, 90), min_size=1, max_size=20), st.floats(50, 80))
def test_the_mean_velocity_is_as_asked_and_differences_stay(velocities: list[int], level: float) -> None:
    notes = tuple(Note(k, 60, 1, velocity) for k, velocity in enumerate(velocities))
    found = [note.velocity for note in levelled(notes, level)]
    assert all(1 <= velocity <= 127 for velocity in found)
    if min(found) > 1 and max(found) < 127:
        assert abs(np.mean(found) - level) <= 0.5 + 1e-9
        assert len({after - before for before, after in zip(velocities, found, strict=True)}) == 1
    assert levelled((), 80) == ()
