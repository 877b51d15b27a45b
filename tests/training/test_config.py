"""Configurations: what ships can be read, and what is wrong in one is named."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from continuo_daw import training
from continuo_daw.training.config import Config, ConfigError, config_of, read_config, table_of
from continuo_daw.training.corpus.parts import ONE_VOICED, RULES

CONFIGS = Path(training.__file__).parent / "configs"
MEASURED_ONLY = ("frames-jsb", "frames-nottingham")  # benchmarks, whose weights never ship
SHIPPED = sorted(
    file for file in CONFIGS.glob("*.toml") if not file.stem.endswith("-ablation") and file.stem not in MEASURED_ONLY
)
SMALL = 'name = "a"\ntitle = "b"\n[[data.sets]]\nname = "c"\n'


def read(folder: Path, text: str) -> Config:
    file = folder / "some.toml"
    file.write_text(text, encoding="utf-8")
    return read_config(file)


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.stem)
def test_a_shipped_configuration_can_be_read(file: Path) -> None:
    config = read_config(file)
    assert config.name == file.stem
    assert config.licence
    assert config.attribution
    assert {entry.parts for entry in config.data.sets} <= RULES.keys()


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.stem)
def test_one_voice_is_fed_by_rules_that_give_one_voice(file: Path) -> None:
    config = read_config(file)
    rules = {entry.parts for entry in config.data.sets}
    assert (config.codec.voices == "one") == (rules <= ONE_VOICED)


def test_small_and_large_configurations_ship() -> None:
    sampled = {"melody", "piano", "melody-large", "piano-large", "pop909"}
    coded = {"melody-2bars", "melody-4bars", "melody-codes", "piano-bars"}
    refined = {"durations", "velocities", "velocities-clean"}
    assert {file.stem for file in SHIPPED} == sampled | coded | refined


@pytest.mark.parametrize("name", MEASURED_ONLY)
def test_a_benchmark_can_be_read_and_ships_nothing(name: str) -> None:
    config = read_config(Path(name))
    assert (config.name, config.model.family, config.licence, config.attribution) == (name, "frames", "", ())


def test_what_is_left_out_has_its_default(tmp_path: Path) -> None:
    config = read(tmp_path, SMALL)
    assert (config.codec.resolution, config.model.family, config.tasks) == (24, "charrnn", ("generate", "continue"))


def test_a_whole_number_serves_where_a_real_one_is_wanted(tmp_path: Path) -> None:
    rate = read(tmp_path, SMALL + "[train]\nlearning_rate = 1\n").train.learning_rate
    assert (rate, type(rate)) == (1.0, float)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (SMALL + "[train]\nstep = 1\n", ["train", "unknown key 'step'", "steps"]),
        (SMALL + 'colour = "red"\n', ["data", "sets[0]", "unknown key 'colour'"]),
        (SMALL + '[train]\nsteps = "many"\n', ["train", "steps", "must be int", "'many'"]),
        (SMALL + "[train]\nsteps = 1.5\n", ["steps", "must be int", "1.5"]),
        (SMALL + "[train]\nsteps = true\n", ["steps", "must be int", "True"]),
        (SMALL + "[train]\nlearning_rate = true\n", ["learning_rate", "must be float"]),
        (SMALL + 'styles = "folk"\n', ["sets[0]", "styles", "must be a list"]),
        (SMALL + "styles = [1]\n", ["styles[0]", "must be str"]),
        ('train = 3\nname = "a"\ntitle = "b"\n[[data.sets]]\nname = "c"\n', ["train", "must be a table"]),
        ('title = "b"\n[[data.sets]]\nname = "c"\n', ["the key 'name' is missing"]),
        ('name = "a"\ntitle = "b"\n', ["the key 'data' is missing"]),
        ('name = "a"\ntitle = "b"\n[data]\n', ["data", "the key 'sets' is missing"]),
        ("name = \n", ["line 1"]),
    ],
)
def test_what_is_wrong_is_named_with_the_file(tmp_path: Path, text: str, named: list[str]) -> None:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, text)
    for part in ["some.toml", *named]:
        assert part in str(caught.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"missing\.toml"):
        read_config(tmp_path / "missing.toml")


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.stem)
def test_a_table_gives_its_configuration_back(file: Path) -> None:
    config = read_config(file)
    assert config_of(table_of(config), "here") == config


def test_a_table_keeps_what_is_not_the_default(tmp_path: Path) -> None:
    config = read(tmp_path, SMALL)
    changed = replace(config, train=replace(config.train, batch=7), attribution=("x", "y"))
    assert config_of(table_of(changed), "here") == changed != config
