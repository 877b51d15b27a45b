"""The families of networks that the runtime can serve: one row each, with all that is known of a family by its name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from continuo_daw.assistant.codecs.events import EventCodec
from continuo_daw.assistant.codecs.notes import NoteCodec
from continuo_daw.assistant.codecs.phrases import PhraseCodec

MODEL = "model.onnx"
ENCODER, DECODER, SPACE = "encoder.onnx", "decoder.onnx", "space.npz"
ONSETS, LENGTHS = "onsets.onnx", "lengths.onnx"
REAL, BINARY = "real", "binary"  # codes of a latent space: any numbers, or signs

Codec = EventCodec | PhraseCodec | NoteCodec


@dataclass(frozen=True, slots=True)
class Family:
    """What the bundles of a family hold, and what can be done with them.

    codec: the class whose fields a card gives; files: those that a bundle must have; sizes: those that a card must give
    tasks: those that the family can do; a card says which of them its network has learnt
    samples: whether it samples events, so that it can be steered and can judge clips
    codes: REAL or BINARY for a family with a latent space, else empty
    indexed: whether its notes may be copies, so that an index of the corpus may lie beside the files
    """

    codec: Callable[..., Codec]
    files: tuple[str, ...]
    sizes: tuple[str, ...]
    tasks: tuple[str, ...]
    samples: bool = False
    codes: str = ""
    indexed: bool = False


_VAE = Family(
    codec=PhraseCodec,
    files=(ENCODER, DECODER, SPACE),
    sizes=("latent", "parameters"),
    tasks=("generate", "interpolate", "blend", "vary"),
    codes=REAL,
    indexed=True,
)
_NOTES = ("layers", "hidden", "parameters")
FAMILIES = {
    "charrnn": Family(
        codec=EventCodec,
        files=(MODEL,),
        sizes=("layers", "hidden", "vocabulary", "positions", "parameters"),
        tasks=("generate", "continue"),
        samples=True,
        indexed=True,
    ),
    "vae": _VAE,
    "seqae": replace(_VAE, tasks=(*_VAE.tasks, "walk"), codes=BINARY),
    "durations": Family(NoteCodec, (ONSETS, LENGTHS), _NOTES, ("refine_duration",)),
    "velocities": Family(NoteCodec, (MODEL,), _NOTES, ("refine_velocity",)),
}
