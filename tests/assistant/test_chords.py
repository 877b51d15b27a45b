"""Chord symbols as lead sheets have them, compared with music21; bars, repeats and what cannot be read."""

from __future__ import annotations

import re

import numpy as np
import pytest

from continuo_daw.assistant.music.chords import MOST_TEXT, chord_of, chords_of

ROOTS = {"C": 0, "C#": 1, "Db": 1, "D": 2, "D#": 3, "Eb": 3, "E": 4, "F": 5, "F#": 6, "Gb": 6, "G": 7, "G#": 8, "Ab": 8}
ROOTS |= {"A": 9, "A#": 10, "Bb": 10, "B": 11, "Cb": 11, "E#": 5, "Fb": 4}

QUALITIES = """
m min - M maj + aug dim ° o 6 m6 -6 7 m7 min7 -7 M7 maj7 Δ7 mM7 dim7 °7 o7 ø7 m7b5 +7 aug7 7#5 7b5 7+ maj7#5 +M7 augmaj7
maj7b5 9 m9 maj9 M9 mM9 m11 m13 sus sus4 sus2 7sus4 7sus add9 add2 add4 madd9 add11 7b9 7#9 7#11 7b13 7b9b13 7#9b13
7b9#11 maj7#11 9#11 7#5#9 7b5b9 m7add11 mb6 5 6add9 m7b9
"""
ALIKE = ["", *QUALITIES.split()]  # as music21 reads them

UNKNOWN = "music21 does not know this spelling"
MISSED = "music21 leaves out what is altered"
AVOIDED = (
    "music21 stacks thirds; nobody plays the eleventh beside the major third: 11 is without the third, 13 without 11"
)
OTHER = {  # semitones above the root, and why music21 has others or none
    "mi": ({0, 3, 7}, UNKNOWN),
    "MI7": ({0, 3, 7, 10}, UNKNOWN),
    "ma": ({0, 4, 7}, UNKNOWN),
    "ma7": ({0, 4, 7, 11}, UNKNOWN),
    "MA7": ({0, 4, 7, 11}, UNKNOWN),
    "Maj7": ({0, 4, 7, 11}, UNKNOWN),
    "j7": ({0, 4, 7, 11}, UNKNOWN),
    "^7": ({0, 4, 7, 11}, UNKNOWN),
    "7M": ({0, 4, 7, 11}, UNKNOWN),
    "6/9": ({0, 2, 4, 7, 9}, UNKNOWN),
    "m69": ({0, 2, 3, 7, 9}, UNKNOWN),
    "m(maj7)": ({0, 3, 7, 11}, UNKNOWN),
    "mmaj7": ({0, 3, 7, 11}, UNKNOWN),
    "dim(maj7)": ({0, 3, 6, 11}, UNKNOWN),
    "ø": ({0, 3, 6, 10}, UNKNOWN),
    "9sus4": ({0, 2, 5, 7, 10}, UNKNOWN),
    "13sus4": ({0, 2, 5, 7, 9, 10}, UNKNOWN),
    "alt": ({0, 1, 3, 4, 6, 8, 10}, UNKNOWN),
    "7alt": ({0, 1, 3, 4, 6, 8, 10}, UNKNOWN),
    "7(b9,#11)": ({0, 1, 4, 6, 7, 10}, UNKNOWN),
    "7(13)": ({0, 4, 7, 9, 10}, UNKNOWN),
    "(b5)": ({0, 4, 6}, UNKNOWN),
    "no3": ({0, 7}, UNKNOWN),
    "69": ({0, 2, 4, 7, 9}, "music21 reads the 6 and nothing below it"),
    "2": ({0, 2, 4, 7}, "music21 leaves out the triad, to which the second is added"),
    "Δ": ({0, 4, 7, 11}, "music21 reads a triad; on lead sheets the triangle is the major seventh"),
    "13#11": ({0, 2, 4, 6, 7, 9, 10}, MISSED),
    "13b9": ({0, 1, 4, 7, 9, 10}, MISSED),
    "11": ({0, 2, 5, 7, 10}, AVOIDED),
    "M11": ({0, 2, 5, 7, 11}, AVOIDED),
    "13": ({0, 2, 4, 7, 9, 10}, AVOIDED),
    "maj13": ({0, 2, 4, 7, 9, 11}, AVOIDED),
    "M13": ({0, 2, 4, 7, 9, 11}, AVOIDED),
}


def by_music21(symbol: str) -> set[int] | None:
    """The pitch classes that music21 reads, None where it reads none. It writes flats as `-`, and few signs of jazz."""
    harmony = pytest.importorskip("music21.harmony")
    written = symbol.replace("°", "dim").replace("Δ", "maj").replace("maj9", "M9").replace("maj13", "M13")
    written = re.sub(r"^([A-G][#b]?)-", r"\1m", written)
    written = re.sub(r"(^|/)([A-G])b", r"\1\2-", written)
    try:
        return {int(pitch.pitchClass) for pitch in harmony.ChordSymbol(written).pitches}
    except Exception:  # of many classes
        return None


