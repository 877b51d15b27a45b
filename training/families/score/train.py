"""Training of the score network: one process, resumed over many sittings.

The learning rate rises, stays, and falls only when `--decay` asks for it; the weights that are used are a running
average. A checkpoint holds everything that a run goes on from, and is written whole or not at all.
"""

from __future__ import annotations

import argparse
import json
import signal
import time
import tomllib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils.tensorboard import SummaryWriter

from continuo_daw.training.families.score import checkpoint
from continuo_daw.training.families.score.features import batch_of
from continuo_daw.training.families.score.heads import FACTORS
from continuo_daw.training.families.score.measure import table
from continuo_daw.training.families.score.net import ScoreConfig, ScoreNet
from continuo_daw.training.families.score.sampler import Sampler
from continuo_daw.training.families.score.songs import read_songs

CONFIG = Path(__file__).with_name("score.toml")
SHOWN = 25  # steps between two points of the curves


@dataclass(frozen=True)
class TrainScore:
    seed: int = 1
    room: int = 2560  # written notes of a batch, rows times the longest
    most: int = 512  # notes of a window
    learning_rate: float = 2e-3
    warmup: int = 400  # steps
    weight_decay: float = 0.01
    clip: float = 1.0  # gradient norm
    average: float = 0.999  # share of the averaged weights that each step keeps
    save_every: float = 240.0  # seconds
    measure_every: float = 900.0  # seconds
    measure_notes: int = 16000  # held-out notes of each figure


@dataclass
class State:
    """Where a run stands: steps done, the next batch, notes learnt, seconds, where the decay began, its length."""

    step: int = 0
    pool: int = 0
    batch: int = 0
    notes: int = 0
    seconds: float = 0.0
    decay_from: int = -1
    decay_steps: int = 0


def rate(config: TrainScore, state: State) -> float:
    """The learning rate of a step."""
    rise = min(1.0, (state.step + 1) / config.warmup)
    if state.decay_from < 0:
        return config.learning_rate * rise
    done = (state.step - state.decay_from) / max(state.decay_steps, 1)
    return config.learning_rate * rise * max(0.0, 1.0 - min(done, 1.0) ** 0.5)


