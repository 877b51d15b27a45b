"""Drums in MIDI files: channel 10 alone, and what comes back."""

from __future__ import annotations

import io
from itertools import accumulate

import mido
import pytest

from continuo_daw.assistant.music.clip import Clip, Note
from continuo_daw.assistant.music.midi import clip_of_midi
from continuo_daw.assistant.music.midi_write import midi_bytes


def messages(clip: Clip) -> list[tuple[int, mido.Message]]:
    """What is written, with ticks."""
    track = mido.MidiFile(file=io.BytesIO(midi_bytes(clip))).tracks[0]
    return list(zip(accumulate(message.time for message in track), track, strict=True))


def on_channels(*channels: int) -> bytes:
    """A file with a track for each channel, a note in each."""
    data = [bytes((0, 0x90 | c, 38, 80, 96, 0x80 | c, 38, 0)) + b"\x00\xff\x2f\x00" for c in channels]
    head = b"MThd\x00\x00\x00\x06\x00\x01" + bytes((0, len(data))) + b"\x03\xc0"
    return head + b"".join(b"MTrk" + len(track).to_bytes(4, "big") + track for track in data)


def test_every_drum_note_goes_to_channel_10_however_they_overlap() -> None:
    clip = Clip(tuple(Note(i, 38, 1000 - 2 * i) for i in range(20)), 3840, drums=True, channel=10)
    assert [m.channel for _, m in messages(clip) if m.type == "note_on"] == [9] * 20
    assert clip_of_midi(midi_bytes(clip)) == clip


def test_a_drum_note_inside_another_one_lasts_as_long_as_it_did_for_us_alone() -> None:
    clip = Clip((Note(0, 38, 960), Note(240, 38, 120), Note(240, 38, 480, 90)), 3840, drums=True, channel=10)
    assert [tick for tick, m in messages(clip) if m.type == "note_off"] == [960, 960, 960]
    assert clip_of_midi(midi_bytes(clip)) == clip


@pytest.mark.parametrize(("channels", "drums"), [((9,), True), ((9, 9), True), ((0,), False), ((9, 0), False)])
def test_a_clip_is_drums_where_all_its_tracks_are_on_channel_10(channels: tuple[int, ...], drums: bool) -> None:
    assert clip_of_midi(on_channels(*channels)).drums is drums
