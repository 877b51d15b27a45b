"""The graphs of the score network, run note by note, say what the network says in one pass."""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from tiny_score import SMALL, one_pass, window

from continuo_daw.assistant.bundles.runtime import Graph
from continuo_daw.assistant.codecs.score.classes import duration_class, onset_class, rest_class
from continuo_daw.assistant.codecs.score.window import KEY, LENGTH, LOUDNESS, ONSET, TRACK
from continuo_daw.assistant.sampling.score_writer import FACTORS, ScoreWriter
from continuo_daw.export.score import score_graphs
from continuo_daw.training.families.score.net import ScoreNet

SIZES = {"width": SMALL.width, "hidden": SMALL.hidden}
ROOM = 40


@pytest.fixture(scope="module")
def net() -> ScoreNet:
    torch.manual_seed(0)
    return ScoreNet(SMALL).eval()


@pytest.fixture(scope="module")
def graphs(net: ScoreNet) -> dict[str, Graph]:
    return {name: Graph(graph, name) for name, graph in score_graphs(net).items()}


def forced(event: np.ndarray, before: np.ndarray, seen: dict[str, np.ndarray]) -> Callable[[str, Any], Any]:
    """Draws the values of an event (rows, 5), and keeps the logits."""
    delta, length = event[:, ONSET] - before[:, ONSET], event[:, LENGTH]
    wanted = {
        "onset": onset_class(delta), "onset_rest": rest_class(delta), "lane": event[:, TRACK], "pitch": event[:, KEY],
        "duration": duration_class(length), "duration_rest": rest_class(length), "velocity": event[:, LOUDNESS],
    }  # fmt: skip

    def draw(name: str, logits: np.ndarray) -> np.ndarray:
        seen[name] = logits
        return wanted[name]

    return draw


@pytest.mark.parametrize(("lanes", "given"), [(1, 0), (3, 0), (1, 6), (3, 6)])
def test_graphs_give_what_one_pass_gives(net: ScoreNet, graphs: dict[str, Graph], lanes: int, given: int) -> None:
    windows = [window(seed, lanes, given) for seed in (1, 2)]
    size = min(len(w.notes) for w in windows)
    like = windows[0]
    windows = [dataclasses.replace(w, notes=w.notes[:size], learnt=w.learnt[:size], given=like.given) for w in windows]
    whole = one_pass(net, windows)
    notes = np.stack([w.notes for w in windows]).astype(np.int64)
    writer = ScoreWriter(graphs, windows[0], SIZES, ROOM, rows=2)
    for n in range(size):
        seen: dict[str, np.ndarray] = {}
        event, _ = writer.step(forced(notes[:, n], writer.state.event, seen))
        np.testing.assert_array_equal(event, notes[:, n])
        for name in whole:
            np.testing.assert_allclose(seen[name], whole[name][:, n], rtol=1e-3, atol=1e-3, err_msg=f"{name} at {n}")


class Dice:
    """Draws by uniform numbers, a fixed count of each row for a step, so that a row needs none for what others draw."""

    def __init__(self, rows: range) -> None:
        self.random = [np.random.default_rng(row) for row in rows]

    def __call__(self, name: str, logits: np.ndarray) -> np.ndarray:
        if name == FACTORS[0]:
            self.step = np.stack([each.random(len(FACTORS)) for each in self.random], 1)
        chances = np.exp(logits.astype(np.float64) - logits.max(-1, keepdims=True))
        aim = self.step[FACTORS.index(name)][:, None] * chances.sum(-1, keepdims=True)
        return np.minimum((chances.cumsum(-1) <= aim).sum(-1), logits.shape[-1] - 1)


@pytest.mark.parametrize(("lanes", "given"), [(1, 0), (3, 6)])
def test_a_row_is_the_same_alone_and_among_eight(graphs: dict[str, Graph], lanes: int, given: int) -> None:
    like = window(1, lanes, given)

    def written(rows: range) -> np.ndarray:
        writer = ScoreWriter(graphs, like, SIZES, ROOM)
        for note in like.notes[:6].astype(np.int64):
            writer.hear(note[None])
        writer.keep(np.zeros(len(rows), np.int64))
        draw = Dice(rows)
        return np.stack([writer.step(draw)[0] for _ in range(30)], 1)

    eight = written(range(8))
    np.testing.assert_array_equal(eight, written(range(8)))
    for row in (0, 5):
        np.testing.assert_array_equal(eight[row], written(range(row, row + 1))[0])
    assert len(np.unique(eight[:, -1], axis=0)) > 1


@pytest.mark.parametrize(("lanes", "given", "room"), [(1, 0, 40), (3, 6, 40), (3, 0, 8)])
def test_a_prompt_in_one_pass_is_one_heard_note_by_note(
    graphs: dict[str, Graph], lanes: int, given: int, room: int
) -> None:
    like = window(1, lanes, given)
    notes = like.notes[: 12 if room == 40 else 6].astype(np.int64)
    writers = [ScoreWriter(graphs, like, SIZES, room) for _ in range(2)]
    writers[0].hear_all(notes)
    for note in notes:
        writers[1].hear(note[None])
    found = []
    for writer in writers:
        writer.keep(np.zeros(3, np.int64))
        dice = Dice(range(3))
        found.append(np.stack([writer.step(dice)[0] for _ in range(20)]))
    np.testing.assert_array_equal(found[0], found[1])
