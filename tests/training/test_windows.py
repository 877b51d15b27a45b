"""Windows begin where music begins, and both sides of a comparison are cut alike."""

from __future__ import annotations

from tiny import tune

from continuo_daw.assistant.music.clip import TICKS, Clip, Note
from continuo_daw.training.corpus.pieces import Piece
from continuo_daw.training.evaluation.windows import first_bar, windows

BAR = 4 * TICKS


def piece(*sections: Clip, split: str = "test") -> Piece:
    return Piece("a", "a", split, sections, "tunes")


def test_a_window_begins_at_the_first_bar_that_sounds() -> None:
    late = tune(1, bars=4).shifted(3 * BAR + TICKS)  # the first note lies within the fourth bar
    (window,) = windows([piece(late)], "test", 2)
    assert window.clip.notes[0].start == TICKS
    assert (window.clip.length, window.clip.bar, window.prompt.length) == (2 * BAR, BAR, 0)


def test_a_prompt_stands_before_the_window() -> None:
    whole = tune(2, bars=8)
    (window,) = windows([piece(whole)], "test", 4, before=2)
    assert window.prompt.length == 2 * BAR
    heard = [(note.start, note.pitch) for note in window.prompt.joined(window.clip).notes]
    assert heard == [(note.start, note.pitch) for note in whole.window(0, 6 * BAR).notes]


def test_a_prompt_may_sound_into_the_window() -> None:
    clip = Clip((Note(0, 60, BAR + TICKS), Note(BAR + TICKS, 62, TICKS)), 2 * BAR)
    (window,) = windows([piece(clip)], "test", 1, before=1)
    assert window.prompt.notes[0].end == BAR + TICKS
    assert window.clip.notes[0].start == TICKS


def test_the_first_section_that_is_long_enough_is_taken() -> None:
    found = windows([piece(tune(1, bars=2)), piece(tune(2, bars=2), tune(3, bars=6, meter=(3, 4)))], "test", 4)
    assert [(window.piece, window.clip.meter) for window in found] == [(1, (3, 4))]


def test_other_splits_and_silence_give_none() -> None:
    silent = Clip((Note(0, 60, TICKS, muted=True),), 8 * BAR)
    assert windows([piece(tune(1, bars=8), split="train"), piece(silent)], "test", 4) == []
    assert first_bar(silent) == 8 * BAR


def test_no_note_sounds_over_the_end_and_muted_notes_are_left_out() -> None:
    clip = Clip((Note(0, 60, TICKS), Note(TICKS, 61, TICKS, muted=True), Note(2 * TICKS, 62, 8 * BAR)), 2 * BAR)
    (window,) = windows([piece(clip)], "test", 1)
    assert [(note.pitch, note.end) for note in window.clip.notes] == [(60, TICKS), (62, BAR)]
