"""Part rules: which notes of a song make a piece.

A rule takes a Song and returns (part name, note table) pairs; an empty list means that the song has no such part.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from continuo_daw.training.corpus.readers import END, PITCH, START, Song, Track

KEYBOARDS = frozenset(range(24))
PLUCKED = frozenset(range(24, 32)) | {46}
# General MIDI choir programs, and the reeds that MuseScore writes for "Voice", "Soprano", "Alto", "Bass"
VOICES = frozenset({52, 53, 54, 68, 69, 70, 71})
MELODIES = ("melody", "bridge")  # track names of a tune above an accompaniment
MONOPHONIC_SHARE = 0.95
DRUMS = "drums"  # the rule whose notes are drums

Parts = list[tuple[str, np.ndarray]]


def strict_voice(notes: np.ndarray) -> tuple[np.ndarray, int]:
    """One voice of a note table: the highest of notes that start together, cut at the next onset; notes changed."""
    order = np.lexsort((-notes[:, PITCH], notes[:, START]))
    ordered = notes[order]
    first = np.ones(len(ordered), dtype=bool)
    first[1:] = ordered[1:, START] != ordered[:-1, START]
    voice = ordered[first].copy()
    overlong = np.zeros(len(voice), dtype=bool)
    overlong[:-1] = voice[:-1, END] > voice[1:, START]
    voice[:-1, END] = np.minimum(voice[:-1, END], voice[1:, START])
    return voice, int(len(notes) - len(voice) + overlong.sum())


def monophonic_share(notes: np.ndarray) -> float:
    """Share of the notes that sound alone."""
    return 1.0 - strict_voice(notes)[1] / len(notes)


def merged(tracks: Sequence[Track]) -> np.ndarray:
    """The notes of `tracks` as one table; of equal notes one is kept."""
    table = np.concatenate([track.notes for track in tracks])
    table = table[np.lexsort((-table[:, END], table[:, PITCH], table[:, START]))]
    keep = np.ones(len(table), dtype=bool)
    keep[1:] = np.any(table[1:, [START, PITCH]] != table[:-1, [START, PITCH]], axis=1)
    return table[keep]


def pitched(song: Song) -> list[tuple[str, Track]]:
    """The tracks without drums, each with its number in the file."""
    return [(str(number), track) for number, track in enumerate(song.tracks) if not track.drums]


def voice(song: Song) -> Parts:
    """Sung parts: tracks with a voice program, else whatever is neither keyboard nor plucked."""
    melodic = [(name, t) for name, t in pitched(song) if t.program not in KEYBOARDS | PLUCKED]
    sung = [(name, t) for name, t in melodic if t.program in VOICES] or melodic
    return [(name, t.notes) for name, t in sung]


def top(song: Song) -> Parts:
    """The first track."""
    return [(name, track.notes) for name, track in pitched(song)[:1]]


def single(song: Song) -> Parts:
    """Every track that is one voice."""
    return [(name, t.notes) for name, t in pitched(song) if monophonic_share(t.notes) >= MONOPHONIC_SHARE]


def piano(song: Song) -> Parts:
    """All keyboard tracks together, without a tune that is named so."""
    tracks = [t for _, t in pitched(song) if t.program in KEYBOARDS and not t.name.lower().startswith(MELODIES)]
    return [("piano", merged(tracks))] if tracks else []


def everything(song: Song) -> Parts:
    """All tracks without drums together."""
    tracks = [track for _, track in pitched(song)]
    return [("all", merged(tracks))] if tracks else []


def tracks(song: Song) -> Parts:
    """Each track without drums."""
    return [(name, track.notes) for name, track in pitched(song)]


def tracks_and_all(song: Song) -> Parts:
    """Each track without drums, and all of them together where there are several."""
    each = tracks(song)
    return each + everything(song) if len(each) > 1 else each


def drums(song: Song) -> Parts:
    """All drum tracks together."""
    found = [track for track in song.tracks if track.drums]
    return [(DRUMS, merged(found))] if found else []


def melody(song: Song) -> Parts:
    """The tracks that are named melody."""
    return [(name, t.notes) for name, t in pitched(song) if t.name.lower().startswith(MELODIES[0])]


RULES: dict[str, Callable[[Song], Parts]] = {
    "voice": voice,
    "top": top,
    "single": single,
    "piano": piano,
    "all": everything,
    "tracks": tracks,
    "tracks_and_all": tracks_and_all,
    DRUMS: drums,
    "melody": melody,
}
ONE_VOICED = frozenset({"voice", "top", "single", "melody"})
