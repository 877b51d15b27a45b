"""Network for piano rolls: the chance of each frame given those before it, note by note from the highest down;
its loss, its batches, and the average of its weights.

A frame is told as a chain of decisions: the next lower note, or END. So the costs of its decisions add up to its
negative log-likelihood, as with RNN-NADE (Boulanger-Lewandowski et al. 2012). What came after earlier moments like the
present one is looked up by attention whose values are the frames themselves (a pointer, after Grave et al. 2017).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader

from continuo_daw.training.config import Config
from continuo_daw.training.corpus.rolls import KEYS, Roll, RollCorpus
from continuo_daw.training.run import Batches, Run

END = KEYS  # the decision that a frame has no further note
CLOCKS = (4, 6, 8, 12, 16, 24, 32)  # lengths of bars and phrases in frames
FARTHEST = 512  # frames back that have a weight of their own; those farther share one
LEAP = 12  # semitones of a step of the outer voices that are told apart
NEVER = -1e4  # logit of what cannot be
SURE = 2e-3  # chance that what was seen at the place looked up is not seen again, before anything is learnt
POOL = 8  # batches drawn together, so that each has pieces of like length
Batch = dict[str, Tensor]


@dataclass(frozen=True)
class FrameNetConfig:
    """Widths of the network: of its two LSTMs, of the state within a frame; heads of attention and their size."""

    hidden: int
    width: int
    heads: int
    size: int
    dropout: float
    forget: float  # share of the notes just heard that the LSTMs are not told while they learn


class FrameNet(nn.Module):
    """Chances of the decisions of all frames at once; what is told of a frame are only frames before it."""

    def __init__(self, config: FrameNetConfig) -> None:
        super().__init__()
        self.config = config
        hidden, width, heads = config.hidden, config.width, config.heads
        told = 2 * KEYS + 12 + 1 + sum(CLOCKS) + 2 * (2 * LEAP + 3)
        self.first = nn.LSTM(told, hidden, batch_first=True)
        self.query = nn.Linear(hidden, heads * config.size)
        self.key = nn.Linear(hidden, heads * config.size)
        self.distance = nn.Parameter(torch.zeros(heads, FARTHEST + 1))
        self.nothing = nn.Parameter(torch.zeros(heads))
        self.found = nn.Linear((heads + 1) * KEYS, width)
        self.second = nn.LSTM(hidden + width, hidden, batch_first=True)
        self.context = nn.Linear(2 * hidden + width, width)
        self.chosen = nn.Embedding(KEYS + 1, width)
        self.last = nn.Embedding(KEYS + 1, width)
        self.before = nn.Embedding(KEYS + 1, width)
        self.step = nn.Embedding(2 * KEYS + 1, width)
        self.left = nn.Linear(heads + 1, width)
        self.inner = nn.Linear(width, width)
        self.out = nn.Linear(width, KEYS + 1)
        self.from_last = nn.Linear(width, 2 * KEYS + 1)
        self.from_before = nn.Linear(width, 2 * KEYS + 1)
        self.copy = nn.Linear(width, heads + 1)
        for embedding in (self.chosen, self.last, self.before, self.step):
            nn.init.normal_(embedding.weight, std=0.1)
        for layer in (self.out, self.from_last, self.from_before, self.copy):
            nn.init.normal_(layer.weight, std=0.02)
        nn.init.constant_(self.copy.bias, 0.3)

    def forward(self, roll: Tensor, index: Tensor, real: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Log chances (N, KEYS + 1) of the N decisions of all real frames, the frame (N,) of each in the flat (B T,),
        and what was decided (N,). roll (B, T, KEYS) of 0 and 1, index (B, T) of the frames in their pieces,
        real (B, T) whether a frame is one or fills the batch up."""
        drop = self._dropped
        previous = functional.pad(roll, (0, 0, 1, 0))[:, :-1]
        first = drop(self.first(drop(told(self._forgotten(previous), previous, index), 0.5))[0])
        seen = self._looked_up(first, roll)  # (B, T, H, KEYS)
        seen = torch.cat([seen, previous[:, :, None]], 2)
        found = torch.relu(self.found(drop(seen.flatten(2))))
        second = drop(self.second(torch.cat([first, found], -1))[0])
        context = self.context(torch.cat([first, second, found], -1))
        return self._decisions(context, seen, previous, roll, real)

    def costs(self, roll: Tensor, index: Tensor, real: Tensor) -> Tensor:
        """Nats (B, T) of each frame; 0 where a frame is not real."""
        chances, frame, decided = self(roll, index, real)
        nats = -chances.gather(1, decided[:, None])[:, 0]
        return nats.new_zeros(real.numel()).index_add(0, frame, nats).view(real.shape)

    def _dropped(self, value: Tensor, share: float = 1.0) -> Tensor:
        return functional.dropout(value, self.config.dropout * share, self.training)

    def _forgotten(self, previous: Tensor) -> Tensor:
        if not self.training or not self.config.forget:
            return previous
        return previous * (torch.rand_like(previous) >= self.config.forget)

    def _looked_up(self, state: Tensor, roll: Tensor) -> Tensor:
        """(B, T, H, KEYS) how much of each key each head sees in the frames before, or in none."""
        length, heads = state.shape[1], self.config.heads
        query, key = (
            layer(state).unflatten(-1, (heads, self.config.size)).transpose(1, 2) for layer in (self.query, self.key)
        )
        time = torch.arange(length, device=roll.device)
        distance = time[:, None] - time
        scores = query @ key.transpose(-1, -2) / self.config.size**0.5
        scores = scores + self.distance[:, distance.clamp(0, FARTHEST)]
        scores = scores.masked_fill(distance <= 0, NEVER)
        nothing = self.nothing[:, None, None].expand(len(roll), heads, length, 1)
        weight = torch.cat([scores, nothing], -1).softmax(-1)[..., :-1]
        return (weight @ roll[:, None]).transpose(1, 2)

    def _decisions(
        self, context: Tensor, seen: Tensor, previous: Tensor, roll: Tensor, real: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        count = int(roll.sum(-1).max()) + 1
        notes, before = (descending(part, count).flatten(0, 1) for part in (roll, previous))  # (F, I)
        last = functional.pad(notes, (1, 0), value=END)[:, :-1]
        frame, place = torch.nonzero((real.flatten()[:, None]) & ((last != END) | first_of(last)), as_tuple=True)
        said = self.chosen(last) * (last != END)[..., None]
        state = context.flatten(0, 1)[:, None] + said.cumsum(1)
        below = torch.arange(KEYS, device=roll.device) < last[..., None]  # (F, I, KEYS)
        left = torch.einsum("fip,fhp->fih", below.float(), seen.flatten(0, 1))
        at = (frame, place)
        target, last, before, left = notes[at], last[at], before[at], left[at]
        state = state[at] + self.last(last) + self.before(before) + self.step(last - before + KEYS) + self.left(left)
        inner = torch.relu(self.inner(self._dropped(torch.relu(state)))) + state
        inner = self._dropped(inner, 0.5)
        keys = torch.arange(KEYS + 1, device=roll.device)
        logits = self.out(inner)
        for layer, origin in ((self.from_last, last), (self.from_before, before)):
            logits = logits + layer(inner).gather(1, keys - origin[:, None] + KEYS)
        gates = inner.new_zeros(*notes.shape, seen.shape[2]).index_put(at, self.copy(inner))
        logits = logits + (gates @ next_notes(seen.flatten(0, 1)))[at]
        allowed = (keys < last[:, None]) | (keys == END)
        return logits.masked_fill(~allowed, NEVER).log_softmax(-1), frame, target


def told(notes: Tensor, previous: Tensor, index: Tensor) -> Tensor:
    """(B, T, X) what is known before each frame: the last notes and how long they have sounded, their pitch classes,
    the steps of the outer voices, and the time since the start."""
    sounded = torch.log2(1 + age(previous)) / 4 * notes
    chroma = functional.pad(notes, (0, -KEYS % 12)).unflatten(-1, (-1, 12)).amax(-2)
    clocks = [functional.one_hot(index % clock, clock) for clock in CLOCKS]
    outer = [steps(previous, highest) for highest in (True, False)]
    return torch.cat([notes, sounded, chroma, (index == 0)[..., None], *clocks, *outer], -1)


def age(roll: Tensor) -> Tensor:
    """(B, T, KEYS) for how many frames each key has sounded."""
    time = torch.arange(1, roll.shape[1] + 1, device=roll.device)[:, None].expand(roll.shape[1:])
    silent = torch.where(roll > 0, 0, time).cummax(1)[0]
    return (time - silent).to(roll.dtype)


def steps(roll: Tensor, highest: bool) -> Tensor:
    """(B, T, 2 LEAP + 3) the step to the highest or lowest note from that of the frame before; the last place where
    one of both is empty."""
    keys = torch.arange(KEYS, device=roll.device)
    edge = torch.where(roll > 0, keys if highest else KEYS - 1 - keys, -1).amax(-1)  # from below, or from above
    earlier = functional.pad(edge, (1, 0), value=-1)[:, :-1]
    step = (edge - earlier).clamp(-LEAP, LEAP) + LEAP
    step = torch.where((edge < 0) | (earlier < 0), 2 * LEAP + 2, step)
    return functional.one_hot(step, 2 * LEAP + 3)


def descending(roll: Tensor, count: int) -> Tensor:
    """(B, T, count) the notes of each frame from the highest down, END behind them."""
    keys = torch.arange(KEYS, device=roll.device)
    notes = torch.where(roll > 0, keys, -1).topk(min(count, KEYS), -1)[0]
    return functional.pad(torch.where(notes < 0, END, notes), (0, count - notes.shape[-1]), value=END)


def first_of(places: Tensor) -> Tensor:
    """(F, I) True at the first place of each row."""
    return torch.arange(places.shape[1], device=places.device).expand(places.shape) == 0


def next_notes(seen: Tensor) -> Tensor:
    """(F, H, KEYS + 1) log chances, but for a constant, that a key is the next lower note, or END, where each key
    sounds with the chance `seen` (F, H, KEYS) whatever the others do."""
    chance = seen * (1 - 2 * SURE) + SURE
    absent = torch.log1p(-chance)
    above = absent.flip(-1).cumsum(-1).flip(-1)  # of a key and all those above it
    return torch.cat([torch.log(chance) + above - absent, above[..., :1]], -1)


class FramesRun(Run):
    """What Lightning needs to know of a FrameNet; `average`, the mean of its weights over late steps, is what is
    measured."""

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        frames, model = config.frames, config.model
        self.net = FrameNet(
            FrameNetConfig(model.hidden, frames.width, frames.heads, frames.size, model.dropout, frames.forget)
        )
        self.average = deepcopy(self.net).requires_grad_(False).eval()

    def training_step(self, batch: Batch, index: int) -> Tensor:
        loss = self.net.costs(**batch).sum() / batch["real"].sum()
        self.log("train/loss", loss, prog_bar=True, on_step=True)
        return loss

    def on_train_batch_end(self, outputs: Any, batch: Batch, batch_idx: int) -> None:
        keep = min(self.config.frames.average, (1 + self.global_step) / (10 + self.global_step))
        with torch.no_grad():
            for mean, weight in zip(self.average.parameters(), self.net.parameters(), strict=True):
                mean.lerp_(weight, 1 - keep)

    def validation_step(self, batch: Batch, index: int) -> None:
        count = int(batch["real"].sum())
        self.average.eval()
        loss = self.average.costs(**batch).sum() / count
        self.log("valid/loss", loss, prog_bar=True, batch_size=count, sync_dist=True)


class FrameBatches(Batches):
    """Training batches of whole pieces or long stretches of them, each in a key of its own; validation as it is."""

    def __init__(self, corpus: RollCorpus, config: Config) -> None:
        super().__init__(config)
        self.corpus = corpus

    def rows(self, step: int, rank: int) -> Batch:
        """The batch of a step. An epoch's pieces come in random order, sorted by length within each pool."""
        train, rolls = self.config.train, self.corpus.splits["train"]
        step = step * self.devices + rank
        size = min(train.batch, len(rolls))
        epoch, place = divmod(step, len(rolls) // size)
        random = np.random.default_rng((train.seed, epoch))
        order = random.permutation(len(rolls))[: len(rolls) // size * size]
        pools = [sorted(pool, key=lambda piece: len(rolls[piece])) for pool in cut(order, POOL * size)]
        found = cut(np.concatenate(pools), size)
        chosen = found[random.permutation(len(found))[place]]
        random = np.random.default_rng((train.seed, epoch, place))
        starts = [int(random.integers(max(0, len(rolls[piece]) - train.length) + 1)) for piece in chosen]
        keys = random.integers(-train.transpose, max(train.transpose, 1), size)
        return batch_of(
            [np.roll(rolls[p][s : s + train.length], k, 1) for p, s, k in zip(chosen, starts, keys, strict=True)],
            starts,
        )

    @property
    def devices(self) -> int:
        """Processes that train together."""
        return self.trainer.world_size if self.trainer else 1

    def val_dataloader(self) -> DataLoader[Batch]:
        return DataLoader(list(batches_of(self.corpus.splits["valid"], self.config.train.batch)), batch_size=None)


def cut(items: Sequence[Any], size: int) -> list[Sequence[Any]]:
    """Stretches of `size` items, the last one of what is left."""
    return [items[start : start + size] for start in range(0, len(items), size)]


def batches_of(rolls: Sequence[Roll], size: int) -> Iterable[Batch]:
    """All pieces as they are, those of like length together."""
    for part in cut(sorted(rolls, key=len), size):
        yield batch_of(part)


def batch_of(rolls: Sequence[Roll], starts: Sequence[int] = ()) -> Batch:
    """`roll` (B, T, KEYS), `index` (B, T) of each frame in its piece, `real` (B, T): as FrameNet takes them."""
    length = max(map(len, rolls))
    roll, real = np.zeros((len(rolls), length, KEYS), np.float32), np.zeros((len(rolls), length), bool)
    for row, piece in enumerate(rolls):
        roll[row, : len(piece)], real[row, : len(piece)] = piece, True
    index = np.arange(length) + np.array(starts or [0] * len(rolls))[:, None]
    return {"roll": torch.from_numpy(roll), "index": torch.from_numpy(index), "real": torch.from_numpy(real)}
