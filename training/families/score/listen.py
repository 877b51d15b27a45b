"""Continuations of held-out pieces as files to listen to, and a few plain statistics of them beside people's."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from continuo_daw.assistant.codecs.score.window import KEY, LENGTH, LOUDNESS, ONSET, STEP, Window
from continuo_daw.assistant.music.clip import Clip, Note
from continuo_daw.assistant.music.midi_write import write_midi
from continuo_daw.training.families.score.checkpoint import load_net
from continuo_daw.training.families.score.net import ScoreNet
from continuo_daw.training.families.score.sample import Choice, Writer
from continuo_daw.training.families.score.songs import Piece, read_songs
from continuo_daw.training.families.score.windows import whole_windows

BARS = 8  # of a prompt, and of what is written behind it
MOST = 400  # notes of a prompt and its continuation together
LEAST = 16  # notes of a prompt


def prompts(pieces: Sequence[Piece], count: int) -> list[tuple[Window, Window, int]]:
    """(prompt, prompt with what its composer wrote, steps a bar) of `count` pieces in one meter, spread evenly."""
    found = []
    for piece in pieces:
        bar = int(piece.bars[0, 1])
        if len(piece.bars) > 1 or not bar or piece.length < 2 * BARS * bar:
            continue
        window = whole_windows(piece, MOST)[0]
        onset = window.notes[:, ONSET]
        if onset[-1] < (2 * BARS - 1) * bar or (onset < BARS * bar).sum() < LEAST:
            continue
        found.append((first_bars(window, BARS * bar), first_bars(window, 2 * BARS * bar), bar))
    return found[:: max(1, len(found) // count)][:count]


def first_bars(window: Window, steps: int) -> Window:
    """The notes of a window before `steps`."""
    keep = window.notes[:, ONSET] < steps
    return replace(window, notes=window.notes[keep], learnt=np.ones(int(keep.sum()), bool), ends=False)


def continued(net: ScoreNet, prompt: Window, until: int, choice: Choice) -> Window:
    """A prompt with what the network writes up to the step `until`."""
    writer = Writer(net, [prompt], choice, endless=True)
    while len(writer.windows[0].notes) < 2 * MOST:
        row, _, _ = writer.step()
        if row[0, ONSET] >= until:
            break
    return first_bars(writer.windows[0], until)


def clip_of(window: Window, bar: int) -> Clip:
    """A window as a clip; meters are told as whole quarters or eighths."""
    meter = (bar // 24, 4) if bar % 24 == 0 else (max(bar // 12, 1), 8)
    notes = tuple(
        Note(int(row[ONSET]) * STEP, int(row[KEY]), int(row[LENGTH]) * STEP, int(row[LOUDNESS])) for row in window.notes
    )
    return Clip(notes, 2 * BARS * bar * STEP, 100.0, meter)


def statistics(window: Window, bar: int) -> dict[str, float]:
    """Plain statistics of the continuation in a window of prompt and continuation."""
    first = window.notes[window.notes[:, ONSET] < BARS * bar]
    rest = window.notes[window.notes[:, ONSET] >= BARS * bar]
    own = grams(rest)
    stood = grams(first)
    bars = [bar_key(window.notes, number, bar) for number in range(2 * BARS)]
    late = range(BARS, 2 * BARS)
    return {
        "clashes": clashes(rest),
        "patterns of the prompt": float(np.mean([gram in set(stood) for gram in own])) if own else float("nan"),
        "bars of the prompt again": float(np.mean([bool(bars[n]) and bars[n] in bars[:BARS] for n in late])),
        "own bars again": float(np.mean([bool(bars[n]) and bars[n] in bars[BARS:n] for n in late])),
        "silent bars": float(np.mean([not bars[n] for n in late])),
        "notes a bar": len(rest) / BARS,
        "new pitch classes": float(np.mean(~np.isin(rest[:, KEY] % 12, first[:, KEY] % 12))) if len(rest) else 0.0,
        "same velocity": float(np.mean(np.diff(rest[:, LOUDNESS]) == 0)) if len(rest) > 1 else float("nan"),
    }


def clashes(notes: NDArray[np.int32]) -> float:
    """Share of the intervals between notes that sound together that are one or eleven semitones, octaves aside."""
    start, end, key = notes[:, ONSET], notes[:, ONSET] + notes[:, LENGTH], notes[:, KEY]
    left, right = np.nonzero(
        (start[:, None] <= start) & (start < end[:, None]) & (np.arange(len(notes))[:, None] < np.arange(len(notes)))
    )
    steps = np.abs(key[left] - key[right])
    apart = steps[steps > 0] % 12
    return float(np.mean(np.isin(apart, (1, 11)))) if len(apart) else float("nan")


def grams(notes: NDArray[np.int32]) -> list[tuple[int, ...]]:
    """Three notes in a row of the top line: two intervals, two gaps between onsets."""
    top = notes[np.append(np.diff(notes[:, ONSET]) > 0, True)] if len(notes) else notes
    steps, gaps = np.diff(top[:, KEY]), np.diff(top[:, ONSET])
    return list(zip(steps[:-1].tolist(), steps[1:].tolist(), gaps[:-1].tolist(), gaps[1:].tolist(), strict=True))


def bar_key(notes: NDArray[np.int32], number: int, bar: int) -> bytes:
    """What stands in a bar: places, pitches, durations; empty where nothing does."""
    own = notes[notes[:, ONSET] // bar == number]
    return np.column_stack([own[:, ONSET] % bar, own[:, KEY], own[:, LENGTH]]).astype(np.int32).tobytes()


def summary(windows: Sequence[tuple[Window, int]]) -> dict[str, Any]:
    """The means of the statistics."""
    rows = [statistics(window, bar) for window, bar in windows]
    return {name: round(float(np.nanmean([row[name] for row in rows])), 3) for name in rows[0]}


def main() -> None:
    parser = argparse.ArgumentParser(description="Continue held-out pieces, for listening.")
    parser.add_argument("run", type=Path, help="last.ckpt of a run")
    parser.add_argument("--cards", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True, help="folder for the .mid files")
    parser.add_argument("--count", type=int, default=5, help="prompts of one voice, and of several")
    parser.add_argument("--split", default="valid")
    parser.add_argument("--top-p", type=float, default=1.0)
    args = parser.parse_args()
    torch.set_num_threads(1)
    net, pieces = load_net(args.run), read_songs(args.cards)
    args.out.mkdir(parents=True, exist_ok=True)
    for card in ("melody", "piano"):
        own = [piece for piece in pieces if piece.source == f"card:{card}" and piece.split == args.split]
        ours, theirs = [], []
        for number, (prompt, truth, bar) in enumerate(prompts(own, args.count)):
            made = continued(net, prompt, 2 * BARS * bar, Choice(top_p=args.top_p, seed=number))
            ours.append((made, bar))
            theirs.append((truth, bar))
            write_midi(clip_of(made, bar), args.out / f"{card}-{number}.mid")
            write_midi(clip_of(truth, bar), args.out / f"{card}-{number}-composer.mid")
        print(json.dumps({card: {"people": summary(theirs), "ours": summary(ours)}}, indent=1), flush=True)


if __name__ == "__main__":
    main()
