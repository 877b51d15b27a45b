"""Clips in the latent space of a phrase autoencoder, and back.

A clip of any length is coded as phrases one after the other. Where its bars do not fill the last phrase, that one
begins earlier, over bars that have been coded already; a clip shorter than a phrase is repeated to fill it.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from continuo_daw.assistant.bundles.families import BINARY, DECODER, ENCODER, SPACE
from continuo_daw.assistant.bundles.network import Network
from continuo_daw.assistant.codecs.phrases import Bars, PhraseCodec, tidied
from continuo_daw.assistant.errors import AssistantError
from continuo_daw.assistant.music.attributes import NAMES
from continuo_daw.assistant.music.clip import Clip, Note

FREE = -1  # a number that the decoder may choose
CLOSED = -1e9  # bias of a place where no note may start
GREEDY = 0.0
MOST_BYTES = 64 * 2**20  # of a space, unpacked

Codes = NDArray[np.float32]
Forced = NDArray[np.int64]


@dataclass(frozen=True)
class Phrases:
    """Where the bars of a clip stand in its K phrases.

    starts (K,) first bar of each phrase; phrase (B,), bar (B,) for each bar of the clip its phrase and its place there
    """

    starts: NDArray[np.int64]
    phrase: NDArray[np.int64]
    bar: NDArray[np.int64]


def phrases_of(bars: int, size: int) -> Phrases:
    """The phrases of `size` bars that cover a clip of `bars` bars."""
    count = max(1, -(-bars // size))
    starts = np.minimum(np.arange(count) * size, max(0, bars - size))
    index = np.arange(bars)
    phrase = index // size
    return Phrases(starts, phrase, index - starts[phrase])


@dataclass(frozen=True)
class Space:
    """What is known of a latent space of Z numbers, from the corpus that the network learnt from.

    mean (Z,) of all codes; basis (K, Z) their main directions times the standard deviation there; rest (Z,) standard
    deviation of what these leave out; directions (A, Z) and deviations (A,): for each attribute the step in the space
    that raises it by one of its standard deviations, and that deviation; points (N, 2), titles (N,): a map
    """

    mean: Codes
    basis: Codes
    rest: Codes
    directions: Codes
    deviations: Codes
    points: Codes
    titles: NDArray[np.str_]

    def draw(self, random: np.random.Generator, count: int, temperature: float = 1.0) -> Codes:
        """Codes (count, Z) such as those of the corpus."""
        main = random.standard_normal((count, len(self.basis))) @ self.basis
        return (self.mean + temperature * (main + random.standard_normal((count, len(self.rest))) * self.rest)).astype(
            np.float32
        )

    def to_bytes(self) -> bytes:
        """The space as a file of a bundle."""
        file = io.BytesIO()
        np.savez_compressed(file, **vars(self))
        return file.getvalue()


@lru_cache(maxsize=16)
def space_of(data: bytes) -> Space:
    """What `to_bytes` gave. Raises ValueError for anything else; nothing in it is executed."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            if sum(part.file_size for part in packed.infolist()) > MOST_BYTES:
                raise ValueError(f"it unpacks to more than {MOST_BYTES} bytes")
        with np.load(io.BytesIO(data), allow_pickle=False) as stored:
            space = Space(**{name: stored[name] for name in Space.__dataclass_fields__})
        _check_space(space)
    except (zipfile.BadZipFile, zlib.error, KeyError, EOFError, OSError, TypeError, MemoryError, RuntimeError) as error:
        raise ValueError(str(error) or type(error).__name__) from None
    return space


def _check_space(space: Space) -> None:
    """Raises ValueError where arrays do not fit each other, or hold what cannot be reckoned with."""
    size, points, axes = len(space.mean), len(space.titles), max(2, len(space.basis))
    shapes = {"mean": (size,), "basis": (axes, size), "rest": (size,), "points": (points, 2), "titles": (points,)}
    shapes |= {"directions": (len(NAMES), size), "deviations": (len(NAMES),)}
    for name, shape in shapes.items():
        array = getattr(space, name)
        if array.shape != shape:
            raise ValueError(f"{name} has the shape {array.shape}, not {shape}")
        if name != "titles" and not (array.dtype.kind == "f" and np.isfinite(array).all()):
            raise ValueError(f"{name} holds what is no number")
    if space.titles.dtype.kind != "U" or (space.deviations <= 0).any():
        raise ValueError("titles must be text, and deviations above 0")


