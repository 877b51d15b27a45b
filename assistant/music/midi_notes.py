"""Which Off ends which On: the notes that sound in a MIDI file, each with its place in it."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterator

from continuo_daw.assistant.music.midi_events import LASTS, META, SPECIFIC, MidiFile, number_of, ours
from continuo_daw.assistant.music.score import Place

Sound = tuple[int, int, int, int, int, Place]  # On, Off, pitch, velocity, ticks that it lasts for us or 0, place
_Open = tuple[int, int, int, int, int]  # chunk and index of an On, its tick, velocity, ticks that it lasts for us or 0
_Stray = tuple[int, int, int, int, int]  # an Off: tick, channel, pitch, chunk, index


def sounds_of(file: MidiFile) -> Iterator[tuple[int, Sound]]:
    """The notes of a file with their channels, in ticks of the file."""
    left: dict[tuple[int, int], deque[_Open]] = defaultdict(deque)  # by channel and pitch
    stray: list[_Stray] = []
    for chunk, track in enumerate(file.tracks):
        sounding: dict[tuple[int, int], deque[_Open]] = defaultdict(deque)
        lasts = 0
        for index, event in enumerate(track.events):
            status = event.status
            if status == META:
                if event.kind == SPECIFIC:
                    lasts = number_of(ours(event, LASTS, 4)) or lasts
            elif status < 0x80 or status >= 0xA0:
                continue
            elif status >= 0x90 and event.data[1]:
                key = status & 0x0F, event.data[0] & 0x7F
                sounding[key].append((chunk, index, event.tick, min(event.data[1], 127), lasts))
                lasts = 0
            elif open_notes := sounding[status & 0x0F, event.data[0] & 0x7F]:
                channel, pitch = status & 0x0F, event.data[0] & 0x7F
                own, on, start, velocity, length = open_notes.popleft()
                yield channel, (start, event.tick, pitch, velocity, length, Place(own, on, chunk, index))
            else:
                stray.append((event.tick, status & 0x0F, event.data[0] & 0x7F, chunk, index))
        for key, notes in sounding.items():
            left[key].extend(notes)
    yield from _across(file, left, stray)


def _across(
    file: MidiFile,
    left: dict[tuple[int, int], deque[_Open]],
    stray: list[_Stray],
) -> Iterator[tuple[int, Sound]]:
    """Notes whose Off stands in another chunk, or nowhere: these last to the end of their own."""
    for key, hanging in left.items():
        left[key] = deque(sorted(hanging, key=lambda note: note[2]))
    for tick, channel, pitch, chunk, index in sorted(stray):
        if (notes := left.get((channel, pitch))) and notes[0][2] < tick:
            own, on, start, velocity, lasts = notes.popleft()
            yield channel, (start, tick, pitch, velocity, lasts, Place(own, on, chunk, index))
    for (channel, pitch), notes in left.items():
        for own, on, start, velocity, lasts in notes:
            yield channel, (start, file.tracks[own].last, pitch, velocity, lasts, Place(own, on, -1, -1))
