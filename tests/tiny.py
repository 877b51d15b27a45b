"""Tiny music and tiny networks: a corpus of a few tunes on disk, and a configuration that learns it in seconds."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from continuo_daw.assistant.music.clip import TICKS, Clip, Note, clip_of
from continuo_daw.assistant.music.midi_write import write_midi
from continuo_daw.training.config import CodecConfig, Config, DataConfig, ExportConfig, ModelConfig, TrainConfig
from continuo_daw.training.corpus.sets import SetConfig

SCALE = np.array([0, 2, 4, 5, 7, 9, 11])
SPLITS = ("train",) * 4 + ("valid",) * 2 + ("test",) * 2
CONFIG = Config(
    name="tiny",
    title="A tiny Char-RNN",
    licence="CC0",
    attribution=("nobody",),
    data=DataConfig((SetConfig("tunes", "top"),)),
    codec=CodecConfig(voices="one"),
    model=ModelConfig(layers=1, hidden=16, dropout=0.2),
    train=TrainConfig(
        steps=30, batch=4, length=32, learning_rate=1e-2, warmup=2, transpose=2, validate_every=10, threads=1
    ),
    export=ExportConfig(int8_cost=0.5),
)


def config(**changes: Any) -> Config:
    """`CONFIG` with other values in its `[train]` table."""
    return replace(CONFIG, train=replace(CONFIG.train, **changes))


def tune(seed: int, bars: int = 6, meter: tuple[int, int] = (4, 4), voices: int = 1) -> Clip:
    """Eighths and quarters up and down a scale, accented on the bar; `voices` notes at a time."""
    random = np.random.default_rng(seed)
    length = bars * meter[0] * TICKS * 4 // meter[1]
    notes, at, degree = [], 0, int(random.integers(0, 7))
    while at < length:
        duration = int(random.integers(1, 3)) * TICKS // 2
        degree = int(np.clip(degree + random.integers(-2, 3), -4, 10))
        for voice in range(voices):
            octave, step = divmod(degree + 2 * voice, 7)
            velocity = 90 if at % (4 * TICKS) == 0 else 70
            notes.append(Note(at, 60 + 12 * octave + int(SCALE[step]), min(duration, length - at), velocity))
        at += duration
    return Clip(tuple(notes), length, 120.0, meter)


def walk(seed: int, count: int = 60) -> Clip:
    """A line of uneven steps and note values that is like no other."""
    random, at, notes = np.random.default_rng(seed), 0, []
    for pitch in 60 + random.integers(-12, 13, count):
        wait = int(random.choice([240, 480, 720, 960]))
        notes.append(Note(at, int(pitch), wait))
        at += wait
    return clip_of(notes)


def write_data(folder: Path, splits: tuple[str, ...] = SPLITS) -> Path:
    """A data folder with the set `tunes`: a tune for each of `splits`, in that split."""
    tunes = folder / "tunes"
    tunes.mkdir(parents=True)
    with (tunes / "manifest.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(("id", "split", "path", "license"))
        for number, split in enumerate(splits):
            write_midi(tune(number), tunes / f"{number}.mid")
            writer.writerow((str(number), split, f"{number}.mid", "CC0"))
    return folder
