"""Samplers: what they make is what they have learnt, in the codec's grammar and in the window's bars."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from tiny import tune

from continuo_daw.assistant.codecs.events import START, EventCodec
from continuo_daw.assistant.music.clip import TICKS, Clip, Note
from continuo_daw.training.corpus.pieces import Piece
from continuo_daw.training.evaluation.ngram import Sampler, cross_entropy
from continuo_daw.training.evaluation.samplers import learnt
from continuo_daw.training.evaluation.windows import Window

BAR = 4 * TICKS
CODECS = {"one": EventCodec(voices="one"), "many": EventCodec(voices="many")}


def pieces(voices: int = 1) -> list[Piece]:
    return [Piece(str(n), str(n), "train", (tune(n, bars=8, voices=voices),), "tunes") for n in range(6)]


def window(prompt: Clip | None = None) -> Window:
    return Window(0, Clip((Note(0, 60, TICKS),), 4 * BAR), prompt or Clip((), 0))


def test_events_come_as_often_as_the_n_gram_says() -> None:
    train, events, order, discount = [np.array([START, 3, 4, 3, 4, 4, 3]), np.array([START, 4, 3, 3])], 5, 3, 0.5
    sampler, random = Sampler(train, events, order, discount), np.random.default_rng(1)
    drawn = [sampler.draw([START, 3, 4], np.ones(events, bool), random) for _ in range(8000)]
    tests = [np.array([START, 3, 4, event]) for event in range(events)]
    chances = np.exp(-cross_entropy(train, tests, events, order, discount).reshape(events, 3)[:, -1])
    assert np.bincount(drawn, minlength=events) / len(drawn) == pytest.approx(chances, abs=0.02)


def test_an_event_that_may_not_stand_is_not_drawn() -> None:
    sampler, random = Sampler([np.array([START, 3, 3, 3])], 5, 2, 0.5), np.random.default_rng(1)
    legal = np.array([False, False, False, False, True])
    assert {sampler.draw([3], legal, random) for _ in range(5)} == {4}


def test_runs_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="64 bits"):
        Sampler([np.array([START, 3])], 1000, 7, 0.5)


@pytest.mark.parametrize("voices", ["one", "many"])
@pytest.mark.parametrize("prompt", [None, tune(9, bars=2)])
def test_clips_fill_the_window_and_keep_the_grammar(voices: str, prompt: Clip | None) -> None:
    codec, asked = CODECS[voices], window(prompt)
    for name, make in learnt(pieces(1 if voices == "one" else 2), codec).items():
        clips = [make(asked, np.random.default_rng([1, seed])) for seed in range(4)]
        for clip in clips:
            assert (clip.length, clip.meter) == (4 * BAR, (4, 4)), name
            assert len(clip.notes) > 4 and all(note.end <= clip.length for note in clip.notes), name
            assert voices == "many" or clip.monophonic, name
            assert codec.decode(codec.encode(clip)[:-1]), name
        assert clips[0] != clips[1], name
        assert make(asked, np.random.default_rng([1, 0])) == clips[0], name


def test_a_markov_chain_of_a_scale_is_that_scale() -> None:
    scale = Clip(tuple(Note(at * TICKS, 60 + at, TICKS) for at in range(16)), 4 * BAR)
    makes = learnt([Piece("a", "a", "train", (scale,), "tunes")], CODECS["one"])
    made = makes["first-order Markov"](window(), np.random.default_rng(3))
    assert [note.pitch for note in made.notes] == list(range(60, 76))
    alike = [
        a.pitch + 1 == b.pitch for a, b in pairwise(makes["unigram notes"](window(), np.random.default_rng(3)).notes)
    ]
    assert not all(alike)


def test_a_markov_chain_goes_on_from_the_prompt() -> None:
    scale = Clip(tuple(Note(at * TICKS, 60 + at, TICKS) for at in range(32)), 8 * BAR)
    makes = learnt([Piece("a", "a", "train", (scale,), "tunes")], CODECS["one"])
    held = Clip((*scale.notes[:3], Note(3 * TICKS, 63, 3 * TICKS)), BAR)  # its last note sounds over the end
    for name in ("first-order Markov", "5-gram"):
        made = makes[name](window(scale.window(0, BAR)), np.random.default_rng(4))
        assert (made.notes[0].start, made.notes[0].pitch) == (0, 64), name
        assert makes[name](window(held), np.random.default_rng(4)).notes[0].start >= 2 * TICKS, name
