"""`continuo originality`: a clip beside the nearest piece, in words, as JSON and as a picture."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image
from tiny import tune, walk

from continuo_daw.assistant.__main__ import main
from continuo_daw.assistant.bundles.bundle import INDEX, read_bundle, write_bundle
from continuo_daw.assistant.bundles.families import MODEL
from continuo_daw.assistant.bundles.network import Network
from continuo_daw.assistant.commands import originality as originality_command
from continuo_daw.assistant.drawing.originality import IN_RUN, OWN, SHARED
from continuo_daw.assistant.errors import AssistantError
from continuo_daw.assistant.music.clip import TICKS, Clip, Note, clip_of
from continuo_daw.assistant.music.midi_write import write_midi
from continuo_daw.assistant.originality.index import Index
from continuo_daw.assistant.originality.index_file import index_bytes
from continuo_daw.assistant.paths import bundled_models

LEVELS = {
    "human": [{"notes": 16, "copied_notes_p50": 5.0, "copied_notes_p90": 7.0, "copied_share_mean": 0.01}],
    "checker": [{"notes": 16, "alarm": 0.6}],
}


def excerpt() -> Clip:
    """Bars 3 to 6 of tune 3."""
    return walk(3).window(2 * 4 * TICKS, 6 * 4 * TICKS)


def model(folder: Path, name: str, index: Index, levels: object = LEVELS) -> None:
    """The shipped graph of one voice with another index."""
    bundle = read_bundle(bundled_models() / "melody")
    codec = {**bundle.card.codec, "voices": "one" if index.one else "many"}
    card = replace(bundle.card, name=name, codec=codec, metrics={"originality": levels})
    write_bundle(folder / name, card, {MODEL: bundle.files[MODEL], INDEX: index_bytes(index)})


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder; the only models are one of lines and one of chords."""
    models = tmp_path / "models"
    model(models, "lines", Index.of([(f"Nobody: Tune {seed}", (walk(seed),)) for seed in range(6)], one=True))
    model(models, "chords", Index.of([("Chords", (tune(1, 12, voices=2),))], one=False), None)
    monkeypatch.setattr(originality_command, "bundled_models", lambda: models)
    monkeypatch.setattr(originality_command, "models_dir", lambda: tmp_path / "none")
    monkeypatch.chdir(tmp_path)
    write_midi(excerpt(), "copy.mid")
    write_midi(walk(77, 20), "own.mid")
    return tmp_path


def run(text: str) -> int:
    return main(["originality", *text.split()])


