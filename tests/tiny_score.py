"""Small pieces for the score network."""

from pathlib import Path

import numpy as np

from continuo_daw.training.corpus.readers import Song, Track, note_table
from continuo_daw.training.corpus.sets import Entry
from continuo_daw.training.families.score.songs import Piece, piece_of


def notes(rows: list[tuple[float, float, int]]) -> np.ndarray:
    """A note table of (start, duration, pitch), in quarters."""
    start, length, pitch = np.array(rows).T
    return note_table(start * 960, (start + length) * 960, pitch, np.full(len(rows), 80))


def band(bars: int = 12) -> Piece:
    """A piece of a tune, piano chords and drums, in bars of four quarters that repeat every four bars."""
    tune = [(4 * bar + beat, 1, 60 + (bar % 4) * 2 + beat) for bar in range(bars) for beat in range(4)]
    chords = [(4 * bar, 4, 48 + key + bar % 4) for bar in range(bars) for key in (0, 4, 7)]
    beats = [(4 * bar + beat, 0.5, 36) for bar in range(bars) for beat in range(4)]
    tracks = (
        Track("tune", 40, False, notes(tune)),
        Track("piano", 0, False, notes(chords)),
        Track("kit", 0, True, notes(beats)),
    )
    song = Song(tracks, ((0, (4, 4)),), ((0, 120.0),), bars_known=True)
    piece = piece_of(song, Entry(Path("a.mid"), "a", "a", "train", "", style="reel"), "set")
    assert piece is not None
    return piece
