"""`continuo measure`: how well a latent space interpolates, moves, walks, or notes are refined, on held-out pieces."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from platformdirs import user_cache_path
from tqdm import tqdm

from continuo_daw.assistant.bundles.bundle import Bundle, read_bundle
from continuo_daw.assistant.bundles.network import load
from continuo_daw.assistant.codecs.phrases import Bars
from continuo_daw.assistant.drawing.piano_roll import Row, piano_roll
from continuo_daw.assistant.drawing.self_similarity import draw, sameness, self_similarity
from continuo_daw.assistant.engine import Engine
from continuo_daw.assistant.errors import AssistantError
from continuo_daw.assistant.latent.common import mean_velocity
from continuo_daw.assistant.latent.space import Latent, clip_from, levelled
from continuo_daw.assistant.music.attributes import NAMES, attributes
from continuo_daw.assistant.music.clip import Clip
from continuo_daw.assistant.option import Value
from continuo_daw.assistant.request import Request
from continuo_daw.training.corpus.pieces import Piece
from continuo_daw.training.evaluation import refine_measure
from continuo_daw.training.evaluation.card import engine_of, folder_of, pieces_of
from continuo_daw.training.evaluation.latent_measures import (
    Array,
    Figures,
    Judge,
    Move,
    Phrase,
    change_of,
    copied_share,
    drawn,
    grams_of,
    judge_of,
    move_figures,
    pairs,
    phrases_in,
    slopes,
    way_figures,
    wished,
)
from continuo_daw.training.families.table import FAMILIES

Table = dict[str, Figures]
Tables = dict[str, Table]

STEPS = 8  # clips of a way
MIDDLE = slice(3, 5)  # the two steps next to the middle of a way
STAY = np.zeros((1, 1))  # no step at all
LEAST_NOTES = 6  # of a clip that is moved: with fewer, one note changes too much
LEARNT = 1000  # phrases of the train split that say how a code number goes with its attribute
WALK_BARS = 16
THEMES = (0.8, 0.0)  # chances to return to the theme
CLIPS_A_WALK = 5  # of --clips
SEED = 3
WAYS: dict[str, dict[str, Value]] = {
    "spherical": {"curve": "spherical"},
    "linear": {"curve": "linear"},
    "binary": {"space": "binary"},
    "data": {"space": "data"},
}


@dataclass(frozen=True)
class Setting:
    """What every measurement needs; `judge` and `pictures` may be missing."""

    engine: Engine
    latent: Latent
    pieces: Sequence[Piece]
    clips: int
    judge: Judge | None
    pictures: Path | None

    def phrases(self, split: str, least: int = 1) -> list[Phrase]:
        """The phrases of a split that the bundle can take. Raises AssistantError where there is none."""
        codec = self.latent.codec
        found = phrases_in(self.pieces, split, codec.bars, least, codec.most)
        found = [phrase for phrase in found if not codec.refusal(phrase.clip)]
        if not found:
            raise AssistantError("bad_args", f"--data: no phrase of {codec.bars} bars in the {split} split")
        return found

    def ask(self, task: str, clips: tuple[Clip, ...], seed: int, **options: Value) -> list[Clip]:
        """What the product answers."""
        model = self.latent.network.bundle.card.name
        result = self.engine.run(Request(task, clips, {"model": model, "seed": seed} | options))
        return [candidate.clip for candidate in result.candidates]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `continuo measure`."""
    parser.add_argument("bundle", help="folder of a bundle, or the name of an installed model")
    parser.add_argument("--data", type=Path, required=True, help="folder with the sets that the bundle's card names")
    parser.add_argument("--judge", metavar="BUNDLE", help="Char-RNN that says what the clips on a way cost")
    parser.add_argument("--what", metavar="NAME,...", help=f"some of {', '.join(MEASURES)}; left out: all that suit")
    parser.add_argument("--clips", type=int, default=200, help="pairs and clips; a fifth as many walks (default 200)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--pictures", type=Path, metavar="DIR", help="folder for pictures of a way and of walks")
    parser.add_argument("--cache", type=Path, default=None, help="folder for unpacked data")


