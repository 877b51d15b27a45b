"""MIDI files as other programs write them, after public reports of what readers get wrong: each is read as it is meant.

Times are quarter notes.
"""

from __future__ import annotations

import pytest
from midi_files import QUARTER, file_of, kit, meta, meter, name, note, program, tempo, track, tune

from continuo_daw.assistant.errors import AssistantError
from continuo_daw.assistant.music.clip import TICKS, Clip
from continuo_daw.assistant.music.midi import score_of_midi
from continuo_daw.assistant.music.score import Score

PLAIN = track(tune(16))


def only(data: bytes) -> Clip:
    """The clip of a file that has one."""
    (part,) = score_of_midi(data).parts
    return part.clip


def first_notes(clip: Clip) -> list[tuple[float, int]]:
    return [(n.start / TICKS, n.pitch) for n in clip.notes[:4]]


def riff(data: bytes) -> bytes:
    """A MIDI file as RMID."""
    body = b"RMID" + b"data" + len(data).to_bytes(4, "little") + data + b"\0" * (len(data) & 1)
    return b"RIFF" + len(body).to_bytes(4, "little") + body


SPLIT_SYSEX = [(0, b"\xf0\x03\x43\x12\x00"), (10, b"\xf7\x03\x10\x20\xf7")]
READ = {  # name: file, warnings
    "riff": (riff(file_of(PLAIN, kind=0)), ()),
    "count9": (file_of(track([]), PLAIN, count=9), ("its header names 9 tracks, 2 are there",)),
    "lenff": (file_of(PLAIN)[:18] + b"\xff\xff\xff\xff" + PLAIN, ("track 1 is cut short",)),
    "trunc": (file_of(PLAIN)[:-6], ("track 1 is cut short, 6 bytes are missing",)),
    "hibyte_cc": (file_of(track([*tune(16), (QUARTER, b"\xb0\x07\xc8")])), ()),
    "rt": (file_of(track([*tune(16), (100, b"\xfe"), (200, b"\xf8"), (900, b"\xfe")])), ()),
    "fmt2one": (file_of(PLAIN, kind=2), ()),
    "sysexsplit": (file_of(track([*tune(16), *SPLIT_SYSEX])), ()),
}


@pytest.mark.parametrize("case", READ)
def test_what_others_write_is_read_with_one_warning_at_most(case: str) -> None:
    data, warnings = READ[case]
    score = score_of_midi(data)
    assert [found[: len(said)] for found, said in zip(score.warnings, warnings, strict=False)] == list(warnings)
    assert bool(score.warnings) == bool(warnings)
    (part,) = score.parts
    assert part.sounding == 16 and first_notes(part.clip) == [(0, 60), (1, 62), (2, 64), (3, 65)]
    assert part.clip.length == 16 * TICKS


@pytest.mark.parametrize("length", [b"\xff\xff\xff\xff", b"\x00\x00\x00\x09", b"\x00\x00\x10\x00"])
def test_a_wrong_length_of_a_track_costs_no_other_track(length: bytes) -> None:
    data = file_of(PLAIN, track(tune(8, channel=2)))
    score = score_of_midi(data[:18] + length + data[22:])
    assert [part.sounding for part in score.parts] == [16, 8]
    assert score.warnings[0].startswith("track 1 names a wrong length")


def test_a_length_that_is_too_short_loses_nothing_of_the_last_track() -> None:
    data = file_of(PLAIN)
    assert len(only(data[:18] + b"\x00\x00\x00\x09" + data[22:]).notes) == 16


def test_bytes_behind_the_last_track_are_nothing() -> None:
    score = score_of_midi(file_of(PLAIN) + bytes(40))
    assert (score.warnings, score.parts[0].sounding) == ((), 16)


@pytest.mark.parametrize("data", [b"", b"MThd", b"hello, I am text" * 9, file_of(b"\x00\x00\x00")])
def test_only_what_holds_no_music_is_an_error(data: bytes) -> None:
    with pytest.raises(AssistantError) as caught:
        score_of_midi(data)
    assert caught.value.code == "bad_args"


def rich() -> Score:
    """A conductor track, a violin on channel 3 and a bass on channel 6."""
    conductor = [
        name("Song"), tempo(0, 90), meter(0, 3, 4), tempo(3, 120), tempo(6, 60), meter(6, 4, 4),
        (0, meta(0x59, b"\x01\x00")), (0, meta(0x06, b"Verse")), (0, meta(0x02, b"(c) me")),
    ]  # fmt: skip
    violin = [name("Violin"), program(3, 41), *tune(14, 3, 67), (0, b"\xb2\x40\x7f"), (700, b"\xe2\x28\x46")]
    bass = [name("Bass"), program(6, 34), *(e for k in range(4) for e in note(3 * k, 43 + k, 2.9, 6))]
    return score_of_midi(file_of(track(conductor), track(violin), track(bass)))


