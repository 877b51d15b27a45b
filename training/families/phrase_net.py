"""Phrase autoencoder: notes of some bars to one code, and the code to notes, bar by bar.

After MusicVAE (Roberts et al. 2018): a bidirectional LSTM encoder, and a hierarchical decoder in which a conductor
LSTM gives each bar an embedding from which a second LSTM writes the bar. Here a step is a note, not a slot, and a
bar's embedding is laid out as a sheet with one vector a sixteenth, so that the decoder reads what is meant for the
place where it stands, and bars can be written side by side. With tanh codes and a second decoder for their signs it
is the Continuous SeqAE of *Deep Symphony* (Lai et al.).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from continuo_daw.assistant.codecs.phrases import VELOCITIES, PhraseCodec

PITCHES = 128
GAIN = 2.0  # standard deviation of what a bit is the tanh of
REACHES = (4.0, 4.0, 6.0, 3.0)  # of positions, pitches, durations and velocities that sound nearly alike


@dataclass(frozen=True)
class PhraseNetConfig:
    bars: int  # P
    positions: int  # places in a bar; the position after the last says that the bar ends
    slots: int  # S, sixteenths in a bar
    latent: int  # Z
    width: int = 384  # W
    hidden: int = 256  # H, cells of the decoder
    sheet: int = 32  # D
    binary: bool = False  # tanh codes and two decoders
    noise: float = 0.0  # standard deviation of what is added before the tanh in training


def net_config(
    codec: PhraseCodec, latent: int, width: int, hidden: int, sheet: int, binary: bool, noise: float = 0.0
) -> PhraseNetConfig:
    """The sizes of the network for a codec."""
    return PhraseNetConfig(codec.bars, codec.positions, codec.slots, latent, width, hidden, sheet, binary, noise)


def neighbourly(values: int, size: int, reach: float) -> Tensor:
    """(values, size) random vectors of variance 1 of which those of values within about `reach` are alike.

    Random Fourier features (Rahimi and Recht 2007). A network that begins so learns that 61 lies between 60 and 62
    from few examples.
    """
    turn = torch.randn(size) / reach
    phase = 2 * torch.pi * torch.rand(size)
    return 2**0.5 * torch.cos(torch.arange(values)[:, None] * turn + phase)


class NoteEmbedding(nn.Module):
    """Position, pitch, duration and velocity of notes (..., 4) as the sum of four vectors (..., size)."""

    def __init__(self, config: PhraseNetConfig, size: int) -> None:
        super().__init__()
        sizes = (config.positions + 1, PITCHES, config.positions + 1, VELOCITIES)
        self.tables = nn.ModuleList(nn.Embedding(values, size) for values in sizes)
        for table, reach in zip(self.tables, REACHES, strict=True):
            table.weight.data = 0.3 * neighbourly(*table.weight.shape, reach)

    def forward(self, notes: Tensor) -> Tensor:
        return torch.stack([table(notes[..., column]) for column, table in enumerate(self.tables)]).sum(0)


class Encoder(nn.Module):
    """B phrases to (B, out): notes are summed on the sheet of their bar, bars are read by an LSTM both ways."""

    def __init__(self, config: PhraseNetConfig, out: int) -> None:
        super().__init__()
        self.config = config
        width, sheet = config.width, 2 * config.sheet
        self.note = NoteEmbedding(config, 128)
        self.place = nn.Linear(128, sheet)
        self.bar = nn.Linear(config.slots * sheet, width)
        self.steps = nn.Embedding(config.positions + 1, width)
        self.lstm = nn.LSTM(width, width // 2, bidirectional=True, batch_first=True)
        self.out = nn.Linear(config.bars * 2 * width, out)

    def forward(self, notes: Tensor, count: Tensor, steps: Tensor) -> Tensor:
        """notes (B, P, N, 4), count (B, P), steps (B,) grid steps a bar."""
        batch, bars, most, _ = notes.shape
        config = self.config
        there = torch.arange(most, device=notes.device) < count[..., None]
        placed = self.place(functional.relu(self.note(notes))) * there[..., None]  # (B, P, N, 2D)
        slot = notes[..., :1] * config.slots // config.positions
        sheet = placed.new_zeros(batch, bars, config.slots, placed.shape[-1])
        sheet = sheet.scatter_add(2, slot.expand_as(placed), placed).flatten(2)
        bar = functional.relu(self.bar(sheet) + self.steps(steps)[:, None])  # (B, P, W)
        read, _ = self.lstm(bar)
        out: Tensor = self.out(torch.cat([bar, read], -1).flatten(1))
        return out


class Decoder(nn.Module):
    """A code to the notes of its bars."""

    def __init__(self, config: PhraseNetConfig) -> None:
        super().__init__()
        self.config = config
        width, hidden = config.width, config.hidden
        self.spread = nn.Linear(config.latent, config.bars * width)
        self.steps = nn.Embedding(config.positions + 1, width)
        self.conductor = nn.LSTM(width, width, batch_first=True)
        self.sheet = nn.Linear(width, config.slots * config.sheet)
        self.bar = nn.Linear(width, hidden)
        self.note = NoteEmbedding(config, hidden)
        self.open = nn.Parameter(torch.zeros(hidden))  # stands before the first note
        self.lstm = nn.LSTM(2 * hidden, hidden, batch_first=True)
        self.end = nn.Linear(hidden, config.positions + 1)
        self.onsets = nn.Linear(config.sheet, config.positions // config.slots)
        self.mix = nn.Linear(hidden + config.sheet, hidden)
        self.pitch = nn.Linear(hidden, PITCHES)
        self.chords = nn.Linear(config.sheet, PITCHES)  # which pitches start in a sixteenth, whatever their order
        self.duration = nn.Linear(hidden, config.positions + 1)
        self.velocity = nn.Linear(hidden, VELOCITIES)
        for head, reach in zip((self.pitch, self.duration, self.velocity), REACHES[1:], strict=True):
            head.weight.data = neighbourly(*head.weight.shape, reach) / hidden**0.5

    def plan(self, code: Tensor, steps: Tensor) -> tuple[Tensor, Tensor]:
        """code (B, Z) to the embedding (B, P, H) and the sheet (B, P, S, D) of each bar."""
        config = self.config
        spread = self.spread(code).unflatten(-1, (config.bars, config.width)) + self.steps(steps)[:, None]
        told, _ = self.conductor(spread)
        known = functional.relu(spread + told)
        return self.bar(known), self.sheet(known).unflatten(-1, (config.slots, config.sheet))

    def forward(self, code: Tensor, steps: Tensor, notes: Tensor, fed: Tensor) -> list[Tensor]:
        """Logits of position (R, N + 1, positions + 1), pitch, duration and velocity (R, N, ...) of the notes
        (B, P, N, 4), R = B x P bars, when the notes `fed` stand before each; and of which pitches start in each
        sixteenth (R, S, pitches), whatever stands before."""
        embedding, sheet = (part.flatten(0, 1) for part in self.plan(code, steps))  # (R, H), (R, S, D)
        notes, fed = notes.flatten(0, 1), fed.flatten(0, 1)
        before = torch.cat([self.open.expand(len(fed), 1, -1), self.note(fed)], 1)  # (R, N + 1, H)
        bar = embedding[:, None].expand(-1, before.shape[1], -1)
        hidden, _ = self.lstm(torch.cat([before, bar], -1))  # (R, N + 1, H)
        rest = self.rest(hidden[:, :-1], sheet, notes)
        return [self.positions(hidden, sheet), *rest, self.chords(sheet)]

    def positions(self, hidden: Tensor, sheet: Tensor) -> Tensor:
        """Logits (R, N, positions + 1) of where the next note starts; the last is the end of the bar."""
        onsets = functional.pad(self.onsets(sheet).flatten(1), (0, 1))
        logits: Tensor = self.end(hidden) + onsets[:, None]
        return logits

    def rest(self, hidden: Tensor, sheet: Tensor, notes: Tensor) -> list[Tensor]:
        """Logits of pitch, duration and velocity (R, N, ...), each knowing what stands before it in its note."""
        known, here = self.read(hidden, sheet, notes[..., 0])
        logits = []
        for column in (1, 2, 3):
            logits.append(self.head(column, known, here))
            known = known + self.note.tables[column](notes[..., column])
        return logits

    def read(self, hidden: Tensor, sheet: Tensor, position: Tensor) -> tuple[Tensor, Tensor]:
        """What is known (R, N, H) of notes at `position` (R, N), and the sheet there (R, N, D)."""
        slot = (position * self.config.slots // self.config.positions)[..., None]
        here = sheet.gather(1, slot.expand(-1, -1, sheet.shape[-1]))
        return self.mix(torch.cat([hidden, here], -1)) + self.note.tables[0](position), here

    def head(self, column: int, known: Tensor, here: Tensor) -> Tensor:
        """Logits of pitch (1), duration (2) or velocity (3) from what is known of a note."""
        logits: Tensor = (self.pitch, self.duration, self.velocity)[column - 1](functional.relu(known))
        return logits + self.chords(here) if column == 1 else logits


class PhraseNet(nn.Module):
    """Encoder and decoder; with `binary` a second decoder that reads the signs of the codes."""

    def __init__(self, config: PhraseNetConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = Encoder(config, config.latent if config.binary else 2 * config.latent)
        # without it all bits saturate within some steps, and what is saturated learns no more
        self.normal = nn.BatchNorm1d(config.latent, affine=False) if config.binary else None
        if not config.binary:  # codes that begin with little noise are used from the first step on
            self.encoder.out.bias.data[config.latent :] = -3.0
        self.decoder = Decoder(config)
        self.binary_decoder = Decoder(config) if config.binary else None

    def encode(self, notes: Tensor, count: Tensor, steps: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and logarithm of the variance (B, Z) of the codes; a tanh code has no variance, so it is very small."""
        out = self.encoder(notes, count, steps)
        if self.normal is not None:
            out = GAIN * self.normal(out)
            if self.training and self.config.noise:
                out = out + self.config.noise * torch.randn_like(out)
            return torch.tanh(out), torch.full_like(out, -20.0)
        mean, spread = out.chunk(2, -1)
        return mean, spread.clamp(-12, 4)