def run(args: argparse.Namespace) -> int:
    """Print the figures. Raises AssistantError where bundles or data cannot be used."""
    folder, bundle = folder_of(args.bundle), read_bundle(folder_of(args.bundle))
    cache = args.cache or user_cache_path("continuo")
    if set(FAMILIES[bundle.card.family].measures) & set(refine_measure.MEASURES):
        return shown(args, {"bundle": str(folder), "split": "test"}, refine_measure.measured(bundle, args, cache))
    if args.clips < CLIPS_A_WALK:
        raise AssistantError("bad_args", f"--clips {args.clips} is less than {CLIPS_A_WALK}")
    wanted = wanted_of(bundle, args.what)
    judge = judge_of(read_bundle(folder_of(args.judge))) if args.judge else None
    if args.pictures:
        args.pictures.mkdir(parents=True, exist_ok=True)
    pieces = pieces_of(bundle, args.data, cache)
    latent = Latent(load(bundle, "cpu", 1))
    setting = Setting(engine_of(bundle), latent, pieces, args.clips, judge, args.pictures)
    found = {name: MEASURES[name](setting) for name in wanted}
    return shown(args, {"bundle": str(folder), "judge": args.judge, "split": "test", "clips": args.clips}, found)


def shown(args: argparse.Namespace, asked: dict[str, Any], found: dict[str, Tables]) -> int:
    """Prints what was found; with --json together with what was asked."""
    print(json.dumps(asked | found, indent=1, ensure_ascii=False) if args.json else as_text(asked["bundle"], found))
    return 0


def wanted_of(bundle: Bundle, what: str | None) -> list[str]:
    """The measurements that are asked for. Raises AssistantError for one that is unknown or does not suit."""
    able = FAMILIES[bundle.card.family].measures
    wanted = what.split(",") if what else list(able)
    for name in wanted or [""]:
        if name not in able:
            known = ", ".join(able) or "nothing"
            raise AssistantError("bad_args", f"--what {name}: of {bundle.card.name} can be measured: {known}")
    return wanted


def interpolation(setting: Setting) -> Tables:
    """Ways between pairs of phrases, and with a judge what their clips cost."""
    ends = pairs(setting.phrases("test"), setting.clips, SEED)
    if not ends:
        raise AssistantError("bad_args", "--data: no two phrases of the test split in one meter")
    kinds = {name: options for name, options in WAYS.items() if name != "binary" or setting.latent.binary}
    made = {
        name: [setting.ask("interpolate", pair, seed, steps=STEPS, **options) for seed, pair in _bar(ends, name)]
        for name, options in kinds.items()
    }
    tables = {"ways": {name: way_figures(ways) for name, ways in made.items()}}
    if setting.judge:
        tables["cost"] = _costs(setting.judge, setting.latent, ends, made)
    if setting.pictures:
        for name, ways in made.items():
            rows = [Row(f"step {step}", None, clip) for step, clip in enumerate(ways[0])]
            piano_roll(rows, setting.pictures / f"interpolation-{name}.png", f"A way between two phrases, {name}")
    return tables


def _costs(judge: Judge, latent: Latent, ends: Sequence[tuple[Clip, Clip]], made: dict[str, list[list[Clip]]]) -> Table:
    """What ends and steps cost, in nats a note, and the part by which that is above the ends as they were `given`, and
    above the ends on the `grid` of the model's codec; all that again with all notes equally loud."""
    given = [clip for pair in ends for clip in pair]
    sets = {
        "ends, given": given,
        "ends, grid": [_through(latent, clip, latent.bars_of(clip)) for clip in given],
        "ends, decoded": [_through(latent, clip, decoded(latent, clip, STAY)[0]) for clip in given],
    }
    for name, ways in made.items():
        sets[name] = [clip for way in ways for clip in way[1:-1]]
        sets[f"{name}, middle"] = [clip for way in ways for clip in way[MIDDLE]]
    table: Table = {name: {} for name in sets}
    for said, even in (("", False), ("even ", True)):
        cost = {name: judge.cost(clips, even) for name, clips in sets.items()}
        for name, value in cost.items():
            table[name][f"{said}cost"] = value
            for end in ("given", "grid"):
                table[name][f"{said}above {end}"] = value / cost[f"ends, {end}"] - 1
    return table


def _through(latent: Latent, clip: Clip, bars: Bars) -> Clip:
    """Bars as a clip that is as loud as another."""
    made = clip_from(latent, bars, clip)
    return replace(made, notes=levelled(made.notes, mean_velocity(clip)))


