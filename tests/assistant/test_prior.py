"""`generate` from the prior of a latent space."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from tiny import tune

from continuo_daw.assistant.engine import Engine
from continuo_daw.assistant.errors import AssistantError
from continuo_daw.assistant.latent import prior
from continuo_daw.assistant.latent.space import Latent
from continuo_daw.assistant.paths import bundled_models
from continuo_daw.assistant.request import Candidate, Request

Ask = Callable[..., tuple[Candidate, ...]]
MODELS = ("vae-one-2", "vae-many-2", "seqae-one-1", "seqae-one-2")


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(("meter", "bars"), [("4/4", 1), ("3/4", 5), ("7/8", 4)])
def test_music_has_exactly_the_bars_asked_for(ask: Ask, model: str, meter: str, bars: int) -> None:
    for candidate in ask("generate", model=model, meter=meter, tempo=77, bars=bars, candidates=3):
        clip = candidate.clip
        assert (clip.length, clip.tempo, candidate.at) == (bars * clip.bar, 77, 0)
        assert "{}/{}".format(*clip.meter) == meter
        assert all(note.end <= clip.length for note in clip.notes)


@pytest.mark.parametrize("model", MODELS)
def test_the_seed_repeats_and_candidates_differ(ask: Ask, model: str) -> None:
    found = ask("generate", model=model, candidates=6)
    assert found == ask("generate", model=model, candidates=6) != ask("generate", model=model, candidates=6, seed=6)
    assert found[:2] == ask("generate", model=model, candidates=2)
    assert len({candidate.clip for candidate in found}) > 2


def test_phrases_are_like_those_before_and_like_the_corpus(latent: Latent) -> None:
    space, random = latent.space, np.random.default_rng(1)
    codes = np.stack([prior._drawn(latent, 3, 1.0, random) for _ in range(4000)]) - space.mean
    for phrase in range(3):
        assert np.allclose(codes[:, phrase].std(0), np.sqrt((space.basis**2).sum(0) + space.rest**2), rtol=0.1)
    follows = (codes[:, 0] * codes[:, 1]).sum() / (codes[:, 0] ** 2).sum()
    assert follows == pytest.approx(prior.NEAR, abs=0.05)


@pytest.mark.parametrize(("key", "value"), [("density", 2.5), ("register", 60), ("key", "C"), ("polyphony", 2)])
def test_what_only_sampling_can_follow_is_refused(ask: Ask, key: str, value: object) -> None:
    with pytest.raises(AssistantError) as caught:
        ask("generate", model="vae-one-2", **{key: value})
    assert caught.value.code == "bad_args"
    text = f"{key} {value} cannot be asked of vae-one-2: it does not sample note by note"
    assert caught.value.text == text


@pytest.mark.parametrize("meter", ["4/2", "1/64"])
def test_a_meter_without_a_place_is_refused(ask: Ask, meter: str) -> None:
    with pytest.raises(AssistantError, match=f"meter {meter} has .*, so vae-one-2 cannot take it"):
        ask("generate", model="vae-one-2", meter=meter)


def test_without_a_name_a_model_that_samples_is_taken(latent_models: object) -> None:
    engine = Engine([bundled_models(), latent_models], "cpu")  # type: ignore[list-item]
    assert engine.plan(Request("generate")).model == "melody"
    assert "vae-one-2" not in {engine.plan(Request("continue", (tune(1, 2),))).model}
