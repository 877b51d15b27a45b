"""MIDI files: a `.mid` file to a score or to one clip.

Reading takes any ticks a quarter, RIFF around the file, and files that are damaged, with a warning. Every channel of
every track chunk that has notes is a part of the score. Off belongs to the oldest On of its channel and pitch, in its
own chunk first; a note without Off lasts to the end of its track, and a note without length becomes one tick long.

Some things of a clip have no place in a MIDI file, and so they are written as sequencer-specific events, which other
programs pass over: see `midi_write`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from continuo_daw.assistant.errors import AssistantError
from continuo_daw.assistant.music import upbeat
from continuo_daw.assistant.music.clip import MAX_TICK, TICKS, Clip, Note
from continuo_daw.assistant.music.midi_events import (
    CHANNEL,
    DRUMS,
    END,
    META,
    METER,
    MUTED,
    NAME,
    OURS,
    SPECIFIC,
    TEMPO,
    UPBEAT,
    DamagedFile,
    MidiFile,
    Track,
    number_of,
    ours,
    read_events,
)
from continuo_daw.assistant.music.midi_notes import sounds_of
from continuo_daw.assistant.music.score import Part, Place, Score
from continuo_daw.assistant.music.time_map import Meter, TimeMap, bar_ticks

MAX_BYTES = 16 * 2**20
MAX_NOTES = 200_000
NEARLY = 20  # ticks behind a place that still count as it, half a step of the models' grid

DRUM_CHANNEL = 9  # which people call 10


def read_midi(path: str | Path) -> Clip:
    """All pitched tracks of a `.mid` file as one clip; its drums where there are no others. Raises as `read_score`."""
    return whole(read_score(path))


def clip_of_midi(data: bytes, name: str = "the MIDI data") -> Clip:
    """The same from the bytes of a file; `name` stands in the errors."""
    return whole(score_of_midi(data, name))


def whole(score: Score) -> Clip:
    """All pitched parts as one clip; the others where there are none."""
    pitched = tuple(index for index, part in enumerate(score.parts) if not part.clip.drums)
    return score.clip(pitched or tuple(range(len(score.parts))))


def read_score(path: str | Path) -> Score:
    """The tracks of a `.mid` file. Raises AssistantError `not_found`, `too_large`, or `bad_args` with what is wrong."""
    path = Path(path)
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise AssistantError("not_found", f"there is no file {path}") from None
    except OSError as error:
        raise AssistantError("bad_args", f"cannot read {path}: {error.strerror}") from None
    return score_of_midi(data, str(path))


def score_of_midi(data: bytes, name: str = "the MIDI data") -> Score:
    """The tracks in the bytes of a MIDI file; `name` stands in the errors. A file without notes has one empty part."""
    if len(data) > MAX_BYTES:
        raise AssistantError("too_large", f"{name} has more than {MAX_BYTES // 2**20} MB")
    try:
        score = _score(read_events(data))
        if score.warnings and not any(part.clip.notes for part in score.parts):
            raise DamagedFile(f"it holds no music, and {score.warnings[0]}")
        return score
    except DamagedFile as error:
        raise AssistantError("bad_args", f"cannot read {name}: {error}") from None
    except OverflowError as error:
        raise AssistantError("too_large", f"cannot read {name}: {error}") from None


def scale_of(file: MidiFile) -> tuple[int, int]:
    """Numerator and denominator of our ticks in a tick of the file."""
    ratio = TICKS / file.division
    return ratio.numerator, ratio.denominator


def scaled(tick: int, up: int, down: int) -> int:
    """`tick` times `up` over `down`, to the nearest whole tick."""
    return (2 * tick * up + down) // (2 * down)


def _score(file: MidiFile) -> Score:
    up, down = scale_of(file)
    if max(scaled(track.last, up, down) for track in file.tracks) > MAX_TICK - bar_ticks((64, 1)):
        raise OverflowError(f"it lasts longer than {MAX_TICK // TICKS} quarter notes")
    found = _parts(file, up, down)
    tones = [note for (_, channel), pairs in found.items() if channel != DRUM_CHANNEL for note, _ in pairs]
    time = time_of(*changes_of(file), tones)
    parts = []
    for (chunk, channel), pairs in sorted(found.items()):
        muted = _muted_of(file.tracks[chunk], up, down) if channel == _first_channel(found, chunk) else []
        pairs = sorted([*pairs, *((note, None) for note in muted)], key=lambda pair: pair[0])
        notes = tuple(note for note, _ in pairs)
        end = scaled(file.tracks[chunk].last, up, down)
        clip = Clip(
            notes,
            _length(file.tracks[chunk], notes, end, time),
            drums=_drums(file.tracks[chunk], channel, notes),
            name=_name(file.tracks[chunk]),
            channel=channel + 1,
            program=_program(file, chunk, channel, pairs),
        ).timed(time)
        parts.append(Part(clip, chunk, channel, tuple(place for _, place in pairs)))
    return Score(file, tuple(parts), file.warnings)


def _first_channel(found: dict[tuple[int, int], list[tuple[Note, Place | None]]], chunk: int) -> int:
    return min(channel for other, channel in found if other == chunk)


def _parts(file: MidiFile, up: int, down: int) -> dict[tuple[int, int], list[tuple[Note, Place | None]]]:
    """The notes by chunk and channel, with their places."""
    found: dict[tuple[int, int], list[tuple[Note, Place | None]]] = defaultdict(list)
    for count, (channel, (on, off, pitch, velocity, lasts, place)) in enumerate(sounds_of(file), 1):
        if count > MAX_NOTES:
            raise OverflowError(f"it has more than {MAX_NOTES} notes")
        start = scaled(on, up, down)
        stop = scaled(off, up, down)
        note = Note(start, pitch, lasts or max(1, stop - start), velocity)
        found[place.track, channel].append((note, place))
    for chunk, track in enumerate(file.tracks):  # muted notes alone, or a file without any
        if not any(key[0] == chunk for key in found) and _ours_in(track):
            found[chunk, _channel(track)] = []
    if not found:
        found[0, _channel(file.tracks[0])] = []
    return found


def changes_of(file: MidiFile) -> tuple[dict[int, float], dict[int, Meter], int]:
    """Tempos and meters of a file by their ticks, the first at 0, and the up-beat that we wrote ourselves, else -1."""
    up, down = scale_of(file)
    tempos: dict[int, float] = {0: 120.0}
    meters: dict[int, Meter] = {0: (4, 4)}
    said = -1
    for event in sorted((e for t in file.tracks for e in t.events if e.status == META), key=lambda e: e.tick):
        tick, data = scaled(event.tick, up, down), event.data
        tick = 0 if tick <= NEARLY else tick  # some programs set the tempo a tick behind the first note
        if event.kind == TEMPO and len(data) == 3 and not file.seconds:
            tempos[tick] = tempo_of(min(max(number_of(data), 60_000), 12_000_000))
        elif event.kind == METER and len(data) >= 2 and 1 <= data[0] <= 64 and data[1] <= 6:
            meters[tick] = (data[0], 2 ** data[1])
        elif event.kind == SPECIFIC and (own := ours(event, UPBEAT, 6)):
            said = number_of(own[:4])
    return dict(sorted(tempos.items())), dict(sorted(meters.items())), said


def time_of(tempos: Mapping[int, float], written: Mapping[int, Meter], said: int, tones: Sequence[Note]) -> TimeMap:
    """What tempos and meters, by their ticks and the first at 0, mean: a short first measure is an up-beat, and so is
    what the notes `tones` say clearly. `said`: the up-beat that an event of our own says, else -1."""
    meters = tuple(_meters(written.items()))
    first, without = upbeat.short_measure(meters)
    if said >= 0:
        meters = without if first == said else meters
        first = said
    elif first:
        meters = without
    else:
        first = _heard(meters, tones)
    return TimeMap(tuple(_changed(tempos.items())), meters, first if first < bar_ticks(meters[0][1]) else 0)


def _changed(changes: Iterable[tuple[int, float]]) -> Iterator[tuple[int, float]]:
    before: float | None = None
    for tick, value in changes:
        if value != before:
            yield tick, value
        before = value


def _meters(changes: Iterable[tuple[int, Meter]]) -> Iterator[tuple[int, Meter]]:
    """Without those that say what holds already, on a bar line."""
    line, before = 0, (0, 1)
    for tick, meter in changes:
        if meter != before or (tick - line) % bar_ticks(meter):
            line, before = tick, meter
            yield tick, meter


def _heard(meters: tuple[tuple[int, Meter], ...], tones: Sequence[Note]) -> int:
    """The up-beat that the notes say clearly, where the file says none."""
    end = meters[1][0] if len(meters) > 1 else MAX_TICK
    notes = [note for note in tones if note.start < end]
    if not notes:
        return 0
    end = min(end, max(note.end for note in notes))
    table = np.array([(note.start, note.duration) for note in notes], np.int64)
    return upbeat.heard(table[:, 0], table[:, 1], bar_ticks(meters[0][1]), end)


def _channel(track: Track) -> int:
    """The channel (0 to 15) that a chunk without notes names."""
    for event in track.events:
        if event.status == META and event.kind == CHANNEL and event.data:
            return event.data[0] & 0x0F
        if 0x80 <= event.status < 0xF0:
            return event.status & 0x0F
    return 0


def _muted_of(track: Track, up: int, down: int) -> list[Note]:
    """The notes of a chunk that no other program sees."""
    notes = []
    for event in track.events:
        data = ours(event, MUTED, 6) if event.kind == SPECIFIC else b""
        if data and data[0] <= 127 and 1 <= data[1] <= 127 and (duration := number_of(data[2:])):
            start = scaled(event.tick, up, down)
            notes.append(Note(start, data[0], duration, data[1], muted=True))
    return notes


def _length(track: Track, notes: Sequence[Note], end: int, time: TimeMap) -> int:
    for event in track.events:
        if event.kind == SPECIFIC and (data := ours(event, END, 4)):
            return max(number_of(data), max((n.start + 1 for n in notes if n.start), default=0))
    return plain_length(notes, end, time)


def _drums(track: Track, channel: int, notes: Sequence[Note]) -> bool:
    return channel == DRUM_CHANNEL if any(not n.muted for n in notes) else _says(track, DRUMS)


def _program(file: MidiFile, chunk: int, channel: int, pairs: Sequence[tuple[Note, Place | None]]) -> int | None:
    """1 to 128: the last one set for the channel before its first note in the chunk, else the first one set."""
    place = next((place for _, place in pairs if place), None)
    first = file.tracks[chunk].events[place.on].tick if place else 0
    for track in (file.tracks[chunk], *file.tracks):
        found = [(e.tick, e.data[0] & 0x7F) for e in track.events if e.status == 0xC0 | channel and e.data]
        if found:
            before = [program for tick, program in found if tick <= first]
            return (before[-1] if before else found[0][1]) + 1
    return None


def _name(track: Track) -> str:
    """The name of a chunk, whatever its letters are written in."""
    data = next((e.data for e in track.events if e.status == META and e.kind == NAME), b"")
    japanese = any(0x81 <= byte <= 0x9F for byte in data)  # nobody writes these in Latin-1
    for encoding in ("utf-8", "shift_jis", "latin-1") if japanese else ("utf-8", "latin-1"):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        return "".join(letter for letter in text if letter.isprintable()).strip()
    return ""


def tempo_of(microseconds: int) -> float:
    """Quarters a minute: the tempo with the fewest decimals that is written as these microseconds a quarter."""
    exact = 60e6 / microseconds
    return next((t for digits in range(6) if round(60e6 / (t := round(exact, digits))) == microseconds), exact)


def plain_length(notes: Iterable[Note], end: int, time: TimeMap) -> int:
    """Length of a clip whose file says no more than the end of its track: up to the last bar that a note touches."""
    touched = time.line_from(max((n.end for n in notes), default=0))
    # many programs end a track a tick or two behind the bar line
    return min(end if end >= touched + NEARLY else touched, MAX_TICK)


def _says(track: Track, name: bytes) -> bool:
    return any(event.kind == SPECIFIC and event.data == name for event in track.events)


def _ours_in(track: Track) -> bool:
    return any(event.kind == SPECIFIC and event.data.startswith(OURS) for event in track.events)
