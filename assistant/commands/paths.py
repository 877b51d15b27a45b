"""`continuo paths`: where things lie on this machine."""

from __future__ import annotations

import argparse
import json

from continuo_daw.assistant.paths import PLACES


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `continuo paths`."""
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    """Print every place, one a line."""
    places = {name: str(place()) for name, place in PLACES.items()}
    if args.json:
        print(json.dumps(places))
    else:
        for name, place in places.items():
            print(f"{name:15} {place}")
    return 0
