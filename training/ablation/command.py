"""`continuo ablation`: the table of the Continuous SeqAE with and without its losses, as *Deep Symphony* made it.

Each row of the configuration is a network of its own, trained on the same batches in the same order from the same
start; only the weights of the continuity and the quantisation loss differ. Tunes are cut into subsequences of `length`
tokens, one behind the other; a batch is a number of whole tunes, so that consecutive codes stand in it. The figures
are of all subsequences, teacher forced and without noise: of the tunes it was trained on, as the report did, and of
the tunes of the other splits.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from platformdirs import user_cache_path
from torch import Tensor, nn
from torch.utils.tensorboard import SummaryWriter
from tqdm import tqdm

from continuo_daw.assistant.codecs.events import KINDS, EventCodec
from continuo_daw.training.ablation.config import AblationConfig, RowConfig, read_ablation
from continuo_daw.training.config import Config, ConfigError
from continuo_daw.training.corpus.pieces import CorpusError
from continuo_daw.training.corpus.shards import Stream, prepare
from continuo_daw.training.families.seqae import SeqAE, SeqAEConfig, continuity, hamming, quantisation, signs
from continuo_daw.training.run import read_checkpoint

KEPT = [KINDS.index(kind) for kind in ("TIME", "PITCH", "LONG", "DURATION")]  # what is played, not how loud
COLUMNS = ("L_rec", "L_rec_bin", "hamming")
Tune = NDArray[np.int64]  # (subsequences, length)
Figures = dict[str, float]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `continuo ablation`."""
    parser.add_argument(
        "config", type=Path, nargs="?", default=Path("seqae-ablation"), help="a TOML (default: shipped)"
    )
    parser.add_argument("--data", type=Path, required=True, help="folder with the sets that the configuration names")
    parser.add_argument("--out", type=Path, required=True, help="folder of the run: checkpoints, curves and the table")
    parser.add_argument("--resume", action="store_true", help="go on from the checkpoints in --out")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--cache", type=Path, default=None, help="folder for prepared data")


def run(args: argparse.Namespace) -> int:
    """Train every row and print the table."""
    try:
        config = read_ablation(args.config)
        check_out(config, args.out, args.resume)
        with contextlib.redirect_stdout(sys.stderr):  # what becomes of the files is no part of the answer
            train, unseen, vocabulary = tunes_of(config, args.data, args.cache or user_cache_path("continuo"))
    except (ConfigError, CorpusError) as error:
        print(f"continuo: {error}", file=sys.stderr)
        return 1
    torch.set_num_threads(config.train.threads)
    found = ablation(config, train, unseen, vocabulary, args.out)
    print(json.dumps(found, indent=1) if args.json else as_markdown(found))
    return 0


def check_out(config: AblationConfig, out: Path, resume: bool) -> None:
    """Raises ConfigError where `out` holds what must not be gone on with."""
    for file in (file_of(out, row) for row in config.rows):
        if not file.is_file():
            continue
        if not resume:
            raise ConfigError(f"{out} holds a run already; --resume goes on with it, or choose another --out")
        if read_checkpoint(file)["config"] != asdict(config):
            raise ConfigError(f"--resume: {file} is of another configuration")


def tunes_of(config: AblationConfig, data: Path, cache: Path) -> tuple[list[Tune], list[Tune], int]:
    """Tunes to learn, tunes of the same kind that stay unseen, as subsequences of token numbers from 1; and V."""
    corpus = prepare(Config(config.name, config.name, config.data, codec=config.codec), data, cache)
    train = cut(corpus.codec, corpus.splits["train"], config.length)[: config.tunes or None]
    unseen = cut(corpus.codec, corpus.splits["valid"] + corpus.splits["test"], config.length)
    if not train or not unseen:
        raise CorpusError(f"{data} has no tune of two subsequences to learn, or none that stays unseen")
    known = np.unique(np.concatenate([tune.ravel() for tune in train + unseen]))
    number = np.zeros(corpus.codec.size, np.int64)
    number[known] = np.arange(1, len(known) + 1)
    return [number[tune] for tune in train], [number[tune] for tune in unseen], len(known) + 1


