"""Files with a few notes changed: every other byte stays, and what changed reads back, also for other programs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from midi_files import QUARTER, Events, chunks_of, dump, file_of, kit, meta, name, note, program, tempo, track, tune

from continuo_daw.assistant.music.clip import TICKS, Clip, Note
from continuo_daw.assistant.music.midi import clip_of_midi, score_of_midi
from continuo_daw.assistant.music.midi_patch import changed, joined
from continuo_daw.assistant.music.midi_write import midi_bytes
from continuo_daw.assistant.music.score import Score

Change = Callable[[Note], Note]

RUNNING = (
    b"\x00\x90\x3c\x50\x83\x60\x3c\x00\x00\x3e\x51\x00\xff\x01\x02hi\x83\x60\x3e\x00\x00\xb0\x07\x40\x00\x0a\x20"
    b"\x00\x90\x40\x52\x83\x60\x40\x00\x00\xff\x2f\x00"
)
FOREIGN: Events = [
    (0, meta(0x7F, b"\x00\x00\x41abc")),
    (7, meta(0x60, b"of tomorrow")),
    (90, b"\xf0\x03\x43\x12\x00"),
    (99, b"\xf7\x03\x10\x20\xf7"),
    (QUARTER, b"\xb0\x40\x7f"),
    (QUARTER, b"\xe0\x28\x46"),
    (2 * QUARTER, meta(0x05, b"\x82\xb3")),
    (3 * QUARTER, b"\xfe"),
]
OVERLAP = [*note(0, 60, 4), *note(1, 60, 1), *note(1, 60, 2), *note(2, 64, 1)]
ONS, OFFS = ([e for e in tune(6, long=1) if (e[1][0] >= 0x90) is on] for on in (True, False))
FILES = {
    "plain": file_of(track(tune(8))),
    "running status": file_of(RUNNING),
    "foreign events": file_of(track([*tune(8), *FOREIGN])),
    "odd division": file_of(track(tune(8)), division=357),
    "coarse division": file_of(b"\x00\x90\x3c\x50\x02\x3c\x00\x00\x3e\x50\x01\x3e\x00\x00\xff\x2f\x00", division=2),
    "frames of seconds": file_of(track(tune(8)), division=0xE728),
    "no offs": file_of(track([e for e in tune(8) if e[1][0] >= 0x90], 9)),
    "offs in another track": file_of(track(ONS, 8), track(OFFS)),
    "equal pitches overlap": file_of(track(OVERLAP)),
    "no end of track": file_of(track(tune(8))[:-4]),
    "bytes behind the end": file_of(track(tune(8)) + b"\x00\x01\x02"),
    "cut short": file_of(track(tune(8)))[:-9],
    "too long a length": file_of(track(tune(8)))[:18] + b"\xff\xff\xff\xff" + track(tune(8)),
    "long delta times": file_of(b"\x80\x80\x00\x90\x3c\x50\x80\x83\x60\x80\x3c\x00\x80\x00\xff\x2f\x00"),
    "two channels": file_of(track([*tune(8), *tune(8, 2, 48), *kit(8)]), kind=0),
    "several tracks": file_of(
        track([name("Song"), tempo(0, 90)]), track(tune(8)), track(tune(8, 3, 40)), track(kit(8))
    ),
    "ours": midi_bytes(
        Clip((Note(0, 60, 4000), Note(240, 60, 120, muted=True), Note(480, 60, 240), Note(960, 61, 9)), 5000)
    ),
    "chunks of others": file_of(track(tune(8)))[:14] + b"XFIH\x00\x00\x00\x02ab" + file_of(track(tune(8)))[14:],
}
OURS_ALONE = ("cut short", "no end of track", "frames of seconds", "too long a length", "chunks of others")  # not mido


def with_(score: Score, part: int, change: Change) -> tuple[bytes, list[Note]]:
    """The file with each sounding note of a part changed, and the notes that it should have."""
    own = score.parts[part]
    wanted = [note if note.muted else change(note) for note in own.clip.notes]
    return changed(score, own.clip.notes, own.places, wanted), sorted(wanted)


def near(found: Sequence[Note], wanted: Sequence[Note], ticks: int) -> bool:
    """Whether notes are the same but for the ticks of the file."""

    def rows(notes: Sequence[Note]) -> list[tuple[int, int, int, int]]:
        return sorted((n.pitch, n.start, n.duration, n.velocity) for n in notes if not n.muted)

    pairs = list(zip(rows(found), rows(wanted), strict=True))
    return all(
        a[0] == b[0] and abs(a[1] - b[1]) <= ticks and abs(a[2] - b[2]) <= 2 * ticks and a[3] == b[3] for a, b in pairs
    )


@pytest.mark.parametrize("case", FILES)
def test_what_has_not_changed_is_the_file_itself(case: str) -> None:
    score = score_of_midi(FILES[case])
    for part in range(len(score.parts)):
        assert with_(score, part, lambda note: note)[0] == FILES[case]


@pytest.mark.parametrize("case", FILES)
def test_new_velocities_are_new_velocity_bytes_alone(case: str) -> None:
    data = FILES[case]
    score = score_of_midi(data)
    own = score.parts[0]
    new, wanted = with_(score, 0, lambda note: replace(note, velocity=note.velocity // 2 + 9))
    assert len(new) == len(data)
    assert [n for n in score_of_midi(new).parts[0].clip.notes if not n.muted] == [n for n in wanted if not n.muted]
    ons = [score.file.tracks[p.track].events[p.on] for p in own.places if p]
    apart = {at for at, (a, b) in enumerate(zip(data, new, strict=True)) if a != b}
    assert apart <= {on.stop - 1 for on in ons} and apart


@pytest.mark.parametrize("case", [case for case in FILES if case not in OURS_ALONE])
def test_another_reader_sees_other_velocities_and_nothing_else(case: str) -> None:
    score = score_of_midi(FILES[case])
    new, _ = with_(score, 0, lambda note: replace(note, velocity=min(127, note.velocity + 11)))
    for before, after in zip(dump(FILES[case]), dump(new), strict=True):
        for (tick, a), (other, b) in zip(before, after, strict=True):
            own = a.type == "note_on" and a.velocity > 0 and a.channel == score.parts[0].channel
            assert tick == other and (a == b or (own and b.velocity == a.velocity + 11 and a.note == b.note))


@pytest.mark.parametrize("case", FILES)
@pytest.mark.parametrize(
    "change",
    [
        lambda note: replace(note, start=note.start + 480),
        lambda note: replace(note, start=max(0, note.start - 480), duration=note.duration + 960),
        lambda note: replace(note, duration=max(1, note.duration // 3)),
        lambda note: replace(note, start=2 * note.start, velocity=128 - note.velocity),
    ],
    ids=("later", "earlier and longer", "shorter", "spread"),
)
def test_moved_notes_read_back_and_all_else_stays(case: str, change: Change) -> None:
    score = score_of_midi(FILES[case])
    new, wanted = with_(score, 0, change)
    again = score_of_midi(new)
    ticks = int(TICKS / score.file.division) + 1
    if case == "coarse division":
        wanted = [replace(note, duration=max(note.duration, 480)) for note in wanted]
    assert near(again.parts[0].clip.notes, wanted, ticks)
    for before, after in zip(score.parts[1:], again.parts[1:], strict=True):
        assert before.clip.notes == after.clip.notes
    for before, after in zip(score.file.tracks, again.file.tracks, strict=True):
        kept = [[(e.tick, e.status, e.data) for e in t.events if not 0x80 <= e.status < 0xA0] for t in (before, after)]
        lasts = [[row for row in rows if b"continuo lasts" not in row[2]] for rows in kept]
        assert lasts[0] == lasts[1]


def test_a_moved_note_behind_a_foreign_event_gets_a_status_of_its_own() -> None:
    """Many programs forget the running status at a meta event or a sysex."""
    score = score_of_midi(
        file_of(b"\x00\x90\x3c\x50\x10\x3e\x50\x10\x3c\x00\x10\xff\x01\x01x\x20\x3e\x00\x00\xff\x2f\x00")
    )
    new, _ = with_(score, 0, lambda note: replace(note, duration=note.duration + 192) if note.pitch == 60 else note)
    assert bytes((0xFF, 1, 1)) + b"x" in new and [n.end for n in clip_of_midi(new).notes] == [256, 160]


def test_a_riff_file_keeps_its_sizes_right() -> None:
    data = file_of(track(tune(5)))
    tail = b"LIST\x04\x00\x00\x00INFO"
    for more in (b"", b"\x00\x00\xff\x01\x01x"):
        inner = file_of(more[1:] + track(tune(5))) if more else data
        body = b"RMID" + b"data" + len(inner).to_bytes(4, "little") + inner + b"\0" * (len(inner) & 1) + tail
        whole = b"RIFF" + len(body).to_bytes(4, "little") + body
        score = score_of_midi(whole)
        assert with_(score, 0, lambda note: note)[0] == whole
        for beats in (1, 2, 3):
            new = joined(score, (0,), Clip((Note(0, 60, 900),), beats * TICKS), 8 * TICKS)
            size = int.from_bytes(new[16:20], "little")
            assert int.from_bytes(new[4:8], "little") == len(new) - 8
            assert new[20 + size + (size & 1) :] == tail
            assert len(clip_of_midi(new).notes) == 6


def test_a_clip_joined_to_a_track_leaves_the_others_byte_for_byte() -> None:
    conductor, bass = track([name("Song"), tempo(0, 90)]), track([name("Bass"), program(6, 34), *tune(8, 6, 40)])
    data = file_of(conductor, track(tune(8)), bass, track(kit(8)))
    score = score_of_midi(data)
    assert score.chosen("bass") == (1,)
    added = Clip(tuple(Note(k * TICKS, 43 + k, 700, 66) for k in range(4)), 4 * TICKS, 90.0, channel=1)
    new = joined(score, (1,), added, 8 * TICKS)
    same = [a == b for a, b in zip(chunks_of(data), chunks_of(new), strict=True)]
    assert same == [True, True, False, True] and new[:14] == data[:14]
    before, after = dump(data)[2], dump(new)[2]
    assert after[: len(before) - 1] == before[:-1] and after[-1][0] == 12 * QUARTER
    assert {m.channel for _, m in after[len(before) - 1 : -1]} == {5}
    part = score_of_midi(new).parts[1].clip
    assert (part.length, part.program, part.name) == (12 * TICKS, 34, "Bass")
    assert [(n.start, n.pitch, n.velocity) for n in part.notes[8:]] == [((8 + k) * TICKS, 43 + k, 66) for k in range(4)]


def test_what_is_put_over_a_stretch_takes_the_place_of_all_chosen_tracks_there() -> None:
    score = score_of_midi(file_of(track(tune(8)), track(tune(8, 2, 48)), track(tune(8, 3, 36))))
    new = score_of_midi(joined(score, (0, 1), Clip((Note(0, 90, 500),), 4 * TICKS), 2 * TICKS, 6 * TICKS))
    assert [[n.start // TICKS for n in part.clip.notes] for part in new.parts] == [
        [0, 1, 2, 6, 7],
        [0, 1, 6, 7],
        list(range(8)),
    ]


def test_a_muted_note_stays_where_a_stretch_is_new() -> None:
    clip = Clip((Note(0, 60, 900), Note(960, 62, 900, muted=True), Note(1920, 64, 900)), 4 * TICKS)
    new = joined(score_of_midi(midi_bytes(clip)), (0,), Clip((Note(0, 70, 400),), TICKS), TICKS, 3 * TICKS)
    assert [(n.pitch, n.muted) for n in clip_of_midi(new).notes] == [(60, False), (62, True), (70, False)]


def test_notes_shorter_than_a_tick_of_the_file_end() -> None:
    score = score_of_midi(file_of(b"\x00\x90\x3c\x50\x04\x3c\x00\x00\xff\x2f\x00", division=4))
    added = Clip((Note(0, 60, 20), Note(0, 64, 20), Note(960, 60, 300)), 4 * TICKS)
    notes = clip_of_midi(joined(score, (0,), added, 4 * TICKS)).notes
    assert [(n.start, n.pitch, n.duration) for n in notes[1:]] == [(3840, 60, 240), (3840, 64, 240), (4800, 60, 240)]


def test_the_time_of_what_is_added_is_written_where_the_file_has_another() -> None:
    score = score_of_midi(file_of(track([tempo(0, 120), tempo(4, 60), *tune(8)])))
    for bpm, maps in ((60.0, ((0, 120.0), (3840, 60.0))), (90.0, ((0, 120.0), (3840, 60.0), (7680, 90.0)))):
        new = clip_of_midi(joined(score, (0,), Clip((Note(0, 60, 900),), 4 * TICKS, bpm), 8 * TICKS))
        assert (new.time.tempos, new.time.meters) == (maps, ((0, (4, 4)),))
    waltz = Clip((Note(0, 60, 900),), 6 * TICKS, 60.0, (3, 4), tempos=((960, 80.0),))
    time = clip_of_midi(joined(score, (0,), waltz, 8 * TICKS)).time
    assert time.meters == ((0, (4, 4)), (7680, (3, 4))) and time.tempos[-2:] == ((3840, 60.0), (8640, 80.0))


def test_a_length_that_a_file_of_ours_says_grows_with_it() -> None:
    given, added = Clip((Note(0, 60, 900),), 1000), Clip((Note(0, 62, 900),), 2840, upbeat=2840)
    new = clip_of_midi(joined(score_of_midi(midi_bytes(given)), (0,), added, 1000))
    assert (new.length, new.meters, [n.start for n in new.notes]) == (3840, (), [0, 1000])


@st.composite
def files(draw: st.DrawFn) -> bytes:
    """Small files with crowded pitches on two channels, running status, foreign events between."""
    division = draw(st.sampled_from((96, 120, 480, 960)))
    tracks = []
    for _ in range(draw(st.integers(1, 3))):
        data, status = b"", 0
        for _ in range(draw(st.integers(0, 14))):
            delta = bytes((draw(st.integers(0, 127)),))
            kind = draw(st.integers(0, 9))
            if kind == 0:
                data += delta + draw(st.sampled_from((b"\xff\x01\x02ab", b"\xf0\x02\x01\xf7", b"\xff\x7f\x01\x41")))
                continue
            wanted = draw(st.sampled_from((0x90, 0x91, 0x80, 0xB0)))
            body = bytes((draw(st.sampled_from((60, 61))), draw(st.integers(0, 127))))
            data += delta + (b"" if wanted == status and draw(st.booleans()) else bytes((wanted,))) + body
            status = wanted
        tracks.append(data + bytes((draw(st.integers(0, 127)),)) + b"\xff\x2f\x00")
    return file_of(*tracks, division=division)


@given(files(), st.data())
@settings(max_examples=80, deadline=None)
def test_whatever_is_asked_of_the_notes_of_any_file_reads_back(data: bytes, draw: st.DataObject) -> None:
    score = score_of_midi(data)
    clip, places = score.places(tuple(range(len(score.parts))))
    grid = int(TICKS / score.file.division)
    few = st.integers(0, 40)
    wanted = [
        note
        if draw.draw(st.booleans())
        else Note(
            grid * 8 * draw.draw(few), note.pitch, grid * (1 + 4 * draw.draw(few)), draw.draw(st.integers(1, 127))
        )
        for note in clip.notes
    ]
    new = changed(score, clip.notes, places, wanted)
    again = score_of_midi(new)
    assert near(again.clip(tuple(range(len(again.parts)))).notes, wanted, grid)
    assert changed(score, clip.notes, places, clip.notes) == data
    for before, after in zip(score.file.tracks, again.file.tracks, strict=True):
        others = [
            [(e.tick, e.status, e.data) for e in t.events if not 0x80 <= e.status < 0xA0 and b"continuo" not in e.data]
            for t in (before, after)
        ]
        assert others[0] == others[1]
