"""Chord symbols: from text as lead sheets have it to the pitch classes that sound in each bar."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from continuo_daw.assistant.music.keys import Shares

REST = ("nc", "n.c", "n.c.", "-")  # no chord here
AGAIN = "%"  # the chords of the bar before
ROOT, TONE, ELSE = 3.0, 2.0, 0.05  # how often root, other tones of the chord, and what is outside are wanted
MOST_TEXT = 2048  # characters: 64 bars of four chords each
MOST_SYMBOL = 40
WANTED = "chord symbols such as C, Am7, Bb, F#m7b5 or G/B: one a bar, or bars between | such as C | Am | F G"

SPELLED = str.maketrans({"♯": "#", "♭": "b", "º": "°", "△": "Δ", "∆": "Δ", "Ø": "ø", "−": "-", "–": "-"})  # noqa: RUF001
LETTERS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
SIGNS = {"": 0, "b": -1, "-": -1, "#": 1, "+": 1, "bb": -2, "##": 2}
NATURAL = {2: 2, 3: 4, 4: 5, 5: 7, 6: 9, 7: 10, 9: 2, 11: 5, 13: 9}  # semitones of a degree above the root
OCTAVE = {2: 9, 4: 11, 6: 13}  # the same degree an octave higher
# Words are read in any case; of the single letters M is major, m minor.
KINDS = {  # how it is written, and third, fifth and seventh in semitones; the seventh sounds where a number says so
    "minor": (r"(?i:minor|min|mi)|m(?!a)|m(?=add)|-", (3, 7, 10)),
    "diminished": (r"(?i:dim)|o(?!mit)|°", (3, 6, 9)),
    "half": (r"ø", (3, 6, 10)),
    "augmented": (r"(?i:aug)|\+", (4, 8, 10)),
    "major": (r"", (4, 7, 10)),
}
MAJOR = r"(?i:major|maj|ma(?!dd))|M|j|Δ|\^"  # alone a triad, with a number or behind another kind a major seventh
NUMBERS = {  # the degrees of a number; an eleventh takes the place of a major third, a thirteenth goes without it
    "2": (3, 5, 9),
    "5": (5,),
    "6": (3, 5, 13),
    "69": (3, 5, 13, 9),
    "6/9": (3, 5, 13, 9),
    "7": (3, 5, 7),
    "9": (3, 5, 7, 9),
    "11": (3, 5, 7, 9, 11),
    "13": (3, 5, 7, 9, 11, 13),
}
ALTERED = {5: (6, 8), 7: (10,), 9: (1, 3)}  # what `alt` makes of a chord

_NOTE = "([A-G])(##|bb|[#b])?"
_SYMBOL = re.compile(f"{_NOTE}(.*?)(?:/{_NOTE})?")
_HEAD = re.compile(
    "(?:" + "|".join(f"(?P<{name}>{pattern})" for name, (pattern, _) in KINDS.items()) + ")"
    f"(?P<seventh>{MAJOR})?(?P<number>6/9|69|13|11|[25679])?(?P<behind>M(?!a))?"
)
_CHANGES = re.compile(
    r"(?i:add)(?P<sign>[#b]?)(?P<added>2|4|6|7|9|11|13)|(?i:sus)(?P<sus>24|2|4|)|(?i:no|omit)(?P<left>3|5)"
    r"|(?P<alt>(?i:alt))|(?P<by>[#b+-])(?P<degree>2|4|5|6|9|11|13)|(?P<raised>\+)"
)
_WORD = re.compile(r"(?:\([^()|]*\)|[^\s,])+")  # C7(b9, #11) is one
_Degrees = dict[int, set[int]]


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


@lru_cache(256)
def chord_of(symbol: str) -> Chord:
    """The chord of a symbol. Raises ValueError where it is none."""
    if symbol.lower() in REST:
        return Chord(symbol, 0, frozenset())
    found = _SYMBOL.fullmatch(symbol.translate(SPELLED)) if len(symbol) <= MOST_SYMBOL else None
    degrees = _degrees_of(found[3]) if found else None
    if not found or degrees is None:
        raise ValueError(f"{_shown(symbol)} is not one of {WANTED}")
    root = _pitch_class(found[1], found[2])
    tones = {(root + tone) % 12 for part in degrees.values() for tone in part} | {root}
    if found[4]:
        tones.add(_pitch_class(found[4], found[5]))
    return Chord(symbol, root, frozenset(tones))


def chords_of(text: str) -> tuple[tuple[Chord, ...], ...]:
    """For each bar its chords, which share it evenly. Raises ValueError that names what cannot be read."""
    if len(text) > MOST_TEXT:
        raise ValueError(f"{_shown(text)} has {len(text)} characters, at most {MOST_TEXT} are read")
    whole = [_WORD.findall(part) for part in text.strip().strip("|").split("|")]
    parts = whole if "|" in text else [[symbol] for symbol in whole[0]]
    if not parts or not all(parts):
        raise ValueError(f"{_shown(text)!r} has a bar without a chord; N.C. leaves one free")
    bars: list[tuple[Chord, ...]] = []
    for symbols in parts:
        bars.append(_again(bars, symbols) if AGAIN in symbols else tuple(map(chord_of, symbols)))
    return tuple(bars)


def _again(bars: Sequence[tuple[Chord, ...]], symbols: Sequence[str]) -> tuple[Chord, ...]:
    if not bars or len(symbols) > 1:
        why = "has no bar before it" if not bars else "stands alone in its bar"
        raise ValueError(f"{AGAIN} in bar {len(bars) + 1} {why}; it repeats the bar before")
    return bars[-1]


def _shown(text: str) -> str:
    return text if len(text) <= MOST_SYMBOL else text[:MOST_SYMBOL] + "..."


def _pitch_class(letter: str, sign: str | None) -> int:
    return (LETTERS[letter] + SIGNS[sign or ""]) % 12


def _degrees_of(quality: str) -> _Degrees | None:
    """Semitones above the root by degree, of what stands between root and bass; None where it cannot be read."""
    quality = re.sub(r"[(,] *(?=\d)", "add", quality)  # C7(13)
    quality = re.sub(r"[(), ]", "", quality)
    head = _HEAD.match(quality)
    assert head  # everything in it may be left out
    kind = next(name for name in KINDS if head[name] is not None)
    number, major = head["number"], head["seventh"] or head["behind"]
    if number is None and major and (kind != "major" or major in "Δ^"):
        number = "7"  # CmM, CΔ
    if kind == "half" and number is None:
        number = "7"
    if number == "5" and (kind != "major" or major):
        return None
    third, fifth, seventh = KINDS[kind][1]
    said = dict(NATURAL) | {3: third, 5: fifth, 7: 11 if major else seventh}
    degrees = {degree: {said[degree]} for degree in NUMBERS.get(number or "", (3, 5))}
    if third == NATURAL[3] and 11 in degrees:
        del degrees[11 if 13 in degrees else 3]
    return degrees if _changed(degrees, quality, head.end()) else None


def _changed(degrees: _Degrees, quality: str, at: int) -> bool:
    """Changes the degrees as the rest of a quality says; False where it cannot be read."""
    altered: _Degrees = {}
    while at < len(quality):
        found = _CHANGES.match(quality, at)
        if not found:
            return False
        at = found.end()
        if found["added"]:
            degree = int(found["added"])
            degrees.setdefault(OCTAVE.get(degree, degree), set()).add(NATURAL[degree] + SIGNS[found["sign"]])
        elif found["sus"] is not None:
            degrees[3] = {NATURAL[int(degree)] for degree in found["sus"] or "4"}
        elif found["left"]:
            degrees.pop(int(found["left"]), None)
        elif found["alt"]:
            altered |= {degree: set(tones) for degree, tones in ALTERED.items()}
        else:
            degree = int(found["degree"] or 5)
            step = SIGNS[found["by"] or "+"]
            altered.setdefault(OCTAVE.get(degree, degree), set()).add(NATURAL[degree] + step)
    degrees |= altered
    return True
