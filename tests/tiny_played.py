"""Tiny tunes as somebody played them, and configurations of refine networks that learn them in a second."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import tiny_notes
from tiny import CONFIG, SPLITS, tune

from continuo_daw.assistant.music.clip import TICKS, Clip
from continuo_daw.assistant.music.midi_write import write_midi
from continuo_daw.training.config import Config, ExportConfig, ModelConfig, NotesConfig, TrainConfig


def played(seed: int, bars: int = 6) -> Clip:
    """A tune in two voices whose velocities say where in the bar and how high a note stands."""
    clip = tune(seed, bars, voices=2)
    random = np.random.default_rng(seed)
    notes = [
        replace(note, velocity=int(40 + note.pitch / 3 + 30 * (note.start % (2 * TICKS) == 0) + random.integers(8)))
        for note in clip.notes
    ]
    return replace(clip, notes=tuple(notes))


def write_data(folder: Path, flat: tuple[str, ...] = ()) -> Path:
    """A data folder with the set `tunes`: a played tune for each of `SPLITS`, and in the splits `flat` one more each
    with two velocities."""
    tunes = folder / "tunes"
    tunes.mkdir(parents=True)
    with (tunes / "manifest.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(("id", "split", "path", "license"))
        for number, split in enumerate((*SPLITS, *flat)):
            clip = played(number) if number < len(SPLITS) else tune(number, voices=2)
            write_midi(clip, tunes / f"{number}.mid")
            writer.writerow((str(number), split, f"{number}.mid", "CC0"))
    return folder


def config(family: str, **train: Any) -> Config:
    """A configuration of the family, with other values in its `[train]` table."""
    learning = {"steps": 16, "batch": 4, "learning_rate": 2e-2, "warmup": 2, "transpose": 2, "validate_every": 8}
    return replace(
        CONFIG,
        name=f"tiny-{family}",
        title=f"Tiny {family}",
        tasks=tiny_notes.TASKS[family],
        data=replace(CONFIG.data, sets=(replace(CONFIG.data.sets[0], parts="all"),)),
        model=ModelConfig(family, layers=1, hidden=8, dropout=0.1),
        notes=NotesConfig(window=24, margin=4),
        train=TrainConfig(**{**learning, "threads": 1, **train}),
        export=ExportConfig(int8_cost=0.5),
    )
