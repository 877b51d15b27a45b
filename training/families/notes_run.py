"""Training of the refine networks: rows of notes, distorted or as they were played, and the losses."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional
from torch.utils.data import DataLoader

from continuo_daw.assistant.music.clip import TICKS
from continuo_daw.assistant.refining.choices import SAME, everywhere, length_choices, near, onset_choices
from continuo_daw.assistant.refining.surroundings import Windows, beat_of, told_of
from continuo_daw.training.config import Config
from continuo_daw.training.corpus.distort import HIGH, NEAR, played_lengths, played_onsets, stretched
from continuo_daw.training.corpus.notes import NoteCorpus, Section, all_rows
from continuo_daw.training.families.notes_net import CENTRE, UNIT, DurationNet, VelocityNet
from continuo_daw.training.run import Batches, Run

IGNORED = -100
# what share of the rows of `durations` has written onsets and stretched lengths, written onsets and played lengths,
# both played
MODES = (0.35, 0.15, 0.5)
SHORT_ROWS = ((1.0, 0.7), (1 / 3, 0.15), (1 / 12, 0.1), (1 / 48, 0.05))  # share of the window, and how often
VALIDATED = 256  # rows of a validation


@dataclass(frozen=True)
class Row:
    """One window of a section: times in quarters from a bar line, velocity (T,), and the onsets and lengths (T, 2) as
    they were written; `reach`: how far lengths may be from that, as `near` takes it."""

    start: NDArray[np.float64]
    end: NDArray[np.float64]
    pitch: NDArray[np.int64]
    velocity: NDArray[np.int64]
    written: NDArray[np.float64]
    section: Section
    reach: float = np.inf


def row_of(section: Section, first: int, end: int, semitones: int = 0) -> Row:
    """The notes `first` to `end` of a section as they are."""
    notes, bar = section.notes[first:end], section.frame.bar
    start, stop = (notes[:, :2] - notes[0, 0] // bar * bar).T / TICKS
    return Row(start, stop, notes[:, 2] + semitones, notes[:, 3], np.stack([start, stop - start], 1), section)


def windows_of_rows(rows: Sequence[Row]) -> Windows:
    """Rows of one length as the windows that networks look at."""
    frames = [row.section.frame for row in rows]
    return Windows(
        np.stack([row.start for row in rows]),
        np.stack([row.end for row in rows]),
        np.stack([row.pitch for row in rows]),
        np.array([frame.bar / TICKS for frame in frames]),
        np.array([beat_of(frame.meter) for frame in frames]),
        np.array([frame.tempo for frame in frames]),
        np.array([row.section.drums for row in rows]),
    )


def distorted(row: Row, rng: np.random.Generator, mode: int | None = None) -> Row:
    """The row with stretched or played times, in the order in which its notes then stand; `mode`: that of MODES."""
    start, length = row.written.T
    mode = rng.choice(len(MODES), p=MODES) if mode is None else mode
    moved = start
    if mode == 2:
        moved = np.maximum(played_onsets(start, row.section.frame.tempo, rng), 0)
    length = stretched(length, rng) if mode == 0 else played_lengths(start, length, rng)
    order = np.lexsort((row.pitch, moved))
    columns = (moved, moved + length, row.pitch, row.velocity)
    reach = HIGH - 1 if mode == 0 else np.inf
    return Row(*(column[order] for column in columns), row.written[order], row.section, reach)


def quantised(row: Row) -> Row:
    """The row as a program would write it: onsets and ends on 24ths of a quarter."""
    start = np.rint(row.start * 24) / 24
    end = np.maximum(np.rint(row.end * 24) / 24, start + 1 / 24)
    order = np.lexsort((row.pitch, start))
    return Row(start[order], end[order], row.pitch[order], row.velocity[order], row.written[order], row.section)


def retold(row: Row, rng: np.random.Generator) -> Row:
    """The same music told otherwise: in notes twice or half as long at twice or half the tempo, at a tempo a little
    off, with lengths that are not quite those played, on the grid of a program or as if played, so that nothing of
    this says from which corpus it comes."""
    scale, pace = rng.choice([1.0, 2.0, 0.5], p=[0.6, 0.2, 0.2]), np.exp(rng.normal(0, 0.15))
    frame = replace(row.section.frame, tempo=float(np.clip(row.section.frame.tempo * scale * pace, 5, 1000)))
    start, end = row.start * scale, row.end * scale
    if rng.random() < 0.3:
        end = start + stretched(end - start, rng)
    section = replace(row.section, frame=frame)
    told = replace(row, start=start, end=end, written=np.stack([start, end - start], 1), section=section)
    how = rng.random()
    return quantised(told) if how < 0.3 else distorted(told, rng, 2) if how < 0.6 and not section.drums else told


def duration_batch(rows: Sequence[Row]) -> dict[str, Tensor]:
    """Inputs of a Duration Net, and the choices that are right (B, T), IGNORED where none is."""
    windows = windows_of_rows(rows)
    start, length = np.stack([row.written for row in rows]).transpose(2, 0, 1)
    every = everywhere(windows)
    place, onsets = onset_choices(windows, *every)
    value, lengths = length_choices(windows, *every)
    miss = np.abs(place - start[..., None])
    far = np.abs(np.log(np.maximum(value, 1e-9) / length[..., None]))
    may = near(value, windows, every, np.array([row.reach for row in rows])[:, None, None])
    far = np.where(may, far, np.inf)
    arrays = told_of(windows) | {"onsets": onsets, "lengths": lengths, "open": may}
    arrays |= {
        "onset": np.where(miss.min(-1) < SAME, miss.argmin(-1), IGNORED),
        "length": np.where(far.min(-1) < NEAR, far.argmin(-1), IGNORED),
    }
    return {name: torch.from_numpy(array) for name, array in arrays.items()}


def velocity_batch(rows: Sequence[Row]) -> dict[str, Tensor]:
    """Inputs of a Velocity Net, and the velocities (B, T)."""
    arrays = told_of(windows_of_rows(rows)) | {"velocity": np.stack([row.velocity for row in rows])}
    return {name: torch.from_numpy(array) for name, array in arrays.items()}


class NoteBatches(Batches):
    """Batches of rows of one length each; a subclass says what is learnt from them."""

    def __init__(self, corpus: NoteCorpus, config: Config) -> None:
        super().__init__(config)
        self.corpus = corpus
        self.sizes = np.array([len(section.notes) for section in corpus.splits["train"]])

    def make(self, rows: Sequence[Row]) -> dict[str, Tensor]:
        """Inputs and targets of rows."""
        raise NotImplementedError

    def changed(self, row: Row, rng: np.random.Generator) -> Row:
        """A row as training meets it."""
        raise NotImplementedError

    def validated(self, row: Row, rng: np.random.Generator) -> Row:
        """A row as a validation meets it."""
        return row

    def rows(self, step: int, rank: int) -> dict[str, Tensor]:
        """Drawn from (seed, step, rank) alone."""
        train, window = self.config.train, self.config.notes.window
        rng = np.random.default_rng([train.seed, step, rank])
        shares, chances = zip(*SHORT_ROWS, strict=True)
        size = max(1, min(int(window * rng.choice(shares, p=chances)), int(self.sizes.max())))
        ends = np.cumsum(np.where(self.sizes >= size, self.sizes, 0))
        found = []
        for _ in range(min(train.batch * window // size, 4 * train.batch)):
            section = self.corpus.splits["train"][int(np.searchsorted(ends, rng.integers(ends[-1]), "right"))]
            first = int(rng.integers(len(section.notes) - size + 1))
            notes = section.notes[first : first + size, 2]
            low, high = -min(train.transpose, int(notes.min())), min(train.transpose, 127 - int(notes.max()))
            semitones = 0 if section.drums or not train.transpose else int(rng.integers(low, high + 1))
            found.append(self.changed(row_of(section, first, first + size, semitones), rng))
        return self.make(found)

    def val_dataloader(self) -> DataLoader[dict[str, Tensor]]:
        return DataLoader(list(self.held_out("valid")), batch_size=None)  # type: ignore[arg-type]

    def held_out(self, split: str) -> Iterator[dict[str, Tensor]]:
        """Whole windows of a split, changed the same way each time."""
        window, rng = self.config.notes.window, np.random.default_rng(1)
        cuts = all_rows(self.corpus.splits[split], window, VALIDATED)
        rows = [self.validated(row_of(*cut), rng) for cut in cuts]
        rows.sort(key=lambda row: len(row.start))
        same: list[Row] = []
        for row in [*rows, None]:
            if same and (row is None or len(row.start) != len(same[0].start) or len(same) == 32):
                yield self.make(same)
                same = []
            if row is not None:
                same.append(row)


class DurationBatches(NoteBatches):
    """Rows as somebody may have played them, and what was written."""

    def make(self, rows: Sequence[Row]) -> dict[str, Tensor]:
        return duration_batch(rows)

    def changed(self, row: Row, rng: np.random.Generator) -> Row:
        return distorted(row, rng)

    validated = changed


class VelocityBatches(NoteBatches):
    """Rows told in other ways, and the velocities that were played."""

    def make(self, rows: Sequence[Row]) -> dict[str, Tensor]:
        return velocity_batch(rows)

    def changed(self, row: Row, rng: np.random.Generator) -> Row:
        return retold(row, rng)


class DurationRun(Run):
    """A Duration Net in training: cross-entropy of the right onset and of the right length."""

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.net = DurationNet(config.model.layers, config.model.hidden, config.model.dropout)

    def scores(self, batch: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Scores of onsets (B, T, ONSETS) and of lengths (B, T, LENGTHS), those of what is no choice very low."""
        onset, length = self.net(batch["told"], batch["pitch"], batch["onsets"], batch["lengths"])
        return onset, length.masked_fill(~batch["open"], -1e4)

    def losses(self, batch: dict[str, Tensor], stage: str) -> Tensor:
        """The sum of both losses, logged with the shares that are right."""
        total = torch.zeros((), device=self.device)
        for name, scores in zip(("onset", "length"), self.scores(batch), strict=True):
            right = batch[name]
            loss = functional.cross_entropy(
                scores.flatten(0, 1), right.flatten(), ignore_index=IGNORED, reduction="sum"
            ) / (right != IGNORED).sum().clamp(min=1)
            share = (scores.argmax(-1) == right)[right != IGNORED].float().mean()
            self.log(f"{stage}/{name}", loss, batch_size=len(right))
            self.log(f"{stage}/{name}_right", share, batch_size=len(right), prog_bar=True)
            total = total + loss
        self.log(f"{stage}/loss", total, batch_size=len(batch["told"]))
        return total

    def training_step(self, batch: dict[str, Tensor], index: int) -> Tensor:
        return self.losses(batch, "train")

    def validation_step(self, batch: dict[str, Tensor], index: int) -> None:
        self.losses(batch, "valid")


class VelocityRun(Run):
    """A Velocity Net in training: likelihood of a Laplace distribution, whose location is the median."""

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.net = VelocityNet(config.model.layers, config.model.hidden, config.model.dropout)

    def losses(self, batch: dict[str, Tensor], stage: str) -> Tensor:
        """Nats a note, logged with the mean error in velocities."""
        location, scale = self.net(batch["told"], batch["pitch"]).unbind(-1)
        miss = ((batch["velocity"] - CENTRE) / UNIT - location).abs()
        loss = (miss * torch.exp(-scale) + scale).mean()
        self.log(f"{stage}/loss", loss, batch_size=batch["velocity"].numel())
        self.log(f"{stage}/mae", miss.mean() * UNIT, batch_size=batch["velocity"].numel(), prog_bar=True)
        return loss

    def training_step(self, batch: dict[str, Tensor], index: int) -> Tensor:
        return self.losses(batch, "train")

    def validation_step(self, batch: dict[str, Tensor], index: int) -> None:
        self.losses(batch, "valid")
