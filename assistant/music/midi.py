"""MIDI files: a `.mid` file to a clip and a clip to a `.mid` file, `read(write(clip)) == clip`.

Reading takes type 0 and 1 and any ticks a quarter. All tracks and channels become one clip; events that are no note,
tempo or meter are passed over. A clip has one tempo and one meter: those in force at its first note.
Off belongs to the oldest On of its track, channel and pitch; a note without Off lasts to the end of its track, and
a note without length becomes one tick long. Where all notes are on channel 10, the clip is one of drums.

Some things of a clip have no place in a MIDI file, and so they are written as sequencer-specific events, which other
programs pass over: a muted note, the length of a clip where the end of the track does not say it, how long the drum
note lasts that begins next where its Off cannot say it, and that a clip is one of drums where no note of it sounds.
"""

from __future__ import annotations

import io
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import mido

from continuo_daw.assistant.errors import AssistantError
from continuo_daw.assistant.music.clip import MAX_TICK, TICKS, Clip, Note, bar_ticks
from continuo_daw.assistant.music.midi_events import META, DamagedFile, Event, Track, read_events

MAX_BYTES = 16 * 2**20
MAX_NOTES = 200_000
NEARLY = 20  # ticks behind a bar line that still count as it, half a step of the models' grid

_NOTE_OFF, _NOTE_ON = 0x80, 0x90
_TEMPO, _METER, _SPECIFIC = 0x51, 0x58, 0x7F  # type bytes of meta events
_OURS = b"\x7dcontinuo "  # 7D is the maker's number for those who have none
_END, _MUTED, _LASTS, _DRUMS = (_OURS + name for name in (b"end", b"muted", b"lasts", b"drums"))
_DRUM_CHANNEL = 9  # which people call 10
_CHANNELS = tuple(c for c in range(16) if c != _DRUM_CHANNEL)


def read_midi(path: str | Path) -> Clip:
    """The clip in a `.mid` file. Raises AssistantError `not_found`, `too_large`, or `bad_args` with what is wrong."""
    path = Path(path)
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise AssistantError("not_found", f"there is no file {path}") from None
    except OSError as error:
        raise AssistantError("bad_args", f"cannot read {path}: {error.strerror}") from None
    return clip_of_midi(data, str(path))


def clip_of_midi(data: bytes, name: str = "the MIDI data") -> Clip:
    """The clip in the bytes of a MIDI file; `name` stands in the errors."""
    if len(data) > MAX_BYTES:
        raise AssistantError("too_large", f"{name} has more than {MAX_BYTES // 2**20} MB")
    try:
        return _clip(*read_events(data))
    except DamagedFile as error:
        raise AssistantError("bad_args", f"cannot read {name}: {error}") from None
    except OverflowError as error:
        raise AssistantError("too_large", f"cannot read {name}: {error}") from None


def write_midi(clip: Clip, path: str | Path) -> None:
    """Write the clip as a MIDI file. Raises AssistantError where the place cannot be written."""
    data = midi_bytes(clip)
    try:
        Path(path).write_bytes(data)
    except OSError as error:
        raise AssistantError("bad_args", f"cannot write {path}: {error.strerror}") from None


def midi_bytes(clip: Clip) -> bytes:
    """The clip as a MIDI file: type 0, 960 ticks a quarter, end of track at the clip's length or last note's end."""
    end = max(clip.length, _last_end(clip.notes))
    meter = {"numerator": clip.meter[0], "denominator": clip.meter[1]}
    messages = [
        (0, mido.MetaMessage("set_tempo", tempo=round(60e6 / clip.tempo))),
        (0, mido.MetaMessage("time_signature", **meter)),
        *sorted(_note_messages(clip), key=lambda m: (m[0], m[1].type != "note_off")),
    ]
    if clip.drums and all(note.muted for note in clip.notes):
        messages.insert(0, (0, _our_event(_DRUMS)))
    if _plain_length(clip.notes, end, clip.meter) != clip.length:
        messages.append((end, _our_event(_END, clip.length)))
    messages.append((end, mido.MetaMessage("end_of_track")))
    track = mido.MidiTrack()
    before = 0
    for tick, message in messages:
        message.time, before = tick - before, tick
        track.append(message)
    file = io.BytesIO()
    mido.MidiFile(type=0, ticks_per_beat=TICKS, tracks=[track]).save(file=file)
    return file.getvalue()