def decoded(latent: Latent, clip: Clip, steps: Array) -> list[Bars]:
    """The bars of a clip's code after each of some steps (N, Z)."""
    codes = latent.encode(clip)[None] + steps[:, None]
    return latent.decode(codes.astype(np.float32), clip.bars, clip.bar // latent.codec.step)


def moves(setting: Setting) -> Tables:
    """Attributes moved by a standard deviation up or down, in turn: by the product, by the attribute vector alone, and
    where the card says that code numbers were tied to attributes, by that number alone."""
    space, latent = setting.latent.space, setting.latent
    unit = np.asarray(space.deviations, float)
    clips = drawn(setting.phrases("test", LEAST_NOTES), setting.clips, SEED)
    ways = {"vector only": np.asarray(space.directions, float)}
    if float(latent.network.bundle.card.metrics.get("regular") or 0) > 0:
        ways["regularised dimension"] = _own_numbers(setting, unit)
    found: dict[str, list[Move]] = {"search": [], **{name: [] for name in ways}}
    turned = impossible = 0
    for number, clip in _bar(clips, "moves"):
        sign = 1 - 2 * (number % 2)
        wishes = np.array([wished(clip, which, sign, unit) for which in range(len(NAMES))])
        turned, impossible = turned + int((wishes * sign < 0).sum()), impossible + int((wishes == 0).sum())
        steps = np.concatenate([np.zeros((1, len(space.mean))), *(wishes[:, None] * way for way in ways.values())])
        plain, *made = (clip_from(latent, bars, clip) for bars in decoded(latent, clip, steps))
        for which in np.flatnonzero(wishes).tolist():
            asked = float(wishes[which])
            moved = setting.ask("vary", (clip,), number, **{NAMES[which]: float(asked * unit[which])})[0]
            found["search"].append(Move(which, asked, change_of(clip, moved, unit)))
            for row, name in enumerate(ways):
                after = made[row * len(NAMES) + which]
                found[name].append(Move(which, asked, change_of(plain, after, unit)))
    counts: Table = {"all": {"clips": len(clips), "other sign": turned, "left out": impossible}}
    return {name: move_figures(some) for name, some in found.items()} | {"asked": counts}


def _own_numbers(setting: Setting, unit: Array) -> Array:
    """(A, Z) for each attribute a step of its own code number alone, as long as raises it by a standard deviation."""
    clips = drawn(setting.phrases("train"), LEARNT, SEED)
    codes = np.concatenate([setting.latent.encode(clip) for clip in clips]).astype(float)
    values = np.array([[attributes(clip)[name] for name in NAMES] for clip in clips]) / unit
    return np.eye(len(NAMES), codes.shape[1]) * slopes(codes, values)[:, None]


def walk(setting: Setting) -> Tables:
    """Walks with and without returns to the theme, beside stretches of held-out pieces: how alike their bars are, and
    which share of their runs of notes stands in the train split."""
    seeds = range(setting.clips // CLIPS_A_WALK)
    known = grams_of(setting.pieces, "train")
    kinds = {f"theme_probability {chance:g}": chance for chance in THEMES}
    clips = {
        name: [setting.ask("walk", (), seed, bars=WALK_BARS, theme_probability=chance)[0] for seed in seeds]
        for name, chance in kinds.items()
    }
    human = [phrase.clip for phrase in phrases_in(setting.pieces, "test", WALK_BARS, most=setting.latent.codec.most)]
    table: Table = {}
    for name, some in (clips | {"held-out pieces": human}).items():
        share, count = copied_share(some, known)
        alike = float(np.mean([sameness(self_similarity(clip)) for clip in some])) if some else 0.0
        table[name] = {"clips": len(some), "self-similarity": alike, "copied": share, "runs": count}
    if setting.pictures:
        matrices = {name: self_similarity(some[0]) for name, some in clips.items()}
        titled = [(f"{name}: {sameness(matrix):.2f}", matrix) for name, matrix in matrices.items()]
        draw(titled, setting.pictures / "walk.png", f"Walks of {WALK_BARS} bars, seed 0")
    return {"walks": table}


def _bar(items: Sequence[Any], name: str) -> Iterator[tuple[int, Any]]:
    return enumerate(tqdm(items, name))


MEASURES: dict[str, Callable[[Setting], Tables]] = {"interpolation": interpolation, "moves": moves, "walk": walk}


def as_text(bundle: str, found: dict[str, Tables]) -> str:
    """The figures as tables for people."""
    lines = [bundle]
    for what, tables in found.items():
        for name, table in tables.items():
            columns = list(next(iter(table.values())))
            width = max(map(len, (f"{what}: {name}", *table)))
            lines += ["", f"{what + ': ' + name:{width}}" + "".join(f"  {column:>9}" for column in columns)]
            for row, figures in table.items():
                shown = (f"  {figures[key]:>{max(9, len(key))}.4g}" for key in columns)
                lines.append(f"{row:{width}}" + "".join(shown))
    return "\n".join(lines)
