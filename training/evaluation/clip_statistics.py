"""Numbers that say something of one clip: of its pitch classes and of its rhythm.

Entropy, scale and groove are those of muspy 0.5 (Dong et al., *MusPy: a toolkit for symbolic music generation*, ISMIR
2020; groove and entropy after Wu and Yang, *The Jazz Transformer on the front line*, ISMIR 2020; scale after Mogren,
*C-RNN-GAN*, 2016), written anew for clips, with onsets on a grid of sixteenths.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from continuo_daw.assistant.latent.distance import SLOT
from continuo_daw.assistant.music.clip import TICKS, Clip
from continuo_daw.assistant.music.keys import histogram

Array = NDArray[np.float64]

STATISTICS = {
    "pitch-class entropy": "bits, of the notes' pitch classes; 3.58 is all twelve alike",
    "scale consistency": "share of notes in the one major or natural minor scale that has most of them",
    "groove consistency": "share of sixteenths that neighbouring bars treat alike: onset or none",
    "notes a quarter": "mean over the clip",
    "mean pitch": "MIDI number",
    "silent bars": "share of bars in which no note begins",
    "late start": "share of clips whose first bar has no note",
}
MAJOR = (0, 2, 4, 5, 7, 9, 11)
SCALES = np.array([np.isin(np.arange(12), [(degree + root) % 12 for degree in MAJOR]) for root in range(12)])


def statistics(clips: Sequence[Clip]) -> Array:
    """(N, S) each of `STATISTICS` of each clip; nan where a clip has no note to say it. Muted notes do not count."""
    return np.array([_statistics(clip) for clip in clips]).reshape(len(clips), len(STATISTICS))


def _statistics(clip: Clip) -> list[float]:
    onsets = np.array([note.start for note in clip.notes if not note.muted], np.int64)
    pitches = np.array([note.pitch for note in clip.notes if not note.muted], np.int64)
    begun = onset_grid(clip, onsets)
    silent = ~begun.any(1)
    share = histogram(clip)
    known = len(pitches) > 0
    return [
        float(-(share[share > 0] * np.log2(share[share > 0])).sum()) if known else np.nan,
        float((SCALES @ share).max()) if known else np.nan,
        float((begun[1:] == begun[:-1]).mean()) if known and len(begun) > 1 else np.nan,
        len(pitches) * TICKS / clip.length,
        float(pitches.mean()) if known else np.nan,
        float(silent.mean()),
        float(silent[0]),
    ]


def onset_grid(clip: Clip, onsets: NDArray[np.int64]) -> NDArray[np.bool_]:
    """(bars, sixteenths a bar) where an onset lies; one that is nearest to the next bar line counts to the sixteenth
    before it."""
    slots = max(1, round(clip.bar / SLOT))
    grid = np.zeros((clip.bars, slots), bool)
    bar, rest = np.divmod(onsets, clip.bar)
    grid[bar, np.minimum(np.rint(rest / SLOT).astype(np.int64), slots - 1)] = True
    return grid
