"""Training of the phrase autoencoders: their losses, their batches, and what a validation looks at."""

from __future__ import annotations

from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset

from continuo_daw.training.config import Config
from continuo_daw.training.corpus.phrases import PhraseCorpus, PhraseRows, batches, phrase_codec, training_phrases
from continuo_daw.training.families.phrase_net import Decoder, PhraseNet, greedy, net_config
from continuo_daw.training.families.seqae import discontinuity, quantisation, signs
from continuo_daw.training.run import Batches, Run

VALID_PHRASES = 1200
REGULAR_SLOPE = 1.0  # of the attribute regularisation, per standard deviation of a code


class PhraseRun(Run):
    """What Lightning needs to know of a phrase autoencoder: its losses and its optimiser."""

    binary = False  # whether codes are played by their signs

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        phrase, hidden = config.phrase, config.model.hidden
        self.codec = phrase_codec(config)
        self.net = PhraseNet(
            net_config(self.codec, phrase.latent, phrase.width, hidden, phrase.sheet, self.binary, phrase.noise)
        )

    def training_step(self, rows: dict[str, Tensor], index: int) -> Tensor:
        parts = self.losses(rows)
        loss = self.weighed(parts, min(1.0, (self.global_step + 1) / max(1, self.config.phrase.rise)))
        for name, value in parts.items():
            self.log(f"train/{name}", value, prog_bar=name == "reconstruction", on_step=True)
        return loss

    def weighed(self, parts: dict[str, Tensor], risen: float) -> Tensor:
        """The loss: reconstructions count whole, the rest by the weights of the configuration."""
        phrase = self.config.phrase
        weights = {"kl": phrase.beta * risen, "regular": phrase.regular, "quantisation": phrase.quantisation * risen}
        weights |= {"continuity": phrase.continuity * risen, "roll": phrase.roll, "binary_roll": phrase.roll}
        return torch.stack([value * weights.get(name, 1.0) for name, value in parts.items()]).sum()

    def losses(self, rows: dict[str, Tensor]) -> dict[str, Tensor]:
        """Each loss in nats a phrase, or squared distance a phrase, by name."""
        net, phrase = self.net, self.config.phrase
        mean, spread = net.encode(rows["notes"], rows["count"], rows["steps"])
        if net.binary_decoder is None:
            code = mean + torch.exp(spread / 2) * torch.randn_like(mean) if self.training else mean
            divergence = 0.5 * (mean**2 + spread.exp() - 1 - spread)  # (B, Z)
            parts = {"kl": (divergence - phrase.free_bits).clamp(min=0).sum(-1).mean()}
        else:
            code = mean
            parts = {"quantisation": quantisation(mean)}
            parts["binary"], parts["binary_roll"] = self.reconstruction(net.binary_decoder, signs(mean), rows)
            if phrase.pairs and self.training:  # the second half of a training batch follows the first
                parts["continuity"] = discontinuity(*mean.chunk(2)).mean()
        parts["reconstruction"], parts["roll"] = self.reconstruction(net.decoder, code, rows)
        if phrase.regular:
            parts["regular"] = regularisation(mean, rows["attributes"])
        return parts

    def reconstruction(self, decoder: Decoder, code: Tensor, rows: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Cross-entropy of all notes in nats a phrase; and of which pitches start in which sixteenth, as the code alone
        says it: what a decoder can guess from the notes before teaches the encoder nothing."""
        notes, steps = rows["notes"], rows["steps"]
        there = (torch.arange(notes.shape[2], device=notes.device) < rows["count"][..., None]).flatten(0, 1)
        fed = self.fed(decoder, code, notes, steps, there) if self.training else notes
        logits = decoder(code, steps, notes, fed)
        targets = notes.flatten(0, 1)
        end = self.codec.positions
        position = functional.pad(targets[..., 0].masked_fill(~there, end), (0, 1), value=end)
        opened = functional.pad(there, (1, 0), value=True)  # the first position behind the last note is the end
        total = functional.cross_entropy(logits[0][opened].float(), position[opened], reduction="sum")
        for column, values in enumerate(logits[1:4], 1):
            total = total + functional.cross_entropy(
                values[there].float(), targets[..., column][there], reduction="sum"
            )
        roll = torch.zeros_like(logits[4])
        slot = targets[..., 0] * roll.shape[1] // self.codec.positions
        bar = torch.arange(len(roll), device=roll.device)[:, None].expand_as(slot)
        roll[bar[there], slot[there], targets[..., 1][there]] = 1
        started = functional.binary_cross_entropy_with_logits(logits[4].float(), roll.float(), reduction="sum")
        return cast(Tensor, total) / len(notes), started / len(notes)

    def fed(self, decoder: Decoder, code: Tensor, notes: Tensor, steps: Tensor, there: Tensor) -> Tensor:
        """The notes (B, P, N, 4) that stand before each: of a share of the phrases, those that the network would have
        sampled itself (scheduled sampling in two passes, Mihaylova and Martins 2019)."""
        phrase = self.config.phrase
        share = phrase.sampled * min(1.0, self.global_step / max(1, phrase.rise))
        some = round(share * len(notes))
        if not some:
            return notes
        with torch.no_grad():
            logits = decoder(code[:some], steps[:some], notes[:some], notes[:some])
        rows = some * notes.shape[1]
        guessed = notes[:some].flatten(0, 1).clone()
        for column, values in enumerate(logits[:4]):
            found = torch.distributions.Categorical(logits=values[:, : notes.shape[2]].float()).sample()
            good = there[:rows] & (found < self.codec.positions if column == 0 else torch.ones_like(there[:rows]))
            guessed[..., column] = torch.where(good, found, guessed[..., column])
        return torch.cat([guessed.unflatten(0, (some, notes.shape[1])), notes[some:]])

    def validation_step(self, rows: dict[str, Tensor], index: int) -> None:
        parts = self.losses(rows)
        size = len(rows["notes"])
        for name, value in parts.items():
            self.log(f"valid/{name}", value, batch_size=size, sync_dist=True)
        self.log("valid/loss", self.weighed(parts, 1.0), prog_bar=True, batch_size=size, sync_dist=True)
        net = self.net
        code, _ = net.encode(rows["notes"], rows["count"], rows["steps"])
        decoder = net.decoder
        if net.binary_decoder is not None:
            code, decoder = signs(code), net.binary_decoder
        made, count = greedy(decoder, code, rows["steps"], self.codec.most, self.codec.voices == "one")
        self.log("valid/f1", note_f1(rows["notes"], rows["count"], made, count), prog_bar=True, batch_size=size)


class BinaryPhraseRun(PhraseRun):
    """A phrase autoencoder that has a second decoder, of signs."""

    binary = True


def note_f1(notes: Tensor, count: Tensor, made: Tensor, made_count: Tensor) -> float:
    """Share of notes with the right onset and pitch: twice the hits by the notes of both. notes (B, P, N, 4),
    count (B, P)."""
    true, found = (_onsets(a.cpu().numpy(), b.cpu().numpy()) for a, b in ((notes, count), (made, made_count)))
    return 2 * len(np.intersect1d(true, found)) / max(1, len(true) + len(found))


def _onsets(notes: NDArray[np.int64], count: NDArray[np.int64]) -> NDArray[np.int64]:
    """A number for each note that says its bar, position and pitch."""
    there = np.arange(notes.shape[2]) < count[..., None]
    bar = np.broadcast_to(np.arange(count.size).reshape(*count.shape, 1), there.shape)
    return np.unique((bar * 256 + notes[..., 0])[there] * 128 + notes[..., 1][there])


def regularisation(mean: Tensor, values: Tensor) -> Tensor:
    """AR-VAE (Pati and Lerch 2020): code number k shall rise with attribute k.

    mean (B, Z), values (B, K); phrases whose attributes are nan are left out
    """
    known = ~values.isnan().any(-1)
    mean, values = mean[known, : values.shape[1]], values[known]
    rises = torch.sign(values[:, None] - values[None])
    found = torch.tanh(REGULAR_SLOPE * (mean[:, None] - mean[None]))
    return (found - rises).abs().mean((0, 1)).sum() if known.any() else mean.sum()


class PhraseBatches(Batches):
    """Training batches by step; for validation some phrases that share no bar."""

    def __init__(self, corpus: PhraseCorpus, config: Config) -> None:
        super().__init__(config)
        self.corpus = corpus
        bars = config.phrase.bars * (2 if config.phrase.pairs else 1)
        self.starts = corpus.starts("train", bars)

    def rows(self, step: int, rank: int) -> dict[str, Tensor]:
        return tensors(training_phrases(self.corpus, self.config, self.starts, step, rank))

    def val_dataloader(self) -> DataLoader[dict[str, Tensor]]:
        bars, batch = self.config.phrase.bars, self.config.train.batch
        starts = self.corpus.starts("valid", bars, apart=True)
        starts = starts[:: -(-len(starts) // VALID_PHRASES)]
        found = [tensors(rows) for rows in batches(self.corpus, starts, bars, batch)]
        return DataLoader(cast(Dataset[dict[str, Tensor]], found), batch_size=None)


def tensors(rows: PhraseRows) -> dict[str, Tensor]:
    """A batch as torch tensors."""
    return {name: torch.from_numpy(array) for name, array in vars(rows).items()}
