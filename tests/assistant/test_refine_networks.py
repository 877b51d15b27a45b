"""The refine tasks with real networks, though tiny ones: from clip to notes, and from file to file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import tiny_notes
from PIL import Image
from refine_clips import CHORDS, CLIPS, MUTED, TUNE, as_given

from continuo_daw.assistant.__main__ import main
from continuo_daw.assistant.engine import Engine
from continuo_daw.assistant.errors import AssistantError
from continuo_daw.assistant.music.midi import read_midi
from continuo_daw.assistant.music.midi_write import midi_bytes, write_midi
from continuo_daw.assistant.request import Request

MODELS = {
    "refine_duration": "tiny-durations",
    "refine_velocity": "tiny-velocities",
    "refine": "tiny-durations+tiny-velocities",
}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home of the user with a model of each family, and one that knows no drums."""
    folder = tmp_path_factory.mktemp("home")
    for family in ("durations", "velocities"):
        tiny_notes.bundle(folder / "models", family)
    tiny_notes.bundle(folder / "models", "velocities", "tones", drums=False)
    return folder


@pytest.fixture(scope="module")
def tiny(home: Path) -> Engine:
    return Engine([home / "models"], "cpu")


@pytest.mark.parametrize("task", MODELS)
@pytest.mark.parametrize("name", CLIPS)
def test_every_kind_of_clip_comes_back_note_for_note(tiny: Engine, task: str, name: str) -> None:
    clip = CLIPS[name]
    request = Request(task, (clip,), {"seed": 3, "model": "" if task == "refine_duration" else "tiny-velocities"})
    result = tiny.run(request)
    made = as_given(result.candidates[0])
    assert result.model == MODELS[task]
    assert [(n.pitch, n.muted) for n in made] == [(n.pitch, n.muted) for n in clip.notes]
    assert tiny.run(request).candidates == result.candidates
    asked = Request(task, (clip,), {"amount": 0})
    assert midi_bytes(tiny.run(asked).candidates[0].clip) == midi_bytes(clip)


def test_networks_are_loaded_before_anyone_asks(home: Path) -> None:
    engine = Engine([home / "models"], "cpu")
    assert set(engine._networks) == {"tiny-durations", "tiny-velocities", "tones"}


def test_the_codec_says_who_knows_drums(tiny: Engine) -> None:
    ask = Request("refine_velocity", (TUNE,), {"drums": True})
    assert tiny.plan(ask).model == "tiny-velocities"
    with pytest.raises(AssistantError, match="the clip is drums, and tones knows none"):
        tiny.run(Request("refine_velocity", (TUNE,), {"drums": True, "model": "tones"}))


@pytest.fixture
def folder(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with `in.mid` and `like.mid`; the user has the tiny models."""
    monkeypatch.setenv("CONTINUO_HOME", str(home))
    monkeypatch.chdir(tmp_path)
    write_midi(MUTED, "in.mid")
    write_midi(CHORDS, "like.mid")
    return tmp_path


def test_from_file_to_file(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = (
        "refine_velocity in.mid like.mid -o out.mid --model tiny-velocities --from 4 --to 12.5 --picture out.png --json"
    )
    assert main(line.split()) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["candidates"][0]["notes"] == len(MUTED.notes)
    assert report["candidates"][0]["measures"]["changed"] > 0
    made = read_midi("out.mid")
    changed = [a.start for a, b in zip(MUTED.notes, made.notes, strict=True) if a != b]
    assert changed and min(changed) >= 4 * 960 and max(changed) < 12.5 * 960
    assert Image.open("out.png").height > 3 * 300  # like, before, after


def test_refine_writes_every_candidate(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    models = "tiny-durations+tiny-velocities"
    assert main(f"refine in.mid -o out.mid --candidates 2 --seed 4 --model {models}".split()) == 0
    assert f"{models}, seed 4" in capsys.readouterr().out
    one, two = (read_midi(f"out.{index}.mid") for index in (0, 1))
    assert sorted(n.pitch for n in one.notes) == sorted(n.pitch for n in MUTED.notes)
    assert [(n.start, n.duration) for n in one.notes] == [(n.start, n.duration) for n in two.notes]
    assert one != two


def test_nothing_is_joined_in_place(folder: Path) -> None:
    with pytest.raises(SystemExit):
        main(["refine_duration", "in.mid", "-o", "out.mid", "--join"])
