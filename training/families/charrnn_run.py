"""Training of the Char-RNN: its losses and its batches."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional
from torch.utils.data import DataLoader

from continuo_daw.assistant.codecs.condition import positions
from continuo_daw.training.config import Config
from continuo_daw.training.corpus.shards import IGNORED, Corpus, Rows, event_codec, padded, segments, training_rows
from continuo_daw.training.families.charrnn import CharRNN, CharRNNConfig
from continuo_daw.training.run import Batches, Run

VALID_TOKENS = 60_000  # enough for a steady loss, little enough to look often


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
