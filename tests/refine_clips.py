"""Clips to refine, of every kind that may be given."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from tiny import tune

from continuo_daw.assistant.music.clip import Clip, Note, clip_of
from continuo_daw.assistant.request import Candidate


def played(clip: Clip, seed: int = 1) -> Clip:
    """The clip with onsets and ends a little off."""
    random = np.random.default_rng(seed)
    return replace(
        clip,
        notes=tuple(
            replace(
                note,
                start=max(0, min(note.start + int(random.normal(0, 30)), clip.length - 1)),
                duration=max(1, int(note.duration * random.uniform(0.8, 1.1))),
            )
            for note in clip.notes
        ),
    )


def as_given(candidate: Candidate) -> list[Note]:
    """The notes of an answer in the order of the clip that was given."""
    assert candidate.order is not None
    return [note for _, note in sorted(zip(candidate.order, candidate.clip.notes, strict=True))]


TUNE = played(tune(1))
CHORDS = played(tune(2, voices=3))
MUTED = replace(CHORDS, notes=tuple(replace(n, muted=k % 4 == 1) for k, n in enumerate(CHORDS.notes)))
TRIPLETS = clip_of([Note(k * 320 + k % 7, 60 + k, 300, 80) for k in range(24)])
CLIPS = {
    "tune": TUNE,
    "chords": CHORDS,
    "muted": MUTED,
    "triplets": TRIPLETS,
    "waltz": played(tune(3, meter=(3, 4))),
    "seven": played(tune(4, meter=(7, 8))),
    "one note": clip_of([Note(100, 60, 500, 90)]),
    "one chord": clip_of([Note(3 * k, 60 + 4 * k, 900 + 20 * k, 70 + k) for k in range(4)]),
    "twins": clip_of([Note(10, 60, 500, 90), Note(10, 60, 500, 40), Note(10, 60, 500, 40), Note(10, 60, 700, 20)]),
    "swapped": clip_of([Note(100, 72, 480, 80), Note(130, 48, 480, 60), Note(131, 90, 20, 50), Note(240, 60, 9, 9)]),
    "over the end": Clip((Note(0, 60, 960), Note(3800, 60, 9000), Note(3839, 70, 1)), 3840),
    "4000 notes": Clip(tuple(Note(k * 120 + k % 11, 40 + k % 50, 100 + k % 90, 80) for k in range(4000)), 4000 * 120),
}
