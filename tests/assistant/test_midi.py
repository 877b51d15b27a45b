"""MIDI files: what is written reads back the same, what others write is read, what is broken is refused in words."""

from __future__ import annotations

import io
import random
from pathlib import Path

import mido
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from continuo_daw.assistant.errors import AssistantError
from continuo_daw.assistant.music import midi
from continuo_daw.assistant.music.clip import TICKS, Clip, Note
from continuo_daw.assistant.music.midi import clip_of_midi, read_midi, score_of_midi
from continuo_daw.assistant.music.midi_write import midi_bytes, write_midi
from continuo_daw.assistant.music.time_map import bar_ticks

END = b"\x00\xff\x2f\x00"


def file_of(*tracks: bytes, kind: int = 1, division: int = TICKS) -> bytes:
    """A MIDI file with these events in its tracks."""
    header = b"MThd" + b"".join(
        n.to_bytes(size, "big") for n, size in ((6, 4), (kind, 2), (len(tracks), 2), (division, 2))
    )
    return header + b"".join(b"MTrk" + len(t).to_bytes(4, "big") + t for t in tracks)


def notes_of(*tracks: bytes, **header: int) -> list[tuple[int, int, int, int]]:
    """Start, pitch, duration and velocity of the notes in a file of these tracks."""
    clip = clip_of_midi(file_of(*tracks, **header))
    return [(n.start, n.pitch, n.duration, n.velocity) for n in clip.notes]


@st.composite
def clips(draw: st.DrawFn) -> Clip:
    """Clips of tones or drums with crowded pitches, notes over the end of the clip, muted notes, up-beats, changes."""
    few = st.integers(0, 4000) | st.integers(0, 12).map(lambda step: 240 * step)
    note = st.builds(
        Note, few, st.sampled_from((0, 60, 61, 127)), few.map(lambda t: t + 1), st.integers(1, 127), st.booleans()
    )
    notes = draw(st.lists(note, max_size=14))
    length = max((n.start + 1 for n in notes), default=0) + draw(st.integers(0, 9000))
    meter = draw(st.tuples(st.integers(1, 64), st.sampled_from((1, 2, 4, 8, 16, 32, 64))))
    tempo = st.integers(500, 50_000).map(lambda hundredths: hundredths / 100)
    later = draw(st.lists(tempo, max_size=2))
    first = draw(tempo)
    drums = draw(st.booleans())
    last = max([length, *(n.end for n in notes)])  # what changes behind it says nothing
    tempos = [(tick, value) for tick, value in zip((1000, 3000), later, strict=False) if tick <= last]
    meters = draw(st.sampled_from(((), ((7680, (5, 4)),), ((960, (2, 4)), (4800, (6, 8))))))
    return Clip(
        tuple(notes),
        length,
        first,
        meter,
        drums,
        draw(st.just(0) | st.integers(0, bar_ticks(meter) - 1)),
        tuple(
            (t, v)
            for (t, v), (_, before) in zip(tempos, [(0, first), *tempos], strict=False)
            if v != before and t <= last
        ),
        tuple(change for change in meters if change[0] <= last),
        draw(st.sampled_from(("", "Flute", "メロディ"))),
        10 if drums else draw(st.sampled_from((1, 4, 16))),
        draw(st.none() | st.integers(1, 128)),
    )


@given(clips())
@example(Clip((), 0, channel=1))
@example(Clip((Note(0, 60, 100),), 0, channel=1))
@example(Clip((), 3840, drums=True, channel=10))
@example(Clip((Note(0, 38, 100, muted=True),), 3840, drums=True, channel=10))
@settings(max_examples=150, deadline=None)
def test_a_clip_reads_back_as_it_was_written(clip: Clip) -> None:
    assert clip_of_midi(midi_bytes(clip)) == clip


