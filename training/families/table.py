"""The families of networks: one row each, with all that training, evaluation and export know of a family by its name.

`assistant/bundles/families.py` is the row of the runtime.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from continuo_daw.assistant.bundles.network import Network
from continuo_daw.assistant.codecs.condition import positions
from continuo_daw.assistant.codecs.events import EventCodec
from continuo_daw.training.config import Config
from continuo_daw.training.corpus import notes, phrases, rolls, shards
from continuo_daw.training.evaluation import figures
from continuo_daw.training.evaluation.published import LOUDNESS, STEERING, Published

if TYPE_CHECKING:
    from continuo_daw.training.run import Batches, Run

Learner = tuple[Callable[[Config], "Run"], Callable[[Any, Config], "Batches"]]

USE = (
    "Sketches, continuations and variations for a musician to choose from and edit. It has learnt from European music "
    "of the 18th and 19th century and knows no other style; it has no form beyond a few phrases, and it can repeat "
    "what it was given or come close to what it has learnt."
)
USE_DURATIONS = (
    "Onsets and note values of what was played or stretched, where bar lines and tempo are known. It has "
    "learnt from scores of European music and from a model of how people play: it takes what is rare in such scores, "
    "quintuplets or a written swing, for something common."
)
USE_VELOCITIES = (
    "Velocities for notes that have none worth keeping. What is right differs by 8 of 127 between two "
    "good players, so a result is one reading among many; its level is that of its corpus and can be set."
)


def layered(config: Config, codec: Any) -> dict[str, int]:
    """The sizes of a stack of LSTMs, as a card gives them."""
    return {"layers": config.model.layers, "hidden": config.model.hidden}


@dataclass(frozen=True)
class Family:
    """What trains a family, measures it and makes bundles of it.

    learner: gives the run and the batches; a function, because they need torch and an evaluation has none
    codec, prepare, write, read: of the corpus; `prepare` takes configuration, folder of the data and cache
    own: the table of a configuration with what the family needs beside `[codec]` and `[model]`; empty: none
    monitor: the validation figure that shall fall
    export: the module whose `files_and_figures` makes a bundle, by its name, because training imports nothing of the
        export; empty for a benchmark, which has no bundle and needs nothing of what follows
    sizes: those in the card, of configuration and codec, without the number of parameters
    kept: the keys of the table `own` that go into the card, because an evaluation needs them to read the data
    use: what the card says of intended use and limits
    figures: what `continuo evaluate` says of network, configuration, corpus and split
    measures: what `continuo measure` can measure, by the names in the tables MEASURES
    published: figures of others
    """

    learner: Callable[[], Learner]
    codec: Callable[[Config], Any]
    prepare: Callable[..., Any]
    write: Callable[[Any, Path], None]
    read: Callable[[Any, Path], Any]
    own: str = ""
    monitor: str = "valid/loss"
    export: str = ""
    sizes: Callable[[Config, Any], dict[str, int]] = layered
    kept: tuple[str, ...] = ()
    use: str = USE
    figures: Callable[[Network, Config, Any, str], figures.Figures] | None = None
    measures: tuple[str, ...] = ()
    published: tuple[Published, ...] = ()

    def run(self, config: Config) -> Run:
        """A network that has learnt nothing, with its losses."""
        return self.learner()[0](config)

    def batches(self, corpus: Any, config: Config) -> Batches:
        """What it learns from, and what a validation looks at."""
        return self.learner()[1](corpus, config)


def _charrnn() -> Learner:
    from continuo_daw.training.families.charrnn import CharRNNRun, TokenBatches

    return CharRNNRun, TokenBatches


def _vae() -> Learner:
    from continuo_daw.training.families.phrase_run import PhraseBatches, PhraseRun

    return PhraseRun, PhraseBatches


def _seqae() -> Learner:
    from continuo_daw.training.families.phrase_run import BinaryPhraseRun, PhraseBatches

    return BinaryPhraseRun, PhraseBatches


def _durations() -> Learner:
    from continuo_daw.training.families.notes_run import DurationBatches, DurationRun

    return DurationRun, DurationBatches


def _velocities() -> Learner:
    from continuo_daw.training.families.notes_run import VelocityBatches, VelocityRun

    return VelocityRun, VelocityBatches


def _frames() -> Learner:
    from continuo_daw.training.families.frames import FrameBatches, FramesRun

    return FramesRun, FrameBatches


def _events(config: Config, codec: EventCodec) -> dict[str, int]:
    return layered(config, codec) | {"vocabulary": codec.size, "positions": positions(codec.resolution)}


def _phrases(config: Config, codec: phrases.PhraseCodec) -> dict[str, int]:
    return {"latent": config.phrase.latent, "width": config.phrase.width, "hidden": config.model.hidden}


_VAE = Family(
    learner=_vae,
    codec=phrases.phrase_codec,
    prepare=phrases.prepare_phrases,
    write=phrases.write_phrases,
    read=phrases.read_phrases,
    own="phrase",
    export="continuo_daw.export.phrase_export",
    sizes=_phrases,
    figures=figures.coded,
    measures=("interpolation", "moves"),
)
_DURATIONS = Family(
    learner=_durations,
    codec=notes.note_codec,
    prepare=notes.prepare_notes,
    write=notes.write_notes,
    read=notes.read_notes,
    own="notes",
    export="continuo_daw.export.notes_export",
    use=USE_DURATIONS,
    figures=figures.durations,
    measures=("tunes", "scores"),
)
FAMILIES = {
    "charrnn": Family(
        learner=_charrnn,
        codec=shards.event_codec,
        prepare=shards.prepare,
        write=shards.write_corpus,
        read=shards.read_corpus,
        monitor="valid/conditioned",
        export="continuo_daw.export.charrnn_export",
        sizes=_events,
        figures=figures.sampled,
        published=STEERING,
    ),
    "vae": _VAE,
    "seqae": replace(_VAE, learner=_seqae, measures=("interpolation", "walk")),
    "durations": _DURATIONS,
    "velocities": replace(
        _DURATIONS,
        learner=_velocities,
        prepare=notes.prepare_played,
        kept=("level",),
        use=USE_VELOCITIES,
        figures=figures.velocities,
        measures=("concerts", "humans"),
        published=LOUDNESS,
    ),
    "frames": Family(
        learner=_frames,
        codec=rolls.roll_codec,
        prepare=rolls.prepare_rolls,
        write=rolls.write_rolls,
        read=rolls.read_rolls,
        own="frames",
    ),
}
