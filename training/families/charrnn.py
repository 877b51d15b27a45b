"""Conditional Char-RNN: a stacked LSTM over events, with a condition joined to every step; its losses and batches.

After *Deep Symphony* (Lai et al.): three layers of 512 cells, teacher forcing, sampling from the distribution. Here
the condition (pitch-class histogram, mean pitch, note density) and the position in the bar can each be left out, so
one network serves conditioned and free.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader

from continuo_daw.assistant.codecs.condition import (
    DENSITY,
    GIVEN,
    HISTOGRAM,
    METERS,
    MOST_DENSE,
    PITCH,
    SIZE,
    positions,
)
from continuo_daw.training.config import Config
from continuo_daw.training.corpus.shards import IGNORED, Corpus, Rows, event_codec, padded, segments, training_rows
from continuo_daw.training.run import Batches, Run

VALID_TOKENS = 60_000  # enough for a steady loss, little enough to look often


@dataclass(frozen=True)
class CharRNNConfig:
    vocabulary: int  # tokens, V
    positions: int  # positions in the bar, the unknown one included
    layers: int = 3
    hidden: int = 512  # cells a layer, H
    dropout: float = 0.3


class CharRNN(nn.Module):
    """B sequences of T steps: embeddings summed, L layers of LSTM, one linear layer to V logits."""

    def __init__(self, config: CharRNNConfig) -> None:
        super().__init__()
        self.config = config
        hidden = config.hidden
        self.token = nn.Embedding(config.vocabulary, hidden)
        self.position = nn.Embedding(config.positions, hidden)
        self.meter = nn.Embedding(METERS, hidden)
        self.condition = nn.Linear(SIZE, hidden, bias=False)
        self.register_buffer("spread", spread(), persistent=False)
        dropout = config.dropout if config.layers > 1 else 0.0
        self.lstm = nn.LSTM(hidden, hidden, config.layers, dropout=dropout, batch_first=True)
        self.drop = nn.Dropout(config.dropout)
        self.out = nn.Linear(hidden, config.vocabulary)
        for embedding in (self.token, self.position, self.meter):
            nn.init.normal_(embedding.weight, std=0.1)
        for name, weight in self.lstm.named_parameters():
            if "bias_ih" in name:
                weight.data[hidden : 2 * hidden] = 1.0  # a forget gate that starts open remembers from the first step

    def forward(
        self,
        tokens: Tensor,
        position: Tensor,
        meter: Tensor,
        condition: Tensor,
        state: tuple[Tensor, Tensor] | None = None,
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Logits (B, T, V) of the next token, and the state: hidden and cell, each (L, B, H).

        tokens, position, meter: (B, T); condition: (B, T, SIZE)
        """
        joined = (
            self.token(tokens) + self.position(position) + self.meter(meter) + self.condition(condition @ self.spread)
        )
        hidden, state = self.lstm(joined, state)  # (B, T, H)
        return self.out(self.drop(hidden)), state


def spread() -> Tensor:
    """(SIZE, SIZE) a matrix that moves what a condition gives to about -1 to 1 and leaves 0 what is left out.

    As they stand, pitches differ by a tenth from piece to piece, and weights would need thousands of steps to grow
    large enough to hear that.
    """
    matrix = torch.eye(SIZE)
    histogram, pitch, density = range(GIVEN.start, GIVEN.stop)
    for columns, flag, scale, middle in (
        (HISTOGRAM, histogram, 12.0, 1 / 12),
        (PITCH, pitch, 127 / 12, 64 / 127),
        (DENSITY, density, MOST_DENSE, 2 / MOST_DENSE),
    ):
        matrix[columns, columns] *= scale
        matrix[flag, columns] = -scale * middle
    return matrix


class CharRNNRun(Run):
    """What Lightning needs to know of a Char-RNN: its losses and its optimiser."""

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.net = CharRNN(
            CharRNNConfig(
                vocabulary=event_codec(config).size,
                positions=positions(config.codec.resolution),
                layers=config.model.layers,
                hidden=config.model.hidden,
                dropout=config.model.dropout,
            )
        )

    def loss(self, rows: dict[str, Tensor], smoothing: float = 0.0) -> tuple[Tensor, Tensor]:
        """Mean cross-entropy in nats per event, and the number of events."""
        logits, _ = self.net(rows["tokens"], rows["position"], rows["meter"], rows["condition"])
        targets = rows["targets"].flatten()
        loss = functional.cross_entropy(
            logits.flatten(0, 1).float(), targets, ignore_index=IGNORED, label_smoothing=smoothing
        )
        return loss, (targets != IGNORED).sum()

    def training_step(self, rows: dict[str, Tensor], index: int) -> Tensor:
        loss, _ = self.loss(rows, self.config.train.label_smoothing)
        self.log("train/loss", loss, prog_bar=True, on_step=True)
        return loss

    def validation_step(self, rows: dict[str, Tensor], index: int, dataloader_idx: int = 0) -> None:
        loss, count = self.loss(rows)
        name = ("valid/free", "valid/conditioned")[dataloader_idx]
        self.log(name, loss, prog_bar=True, batch_size=int(count), add_dataloader_idx=False, sync_dist=True)


class TokenBatches(Batches):
    """Training batches by step, validation batches by segment: without and with the condition."""

    def __init__(self, corpus: Corpus, config: Config) -> None:
        super().__init__(config)
        self.corpus = corpus

    def rows(self, step: int, rank: int) -> dict[str, Tensor]:
        return tensors(training_rows(self.corpus, self.config.train, step, rank))

    def val_dataloader(self) -> list[DataLoader[dict[str, Tensor]]]:
        train = self.config.train
        found = segments(self.corpus, "valid", 4 * train.length, VALID_TOKENS)
        return [
            DataLoader([tensors(rows) for rows in padded(found, train.batch, free)], batch_size=None)
            for free in (True, False)
        ]


def tensors(rows: Rows) -> dict[str, Tensor]:
    """A batch as torch tensors."""
    return {name: torch.from_numpy(array) for name, array in vars(rows).items()}
