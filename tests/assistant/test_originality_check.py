"""What results say of their originality, and that `avoid` replaces copies."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import tiny_sampler

from continuo_daw.assistant.bundles.bundle import INDEX, read_bundle, write_bundle
from continuo_daw.assistant.codecs.events import EventCodec
from continuo_daw.assistant.engine import Engine
from continuo_daw.assistant.errors import AssistantError
from continuo_daw.assistant.originality.index import Index
from continuo_daw.assistant.originality.index_file import index_bytes
from continuo_daw.assistant.request import Candidate, Request

LEVEL = {"notes": 8, "copied_notes_p90": 4.0, "copied_share_mean": 0.01, "alarm": 0.9}


def made(engine: Engine, **options: object) -> tuple[Candidate, ...]:
    return engine.run(Request("generate", (), {"seed": 3, "bars": 4, "candidates": 2, **options})).candidates


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("copying")
    tiny_sampler.bundle(folder, "wild", EventCodec(4, "one"))
    return folder


@pytest.fixture(scope="module")
def copier(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """The same network, whose corpus holds the first of two candidates, as far up as it goes."""
    tune = made(Engine([folder], "cpu"))[0].clip
    up = 127 - max(note.pitch for note in tune.notes)
    higher = replace(tune, notes=tuple(replace(note, pitch=note.pitch + up) for note in tune.notes))
    index = Index.of([("Somebody: A tune", [higher])], one=True)
    bundle = read_bundle(folder / "wild")
    card = replace(bundle.card, metrics={"originality": {"human": [LEVEL], "checker": [LEVEL]}})
    where = tmp_path_factory.mktemp("copier")
    write_bundle(where / "wild", card, {**bundle.files, INDEX: index_bytes(index)})
    return Engine([where], "cpu")


def test_every_result_says_what_it_shares(copier: Engine) -> None:
    copy, other = made(copier)
    assert copy.measures["nearest"] == "Somebody: A tune"
    assert float(copy.measures["copied_notes"]) > 4 >= float(other.measures["copied_notes"])
    assert copy.measures["copied_notes"] == len(copy.clip.notes)


def test_off_and_a_model_without_an_index_say_nothing(copier: Engine, folder: Path) -> None:
    for candidates in (made(copier, originality="off"), made(Engine([folder], "cpu"))):
        assert not any("copied" in key or key == "nearest" for one in candidates for key in one.measures)


def test_avoid_replaces_the_copy_and_keeps_the_others(copier: Engine) -> None:
    report, avoid = made(copier), made(copier, originality="avoid")
    assert float(avoid[0].measures["copied_notes"]) <= 4
    assert avoid[0].clip != report[0].clip
    assert avoid[1] == report[1]
    assert avoid == made(copier, originality="avoid")


def test_avoid_works_with_steering(copier: Engine) -> None:
    for candidate in made(copier, originality="avoid", pitch_low=40, pitch_high=90, density=1):
        assert float(candidate.measures["copied_notes"]) <= 4
        assert all(40 <= note.pitch <= 90 for note in candidate.clip.notes)


def test_avoid_needs_an_index(folder: Path) -> None:
    with pytest.raises(AssistantError, match="originality avoid needs a model with an index, which wild has not"):
        made(Engine([folder], "cpu"), originality="avoid")


def test_what_cannot_be_avoided_comes_with_what_it_shares(folder: Path, copier: Engine, tmp_path: Path) -> None:
    bundle = copier.bundles["wild"]
    nothing = {**LEVEL, "copied_notes_p90": 0.0, "alarm": 0.0}
    card = replace(bundle.card, metrics={"originality": {"human": [nothing], "checker": [nothing]}})
    write_bundle(tmp_path / "wild", card, bundle.files)
    found = made(Engine([tmp_path], "cpu"), originality="avoid")
    assert len(found) == 2
    assert all("copied_notes" in one.measures for one in found)


def test_a_cancel_ends_the_tries(copier: Engine) -> None:
    with pytest.raises(AssistantError, match="was cancelled"):
        copier.run(Request("generate", (), {"originality": "avoid", "bars": 64}), stop=lambda: True)