@pytest.mark.parametrize("quality", ALIKE)
def test_a_symbol_is_the_chord_that_music21_reads(quality: str) -> None:
    for root, number in ROOTS.items():
        chord = chord_of(root + quality)
        assert chord.root == number
        assert chord.tones == by_music21(root + quality), root + quality


@pytest.mark.parametrize(("quality", "tones"), [(quality, tones) for quality, (tones, _) in OTHER.items()])
def test_what_music21_has_otherwise_is_as_lead_sheets_mean_it(quality: str, tones: set[int]) -> None:
    for root, number in ROOTS.items():
        assert by_music21(root + quality) != chord_of(root + quality).tones
        assert chord_of(root + quality).tones == {(number + tone) % 12 for tone in tones}


@pytest.mark.parametrize("quality", ["", "m7", "7b9", "maj7"])
def test_a_bass_is_a_tone_beside_the_chord(quality: str) -> None:
    for root in ROOTS:
        for bass, number in ROOTS.items():
            chord = chord_of(f"{root}{quality}/{bass}")
            assert chord.root == ROOTS[root]
            assert chord.tones == chord_of(root + quality).tones | {number}


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        ("C♯m7", "C#m7"),
        ("D♭", "Db"),
        ("B♭△7", "Bbmaj7"),
        ("F#º7", "F#dim7"),
        ("CØ", "Cm7b5"),
        ("C−7", "Cm7"),  # noqa: RUF001
        ("CMIN", "Cm"),
        ("Cminor7", "Cm7"),
        ("Cmajor7", "Cmaj7"),
        ("CMadd9", "Cadd9"),
        ("C6/9/G", "C69/G"),
        ("Bbb", "A"),
        ("F##", "G"),
        ("C7(b9, #11)", "C7b9#11"),
        ("C9(13)", "C9add13"),
        ("C7omit5", "C7no5"),
        ("CSUS4", "Csus4"),
    ],
)
def test_one_chord_has_many_spellings(written: str, plain: str) -> None:
    assert (chord_of(written).root, chord_of(written).tones) == (chord_of(plain).root, chord_of(plain).tones)
    assert chord_of(written).symbol == written


def test_no_chord_has_no_tones() -> None:
    assert [chord_of(symbol).tones for symbol in ("N.C.", "NC", "n.c.", "-")] == [frozenset()] * 4


def symbols(text: str) -> list[list[str]]:
    return [[chord.symbol for chord in bar] for bar in chords_of(text)]


def test_bars_are_split_at_strokes_or_hold_one_symbol_each() -> None:
    assert symbols("| C | Am | F G |") == [["C"], ["Am"], ["F", "G"]]
    assert symbols("| C Am |") == [["C", "Am"]]
    assert symbols("C Am, F G") == [["C"], ["Am"], ["F"], ["G"]]
    assert symbols("C7(b9, #11) F") == [["C7(b9, #11)"], ["F"]]


def test_a_percent_sign_repeats_the_bar() -> None:
    assert symbols("C | F G | % | %") == [["C"], ["F", "G"], ["F", "G"], ["F", "G"]]
    assert symbols("C % F") == [["C"], ["C"], ["F"]]


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("% | C", "% in bar 1 has no bar before it"),
        ("C | F % |", "% in bar 2 stands alone in its bar"),
        ("C | | G", "has a bar without a chord"),
        ("", "has a bar without a chord"),
        ("|", "has a bar without a chord"),
        *(
            (f"C | {wrong}", f"^{re.escape(wrong)} is not one of")
            for wrong in ("X", "C7#", "?", "Cm5", "H", "am", "C/", "C/9")
        ),
        ("C" + "b9" * 30, r"^Cb9b9.*\.\.\. is not one of chord symbols"),
    ],
)
def test_what_cannot_be_read_is_named(text: str, error: str) -> None:
    with pytest.raises(ValueError, match=error):
        chords_of(text)


@pytest.mark.parametrize("text", ["C " * 18_000, "(" * 36_000, "C | " * 9_000, "C7(" + "1" * 36_000])
def test_a_text_too_long_is_refused_before_it_is_read(text: str) -> None:
    with pytest.raises(ValueError, match=f"characters, at most {MOST_TEXT} are read") as caught:
        chords_of(text)
    assert len(str(caught.value)) < 200


def test_the_root_is_wanted_most() -> None:
    chord = chord_of("Am7")
    assert (chord.shares.argmax(), chord.shares.sum()) == (9, pytest.approx(1))
    assert {int(tone) for tone in np.argsort(-chord.shares)[:4]} == chord.tones
