"""`continuo map`: where clips stand among the corpus that a latent model has learnt from."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

from continuo_daw.assistant.bundles.bundle import Bundle
from continuo_daw.assistant.commands.task import refuse_to_write
from continuo_daw.assistant.drawing.map_layout import Map, Place
from continuo_daw.assistant.drawing.map_page import map_page
from continuo_daw.assistant.drawing.map_picture import map_picture
from continuo_daw.assistant.engine import Engine
from continuo_daw.assistant.errors import AssistantError
from continuo_daw.assistant.latent.common import suits
from continuo_daw.assistant.latent.space import Codes, Latent, Space, phrases_of
from continuo_daw.assistant.music.clip import Clip
from continuo_daw.assistant.music.midi import read_midi

WRITERS = {".png": map_picture, ".html": map_page}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The clips, the model, and the files to write."""
    parser.add_argument("clips", nargs="+", type=Path, metavar="CLIP.mid", help="MIDI file to put on the map")
    parser.add_argument(
        "-o",
        "--out",
        action="append",
        required=True,
        type=Path,
        metavar="MAP.png|MAP.html",
        help="a picture, or a page that names what the pointer is on; may be given twice",
    )
    parser.add_argument("--model", default="", metavar="NAME", help="a model with a latent space; default: what suits")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of lines")


def run(args: argparse.Namespace) -> int:
    """Read the clips, find their places, and write the map."""
    refuse_to_write(args.out, args.clips)
    for file in args.out:
        if file.suffix.lower() not in WRITERS:
            raise AssistantError("bad_args", f"cannot write {file}: a map is one of {', '.join(WRITERS)}")
    clips = [read_midi(path) for path in args.clips]
    latent = _latent(Engine(), args.model, clips)
    places = [_place(latent, path, clip) for path, clip in zip(args.clips, clips, strict=True)]
    whole = _map(latent, places)
    for file in args.out:
        WRITERS[file.suffix.lower()](whole, file)
    if args.json:
        print(json.dumps(_report(latent, args, whole)))
    else:
        _print_lines(latent, args, whole)
    return 0


def on_map(space: Space, codes: Codes) -> Codes:
    """Where codes (K, Z) stand: (K, 2) along the first two main directions, in standard deviations of the corpus."""
    main = space.basis[:2]
    found: Codes = (codes - space.mean) @ main.T / np.square(main).sum(-1)
    return found


def _latent(engine: Engine, wanted: str, clips: list[Clip]) -> Latent:
    """The model asked for, or the one that suits the clips. Raises AssistantError `no_model` where there is none."""
    able: dict[str, Bundle] = {name: b for name, b in engine.bundles.items() if b.family.codes}
    known = ", ".join(able) or "none is installed"
    if wanted and wanted not in able:
        why = f" ({engine.broken[wanted]})" if wanted in engine.broken else ""
        raise AssistantError("no_model", f"no model {wanted} with a latent space{why}; known: {known}")
    if not able:
        broken = "; ".join(engine.broken.values())
        raise AssistantError(
            "no_model", "no model with a latent space is installed" + (f": {broken}" if broken else "")
        )
    best = wanted or max(able, key=lambda name: suits(able[name], clips, binary=False))
    return Latent(engine.network(best))


def _place(latent: Latent, path: Path, clip: Clip) -> Place:
    """A clip on the map. Raises AssistantError `bad_args` that names the file of one that has no place there."""
    if all(note.muted for note in clip.notes):
        raise AssistantError("bad_args", f"{path} has no notes that sound")
    if clip.drums:
        raise AssistantError("bad_args", f"{path} has drums, and the map is one of tones")
    if reason := latent.codec.refusal(clip):
        raise AssistantError("bad_args", f"{path}: {reason}, so {latent.network.bundle.card.name} cannot take it")
    size = latent.codec.bars
    starts = phrases_of(clip.bars, size).starts.tolist()
    bars = tuple((start + 1, min(start + size, clip.bars)) for start in starts)
    return Place(path.name, bars, on_map(latent.space, latent.encode(clip)))


def _map(latent: Latent, places: list[Place]) -> Map:
    space, card = latent.space, latent.network.bundle.card
    whole = float(np.square(space.basis).sum() + np.square(space.rest).sum())
    shares = np.square(space.basis[:2]).sum(-1) / max(whole, 1e-9)
    return Map(card.title, space.points, space.titles, tuple(places), (float(shares[0]), float(shares[1])))


def _report(latent: Latent, args: argparse.Namespace, whole: Map) -> dict[str, object]:
    """All that `--json` prints. Positions are in standard deviations of the corpus, bars count from 1."""
    clips = [
        {
            "file": str(path),
            "position": place.position.tolist(),
            "phrases": [
                {"bars": list(bars), "position": at}
                for bars, at in zip(place.bars, place.phrases.tolist(), strict=True)
            ],
        }
        for path, place in zip(args.clips, whole.places, strict=True)
    ]
    return {
        "model": latent.network.bundle.card.name,
        "corpus_phrases": len(whole.points),
        "variance_shares": list(whole.shares),
        "clips": clips,
        "files": [str(file) for file in args.out],
    }


def _print_lines(latent: Latent, args: argparse.Namespace, whole: Map) -> None:
    for path, place in zip(args.clips, whole.places, strict=True):
        x, y = place.position
        print(f"{path}: {x:+.2f}, {y:+.2f} standard deviations, {len(place.bars)} phrases")
    print(f"{latent.network.bundle.card.name}: {', '.join(map(str, args.out))}")
