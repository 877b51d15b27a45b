"""Interpolation in eager PyTorch, for `continuo bench`: the same weights and the same work as the daemon does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from continuo_daw.assistant.codecs.phrases import PhraseCodec, tidied
from continuo_daw.assistant.latent.space import phrases_of
from continuo_daw.assistant.music.clip import Clip
from continuo_daw.assistant.tasks.interpolate import between
from continuo_daw.training.families.phrase_net import PhraseNet, greedy
from continuo_daw.training.train import load_run


def network_of(run: Path) -> tuple[PhraseNet, PhraseCodec]:
    """Network and codec of a run. Raises ConfigError where there is none."""
    _, module, _ = load_run(run)
    return module.net, module.codec


def eager_interpolation(
    net: PhraseNet, codec: PhraseCodec, first: Clip, last: Clip, points: int, in_turn: bool
) -> Callable[[], object]:
    """A function that codes two clips of the same meter and length and plays `points` codes on the straight way
    between: all bars of all of them side by side, or `in_turn` one phrase of all of them after the other."""

    def codes(clip: Clip) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
        bars = codec.encode(tidied(clip))
        index = phrases_of(clip.bars, codec.bars).starts[:, None] + np.arange(codec.bars)
        index %= len(bars.count)
        steps = torch.full((len(index),), bars.steps)
        mean, _ = net.encode(torch.from_numpy(bars.notes[index]), torch.from_numpy(bars.count[index]), steps)
        return mean.numpy()

    def work() -> object:
        with torch.inference_mode(), torch.backends.mkldnn.flags(enabled=False):
            ends = codes(first), codes(last)
            way = torch.from_numpy(np.stack([between(*ends, part) for part in np.linspace(0, 1, points).tolist()]))
            batches = way.unbind(1) if in_turn else [way.flatten(0, 1)]
            played = []
            for code in batches:
                steps = torch.full((len(code),), first.bar // codec.step)
                played.append(greedy(net.decoder, code, steps, codec.most, codec.voices == "one")[0])
            return played

    return work
