"""Songs, windows and repeats of the score network."""

import dataclasses
from pathlib import Path

import numpy as np
import torch
from tiny_score import band, notes

from continuo_daw.assistant.codecs.score.echoes import LAGS
from continuo_daw.assistant.codecs.score.window import DRUMS, ONSET
from continuo_daw.training.corpus.readers import Song, Track
from continuo_daw.training.corpus.sets import Entry
from continuo_daw.training.families.score.features import batch_of
from continuo_daw.training.families.score.heads import CLOSED
from continuo_daw.training.families.score.net import ScoreConfig, ScoreNet
from continuo_daw.training.families.score.sampler import Sampler
from continuo_daw.training.families.score.songs import (
    DRUM,
    KEYBOARD,
    MONO,
    Piece,
    piece_of,
    read_songs,
    style_of,
    twins,
    write_songs,
)
from continuo_daw.training.families.score.windows import accompanied, draw, gapped, whole_windows


def test_a_piece_keeps_its_tracks_apart(tmp_path: Path) -> None:
    piece = band()
    assert piece.flags.tolist() == [MONO, KEYBOARD, DRUM]
    assert piece.length == 12 * 96
    assert piece.bars.tolist() == [[0, 96, 15]]
    assert (np.diff(piece.notes[:, ONSET]) >= 0).all()
    assert piece.style == style_of("Irish reel") != style_of("waltz")
    write_songs([piece, piece], tmp_path / "songs.npz")
    back = read_songs(tmp_path / "songs.npz")
    assert [p.name for p in back] == ["set/a", "set/a"]
    np.testing.assert_array_equal(back[1].notes, piece.notes)


def test_a_train_piece_that_repeats_a_held_out_one_is_a_twin_in_any_key() -> None:
    random = np.random.default_rng(0)
    tune = [(n, 1, int(key)) for n, key in enumerate(random.integers(50, 80, 80))]
    other = [(n, 1, int(key)) for n, key in enumerate(random.integers(50, 80, 80))]

    def piece(rows: list[tuple[int, int, int]], split: str) -> Piece:
        song = Song((Track("", 40, False, notes(rows)),), ((0, (4, 4)),), ((0, 120.0),), True)
        found = piece_of(song, Entry(Path("a.mid"), split, split, split, ""), "set")
        assert found is not None
        return found

    moved = [(start, length, key + 5) for start, length, key in tune]
    assert twins([piece(tune, "test"), piece(moved, "train"), piece(other, "train")]) == {1}


def test_accompanied_lanes_are_given_or_written() -> None:
    window = whole_windows(band(), 999, [[0], [1], [2]])[0]
    for seed in range(8):
        found = accompanied(window, 999, np.random.default_rng(seed))
        assert len(found.notes) + len(found.given) == len(window.notes)
        assert len(found.given)
        assert found.notes[:, 1].max() < len(found.programs)
        assert (found.given_lane == -1).all()
        assert set(found.given_programs) | set(found.programs) == {40, 0, DRUMS}


def test_a_gap_ends_where_the_notes_ahead_begin() -> None:
    window = whole_windows(band(), 999, [[0]])[0]
    found = gapped(window, 999, np.random.default_rng(1))
    assert found.ends
    assert found.end % 96 == 0
    assert found.notes[:, ONSET].max() < found.end <= found.given[:, ONSET].min()
    batch = batch_of([found])
    assert batch["to_onset"][0, len(found.notes)] == 112


def test_windows_can_be_drawn_again() -> None:
    pieces = [band(), dataclasses.replace(band(20), name="set/b")]
    samplers = [Sampler(pieces, {"set": 1.0}, 512, 64, 3) for _ in range(2)]
    for number in (0, 1):
        left, right = (sampler.pool(number) for sampler in samplers)
        assert [[w.name for w in batch] for batch in left] == [[w.name for w in batch] for batch in right]
        np.testing.assert_array_equal(left[0][0].notes, right[0][0].notes)
    for batch in samplers[0].pool(0):
        assert len(batch) * len(batch[0].notes) <= 512
        for window in batch:
            assert len(window.notes) <= 2 * 64
            assert len(np.unique(window.notes[:, :3], axis=0)) == len(window.notes)


def test_nothing_closed_is_ever_asked_for() -> None:
    random = np.random.default_rng(5)
    for _ in range(40):
        window = draw(band(), 64, random)
        if window is None:  # nearly everything of it was given
            continue
        batch = batch_of([window])
        asked = batch["to_pitch"] >= 0
        assert (batch["to_pitch"][asked] >= batch["floor"][asked]).all()
        lane = batch["to_lane"] >= 0
        assert (batch["to_lane"][lane] >= batch["lane_floor"][lane]).all()
        assert (batch["to_lane"][lane] < len(window.programs)).all()


def test_runs_and_echoes_find_what_returns() -> None:
    batch = batch_of(whole_windows(band(), 999, [[0]]))
    n = 24  # the last note of bar 6: bars 5 and 6 stood four bars before
    assert batch["runs"][0, n, n - 15, 0] == 7  # the first note of a window follows none
    lag = LAGS.index(4)
    assert batch["echo_pitch"][0, n, lag] == batch["pitch_next"][0, n]
    assert batch["echo_key"][0, n, lag] == batch["pitch_next"][0, n]
    assert batch["echo_delta"][0, n, lag] == 24
    assert batch["echo_hits"][0, n, lag, 1] == 1
    assert batch["echo_hits"][0, n, LAGS.index(1), 0] == 0


def test_a_moved_run_is_found_as_moved() -> None:
    piece = band()
    moved = piece.notes.copy()
    moved[moved[:, ONSET] >= 4 * 96, 2] += 5
    batch = batch_of(whole_windows(dataclasses.replace(piece, notes=moved), 999, [[0]]))
    n = 24
    assert batch["runs"][0, n, n - 15, 0] == 0
    assert batch["runs"][0, n, n - 15, 1] == 7  # the step into the first of the eight is another
    assert batch["echo_moved"][0, n, LAGS.index(4)] == batch["pitch_next"][0, n]


def test_one_voice_waits_for_the_end_of_its_last_note() -> None:
    torch.manual_seed(0)
    net = ScoreNet(ScoreConfig(width=16, hidden=16, heads=2, pointers=1, size=8, value=8, given=8)).eval()
    window = whole_windows(band(), 999, [[0]])[0]
    assert window.voices.tolist() == [True]
    batch = batch_of([window])
    assert batch["one"].tolist() == [1]
    with torch.no_grad():
        heard = net.listen(batch, {})
        logits = net.heads.onset_logits(batch, heard, 0)
    assert (logits[0, 5, :24] == CLOSED).all()
    assert (logits[0, 5, 24:] > CLOSED).all()
    assert batch_of(whole_windows(band(), 999, [[1]]))["one"].tolist() == [0]
