"""Writing with the score network, note by note: the same steps that the exported loop will take.

Slow, for listening and for measuring while the network learns: features are computed anew from all events at each
step, which also shows that they follow from what was drawn before alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from continuo_daw.assistant.codecs.score.classes import BUCKETS, DIRECT, END_CLASS
from continuo_daw.assistant.codecs.score.window import KEY, LENGTH, LOUDNESS, ONSET, TRACK, Window
from continuo_daw.training.families.score.features import batch_of
from continuo_daw.training.families.score.heads import CLOSED
from continuo_daw.training.families.score.net import ScoreNet
from continuo_daw.training.families.score.parts import span_of

ROWWISE = ("condition", "style", "programs", "lanes", "one")


def trimmed(batch: dict[str, Tensor], size: int) -> dict[str, Tensor]:
    """The first `size` positions of a batch."""
    longer = batch["clock"].shape[1]
    found = {}
    for name, value in batch.items():
        of_given = name.startswith("given_") and name not in ("given_now", "given_next")
        found[name] = value if name in ROWWISE or of_given else value[:, :size]
    runs = found["runs"]
    found["runs"] = torch.cat([runs[:, :, :size], runs[:, :, longer:]], 2)
    return found


@dataclass
class Choice:
    """How values are drawn: temperature, and the share of chances that the likeliest ones together must have."""

    temperature: float = 1.0
    top_p: float = 1.0
    seed: int = 1

    def __post_init__(self) -> None:
        self.random = np.random.default_rng(self.seed)

    def __call__(self, logits: Tensor) -> NDArray[np.int64]:
        """(B,) a class of each row of `logits` (B, classes)."""
        chances = (logits.double() / self.temperature).softmax(-1).numpy()
        order = np.argsort(-chances, 1)
        ranked = np.take_along_axis(chances, order, 1)
        ranked = np.where(ranked.cumsum(1) - ranked < self.top_p, ranked, 0).cumsum(1)
        at = (ranked < self.random.random((len(ranked), 1)) * ranked[:, -1:]).sum(1)
        return np.take_along_axis(order, at[:, None], 1)[:, 0]


class Writer:
    """Writes on behind the notes of some windows that have equally many; `endless` never ends by itself."""

    def __init__(self, net: ScoreNet, windows: Sequence[Window], choice: Choice, endless: bool = False) -> None:
        self.net, self.choice, self.endless = net.eval(), choice, endless
        self.windows = list(windows)
        self.past: dict[str, Any] = {}

    def features(self, rows: NDArray[np.int32]) -> dict[str, Tensor]:
        """The batch with one more event (B, 5) in each row, cut to the positions before it."""
        tried = [
            replace(w, notes=np.concatenate([w.notes, row[None]]), learnt=np.ones(len(w.notes) + 1, bool), ends=False)
            for w, row in zip(self.windows, rows, strict=True)
        ]
        return trimmed(batch_of(tried), len(self.windows[0].notes) + 1)

    @torch.no_grad()
    def step(
        self, forced: NDArray[np.int32] | None = None
    ) -> tuple[NDArray[np.int32], NDArray[np.bool_], dict[str, Tensor]]:
        """The next event (B, 5) of each row, which rows want to end instead, and the logits of each factor.

        forced (B, 5): events that are taken instead of drawn ones
        """
        heads = self.net.heads
        before = np.stack([w.notes[-1] if len(w.notes) else np.zeros(5, np.int32) for w in self.windows])
        row = before.copy()
        batch = self.features(row)
        heard = self.net.listen(batch, self.past)
        last = {"context": heard["context"][:, -1:], "points": heard["points"][:, :, -1:]}
        heard = span_of(heard, slice(-1, None)) | last
        begin = self.past["size"] - 1
        logits = {"onset": heads.onset_logits(batch, heard, begin)[:, 0]}
        if self.endless:
            logits["onset"][:, END_CLASS] = CLOSED
        drawn = self.choice(logits["onset"])
        ended = drawn == END_CLASS
        rest = self._rest(heard["context"][:, 0], drawn, heads.onset_bucket, heads.onset_rest, DIRECT + 1)
        delta = np.where(drawn <= DIRECT, drawn, DIRECT + 1 + (drawn - DIRECT - 1) * DIRECT + rest)
        row[:, ONSET] = before[:, ONSET] + np.where(ended, 0, delta)
        if forced is not None:
            row[:, ONSET] = forced[:, ONSET]
        batch = self.features(row)
        asked = heads.entered(self.net, batch, self.past, heard, begin)
        lane = batch["lane_floor"][:, begin].numpy()
        if int(batch["lanes"].max()) > 1:
            logits["lane"] = heads.lane_logits(self.net, batch, asked, begin)[:, 0]
            lane = self.choice(logits["lane"])
        row[:, TRACK] = forced[:, TRACK] if forced is not None else lane
        batch = self.features(row)
        heads.laned(batch, asked, begin)
        logits["pitch"] = heads.pitch_logits(self.net, batch, asked, begin)[:, 0]
        row[:, KEY] = forced[:, KEY] if forced is not None else self.choice(logits["pitch"])
        batch = self.features(row)
        heads.pitched(batch, asked, begin)
        logits["duration"] = heads.duration_logits(self.net, batch, asked, begin)[:, 0]
        drawn = self.choice(logits["duration"])
        rest = self._rest(asked["long"][:, 0], drawn, heads.duration_bucket, heads.duration_rest, DIRECT)
        row[:, LENGTH] = np.where(drawn < DIRECT, drawn + 1, DIRECT + 1 + (drawn - DIRECT) * DIRECT + rest)
        if forced is not None:
            row[:, LENGTH] = forced[:, LENGTH]
        batch = self.features(row)
        logits["velocity"] = heads.velocity_logits(self.net, batch, asked, begin)[:, 0]
        drawn = self.choice(logits["velocity"])
        row[:, LOUDNESS] = np.where(drawn > 0, drawn, np.maximum(batch["loud"][:, begin].numpy(), 1))
        if forced is not None:
            row[:, LOUDNESS] = forced[:, LOUDNESS]
        self.windows = [replace(w, notes=np.concatenate([w.notes, row[i : i + 1]])) for i, w in enumerate(self.windows)]
        return row, ended, logits

    def _rest(self, rows: Tensor, drawn: NDArray[np.int64], table: Any, linear: Any, first: int) -> NDArray[np.int64]:
        """(B,) the step within a bucket, 0 where the class says all."""
        if not (drawn >= first).any():
            return np.zeros(len(drawn), np.int64)
        bucket = torch.from_numpy(np.clip(drawn, 0, first + BUCKETS - 1))
        found = self.choice(linear(F.gelu(rows + table(bucket))))
        return np.where(drawn >= first, found, 0)