def _our_event(name: bytes, *numbers: int) -> mido.MetaMessage:
    """An event of our own; each number takes four bytes."""
    data = name + b"".join(number.to_bytes(4, "big") for number in numbers)
    return mido.MetaMessage("sequencer_specific", data=data)


def _note_messages(clip: Clip) -> Iterator[tuple[int, mido.Message]]:
    """Messages with their ticks."""
    for note in clip.notes:
        if note.muted:
            yield note.start, _our_event(_MUTED + bytes((note.pitch, note.velocity)), note.duration)
    yield from (_drum_messages if clip.drums else _tone_messages)(n for n in clip.notes if not n.muted)


def _drum_messages(notes: Iterable[Note]) -> Iterator[tuple[int, mido.Message]]:
    """All on one channel. A note that ends before an older one of its pitch is written as long as that one, behind an
    event that says how long it lasts: the first Off belongs to the oldest On."""
    ends = [0] * 128
    for note in notes:
        place = {"channel": _DRUM_CHANNEL, "note": note.pitch}
        if note.end < ends[note.pitch]:
            yield note.start, _our_event(_LASTS, note.duration)
        ends[note.pitch] = max(ends[note.pitch], note.end)
        yield note.start, mido.Message("note_on", velocity=note.velocity, **place)
        yield ends[note.pitch], mido.Message("note_off", velocity=0, **place)


def _tone_messages(notes: Iterable[Note]) -> Iterator[tuple[int, mido.Message]]:
    """Overlapping notes of one pitch go to different channels: Off must be clear."""
    ends = [[0] * 128 for _ in _CHANNELS]
    for note in notes:
        free = [i for i, channel in enumerate(ends) if channel[note.pitch] <= note.start]
        # with all channels sounding, one whose notes end first in the order of their onsets still reads back
        free = free or [i for i, channel in enumerate(ends) if channel[note.pitch] <= note.end]
        if not free:
            where = f"at beat {note.start / TICKS:g}"
            raise AssistantError(
                "too_large", f"more than {len(ends)} notes of pitch {note.pitch} sound at once {where}"
            )
        ends[free[0]][note.pitch] = note.end
        place = {"channel": _CHANNELS[free[0]], "note": note.pitch}
        yield note.start, mido.Message("note_on", velocity=note.velocity, **place)
        yield note.end, mido.Message("note_off", velocity=0, **place)


def _clip(division: int, tracks: tuple[Track, ...]) -> Clip:
    """The clip of all tracks, from `division` to our ticks a quarter. Raises OverflowError where it is too large."""

    def scaled(tick: int) -> int:
        return (2 * tick * TICKS + division) // (2 * division)

    end = scaled(max((t.end for t in tracks), default=0))
    if end > MAX_TICK - bar_ticks((64, 1)):
        raise OverflowError(f"it lasts longer than {MAX_TICK // TICKS} quarter notes")
    notes, channels = [], set()
    for sound in (n for t in tracks for n in _sounding(t)):
        start, stop = scaled(sound.start), scaled(sound.stop)
        notes.append(Note(start, sound.pitch, sound.lasts or max(1, stop - start), sound.velocity))
        channels.add(sound.channel)
        if len(notes) > MAX_NOTES:
            raise OverflowError(f"it has more than {MAX_NOTES} notes")
    meta = sorted((e for t in tracks for e in t.events if e.status == META), key=lambda e: e.tick)
    first = min((n.start for n in notes), default=0)
    tempo, meter = _tempo_and_meter(e for e in meta if scaled(e.tick) <= first)
    for event in meta:
        if (data := _ours(event, _MUTED, 6)) and _is_note(*data[:2]) and (duration := _number(data[2:])):
            notes.append(Note(scaled(event.tick), data[0], duration, data[1], muted=True))
    length = _plain_length(notes, end, meter)
    for event in meta:
        if data := _ours(event, _END, 4):
            length = max(_number(data), max((n.start + 1 for n in notes if n.start), default=0))
    drums = channels == {_DRUM_CHANNEL} if channels else any(_is_ours(event, _DRUMS, 0) for event in meta)
    return Clip(tuple(notes), length, tempo, meter, drums)


