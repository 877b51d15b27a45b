"""Nothing that comes later is known earlier: steps give what one pass gives, and losses have no way to later events."""

import dataclasses

import numpy as np
import pytest
import torch
from tiny_score import SMALL, one_pass, window

from continuo_daw.assistant.codecs.score.window import LANES
from continuo_daw.training.families.score.features import batch_of
from continuo_daw.training.families.score.net import ScoreNet
from continuo_daw.training.families.score.sample import Choice, Writer


@pytest.mark.parametrize(("lanes", "given"), [(1, 0), (3, 0), (1, 6), (3, 6)])
def test_steps_give_what_one_pass_gives(lanes: int, given: int) -> None:
    torch.manual_seed(0)
    net = ScoreNet(SMALL).eval()
    both = [window(seed, lanes, given) for seed in (1, 2)]
    size = min(len(w.notes) for w in both)
    both = [dataclasses.replace(w, notes=w.notes[:size], learnt=w.learnt[:size]) for w in both]
    whole = one_pass(net, both)
    empty = [dataclasses.replace(w, notes=w.notes[:0], learnt=w.learnt[:0]) for w in both]
    writer = Writer(net, empty, Choice())
    for n in range(size):
        _, _, logits = writer.step(np.stack([w.notes[n] for w in both]))
        assert logits.keys() == whole.keys()
        for name, found in logits.items():
            torch.testing.assert_close(
                found, torch.from_numpy(whole[name][:, n]), rtol=1e-4, atol=1e-4, msg=f"{name} at {n}"
            )


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
