"""Piano rolls of the published benchmarks, in the split of Boulanger-Lewandowski et al. (2012)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from continuo_daw.training.config import Config
from continuo_daw.training.corpus.sets import CorpusError
from continuo_daw.training.corpus.shards import SPLITS

SPARE = 6  # keys beside the piano's on both sides, so that music can be moved by half an octave
LOWEST, KEYS = 21 - SPARE, 88 + 2 * SPARE
FILES = {  # set: its file of piano rolls, the MIDI pitches of each frame of each piece of each split
    "nottingham": "bl_nottingham_88keys.json",  # eighths
    "jsb_chorales": "jsb-chorales-quarter.json",  # quarters
}
Roll = NDArray[np.bool_]


@dataclass(frozen=True)
class RollCorpus:
    """The pieces of each split as rolls (T, KEYS), and what is known of their origin."""

    splits: dict[str, list[Roll]]
    origin: dict[str, Any]


def roll_codec(config: Config) -> None:
    """Rolls are stored as they are. Raises ValueError where a configuration would move them off the keyboard."""
    if not 0 <= config.train.transpose <= SPARE:
        raise ValueError(f"frames are transposed by 0 to {SPARE} semitones, not {config.train.transpose}")


def prepare_rolls(config: Config, data: Path, cache: Path, progress: bool = True) -> RollCorpus:
    """The rolls of the one set of a configuration; reading them is quick and nothing is cached."""
    names = [source.name for source in config.data.sets]
    if len(names) != 1 or names[0] not in FILES:
        raise CorpusError(f"frames are counted on one of {', '.join(FILES)}, not on {', '.join(names) or 'nothing'}")
    file = data / names[0] / FILES[names[0]]
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        splits = {split: [roll_of(piece) for piece in found[split]] for split in SPLITS}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CorpusError(f"{file} cannot be read as piano rolls: {error}") from None
    return corpus_of(splits, names[0])


def corpus_of(splits: dict[str, list[Roll]], name: str) -> RollCorpus:
    """The splits with what is counted of them."""
    counts = {split: len(rolls) for split, rolls in splits.items()}
    frames = {split: sum(map(len, rolls)) for split, rolls in splits.items()}
    return RollCorpus(splits, {"sources": [name], "licences": [], "pieces": counts, "frames": frames})


def roll_of(piece: Any) -> Roll:
    """A roll of lists of MIDI pitches, or of an object that has them as `seq`. Raises ValueError off the keyboard."""
    frames = piece["seq"] if isinstance(piece, dict) else piece
    roll = np.zeros((len(frames), KEYS), bool)
    for time, pitches in enumerate(frames):
        for pitch in pitches:
            if not SPARE <= pitch - LOWEST < KEYS - SPARE:
                raise ValueError(f"pitch {pitch} is not on a piano")
            roll[time, pitch - LOWEST] = True
    return roll


def write_rolls(corpus: RollCorpus, file: Path) -> None:
    """One file with everything."""
    rolls = [roll for split in SPLITS for roll in corpus.splits[split]]
    np.savez_compressed(
        file,
        rolls=np.concatenate([np.zeros((0, KEYS), bool), *rolls]),
        sizes=np.array([len(roll) for roll in rolls], np.int64),
        splits=np.repeat(SPLITS, [len(corpus.splits[split]) for split in SPLITS]),
        name=np.array(corpus.origin["sources"][0]),
    )


def read_rolls(codec: None, file: Path) -> RollCorpus:
    """What `write_rolls` wrote."""
    with np.load(file, allow_pickle=False) as stored:
        rolls = np.split(stored["rolls"], np.cumsum(stored["sizes"]))[:-1]
        names, name = stored["splits"].tolist(), str(stored["name"])
    splits: dict[str, list[Roll]] = {split: [] for split in SPLITS}
    for split, roll in zip(names, rolls, strict=True):
        splits[split].append(roll)
    return corpus_of(splits, name)
