"""(n)ASAP: performances put on the beats of their score, and what is written for each of their notes."""

from __future__ import annotations

import csv
from pathlib import Path

import mido
import numpy as np
import pytest

from continuo_daw.assistant.music.clip import TICKS
from continuo_daw.training.corpus.asap import performances, score_clips, sections, song_of
from continuo_daw.training.corpus.sets import CorpusError

Rows = list[tuple[float, float, int]]

# Quarters from the start of the file: an up-beat of one quarter, two bars of 3/4, two of 6/8 whose eighths are
# beats; each note with its written length. MuseScore ends notes a tick of 480 early.
SCORE: Rows = [
    (0, 1, 60),
    (1, 2, 62),
    (3, 0.5, 64),
    (3.5, 0.5, 65),
    (4, 3, 67),
    (7, 1.5, 69),
    (8.5, 1.5, 71),
    (10, 3, 72),
]
METERS = [(0, 1, 4), (1, 3, 4), (7, 6, 8)]
BEATS = ["b,3/4,0", "db", "b", "b", "db", "b", "b", "db,6/8", *"bbbbb", "db", *"bbbb"]
PLACES = [0.0, 1, 2, 3, 4, 5, 6, 7, 7.5, 8, 8.5, 9, 9.5, 10, 10.5, 11, 11.5, 12]
SECONDS = [3 + (q if q <= 4 else 4 + (q - 4) * 2) for q in PLACES]  # 60 quarters a minute, then 30
IN_BEATS = [q - 1 if q <= 7 else 6 + (q - 7) * 2 for q in (note[0] for note in SCORE)]  # from the first whole bar
ENDS = [q - 1 if q <= 7 else 6 + (q - 7) * 2 for q in (note[0] + note[1] for note in SCORE)]


def midi(path: Path, rows: Rows, meters: list[tuple[int, int, int]]) -> None:
    """A file of 120 quarters a minute; rows are start, duration, pitch in quarters."""
    events = [(q * 480, 0, mido.MetaMessage("time_signature", numerator=n, denominator=d)) for q, n, d in meters]
    for start, duration, pitch in rows:
        events.append((start * 480, 2, mido.Message("note_on", note=pitch, velocity=50 + pitch % 10)))
        events.append(((start + duration) * 480, 1, mido.Message("note_off", note=pitch)))
    track, now = mido.MidiTrack(), 0
    for tick, _, message in sorted(events, key=lambda event: event[:2]):
        track.append(message.copy(time=round(tick) - now))
        now = round(tick)
    mido.MidiFile(tracks=[track], ticks_per_beat=480).save(path)


def write_beats(path: Path, seconds: list[float], labels: list[str]) -> None:
    path.write_text("".join(f"{s}\t{s}\t{label}\n" for s, label in zip(seconds, labels, strict=True)))


def seconds_of(quarter: float) -> float:
    """When the player plays a place of the score; she keeps her pace before the first and after the last beat."""
    if quarter < 0:
        return SECONDS[0] + quarter
    return float(np.interp(quarter, PLACES, SECONDS)) + max(0.0, quarter - PLACES[-1]) * 2


def perform(folder: Path, name: str, rows: Rows, labels: list[str] | None = None) -> None:
    """A performance of `rows`, which are start and length in quarters of the score, and pitch."""
    played = [(seconds_of(q) * 2, (seconds_of(q + d) - seconds_of(q)) * 2, pitch) for q, d, pitch in rows]
    midi(folder / f"{name}.mid", played, [(0, 4, 4)])
    labels = BEATS if labels is None else labels
    write_beats(folder / f"{name}_annotations.txt", SECONDS[: len(labels)], labels)
    lines = ["label,score_id,measure_beat,score_onset_beats,score_offset_beats,pitch,perf_onset_ms,velocity"]
    for number, (start, end, note) in enumerate(zip(IN_BEATS, ENDS, SCORE, strict=True)):
        own = [row for row in rows if row[2] == note[2]]
        where = f"{note[2]},{round(seconds_of(own[0][0]) * 1000)},60" if own else ",,"
        lines.append(f"{'M' if own else 'D'},n{number}-1,1:1,{start:.4g},{end:.4g},{where}")
    (folder / f"{name}_align.csv").write_text("\n".join(lines) + "\n")


