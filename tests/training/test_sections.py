"""Sections: meter changes, incomplete bars, up-beats."""

from __future__ import annotations

import numpy as np
import pytest

from continuo_daw.assistant.music.clip import TICKS, bar_ticks
from continuo_daw.training.corpus.readers import Song, Track, note_table
from continuo_daw.training.corpus.sections import Span, clips, spans

QUARTER = TICKS


def song_of(rows: list[tuple[int, int, int]], meters: list[tuple[int, tuple[int, int]]], known: bool = True) -> Song:
    """A song of (start, end, pitch) rows in ticks."""
    start, end, pitch = np.array(rows).T
    track = Track("", 0, False, note_table(start, end, pitch, np.full(len(rows), 80)))
    return Song((track,), tuple(meters), ((0, 120.0),), known)


def quarters(count: int) -> list[tuple[int, int, int]]:
    """`count` quarters in a row."""
    return [(i * QUARTER, (i + 1) * QUARTER, 60 + i % 12) for i in range(count)]


def test_a_meter_change_starts_a_section_on_its_bar_line() -> None:
    song = song_of(quarters(14), [(0, (4, 4)), (8 * QUARTER, (3, 4))])
    first, second = clips(song.tracks[0].notes, spans(song), song.tempos)
    assert (first.meter, first.length, len(first.notes)) == ((4, 4), 8 * QUARTER, 8)
    assert (second.meter, second.length, second.notes[0].start) == ((3, 4), 6 * QUARTER, 0)


def test_a_short_first_bar_is_an_upbeat() -> None:
    song = song_of(quarters(9), [(0, (1, 4)), (QUARTER, (4, 4))])
    (clip,) = clips(song.tracks[0].notes, spans(song), song.tempos)
    assert clip.meter == (4, 4)
    assert [note.start for note in clip.notes[:2]] == [3 * QUARTER, 4 * QUARTER]
    assert clip.length == 12 * QUARTER


def test_an_upbeat_in_the_middle_takes_no_notes_from_the_section_before() -> None:
    song = song_of(quarters(13), [(0, (4, 4)), (8 * QUARTER, (1, 4)), (9 * QUARTER, (2, 2))])
    first, second = clips(song.tracks[0].notes, spans(song), song.tempos)
    assert (len(first.notes), len(second.notes)) == (8, 5)
    assert second.notes[0].start == 3 * QUARTER


def test_the_halves_of_a_bar_that_a_repeat_splits_are_one_bar() -> None:
    song = song_of(quarters(12), [(0, (4, 4)), (4 * QUARTER, (3, 4)), (7 * QUARTER, (1, 4)), (8 * QUARTER, (4, 4))])
    assert spans(song) == [Span(0, 12 * QUARTER, (4, 4), 0)]


def test_a_last_short_bar_stays_with_the_section() -> None:
    song = song_of(quarters(11), [(0, (4, 4)), (8 * QUARTER, (3, 4))])
    (clip,) = clips(song.tracks[0].notes, spans(song), song.tempos)
    assert (clip.meter, clip.length, len(clip.notes)) == ((4, 4), 12 * QUARTER, 11)


def test_a_meter_written_again_on_a_bar_line_changes_nothing() -> None:
    song = song_of(quarters(8), [(0, (4, 4)), (4 * QUARTER, (4, 4))])
    assert len(spans(song)) == 1


def test_an_endless_cadenza_bar_is_left_out() -> None:
    song = song_of(quarters(12), [(0, (4, 4)), (4 * QUARTER, (139, 4)), (8 * QUARTER, (4, 4))])
    found = clips(song.tracks[0].notes, spans(song), song.tempos)
    assert [clip.meter for clip in found] == [(4, 4), (4, 4)]


def test_a_section_has_the_tempo_of_its_start() -> None:
    song = song_of(quarters(14), [(0, (4, 4)), (8 * QUARTER, (3, 4))])
    slower = Song(song.tracks, song.meters, ((0, 100.0), (8 * QUARTER, 60.0)), True)
    assert [clip.tempo for clip in clips(song.tracks[0].notes, spans(song), slower.tempos)] == [100.0, 60.0]


def waltz(pickup: int) -> list[tuple[int, int, int]]:
    """Eight bars of a half and a quarter, the first bar after `pickup` quarters."""
    rows = quarters(pickup)
    for bar in range(8):
        start = (pickup + 3 * bar) * QUARTER
        rows += [(start, start + 2 * QUARTER, 67), (start + 2 * QUARTER, start + 3 * QUARTER, 64)]
    return rows


@pytest.mark.parametrize("pickup", [0, 1, 2])
def test_an_upbeat_that_no_meter_shows_is_estimated(pickup: int) -> None:
    (span,) = spans(song_of(waltz(pickup), [(0, (3, 4))], known=False))
    assert (pickup * QUARTER - span.origin) % bar_ticks((3, 4)) == 0
    assert span.origin <= 0


def test_a_little_evidence_moves_no_bar_line() -> None:
    rows = [(0, 2 * QUARTER, 60), *quarters(12)]
    late = [(start + QUARTER, end + QUARTER, pitch) for start, end, pitch in rows]
    (span,) = spans(song_of([(0, QUARTER, 60), *late], [(0, (2, 4))], known=False))
    assert span.origin == 0


def test_notes_that_sound_across_a_bar_line_speak_against_it() -> None:
    held = [((2 + 9 * i) * QUARTER, (4 + 9 * i) * QUARTER, 48) for i in range(4)]  # in every third bar, from its start
    (span,) = spans(song_of(quarters(38) + held, [(0, (3, 4))], known=False))
    assert span.origin == -QUARTER


def test_nothing_is_estimated_where_the_bars_are_known() -> None:
    (span,) = spans(song_of(waltz(1), [(0, (3, 4))], known=True))
    assert span.origin == 0


@pytest.mark.parametrize("seed", [28, 33, 35, 37])
def test_played_notes_give_no_upbeat(seed: int) -> None:
    random = np.random.default_rng(seed)
    starts = np.cumsum(random.integers(100, 900, 60))
    rows = [
        (start, start + length, 60)
        for start, length in zip(starts - starts[0], random.integers(300, 2500, 60), strict=True)
    ]
    (span,) = spans(song_of(rows, [(0, (3, 4))], known=False))
    assert span.origin == 0
