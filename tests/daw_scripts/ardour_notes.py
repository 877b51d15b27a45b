"""Notes and regions of Ardour, and MIDI files with them. Positions are in Ardour's ticks, 1920 a quarter."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import mido

PPQN = 1920


class Note(NamedTuple):
    """A note of a region, in the time of its source."""

    start: int
    length: int
    pitch: int
    velocity: int
    channel: int


class Region(NamedTuple):
    """A region in a session: where it lies, and what of its source it shows."""

    track: str
    name: str
    position: int
    start: int
    length: int
    notes: tuple[Note, ...]


class Seed(NamedTuple):
    """A region to put into a session, with the notes of its source, its controllers as (tick, number, value) and its
    bends as (tick, value); these are on the channel of the first note."""

    track: str
    name: str
    position: int
    start: int
    length: int
    notes: Sequence[Note]
    controllers: Sequence[tuple[int, int, int]] = ()
    bends: Sequence[tuple[int, int]] = ()


def read_state(text: str) -> list[Region]:
    """Regions as the probe and `ardour_read.lua` write them, in the order of their places."""
    regions: list[Region] = []
    for line in text.splitlines():
        kind, *values = line.split("\t")
        if kind == "REGION":
            track, name, *places = values
            regions.append(Region(track, name, *map(int, places), notes=()))  # type: ignore[misc,arg-type]
        elif kind == "NOTE":
            note = Note(*map(int, values))
            regions[-1] = regions[-1]._replace(notes=(*regions[-1].notes, note))
    return sorted(regions, key=lambda region: (region.position, region.name))


def write_source(path: Path, seed: Seed) -> None:
    """The MIDI file from which a region shows its part."""
    events: list[tuple[int, int, mido.Message]] = []
    for note in seed.notes:
        values = {"note": note.pitch, "channel": note.channel}
        events.append((note.start, 2, mido.Message("note_on", velocity=note.velocity, **values)))
        events.append((note.start + note.length, 0, mido.Message("note_off", **values)))
    channel = seed.notes[0].channel
    for tick, number, value in seed.controllers:
        events.append((tick, 1, mido.Message("control_change", control=number, value=value, channel=channel)))
    for tick, value in seed.bends:
        events.append((tick, 1, mido.Message("pitchwheel", pitch=value, channel=channel)))
    track = mido.MidiTrack()
    now = 0
    for tick, _, message in sorted(events, key=lambda event: event[:2]):
        track.append(message.copy(time=tick - now))
        now = tick
    track.append(mido.MetaMessage("end_of_track", time=max(0, seed.start + seed.length - now)))
    path.parent.mkdir(parents=True, exist_ok=True)
    mido.MidiFile(type=0, ticks_per_beat=PPQN, tracks=[track]).save(path)


def file_notes(path: Path) -> tuple[Note, ...]:
    """The notes of a file of the daemon, in Ardour's ticks."""
    file = mido.MidiFile(path)
    now, open_, notes = 0, {}, []
    for message in file.tracks[0]:
        now += message.time * PPQN // file.ticks_per_beat
        if message.type == "note_on" and message.velocity:
            open_[message.note] = now, message.velocity, message.channel
        elif message.type in ("note_on", "note_off"):
            start, velocity, channel = open_.pop(message.note)
            notes.append(Note(start, now - start, message.note, velocity, channel))
    return tuple(sorted(notes))
