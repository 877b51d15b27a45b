"""Engines that have nothing but tiny latent models, or rules in the place of the refine networks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import tiny_phrases
import tiny_sampler
from rule_networks import rule_engine

from continuo_daw.assistant.codecs.events import EventCodec
from continuo_daw.assistant.engine import Engine
from continuo_daw.assistant.latent.space import Latent
from continuo_daw.assistant.music.clip import Clip
from continuo_daw.assistant.paths import bundled_models
from continuo_daw.assistant.request import Candidate, Request, Result


@pytest.fixture(scope="session")
def latent_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of bundles, named by family, voices and bars of a phrase."""
    folder = tmp_path_factory.mktemp("latent")
    for family, voices, bars in (("vae", "one", 2), ("vae", "many", 2), ("seqae", "one", 1), ("seqae", "one", 2)):
        tiny_phrases.bundle(folder, family, voices, f"{family}-{voices}-{bars}", bars=bars)
    return folder


@pytest.fixture(scope="session")
def latent_engine(latent_models: Path) -> Engine:
    return Engine([latent_models], "cpu")


@pytest.fixture(scope="session")
def latent(latent_engine: Engine) -> Latent:
    """A model of one voice in phrases of two bars."""
    return Latent(latent_engine.network("vae-one-2"))


@pytest.fixture(scope="session")
def many(latent_engine: Engine) -> Latent:
    """A model of many voices in phrases of two bars."""
    return Latent(latent_engine.network("vae-many-2"))


@pytest.fixture(scope="session")
def bits(latent_engine: Engine) -> Latent:
    """A model with binary codes, one for each bar."""
    return Latent(latent_engine.network("seqae-one-1"))


Ask = Callable[..., tuple[Candidate, ...]]


@pytest.fixture(scope="session")
def ask(latent_engine: Engine) -> Ask:
    """The candidates of a task for clips and options; the seed is 5 unless told."""

    def run(task: str, *clips: Clip, **options: object) -> tuple[Candidate, ...]:
        return latent_engine.run(Request(task, clips, {"seed": 5, **options})).candidates

    return run


@pytest.fixture
def rules(monkeypatch: pytest.MonkeyPatch) -> Engine:
    """An engine that refines by rules."""
    return rule_engine(monkeypatch)


@pytest.fixture
def refine(rules: Engine) -> Callable[..., Result]:
    """The result of a refine task for clips and options; the seed is 5 unless told."""

    def run(task: str, *clips: Clip, **options: object) -> Result:
        return rules.run(Request(task, clips, {"seed": 5, **options}))

    return run


@pytest.fixture(scope="session")
def wild(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """Untrained networks, by voices and timing."""
    folder = tmp_path_factory.mktemp("wild")
    for voices in ("one", "many"):
        for timing in ("round", "micro"):
            tiny_sampler.bundle(folder, f"{voices}-{timing}", EventCodec(24, voices, timing))
    return Engine([folder], "cpu")


@pytest.fixture(scope="session")
def shipped() -> Engine:
    return Engine([bundled_models()], "cpu")
