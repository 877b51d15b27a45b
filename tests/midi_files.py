"""Small MIDI files from a few lines: events with absolute ticks, a quarter note has 480 unless it is told."""

from __future__ import annotations

import io
from collections.abc import Iterable
from pathlib import Path

import mido

from continuo_daw.assistant.music.midi_events import number_bytes

QUARTER = 480
Events = list[tuple[int, bytes]]


def note(start: float, pitch: int, beats: float = 1, channel: int = 1, velocity: int = 80) -> Events:
    """On and Off of a note; times are quarter notes, channels 1 to 16."""
    begin, end = round(start * QUARTER), round((start + beats) * QUARTER)
    return [
        (begin, bytes((0x8F + channel, pitch, velocity))),
        (end, bytes((0x7F + channel, pitch, 64))),
    ]


def tune(beats: int, channel: int = 1, first: int = 60, start: float = 0, long: float = 0.9) -> Events:
    """A note a quarter, up and down a scale."""
    steps = (0, 2, 4, 5, 7, 5, 4, 2)
    return [e for k in range(beats) for e in note(start + k, first + steps[k % 8], long, channel, 70 + k % 9)]


def kit(beats: int) -> Events:
    """A beat on channel 10."""
    hats = [e for k in range(2 * beats) for e in note(k / 2, 42, 0.125, 10, 70)]
    return hats + [e for k in range(beats) for e in note(k, (36, 38)[k % 2], 0.125, 10, 100)]


def meta(kind: int, data: bytes) -> bytes:
    return bytes((0xFF, kind)) + number_bytes(len(data)) + data


def name(text: str, encoding: str = "utf-8") -> tuple[int, bytes]:
    return 0, meta(0x03, text.encode(encoding))


def tempo(beat: float, bpm: float) -> tuple[int, bytes]:
    return round(beat * QUARTER), meta(0x51, round(60e6 / bpm).to_bytes(3, "big"))


def meter(beat: float, upper: int, lower: int) -> tuple[int, bytes]:
    return round(beat * QUARTER), meta(0x58, bytes((upper, lower.bit_length() - 1, 24, 8)))


def program(channel: int, number: int) -> tuple[int, bytes]:
    return 0, bytes((0xBF + channel, number - 1))


def track(events: Iterable[tuple[int, bytes]], end: float = 0) -> bytes:
    """The events in order of their ticks, Offs first, and the end of the track, at `end` quarters where that is later.

    What is no note comes before the notes of its tick.
    """

    def rank(event: tuple[int, bytes]) -> tuple[int, int]:
        return event[0], {8: 0, 9: 2}.get(event[1][0] >> 4, 1)

    data, before = b"", 0
    for tick, event in sorted(events, key=rank):
        data += number_bytes(tick - before) + event
        before = tick
    return data + number_bytes(max(0, round(end * QUARTER) - before)) + b"\xff\x2f\x00"


def file_of(*tracks: bytes, kind: int = 1, division: int = QUARTER, count: int | None = None) -> bytes:
    """A MIDI file with these tracks; `count` of them in its header, where that is wrong."""
    sizes = ((6, 4), (kind, 2), (len(tracks) if count is None else count, 2), (division, 2))
    header = b"MThd" + b"".join(number.to_bytes(size, "big") for number, size in sizes)
    return header + b"".join(b"MTrk" + len(t).to_bytes(4, "big") + t for t in tracks)


def chunks_of(data: bytes) -> list[bytes]:
    """The tracks of a file, with their headers."""
    found, at = [], 14
    while at < len(data):
        stop = at + 8 + int.from_bytes(data[at + 4 : at + 8], "big")
        found.append(data[at:stop])
        at = stop
    return found


def dump(data: bytes | Path) -> list[list[tuple[int, mido.Message]]]:
    """The events of each track with absolute ticks, by a reader that is not ours."""
    whole = mido.MidiFile(file=io.BytesIO(data.read_bytes() if isinstance(data, Path) else data), clip=True)
    tracks = []
    for events in whole.tracks:
        tick, found = 0, []
        for event in events:
            tick += event.time
            found.append((tick, event.copy(time=0)))
        tracks.append(found)
    return tracks
