"""Keys: from a name to a scale, and from notes to the key that they are in."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from continuo_daw.assistant.music.clip import Clip

Shares = NDArray[np.float64]  # (12,) weights of pitch classes, C first

NAMES = ("C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
SCALES = {  # semitones above the tonic
    "major": (0, 2, 4, 5, 7, 9, 11),
    "minor": (0, 2, 3, 5, 7, 8, 10),
    "dorian": (0, 2, 3, 5, 7, 9, 10),
    "phrygian": (0, 1, 3, 5, 7, 8, 10),
    "lydian": (0, 2, 4, 6, 7, 9, 11),
    "mixolydian": (0, 2, 4, 5, 7, 9, 10),
    "locrian": (0, 1, 3, 5, 6, 8, 10),
    "harmonic minor": (0, 2, 3, 5, 7, 8, 11),
    "melodic minor": (0, 2, 3, 5, 7, 9, 11),
    "major pentatonic": (0, 2, 4, 7, 9),
    "minor pentatonic": (0, 3, 5, 7, 10),
    "blues": (0, 3, 5, 6, 7, 10),
    "whole tone": (0, 2, 4, 6, 8, 10),
    "chromatic": tuple(range(12)),
}
ALIASES = {"": "major", "maj": "major", "ionian": "major", "m": "minor", "min": "minor", "aeolian": "minor"}
WANTED = "a key such as C, F#m, Bb minor or D dorian; scales: " + ", ".join(SCALES)
# How well each degree goes with a key, minor ones with the leading tone (Temperley, What's Key for Key, 1999).
PROFILES = {
    "major": (5.0, 2.0, 3.5, 2.0, 4.5, 4.0, 2.0, 4.5, 2.0, 3.5, 1.5, 4.0),
    "minor": (5.0, 2.0, 3.5, 4.5, 2.0, 4.0, 2.0, 4.5, 3.5, 2.0, 1.5, 4.0),
}
TONIC, CHORD, SCALE, OUTSIDE = 4.0, 3.0, 2.0, 0.1  # how often a tone of each kind is wanted
RAISED = 0.8  # the leading tone of a minor key, which stands outside its scale


@dataclass(frozen=True)
class Key:
    """A tonic, 0 to 11 with C as 0, and the name of a scale, one of `SCALES`."""

    tonic: int
    scale: str

    def __str__(self) -> str:
        return f"{NAMES[self.tonic]} {self.scale}"

    @property
    def tones(self) -> NDArray[np.bool_]:
        """(12,) which pitch classes belong to the scale."""
        inside = np.zeros(12, bool)
        inside[[(self.tonic + degree) % 12 for degree in SCALES[self.scale]]] = True
        return inside

    @property
    def shares(self) -> Shares:
        """(12,) how often each pitch class is wanted of music in this key; the sum is 1."""
        wanted = np.where(self.tones, SCALE, OUTSIDE)
        if self.scale == "minor":
            wanted[(self.tonic + 11) % 12] = RAISED
        third = 3 if self.scale in ("minor", "dorian", "phrygian", "locrian") or "minor" in self.scale else 4
        for degree, weight in ((7, CHORD), (third, CHORD), (0, TONIC)):
            if degree in SCALES[self.scale]:
                wanted[(self.tonic + degree) % 12] = weight
        shares: Shares = wanted / wanted.sum()
        return shares


def key_of(text: str) -> Key:
    """The key of a name such as `C`, `F#m`, `Bb minor`, `d dorian`. Raises ValueError where it is none."""
    found = re.fullmatch(r"\s*([A-Ga-g])([#b♯♭]?)[\s_-]*(.*?)\s*", text)
    if not found:
        raise ValueError(f"{text} is not {WANTED}")
    letter, accidental, name = found.groups()
    scale = name if name == "m" else name.lower().replace("_", " ")
    scale = ALIASES.get(scale, scale)
    if scale not in SCALES:
        raise ValueError(f"{text} is not {WANTED}")
    tonic = {"c": 0, "d": 2, "e": 4, "f": 5, "g": 7, "a": 9, "b": 11}[letter.lower()]
    return Key((tonic + {"#": 1, "♯": 1, "b": -1, "♭": -1}.get(accidental, 0)) % 12, scale)


def histogram(clip: Clip) -> Shares:
    """(12,) share of each pitch class among the notes that sound, counted by note; zeros where there are none."""
    counts = np.bincount([n.pitch % 12 for n in clip.notes if not n.muted], minlength=12).astype(np.float64)
    shares: Shares = counts / max(counts.sum(), 1.0)
    return shares


def key_of_clip(clip: Clip) -> Key:
    """The major or minor key whose profile correlates best with how long each pitch class of the clip sounds (after
    Krumhansl and Schmuckler); C major where there are no notes."""
    heard = np.zeros(12)
    for note in clip.notes:
        if not note.muted:
            heard[note.pitch % 12] += note.duration
    if not heard.any() or np.ptp(heard) == 0:
        return Key(0, "major")
    fits = {
        (tonic, mode): float(np.corrcoef(heard, np.roll(profile, tonic))[0, 1])
        for mode, profile in PROFILES.items()
        for tonic in range(12)
    }
    return Key(*max(fits, key=lambda key: fits[key]))