def test_a_clip_reads_back_from_disk(tmp_path: Path) -> None:
    clip = Clip((Note(0, 60, 480), Note(480, 64, 480)), 3840, 96.5, (3, 4), channel=1)
    write_midi(clip, tmp_path / "clip.mid")
    assert read_midi(tmp_path / "clip.mid") == clip


def test_the_file_ends_where_the_clip_ends() -> None:
    written = midi_bytes(Clip((Note(0, 60, 480),), 7680))
    assert sum(message.time for message in _mido(written).tracks[0]) == 7680


def test_the_file_is_type_0_with_960_ticks() -> None:
    written = _mido(midi_bytes(Clip((Note(0, 60, 480),), 3840)))
    assert (written.type, written.ticks_per_beat, len(written.tracks)) == (0, 960, 1)


def test_a_muted_note_is_silent_for_other_programs() -> None:
    written = _mido(midi_bytes(Clip((Note(0, 60, 480, muted=True),), 3840)))
    assert not [m for m in written.tracks[0] if m.type.startswith("note")]


def test_a_clip_has_one_channel_also_where_equal_pitches_overlap() -> None:
    clip = Clip(tuple(Note(i, 60, 1000 - 2 * i) for i in range(20)), 3840, channel=4, program=74)
    messages = _mido(midi_bytes(clip)).tracks[0]
    assert {m.channel for m in messages if m.type in ("note_on", "note_off", "program_change")} == {3}
    assert clip_of_midi(midi_bytes(clip)) == clip


def test_a_repeated_note_ends_before_it_begins_again() -> None:
    written = _mido(midi_bytes(Clip((Note(0, 60, 480), Note(480, 60, 480)), 3840)))
    assert [m.type for m in written.tracks[0] if m.type.startswith("note")] == ["note_on", "note_off"] * 2


def test_no_melody_note_goes_to_the_drum_channel() -> None:
    written = _mido(midi_bytes(Clip((Note(0, 60, 480),), 3840, channel=10)))
    assert {m.channel for m in written.tracks[0] if m.type == "note_on"} == {0}


def test_two_tracks_become_one_clip() -> None:
    upper, lower = b"\x00\x90\x48\x50\x83\x60\x80\x48\x00" + END, b"\x00\x91\x30\x40\x83\x60\x81\x30\x00" + END
    assert notes_of(upper, lower) == [(0, 48, 480, 64), (0, 72, 480, 80)]


def test_running_status_and_velocity_0() -> None:
    assert notes_of(b"\x00\x90\x3c\x50\x60\x3c\x00\x00\x3e\x50\x60\x3e\x00" + END) == [
        (0, 60, 96, 80),
        (96, 62, 96, 80),
    ]


def test_running_status_goes_on_after_a_meta_event() -> None:
    assert notes_of(b"\x00\x90\x3c\x50\x00\xff\x01\x01x\x60\x3c\x00" + END) == [(0, 60, 96, 80)]


def test_a_note_without_length_lasts_one_tick() -> None:
    assert notes_of(b"\x00\x90\x3c\x50\x00\x3c\x00" + END) == [(0, 60, 1, 80)]


def test_off_belongs_to_the_oldest_note() -> None:
    assert notes_of(b"\x00\x90\x3c\x50\x10\x3c\x51\x10\x3c\x00\x30\x3c\x00" + END) == [
        (0, 60, 32, 80),
        (16, 60, 64, 81),
    ]


def test_a_note_without_off_lasts_to_the_end_of_its_track() -> None:
    assert notes_of(b"\x00\x90\x3c\x50\x60\xff\x2f\x00") == [(0, 60, 96, 80)]


def test_a_stray_off_is_passed_over() -> None:
    assert notes_of(b"\x00\x80\x3c\x00\x00\x90\x3e\x50\x60\x80\x3e\x00" + END) == [(0, 62, 96, 80)]