def write_set(folder: Path) -> Path:
    """A set of one piece with its score; returns the folder of the piece."""
    piece = folder / "Bach" / "Tune"
    piece.mkdir(parents=True)
    midi(piece / "midi_score.mid", [(q, d - 1 / 480, pitch) for q, d, pitch in SCORE], METERS)
    write_beats(piece / "midi_score_annotations.txt", [q / 2 for q in PLACES], BEATS)
    return piece


def write_manifest(folder: Path, split: str = "test") -> None:
    """The manifest of the files that are there."""
    with (folder / "manifest.csv").open("w", newline="") as stream:
        rows = csv.writer(stream)
        rows.writerow(["id", "role", "split", "piece_key", "path"])
        for path in sorted(folder.rglob("*.mid")):
            name, score = path.relative_to(folder), path.stem == "midi_score"
            row = (name.parent if score else name.with_suffix("")).as_posix()
            rows.writerow([row, "score" if score else "performance", split, "bach tune", name.as_posix()])


# every note a little off: early, late, short; an additional note at 5 quarters that the score has not; 65 left out
PLAYED: Rows = [
    (0.05, 0.5, 60), (1.02, 1.5, 62), (2.95, 0.25, 64), (4.1, 2.5, 67), (5.0, 0.5, 90), (7.0, 1.0, 69), (8.45, 1.0, 71),
    (10.02, 2.0, 72),
]  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    perform(write_set(tmp_path), "Player01", PLAYED)
    write_manifest(tmp_path)
    return tmp_path


def test_notes_stand_on_the_beats_of_their_score(folder: Path) -> None:
    (found,) = performances(folder, "test")
    assert (found.id, found.group, found.split) == ("Bach/Tune/Player01", "bach tune", "test")
    # the up-beat is the last quarter of a bar of its own, so all stands two quarters later
    expected = [[q + 2, q + d + 2] for q, d, _ in PLAYED]
    assert (found.notes[:, :2] / TICKS).tolist() == [pytest.approx(row, abs=0.003) for row in expected]
    assert found.notes[:, 2].tolist() == [pitch for _, _, pitch in PLAYED]
    assert found.notes[:, 3].tolist() == [50 + pitch % 10 for _, _, pitch in PLAYED]
    assert found.meters == ((0, (3, 4)), (9 * TICKS, (6, 8)))
    assert found.tempo == pytest.approx(30)


def test_each_note_has_what_is_written_for_it(folder: Path) -> None:
    (found,) = performances(folder, "test")
    by_pitch = {pitch: (q + 2, d) for q, d, pitch in SCORE}
    expected = np.array([by_pitch.get(int(pitch), (np.nan, np.nan)) for pitch in found.notes[:, 2]])
    assert found.written == pytest.approx(expected, nan_ok=True)
    assert np.isnan(found.written).all(axis=1).tolist() == [False] * 4 + [True] + [False] * 3


def test_a_section_has_its_written_times_from_its_own_start(folder: Path) -> None:
    (found,) = performances(folder, "test")
    (first, written), (second, later) = sections(found)
    assert (first.meter, second.meter) == ((3, 4), (6, 8))
    assert (first.length, second.length) == (9 * TICKS, 6 * TICKS)
    assert first.tempo == pytest.approx(30)
    assert [note.pitch for note in second.notes] == [69, 71, 72]
    assert [note.start for note in second.notes] == pytest.approx([0, 1.45 * TICKS, 3.02 * TICKS], abs=3)
    assert later == pytest.approx(np.array([[0.0, 1.5], [1.5, 1.5], [3.0, 3.0]]) * TICKS)
    assert written[:4] == pytest.approx(np.array([[2, 1], [3, 2], [5, 0.5], [6, 3]]) * TICKS)
    assert len(song_of(found).tracks[0].notes) == len(written) + len(later)


