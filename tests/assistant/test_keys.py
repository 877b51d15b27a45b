"""Keys: names, scales, the key of a clip."""

from __future__ import annotations

import numpy as np
import pytest

from continuo_daw.assistant.music.clip import TICKS, Clip, Note, clip_of
from continuo_daw.assistant.music.keys import SCALES, Key, histogram, key_of, key_of_clip


@pytest.mark.parametrize(
    ("text", "tonic", "scale"),
    [
        ("C", 0, "major"),
        ("F#m", 6, "minor"),
        ("Bb minor", 10, "minor"),
        ("d dorian", 2, "dorian"),
        ("E♭ Lydian", 3, "lydian"),
        ("Cb", 11, "major"),
        ("Amin", 9, "minor"),
        ("G_harmonic_minor", 7, "harmonic minor"),
        (" A minor pentatonic ", 9, "minor pentatonic"),
    ],
)
def test_a_name_is_a_key(text: str, tonic: int, scale: str) -> None:
    assert key_of(text) == Key(tonic, scale)


@pytest.mark.parametrize("text", ["", "H", "C foo", "minor", "7", "C##", "dorian D"])
def test_what_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a key such as C"):
        key_of(text)


def test_every_key_reads_back_and_wants_its_tonic_most() -> None:
    for scale, degrees in SCALES.items():
        for tonic in range(12):
            key = Key(tonic, scale)
            assert key_of(str(key)) == key
            assert sorted(np.flatnonzero(key.tones)) == sorted((tonic + degree) % 12 for degree in degrees)
            assert key.shares.sum() == pytest.approx(1)
            assert key.shares.argmax() == tonic
            assert key.shares[key.tones].min() > key.shares[~key.tones].max(initial=0)


def scale_of(key: Key, start: int = 48) -> Clip:
    pitches = [pitch for pitch in range(start, start + 25) if key.tones[pitch % 12]]
    ends = [pitch for pitch in range(start, start + 25) if pitch % 12 == key.tonic]
    return clip_of(Note(k * TICKS, pitch, TICKS) for k, pitch in enumerate([*ends, *pitches, *ends]))


@pytest.mark.parametrize("mode", ["major", "harmonic minor"])
def test_the_key_of_a_scale_is_found_in_every_transposition(mode: str) -> None:
    for tonic in range(12):
        assert key_of_clip(scale_of(Key(tonic, mode))) == Key(tonic, mode.split()[-1])


def test_muted_notes_and_silence_have_no_say() -> None:
    clip = Clip((Note(0, 61, 480, muted=True), Note(480, 60, 480)), 960)
    assert histogram(clip).tolist() == [1.0] + [0.0] * 11
    assert key_of_clip(Clip((), 960)) == Key(0, "major")
