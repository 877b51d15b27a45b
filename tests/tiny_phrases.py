"""A tiny bundle with a latent space: random weights, and a space made of random numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from tiny import tune

from continuo_daw.assistant.bundles.bundle import FORMAT, Card, write_bundle
from continuo_daw.assistant.bundles.families import DECODER, ENCODER, SPACE
from continuo_daw.assistant.codecs.phrases import PhraseCodec
from continuo_daw.assistant.latent.space import Space
from continuo_daw.assistant.music.attributes import NAMES
from continuo_daw.export.phrase import decoder_graph, encoder_graph
from continuo_daw.training.families.phrase_net import PhraseNet, net_config

LATENT, DIRECTIONS = 8, 4
TASKS = {
    "vae": ("generate", "interpolate", "blend", "vary"),
    "seqae": ("generate", "interpolate", "blend", "vary", "walk"),
}
TITLES = tuple(f"Tune {number // 4}" for number in range(40))


def codec(voices: str = "one", bars: int = 2) -> PhraseCodec:
    """Phrases of few notes."""
    return PhraseCodec(bars=bars, most=24, voices=voices)


def network(family: str = "vae", voices: str = "one", bars: int = 2) -> PhraseNet:
    """A network that has learnt nothing, the same each time; but its codes lie around 0 and tell tunes apart."""
    torch.manual_seed(5)
    shape = codec(voices, bars)
    net = PhraseNet(net_config(shape, LATENT, width=16, hidden=16, sheet=8, binary=family == "seqae")).eval()
    tunes = [shape.encode(tune(seed, bars)) for seed in range(16)]
    notes, count = (torch.from_numpy(np.stack(rows)) for rows in zip(*((t.notes, t.count) for t in tunes), strict=True))
    with torch.no_grad():
        codes, out = net.encoder(notes, count, torch.full((len(tunes),), tunes[0].steps)), net.encoder.out
        out.bias.copy_((out.bias - codes.mean(0)) / codes.std(0))
        out.weight.div_(codes.std(0)[:, None])
    return net


def space(titles: Sequence[str] = TITLES) -> Space:
    """Main directions at right angles, and a map with a point for each of `titles`."""
    random = np.random.default_rng(6)
    axes, _ = np.linalg.qr(random.standard_normal((LATENT, LATENT)))
    arrays = {
        "mean": random.standard_normal(LATENT) * 0.1,
        "basis": axes[:DIRECTIONS] * np.linspace(1, 0.4, DIRECTIONS)[:, None],
        "rest": np.full(LATENT, 0.2),
        "directions": random.standard_normal((len(NAMES), LATENT)) * 0.3,
        "deviations": np.array([0.5, 8.0, 0.2, 0.2, 12.0]),  # as wide as those of music
        "points": random.standard_normal((len(titles), 2)),
    }
    return Space(**{name: value.astype(np.float32) for name, value in arrays.items()}, titles=np.array(titles))


def bundle(
    folder: Path,
    family: str = "vae",
    voices: str = "one",
    name: str = "",
    *,
    bars: int = 2,
    titles: Sequence[str] = TITLES,
) -> Path:
    """Writes a bundle into a folder of its own below `folder`; returns that folder."""
    net, shape, name = network(family, voices, bars), codec(voices, bars), name or f"tiny-{family}-{voices}"
    card = Card(
        format=FORMAT,
        name=name,
        title=f"A tiny {family}",
        family=family,
        tasks=TASKS[family],
        codec=asdict(shape),
        sizes={"latent": LATENT, "parameters": sum(weight.numel() for weight in net.parameters())},
        files={},
        data={"sources": ["tunes"]},
        licence="CC0",
        metrics={},
        command="none",
        use="tests",
    )
    files = {
        ENCODER: encoder_graph(net, int8=False).SerializeToString(),
        DECODER: decoder_graph(net.binary_decoder or net.decoder, shape, int8=False).SerializeToString(),
        SPACE: space(titles).to_bytes(),
    }
    write_bundle(folder / name, card, files)
    return folder / name
