"""Measures of a latent space: right on clips whose figures are known, and whole on tiny bundles."""

from __future__ import annotations

import argparse
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny_phrases
from tiny import tune, write_data

from continuo_daw.assistant.bundles.bundle import read_bundle
from continuo_daw.assistant.errors import AssistantError
from continuo_daw.assistant.music.attributes import NAMES
from continuo_daw.assistant.music.clip import TICKS, Clip, Note
from continuo_daw.assistant.music.midi_write import write_midi
from continuo_daw.training.corpus.pieces import Piece
from continuo_daw.training.evaluation import measure
from continuo_daw.training.evaluation.card import folder_of
from continuo_daw.training.evaluation.latent_measures import (
    Judge,
    Move,
    change_of,
    copied_share,
    drawn,
    grams,
    grams_of,
    judge_of,
    monotone,
    move_figures,
    pairs,
    phrases_in,
    slopes,
    slot_distances,
    way_figures,
    wished,
)

BAR = 4 * TICKS
UNIT = np.array([0.5, 8.0, 0.2, 0.2, 12.0])


def melody(*pitches: int, duration: int = TICKS, velocity: int = 80) -> Clip:
    """Notes one after the other, in whole bars."""
    notes = tuple(Note(index * duration, pitch, duration, velocity) for index, pitch in enumerate(pitches))
    return Clip(notes, max(1, -(-len(pitches) * duration // BAR)) * BAR)


def piece(*sections: Clip, split: str = "test") -> Piece:
    return Piece(str(len(sections)), "work", split, sections, "tunes")


def test_phrases_share_no_bar_and_end_with_their_notes() -> None:
    long = replace(melody(*range(60, 76)), notes=(*melody(*range(60, 75)).notes, Note(2 * BAR - 480, 90, 3 * TICKS)))
    found = phrases_in([piece(long, split="train"), piece(long, melody(60))], "test", 2)
    assert [phrase.piece for phrase in found] == [1, 1]
    assert [len(phrase.clip.notes) for phrase in found] == [9, 7]
    assert all(note.end <= phrase.clip.length == 2 * BAR for phrase in found for note in phrase.clip.notes)
    assert [len(p.clip.notes) for p in phrases_in([piece(long)], "test", 2, least=8)] == [9]


def test_phrases_that_are_mostly_silent_are_left_out() -> None:
    sparse = Clip((Note(0, 60, TICKS),), 3 * BAR)
    assert not phrases_in([piece(sparse)], "test", 3)
    assert len(phrases_in([piece(sparse)], "test", 2)) == 1


def test_pairs_are_of_two_pieces_in_one_meter() -> None:
    pieces = [piece(tune(seed, 8, meter)) for seed, meter in enumerate([(4, 4), (3, 4), (4, 4), (3, 4)])]
    phrases = phrases_in(pieces, "test", 2)
    found = pairs(phrases, 12, seed=1)
    owner = {phrase.clip: phrase.piece for phrase in phrases}
    assert len(set(found)) == 12
    assert all(a.meter == b.meter and owner[a] != owner[b] for a, b in found)
    assert found == pairs(phrases, 12, seed=1) != pairs(phrases, 12, seed=2)
    assert not pairs([phrase for phrase in phrases if phrase.piece < 2], 12, seed=1)
    assert len(set(drawn(phrases, 5, seed=1))) == 5


def test_slots_differ_by_what_sounds_and_what_starts() -> None:
    held, again, higher = melody(60, duration=BAR), melody(60, 60, 60, 60), melody(60, 60, 60, 72)
    assert slot_distances([held, again, higher], held).tolist() == [0, 3 / 16, 3 / 16 + 3 / 16]


def test_a_step_is_monotone_where_it_leads_away_and_towards() -> None:
    away, near = np.array([0, 0.5, 0.4, 0.4, 1]), np.array([1, 0.5, 0.4, 0.6, 0])
    assert monotone(away, near).tolist() == [True, False, False, True]


def test_figures_of_ways_are_those_of_their_clips() -> None:
    first, last, between = melody(60, 60, 60, 60), melody(62, 62, 62, 62), melody(60, 60, 62, 62)
    even = way_figures([[first, between, last]])
    assert even == {
        "monotone, similarity": 1,
        "monotone, slots": 1,
        "still": 0,
        "empty": 0,
        "foreign": 0,
        "ways": 1,
    }
    odd = way_figures([[first, last, first, first, Clip((), BAR), melody(60, 61), last]])
    assert odd["monotone, slots"] == pytest.approx(4 / 6)  # back to the first, and from nothing to what is the first's
    assert odd["still"] == pytest.approx(1 / 6)
    assert odd["empty"] == pytest.approx(1 / 5)
    assert odd["foreign"] == pytest.approx(1 / 14)


@pytest.fixture(scope="module")
def judge() -> Judge:
    return judge_of(read_bundle(folder_of("melody")))


def test_a_tune_costs_less_than_leaps(judge: Judge) -> None:
    leaps = melody(*np.random.default_rng(1).integers(36, 96, 8).tolist())
    assert judge.cost([melody(60, 62, 64, 65, 67, 65, 64, 62)]) < judge.cost([leaps]) - 1


def test_the_cost_is_that_of_all_notes_together(judge: Judge) -> None:
    short, long = melody(60, 64, 67, 72), melody(*[60, 64, 67, 64] * 4)
    together = (4 * judge.cost([short]) + 16 * judge.cost([long])) / 20
    assert judge.cost([long, Clip((), BAR), short]) == pytest.approx(together, abs=1e-4)


def test_with_even_loudness_velocities_cost_nothing_more(judge: Judge) -> None:
    loud = melody(60, 64, 67, 72, velocity=113)
    assert judge.cost([loud], even=True) == judge.cost([melody(60, 64, 67, 72)]) < judge.cost([loud])


def test_what_is_asked_is_possible() -> None:
    plain = melody(*range(60, 68), duration=TICKS // 2)  # legato, no note syncopated
    signs = {name: [wished(plain, which, sign, UNIT) for sign in (1, -1)] for which, name in enumerate(NAMES)}
    assert signs == {
        "density": [1, -1],
        "pitch": [1, -1],
        "syncopation": [1, 1],
        "length": [-1, -1],
        "velocity": [1, -1],
    }
    assert wished(plain, NAMES.index("syncopation"), 1, 10 * UNIT) == 0


def test_no_less_than_one_note_is_asked_to_be_syncopated() -> None:
    plain, syncopation = melody(*range(60, 68), duration=TICKS // 2), NAMES.index("syncopation")
    assert wished(plain, syncopation, 1, UNIT / 8) * UNIT[syncopation] / 8 == pytest.approx(1 / 8)


def test_changes_are_in_standard_deviations() -> None:
    low, high = melody(60, 60, 60, 60), melody(68, 68, 68, 68, velocity=74)
    assert change_of(low, high, UNIT) == pytest.approx([0, 1, 0, 0, -0.5])
    assert np.isnan(change_of(low, Clip((), BAR), UNIT)).all()


def test_move_figures_tell_reached_from_drift() -> None:
    pitch, silence = NAMES.index("pitch"), np.full(5, np.nan)
    moves = [
        Move(pitch, 1.0, np.array([0.1, 1.2, 0, 0, -0.1])),
        Move(pitch, -1.0, np.array([0, -0.5, 0.2, 0, 0])),
        Move(pitch, 1.0, np.array([1.0, 1.0, 1, 1, 1])),
        Move(pitch, 1.0, silence),
    ]
    figures = move_figures(moves)
    assert figures["all"] == figures["pitch"]
    assert figures["pitch"] == {
        "reached": pytest.approx((1.2 + 0.5 + 1) / 4),
        "clipped": pytest.approx((1 + 0.5 + 1) / 4),
        "drift": pytest.approx((0.05 + 0.05 + 1) / 3),
        "within": 0.25,
        "silent": 0.25,
        "clips": 4,
    }


def test_all_attributes_count_alike() -> None:
    moves = [Move(0, 1.0, np.eye(5)[0]), *[Move(1, 1.0, np.zeros(5))] * 3]
    assert move_figures(moves)["all"]["reached"] == 0.5


def test_slopes_are_found_again() -> None:
    random = np.random.default_rng(2)
    values, true = random.standard_normal((400, 5)), np.array([0.5, -1, 2, 0, 0.1])
    codes = np.concatenate([values * true + 3, random.standard_normal((400, 2))], axis=1)
    assert slopes(codes, values) == pytest.approx(true)


def test_grams_know_neither_key_nor_lower_voices() -> None:
    plain = tune(3, bars=8)
    chords = tune(3, bars=8, voices=2)
    higher = replace(plain, notes=tuple(replace(note, pitch=note.pitch + 5) for note in plain.notes))
    assert grams(plain) == grams(higher) and len(grams(plain)) == len(plain.notes) - 12
    assert len(grams(chords)) == len(grams(plain)) and grams(melody(60, 62)) == grams(Clip((), BAR)) == []
    slower = replace(
        plain,
        length=2 * plain.length,
        notes=tuple(replace(note, start=2 * note.start) for note in plain.notes),
    )
    assert not set(grams(plain)) & set(grams(slower))


def test_copies_are_runs_of_the_train_split() -> None:
    known = grams_of([piece(tune(1), split="train"), piece(tune(2), split="test")], "train")
    assert copied_share([tune(1)], known) == (1.0, len(grams(tune(1))))
    assert copied_share([tune(2)], known)[0] == 0
    assert 0 < copied_share([tune(1).joined(tune(2))], known)[0] < 1
    assert copied_share([], known) == (0.0, 0)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Eight tunes, of which the test split's are long enough for a walk beside them."""
    folder = write_data(tmp_path / "data")
    for number in (6, 7):
        write_midi(tune(number, bars=17), folder / "tunes" / f"{number}.mid")
    return folder


@pytest.fixture
def bundle(tmp_path: Path) -> Callable[..., Path]:
    """A tiny bundle whose card names the tunes."""

    def made(family: str, **metrics: float) -> Path:
        folder = tiny_phrases.bundle(tmp_path / "models", family)
        card = json.loads((folder / "card.json").read_text(encoding="utf-8"))
        card |= {"data": {"sets": [{"name": "tunes", "parts": "top"}]}, "metrics": metrics}
        (folder / "card.json").write_text(json.dumps(card), encoding="utf-8")
        return folder

    return made


@pytest.fixture
def figures(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., Any]:
    """Runs the command and gives what it prints."""

    def run(*arguments: object) -> Any:
        parser = argparse.ArgumentParser()
        measure.add_arguments(parser)
        more = ("--data", data, "--cache", tmp_path / "cache", "--clips", 5)
        capsys.readouterr()
        assert measure.run(parser.parse_args([*map(str, (*arguments, *more))])) == 0
        out = capsys.readouterr().out
        return json.loads(out) if "--json" in arguments else out

    return run


def test_a_vae_interpolates_and_moves(bundle: Any, figures: Any, tmp_path: Path) -> None:
    found = figures(bundle("vae", regular=1.0), "--judge", "melody", "--pictures", tmp_path / "pictures", "--json")
    assert found.keys() - {"bundle", "judge", "split", "clips"} == {"interpolation", "moves"}
    ways, cost = found["interpolation"]["ways"], found["interpolation"]["cost"]
    assert ways.keys() == {"spherical", "linear", "data"}
    assert all(row["ways"] == 5 for row in ways.values()) and ways["data"]["foreign"] == 0
    assert cost["ends, given"]["above given"] == 0 < cost["ends, given"]["cost"]
    assert cost["data, middle"]["above given"] == pytest.approx(
        cost["data, middle"]["cost"] / cost["ends, given"]["cost"] - 1
    )
    assert found["moves"].keys() == {"search", "vector only", "regularised dimension", "asked"}
    assert found["moves"]["search"].keys() == {*NAMES, "all"}
    counts = found["moves"]["asked"]["all"]
    assert counts["clips"] * len(NAMES) - counts["left out"] == found["moves"]["search"]["all"]["clips"]
    # the product sets the loudness itself, as far as velocities go, whatever the network has learnt
    assert 0.7 < found["moves"]["search"]["velocity"]["reached"] < 1.1
    pictures = {path.name for path in (tmp_path / "pictures").iterdir()}
    assert pictures == {f"interpolation-{name}.png" for name in ("spherical", "linear", "data")}


def test_a_seqae_interpolates_and_walks(bundle: Any, figures: Any, tmp_path: Path) -> None:
    found = figures(bundle("seqae"), "--pictures", tmp_path / "pictures", "--json")
    assert found.keys() - {"bundle", "judge", "split", "clips"} == {"interpolation", "walk"}
    assert found["interpolation"].keys() == {"ways"} and "binary" in found["interpolation"]["ways"]
    walks = found["walk"]["walks"]
    assert [row["clips"] for row in walks.values()] == [1, 1, 2]
    assert walks["held-out pieces"]["runs"] > 0
    assert (tmp_path / "pictures" / "walk.png").is_file()


def test_one_measurement_alone_is_a_table_for_people(bundle: Any, figures: Any) -> None:
    lines = figures(bundle("seqae"), "--what", "walk").splitlines()
    assert lines[2].split()[:3] == ["walk:", "walks", "clips"]
    assert [line.split()[0] for line in lines[3:]] == ["theme_probability", "theme_probability", "held-out"]


@pytest.mark.parametrize("what", ["walk", "moves,"])
def test_what_does_not_suit_is_refused(bundle: Any, figures: Any, what: str) -> None:
    with pytest.raises(AssistantError, match="tiny-vae-one can be measured: interpolation, moves"):
        figures(bundle("vae"), "--what", what)


def test_only_a_char_rnn_judges(bundle: Any, figures: Any) -> None:
    folder = bundle("vae")
    with pytest.raises(AssistantError, match="tiny-vae-one: it is not a Char-RNN"):
        figures(folder, "--judge", folder)


def test_bundles_of_one_name_are_not_mistaken(bundle: Any, figures: Any) -> None:
    folder = bundle("seqae")
    shutil.copytree(folder, folder.with_name("zz"))
    with pytest.raises(AssistantError, match="another bundle beside it"):
        figures(folder)