def greedy(decoder: Decoder, code: Tensor, steps: Tensor, most: int, one: bool) -> tuple[Tensor, Tensor]:
    """The likeliest notes (B, P, most, 4) and their count (B, P) from codes (B, Z): what the exported loop does."""
    config = decoder.config
    embedding, sheet = (part.flatten(0, 1) for part in decoder.plan(code, steps))
    rows = len(embedding)
    length = steps.repeat_interleave(config.bars)
    places = torch.arange(config.positions, device=code.device)
    pitches = torch.arange(PITCHES, device=code.device)
    before, state = decoder.open.expand(rows, 1, -1), None
    last = torch.full((rows, 2), -1, dtype=torch.long, device=code.device)  # position and pitch of the last note
    open_rows = torch.ones(rows, dtype=torch.bool, device=code.device)
    notes = torch.zeros(rows, most, 4, dtype=torch.long, device=code.device)
    count = torch.zeros(rows, dtype=torch.long, device=code.device)
    for index in range(most):
        hidden, state = decoder.lstm(torch.cat([before, embedding[:, None]], -1), state)
        logits = decoder.positions(hidden, sheet)[:, 0]
        first = last[:, :1] + (1 if one else 0) + (last[:, 1:] == PITCHES - 1)
        shut = (places < first) | (places >= length[:, None])
        logits[:, :-1] = logits[:, :-1].masked_fill(shut, -1e9)
        note = torch.zeros(rows, 1, 4, dtype=torch.long, device=code.device)
        note[:, 0, 0] = logits.argmax(-1)
        open_rows = open_rows & (note[:, 0, 0] < config.positions)
        if not open_rows.any():
            break
        note[~open_rows] = 0
        known, here = decoder.read(hidden, sheet, note[..., 0])
        for column in (1, 2, 3):
            values = decoder.head(column, known, here)[:, 0]
            if column == 1:
                joins = (note[:, 0, 0] == last[:, 0])[:, None]
                values = values.masked_fill(joins & (pitches <= last[:, 1:]), -1e9)
            if column == 2:
                values[:, 0] = -1e9  # no note has no duration
            note[:, 0, column] = values.argmax(-1)
            known = known + decoder.note.tables[column](note[..., column])
        notes[:, index] = torch.where(open_rows[:, None], note[:, 0], 0)
        count += open_rows
        last = torch.where(open_rows[:, None], note[:, 0, :2], last)
        before = decoder.note(note)
    shape = (len(code), config.bars)
    return notes.unflatten(0, shape), count.unflatten(0, shape)
