"""The command line on the models that ship, from file to file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from continuo_daw.assistant.__main__ import main
from continuo_daw.assistant.music.clip import TICKS
from continuo_daw.assistant.music.midi import read_midi
from continuo_daw.assistant.paths import examples_dir


def test_the_shipped_models_continue_a_tune_and_a_piano_phrase(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for example, model in (("sicilian_mariners.mid", "melody"), ("sonatina.mid", "piano")):
        given = read_midi(examples_dir() / example)
        clips = [str(examples_dir() / example), "-o", str(tmp_path / "out.mid")]
        assert main(["continue", *clips, "--bars=4", "--seed=7", "--json"]) == 0
        report = json.loads(capsys.readouterr().out)
        clip = read_midi(tmp_path / "out.mid")
        assert (report["model"], report["candidates"][0]["at_beats"]) == (model, given.length / TICKS)
        assert (clip.length, clip.meter) == (4 * given.bar, given.meter)
        assert len(clip.notes) == report["candidates"][0]["notes"] > 4


def test_the_shipped_models_repeat_themselves_with_the_same_seed(tmp_path: Path) -> None:
    for name in ("a", "b"):
        assert main(["generate", "-o", str(tmp_path / f"{name}.mid"), "--bars=4", "--seed=11"]) == 0
    assert (tmp_path / "a.mid").read_bytes() == (tmp_path / "b.mid").read_bytes()


@pytest.mark.parametrize("example", ["sicilian_mariners.mid", "sonatina.mid"])
def test_the_first_of_eight_is_the_one_alone(tmp_path: Path, example: str) -> None:
    for name, count in (("one", 1), ("many", 8)):
        clips = [str(examples_dir() / example), "-o", str(tmp_path / f"{name}.mid")]
        assert main(["continue", *clips, "--seed=5", f"--candidates={count}"]) == 0
    assert (tmp_path / "one.mid").read_bytes() == (tmp_path / "many.0.mid").read_bytes()


def test_another_seed_gives_other_notes(tmp_path: Path) -> None:
    for seed in (1, 2):
        main(["generate", "-o", str(tmp_path / f"{seed}.mid"), "--bars=4", f"--seed={seed}"])
    assert read_midi(tmp_path / "1.mid").notes != read_midi(tmp_path / "2.mid").notes


def test_models_names_what_ships(capsys: pytest.CaptureFixture[str]) -> None:
    main(["models", "--json"])
    models = {model["name"]: model for model in json.loads(capsys.readouterr().out)}
    assert {"melody", "piano"} <= set(models)
    assert "continue" in models["melody"]["tasks"]
