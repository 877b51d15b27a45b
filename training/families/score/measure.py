"""What held-out music costs under the score network, in nats an event of the event codec, so that figures compare."""

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

from continuo_daw.assistant.codecs.events import KINDS
from continuo_daw.assistant.codecs.score.window import ANY_PROGRAM, KEY, LENGTH, ONSET, RESOLUTION, SPARE, TRACK, Window
from continuo_daw.training.families.score.checkpoint import load_net
from continuo_daw.training.families.score.features import batch_of
from continuo_daw.training.families.score.heads import FACTORS
from continuo_daw.training.families.score.net import ScoreNet
from continuo_daw.training.families.score.songs import KEYBOARD, MONO, STYLES, Piece, distinct, read_songs, write_songs
from continuo_daw.training.families.score.windows import cut, gapped, whole_windows, with_given

CARDS = {"one voice": "melody", "several voices": "piano"}  # the shipped configurations whose pieces are measured
STEP = 960 // RESOLUTION
MOST = 512  # notes of a window
LONGEST_MEMORY = 2048  # notes of the longest windows
ROOM = 2048
LEAST_NOTES = 4  # of a bar that counts as one that is repeated


def card_pieces(data: Path, cache: Path) -> list[Piece]:
    """The held-out pieces of today's cards, with their number of events."""
    from continuo_daw.training.config import read_config
    from continuo_daw.training.corpus.pieces import load_pieces
    from continuo_daw.training.corpus.shards import encode, event_codec

    found = []
    for name in CARDS.values():
        config = read_config(Path(name))
        codec = event_codec(config)
        pieces, _ = load_pieces(data, config.data.sets, True, cache)
        for piece in pieces:
            if piece.split == "train":
                continue
            tokens = encode(codec, piece.sections).tokens
            told = codec.kinds[tokens] == KINDS.index("VELOCITY")
            found.append(_card_piece(piece, name, len(tokens) - 1, len(tokens) - 1 - int(told.sum())))
    return found