@pytest.mark.parametrize(
    ("division", "tick", "expected"),
    [(96, 96, 960), (480, 1, 2), (384, 1, 3), (1920, 1, 1), (1, 2, 1920), (15360, 7, 0)],
)
def test_other_ticks_a_quarter_are_rounded_to_ours(division: int, tick: int, expected: int) -> None:
    assert notes_of(bytes((tick, 0x90, 60, 80, 127, 0x80, 60, 0)) + END, division=division)[0][0] == expected


@pytest.mark.parametrize(
    "event",
    [
        b"\xff\x59\x02\x09\x00",  # a key signature of 9 sharps, as in files of the Mutopia project
        b"\xff\x59\x00",
        b"\xff\x58\x01\x04",  # a meter without denominator
        b"\xff\x58\x04\x04\xff\x18\x08",
        b"\xff\x51\x01\x07",
        b"\xff\x54\x00",  # an empty SMPTE offset
        b"\xff\x00\x01\x00",
        b"\xff\x60\x03abc",  # an unknown meta event
        b"\xff\x01\x03\xff\xfe\x80",  # text in no encoding
        b"\xff\x7f\x0d\x7dcontinuo end",  # ours, cut short
        b"\xff\x7f\x15\x7dcontinuo muted\xff\x50\x00\x00\x00\x01",  # a muted note of pitch 255
        b"\xff\x7f\x15\x7dcontinuo muted\x3c\x50\x00\x00\x00\x00",  # and one without duration
        b"\xff\x7f\x13\x7dcontinuo lasts\x00\x00\x00\x00",  # a note that lasts no time
        b"\xff\x7f\x0f\x7dcontinuo drums",  # but the notes are tones
        b"\xf0\x03\x7e\x09\xf7",
        b"\xf7\x02\xf3\x01",
        b"\xb0\x07\x64",
        b"\xe0\x00\x40",
        b"\xd0\x10",
    ],
)
def test_other_events_change_nothing_but_take_their_time(event: bytes) -> None:
    clip = clip_of_midi(file_of(b"\x60" + event + b"\x60\x90\x3c\x50\x60\x80\x3c\x00" + END))
    assert (clip.notes, clip.tempo, clip.meter) == ((Note(192, 60, 96, 80),), 120.0, (4, 4))


def test_tempo_and_meter_with_their_changes() -> None:
    first = b"\x00\xff\x51\x03\x0f\x42\x40\x00\xff\x58\x04\x04\x02\x18\x08"
    then = b"\x9e\x00\xff\x51\x03\x09\x27\xc0\x00\xff\x58\x04\x03\x03\x18\x08"
    clip = clip_of_midi(file_of(first + then + END, b"\x00\x90\x3c\x50\xbc\x00\x80\x3c\x00" + END))
    assert (clip.tempo, clip.meter) == (60.0, (4, 4))
    assert (clip.tempos, clip.meters) == (((3840, 100.0),), ((3840, (3, 8)),))


def test_the_clip_goes_on_to_the_bar_of_its_last_note() -> None:
    assert clip_of_midi(file_of(b"\x00\x90\x3c\x50\x60\x80\x3c\x00" + END)).length == 4 * TICKS


def test_an_end_of_track_behind_the_last_bar_is_the_length() -> None:
    assert clip_of_midi(file_of(b"\x00\x90\x3c\x50\x60\x80\x3c\x00\xa6\x20\xff\x2f\x00")).length == 96 + 4896


def test_chunks_of_other_programs_are_passed_over() -> None:
    data = file_of(b"\x00\x90\x3c\x50\x60\x80\x3c\x00" + END)
    assert len(clip_of_midi(data[:14] + b"XFIH\x00\x00\x00\x02ab" + data[14:]).notes) == 1


