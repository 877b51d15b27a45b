"""Nothing that comes later is known earlier: steps give what one pass gives, and losses have no way to later events."""

import dataclasses

import numpy as np
import pytest
import torch

from continuo_daw.assistant.codecs.condition import condition
from continuo_daw.assistant.codecs.score.window import LANES, Window
from continuo_daw.training.families.score.features import batch_of
from continuo_daw.training.families.score.net import ScoreConfig, ScoreNet
from continuo_daw.training.families.score.sample import Choice, Writer

SMALL = ScoreConfig(width=24, hidden=32, heads=4, pointers=2, size=8, value=8, given=16, dropout=0.0)


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


@pytest.mark.parametrize(("lanes", "given"), [(1, 0), (3, 0), (1, 6), (3, 6)])
def test_steps_give_what_one_pass_gives(lanes: int, given: int) -> None:
    torch.manual_seed(0)
    net = ScoreNet(SMALL).eval()
    both = [window(seed, lanes, given) for seed in (1, 2)]
    size = min(len(w.notes) for w in both)
    both = [dataclasses.replace(w, notes=w.notes[:size], learnt=w.learnt[:size]) for w in both]
    batch = batch_of(both)
    with torch.no_grad():
        past: dict = {}
        heard = net.listen(batch, past)
        heads = net.heads
        whole = {"onset": heads.onset_logits(batch, heard, 0)}
        asked = heads.entered(net, batch, past, heard, 0)
        if lanes > 1:
            whole["lane"] = heads.lane_logits(net, batch, asked, 0)
        heads.laned(batch, asked, 0)
        whole["pitch"] = heads.pitch_logits(net, batch, asked, 0)
        heads.pitched(batch, asked, 0)
        whole["duration"] = heads.duration_logits(net, batch, asked, 0)
        whole["velocity"] = heads.velocity_logits(net, batch, asked, 0)
    empty = [dataclasses.replace(w, notes=w.notes[:0], learnt=w.learnt[:0]) for w in both]
    writer = Writer(net, empty, Choice())
    for n in range(size):
        _, _, logits = writer.step(np.stack([w.notes[n] for w in both]))
        assert logits.keys() == whole.keys()
        for name, found in logits.items():
            torch.testing.assert_close(found, whole[name][:, n], rtol=1e-4, atol=1e-4, msg=f"{name} at {n}")


@pytest.mark.parametrize(("lanes", "given"), [(1, 0), (3, 6)])
def test_no_loss_hears_what_comes_later(lanes: int, given: int) -> None:
    torch.manual_seed(0)
    net = ScoreNet(SMALL).eval()
    one = window(1, lanes, given)
    at = 14
    changed = one.notes.copy()
    changed[at:, 0] += 24
    changed[at:, 2] += 1
    changed[at:, 3:] = 7
    with torch.no_grad():
        found = [net(batch_of([dataclasses.replace(one, notes=notes)])) for notes in (one.notes, changed)]
    for name in found[0]:
        left, right = (each[name][0, : at + 1] for each in found)
        torch.testing.assert_close(left[:at], right[:at], rtol=1e-4, atol=1e-4)
        if name == "onset":
            assert not torch.allclose(left[at], right[at])


def test_gradients_reach_no_later_event() -> None:
    torch.manual_seed(0)
    net = ScoreNet(SMALL).eval()
    batch = batch_of([window(1, 3, 6)])
    rows: list[torch.Tensor] = []
    embedded = net.embedded

    def kept(batch: dict[str, torch.Tensor], begin: int) -> torch.Tensor:
        rows.append(embedded(batch, begin).detach().requires_grad_())
        return rows[-1]

    net.embedded = kept  # type: ignore[method-assign]
    found = net(batch)
    n = 12  # asks for event 13
    sum(nats[0, n] for nats in found.values()).backward()
    slope = rows[0].grad
    assert slope is not None
    assert slope[0, n].abs().sum() > 0
    assert slope[0, 1].abs().sum() > 0
    assert slope[0, n + 1 :].abs().sum() == 0


def test_programs_fill_the_lanes() -> None:
    batch = batch_of([window(1, 3, 6)])
    assert batch["programs"].shape == (1, LANES)
    assert batch["runs"].shape[1:3] == (batch["clock"].shape[1], batch["clock"].shape[1] + batch["given_mask"].shape[1])