def test_a_note_before_the_first_bar_line_gets_a_bar_of_its_own(tmp_path: Path) -> None:
    piece = write_set(tmp_path)
    midi(piece / "midi_score.mid", [(q, d, pitch) for q, d, pitch in SCORE], [(0, 1, 4), (1, 3, 4), (7, 6, 8)])
    early = [(-2.5, 0.5, 90), *PLAYED]
    perform(piece, "Player01", early)
    write_manifest(tmp_path)
    (found,) = performances(tmp_path, "test")
    assert found.notes[0, 0] / TICKS == pytest.approx(2.5, abs=0.003)
    assert found.written[1].tolist() == pytest.approx([5.0, 1.0])
    assert found.meters == ((0, (3, 4)), (12 * TICKS, (6, 8)))


def test_free_time_has_no_truth(tmp_path: Path) -> None:
    labels = [*BEATS[:-3], "bR", *BEATS[-2:]]  # at 11 quarters
    piece = write_set(tmp_path)
    write_beats(piece / "midi_score_annotations.txt", [q / 2 for q in PLACES], labels)
    perform(piece, "Player01", [*PLAYED[:-1], (10.6, 0.5, 72)], labels)
    write_manifest(tmp_path)
    (found,) = performances(tmp_path, "test")
    assert found.notes[-1, 2] == 72 and np.isnan(found.written[-1]).all()
    assert found.written[-2].tolist() == pytest.approx([10.5, 1.5])


def test_a_grace_note_has_no_written_length(folder: Path) -> None:
    path = folder / "Bach" / "Tune" / "Player01_align.csv"
    lines = path.read_text().splitlines()
    assert lines[2].startswith("M,n1-1,1:1,0,2,62")
    path.write_text("\n".join([*lines[:2], lines[2].replace("0,2,62", "0,0,62"), *lines[3:]]) + "\n")
    (found,) = performances(folder, "test")
    assert np.isnan(found.written).all(axis=1).tolist() == [False, True, False, False, True, False, False, False]


def test_what_cannot_be_used_is_skipped_with_its_reason(folder: Path) -> None:
    piece = folder / "Bach" / "Tune"
    perform(piece, "Player02", PLAYED, BEATS[:-1])
    perform(piece, "Player03", PLAYED)
    (piece / "Player03_align.csv").unlink()
    perform(piece, "Player04", PLAYED)
    path = piece / "Player04_align.csv"
    path.write_text(path.read_text().replace(",67,", ",66,").replace(",69,", ",68,"))
    write_manifest(folder)
    skipped: list[tuple[str, str]] = []
    assert [found.id for found in performances(folder, "test", skipped)] == ["Bach/Tune/Player01"]
    assert skipped == [
        ("Bach/Tune/Player02", "its 17 beats are not the 18 beats of its score"),
        ("Bach/Tune/Player03", "it has no alignment"),
        ("Bach/Tune/Player04", "only 71.4% of its aligned notes stand in the score where the alignment has them"),
    ]


def test_other_splits_are_left_out(folder: Path) -> None:
    assert list(performances(folder, "train")) == [] == list(score_clips(folder, "train"))


def test_a_folder_without_a_manifest_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"manifest\.csv"):
        list(performances(tmp_path, "test"))


def test_the_score_gives_a_clip_for_each_meter_and_an_equal_score_none(folder: Path) -> None:
    again = folder / "Bach" / "Tune_again"
    again.mkdir()
    for path in (folder / "Bach" / "Tune").glob("midi_score*"):
        (again / path.name).write_bytes(path.read_bytes())
    write_manifest(folder)
    (name, first), (_, second) = score_clips(folder, "test")
    assert name == "Bach/Tune#0"
    assert (first.meter, second.meter) == ((3, 4), (6, 8))
    assert [note.start / TICKS for note in first.notes] == [2, 3, 5, 5.5, 6]
    assert [note.duration for note in second.notes] == [1438, 1438, 2878]  # as written, less a tick of 480
