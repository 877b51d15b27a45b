"""Sequential autoencoder of short token sequences, whose codes can be read as bits: the Continuous SeqAE.

After *Deep Symphony* (Lai et al.): an LSTM reads a subsequence and gives a code of tanh values; a Char-RNN whose first
state comes from the code writes the subsequence again, teacher forced; a second decoder of its own does so from the
signs of the code alone, and what it learns does not reach the encoder. Three losses: reconstruction, continuity (the
code of a subsequence beside the signs of the next one's, and the other way round) and quantisation (a code beside its
own signs). `training/families/phrase_net.py` is the larger network, for phrases of bars.

Two things are not in the source. What tanh is given is normalised over the batch (Ioffe and Szegedy 2015), so that no
bit can be the same for everything: the easiest way to continuous codes, one code for all, is closed, and what is left
is a bit that seldom turns within a tune. And in training it gets logistic noise: a bit that the noise can turn holds
nothing, so codes move to -1 and 1 by themselves (Salakhutdinov and Hinton 2009; Maddison et al. 2017).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

BEGIN = 0  # stands before the first token of every subsequence


@dataclass(frozen=True)
class SeqAEConfig:
    vocabulary: int  # tokens, V, `BEGIN` included
    bits: int = 16  # Z
    embedding: int = 32  # E
    hidden: int = 128  # cells, H
    spread: float = 2.0  # standard deviation of what tanh is given


class Decoder(nn.Module):
    """B codes to B subsequences of T tokens."""

    def __init__(self, config: SeqAEConfig) -> None:
        super().__init__()
        self.state = nn.Linear(config.bits, 2 * config.hidden)
        self.token = nn.Embedding(config.vocabulary, config.embedding)
        self.lstm = nn.LSTM(config.embedding, config.hidden, batch_first=True)
        self.out = nn.Linear(config.hidden, config.vocabulary)

    def forward(self, code: Tensor, tokens: Tensor) -> Tensor:
        """Logits (B, T, V) of tokens (B, T), each given the code (B, Z) and those before it."""
        hidden, cell = self.state(code)[None].chunk(2, -1)  # (1, B, H)
        before = functional.pad(tokens[:, :-1], (1, 0), value=BEGIN)
        read, _ = self.lstm(self.token(before), (torch.tanh(hidden).contiguous(), cell.contiguous()))
        logits: Tensor = self.out(read)
        return logits


class SeqAE(nn.Module):
    """The encoder, the decoder of codes and the decoder of their signs."""

    def __init__(self, config: SeqAEConfig) -> None:
        super().__init__()
        self.config = config
        self.token = nn.Embedding(config.vocabulary, config.embedding)
        self.lstm = nn.LSTM(config.embedding, config.hidden, batch_first=True)
        self.code = nn.Linear(config.hidden, config.bits)
        self.norm = nn.BatchNorm1d(config.bits, affine=False, momentum=0.05)
        self.decoder = Decoder(config)
        self.binary_decoder = Decoder(config)

    def encode(self, tokens: Tensor, noise: float = 0.0) -> Tensor:
        """Codes (B, Z) in -1 to 1 of tokens (B, T); `noise` is the scale of the logistic noise before the tanh."""
        _, (hidden, _) = self.lstm(self.token(tokens))
        before: Tensor = self.config.spread * self.norm(self.code(hidden[0]))
        if noise:
            before = before + noise * torch.logit(torch.rand_like(before), eps=1e-6)
        return torch.tanh(before)

    def reconstruction(self, code: Tensor, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """Nats a token, teacher forced, from the codes and from their signs; the latter gives the codes no gradient."""
        targets = tokens.flatten()
        real = functional.cross_entropy(self.decoder(code, tokens).flatten(0, 1), targets)
        bits = signs(code.detach())
        return real, functional.cross_entropy(self.binary_decoder(bits, tokens).flatten(0, 1), targets)


def signs(code: Tensor) -> Tensor:
    """-1 or 1 for each number of a code; 0 counts as 1. Carries no gradient."""
    return torch.where(code.detach() >= 0, 1.0, -1.0)


def continuity(code: Tensor, follows: Tensor) -> Tensor:
    """Sum over consecutive codes of |sign(c_i) - c_i+1|^2 + |c_i - sign(c_i+1)|^2, divided by the number of codes.

    code: (B, Z), in the order of their tunes; follows: (B - 1,) bool, whether code i + 1 is of the tune of code i
    """
    return discontinuity(code[:-1], code[1:])[follows].sum() / len(code)


def discontinuity(code: Tensor, after: Tensor) -> Tensor:
    """(B,) |sign(c) - c'|^2 + |c - sign(c')|^2 of codes and those that follow them, each (B, Z)."""
    return ((signs(code) - after).square() + (code - signs(after)).square()).sum(-1)


def quantisation(code: Tensor) -> Tensor:
    """Mean over codes (B, Z) of |c - sign(c)|^2."""
    return (code - signs(code)).square().sum(-1).mean()


def hamming(code: Tensor, follows: Tensor) -> Tensor:
    """Mean number of bits in which consecutive codes differ; shapes as for `continuity`."""
    bits = signs(code)
    return (bits[:-1] != bits[1:]).sum(-1)[follows].float().mean()
