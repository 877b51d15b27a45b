"""Part rules: which notes make a piece, and what one-voiced means."""

from __future__ import annotations

import numpy as np
import pytest

from continuo_daw.training.corpus.parts import ONE_VOICED, RULES, strict_voice
from continuo_daw.training.corpus.readers import END, PITCH, START, Song, Track, note_table


def track(program: int, *rows: tuple[int, int, int], name: str = "", drums: bool = False) -> Track:
    """A track of (start, end, pitch) rows."""
    start, end, pitch = np.array(rows).T
    return Track(name, program, drums, note_table(start, end, pitch, np.full(len(rows), 80)))


def song_of(*tracks: Track) -> Song:
    return Song(tracks, ((0, (4, 4)),), ((0, 120.0),), True)


MELODY = ((0, 10, 60), (10, 20, 62), (20, 30, 64))
CHORDS = ((0, 10, 48), (0, 10, 52), (10, 20, 50), (10, 20, 53))
SUNG = song_of(
    track(73, *MELODY), track(52, *MELODY), track(0, *CHORDS), track(0, *MELODY), track(0, (0, 1, 36), drums=True)
)


@pytest.mark.parametrize(
    ("rule", "names"),
    [
        ("voice", ["1"]),  # the choir, not the flute
        ("top", ["0"]),
        ("single", ["0", "1", "3"]),
        ("piano", ["piano"]),
        ("all", ["all"]),
        ("tracks", ["0", "1", "2", "3"]),
        ("tracks_and_all", ["0", "1", "2", "3", "all"]),
        ("drums", ["drums"]),
        ("melody", []),
    ],
)
def test_a_rule_finds_its_parts(rule: str, names: list[str]) -> None:
    assert [name for name, _ in RULES[rule](SUNG)] == names


def test_every_rule_is_tested_here_and_one_voiced_rules_exist() -> None:
    assert set(RULES) == {"voice", "top", "single", "piano", "all", "tracks", "tracks_and_all", "drums", "melody"}
    assert set(RULES) > ONE_VOICED


def test_a_voice_without_a_voice_program_is_what_stands_beside_the_piano() -> None:
    song = song_of(track(73, *MELODY), track(0, *CHORDS))
    assert [name for name, _ in RULES["voice"](song)] == ["0"]


def test_two_voices_are_two_parts() -> None:
    song = song_of(track(68, *MELODY), track(69, *MELODY), track(0, *CHORDS))
    assert [name for name, _ in RULES["voice"](song)] == ["0", "1"]


def test_the_piano_is_all_keyboard_tracks_without_the_tune() -> None:
    song = song_of(track(0, *MELODY, name="MELODY"), track(0, *CHORDS), track(6, (30, 40, 40)))
    ((_, notes),) = RULES["piano"](song)
    assert notes[:, PITCH].tolist() == [48, 52, 50, 53, 40]


def test_a_note_that_two_tracks_share_is_kept_once_at_its_longest() -> None:
    ((_, notes),) = RULES["all"](song_of(track(0, (0, 10, 60)), track(0, (0, 30, 60))))
    assert notes[:, [START, END, PITCH]].tolist() == [[0, 30, 60]]


def test_one_track_is_not_given_twice() -> None:
    assert [name for name, _ in RULES["tracks_and_all"](song_of(track(0, *MELODY)))] == ["0"]


def test_drums_are_all_drum_tracks_and_nothing_else() -> None:
    song = song_of(track(0, (0, 1, 38), drums=True), track(0, *MELODY), track(0, (0, 1, 36), drums=True))
    ((_, notes),) = RULES["drums"](song)
    assert notes[:, PITCH].tolist() == [36, 38]
    assert RULES["drums"](song_of(track(0, *MELODY))) == []


def test_one_voice_keeps_the_highest_and_cuts_at_the_next_onset() -> None:
    notes = track(0, (0, 40, 60), (0, 20, 67), (10, 20, 62), (20, 30, 64)).notes
    voice, changed = strict_voice(notes)
    assert voice[:, [START, END, PITCH]].tolist() == [[0, 10, 67], [10, 20, 62], [20, 30, 64]]
    assert changed == 2  # one dropped, one cut