def test_a_score_has_every_track_with_channel_program_name_and_time() -> None:
    parts = rich().parts
    assert [(p.clip.name, p.clip.channel, p.clip.program, p.clip.drums) for p in parts] == [
        ("Violin", 3, 41, False),
        ("Bass", 6, 34, False),
    ]
    for part in parts:
        assert part.clip.time.meters == ((0, (3, 4)), (6 * TICKS, (4, 4)))
        assert part.clip.time.tempos == ((0, 90.0), (3 * TICKS, 120.0), (6 * TICKS, 60.0))
        assert (part.clip.length, part.clip.bars) == (14 * TICKS, 4)


def test_one_track_with_its_channel_and_program() -> None:
    clip = only(file_of(track([name("Flute"), program(4, 74), *tune(16, 4, 72)]), kind=0))
    assert (clip.name, clip.channel, clip.program) == ("Flute", 4, 74)


def test_a_tempo_a_tick_behind_the_first_note_is_that_of_the_clip() -> None:
    late = [(1, meta(0x51, (833333).to_bytes(3, "big")))]
    clip = only(file_of(track([*tune(4), *late])))
    assert (clip.tempo, clip.tempos) == (72.0, ())


@pytest.mark.parametrize(
    ("text", "encoding"), [("メロディ", "shift_jis"), ("Flöte", "latin-1"), ("Pièce", "latin-1"), ("Гусли", "utf-8")]
)
def test_a_name_in_the_letters_of_its_time(text: str, encoding: str) -> None:
    assert only(file_of(track([name(text, encoding), *tune(4)]))).name == text


def test_a_short_first_measure_is_an_up_beat() -> None:
    clip = only(file_of(track([meter(0, 1, 4), meter(1, 3, 4), *tune(13)])))
    assert (clip.meter, clip.meters, clip.upbeat, clip.length) == ((3, 4), (), TICKS, 13 * TICKS)


def waltz() -> list[tuple[int, bytes]]:
    """A quarter up-beat, then bars of a half and a quarter note, up to the bar line at 25."""
    bars = [e for k in range(8) for e in (*note(1 + 3 * k, 67 + k % 3, 1.98), *note(3 + 3 * k, 71 - k % 4, 0.98))]
    return [meter(0, 3, 4), *note(0, 62, 0.98), *bars]


def test_an_up_beat_that_only_the_notes_tell() -> None:
    clip = only(file_of(track(waltz())))
    assert (clip.upbeat, clip.length) == (TICKS, 25 * TICKS)
    assert [line / TICKS for line in clip.time.lines(20 * TICKS, 29 * TICKS)] == [22, 25, 28]


def test_a_conductor_track_that_goes_on_does_not_make_a_clip_longer() -> None:
    clip = only(file_of(track([tempo(0, 100), tempo(2000, 90)]), PLAIN))
    assert (clip.length, clip.time.tempo_at(clip.length)) == (16 * TICKS, 100.0)


def test_drums_are_a_part_of_their_own_also_in_one_track() -> None:
    drums = only(file_of(track(kit(16))))
    assert (drums.drums, drums.channel, len(drums.notes)) == (True, 10, 48)
    both = score_of_midi(file_of(track([*tune(16), *kit(16)]), kind=0)).parts
    assert [(p.clip.drums, p.channel, p.sounding) for p in both] == [(False, 0, 16), (True, 9, 48)]


def test_offs_in_another_track_end_the_notes_that_are_meant() -> None:
    ons, offs = ([e for e in tune(5, long=1) if (e[1][0] >= 0x90) is on] for on in (True, False))
    clip = only(file_of(track(ons, 8), track(offs)))
    assert [n.duration for n in clip.notes] == [TICKS] * 5


def test_offs_in_another_track_belong_to_the_oldest_note_of_all_tracks() -> None:
    late, early = ([note(start, 60)[0]] for start in (4, 0))
    offs = [(2 * QUARTER, b"\x80\x3c\x00"), (5 * QUARTER, b"\x80\x3c\x00")]
    score = score_of_midi(file_of(track(late, 8), track(early, 8), track(offs)))
    assert [p.clip.notes[0].duration / TICKS for p in score.parts] == [1, 2]
