"""Reader of (n)ASAP: real performances put on the beats of their scores, each note beside what is written for it.

A piece is a folder. `midi_score.mid` is the score as MuseScore plays it, `midi_score_annotations.txt` its beats in
seconds; `<name>.mid` is a performance, `<name>_annotations.txt` its beats in seconds, row by row those of the score,
and `<name>_align.csv` says which note of the score each performed note is. `manifest.csv` gives splits and works.

The set is CC BY-NC-SA: for evaluation only, never for the weights that ship.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import symusic
from numpy.typing import NDArray

from continuo_daw.assistant.music.clip import TICKS, Clip, bar_ticks
from continuo_daw.training.corpus.parts import RULES
from continuo_daw.training.corpus.readers import END, PITCH, START, Song, Track, read_midi
from continuo_daw.training.corpus.sections import clips, spans
from continuo_daw.training.corpus.sets import MANIFEST, Entry, manifest_entries

SCORE = "midi_score"
LEAST_FOUND = 0.95  # share of the aligned notes that must stand in the score's MIDI file where they are written
NEAR_QUARTERS = 0.05  # a note of the MIDI file stands where it is written if it is no further away
AROUND, LEAST_AROUND = 32, 0.75  # the same for every note and as many of its neighbours; else it has no truth
ALIGNED_MS = 2.0  # the alignment names performed notes by their onset, in whole milliseconds

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Meters = tuple[tuple[int, tuple[int, int]], ...]


@dataclass(frozen=True)
class Performance:
    """One performance on the beats of its score. N = its notes, in order of start, pitch, end, velocity.

    notes: int64 (N, 4) of start, end, pitch, velocity as they were played; times in ticks of the score
    written: float64 (N, 2) of onset and duration in quarters as they are notated, on the same time axis as `notes`;
        NaN where a note is not in the score, where it is a grace note, which has no duration in the score, and where
        the beats or the score are not to be trusted
    meters: (tick, meter) of each change; tick 0 is a bar line
    tempo: median quarters a minute
    """

    id: str
    group: str
    split: str
    notes: Ints
    written: Floats
    meters: Meters
    tempo: float


@dataclass(frozen=True)
class Score:
    """The score of a folder; every time in quarters from its start.

    song: the tracks and meters of its MIDI file, in ticks
    onsets: the sorted onsets of every pitch in its MIDI file
    beats, labels: the rows of its annotations; a label is b (beat), db (first beat of a bar) or bR (free time)
    units: (from, quarters of a beat of the notated meter), the first from the start of the score
    """

    song: Song
    onsets: dict[int, Floats]
    beats: Floats
    labels: tuple[str, ...]
    units: tuple[tuple[float, float], ...]


def performances(folder: Path, split: str, skipped: list[tuple[str, str]] | None = None) -> Iterator[Performance]:
    """The performances of a split, by id; (id, reason) of those that cannot be used are added to `skipped`.

    Raises CorpusError where the folder has no manifest that can be read.
    """
    for entry in entries(folder, split):
        if entry.path.stem == SCORE:
            continue
        try:
            found = read_performance(entry, read_score(entry.path.with_name(f"{SCORE}.mid")))
        except (OSError, ValueError, KeyError, RuntimeError) as error:  # the last from symusic
            if skipped is not None:
                skipped.append((entry.id, str(error).partition("\n")[0]))
            continue
        yield found


def entries(folder: Path, split: str) -> list[Entry]:
    """The scores and performances of a split in the manifest, by id."""
    found = manifest_entries(folder, folder / MANIFEST)
    return sorted((entry for entry in found if entry.split == split), key=lambda entry: entry.id)


def score_clips(folder: Path, split: str) -> Iterator[tuple[str, Clip]]:
    """(id of the score and number of the track, clip) of each stretch of one meter of each track of the scores."""
    scores = {entry.path.read_bytes(): entry for entry in reversed(entries(folder, split)) if entry.path.stem == SCORE}
    for entry in sorted(scores.values(), key=lambda entry: entry.id):  # of equal scores the first
        song = score_song(entry.path)
        for part, notes in RULES["tracks"](song):
            for clip in clips(notes, spans(song), song.tempos):
                yield f"{entry.id}#{part}", clip


def song_of(performance: Performance) -> Song:
    """A performance as a song of one track."""
    tracks = (Track("piano", 0, False, performance.notes),)
    return Song(tracks, performance.meters, ((0, performance.tempo),), bars_known=True)


def sections(performance: Performance) -> Iterator[tuple[Clip, Floats]]:
    """Each stretch of one meter as a clip of n notes, with float64 (n, 2): written onset and duration of its notes.

    Written times are in ticks from the start of the clip. A note that is played before its bar line may stand in the
    clip before the one in which it is written: its written onset is then the clip's length or a little more.
    """
    song = song_of(performance)
    for span in spans(song):
        for clip in clips(performance.notes, [span], song.tempos):
            first, stop = np.searchsorted(performance.notes[:, START], (span.start, span.end))
            yield clip, performance.written[first:stop] * TICKS - (span.origin, 0)


def score_song(path: Path) -> Song:
    """A score by MuseScore, which gives an incomplete bar a meter of its own, and writes 97/64 as 97/4."""
    song = read_midi(path)[""]
    end = max((int(track.notes[:, END].max()) for track in song.tracks), default=0)
    bounds = [tick for tick, _ in song.meters[1:]] + [end]
    meters = tuple(
        (tick, (top, 64) if bottom == 4 and bound - tick == bar_ticks((top, 64)) else (top, bottom))
        for (tick, (top, bottom)), bound in zip(song.meters, bounds, strict=True)
    )
    return replace(song, meters=meters, bars_known=True)


def read_score(path: Path) -> Score:
    """The score in the folder of `path`, its MIDI file. Raises ValueError where its beats do not grow."""
    song = score_song(path)
    seconds, labels, marks = read_beats(path.with_name(f"{SCORE}_annotations.txt"))
    beats = quarters_of(seconds, symusic.Score(path))
    table = np.concatenate([track.notes for track in song.tracks])
    table = table[np.argsort(table[:, START], kind="stable")]
    onsets = {int(p): table[table[:, PITCH] == p, START] / TICKS for p in np.unique(table[:, PITCH])}
    units = [(float(beats[row]), 4.0 / denominator) for row, denominator in marks]
    if np.any(np.diff(beats) <= 0) or not units:
        raise ValueError("the score has no meter, or its beats do not grow")
    return Score(song, onsets, beats, labels, ((0.0, units[0][1]), *units[1:]))


def read_beats(path: Path) -> tuple[Floats, tuple[str, ...], list[tuple[int, int]]]:
    """Seconds and label of every row of an annotation, and (row, denominator) where it names a meter."""
    rows = [line.split("\t") for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    fields = [row[2].split(",") for row in rows]
    marks = [(number, int(f[1].split("/")[1])) for number, f in enumerate(fields) if len(f) > 1 and "/" in f[1]]
    return np.array([float(row[0]) for row in rows]), tuple(f[0] for f in fields), marks


def quarters_of(seconds: Floats, score: symusic.Score) -> Floats:
    """Where `seconds` stand in a MIDI file, in quarters."""
    changes = {0: 500_000} | {tempo.time: tempo.mspq for tempo in score.tempos}  # microseconds a quarter
    quarters = np.array(list(changes), dtype=np.float64) / score.tpq
    return moved(seconds, *joined(quarters, np.array(list(changes.values())) / 1e6))


def joined(places: Floats, rates: Floats) -> tuple[Floats, Floats]:
    """What has been counted at `places`, by `rates` a quarter from each on, and the places; with one point more."""
    places = np.append(places, places[-1] + 1.0)
    return np.concatenate([[0.0], np.cumsum(np.diff(places) * rates)]), places


def read_performance(entry: Entry, score: Score) -> Performance:
    """One performance. Raises ValueError with the reason where it cannot be used."""
    seconds, labels, _ = read_beats(entry.path.with_name(f"{entry.path.stem}_annotations.txt"))
    if labels != score.labels:
        raise ValueError(f"its {len(labels)} beats are not the {len(score.labels)} beats of its score")
    if np.any(np.diff(seconds) <= 0):
        raise ValueError("its beats do not grow")
    played = played_notes(entry.path)
    quarters = np.stack([moved(played[:, column], seconds, score.beats) for column in (START, END)], axis=1)
    written = written_notes(entry.path.with_name(f"{entry.path.stem}_align.csv"), played, score)
    written[in_free_time(quarters[:, 0], score)] = np.nan
    shift, meters = from_bar_line(score.song, float(quarters[:, 0].min()))
    start = np.rint(quarters[:, 0] * TICKS).astype(np.int64) + shift
    end = np.maximum(np.rint(quarters[:, 1] * TICKS).astype(np.int64) + shift, start + 1)
    table = np.stack([start, end, *played[:, 2:].astype(np.int64).T], axis=1)
    order = np.lexsort(table.T[[3, 1, 2, 0]])  # the order of a clip, so that `written` keeps to its notes
    tempo = 60.0 * float(np.median(np.diff(score.beats) / np.diff(seconds)))
    written[:, 0] += shift / TICKS
    return Performance(entry.id, entry.group, entry.split, table[order], written[order], meters, tempo)


def played_notes(path: Path) -> Floats:
    """The notes of a performance, (N, 4) of start and end in seconds, pitch, velocity."""
    tables = [track.notes.numpy() for track in symusic.Score(path).to("second").tracks]
    rows = [np.stack([n["time"], n["time"] + n["duration"], n["pitch"], n["velocity"]], axis=1) for n in tables]
    return np.concatenate(rows).astype(np.float64)


def moved(times: Floats, old: Floats, new: Floats) -> Floats:
    """`times` on the axis on which the points `old` stand at `new`; the first and last pace go on outside them."""
    left = np.clip(np.searchsorted(old, times, side="right") - 1, 0, len(old) - 2)
    return new[left] + (times - old[left]) * (new[left + 1] - new[left]) / (old[left + 1] - old[left])


def in_free_time(quarters: Floats, score: Score) -> NDArray[np.bool_]:
    """True where the beat before or after is marked as free: there the marks of player and score do not agree."""
    free = np.array([label == "bR" for label in score.labels])
    left = np.clip(np.searchsorted(score.beats, quarters, side="right") - 1, 0, len(free) - 2)
    return free[left] | free[left + 1]


def from_bar_line(song: Song, earliest: float) -> tuple[int, Meters]:
    """Ticks by which to move a score so that tick 0 is a bar line and the quarter `earliest` is not before it; meters.

    An up-beat is given its whole bar; notes that are played before the first bar line get bars of their own.
    """
    first = spans(song)[0]
    events = list(song.meters)
    if first.origin < first.start:  # an up-beat in a meter of its own, which `spans` has joined to what follows
        events = [(first.origin, first.meter), *events[2:]]
    bar = bar_ticks(events[0][1])
    early = max(0, -(-round(-earliest * TICKS + events[0][0]) // bar))
    shift = early * bar - events[0][0]
    return shift, ((0, events[0][1]), *((tick + shift, meter) for tick, meter in events[1:]))


def written_notes(path: Path, played: Floats, score: Score) -> Floats:
    """Notated onset and duration in quarters of every played note, (N, 2), NaN where it has none.

    Raises ValueError where the alignment does not fit the score or the performance.
    """
    if not path.is_file():
        raise ValueError("it has no alignment")
    with path.open(newline="", encoding="utf-8") as stream:
        rows = [row for row in csv.DictReader(stream) if row["label"] in ("M", "D")]  # matched, and left out
    rows.sort(key=lambda row: float(row["score_onset_beats"]))
    earliest = float(rows[0]["score_onset_beats"])
    columns = ("score_onset_beats", "score_offset_beats", "pitch", "perf_onset_ms")
    table = np.array([[float(row[column]) for column in columns] for row in rows if row["label"] == "M"])
    beats, pitches, milliseconds = table[:, :2], table[:, 2].astype(np.int64), table[:, 3]
    graces = beats[:, 1] <= beats[:, 0]
    readings = [in_quarters(beats, origin, score) for origin in origins(score, earliest)]
    truth = max(readings, key=lambda reading: stands(reading[:, 0], pitches, score)[~graces].mean())
    found = stands(truth[:, 0], pitches, score)
    if (share := found[~graces].mean()) < LEAST_FOUND:
        raise ValueError(f"only {share:.1%} of its aligned notes stand in the score where the alignment has them")
    places, sums = np.arange(len(found)), np.concatenate([[0], np.cumsum(found)])
    first, stop = np.maximum(places - AROUND // 2, 0), np.minimum(places + AROUND // 2 + 1, len(found))
    around = (sums[stop] - sums[first]) / (stop - first)
    truth[(around < LEAST_AROUND) | graces] = np.nan
    row, note = aligned(pitches, milliseconds, played)
    result = np.full((len(played), 2), np.nan)
    result[note] = np.stack([truth[row, 0], truth[row, 1] - truth[row, 0]], axis=1)
    return result


def origins(score: Score, earliest: float) -> tuple[float, ...]:
    """Where beat 0 of an alignment may stand, in quarters: where its first note, `earliest` in beats, has it, or at
    the first or second bar. A grace note misleads the first of these, an up-beat and its repeat the others."""
    first = min(float(onsets[0]) for onsets in score.onsets.values()) - earliest * score.units[0][1]
    return (first, 0.0, *(tick / TICKS for tick, _ in score.song.meters[1:2]))


def in_quarters(beats: Floats, origin: float, score: Score) -> Floats:
    """Beats of an alignment, counted in the notated meter from `origin`, as quarters of the score."""
    (_, *starts), units = zip(*score.units, strict=True)
    return moved(beats, *joined(np.array([origin, *starts]), 1.0 / np.array(units)))


def stands(quarters: Floats, pitches: Ints, score: Score) -> NDArray[np.bool_]:
    """True where the score's MIDI file has an onset of the pitch at the place."""
    found = np.zeros(len(quarters), dtype=bool)
    for pitch, onsets in score.onsets.items():
        mine = np.flatnonzero(pitches == pitch)
        found[mine] = np.abs(onsets[nearest(onsets, quarters[mine])] - quarters[mine]) <= NEAR_QUARTERS
    return found


def aligned(pitches: Ints, milliseconds: Floats, played: Floats) -> tuple[Ints, Ints]:
    """Numbers of aligned rows and of the played notes that they name by pitch and onset."""
    rows, notes = [np.empty(0, dtype=np.int64)], [np.empty(0, dtype=np.int64)]
    for pitch in np.intersect1d(pitches, played[:, PITCH]):
        row, note = np.flatnonzero(pitches == pitch), np.flatnonzero(played[:, PITCH] == pitch)
        note = note[np.argsort(played[note, START], kind="stable")]
        closest = note[nearest(played[note, START] * 1000, milliseconds[row])]
        near = np.abs(played[closest, START] * 1000 - milliseconds[row]) <= ALIGNED_MS
        rows.append(row[near])
        notes.append(closest[near])
    return np.concatenate(rows), np.concatenate(notes)


def nearest(values: Floats, wanted: Floats) -> Ints:
    """The number of the value of a sorted array that is nearest to each one wanted."""
    return np.searchsorted((values[1:] + values[:-1]) / 2, wanted)
