"""`continuo models`: what the cards say of the models that are installed."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from assistant.bundle import Bundle, find_bundles, read_bundle
from assistant.paths import bundled_models, models_dir
from assistant.request import AssistantError

HEADLINE = 4  # metrics in a line; `--json` has them all
WIRING = ("format", "codec", "files")  # fields of a card that say nothing to a musician


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `continuo models`."""
    parser.add_argument("--json", action="store_true", help="print one JSON array with everything that the cards say")


def run(args: argparse.Namespace) -> int:
    """Print every model; one that cannot be used with what is wrong."""
    models = [_model(folder) for folder in find_bundles((bundled_models(), models_dir()))]
    if args.json:
        print(json.dumps(models, ensure_ascii=False, indent=1))
    else:
        print("\n\n".join(_in_words(model) for model in models) or "no models are installed")
    return 0


def _model(folder: Path) -> dict[str, Any]:
    """The card as a table with the `folder` and the `bytes` of the graphs, or what is `broken`."""
    try:
        bundle = read_bundle(folder)
    except AssistantError as error:
        return {"name": folder.name, "folder": str(folder), "broken": error.text}
    card = {key: value for key, value in asdict(bundle.card).items() if key not in WIRING}
    return card | {"folder": str(folder), "bytes": _size(bundle)}


def _size(bundle: Bundle) -> int:
    return sum(len(graph) for graph in bundle.graphs.values())


def _in_words(model: Mapping[str, Any]) -> str:
    if "broken" in model:
        return f"{model['name']}: cannot be used: {model['broken']}"
    sizes = f"{_brief(model['sizes'], len(model['sizes']))}; {model['bytes'] / 1e6:.1f} MB"
    lines = (
        f"{model['name']}: {model['title']}",
        f"tasks      {', '.join(model['tasks'])} ({model['family']})",
        f"size       {sizes}",
        f"trained on {_brief(model['data'], HEADLINE)}",
        f"licence    {model['licence']}",
        f"measured   {_brief(model['metrics'], HEADLINE)}",
    )
    return "\n   ".join(lines)


def _brief(table: Mapping[str, Any], count: int) -> str:
    """The first entries in words: of a table inside the table its keys, of a list its items."""
    return "; ".join(f"{key} {_words(value)}" for key, value in list(table.items())[:count])


def _words(value: object) -> str:
    if isinstance(value, (Mapping, list, tuple)):
        return ", ".join(str(item) for item in value)
    return f"{value:.4g}" if isinstance(value, float) else str(value)
