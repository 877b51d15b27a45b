"""The configuration of a training run: one TOML, every key known, nothing executed."""

from __future__ import annotations

import tomllib
from dataclasses import MISSING, asdict, dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any, get_args, get_type_hints

from continuo_daw.training.corpus.pieces import SetConfig

SHIPPED = Path(__file__).parent / "configs"


class ConfigError(ValueError):
    """A configuration that cannot be used; the text names the file, the table and the key."""


@dataclass(frozen=True)
class CodecConfig:
    resolution: int = 24  # steps a quarter
    voices: str = "many"  # one | many
    timing: str = "round"  # round | micro


@dataclass(frozen=True)
class ModelConfig:
    family: str = "charrnn"
    layers: int = 3
    hidden: int = 512
    dropout: float = 0.3  # between the layers and before the output


@dataclass(frozen=True)
class PhraseConfig:
    """Of the autoencoders, `vae` and `seqae`."""

    bars: int = 2  # of a phrase
    most: int = 24  # notes a bar, the first ones
    latent: int = 128  # numbers, or bits, of a code
    width: int = 384  # of what is known of a bar
    sheet: int = 32  # of what is known of a sixteenth
    beta: float = 0.1  # weight of the KL divergence, reached after `rise` steps
    rise: int = 1000
    free_bits: float = 0.0  # nats of each latent number that cost nothing
    sampled: float = 0.2  # share of notes fed back as the network would sample them, reached after `rise` steps
    roll: float = 1.0  # weight of what the code alone says of the notes
    mixed: float = 0.0  # share of phrases made of bars from anywhere
    regular: float = 0.0  # weight of the attribute regularisation
    pairs: bool = False  # batches hold each phrase and the next one
    noise: float = 0.0  # standard deviation of what is added to a code before its tanh, so that it moves to its signs
    continuity: float = 0.0  # weight of the distance between the code of a phrase and the signs of the next
    quantisation: float = 0.0  # weight of the distance between a code and its own signs


@dataclass(frozen=True)
class NotesConfig:
    """Of the refine networks, `durations` and `velocities`."""

    window: int = 192  # notes that are looked at together
    margin: int = 16  # notes at each edge of which the next window says more
    drums: bool = False  # whether the corpus has drums
    level: float = 64.0  # mean velocity to which each set is brought; 0 leaves them as they are


@dataclass(frozen=True)
class FramesConfig:
    """Of the benchmark on piano rolls, `frames`."""

    width: int = 256  # of the state within a frame
    heads: int = 6  # that look frames up
    size: int = 32  # of a head
    forget: float = 0.1  # share of the notes just heard that the network is not told while it learns
    average: float = 0.998  # share of the averaged weights that each step keeps


@dataclass(frozen=True)
class DataConfig:
    sets: tuple[SetConfig, ...]


@dataclass(frozen=True)
class TrainConfig:
    seed: int = 1
    steps: int = 4000  # optimiser steps; the learning rate falls to zero over them
    batch: int = 32  # rows of one step, on each device
    length: int = 256  # tokens a row
    learning_rate: float = 3e-3
    warmup: int = 200  # steps
    weight_decay: float = 0.01
    label_smoothing: float = 0.0
    clip: float = 1.0  # gradient norm
    free: float = 0.35  # share of sequences that get no condition at all
    leave_out: float = 0.2  # chance that each part of the condition is left out of the others
    transpose: int = 6  # semitones: -transpose to transpose - 1, drawn anew each time
    validate_every: int = 250  # steps
    patience: int = 8  # validations without a better one before the run stops
    threads: int = 0  # 0: as many as the machine has


@dataclass(frozen=True)
class ExportConfig:
    int8_cost: float = 0.005  # share of the test NLL that int8 weights may cost
    same_bars: float = 0.99  # share of bars that the fp32 graph of a phrase autoencoder must write as torch does
    parity: float = 1e-4  # largest difference of a logit between torch and the fp32 graph


@dataclass(frozen=True)
class Config:
    name: str
    title: str
    data: DataConfig
    licence: str = ""  # of the weights
    attribution: tuple[str, ...] = ()  # whom the licences of the data want named
    tasks: tuple[str, ...] = ("generate", "continue")
    codec: CodecConfig = field(default_factory=CodecConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    phrase: PhraseConfig = field(default_factory=PhraseConfig)
    notes: NotesConfig = field(default_factory=NotesConfig)
    frames: FramesConfig = field(default_factory=FramesConfig)
    train: TrainConfig = field(default_factory=TrainConfig)
    export: ExportConfig = field(default_factory=ExportConfig)


def read_config(path: Path) -> Config:
    """The configuration in a TOML file, or the shipped one of that name. Raises ConfigError that says what is wrong."""
    config: Config = build(Config, *read_table(path))
    return config


def read_table(path: Path) -> tuple[dict[str, Any], str]:
    """The table in a TOML file, or in the shipped one of that name, and the name of the file that was read."""
    shipped = SHIPPED / f"{path.name.removesuffix('.toml')}.toml"
    if not path.is_file() and shipped.is_file():
        path = shipped
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror or error}") from None
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: {error}") from None
    return table, str(path)


def config_of(table: dict[str, Any], where: str) -> Config:
    """The configuration in a table, as TOML or a checkpoint holds it."""
    config: Config = build(Config, table, where)
    return config


def table_of(config: Config) -> dict[str, Any]:
    """The table that `config_of` reads back."""
    return asdict(config)


def build(cls: type, table: Any, where: str) -> Any:
    """A dataclass of configuration from a table. Raises ConfigError that names file and key."""
    if not isinstance(table, dict):
        raise ConfigError(f"{where}: must be a table, not {table!r}")
    known = {f.name: f for f in fields(cls)}
    for key in table:
        if key not in known:
            raise ConfigError(f"{where}: unknown key {key!r}; known: {', '.join(known)}")
    types = get_type_hints(cls)
    values = {key: _value(types[key], value, f"{where}: {key}") for key, value in table.items()}
    for key, entry in known.items():
        if key not in values and entry.default is MISSING and entry.default_factory is MISSING:
            raise ConfigError(f"{where}: the key {key!r} is missing")
    return cls(**values)


def _value(kind: Any, value: Any, where: str) -> Any:
    if is_dataclass(kind):
        return build(kind, value, where)
    inner = get_args(kind)
    if inner:  # tuple[X, ...]
        if not isinstance(value, (list, tuple)):
            raise ConfigError(f"{where}: must be a list, not {value!r}")
        return tuple(_value(inner[0], item, f"{where}[{index}]") for index, item in enumerate(value))
    if kind is float and type(value) is int:
        return float(value)
    if type(value) is not kind:
        raise ConfigError(f"{where}: must be {kind.__name__}, not {value!r}")
    return value
