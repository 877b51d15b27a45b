"""Small pieces for the score network."""

from pathlib import Path

import numpy as np
import torch

from continuo_daw.assistant.codecs.condition import condition
from continuo_daw.assistant.codecs.score.window import Window
from continuo_daw.training.corpus.readers import Song, Track, note_table
from continuo_daw.training.corpus.sets import Entry
from continuo_daw.training.families.score.features import batch_of
from continuo_daw.training.families.score.net import ScoreConfig, ScoreNet
from continuo_daw.training.families.score.songs import Piece, piece_of

SMALL = ScoreConfig(width=24, hidden=32, heads=4, pointers=2, size=8, value=8, given=16, dropout=0.0)


def notes(rows: list[tuple[float, float, int]]) -> np.ndarray:
    """A note table of (start, duration, pitch), in quarters."""
    start, length, pitch = np.array(rows).T
    return note_table(start * 960, (start + length) * 960, pitch, np.full(len(rows), 80))


def band(bars: int = 12) -> Piece:
    """A piece of a tune, piano chords and drums, in bars of four quarters that repeat every four bars."""
    tune = [(4 * bar + beat, 1, 60 + (bar % 4) * 2 + beat) for bar in range(bars) for beat in range(4)]
    chords = [(4 * bar, 4, 48 + key + bar % 4) for bar in range(bars) for key in (0, 4, 7)]
    beats = [(4 * bar + beat, 0.5, 36) for bar in range(bars) for beat in range(4)]
    tracks = (
        Track("tune", 40, False, notes(tune)),
        Track("piano", 0, False, notes(chords)),
        Track("kit", 0, True, notes(beats)),
    )
    song = Song(tracks, ((0, (4, 4)),), ((0, 120.0),), bars_known=True)
    piece = piece_of(song, Entry(Path("a.mid"), "a", "a", "train", "", style="reel"), "set")
    assert piece is not None
    return piece


def tune(random: np.random.Generator, notes: int, lanes: int, drums: bool = False) -> np.ndarray:
    """(notes, 5) a tune whose second half repeats the first, up to a note, in some lanes."""
    half = notes // 2
    rows = []
    for start in (0, 192):
        state = np.random.default_rng(7)
        onset = start
        for _ in range(half):
            onset += int(state.choice([0, 12, 24], p=[0.3, 0.4, 0.3]))
            rows.append((onset, int(state.integers(lanes)), int(state.integers(50, 70)), 12, 80))
    rows[-3] = (rows[-3][0], rows[-3][1], 71, 150, 90)
    table = np.unique(np.array(rows, np.int32), axis=0)
    table = table[np.lexsort((table[:, 2], table[:, 1], table[:, 0]))]
    keep = np.append(True, (np.diff(table[:, :3], axis=0) != 0).any(1))
    table = table[keep]
    table[:, 4] = np.where(random.random(len(table)) < 0.2, 60, 80)
    return table


def window(seed: int, lanes: int, given: int = 0) -> Window:
    random = np.random.default_rng(seed)
    notes = tune(random, 26, lanes)
    others = tune(random, 2 * given, 1) if given else notes[:0]
    programs = np.array([0, 40, 128][:lanes], np.int32)
    wish = condition(np.ones(12), 60, 1.0)
    return Window(
        notes, others, np.full(len(others), -1, np.int32), np.full(len(others), 33, np.int32), programs,
        np.ones(len(notes), bool), True, np.array([[0, 96, 15]], np.int32), 480, wish, 3, "", np.zeros(lanes, bool),
    )  # fmt: skip


def one_pass(net: ScoreNet, windows: list[Window]) -> dict[str, np.ndarray]:
    """The logits of each factor at all positions of some windows, (rows, positions, classes), in one parallel pass."""
    batch, past, heads = batch_of(windows), {}, net.heads
    with torch.no_grad():
        heard = net.listen(batch, past)
        whole = {"onset": heads.onset_logits(batch, heard, 0)}
        asked = heads.entered(net, batch, past, heard, 0)
        if len(windows[0].programs) > 1:
            whole["lane"] = heads.lane_logits(net, batch, asked, 0)
        heads.laned(batch, asked, 0)
        whole["pitch"] = heads.pitch_logits(net, batch, asked, 0)
        heads.pitched(batch, asked, 0)
        whole["duration"] = heads.duration_logits(net, batch, asked, 0)
        whole["velocity"] = heads.velocity_logits(net, batch, asked, 0)
    return {name: value.numpy() for name, value in whole.items()}
