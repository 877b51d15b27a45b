"""Conditional Char-RNN: a stacked LSTM over events, with a condition joined to every step.

After *Deep Symphony* (Lai et al.): three layers of 512 cells, teacher forcing, sampling from the distribution. Here
the condition (pitch-class histogram, mean pitch, note density) and the position in the bar can each be left out, so
one network serves conditioned and free.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from continuo_daw.assistant.codecs.condition import DENSITY, GIVEN, HISTOGRAM, METERS, MOST_DENSE, PITCH, SIZE


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
