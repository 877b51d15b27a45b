"""The sizes of the score network, and the embedding of its events, made ones and given ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from continuo_daw.assistant.codecs.score.classes import DURATIONS, METERS, NO_ONSET, NO_STEP, PLACES, START_KEY
from continuo_daw.assistant.codecs.score.window import LANES, PROGRAMS

Batch = dict[str, Tensor]


@dataclass(frozen=True)
class ScoreConfig:
    width: int = 256  # of the embedding of an event
    hidden: int = 384  # cells of each LSTM
    heads: int = 6
    pointers: int = 3  # heads that also point at what to write
    size: int = 32  # of a key without its rotary parts
    value: int = 48  # of what a head reads
    given: int = 128  # cells to each side of the encoder of given notes
    dropout: float = 0.1
    runs: bool = True  # whether the memory knows of matching runs
    echoes: bool = True  # whether the places some bars ago are told


class Events(nn.Module):
    """The embedding of events, made ones and given ones."""

    def __init__(self, width: int) -> None:
        super().__init__()
        sizes = {
            "pitch": START_KEY + 1, "class": 13, "step": NO_STEP + 1, "duration": DURATIONS + 1, "delta": NO_ONSET + 1,
            "velocity": 17, "program": PROGRAMS, "lane": LANES + 1, "place": PLACES, "meter": METERS,
        }  # fmt: skip
        self.tables = nn.ModuleDict({name: nn.Embedding(size, width) for name, size in sizes.items()})
        for table in self.tables.values():
            nn.init.normal_(table.weight, std=0.1)

    def forward(self, batch: Batch, prefix: str = "", suffix: str = "") -> Tensor:
        """(B, T, width)."""
        found: Any = 0
        for name, table in self.tables.items():
            at = batch[f"{prefix}{name}" if prefix or name in ("place", "meter") else f"{name}{suffix}"]
            found = found + table(at + 1 if name == "lane" and not prefix else at)
        return found
