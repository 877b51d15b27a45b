"""What the graphs of a phrase autoencoder must prove before they go into a bundle."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from continuo_daw.assistant.bundles.runtime import Graph
from continuo_daw.assistant.codecs.phrases import PhraseCodec
from continuo_daw.export.phrase import decoder_graph, encoder_graph
from continuo_daw.training.corpus.phrases import PhraseRows
from continuo_daw.training.families.phrase_net import Decoder, PhraseNet, greedy


def parity(net: PhraseNet, codec: PhraseCodec, rows: PhraseRows) -> tuple[float, float]:
    """Largest difference of a code or its logarithm of the variance between torch and the fp32 encoder, and the share
    of bars that the fp32 decoder writes exactly as `greedy` does, of all decoders the least."""
    found = Graph(encoder_graph(net, False).SerializeToString(), "parity").run(
        {"notes": rows.notes, "count": rows.count, "steps": rows.steps}
    )
    arrays = (torch.from_numpy(array) for array in (rows.notes, rows.count, rows.steps))
    with torch.no_grad():
        mean, spread = net.encode(*arrays)
    pairs = ((found["mean"], mean), (found["spread"], spread))
    worst = max(float(np.abs(one - other.numpy()).max()) for one, other in pairs)
    share = same_bars(net.decoder, codec, mean.numpy(), rows.steps)
    if net.binary_decoder is not None:
        signs = np.where(mean.numpy() > 0, 1, -1).astype(np.float32)
        share = min(share, same_bars(net.binary_decoder, codec, signs, rows.steps))
    return worst, share


def same_bars(
    decoder: Decoder, codec: PhraseCodec, codes: NDArray[np.float32], steps: NDArray[np.int64], int8: bool = False
) -> float:
    """The share of bars, 0 to 1, that the graph at temperature 0 writes exactly as `greedy` does from codes (B, Z)."""
    graph = Graph(decoder_graph(decoder, codec, int8).SerializeToString(), "parity")
    notes = likeliest(graph, codec, codes, steps, decoder.config.bars)
    with torch.no_grad():
        wanted, count = greedy(
            decoder, torch.from_numpy(codes), torch.from_numpy(steps), codec.most, codec.voices == "one"
        )
    ended = torch.arange(codec.most) >= count[..., None]
    wanted[ended] = torch.tensor([codec.positions, 0, 0, 0])
    return float((notes == wanted.numpy()).all((2, 3)).mean())


def likeliest(
    graph: Graph, codec: PhraseCodec, codes: NDArray[np.float32], steps: NDArray[np.int64], bars: int
) -> NDArray[np.int64]:
    """The notes (B, bars, most, 4) that a decoder's graph writes from codes (B, Z) at temperature 0; behind the last
    stands (positions, 0, 0, 0)."""
    most, rows = codec.most, len(codes) * bars
    found = graph.run(
        {
            "latent": codes,
            "steps": steps,
            "uniform": np.zeros((most, rows, 4), np.float32),
            "forced": np.full((most, rows, 4), -1, np.int64),
            "bias": np.zeros((rows, codec.positions + 1), np.float32),
            "temperature": np.zeros(1, np.float32),
        }
    )["notes"]
    notes = np.tile(np.array([codec.positions, 0, 0, 0]), (most, rows, 1))
    notes[: len(found)] = found
    return notes.transpose(1, 0, 2).reshape(len(codes), bars, most, 4)
