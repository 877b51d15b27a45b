"""Networks that look at the notes of a clip from both sides and say something of each: Duration Net and Velocity Net.

After the Refine Nets of Deep Symphony, which are recurrent networks from distorted lengths to true ones, and from
notes to velocities. Here a length or an onset is chosen among choices, and a velocity is a distribution.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from continuo_daw.assistant.refining.choices import LENGTH_SIZE, LENGTHS, ONSET_SIZE, ONSETS
from continuo_daw.assistant.refining.surroundings import SIZE

PITCHES = 256  # 128 pitches and 128 drums
EMBEDDED, SCORED, HEARD = 16, 32, 64
CENTRE, UNIT = 64.0, 20.0  # velocities are counted in units of about their standard deviation from the middle


class Trunk(nn.Module):
    """What is known of each of T notes: `told` (B, T, SIZE) and `pitch` (B, T), drums from 128 on, to (B, T, 2 H)."""

    def __init__(self, layers: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.pitch = nn.Embedding(PITCHES, EMBEDDED)
        self.inner = nn.Linear(SIZE + EMBEDDED, hidden)
        self.lstms = nn.ModuleList(
            nn.LSTM(2 * hidden if layer else hidden, hidden, batch_first=True, bidirectional=True)
            for layer in range(layers)
        )
        self.dropout = nn.Dropout(dropout)

    def forward(self, told: Tensor, pitch: Tensor) -> Tensor:
        value = torch.relu(self.inner(torch.cat([told, self.pitch(pitch)], -1)))
        for lstm in self.lstms:
            value = self.dropout(lstm(value)[0])
        return value


class Scores(nn.Module):
    """A score (B, T, C) for each of C choices (B, T, C, G) of each note (B, T, W)."""

    def __init__(self, width: int, size: int, kinds: int) -> None:
        super().__init__()
        self.note = nn.Linear(width, SCORED)
        self.candidate = nn.Linear(size, SCORED)
        self.kind = nn.Parameter(torch.randn(kinds, SCORED) * 0.1)
        self.mixed = nn.Linear(SCORED, SCORED)
        self.score = nn.Linear(SCORED, 1)

    def forward(self, note: Tensor, choices: Tensor) -> Tensor:
        both = self.note(note)[:, :, None] + self.candidate(choices) + self.kind
        return self.score(torch.relu(self.mixed(torch.relu(both))))[..., 0]


class DurationNet(nn.Module):
    """Scores of the onsets (B, T, ONSETS) and lengths (B, T, LENGTHS) that notes may have been written with."""

    def __init__(self, layers: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.trunk = Trunk(layers, hidden, dropout)
        self.onset = Scores(2 * hidden, ONSET_SIZE, ONSETS)
        self.length = Scores(2 * hidden, LENGTH_SIZE, LENGTHS)

    def forward(self, told: Tensor, pitch: Tensor, onsets: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        note = self.trunk(told, pitch)
        return self.onset(note, onsets), self.length(note, lengths)


class VelocityNet(nn.Module):
    """Location and log scale (B, T, 2) of a Laplace distribution of each velocity, in units of UNIT around CENTRE."""

    def __init__(self, layers: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.trunk = Trunk(layers, hidden, dropout)
        self.heard = nn.Linear(2 * hidden + SIZE, HEARD)
        self.out = nn.Linear(HEARD, 2)

    def forward(self, told: Tensor, pitch: Tensor) -> Tensor:
        note = torch.cat([self.trunk(told, pitch), told], -1)
        return self.out(torch.relu(self.heard(note)))
