"""Readers: every format gives the same kind of song."""

from __future__ import annotations

from pathlib import Path

import mido
import pytest

from continuo_daw.assistant.music.clip import TICKS
from continuo_daw.training.corpus.formats import READERS, read_songs
from continuo_daw.training.corpus.readers import END, PITCH, START, VELOCITY

ABC = """X:1
T:Up-beat
M:3/4
L:1/4
K:G
D|"G"G A B|G3|"D"A B c|d2|]
"""
TWO_TUNES = ABC + "\n" + ABC.replace("X:1", "X:2").replace("T:Up-beat", "T:Other")
KERN = "**kern\n*M4/4\n=1\n4c\n4d\n2e\n=2\n1g\n==\n*-\n"
MUSICXML = """<?xml version="1.0" encoding="UTF-8"?>
<score-partwise version="3.1">
  <part-list><score-part id="P1"><part-name>Flute</part-name></score-part></part-list>
  <part id="P1">
    <measure number="1">
      <attributes><divisions>1</divisions><time><beats>4</beats><beat-type>4</beat-type></time></attributes>
      <note><pitch><step>C</step><octave>4</octave></pitch><duration>2</duration></note>
      <note><pitch><step>E</step><octave>4</octave></pitch><duration>2</duration><tie type="start"/></note>
    </measure>
    <measure number="2">
      <note><pitch><step>E</step><octave>4</octave></pitch><duration>4</duration><tie type="stop"/></note>
    </measure>
  </part>
</score-partwise>
"""


def table_of(path: Path) -> list[tuple[float, float, int]]:
    """(start, end, pitch) of the only track, in quarters."""
    (song,) = read_songs(path).values()
    (track,) = song.tracks
    return [(start / TICKS, end / TICKS, pitch) for start, end, pitch in track.notes[:, [START, END, PITCH]].tolist()]


def written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def midi_file(path: Path, ticks: int, messages: list[tuple[int, str, int, int]], meter: int = 3) -> Path:
    """A one-track file of (delta, type, pitch, velocity)."""
    track = mido.MidiTrack([mido.MetaMessage("time_signature", numerator=meter, denominator=4)])
    track.append(mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(90)))
    track += [
        mido.Message(kind, note=pitch, velocity=velocity, time=delta) for delta, kind, pitch, velocity in messages
    ]
    mido.MidiFile(tracks=[track], ticks_per_beat=ticks).save(path)
    return path


def test_midi_of_any_resolution_comes_in_ticks_of_960(tmp_path: Path) -> None:
    path = midi_file(tmp_path / "a.mid", 96, [(96, "note_on", 60, 33), (48, "note_off", 60, 0)])
    song = read_songs(path)[""]
    assert song.tracks[0].notes.tolist() == [[960, 1440, 60, 33]]
    assert song.meters == ((0, (3, 4)),)
    assert song.tempos[0] == (0, pytest.approx(90.0, abs=1e-3))


def test_a_key_signature_that_mido_refuses_is_read(tmp_path: Path) -> None:
    path = midi_file(tmp_path / "a.mid", 480, [(0, "note_on", 60, 80), (480, "note_off", 60, 0)])
    nine_sharps = bytes.fromhex("00ff59020900")
    head = path.read_bytes().index(b"MTrk") + 4
    data = path.read_bytes()
    size = int.from_bytes(data[head : head + 4], "big") + len(nine_sharps)
    path.write_bytes(data[:head] + size.to_bytes(4, "big") + nine_sharps + data[head + 4 :])
    with pytest.raises(mido.KeySignatureError):
        mido.MidiFile(path)
    assert table_of(path) == [(0, 1, 60)]


def test_an_abc_upbeat_has_a_meter_of_its_own_and_chord_symbols_are_no_notes(tmp_path: Path) -> None:
    path = written(tmp_path / "a.abc", ABC)
    (song,) = read_songs(path).values()
    assert song.meters == ((0, (1, 4)), (TICKS, (3, 4)), (10 * TICKS, (2, 4)))
    assert song.bars_known
    assert table_of(path)[:3] == [(0, 1, 62), (1, 2, 67), (2, 3, 69)]
    assert len(table_of(path)) == 9


def test_a_book_of_tunes_is_a_song_for_each(tmp_path: Path) -> None:
    songs = read_songs(written(tmp_path / "a.abc", TWO_TUNES))
    assert list(songs) == ["1", "2"]
    assert all(len(song.tracks[0].notes) == 9 for song in songs.values())


def test_musicxml_ties_are_one_note(tmp_path: Path) -> None:
    assert table_of(written(tmp_path / "a.musicxml", MUSICXML)) == [(0, 2, 60), (2, 8, 64)]


def test_kern(tmp_path: Path) -> None:
    assert table_of(written(tmp_path / "a.krn", KERN)) == [(0, 1, 60), (1, 2, 62), (2, 4, 64), (4, 8, 67)]


def test_scores_without_dynamics_get_a_velocity(tmp_path: Path) -> None:
    (song,) = read_songs(written(tmp_path / "a.krn", KERN)).values()
    assert set(song.tracks[0].notes[:, VELOCITY]) == {80}


def test_suffixes() -> None:
    assert set(READERS) == {".match", ".mid", ".midi", ".abc", ".musicxml", ".xml", ".mxl", ".krn"}


def test_a_meter_that_is_none_is_passed_over(tmp_path: Path) -> None:
    path = midi_file(tmp_path / "a.mid", 480, [(0, "note_on", 60, 80), (480, "note_off", 60, 0)], meter=0)
    assert read_songs(path)[""].meters == ((0, (4, 4)),)
