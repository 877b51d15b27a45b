"""`continuo originality`: what a clip shares with the corpus that a model has learnt from."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from continuo_daw.assistant.bundles.bundle import INDEX, Card, find_bundles, read_bundle, read_card
from continuo_daw.assistant.bundles.families import FAMILIES
from continuo_daw.assistant.commands.task import refuse_to_write
from continuo_daw.assistant.drawing.originality import found_where, originality_picture
from continuo_daw.assistant.errors import AssistantError
from continuo_daw.assistant.music.clip import Clip
from continuo_daw.assistant.music.midi import read_midi
from continuo_daw.assistant.originality.index import Found, Index, alarm_level, measured
from continuo_daw.assistant.originality.index_file import read_index
from continuo_daw.assistant.originality.lines import line_of
from continuo_daw.assistant.paths import bundled_models, models_dir

COLUMNS = ("copied_notes_p50", "copied_notes_p90", "copied_share_mean")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The clip, the model, and what is written."""
    parser.add_argument("clip", type=Path, metavar="IN.mid", help="MIDI file to look for")
    parser.add_argument("--model", default="", metavar="NAME", help="whose corpus to search; default: what suits")
    parser.add_argument("--picture", type=Path, metavar="OUT.png", help="draw the clip beside the nearest piece")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of lines")


def run(args: argparse.Namespace) -> int:
    """Read the clip, search, and say what was found."""
    refuse_to_write([args.picture], [args.clip])
    clip = read_midi(args.clip)
    card, index = index_for(args.model, clip)
    notes = _checked(args.clip, clip, index)
    found = index.search(clip)
    lines = in_words(card, index, found, notes)
    if args.picture:
        originality_picture(clip, index, found, args.clip.name, lines, args.picture)
    print(json.dumps(_report(args, card, found, notes)) if args.json else "\n".join([f"{args.clip}:", *lines]))
    return 0


def _checked(path: Path, clip: Clip, index: Index) -> int:
    """How many notes count. Raises AssistantError `bad_args` for a clip that cannot be like anything."""
    if clip.drums:
        raise AssistantError("bad_args", f"{path} has drums, and originality is told by tones")
    notes = len(line_of(clip, bool(index.one)).note)
    if notes < 2:
        have = "no notes that sound" if not notes else "one note"
        raise AssistantError("bad_args", f"{path} has {have}; it takes at least 2, one after the other, to be a tune")
    return notes


def index_for(wanted: str, clip: Clip) -> tuple[Card, Index]:
    """Card and index of the model asked for, or of one whose voices suit the clip. Raises AssistantError `no_model`."""
    folders = {}
    for folder in find_bundles((bundled_models(), models_dir())):
        try:
            card = read_card(folder)
        except AssistantError:
            if folder.name == wanted:
                raise
            continue
        if INDEX in card.files:
            folders[card.name] = (card, folder)
    known = ", ".join(folders) or "none is installed"
    if (wanted and wanted not in folders) or not folders:
        raise AssistantError("no_model", f"no model {wanted or 'at all'} with an index of its corpus; known: {known}")
    voices = "one" if clip.monophonic else "many"

    def suits(name: str) -> tuple[bool, bool]:
        card = folders[name][0]
        return card.codec.get("voices") == voices, FAMILIES[card.family].samples

    bundle = read_bundle(folders[wanted or max(folders, key=suits)][1])
    try:
        return bundle.card, read_index(bundle.files[INDEX])
    except AssistantError as error:
        raise AssistantError(error.code, f"{bundle.folder}: {error.text}") from None


def in_words(card: Card, index: Index, found: Found, notes: int) -> list[str]:
    """What was found, and beside it what people share; the first line is the verdict."""
    human, alarm = measured(card, "human", notes, COLUMNS), alarm_level(card, notes)
    if not found.nearest:
        return [f"nothing of it is in the corpus of {card.name}"]
    verdict = f"{found.similarity:.0%} like {found.nearest}{found_where(index, found)}"
    if alarm is not None and alarm < 1:
        verdict = ("likely a copy: " if found.similarity > alarm else "nothing unusual: ") + verdict
    lines = [verdict]
    if alarm is not None:
        usual = f"1 in 200 clips of {notes} notes by people is more than {alarm:.0%} like a piece of this corpus"
        lines.append(usual if alarm < 1 else f"{notes} notes are too few to tell a copy from chance")
    run = f"longest run of notes shared with one piece in the same tempo: {found.copied_notes}"
    share = f"{found.copied_share:.1%} of its 12-note runs are in the corpus"
    if human:
        run += f"; half of human tunes of this length share {human[0]:.0f} or more, one in ten {human[1]:.0f} or more"
        share += f", of human tunes {human[2]:.1%}"
    return [*lines, run, share]


def _report(args: argparse.Namespace, card: Card, found: Found, notes: int) -> dict[str, object]:
    """All that `--json` prints. Notes of clip and piece count from 0."""
    human = measured(card, "human", notes, COLUMNS)
    return {
        "file": str(args.clip),
        "model": card.name,
        "notes": notes,
        "copied_notes": found.copied_notes,
        "copied_share": found.copied_share,
        "nearest": found.nearest,
        "similarity": found.similarity,
        "semitones": found.semitones,
        "scale": found.scale,
        "runs": [[run.clip, run.piece, run.length] for run in found.runs],
        "human": dict(zip(COLUMNS, human, strict=True)) if human else None,
        "alarm": alarm_level(card, notes),
        "picture": args.picture and str(args.picture),
    }