GOOD = file_of(b"\x00\x90\x3c\x50\x60\x80\x3c\x00" + END)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"", "it is empty"),
        (b"RIFF" + bytes(40), "not a MIDI file"),
        (GOOD[:10], "its header is cut short"),
        (GOOD[:14], "it has no track"),
        (file_of(b"\x00\x3c\x40" + END), "it holds no music, and track 1 is damaged: no event begins with"),
        (file_of(b"\xff\xff\xff\xff\xff\x00"), "it holds no music, and track 1 is damaged: .* does not end"),
        (file_of(END, division=0), "0 ticks a quarter"),
    ],
)
def test_a_damaged_file_is_named_with_what_is_wrong(tmp_path: Path, data: bytes, text: str) -> None:
    path = tmp_path / "damaged.mid"
    path.write_bytes(data)
    with pytest.raises(AssistantError, match=rf"damaged\.mid: .*{text}") as caught:
        read_midi(path)
    assert caught.value.code == "bad_args"


@pytest.mark.parametrize(
    ("data", "warning"),
    [
        (GOOD[:-3], "track 1 is cut short, 3 bytes are missing"),
        (file_of(b"\x00\x90\x3c\x50\x60\x80\x3c\x00\x00\x90\x3c"), "track 1 is damaged: it ends inside an event"),
        (GOOD[:11] + b"\x09" + GOOD[12:], "its header names 9 tracks, 1 are there"),
    ],
)
def test_what_is_there_of_a_damaged_file_is_read_with_a_warning(data: bytes, warning: str) -> None:
    score = score_of_midi(data)
    assert score.warnings[0].startswith(warning)
    assert [(n.start, n.pitch, n.duration) for n in score.parts[0].clip.notes] == [(0, 60, 96)]


def test_time_in_frames_of_seconds() -> None:
    """25 frames of 40 ticks a second: a quarter of half a second has 500."""
    clip = clip_of_midi(file_of(b"\x00\x90\x3c\x50\x87\x68\x80\x3c\x00" + END, division=0xE728))
    assert [(n.start, n.duration) for n in clip.notes] == [(0, 2 * TICKS)]


def test_a_missing_file_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(AssistantError, match=r"there is no file .*none\.mid") as caught:
        read_midi(tmp_path / "none.mid")
    assert caught.value.code == "not_found"


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(AssistantError, match="cannot read"):
        read_midi(tmp_path)


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(AssistantError, match=r"cannot write .*out\.mid"):
        write_midi(Clip((), 0), tmp_path / "no folder" / "out.mid")


def test_too_many_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(midi, "MAX_BYTES", 20)
    with pytest.raises(AssistantError, match="has more than 0 MB") as caught:
        clip_of_midi(GOOD)
    assert caught.value.code == "too_large"


def test_too_many_notes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(midi, "MAX_NOTES", 0)
    with pytest.raises(AssistantError, match="more than 0 notes") as caught:
        clip_of_midi(GOOD)
    assert caught.value.code == "too_large"


def test_a_file_of_a_hundred_years_is_too_large() -> None:
    with pytest.raises(AssistantError, match="lasts longer"):
        clip_of_midi(file_of(b"\x8f\xff\xff\xff\x7f\x90\x3c\x50" + END, division=1))


def test_mutated_files_raise_nothing_but_our_error() -> None:
    chance = random.Random(1)
    clip = Clip(
        tuple(Note(240 * i, 60 + i % 7, 200 + 90 * (i % 5), muted=i % 6 == 0) for i in range(24)), 6000, 90.0, (6, 8)
    )
    whole = midi_bytes(clip)
    refused = 0
    for _ in range(3000):
        data = bytearray(whole)
        for _ in range(chance.choice((1, 1, 2, 8))):
            data[chance.randrange(len(data))] = chance.choice((0, 0x7F, 0x80, 0xFF, chance.randrange(256)))
        try:
            clip_of_midi(bytes(data[: chance.choice((len(data), len(data), chance.randrange(len(data))))]))
        except AssistantError:
            refused += 1
    assert 100 < refused < 2900  # both ways were taken often


def _mido(data: bytes) -> mido.MidiFile:
    return mido.MidiFile(file=io.BytesIO(data))