@dataclass(frozen=True)
class Latent:
    """A phrase autoencoder at work."""

    network: Network

    @property
    def codec(self) -> PhraseCodec:
        """The codec of the network."""
        return self.network.bundle.phrases

    @property
    def binary(self) -> bool:
        """Whether codes are signs."""
        return self.network.bundle.family.codes == BINARY

    @property
    def space(self) -> Space:
        """What is known of the space. Raises AssistantError `no_model` where the file does not say it."""
        bundle = self.network.bundle
        try:
            space = space_of(bundle.files[SPACE])
            if len(space.mean) == bundle.card.sizes["latent"]:
                return space
            reason = f"codes of {len(space.mean)} numbers, not {bundle.card.sizes['latent']}"
        except ValueError as error:
            reason = str(error)
        raise AssistantError("no_model", f"{bundle.folder}: {SPACE} cannot be read: {reason}")

    def encode(self, clip: Clip, bars: int = 0) -> Codes:
        """Codes (K, Z) of the phrases of a clip; of its first `bars` bars, repeated as often as that takes, where
        `bars` is not 0. Raises AssistantError `bad_args` for a meter that the network does not know."""
        return self.encode_bars(self.bars_of(clip), bars)

    def bars_of(self, clip: Clip) -> Bars:
        """The bars of a clip as it would be written. Raises AssistantError `bad_args` for a meter without a place."""
        try:
            return self.codec.encode(tidied(clip))
        except ValueError as error:
            raise AssistantError(
                "bad_args", f"the clip does not fit {self.network.bundle.card.name}: {error}"
            ) from None

    def encode_bars(self, known: Bars, bars: int = 0) -> Codes:
        """Codes (K, Z) of bars, as `encode`."""
        size, codec = bars or len(known.count), self.codec
        index = (phrases_of(size, codec.bars).starts[:, None] + np.arange(codec.bars)) % max(size, 1)
        index %= len(known.count)
        most = max(1, int(known.count.max(initial=0)))
        steps = np.full(len(index), known.steps, np.int64)
        inputs = {"notes": known.notes[index][:, :, :most], "count": known.count[index], "steps": steps}
        mean = self.network.graphs[ENCODER].run(inputs)["mean"]
        return self.signs(mean)

    def signs(self, codes: Codes) -> Codes:
        """Codes as the decoder takes them: their signs where codes are binary."""
        return np.where(codes > 0, np.float32(1), np.float32(-1)) if self.binary else codes

    def decode(
        self,
        codes: Codes,
        bars: int,
        steps: int,
        seeds: Sequence[Sequence[int]] = (),
        temperature: float = GREEDY,
        forced: Forced | None = None,
        bias: NDArray[np.float32] | None = None,
    ) -> list[Bars]:
        """The `bars` bars that each of C rows of codes (C, K, Z) stands for, `steps` grid steps each.

        seeds: of the random numbers of each row, needed above temperature 0; forced (bars, N, 4): numbers of notes
        that are given, FREE where the network may choose; bias (positions + 1,): added to the logits of positions
        """
        codec, place = self.codec, phrases_of(bars, self.codec.bars)
        rows, phrases, _ = codes.shape
        shape = (codec.most, rows, phrases, codec.bars, 4)
        uniform = np.full(shape, 0.5, np.float32)
        if temperature > 0:
            for row, seed in enumerate(seeds):
                uniform[:, row] = np.random.default_rng(seed).random(uniform[:, row].shape, np.float32)
        given = np.full(shape, FREE, np.int64)
        if forced is not None:
            given[:, :, place.phrase, place.bar] = forced.swapaxes(0, 1)[:, None]
        count = rows * phrases * codec.bars
        added = np.zeros(codec.positions + 1, np.float32) if bias is None else bias
        inputs = {
            "latent": codes.reshape(rows * phrases, -1),
            "steps": np.full(rows * phrases, steps, np.int64),
            "uniform": uniform.reshape(codec.most, count, 4),
            "forced": given.reshape(codec.most, count, 4),
            "bias": np.repeat(added[None], count, 0),
            "temperature": np.array([temperature], np.float32),
        }
        notes = self.network.graphs[DECODER].run(inputs)["notes"]  # (t, count, 4)
        notes = notes.reshape(len(notes), rows, phrases, codec.bars, 4)[:, :, place.phrase, place.bar]
        notes = notes.transpose(1, 2, 0, 3)  # (C, bars, t, 4)
        ended = notes[..., 0] >= codec.positions
        held = np.where(ended.any(-1), ended.argmax(-1), notes.shape[2])
        return [Bars(rows_notes, rows_count, steps) for rows_notes, rows_count in zip(notes, held, strict=True)]


def check(network: Network) -> None:
    """Raises AssistantError `no_model` where the parts of a bundle do not fit each other: one silent phrase is coded
    and played."""
    latent = Latent(network)
    size = len(latent.space.mean)
    codec = latent.codec
    silence = Bars(np.zeros((codec.bars, 1, 4), np.int64), np.zeros(codec.bars, np.int64), codec.resolution)
    try:
        codes = latent.encode_bars(silence)
        if codes.shape == (1, size):
            latent.decode(codes[None], codec.bars, codec.resolution)
            return
        reason = f"codes of {codes.shape[1]} numbers, a space of {size}"
    except Exception as error:  # onnxruntime raises a class of its own for each kind of trouble
        reason = str(error).splitlines()[0][:200]
    raise AssistantError("no_model", f"{network.bundle.folder}: the graphs do not fit the card: {reason}")


def clip_from(latent: Latent, bars: Bars, like: Clip) -> Clip:
    """Bars as a clip with the tempo and meter of another; no note sounds over its end."""
    length = len(bars.count) * bars.steps * latent.codec.step
    notes = (n if n.end <= length else replace(n, duration=length - n.start) for n in latent.codec.decode(bars))
    return Clip(tuple(notes), length, like.tempo, like.meter)


def levelled(notes: Sequence[Note], level: float) -> tuple[Note, ...]:
    """The notes, all that sound louder or softer by the same, so that their mean velocity is `level` as far as the
    range goes."""
    moved = [note.velocity for note in notes if not note.muted]
    for _ in range(3):  # what stops at the end of the range leaves the rest to the others
        change = round(level - sum(moved) / max(len(moved), 1))
        moved = [min(127, max(1, velocity + change)) for velocity in moved]
    left = iter(moved)
    return tuple(note if note.muted else replace(note, velocity=next(left)) for note in notes)
