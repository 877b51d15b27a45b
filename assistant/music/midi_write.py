"""A clip as a MIDI file: type 0, 960 ticks a quarter, end of track at the clip's length, `read(write(clip)) == clip`.

All notes lie on the one channel of the clip. What a MIDI file has no place for is written as sequencer-specific
events: a muted note, the length of a clip where the end of the track does not say it, how long the note lasts that
begins next where its Off cannot say it, an up-beat, and that a clip is one of drums where no note of it sounds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from continuo_daw.assistant.files import write_whole
from continuo_daw.assistant.music.clip import TICKS, Clip, Note
from continuo_daw.assistant.music.midi import DRUM_CHANNEL, NEARLY, plain_length, time_of
from continuo_daw.assistant.music.midi_events import (
    CHANNEL,
    DRUMS,
    END,
    END_OF_TRACK,
    LASTS,
    METER,
    MUTED,
    NAME,
    SPECIFIC,
    TEMPO,
    UPBEAT,
    number_bytes,
)
from continuo_daw.assistant.music.time_map import Meter, TimeMap, bar_ticks

Message = tuple[int, int, bytes]  # tick; rank among those of one tick: 0 what is said of the clip, 1 Off, 2 On; bytes


def write_midi(clip: Clip, path: str | Path) -> None:
    """Write the clip as a MIDI file, whole or not at all. Raises AssistantError where the place cannot be written."""
    write_whole(midi_bytes(clip), path)


def midi_bytes(clip: Clip) -> bytes:
    """The clip as the bytes of a MIDI file."""
    more = []
    time, tones = _time(clip), [] if clip.drums else [note for note in clip.notes if not note.muted]
    read = time_of({0: clip.tempo}, {0 if tick <= NEARLY else tick: m for tick, m in _meters(clip)}, -1, tones)
    if (read.upbeat, read.meters) != (time.upbeat, time.meters):
        more.append((0, 0, _own(UPBEAT + clip.upbeat.to_bytes(4, "big") + _meter(clip.meter))))
    if plain_length(clip.notes, _last(clip), clip.time) != clip.length:
        more.append((_last(clip), 3, _own(END + clip.length.to_bytes(4, "big"))))
    return _file(clip, more)


def channel_of(clip: Clip) -> int:
    """0 to 15, the channel that a clip is written on."""
    if clip.drums:
        return DRUM_CHANNEL
    return 0 if clip.channel in (None, DRUM_CHANNEL + 1) else (clip.channel or 1) - 1


def note_messages(notes: Iterable[Note], channel: int) -> Iterator[Message]:
    """On and Off of notes that sound, all on one channel (0 to 15). A note that ends before an older one of its pitch
    is written as long as that one, behind an event that says how long it lasts: the first Off belongs to the oldest On.
    """
    ends = [0] * 128
    for note in notes:
        pitch = note.pitch
        if note.muted:
            yield note.start, 2, _own(MUTED + bytes((pitch, note.velocity)) + note.duration.to_bytes(4, "big"))
            continue
        on = bytes((0x90 | channel, pitch, note.velocity))
        if note.end < ends[pitch]:
            yield note.start, 2, _own(LASTS + note.duration.to_bytes(4, "big"))
        ends[pitch] = max(ends[pitch], note.end)
        yield note.start, 2, on
        yield ends[pitch], 1, bytes((0x80 | channel, pitch, 0))


def _file(clip: Clip, more: list[Message]) -> bytes:
    messages = sorted([*_said(clip), *note_messages(clip.notes, channel_of(clip)), *more], key=lambda m: m[:2])
    messages.append((_last(clip), 3, bytes((0xFF, END_OF_TRACK, 0))))
    track, before = bytearray(), 0
    for tick, _, data in messages:
        track += number_bytes(tick - before) + data
        before = tick
    header = b"MThd" + b"".join(n.to_bytes(size, "big") for n, size in ((6, 4), (0, 2), (1, 2), (TICKS, 2)))
    return header + b"MTrk" + len(track).to_bytes(4, "big") + bytes(track)


def _said(clip: Clip) -> Iterator[Message]:
    """What is not notes."""
    if clip.name:
        yield 0, 0, meta(NAME, clip.name.encode())
    for tick, tempo in _time(clip).tempos:
        yield tick, 0, meta(TEMPO, round(60e6 / tempo).to_bytes(3, "big"))
    for tick, meter in _meters(clip):
        yield tick, 0, meta(METER, _meter(meter) + b"\x18\x08")
    if clip.drums and all(note.muted for note in clip.notes):
        yield 0, 0, _own(DRUMS)
    if clip.program is not None:
        yield 0, 0, bytes((0xC0 | channel_of(clip), clip.program - 1))
    elif all(note.muted for note in clip.notes):
        yield 0, 0, meta(CHANNEL, bytes((channel_of(clip),)))


def _meters(clip: Clip) -> list[tuple[int, Meter]]:
    """The meters that are written; an up-beat as a first measure in a meter of its own, where one is as long."""
    (_, first), *later = _time(clip).meters
    shorts = [(clip.upbeat * unit // (4 * TICKS), unit) for unit in (4, 8, 16, 32, 64)]
    short = next((m for m in shorts if 1 <= m[0] <= 64 and bar_ticks(m) == clip.upbeat), None)
    if short and all(tick > clip.upbeat for tick, _ in later):
        return [(0, short), (clip.upbeat, first), *later]
    return [(0, first), *later]


def _time(clip: Clip) -> TimeMap:
    """What changes behind the end of the track says nothing."""
    return clip.time.cut(0, _last(clip) + 1)


def _meter(meter: Meter) -> bytes:
    return bytes((meter[0], meter[1].bit_length() - 1))


def meta(kind: int, data: bytes) -> bytes:
    """A meta event."""
    return bytes((0xFF, kind)) + number_bytes(len(data)) + data


def _own(data: bytes) -> bytes:
    return meta(SPECIFIC, data)


def _last(clip: Clip) -> int:
    """Tick of the end of the track."""
    return max(clip.length, max((n.end for n in clip.notes), default=0))
