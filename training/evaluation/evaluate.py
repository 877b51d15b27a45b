"""`continuo evaluate`: what the events of held-out pieces cost under a bundle, beside what its card says.

If asked, also what it makes, beside music by people.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
from pathlib import Path
from typing import Any

from platformdirs import user_cache_path

from continuo_daw.assistant.bundles.bundle import CARD, Card, read_bundle
from continuo_daw.assistant.bundles.network import load
from continuo_daw.assistant.bundles.runtime import pick_device
from continuo_daw.assistant.errors import AssistantError
from continuo_daw.training.corpus.pieces import CorpusError
from continuo_daw.training.corpus.shards import SPLITS
from continuo_daw.training.evaluation.card import config_of_card, folder_of, pieces_of
from continuo_daw.training.families.table import FAMILIES

COUNTS = ("events", "notes", "pieces", "phrases", "kl_nats_per_phrase", "without_value")
Rows = dict[str, dict[str, float]]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `continuo evaluate`."""
    parser.add_argument("bundle", help="folder of a bundle, or the name of an installed model")
    parser.add_argument("data", type=Path, help="folder with the sets that the bundle's card names")
    parser.add_argument("--split", choices=SPLITS, default="test", help="which pieces to measure (default test)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="cpu", help="where to run (default cpu)")
    parser.add_argument("--threads", type=int, default=0, help="of the graph; 0 (default): as many as there are cores")
    parser.add_argument("--cache", type=Path, default=None, help="folder for prepared data")
    parser.add_argument("--generated", action="store_true", help="measure what the model makes, too (minutes)")
    parser.add_argument("--report", type=Path, metavar="FILE", help="write a page with pictures (as --generated)")
    parser.add_argument("--markdown", action="store_true", help="print tables in Markdown (as --generated)")
    parser.add_argument("--write-card", action="store_true", help="put the figures into the card (as --generated)")
    parser.add_argument("--clips", type=int, default=500, help="clips of each row, of all seeds together (default 500)")
    parser.add_argument(
        "--seeds", type=int, default=5, help="seeds, each with windows and clips of its own (default 5)"
    )


def run(args: argparse.Namespace) -> int:
    """Print the figures. Raises AssistantError where the bundle or the data cannot be used."""
    for name in ("clips", "seeds"):
        if getattr(args, name) < 1:
            raise AssistantError("bad_args", f"--{name} {getattr(args, name)} is less than 1")
    making = args.generated or args.report or args.markdown or args.write_card
    if making and args.split != "test":
        raise AssistantError("bad_args", f"--split {args.split}: what a model makes is compared with the test split")
    folder = folder_of(args.bundle)
    cache = args.cache or user_cache_path("continuo")
    found = evaluate(folder, args.data, cache, args.split, args.device, args.threads)
    lines = [] if args.json else [as_text(found)]
    if making:
        lines += made(args, folder, cache, found)
    print(json.dumps(found, indent=1, ensure_ascii=False) if args.json else "\n".join(lines))
    return 0


def made(args: argparse.Namespace, folder: Path, cache: Path, found: dict[str, Any]) -> list[str]:
    """Adds to what was found what the model makes; page and card are written. Tables as lines."""
    # what only this needs is imported here: the rest is as quick as before
    from continuo_daw.training.evaluation.generated import generated, write_card
    from continuo_daw.training.evaluation.report import write_report

    bundle = read_bundle(folder)
    pieces = pieces_of(bundle, args.data, cache) if "generate" in bundle.card.tasks else []
    whole = generated(bundle, pieces, args.clips, args.seeds)
    found["generation"] = whole.json()
    said: Rows = bundle.card.metrics.get("test", {}).get("rows", {})
    found["card_rows"] = {name: row for name, row in said.items() if name not in found["rows"]}
    if args.report:
        write_report(args.report, found, bundle.card.title, whole)
    if args.write_card:
        write_card(folder, found["generation"])
    return [*whole.markdown()]


def evaluate(
    folder: Path, data: Path, cache: Path, split: str = "test", device: str = "cpu", threads: int = 0
) -> dict[str, Any]:
    """`bundle`, `split`, counts, `rows` of figures, and `difference` of the rows to those in the card, None for a split
    that cards do not speak of. Raises AssistantError."""
    bundle = read_bundle(folder)
    config, family = config_of_card(bundle.card, folder), FAMILIES[bundle.card.family]
    assert family.figures, "a family with bundles is measured"
    try:
        with contextlib.redirect_stdout(sys.stderr):  # what becomes of the files is no part of the answer
            corpus = family.prepare(config, data, cache)
    except CorpusError as error:
        raise AssistantError("bad_args", f"{folder}: {error}") from None
    if not corpus.origin["pieces"][split]:
        raise AssistantError("bad_args", f"--split {split}: the data in {data} have no piece in it")
    network = load(bundle, pick_device(device)[0], threads)
    found = family.figures(network, config, corpus, split)
    apart = difference(found["rows"], bundle.card, folder) if split == "test" else None
    return {"bundle": str(folder), "split": split} | found | {"difference": apart}


def difference(rows: Rows, card: Card, folder: Path) -> Rows:
    """By how much each figure lies above that of the card."""
    try:
        said = card.metrics["test"]["rows"]
        return {name: {key: round(row[key] - said[name][key], 4) for key in row} for name, row in rows.items()}
    except (KeyError, TypeError) as error:
        raise AssistantError("no_model", f"{folder}: the metrics of {CARD} lack a figure: {error}") from None


def as_text(found: dict[str, Any]) -> str:
    """The figures as lines for people."""
    rows, apart = found["rows"], found["difference"]
    width = max(map(len, rows))
    first = next(iter(next(iter(rows.values()))))
    counts = ", ".join(f"{value} {key.replace('_', ' ')}" for key, value in found.items() if key in COUNTS)
    columns = [name.replace("_per_", "/").replace("_", " ") for name in next(iter(rows.values()))]
    lines = [
        f"{found['bundle']}, {found['split']} split: {counts}",
        f"{'':{width}}" + "".join(f"  {column:>10}" for column in columns) + ("  beside the card" if apart else ""),
    ]
    for name, row in rows.items():
        figures = zip(columns, row.values(), strict=True)
        line = f"{name:{width}}" + "".join(f"  {value:{max(10, len(column))}.4f}" for column, value in figures)
        lines.append(line + (f"  {apart[name][first]:+15.4f}" if apart else ""))
    return "\n".join(lines)
