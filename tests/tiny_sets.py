"""Tiny sets of music files, written and loaded."""

from __future__ import annotations

import csv
from pathlib import Path

import mido
import numpy as np

from continuo_daw.training.corpus.pieces import Piece, Report, SetConfig, load_pieces

COLUMNS = ("id", "role", "split", "piece_key", "title", "style", "path", "license", "extra")


def write_tune(
    path: Path, seed: int, key: int = 0, program: int = 0, count: int = 48, velocity: int = 70, channel: int = 0
) -> Path:
    """A MIDI file of one track: `count` random eighths and quarters in 4/4."""
    random = np.random.default_rng(seed)
    track = mido.MidiTrack([mido.Message("program_change", program=program, channel=channel)])
    for pitch, length in zip(random.integers(55, 75, count), random.integers(1, 3, count), strict=True):
        track.append(mido.Message("note_on", note=int(pitch) + key, velocity=velocity, channel=channel))
        track.append(mido.Message("note_off", note=int(pitch) + key, time=int(length) * 240, channel=channel))
    path.parent.mkdir(parents=True, exist_ok=True)
    mido.MidiFile(tracks=[track], ticks_per_beat=480).save(path)
    return path


def write_set(folder: Path, rows: list[dict[str, str]]) -> Path:
    """A set of one tune for each row, seeded by its number, with a manifest."""
    for number, row in enumerate(rows):
        path = folder / row.setdefault("path", f"midi/{row['id']}.mid")
        if not path.exists():
            write_tune(path, number)
    with (folder / "manifest.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, COLUMNS, restval="")
        writer.writeheader()
        writer.writerows(rows)
    return folder


def load(data: Path, *sets: SetConfig) -> tuple[list[Piece], Report]:
    return load_pieces(data, sets, progress=False, cache=data.parent / "cache")


def ids(pieces: list[Piece]) -> list[str]:
    return [piece.id for piece in pieces]