class ScoreRun:
    """A run in its folder."""

    def __init__(self, args: argparse.Namespace) -> None:
        told = tomllib.loads(args.config.read_text(encoding="utf-8"))
        changed = dict(pair.split("=", 1) for pair in args.set)
        self.model = ScoreConfig(**_typed(ScoreConfig, told.get("model", {}), changed))
        self.config = TrainScore(**_typed(TrainScore, told.get("train", {}), changed))
        self.out: Path = args.out
        self.songs = read_songs(args.songs)
        self.cards = read_songs(args.cards)
        self.sampler = Sampler(self.songs, told["weights"], self.config.room, self.config.most, self.config.seed)
        torch.manual_seed(self.config.seed)
        self.net = ScoreNet(self.model)
        self.average = {name: value.clone() for name, value in self.net.state_dict().items()}
        decayed = [p for p in self.net.parameters() if p.ndim > 1]
        plain = [p for p in self.net.parameters() if p.ndim <= 1]
        groups = [{"params": decayed, "weight_decay": self.config.weight_decay}, {"params": plain, "weight_decay": 0.0}]
        self.optimiser = torch.optim.AdamW(groups, lr=self.config.learning_rate, betas=(0.9, 0.98), fused=True)
        self.state = State()
        self.last = self.out / "last.ckpt"
        if args.resume:
            self.load(self.last)
        elif self.last.is_file():
            raise SystemExit(f"{self.out} holds a run already; --resume goes on with it")
        elif args.start:
            self.begin_with(args.start)
        if args.decay and self.state.decay_from < 0:
            self.state.decay_from, self.state.decay_steps = self.state.step, args.decay
        self.out.mkdir(parents=True, exist_ok=True)
        (self.out / "config.json").write_text(json.dumps(self.tables() | {"sources": told["weights"]}, indent=1))
        self.writer = SummaryWriter(str(self.out))

    def tables(self) -> dict[str, Any]:
        """Model and training as plain tables."""
        return {"model": asdict(self.model), "train": asdict(self.config)}

    def load(self, file: Path) -> None:
        """Go on from a checkpoint."""
        found = checkpoint.load(file)
        self.net.load_state_dict(found["state_dict"])
        self.average = found["average"]
        self.optimiser.load_state_dict(found["optimiser"])
        self.state = State(**found["state"])
        torch.set_rng_state(found["random"])

    def begin_with(self, file: Path) -> None:
        """Take the averaged weights of a checkpoint, halved or not; the optimiser begins anew."""
        self.average = {name: value.float() for name, value in checkpoint.load(file)["average"].items()}
        self.net.load_state_dict(self.average)
        self.average = {name: value.clone() for name, value in self.average.items()}

    def save(self) -> None:
        """Write `last.ckpt`."""
        checkpoint.save(
            self.last,
            self.tables()
            | {
                "state_dict": self.net.state_dict(),
                "average": self.average,
                "optimiser": self.optimiser.state_dict(),
                "state": asdict(self.state),
                "random": torch.get_rng_state(),
            },
        )

    def batch(self) -> tuple[dict[str, Tensor], int]:
        """The next batch, and how many notes are to be learnt of it."""
        pool = self.sampler.pool(self.state.pool)
        windows = pool[self.state.batch]
        self.state.batch += 1
        if self.state.batch == len(pool):
            self.state.pool, self.state.batch = self.state.pool + 1, 0
        return batch_of(windows), sum(int(window.learnt.sum()) for window in windows)

    def step(self) -> dict[str, float]:
        """One step; nats a note of each factor."""
        batch, notes = self.batch()
        for group in self.optimiser.param_groups:
            group["lr"] = rate(self.config, self.state)
        sums = {name: nats.sum() for name, nats in self.net(batch).items()}
        # a batch of few notes counts for less
        loss = torch.stack(list(sums.values())).sum() / max(notes, self.config.room // 2)
        self.net.zero_grad(set_to_none=True)
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(self.net.parameters(), self.config.clip)
        if torch.isfinite(norm):
            self.optimiser.step()
        self.state.step += 1
        self.state.notes += notes
        keep = min(self.config.average, self.state.step / (self.state.step + 10))
        for name, value in self.net.state_dict().items():
            self.average[name].lerp_(value, 1 - keep)
        return {name: float(value.detach()) for name, value in sums.items()} | {"notes": notes, "norm": float(norm)}

    def measure(self, split: str = "valid", notes: int | None = None) -> dict[str, Any]:
        """The figures of the averaged weights, also as points of the curves."""
        told = ScoreNet(self.model)
        told.load_state_dict(self.average)
        found = table(told, self.cards, self.songs, split, self.config.measure_notes if notes is None else notes)
        for title, values in found.items():
            for name, value in values.items():
                self.writer.add_scalar(f"{split}/{title}/{name}".replace(" ", "_"), value, self.state.step)
        row = {"step": self.state.step, "notes": self.state.notes, "seconds": round(self.state.seconds), **found}
        with (self.out / f"{split}.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
        return found

    def run(self, seconds: float, steps: int) -> None:
        """Train for so long, or to the end of the decay."""
        begin = time.monotonic()
        saved = measured = begin
        sums: dict[str, float] = {}
        shown = begin
        stopped: list[int] = []
        signal.signal(signal.SIGTERM, lambda number, frame: stopped.append(number))  # saves before it goes
        while time.monotonic() - begin < seconds and self.state.step < steps and not stopped:
            if self.state.decay_from >= 0 and self.state.step >= self.state.decay_from + self.state.decay_steps:
                break
            started = time.monotonic()
            for name, value in self.step().items():
                sums[name] = sums.get(name, 0.0) + value
            now = time.monotonic()
            self.state.seconds += now - started
            if self.state.step % SHOWN == 0:
                self.show(sums, now - shown)
                sums, shown = {}, now
            if now - saved > self.config.save_every:
                self.save()
                saved = time.monotonic()
            if now - measured > self.config.measure_every:
                print(f"valid {_short(self.measure())}", flush=True)
                measured = shown = time.monotonic()
        self.save()
        if not stopped:
            print(f"valid {_short(self.measure())}", flush=True)
        self.writer.close()

    def show(self, sums: dict[str, float], seconds: float) -> None:
        """One line, and points of the curves."""
        notes = max(sums["notes"], 1)
        each = {name: sums.get(name, 0.0) / notes for name in FACTORS}
        total = sum(each.values())
        for name, value in (each | {"note": total, "notes a second": notes / seconds}).items():
            self.writer.add_scalar(f"train/{name}".replace(" ", "_"), value, self.state.step)
        parts = " ".join(f"{name} {value:.3f}" for name, value in each.items())
        print(
            f"step {self.state.step} {self.state.notes / 1e6:.2f} M notes {self.state.seconds:.0f} s note {total:.3f} "
            f"{parts} norm {sums['norm'] / SHOWN:.2f} {notes / seconds:.0f} notes/s",
            flush=True,
        )


def _short(found: dict[str, Any]) -> str:
    parts = []
    for title in ("one voice", "several voices", "several voices, long memory", "drums"):
        values = found[title]
        keys = ("event", "event without velocity", "note", "repeated bar", "repeated bar, not the last one")
        parts.append(f"{title}: " + " ".join(f"{values[key]:.3f}" for key in keys if key in values))
    return " | ".join(parts)


def _typed(kind: type, told: dict[str, Any], changed: dict[str, str]) -> dict[str, Any]:
    types = {field.name: field.type for field in fields(kind)}
    own = {name: value for name, value in changed.items() if name in types}
    made = {"int": int, "float": float, "bool": lambda text: text == "true"}
    return told | {name: made[str(types[name])](value) for name, value in own.items()}


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Train the score network.")
    parser.add_argument("--config", type=Path, default=CONFIG)
    parser.add_argument("--songs", type=Path, required=True, help="file that `songs.py` writes")
    parser.add_argument("--cards", type=Path, required=True, help="file that `measure.py --pack` writes")
    parser.add_argument("--out", type=Path, required=True, help="folder of the run")
    parser.add_argument("--resume", action="store_true", help="go on from last.ckpt")
    parser.add_argument("--from", dest="start", type=Path, help="begin with the weights of this checkpoint")
    parser.add_argument("--decay", type=int, default=0, metavar="STEPS", help="let the learning rate fall over so many")
    parser.add_argument("--seconds", type=float, default=1e9)
    parser.add_argument("--steps", type=int, default=10**9, help="stop at this step")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="change model or training")
    args = parser.parse_args(arguments)
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    ScoreRun(args).run(args.seconds, args.steps)


if __name__ == "__main__":
    main()