class _Sound(NamedTuple):
    """A note in the ticks of its file; `lasts` in our ticks where an event of our own says it, else 0."""

    start: int
    stop: int
    channel: int
    pitch: int
    velocity: int
    lasts: int


def _sounding(track: Track) -> Iterator[_Sound]:
    """The notes of a track."""
    open_notes: dict[tuple[int, int], deque[tuple[int, int, int]]] = defaultdict(deque)  # by channel and pitch
    lasts = 0
    for event in track.events:
        tick, status, _, data = event
        what, channel = status & 0xF0, status & 0x0F
        if status == META:
            lasts = _number(_ours(event, _LASTS, 4)) or lasts
        elif what == _NOTE_ON and data[1] > 0:
            open_notes[channel, data[0]].append((tick, data[1], lasts))
            lasts = 0
        elif what in (_NOTE_ON, _NOTE_OFF) and open_notes[channel, data[0]]:
            start, velocity, length = open_notes[channel, data[0]].popleft()
            yield _Sound(start, tick, channel, data[0], velocity, length)
    for (channel, pitch), notes in open_notes.items():
        for start, velocity, length in notes:
            yield _Sound(start, track.end, channel, pitch, velocity, length)


def _tempo_and_meter(events: Iterable[Event]) -> tuple[float, tuple[int, int]]:
    """The last tempo and meter among the events; one that no clip can have is brought into range or passed over."""
    tempo, meter = 120.0, (4, 4)
    for event in events:
        if event.kind == _TEMPO and len(event.data) == 3:
            tempo = _tempo(min(max(_number(event.data), 60_000), 12_000_000))
        elif event.kind == _METER and len(event.data) >= 2 and 1 <= event.data[0] <= 64 and event.data[1] <= 6:
            meter = (event.data[0], 2 ** event.data[1])
    return tempo, meter


def _tempo(microseconds: int) -> float:
    """Quarters a minute: the tempo with the fewest decimals that is written as these microseconds a quarter."""
    exact = 60e6 / microseconds
    return next((t for digits in range(6) if round(60e6 / (t := round(exact, digits))) == microseconds), exact)


def _ours(event: Event, name: bytes, size: int) -> bytes:
    """The data of an event of our own; empty for any other event."""
    return event.data[len(name) :] if _is_ours(event, name, size) else b""


def _is_ours(event: Event, name: bytes, size: int) -> bool:
    return event.kind == _SPECIFIC and event.data.startswith(name) and len(event.data) == len(name) + size


def _is_note(pitch: int, velocity: int) -> bool:
    return pitch <= 127 and 1 <= velocity <= 127


def _number(data: bytes) -> int:
    return min(int.from_bytes(data, "big"), MAX_TICK)


def _plain_length(notes: Iterable[Note], end: int, meter: tuple[int, int]) -> int:
    """Length of a clip whose file says no more than the end of its track: up to the last bar that a note touches."""
    bar = bar_ticks(meter)
    touched = -(-_last_end(notes) // bar) * bar
    # many programs end a track a tick or two behind the bar line
    return min(end if end >= touched + NEARLY else touched, MAX_TICK)


def _last_end(notes: Iterable[Note]) -> int:
    return max((n.end for n in notes), default=0)
