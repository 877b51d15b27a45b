"""`continuo models`: what the cards say of the models that are installed."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from continuo_daw.assistant.bundles.bundle import find_bundles, read_bundle
from continuo_daw.assistant.errors import AssistantError
from continuo_daw.assistant.paths import bundled_models, models_dir

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
    return card | {"folder": str(folder), "bytes": sum(map(len, bundle.files.values()))}


def _in_words(model: Mapping[str, Any]) -> str:
    if "broken" in model:
        return f"{model['name']}: cannot be used: {model['broken']}"
    data, metrics = model["data"], model["metrics"]
    parameters = f"{model['sizes'].get('parameters', 0) / 1e6:.1f} million parameters"
    lines = (
        f"{model['name']}: {model['title']}",
        f"tasks      {', '.join(model['tasks'])} ({model['family']})",
        f"size       {parameters}, {model['bytes'] / 1e6:.1f} MB",
        f"trained on {', '.join(data.get('sources', ()))}: {data.get('pieces', {}).get('train', 0)} pieces",
        f"licence    {model['licence'] or 'not said'}",
        f"measured   {_measured(metrics.get('test', {}).get('rows', {}))}",
    )
    return "\n   ".join(lines)


def _measured(rows: Mapping[str, Mapping[str, float]]) -> str:
    """The first measure of every row of the card's table on the test split."""
    if not rows:
        return "not said"
    measure = next(iter(next(iter(rows.values()))))
    values = (f"{name} {next(iter(row.values())):.4g}" for name, row in rows.items())
    return f"{measure.replace('_', ' ')}: {', '.join(values)}"
