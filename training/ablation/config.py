"""The configuration of an ablation of the Continuous SeqAE: one TOML, every key known, nothing executed."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from continuo_daw.training.config import CodecConfig, ConfigError, DataConfig, build, read_table


@dataclass(frozen=True)
class AblationTrain:
    """What all rows share. Shares are of all steps."""

    seed: int = 1
    steps: int = 2500
    batch: int = 12  # tunes of one step
    learning_rate: float = 3e-3
    warmup: int = 50  # steps
    decay: float = 0.75  # share after which the learning rate falls to a hundredth
    clip: float = 1.0  # gradient norm
    normalised: float = 0.75  # share after which the normalisation of the codes stays as it is
    noise: float = 0.4  # scale of the logistic noise before the tanh ...
    noise_rise: tuple[float, ...] = (0.1, 0.5)  # ... which it reaches between these shares
    extra_rise: tuple[float, ...] = (0.05, 0.5)  # the other two losses rise between these shares ...
    extra_fall: float = 0.9  # ... and fall until this one, by equal factors, ...
    extra_end: float = 0.15  # ... to this part of their weights
    measure_every: int = 500  # steps, from checkpoint to checkpoint
    threads: int = 1

    def rate(self, step: int) -> float:
        """The part of the learning rate that holds at a step."""
        share = step / self.steps
        fall = 1.0 if share < self.decay else max(0.01, (1 - share) / (1 - self.decay))
        return min(1.0, (step + 1) / self.warmup) * fall

    def noise_at(self, step: int) -> float:
        """The scale of the noise at a step."""
        return self.noise * risen(step / self.steps, self.noise_rise)

    def strength(self, step: int) -> float:
        """The part of the weights of continuity and quantisation that holds at a step."""
        share, (_, top) = step / self.steps, self.extra_rise
        fallen = min(1.0, max(0.0, share - top) / (self.extra_fall - top))
        return risen(share, self.extra_rise) * self.extra_end**fallen


def risen(share: float, between: tuple[float, ...]) -> float:
    """0 before the first of two shares, 1 behind the second, straight between them."""
    first, last = between
    return min(1.0, max(0.0, (share - first) / (last - first)))


@dataclass(frozen=True)
class RowConfig:
    name: str
    continuity: float = 0.0  # weights of the losses
    quantisation: float = 0.0


@dataclass(frozen=True)
class AblationConfig:
    name: str
    data: DataConfig
    rows: tuple[RowConfig, ...]
    codec: CodecConfig = field(default_factory=CodecConfig)
    tunes: int = 0  # the first ones of the train split; 0 for all
    length: int = 8  # tokens of a subsequence
    bits: int = 16  # of a code
    embedding: int = 32
    hidden: int = 128  # cells of each LSTM
    spread: float = 2.0  # standard deviation of what tanh is given
    train: AblationTrain = field(default_factory=AblationTrain)


def read_ablation(path: Path) -> AblationConfig:
    """The configuration in a TOML file, or the shipped one of that name. Raises ConfigError that says what is wrong."""
    table, where = read_table(path)
    config: AblationConfig = build(AblationConfig, table, where)
    check(config, where)
    return config


def check(config: AblationConfig, where: str) -> None:
    """Raises ConfigError where values do not go together."""
    train = config.train
    for name in ("noise_rise", "extra_rise"):
        between = getattr(train, name)
        if len(between) != 2 or not 0 <= between[0] < between[1]:
            raise ConfigError(f"{where}: train: {name} {list(between)} must be two shares, the first below the second")
    if not train.extra_rise[1] < train.extra_fall <= 1:
        raise ConfigError(f"{where}: train: extra_fall {train.extra_fall} must lie behind extra_rise, up to 1")
    for name, value in (("length", config.length), ("bits", config.bits), ("batch", train.batch)):
        if value < 1:
            raise ConfigError(f"{where}: {name} {value} is less than 1")
    if len({row.name for row in config.rows}) < len(config.rows) or not config.rows:
        raise ConfigError(f"{where}: rows: there must be some, each with a name of its own")
