"""Chord symbols: from text to the pitch classes that sound in each bar."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

import numpy as np

from continuo_daw.assistant.music.keys import Shares

NONE = ("nc", "n.c.", "-", "%")  # no chord here; `%` and `-` are how chord sheets leave a bar free
ROOT, TONE, ELSE = 3.0, 2.0, 0.05  # how often root, other tones of the chord, and what is outside are wanted
SPELLED = {"♯": "#", "♭": "b", "°": "dim", "△": "maj", "Δ": "maj", "(": "", ")": "", "maj9": "M9", "maj13": "M13"}
WANTED = "chord symbols such as C, Am7, Bb, F#m7b5 or G/B: one a bar, or bars between | such as C | Am | F G"


@dataclass(frozen=True)
class Chord:
    """A chord's symbol as written, its root and its pitch classes, C as 0; no tones where there is no chord."""

    symbol: str
    root: int
    tones: frozenset[int]

    @property
    def shares(self) -> Shares:
        """(12,) how often each pitch class is wanted while the chord sounds; the sum is 1."""
        wanted = np.full(12, ELSE)
        wanted[sorted(self.tones)] = TONE
        wanted[self.root] = ROOT
        shares: Shares = wanted / wanted.sum()
        return shares


@cache
def chord_of(symbol: str) -> Chord:
    """The chord of a symbol, read by music21. Raises ValueError where it is none."""
    if symbol.lower() in NONE:
        return Chord(symbol, 0, frozenset())
    from music21 import harmony  # takes most of a second, and few requests need it
    from music21.exceptions21 import Music21Exception

    written = symbol
    for mark, known in SPELLED.items():
        written = written.replace(mark, known)
    # music21 writes flats as `-`; musicians write `b`, and `-` for minor
    written = re.sub(r"^([A-G][#b]?)-", r"\1m", written)
    written = re.sub(r"(^|/)([A-G])b", r"\1\2-", written)
    try:
        found = harmony.ChordSymbol(written)
        tones = frozenset(int(pitch.pitchClass) for pitch in found.pitches)
        root = int(found.root().pitchClass)
    except (Music21Exception, ValueError, AttributeError, KeyError, IndexError):
        raise ValueError(f"{symbol} is not one of {WANTED}") from None
    return Chord(symbol, root, tones)


def chords_of(text: str) -> tuple[tuple[Chord, ...], ...]:
    """For each bar its chords, which share it evenly. Raises ValueError that names what cannot be read."""
    parts = text.strip().strip("|").split("|") if "|" in text else text.replace(",", " ").split()
    bars = tuple(tuple(chord_of(symbol) for symbol in part.replace(",", " ").split()) for part in parts)
    if not bars or not all(bars):
        raise ValueError(f"{text!r} has a bar without a chord; N.C. leaves one free")
    return bars
