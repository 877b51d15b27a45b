"""Frames: what a network sees of a clip begins on a bar line, in the meter and the tempo of its end."""

from __future__ import annotations

from continuo_daw.assistant.music.clip import TICKS, Clip, Note
from continuo_daw.assistant.music.frame import framed

TUNE = tuple(Note(beat * TICKS, 60 + beat % 5, TICKS) for beat in range(13))


def test_a_plain_clip_is_its_own_frame() -> None:
    clip = Clip(TUNE[:8], 8 * TICKS, 96.0, (4, 4))
    frame = framed(clip)
    assert (frame.clip, frame.origin, frame.ahead) == (clip, 0, 0)


def test_an_up_beat_gets_the_rest_of_its_bar_before_it() -> None:
    frame = framed(Clip(TUNE, 13 * TICKS, meter=(3, 4), upbeat=TICKS))
    assert frame.ahead == 2 * TICKS
    assert (frame.clip.notes[0].start, frame.clip.length) == (2 * TICKS, 15 * TICKS)


def test_the_meter_and_the_bars_are_those_of_the_end() -> None:
    clip = Clip(TUNE, 13 * TICKS, meter=(4, 4), meters=((7 * TICKS, (3, 4)),))
    frame = framed(clip)
    assert frame.clip.meter == (3, 4)
    assert (7 * TICKS - frame.origin) % frame.clip.bar == 0


def test_what_is_made_behind_goes_on_in_what_holds_from_the_end_on() -> None:
    """A ritardando and a new meter that begin just where the new bars do."""
    clip = Clip(TUNE[:8], 8 * TICKS, 120.0, tempos=((8 * TICKS, 64.0),), meters=((8 * TICKS, (6, 8)),))
    assert (framed(clip).clip.tempo, framed(clip).clip.meter) == (120.0, (4, 4))
    behind = framed(clip, behind=True)
    assert (behind.clip.tempo, behind.clip.meter) == (64.0, (6, 8))
    assert (8 * TICKS - behind.origin) % behind.clip.bar == 0


def test_a_stretch_begins_on_the_bar_line_before_it() -> None:
    frame = framed(Clip(TUNE, 13 * TICKS), 5 * TICKS, 8 * TICKS)
    assert (frame.origin, frame.ahead) == (4 * TICKS, TICKS)
    assert [note.start for note in frame.clip.notes] == [TICKS, 2 * TICKS, 3 * TICKS]
