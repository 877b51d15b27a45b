"""Match files: the notes of a performance on the beats of their score."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from continuo_daw.training.corpus.match import GRACE, aligned, read_match
from continuo_daw.training.corpus.readers import Song

# an up-beat, a note that is not played, a wrong one, a grace note, and a change of meter; 480 clock units a second
MATCH = """info(matchFileVersion,1.0.0).
info(composer,Nobody).
info(midiClockUnits,480).
info(midiClockRate,1000000).
scoreprop(keySignature,E,0:1,0,-0.5000).
scoreprop(timeSignature,2/4,0:1,0,-0.5000).
scoreprop(timeSignature,6/8,2:1,0,2.0000).
snote(n1,[B,n],3,0:1,0,1/8,-0.5000,0.0000,[v1,staff1])-note(n0,59,240,470,44,0,0).
snote(n3,[G,#],3,1:1,0,1/8,0.0000,0.5000,[v3,staff1])-deletion.
snote(n2,[E,n],4,1:1,0,1/4,0.0000,1.0000,[v1,staff1])-note(n1,64,480,990,54,0,0).
insertion-note(n2,65,480,500,33,0,0).
snote(n4,[A,n],4,1:2,0,0,1.0000,1.0000,[v1,staff1,grace])-note(n3,69,940,960,70,0,0).
snote(n5,[B,b],4,1:2,0,1/4,1.0000,2.0000,[v1,staff1])-note(n4,70,960,1400,60,0,0).
snote(n6,[C,n],5,2:1,0,3/8,2.0000,5.0000,[v1,staff1])-note(n5,72,1440,2150,80,0,0).
snote(n7-1,[C,b],5,2:4,0,1/24,5.0000,5.3333,[v1,staff1,accent])-note(n6,71,2160,2200,127,0,0).
sustain(0,64).
"""


def match_file(path: Path, text: str = MATCH) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def song_of_file(path: Path) -> Song:
    (song,) = read_match(path).values()
    return song


def test_notes_stand_where_the_score_has_them_with_the_velocities_of_the_player(tmp_path: Path) -> None:
    song = song_of_file(match_file(tmp_path / "a.match"))
    (track,) = song.tracks
    assert (track.program, track.drums, song.bars_known) == (0, False, True)
    assert track.notes.tolist() == [
        [1440, 1920, 59, 44],
        [1920, 2880, 64, 54],
        [2880, 2880 + GRACE, 69, 70],
        [2880, 3840, 70, 60],
        [3840, 5280, 72, 80],
        [5280, 5440, 71, 127],
    ]


def test_an_up_beat_is_led_by_a_bar_line_at_tick_0(tmp_path: Path) -> None:
    assert song_of_file(match_file(tmp_path / "a.match")).meters == ((0, (2, 4)), (3840, (6, 8)))


def test_a_file_that_starts_on_its_bar_stays_there(tmp_path: Path) -> None:
    lines = [line for line in MATCH.splitlines() if not line.startswith("snote(n1,")]
    song = song_of_file(match_file(tmp_path / "a.match", "\n".join(lines)))
    assert song.meters == ((0, (2, 4)), (1920, (6, 8)))
    assert song.tracks[0].notes[0].tolist() == [0, 960, 64, 54]


def test_the_tempo_is_the_median_between_onsets(tmp_path: Path) -> None:
    assert song_of_file(match_file(tmp_path / "a.match")).tempos == ((0, 60.0),)
    faster = match_file(tmp_path / "b.match", MATCH.replace("midiClockRate,1000000", "midiClockRate,500000"))
    assert song_of_file(faster).tempos == ((0, 120.0),)


def test_every_note_of_the_score_keeps_its_name(tmp_path: Path) -> None:
    notes = aligned(match_file(tmp_path / "a.match")).notes
    assert list(notes) == ["n1", "n3", "n2", "n4", "n5", "n6", "n7-1"]
    assert notes["n2"] == (1920, 2880, 64, 54, 1.0)
    assert notes["n3"][:4] == (1920, 2400, 56, 0)
    assert math.isnan(notes["n3"].seconds)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("timeSignature", "meter", "names no time signature"),
        ("[B,b],4,1:2,0,", "[B,b],4,", r"not a score note of version 1\.0\.0: snote\(n5"),
        ("[B,b]", "[B,?]", "not a score note"),
        ("-note(", "-deletion.", "no note of the score was played"),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path: Path, old: str, new: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_match(match_file(tmp_path / "a.match", MATCH.replace(old, new)))
