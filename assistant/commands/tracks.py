"""`continuo tracks`: what is in a MIDI file, track by track."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from continuo_daw.assistant.music.clip import TICKS
from continuo_daw.assistant.music.midi import read_score
from continuo_daw.assistant.music.score import Part


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, metavar="FILE.mid", help="MIDI file")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")


def run(args: argparse.Namespace) -> int:
    """A line for each track, and one for time; damage is named on stderr."""
    score = read_score(args.file)
    for warning in score.warnings:
        print(f"continuo: {args.file}: {warning}", file=sys.stderr)
    rows = [_row(number, part) for number, part in enumerate(score.parts, 1)]
    time = score.parts[0].clip.time
    meters = [[tick / TICKS, f"{meter[0]}/{meter[1]}"] for tick, meter in time.meters]
    tempos = [[tick / TICKS, tempo] for tick, tempo in time.tempos]
    if args.json:
        print(json.dumps({"tracks": rows, "upbeat": time.upbeat / TICKS, "meters": meters, "tempos": tempos}))
        return 0
    for row in rows:
        what = "drums" if row["drums"] else f"program {row['program'] or '-'}"
        where = f"channel {row['channel']}, {row['notes']} notes, {row['bars']} bars"
        print(f"{row['track']:>3}  {row['name'] or '(no name)':24}  {what:12}  {where}")
    upbeat = f", up-beat of {time.upbeat / TICKS:g} beats" if time.upbeat else ""
    changes = sum(len(some) - 1 for some in (meters, tempos))
    print(f"     {meters[0][1]} at {tempos[0][1]:g} bpm{upbeat}, {changes} changes of tempo or meter")
    return 0


def _row(number: int, part: Part) -> dict[str, object]:
    clip = part.clip
    return {
        "track": number,
        "name": clip.name,
        "channel": clip.channel,
        "program": clip.program,
        "drums": clip.drums,
        "notes": part.sounding,
        "bars": clip.bars,
        "beats": clip.length / TICKS,
    }
