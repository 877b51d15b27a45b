"""How well phrases come back: figures that can be counted by hand, and a whole bundle."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tiny_phrases
from numpy.typing import NDArray
from tiny import tune

from continuo_daw.assistant.bundles.bundle import read_bundle
from continuo_daw.assistant.bundles.network import Network, load
from continuo_daw.assistant.codecs.phrases import Bars, PhraseCodec
from continuo_daw.assistant.latent.space import Latent
from continuo_daw.assistant.music.clip import TICKS, Clip, Note
from continuo_daw.training.corpus.phrases import PhraseCorpus, encoded, phrases
from continuo_daw.training.corpus.pieces import Piece
from continuo_daw.training.evaluation.reconstruction import Tally, add, bars_of, measured, nearest, reconstruction

BAR = 4 * TICKS
CODEC = PhraseCodec(bars=1, most=8, voices="many")
FOUR = (Note(0, 60, TICKS), Note(TICKS, 62, TICKS), Note(2 * TICKS, 64, TICKS), Note(3 * TICKS, 65, TICKS))


def row(*notes: Note, true: tuple[Note, ...] = FOUR) -> dict[str, float]:
    """The figures of one bar."""
    tally = Tally()
    add(tally, CODEC, CODEC.encode(Clip(true, BAR)), CODEC.encode(Clip(notes, BAR)))
    return tally.row()


def test_the_same_notes_are_right() -> None:
    assert row(*FOUR) == {"slots": 1, "note_f1": 1, "exact_bars": 1}
    louder = (Note(n.start, n.pitch, n.duration, 120) for n in FOUR)
    assert row(*louder) == {"slots": 1, "note_f1": 1, "exact_bars": 1}


def test_a_wrong_pitch_spoils_where_it_starts_and_where_it_ends() -> None:
    assert row(*FOUR[:2], Note(2 * TICKS, 67, TICKS), FOUR[3]) == {"slots": 14 / 16, "note_f1": 0.75, "exact_bars": 0}


def test_a_wrong_length_spoils_the_bar_but_not_the_note() -> None:
    assert row(*FOUR[:3], Note(3 * TICKS, 65, TICKS // 2)) == {"slots": 15 / 16, "note_f1": 1, "exact_bars": 0}


def test_nothing_is_right_where_nothing_happens() -> None:
    assert row() == {"slots": 12 / 16, "note_f1": 0, "exact_bars": 0}
    assert row(true=()) == {"slots": 1, "note_f1": 0, "exact_bars": 1}


def test_a_note_too_many_costs_as_much_as_one_too_few() -> None:
    assert row(*FOUR, Note(480, 70, 480))["note_f1"] == round(8 / 9, 4)
    assert row(*FOUR[:3])["note_f1"] == round(6 / 7, 4)


def test_counts_add_up() -> None:
    tally, true, half = Tally(), CODEC.encode(Clip(FOUR, BAR)), CODEC.encode(Clip(FOUR[:2], BAR))
    add(tally, CODEC, true, true)
    add(tally, CODEC, true, half)
    assert (tally.bars, tally.exact, tally.slots, tally.hits, tally.notes) == (2, 1, 32, 6, 14)
    assert Tally().row() == {"slots": 0, "note_f1": 0, "exact_bars": 0}


def pieces(*splits: str) -> list[Piece]:
    found = []
    for number, split in enumerate(splits):
        sections = (tune(number, 8), tune(number + 50, 4, (3, 4)))
        found.append(Piece(str(number), "work", split, sections, "tunes"))
    return found


@pytest.fixture(scope="module")
def corpus() -> PhraseCorpus:
    return encoded(tiny_phrases.codec(), pieces("train", "train", "train", "test", "test"))


@pytest.fixture(scope="module", params=["vae", "seqae"])
def network(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Network:
    folder = tiny_phrases.bundle(tmp_path_factory.mktemp("models"), request.param)
    return load(read_bundle(folder), "cpu", 1)


def test_the_table_has_a_row_for_the_network_and_for_what_it_must_beat(network: Network, corpus: PhraseCorpus) -> None:
    rows, divergence = reconstruction(network, corpus, "test")
    assert list(rows) == ["always hold", "nearest phrase", "network"]
    assert rows["always hold"]["note_f1"] == 0 < rows["always hold"]["slots"]
    assert 0 < rows["nearest phrase"]["note_f1"] < 1
    assert divergence > 0
    assert reconstruction(network, corpus, "test") == (rows, divergence)


def test_a_network_that_gives_everything_back_has_full_marks(
    corpus: PhraseCorpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A decoder that knows the phrases by their codes: figures are of the right phrase and the right meter."""
    network = load(read_bundle(tiny_phrases.bundle(tmp_path)), "cpu", 1)
    starts = measured(corpus, "test")
    true = [bars_of(phrases(corpus, starts[[index]], 2)) for index in range(len(starts))]
    codes = np.concatenate([Latent(network).encode_bars(bars) for bars in true])

    def decode(_: Latent, asked: NDArray[np.float32], bars: int, steps: int) -> list[Bars]:
        found = [true[int(np.square(codes - code).sum(1).argmin())] for code in asked[:, 0]]
        assert all(bars_found.steps == steps for bars_found in found)
        return found

    monkeypatch.setattr(Latent, "decode", decode)
    assert reconstruction(network, corpus, "test")[0]["network"] == {"slots": 1, "note_f1": 1, "exact_bars": 1}


def test_phrases_that_are_known_are_found_again() -> None:
    """Where the test pieces stand in the training split as well, the nearest phrase is the phrase itself."""
    both = encoded(tiny_phrases.codec(), [*pieces("train", "train"), *pieces("test", "test")])
    starts = measured(both, "test")
    true = [bars_of(phrases(both, starts[[index]], 2)) for index in range(len(starts))]
    assert nearest(both, starts, true).row() == {"slots": 1, "note_f1": 1, "exact_bars": 1}


def test_a_meter_that_was_never_learnt_has_silence_for_its_nearest_phrase(tmp_path: Path) -> None:
    waltz = Piece("x", "work", "test", (tune(1, 4, (3, 4)),), "tunes")
    plain = Piece("y", "work", "train", (tune(1, 4),), "tunes")
    corpus = encoded(tiny_phrases.codec(), [plain, waltz])
    starts = measured(corpus, "test")
    true = [bars_of(phrases(corpus, starts[[index]], 2)) for index in range(len(starts))]
    found = nearest(corpus, starts, true)
    assert (found.hits, found.bars) == (0, 4) and found.notes == sum(int(bars.count.sum()) for bars in true)
