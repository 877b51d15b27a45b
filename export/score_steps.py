"""The steps of the score network as small modules, each of which becomes a graph; between them the host draws.

A note step runs `hear` (the last event goes into the memory), `recall` (what the memory says, and the onset), `enter`
(the lane, once the onset is known), `pitch`, `duration` and `velocity`. B rows, R entries of made notes in a ring,
M given notes that all rows share; A heads of which P point. The columns of scores are nothing, the ring, the given.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from continuo_daw.assistant.sampling.score_memory import OF_GIVEN, SAID
from continuo_daw.training.families.score.heads import Heads
from continuo_daw.training.families.score.net import CLOSED, FAINT, TURNS, ScoreNet
from continuo_daw.training.families.score.parts import split

Batch = dict[str, Tensor]


def joined(weights: Tensor, values: Tensor, given: Tensor) -> Tensor:
    """(B, H * value) what heads read: weights (B, H, 1 + R + M), values (B, H, R, value), given (1, H, M, value)."""
    room = values.shape[2]
    own = weights[:, :, None, 1 : 1 + room] @ values
    others = weights[..., 1 + room :].transpose(0, 1) @ given[0]  # (H, B, value): one product for all rows
    return (own[:, :, 0] + others.transpose(0, 1)).flatten(1)


def against(query: Tensor, keys: Tensor, given: Tensor) -> Tensor:
    """(B, H, R + M) products of queries (B, H, size) with keys (B, H, R, size) and given ones (1, H, M, size)."""
    own = (query[:, :, None] @ keys.transpose(-1, -2))[:, :, 0]  # three times as fast as the other way round
    others = query.transpose(0, 1) @ given[0].transpose(-1, -2)
    return torch.cat([own, others.transpose(0, 1)], -1)


class Step(nn.Module):
    """One graph: `inputs` and `outputs` name what `forward` takes and gives."""

    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()

    def __init__(self, net: ScoreNet) -> None:
        super().__init__()
        self.net = net

    @property
    def heads(self) -> Heads:
        return self.net.heads

    def forward(self, *values: Tensor) -> tuple[Tensor, ...]:
        """The outputs; the axis of positions, which the network has, is put in and taken out here."""
        batch = dict(zip(self.inputs, values, strict=True))
        found = self.step(batch)
        return tuple(found[name] for name in self.outputs)

    def step(self, batch: Batch) -> Batch:
        raise NotImplementedError

    def pointed(self, weights: Tensor, batch: Mapping[str, Tensor], what: str) -> Tensor:
        """As that of the network, for weights (B, P, 1, 1 + R + M)."""
        own = batch[f"ring_{what}"][:, None]
        room, pointers = own.shape[2], int(weights.shape[1])
        seen = weights[:, :, 0, :1] * torch.zeros(SAID[what])  # rows of zeros without a shape to compute
        seen = seen.scatter_add(-1, torch.cat([own] * pointers, 1), weights[:, :, 0, 1 : 1 + room])
        if what in OF_GIVEN:
            seen = seen + weights[:, :, 0, 1 + room :] @ batch[f"given_one_{what}"]
        return torch.log(seen * (1 - FAINT) + FAINT)[:, :, None]

    def turned(self, rows: Tensor, heads: int, clock: Tensor, coordinate: Tensor) -> Tensor:
        """(B, heads, 2 * TURNS) of `rows` (B, 1, heads * 2 * TURNS) at times (B,)."""
        return self.net.turned(rows, heads, clock[:, None], coordinate[:, None])[:, :, 0]


def told(batch: Batch, *names: str) -> Batch:
    """Features (B, ...) with an axis of one position behind the rows."""
    return {name: batch[name][:, None] for name in names}


class Given(Step):
    """Once a request: what is remembered of the given notes."""

    inputs = tuple(
        f"given_{name}"
        for name in (
            "pitch", "class", "step", "duration", "delta", "velocity", "program", "lane", "place", "meter", "clock",
            "coordinate", "mask",
        )
    )  # fmt: skip
    outputs = ("given_keys", "given_values", "given_again")

    def step(self, batch: Batch) -> Batch:
        found = self.net.given_memory(batch)
        return {"given_keys": found["key"], "given_values": found["value"], "given_again": found["again"]}


EVENT = tuple(f"{n}_in" for n in ("pitch", "class", "step", "duration", "delta", "velocity", "lane", "program"))
ECHO = ("echo_delta", "echo_pitch", "echo_duration")


class Hear(Step):
    """The last event: the first LSTM, and what the memory keeps.

    `key` (B, A, size) is of the entry of which this event came before the note; `value` and `again` of the one whose
    note it is.
    """

    inputs = (
        *EVENT, "place", "meter", "left", "sound_now", "given_now", "heard", "fading", "from_now", "clock",
        "coordinate", "condition", "style", "one", *ECHO, "rows", "first_hidden", "first_cell",
    )  # fmt: skip
    outputs = ("heard_now", "key", "value", "again", "next_rows", "next_first_hidden", "next_first_cell")

    def step(self, batch: Batch) -> Batch:
        net = self.net
        config = net.config
        names = [n for n in self.inputs[: self.inputs.index("clock")]] + list(ECHO)
        one = told(batch, *names) | {name: batch[name] for name in ("condition", "style", "one")}
        rows = net.embedded(one, 0)
        heard, (hidden, cell) = net.first(rows + net.beside(one, 0), (batch["first_hidden"], batch["first_cell"]))
        clock, coordinate = batch["clock"], batch["coordinate"]
        key = split(net.key(heard)[:, 0], config.heads, -1)
        turn = self.turned(net.turn_key(heard), config.heads, clock, coordinate)
        now = (clock / 384)[:, None, None] * torch.ones(config.heads, 1)
        lean = net.slope[None, :, None]
        again = split(net.again_key(rows)[:, 0], config.pointers, -1)
        again_turn = self.turned(net.again_turn_key(rows), config.pointers, clock, coordinate)
        value = split(net.value(torch.cat([batch["rows"], rows[:, 0]], -1)), config.heads, -1)
        return {
            "heard_now": heard[:, 0], "key": torch.cat([key, turn, lean * now, now * 0 - lean], -1),
            "value": value, "again": torch.cat([again, again_turn], -1), "next_rows": rows[:, 0],
            "next_first_hidden": hidden, "next_first_cell": cell,
        }  # fmt: skip


class Recall(Step):
    """What the memory says, the second LSTM, and the onset."""

    inputs = (
        "heard_now", "ring_keys", "ring_values", "given_keys", "given_values", "shown", "runs", "clock", "coordinate",
        "ring_delta", "hits", "echo_hits", "echo_delta", "gap", "onset_hints", "one", "second_hidden", "second_cell",
    )  # fmt: skip
    outputs = (
        "context", "onset_logits", "onset_points", "scores", "again_query", "again_turn", "next_second_hidden",
        "next_second_cell",
    )  # fmt: skip

    def step(self, batch: Batch) -> Batch:
        net = self.net
        config, heard = net.config, batch["heard_now"]
        scores = self.scores(batch)
        weights = scores.softmax(-1)
        found = joined(weights, batch["ring_values"], batch["given_values"])
        points = self.pointed(weights[:, : config.pointers, None], batch, "delta")
        both = torch.cat([heard, found], -1)
        echo = [batch["echo_hits"].flatten(1)] if config.echoes else []
        past = batch["second_hidden"], batch["second_cell"]
        state, (hidden, cell) = net.second(torch.cat([both, batch["hits"], *echo], -1)[:, None], past)
        context = state + net.mix(both)[:, None]
        one = told(batch, "gap", "onset_hints", "echo_hits", "echo_delta") | {"one": batch["one"]}
        logits = self.heads.onset_logits(one, {"context": context, "points": points}, 0)
        return {
            "context": context[:, 0], "onset_logits": logits[:, 0], "onset_points": points[:, :, 0],
            "scores": scores[:, : config.pointers],
            "again_query": split(net.again_query(heard), config.pointers, -1) / 24**0.5,
            "again_turn": net.again_turn(heard), "next_second_hidden": hidden, "next_second_cell": cell,
        }  # fmt: skip

    def scores(self, batch: Batch) -> Tensor:
        """(B, A, 1 + R + M); `shown` (B, R + M) is 0 for entries to look at and CLOSED for others."""
        net, heard = self.net, batch["heard_now"]
        config, clock = net.config, batch["clock"]
        query = split(net.query(heard), config.heads, -1) / config.size**0.5
        turn = self.turned(net.turn_query(heard)[:, None], config.heads, clock, batch["coordinate"])
        now = (clock / 384)[:, None, None] * torch.ones(config.heads, 1)
        query = torch.cat([query, turn / (2 * TURNS) ** 0.5, torch.ones_like(now), now], -1)
        scores = against(query, batch["ring_keys"], batch["given_keys"])
        if config.runs:
            runs = (batch["runs"].float()[:, :, None] * net.run_steps[:, None]).clamp(max=1)
            gate = F.softplus(net.run_gate(heard) + 0.54)
            # (A, KINDS * 3) weights times (B, KINDS * 3, R + M)
            scores = scores + (net.run_weight @ runs.flatten(1, 2)) * gate[:, :, None]
        scores = torch.where((batch["shown"] < 0)[:, None], CLOSED, scores)
        return torch.cat([scores[:, :, :1] * 0 + net.nothing[:, None], scores], -1)


class Enter(Step):
    """What is known with the onset: where the pointers look now, and the lane."""

    inputs = (
        "context", "scores", "again_query", "again_turn", "ring_again", "given_again", "ring_pointed", "given_values",
        "clock_next", "coordinate_next", "sound_next", "given_next", "fading", "around", "delta_next", "place_next",
        "meter_next", "left_next", "programs", "lanes", "lane_told", "lane_floor", "echo_lane", "ring_lane",
        "given_one_lane",
    )  # fmt: skip
    outputs = ("wide", "weights", "lane_logits")

    def step(self, batch: Batch) -> Batch:
        net, heads = self.net, self.heads
        pointers = net.config.pointers
        turn = self.turned(batch["again_turn"][:, None], pointers, batch["clock_next"], batch["coordinate_next"])
        query = torch.cat([batch["again_query"], turn / (2 * TURNS) ** 0.5], -1)
        more = F.pad(against(query, batch["ring_again"], batch["given_again"]), (1, 0))
        weights = (batch["scores"] + more).softmax(-1)
        found = joined(weights, batch["ring_pointed"], batch["given_values"][:, :pointers])
        sound = torch.cat([batch["sound_next"], batch["given_next"]], -1).float()
        shares = torch.cat([batch["fading"], batch["around"]], -1) * 3
        wide = heads.enter(torch.cat([batch["context"], found, sound, shares], -1))
        for name, table in heads.where.items():
            wide = wide + table(batch[name])
        asked = {"wide": wide[:, None], "weights": weights[:, :, None]}
        one = batch | told(batch, "lane_told", "lane_floor", "echo_lane")
        return {"wide": wide, "weights": weights, "lane_logits": heads.lane_logits(self, one, asked, 0)[:, 0]}


class Pitch(Step):
    """What is known with the lane: the pitch. `pitch_points` (B, P, 128) is what the pointers say."""

    inputs = (
        "context", "wide", "weights", "lane_next", "program_next", "last", "low", "top", "from_last", "floor",
        "echo_hits", "echo_key", "echo_moved", "sound_next", "chord", "given_next", "heard", "fading", "around",
        "ring_pitch", "ring_step", "given_one_pitch", "given_one_step",
    )  # fmt: skip
    outputs = ("tone", "pitch_logits", "pitch_points")

    def step(self, batch: Batch) -> Batch:
        names = self.inputs[self.inputs.index("lane_next") : self.inputs.index("ring_pitch")]
        one = batch | told(batch, *names) | {"given_mask": batch["given_one_pitch"].T}
        asked = {name: batch[name][:, None] for name in ("wide", "context")}
        asked["weights"] = batch["weights"][:, :, None]
        self.heads.laned(one, asked, 0)
        logits = self.heads.pitch_logits(self, one, asked, 0)
        points = self.pointed(asked["weights"], batch, "pitch")
        return {"tone": asked["tone"][:, 0], "pitch_logits": logits[:, 0], "pitch_points": points[:, :, 0]}


class Duration(Step):
    """What is known with the pitch: the duration."""

    inputs = (
        "tone", "weights", "program_next", "pitch_next", "step_next", "duration_hints", "echo_hits", "echo_length",
        "ring_pitch", "ring_step", "ring_duration", "given_pitch", "given_step", "given_one_duration",
    )  # fmt: skip
    outputs = ("long", "duration_logits")

    def step(self, batch: Batch) -> Batch:
        names = self.inputs[self.inputs.index("program_next") : self.inputs.index("ring_pitch")]
        rows = batch["tone"].shape[0]  # `len` would be a constant of the graph
        one = batch | told(batch, *names)
        for name in ("pitch", "step"):  # the heads leave out the first event, which is none
            one[f"{name}_in"] = F.pad(batch[f"ring_{name}"], (1, 0))
            one[f"given_{name}"] = batch[f"given_{name}"].expand(rows, -1)
        asked = {"tone": batch["tone"][:, None], "weights": batch["weights"][:, :, None]}
        self.heads.pitched(one, asked, 0)
        logits = self.heads.duration_logits(self, one, asked, 0)
        return {"long": asked["long"][:, 0], "duration_logits": logits[:, 0]}


class Velocity(Step):
    """What is known with the duration: the velocity."""

    inputs = ("long", "weights", "duration_next", "loud", "near_loud", "echo_hits", "echo_loud", "ring_loudness")
    outputs = ("velocity_logits",)

    def step(self, batch: Batch) -> Batch:
        one = batch | told(batch, "duration_next", "loud", "near_loud", "echo_hits", "echo_loud")
        asked = {"long": batch["long"][:, None], "weights": batch["weights"][:, :, None]}
        return {"velocity_logits": self.heads.velocity_logits(self, one, asked, 0)[:, 0]}


class OnsetRest(Step):
    """The step within a bucket of onsets, for the few that are so far."""

    inputs, outputs = ("context", "bucket"), ("rest_logits",)

    def step(self, batch: Batch) -> Batch:
        heads = self.heads
        return {"rest_logits": heads.onset_rest(F.gelu(batch["context"] + heads.onset_bucket(batch["bucket"])))}


class DurationRest(Step):
    """The step within a bucket of durations."""

    inputs, outputs = ("long", "bucket"), ("rest_logits",)

    def step(self, batch: Batch) -> Batch:
        heads = self.heads
        return {"rest_logits": heads.duration_rest(F.gelu(batch["long"] + heads.duration_bucket(batch["bucket"])))}


STEPS: dict[str, type[Step]] = {
    "given": Given, "hear": Hear, "recall": Recall, "enter": Enter, "pitch": Pitch, "duration": Duration,
    "velocity": Velocity, "onset_rest": OnsetRest, "duration_rest": DurationRest,
}  # fmt: skip