def _card_piece(piece: Any, card: str, events: int, plain: int) -> Piece:
    from continuo_daw.assistant.codecs.condition import meter_index
    from continuo_daw.assistant.music.clip import bar_ticks

    rows, bars, start = [], [], 0
    for section in piece.sections:
        bars.append((start // STEP, bar_ticks(section.meter) // STEP, meter_index(section.meter)))
        for note in section.notes:
            onset = (note.start + start + STEP // 2) // STEP
            end = max((note.end + start + STEP // 2) // STEP, onset + 1)
            rows.append((onset, 0, note.pitch, end - onset, note.velocity))
        start += section.length
    one = card == "melody"
    table = distinct(np.array(rows, np.int32))
    return Piece(
        piece.id, f"card:{card}", piece.split, len(STYLES) - 1, table, np.array([ANY_PROGRAM if one else 0], np.int32),
        np.array([MONO if one else KEYBOARD], np.int32), np.array(bars, np.int32), start // STEP, events, plain,
    )  # fmt: skip


def batched(windows: Sequence[Window], room: int = ROOM) -> list[list[Window]]:
    """Windows of like length together."""
    batches: list[list[Window]] = []
    for window in sorted(windows, key=lambda w: len(w.notes), reverse=True):
        if batches and (len(batches[-1]) + 1) * len(batches[-1][0].notes) <= room:
            batches[-1].append(window)
        else:
            batches.append([window])
    return batches


@torch.no_grad()
def costs(net: ScoreNet, windows: Sequence[Window]) -> list[tuple[Window, dict[str, NDArray[np.float64]]]]:
    """Each window with the nats of each factor of its events and of END, (N + 1,)."""
    net.eval()
    found = []
    for some in batched(windows):
        nats = {name: value.double().numpy() for name, value in net(batch_of(some)).items()}
        found += [
            (window, {name: value[row, : len(window.notes) + 1] for name, value in nats.items()})
            for row, window in enumerate(some)
        ]
    net.train()
    return found


def figures(net: ScoreNet, pieces: Sequence[Piece], most: int = MOST) -> dict[str, float]:
    """Nats an event, with and without velocities, by factor a note, and of repeated bars, for some pieces of cards."""
    windows = [window for piece in pieces for window in whole_windows(piece, most)]
    found = costs(net, windows)
    sums = {name: sum(float(nats[name].sum()) for _, nats in found if name in nats) for name in FACTORS}
    notes = sum(len(window.notes) for window in windows)
    events, plain = sum(p.events for p in pieces), sum(p.plain for p in pieces)
    total = sum(sums.values())
    result = {f"{name} a note": value / max(notes, 1) for name, value in sums.items()} | {"notes": notes}
    if events:
        result |= {"event": total / events, "event without velocity": (total - sums["velocity"]) / plain}
    result["note"] = total / max(notes, 1)
    bars = [bar for window, nats in found for bar in repeated_bars(window, sum(nats.values()))]
    far = [cost for cost, lag in bars if lag > 1]
    result["repeated bar"] = float(np.mean([cost for cost, _ in bars])) if bars else float("nan")
    result |= {"repeated bars": len(bars), "far repeats": len(far)}
    result["repeated bar, not the last one"] = float(np.mean(far)) if far else float("nan")
    return result


def repeated_bars(window: Window, nats: NDArray[np.float64]) -> list[tuple[float, int]]:
    """(nats, bars back) of the bars of a window that were heard in it before: the same places, pitches, durations."""
    seen: dict[bytes, int] = {}
    found = []
    section = np.searchsorted(window.bars[:, 0], window.notes[:, ONSET], "right") - 1
    first, size, _ = window.bars[section].T
    if (size == 0).any():
        return []
    before = np.cumsum([0, *-(-np.diff(window.bars[:, 0]) // np.maximum(window.bars[:-1, 1], 1))])
    bar = before[section] + (window.notes[:, ONSET] - first) // size
    place = (window.notes[:, ONSET] - first) % size
    for number in np.unique(bar)[:-1]:  # the last one may be cut off
        own = np.flatnonzero(bar == number)
        notes = window.notes[own][:, [TRACK, KEY, LENGTH]]
        key = np.column_stack([place[own], notes]).tobytes()
        if key in seen and len(own) >= LEAST_NOTES:
            found.append((float(nats[own].sum()), int(number - seen[key])))
        seen[key] = number
    return found


def without_given(window: Window) -> Window:
    """The same notes to be written with nothing given."""
    nothing = np.empty(0, np.int32)
    return replace(window, given=window.given[:0], given_lane=nothing, given_programs=nothing)


def beside(window: Window, given: Sequence[int], most: int) -> Window | None:
    """The first `most` notes of the other lanes with the lanes `given` as a whole; None where nothing is left."""
    told = np.isin(window.notes[:, TRACK], given)
    number = np.cumsum(~np.isin(np.arange(len(window.programs)), given)) - 1
    written = window.notes[~told].copy()
    if not len(written) or not told.any():
        return None
    written[:, TRACK] = number[written[:, TRACK]]
    programs, voices = np.delete(window.programs, given), np.delete(window.voices, given)
    whole = replace(window, notes=written, learnt=np.ones(len(written), bool), programs=programs, voices=voices)
    own = cut(whole, most)
    others = window.notes[told]
    others = others[others[:, ONSET] <= own.notes[-1, ONSET] + SPARE]
    return with_given(own, others, window.programs, False)


def given_figures(net: ScoreNet, pieces: Sequence[Piece]) -> dict[str, float]:
    """What it helps to be given: nats a note of the piano of songs with and without the voice, and of gaps of one
    voice or keyboard with and without the notes ahead."""
    random = np.random.default_rng(1)
    songs, gaps = [], []
    for piece in pieces:
        keys = [track for track, flag in enumerate(piece.flags) if flag & KEYBOARD]
        others = [track for track in range(len(piece.flags)) if track not in keys]
        if not keys or not others or len(others) > 2:
            continue
        window = beside(whole_windows(piece, 2 * MOST, [others, keys])[0], [0], MOST // 2)
        songs += [window] if window else []
        gap = gapped(whole_windows(piece, MOST // 2, [keys])[0], MOST // 2, random)
        if len(gap.given):
            inside = gap.notes[:, ONSET] >= gap.end - 4 * max(int(gap.bars[0, 1]), 1)
            gaps.append(replace(gap, learnt=inside))
    found = {}
    for title, windows in (("piano beside the voice", songs), ("gap", gaps)):
        for name, some in ((title, windows), (f"{title}, nothing given", [without_given(w) for w in windows])):
            priced = costs(net, some)
            notes = sum(int(window.learnt.sum()) for window in some)
            found[name] = sum(float(sum(nats.values()).sum()) for _, nats in priced) / max(notes, 1)
    return found


def some_of(pieces: Sequence[Piece], notes: int) -> list[Piece]:
    """Pieces spread evenly, about `notes` notes together; all where `notes` is 0."""
    total = sum(len(piece.notes) for piece in pieces)
    return list(pieces)[:: max(1, -(-total // notes))] if notes else list(pieces)


def table(net: ScoreNet, cards: Sequence[Piece], pieces: Sequence[Piece], split: str, notes: int) -> dict[str, Any]:
    """The figures of one voice, several voices, drums, and of every style, in nats a note there."""
    found: dict[str, Any] = {}
    for title, card in CARDS.items():
        own = some_of([p for p in cards if p.source == f"card:{card}" and p.split == split], notes)
        found[title] = figures(net, own)
        found[f"{title}, long memory"] = figures(net, own, LONGEST_MEMORY)
    held_out = [piece for piece in pieces if piece.split == split]
    found["drums"] = figures(net, some_of([p for p in held_out if p.source == "groove_drums"], notes // 2))
    styles = {}
    for number, style in enumerate(STYLES):
        own = [p for p in held_out if p.style == number and not p.source.startswith("groove") and len(p.flags) <= 8]
        windows = [
            whole_windows(p, MOST, [[t] for t in range(len(p.flags))])[0] for p in own[:: -(-len(own) // 6) or 1]
        ]
        if windows:
            priced = costs(net, windows)
            total = sum(float(sum(nats.values()).sum()) for _, nats in priced)
            styles[style] = total / sum(len(window.notes) for window in windows)
    lieder = [piece for piece in held_out if piece.source == "openscore_lieder"]
    found["given, nats a note"] = given_figures(net, some_of(lieder, 3 * notes))
    return found | {"styles, nats a note": styles}


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure a run of the score network, or pack the pieces of the cards.")
    parser.add_argument("run", type=Path, help="last.ckpt of a run, or with --pack the packed file to write")
    parser.add_argument(
        "--pack", type=Path, metavar="DATA", help="pack the held-out pieces of the cards in this folder"
    )
    parser.add_argument("--cache", type=Path, help="folder for prepared data")
    parser.add_argument("--cards", type=Path, help="the packed pieces of the cards")
    parser.add_argument("--songs", type=Path, help="the packed songs")
    parser.add_argument("--split", choices=("valid", "test"), default="valid")
    parser.add_argument("--notes", type=int, default=0, help="notes of each figure, about; 0 for all")
    args = parser.parse_args()
    torch.set_num_threads(1)
    if args.pack:
        write_songs(card_pieces(args.pack, args.cache or args.run.parent), args.run)
        return
    net = load_net(args.run)
    print(json.dumps(table(net, read_songs(args.cards), read_songs(args.songs), args.split, args.notes), indent=1))


if __name__ == "__main__":
    main()