def cut(codec: EventCodec, streams: Sequence[Stream], length: int) -> list[Tune]:
    """The whole subsequences of each tune that has at least two; what is left at its end is dropped."""
    kept = [stream.tokens[np.isin(codec.kinds[stream.tokens], KEPT)] for stream in streams]
    return [tune[: len(tune) // length * length].reshape(-1, length) for tune in kept if len(tune) >= 2 * length]


def ablation(
    config: AblationConfig, train: list[Tune], unseen: list[Tune], vocabulary: int, out: Path
) -> dict[str, Any]:
    """The table: what it was measured on, and the figures of each row on both kinds of tunes. Also in `out`."""
    out.mkdir(parents=True, exist_ok=True)
    found: dict[str, Any] = {
        "config": asdict(config),
        "vocabulary": vocabulary - 1,
        "train": counts(train),
        "unseen": counts(unseen),
        "rows": {},
    }
    for row in config.rows:
        net = fit(config, row, train, unseen, vocabulary, out)
        found["rows"][row.name] = {"train": figures(net, train), "unseen": figures(net, unseen)}
    (out / "ablation.json").write_text(json.dumps(found, indent=1), encoding="utf-8")
    return found


def counts(tunes: list[Tune]) -> dict[str, int]:
    """How much there is to code."""
    rows = np.concatenate(tunes)
    return {"tunes": len(tunes), "subsequences": len(rows), "distinct": len(np.unique(rows, axis=0))}


def fit(
    config: AblationConfig, row: RowConfig, train: list[Tune], unseen: list[Tune], vocabulary: int, out: Path
) -> SeqAE:
    """The trained network of a row; goes on from its checkpoint where there is one."""
    settings = config.train
    torch.manual_seed(settings.seed)
    net = SeqAE(SeqAEConfig(vocabulary, config.bits, config.embedding, config.hidden, config.spread))
    optimiser = torch.optim.Adam(net.parameters(), lr=settings.learning_rate, fused=True)
    file = file_of(out, row)
    first = resumed(file, net, optimiser) if file.is_file() else 0
    writer = SummaryWriter(str(out / "curves" / file.stem), purge_step=first)
    bar = tqdm(range(first, settings.steps), row.name, initial=first, total=settings.steps, unit="step")
    for step in bar:
        optimiser.param_groups[0]["lr"] = settings.learning_rate * settings.rate(step)
        net.train()
        net.norm.train(step < settings.normalised * settings.steps)
        parts = losses(config, row, net, batch(train, settings.batch, settings.seed, step), step)
        optimiser.zero_grad()
        parts["loss"].backward()
        nn.utils.clip_grad_norm_(net.parameters(), settings.clip)
        optimiser.step()
        if (step + 1) % settings.measure_every == 0 or step + 1 == settings.steps:
            measured = {"train": figures(net, train), "unseen": figures(net, unseen)}
            bar.set_postfix({name: f"{measured['train'][name]:.3f}" for name in COLUMNS})
            write_curves(writer, measured | {"batch": {name: part.item() for name, part in parts.items()}}, step + 1)
            save(file, config, net, optimiser, step + 1)
    writer.close()
    return net


def losses(config: AblationConfig, row: RowConfig, net: SeqAE, tunes: list[Tune], step: int) -> dict[str, Tensor]:
    """`loss`, which is minimised, and its parts, unweighted."""
    tokens, follows = joined(tunes)
    strength = config.train.strength(step)
    code = net.encode(tokens, config.train.noise_at(step))
    real, binary = net.reconstruction(code, tokens)
    parts = {"L_rec": real, "L_rec_bin": binary, "L_con": continuity(code, follows), "L_q": quantisation(code)}
    extra = row.continuity * parts["L_con"] + row.quantisation * parts["L_q"]
    return {"loss": real + binary + strength * extra, **parts}


def batch(tunes: list[Tune], size: int, seed: int, step: int) -> list[Tune]:
    """The tunes of one step: each stands in one batch of every round. Drawn from seed and step alone."""
    batches = -(-len(tunes) // size)
    order = np.random.default_rng([seed, step // batches]).permutation(len(tunes))
    return [tunes[index] for index in order[step % batches :: batches]]


def joined(tunes: list[Tune]) -> tuple[Tensor, Tensor]:
    """Tokens (B, T) of all subsequences, and (B - 1,) whether the next one is of the same tune."""
    tune = np.repeat(np.arange(len(tunes)), [len(rows) for rows in tunes])
    return torch.from_numpy(np.concatenate(tunes)), torch.from_numpy(tune[:-1] == tune[1:])


@torch.no_grad()
def figures(net: SeqAE, tunes: list[Tune]) -> Figures:
    """Nats a token from codes and from bits, mean Hamming distance of consecutive codes, and number of codes in use."""
    net.eval()
    tokens, follows = joined(tunes)
    code = net.encode(tokens)
    real, binary = net.reconstruction(code, tokens)
    used = len(torch.unique(signs(code), dim=0))
    return {"L_rec": float(real), "L_rec_bin": float(binary), "hamming": float(hamming(code, follows)), "codes": used}


def write_curves(writer: SummaryWriter, values: dict[str, Figures], step: int) -> None:
    """One curve for each figure."""
    for group, numbers in values.items():
        for name, number in numbers.items():
            writer.add_scalar(f"{group}/{name}", number, step)


def file_of(out: Path, row: RowConfig) -> Path:
    """The checkpoint of a row."""
    return out / f"{row.name.replace(' ', '-')}.ckpt"


def save(file: Path, config: AblationConfig, net: SeqAE, optimiser: torch.optim.Optimizer, step: int) -> None:
    """The checkpoint appears whole or not at all."""
    state = {"state_dict": net.state_dict(), "optimiser": optimiser.state_dict(), "random": torch.get_rng_state()}
    part = file.with_suffix(".part")
    torch.save({"config": asdict(config), "step": step, **state}, part)
    part.replace(file)


def resumed(file: Path, net: SeqAE, optimiser: torch.optim.Optimizer) -> int:
    """The step that comes next; network, optimiser and random numbers stand where they stood."""
    checkpoint = read_checkpoint(file)
    net.load_state_dict(checkpoint["state_dict"])
    optimiser.load_state_dict(checkpoint["optimiser"])
    torch.set_rng_state(checkpoint["random"])
    return int(checkpoint["step"])


def as_markdown(found: dict[str, Any]) -> str:
    """The table for people."""
    said = [
        f"{name}: {n['tunes']} tunes, {n['subsequences']} subsequences, {n['distinct']} of them distinct"
        for name, n in (("train", found["train"]), ("unseen", found["unseen"]))
    ]
    lines = ["; ".join(said) + f"; {found['vocabulary']} different tokens", ""]
    lines += ["| losses | tunes | L_rec | L_rec_bin | mean Hamming distance | codes |", "|---|---|---|---|---|---|"]
    for name, kinds in found["rows"].items():
        for kind, row in kinds.items():
            numbers = f"{row['L_rec']:.3f} | {row['L_rec_bin']:.3f} | {row['hamming']:.2f} | {row['codes']}"
            lines.append(f"| {name} | {kind} | {numbers} |")
    return "\n".join(lines)
