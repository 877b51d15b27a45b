"""POP909: notes on the clock are put on the beats that its files name."""

from __future__ import annotations

from pathlib import Path

import mido
import numpy as np
import pytest

from continuo_daw.assistant.music.clip import TICKS
from continuo_daw.training.corpus.pop909 import read_pop909
from continuo_daw.training.corpus.readers import START
from continuo_daw.training.corpus.sections import clips, spans

# eight beats, the last four at half the speed; a bar of two and of four begins at the second row
SECONDS = [0.25, 0.75, 1.25, 1.75, 2.25, 2.75, 3.75, 4.75, 5.75, 6.75]
SHORT = [0, 1, 0, 1, 0, 1, 0, 1, 0, 1]
LONG = [0, 1, 0, 0, 0, 1, 0, 0, 0, 1]


def song_folder(folder: Path, at_seconds: list[float]) -> Path:
    """A song whose notes start at `at_seconds`, in a file of 120 quarters a minute, with its beats beside it."""
    track = mido.MidiTrack([mido.MetaMessage("track_name", name="MELODY")])
    now = 0
    for seconds in at_seconds:
        start = round(seconds * 960)
        track.append(mido.Message("note_on", note=60, velocity=70, time=start - now))
        track.append(mido.Message("note_off", note=60, time=120))
        now = start + 120
    mido.MidiFile(tracks=[track], ticks_per_beat=480).save(folder / "001.mid")
    rows = zip(SECONDS, SHORT, LONG, strict=True)
    (folder / "beat_midi.txt").write_text("".join(f"{s} {float(a)} {float(b)}\n" for s, a, b in rows))
    return folder / "001.mid"


def test_notes_stand_on_their_beats_whatever_the_tempo_does(tmp_path: Path) -> None:
    song = read_pop909(song_folder(tmp_path, [0.75, 1.25, 2.75, 4.25, 4.75]), 2, 2)
    assert (song.tracks[0].notes[:, START] / TICKS).tolist() == pytest.approx([0, 1, 4, 5.5, 6], abs=0.01)


def test_what_sounds_before_the_first_bar_is_an_upbeat(tmp_path: Path) -> None:
    song = read_pop909(song_folder(tmp_path, [0.25, 0.75]), 2, 2)
    (clip,) = clips(song.tracks[0].notes, spans(song), song.tempos)
    assert clip.meter == (4, 4)
    assert [note.start / TICKS for note in clip.notes] == pytest.approx([3, 4], abs=0.01)


@pytest.mark.parametrize(("beats", "quavers", "meter"), [(2, 2, (4, 4)), (3, 2, (2, 4)), (2, 3, (6, 8))])
def test_the_meter_is_counted_from_bar_to_bar(tmp_path: Path, beats: int, quavers: int, meter: tuple[int, int]) -> None:
    assert read_pop909(song_folder(tmp_path, [0.75]), beats, quavers).meters == ((0, meter),)


def test_the_tempo_is_the_usual_one(tmp_path: Path) -> None:
    assert read_pop909(song_folder(tmp_path, [0.75]), 2, 2).tempos == (
        (0, pytest.approx(60 / np.median(np.diff(SECONDS)))),
    )


def test_beats_that_go_back_are_refused_with_the_song(tmp_path: Path) -> None:
    path = song_folder(tmp_path, [0.75])
    (tmp_path / "beat_midi.txt").write_text("1 1 1\n0.5 1 1\n")
    with pytest.raises(ValueError, match=r"001\.mid: beat_midi\.txt"):
        read_pop909(path, 2, 2)