def test_a_copy_is_named_beside_what_people_share(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("copy.mid") == 0
    said = capsys.readouterr().out
    assert "likely a copy: 100% like Nobody: Tune 3, bars 3 to 6, same key" in said
    assert (
        f"longest run of notes shared with one piece in the same tempo: {len(excerpt().notes)}; half of human tunes"
        in said
    )
    assert "share 5 or more, one in ten 7 or more" in said
    assert "100.0% of its 12-note runs are in the corpus, of human tunes 1.0%" in said


def test_an_own_tune_is_nothing_unusual(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("own.mid") == 0
    assert "nothing unusual: " in capsys.readouterr().out


def test_of_a_few_notes_no_verdict_is_given(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    levels = {"human": LEVELS["human"], "checker": [{"notes": 8, "alarm": 1.0}, *LEVELS["checker"]]}
    model(folder / "models", "lines", Index.of([("Tune", (walk(3),))], one=True), levels)
    write_midi(clip_of(walk(3).notes[:7]), "motif.mid")
    assert run("motif.mid") == 0
    said = capsys.readouterr().out
    assert "7 notes are too few to tell a copy from chance" in said
    assert "likely a copy" not in said


def test_key_and_tempo_of_the_copy_are_said(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    notes = (replace(n, pitch=n.pitch + 3, start=2 * n.start, duration=2 * n.duration) for n in excerpt().notes)
    write_midi(clip_of(notes), "slow.mid")
    assert run("slow.mid") == 0
    assert "bars 3 to 6, 3 semitones lower, note values 2 times as short" in capsys.readouterr().out


def test_json_has_all_figures(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("copy.mid --json") == 0
    report = json.loads(capsys.readouterr().out)
    count = len(excerpt().notes)
    first = sum(note.start < 2 * 4 * TICKS for note in walk(3).notes)
    assert report["runs"] == [[0, first, count]]
    assert (report["model"], report["notes"], report["copied_notes"]) == ("lines", count, count)
    assert (report["nearest"], report["similarity"], report["copied_share"]) == ("Nobody: Tune 3", 1.0, 1.0)
    assert (report["alarm"], report["human"]["copied_notes_p90"]) == (0.6, 7.0)


def test_chords_are_looked_for_among_chords(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_midi(tune(1, 4, voices=2), "chords.mid")
    assert run("chords.mid --json") == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["model"], report["nearest"], report["human"]) == ("chords", "Chords", None)
    assert run("chords.mid --model lines --json") == 0
    assert json.loads(capsys.readouterr().out)["model"] == "lines"


def colors_of(file: str) -> dict[tuple[int, ...], int]:
    with Image.open(file) as image:
        return {color: count for count, color in image.convert("RGB").getcolors(2**24) or []}


def test_the_picture_marks_what_is_shared(folder: Path) -> None:
    notes = list(excerpt().notes)
    notes[1] = replace(notes[1], pitch=notes[1].pitch + 2)
    write_midi(clip_of(notes), "near.mid")
    assert run("near.mid --picture near.png") == 0
    near = colors_of("near.png")
    assert near[IN_RUN] > near[SHARED] > 0
    assert near[OWN] > 0


def test_a_picture_of_nothing_shared_has_one_roll(folder: Path) -> None:
    write_midi(clip_of([Note(0, 60, 480), Note(480, 120, 480)]), "leap.mid")
    assert run("leap.mid --picture leap.png") == 0
    assert run("copy.mid --picture copy.png") == 0
    with Image.open("leap.png") as leap, Image.open("copy.png") as copy:
        assert leap.height < copy.height


@pytest.mark.parametrize(
    ("notes", "text"),
    [
        ([], "has no notes that sound"),
        ([Note(0, 60, 480)], "has one note; it takes at least 2"),
    ],
)
def test_what_is_no_tune_is_refused(
    folder: Path, notes: list[Note], text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    write_midi(Clip(tuple(notes), 3840), "none.mid")
    assert run("none.mid") == 1
    assert text in capsys.readouterr().err


def test_drums_are_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_midi(replace(excerpt(), drums=True), "drums.mid")
    assert run("drums.mid") == 1
    assert "has drums" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("wanted", "text"), [("--model piano", "no model piano with an index"), ("", "no model at all")]
)
def test_a_model_that_is_not_there_is_named(
    folder: Path, wanted: str, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    if not wanted:
        shutil.rmtree(folder / "models")
    assert run(f"copy.mid {wanted}") == 1
    assert text in capsys.readouterr().err


def test_the_clip_is_not_drawn_over(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("copy.mid --picture copy.mid") == 1
    assert "is the clip that was given" in capsys.readouterr().err


def test_a_network_has_the_index_of_its_bundle(folder: Path) -> None:
    bundle = read_bundle(folder / "models" / "lines")
    index = Network(bundle, {}).index
    assert index is not None
    assert index.search(excerpt()).nearest == "Nobody: Tune 3"
    assert Network(replace(bundle, files={MODEL: bundle.files[MODEL]}), {}).index is None
    with pytest.raises(AssistantError, match=r"lines: index\.npz: "):
        card = replace(bundle.card, files={INDEX: "the hash of ?"})
        _ = Network(replace(bundle, card=card, files={INDEX: b"?"}), {}).index
