"""Rules that restore note lengths and onsets without learning: what a refine network has to beat.

Times are quarters; N notes of one clip, in any order. A length that was stretched to 80 to 120 % lies in a known range
around what it was, and a rule picks one of the lengths that are usual there.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from continuo_daw.assistant.music.clip import TICKS, Clip, bar_ticks
from continuo_daw.training.corpus.distort import HIGH, LOW

Times = NDArray[np.float64]
Meter = tuple[int, int]

CHORD = 0.02  # quarters
STEPS = 24  # places in a quarter at which the prior counts
PLAIN = 2.0 ** np.arange(-4, 5)  # 64th notes to four whole notes
# as they are, dotted from the 32nd to two whole notes, and triplets of 64ths to whole notes
VALUES: Times = np.sort(np.concatenate([PLAIN, PLAIN[1:-1] * 1.5, PLAIN[:-2] * 2 / 3]))
# Half the distance of the two shortest values, so that all of them are told apart; five times the tick of 480 by which
# MuseScore ends its notes early, so that such a note is as long as it is written.
TOLERANCE = 1 / 96
WEIGHT = 4.0  # notes that a wider count of the prior is worth beside a narrower one
TRIPLET_COST = 3.0  # the best of 1 to 3 on the performances of (n)ASAP that are for tuning


def exact(found: Times, true: Times) -> float:
    """Share of durations (or onsets) that are less than TOLERANCE from the true ones; NaN where there are none.

    1/96 of a quarter tells all VALUES apart, and takes a length that a MIDI file cuts by a tick for the whole one.
    """
    return float(np.mean(np.abs(found - true) < TOLERANCE)) if len(true) else float("nan")


def nearest_grid(durations: Times, grid: Times = VALUES) -> Times:
    """The value of a sorted grid that is nearest in ratio to each duration."""
    return grid[nearest_numbers(durations, grid)]


def nearest_numbers(durations: Times, grid: Times) -> NDArray[np.int64]:
    """The number of the value of a sorted grid that is nearest in ratio to each duration."""
    borders = np.sqrt(grid[1:] * grid[:-1])
    return np.searchsorted(borders, durations)


@dataclass(frozen=True)
class Prior:
    """How often each note value (V of them) starts at each place.

    bars: for each meter the shares of the values at each place of its bar, (places, V), STEPS places a quarter
    beat: their shares at each place of a quarter, (STEPS, V), for meters that no clip had
    """

    bars: dict[Meter, Times]
    beat: Times

    def shares(self, starts: Times, meter: Meter) -> Times:
        """(N, V) shares of the values at the places where notes start."""
        table = self.bars.get(meter, self.beat)
        return table[places_of(starts, len(table))]

    def likeliest(self, starts: Times, observed: Times, meter: Meter, low: float = LOW, high: float = HIGH) -> Times:
        """The likeliest value for each note among those of which `observed` is `low` to `high`; observed if none is."""
        ratio = observed[:, None] / VALUES
        shares = np.where((ratio >= low) & (ratio <= high), self.shares(starts, meter), 0.0)
        return np.where(shares.any(axis=1), VALUES[shares.argmax(axis=1)], observed)


def places_of(starts: Times, places: int) -> NDArray[np.int64]:
    """The nearest of `places` places of a bar, STEPS a quarter, at which each note starts."""
    return np.rint(starts * STEPS).astype(np.int64) % places


def fitted_prior(clips: Iterable[Clip]) -> Prior:
    """The prior of the notes of clips; notes whose length is no usual value are left out.

    The shares at a place of a bar lean on those at its place in the quarter, and these on the shares of all notes.
    """
    counts: dict[Meter, Times] = {}
    for clip in clips:
        starts, durations = times_of(clip)
        table = counts.setdefault(clip.meter, np.zeros((bar_ticks(clip.meter) * STEPS // TICKS or 1, len(VALUES))))
        usual = np.abs(nearest_grid(durations) - durations) < TOLERANCE
        places = places_of(starts[usual], len(table))
        np.add.at(table, (places, nearest_numbers(durations[usual], VALUES)), 1.0)
    beat = np.zeros((STEPS, len(VALUES)))
    for table in counts.values():
        np.add.at(beat, np.arange(len(table)) % STEPS, table)
    everywhere = beat.sum(axis=0) + 1 / len(VALUES)
    beat = leaning(beat, everywhere / everywhere.sum())
    return Prior({meter: leaning(table, beat[np.arange(len(table)) % STEPS]) for meter, table in counts.items()}, beat)


def leaning(counts: Times, wider: Times) -> Times:
    """Counts (places, V) as shares, with WEIGHT notes of the shares `wider` added to every place."""
    sums = counts + WEIGHT * wider
    return sums / sums.sum(axis=1, keepdims=True)


def times_of(clip: Clip) -> tuple[Times, Times]:
    """(N,) starts and (N,) durations of the notes of a clip that are not muted."""
    rows = np.array([(note.start, note.duration) for note in clip.notes if not note.muted], dtype=np.float64)
    starts, durations = rows.reshape(-1, 2).T / TICKS
    return starts, durations


def next_onset(starts: Times, observed: Times, otherwise: Times, low: float = LOW, high: float = HIGH) -> Times:
    """The strongest rule: a note lasts until the next onset, if `observed` is `low` to `high` of the time until then.

    Else it lasts `otherwise` (N,). Notes less than CHORD apart start together. To look at later onsets too, and take
    the one that is nearest in ratio, is weaker: on the tunes of Nottingham 99.58 % instead of 99.96 %.
    """
    onsets = np.unique(starts)
    after = np.searchsorted(onsets, starts + CHORD)
    gaps = np.append(onsets, np.inf)[after] - starts
    ratio = observed / gaps
    return np.where((ratio >= low) & (ratio <= high), gaps, otherwise)


def nearest_sixteenth(starts: Times) -> Times:
    """The sixteenth that is nearest to each onset."""
    return np.rint(starts * 4) / 4


def nearest_onset(starts: Times, triplet_cost: float = TRIPLET_COST) -> Times:
    """The nearest sixteenth or sixteenth of a triplet; a triplet counts as `triplet_cost` times as far away."""
    plain, triplet = nearest_sixteenth(starts), np.rint(starts * 6) / 6
    return np.where(np.abs(triplet - starts) * triplet_cost < np.abs(plain - starts), triplet, plain)
