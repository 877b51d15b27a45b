"""The score network: one step a note, with a memory that holds notes.

Two LSTMs and between them attention over entries: the notes made so far and the given ones. The key of an entry is
what was known before its note, its value the note, so that a query "what is known now" finds what came next in like
places. `features.py` says what a batch holds; B rows, T positions, E entries, A heads of which P point.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from continuo_daw.assistant.codecs.condition import SIZE
from continuo_daw.assistant.codecs.score.classes import (
    DURATIONS,
    LEFTS,
    NO_DURATION,
    NO_ONSET,
    NO_PITCH,
    NO_STEP,
    ONSETS,
)
from continuo_daw.assistant.codecs.score.echoes import KINDS, LAGS
from continuo_daw.assistant.codecs.score.hints import FROM
from continuo_daw.assistant.codecs.score.window import LANES
from continuo_daw.training.families.charrnn import spread
from continuo_daw.training.families.score.events import Batch, Events, ScoreConfig
from continuo_daw.training.families.score.heads import Heads
from continuo_daw.training.families.score.parts import span_of, split
from continuo_daw.training.families.score.windows import ANY_STYLE

CLOCKS = (12, 24, 36, 48, 72, 96, 144, 192, 384, 768, 1536)  # periods of the rotary parts, steps
BARS = (0.5, 1, 2, 4, 8, 16, 32)  # and bars
TURNS = len(CLOCKS) + len(BARS)
CLOSED = -1e4
FAINT = 0.003  # chance that a pointer leaves to everything
RUN_STEPS = (1.0, 4.0, 16.0)  # where the features of a run are full


class ScoreNet(nn.Module):
    """See the module. `forward` gives the losses; `listen` and `ask` are its steps, for writing as well."""

    def __init__(self, config: ScoreConfig) -> None:
        super().__init__()
        self.config = config
        width, hidden, heads, pointers = config.width, config.hidden, config.heads, config.pointers
        self.events = Events(width)
        self.left, self.style = nn.Embedding(LEFTS, width), nn.Embedding(ANY_STYLE + 1, width)
        self.one = nn.Embedding(2, width)  # whether the only lane is known to be one voice
        self.condition = nn.Linear(SIZE, width, bias=False)
        self.register_buffer("spread", spread(), persistent=False)
        self.told = nn.Linear(256 + 24 + 24 + FROM, width, bias=False)
        if config.echoes:
            sizes = ((NO_ONSET + 1, 16), (NO_PITCH + 1, 24), (NO_DURATION + 1, 8))
            self.echo_tables = nn.ModuleList(nn.Embedding(*size) for size in sizes)
            self.echo_in = nn.Linear(48 * len(LAGS), width, bias=False)
        self.first = nn.LSTM(width, hidden, batch_first=True)
        self.encoder = nn.LSTM(width, config.given, batch_first=True, bidirectional=True)
        self._make_memory(config)
        if config.runs:
            self.run_weight = nn.Parameter(torch.full((heads, KINDS * len(RUN_STEPS)), 0.3))
            self.run_gate = nn.Linear(hidden, heads)
            self.register_buffer("run_steps", 1 / torch.tensor(RUN_STEPS), persistent=False)
        found = heads * config.value
        echo = 3 * len(LAGS) if config.echoes else 0
        self.second = nn.LSTM(hidden + found + 2 * pointers + echo, hidden, batch_first=True)
        self.mix = nn.Linear(hidden + found, hidden)
        self.drop = nn.Dropout(config.dropout)
        self.heads = Heads(hidden, pointers, pointers * config.value, config.echoes)
        periods = torch.tensor([2 * math.pi / p for p in (*CLOCKS, *BARS)])
        self.register_buffer("periods", periods, persistent=False)
        self._start_weights()

    def _make_memory(self, config: ScoreConfig) -> None:
        width, hidden, heads, pointers = config.width, config.hidden, config.heads, config.pointers
        self.query, self.key = nn.Linear(hidden, heads * config.size), nn.Linear(hidden, heads * config.size)
        self.turn_query, self.turn_key = (nn.Linear(hidden, heads * 2 * TURNS) for _ in range(2))
        self.value = nn.Linear(2 * width, heads * config.value)
        both = 2 * config.given
        self.given_key, self.given_turn = nn.Linear(both, heads * config.size), nn.Linear(both, heads * 2 * TURNS)
        self.given_value = nn.Linear(both, heads * config.value)
        self.slope, self.nothing = nn.Parameter(torch.zeros(heads)), nn.Parameter(torch.zeros(heads))
        # once the new onset is known, the pointers look again
        self.again_query, self.again_key = nn.Linear(hidden, pointers * 24), nn.Linear(width, pointers * 24)
        self.again_turn, self.again_turn_key = (nn.Linear(size, pointers * 2 * TURNS) for size in (hidden, width))
        self.again_given, self.again_given_turn = nn.Linear(both, pointers * 24), nn.Linear(both, pointers * 2 * TURNS)

    def _start_weights(self) -> None:
        hidden = self.config.hidden
        for lstm in (self.first, self.second):
            lstm.bias_ih_l0.data[hidden : 2 * hidden] = 1.0  # forget gates that start open
        for table in (self.left, self.style, self.one):
            nn.init.normal_(table.weight, std=0.1)
        turns = (self.turn_query, self.turn_key, self.given_turn, self.again_turn, self.again_turn_key)
        for linear in (*turns, self.again_given_turn):
            nn.init.normal_(linear.weight, std=0.02)
            nn.init.normal_(linear.bias, std=0.5)

    def turned(self, rows: Tensor, heads: int, clock: Tensor, coordinate: Tensor) -> Tensor:
        """(B, heads, N, 2 * TURNS) rotary parts of `rows` (B, N, heads * 2 * TURNS) at times (B, N)."""
        steps, bars = self.periods.split([len(CLOCKS), len(BARS)])
        angle = torch.cat([clock[..., None] * steps, coordinate[..., None] * bars], -1)[:, :, None]
        left, right = split(rows, heads, 2, TURNS).unbind(3)
        cos, sin = angle.cos(), angle.sin()
        return torch.cat([left * cos - right * sin, left * sin + right * cos], -1).transpose(1, 2)

    def given_memory(self, batch: Batch) -> dict[str, Tensor]:
        """Keys, values and second keys of the given notes, (B, heads, M, size each)."""
        config = self.config
        if not batch["given_mask"].shape[1]:
            return {}
        mask = batch["given_mask"]
        rows = self.events(batch, "given_") * mask[..., None]
        both, _ = self.encoder(self.drop(rows))
        clock, coordinate = batch["given_clock"], batch["given_coordinate"]
        key = split(self.given_key(both), config.heads, -1).transpose(1, 2)
        turn = self.turned(self.given_turn(both), config.heads, clock, coordinate)
        again = split(self.again_given(both), config.pointers, -1).transpose(1, 2)
        again_turn = self.turned(self.again_given_turn(both), config.pointers, clock, coordinate)
        value = split(self.given_value(both), config.heads, -1).transpose(1, 2)
        zero = torch.zeros_like(key[..., :2])
        return {
            "key": torch.cat([key, turn, zero], -1), "again": torch.cat([again, again_turn], -1), "value": value,
        }  # fmt: skip

    def embedded(self, batch: Batch, begin: int) -> Tensor:
        """(B, T - begin, width) what the first LSTM is fed, without the parts that stand in no entry."""
        some = {name: batch[name][:, begin:] for name in ("place", "meter", "left")}
        for name in ("pitch", "class", "step", "duration", "delta", "velocity", "lane", "program"):
            some[f"{name}_in"] = batch[f"{name}_in"][:, begin:]
        return self.events(some, suffix="_in")

    def beside(self, batch: Batch, begin: int) -> Tensor:
        """(B, T - begin, width) the rest of what the first LSTM is fed."""
        sound = torch.cat([batch["sound_now"][:, begin:], batch["given_now"][:, begin:]], -1).float()
        shares = torch.cat([batch["heard"][:, begin:], batch["fading"][:, begin:]], -1) * 6
        rows = self.told(torch.cat([sound, shares, batch["from_now"][:, begin:]], -1)) + self.left(
            batch["left"][:, begin:]
        )
        fixed = self.condition(batch["condition"] @ self.spread) + self.style(batch["style"]) + self.one(batch["one"])
        rows = rows + fixed[:, None]
        if self.config.echoes:
            names = ("echo_delta", "echo_pitch", "echo_duration")
            parts = [table(batch[name][:, begin:]) for table, name in zip(self.echo_tables, names, strict=True)]
            rows = rows + self.echo_in(torch.cat(parts, -1).flatten(2))
        return rows

    def listen(self, batch: Batch, past: dict[str, Any]) -> dict[str, Tensor]:
        """What positions that `past` has not seen yet know: `context` (B, T, hidden), scores, second queries.

        batch: features of all positions; past: filled with what the next call needs, {} at the start
        """
        config, begin = self.config, past.get("size", 0)
        if "given" not in past:
            past["given"] = self.given_memory(batch)
        rows = self.embedded(batch, begin)
        heard, past["first"] = self.first(self.drop(rows + self.beside(batch, begin)), past.get("first"))
        self._remember(batch, past, rows, heard, begin)
        scores = self._scores(batch, past, heard, begin)
        weights = scores.softmax(-1)
        values = F.pad(past["values"], (0, 0, 1, 0))
        found = (weights @ values).transpose(1, 2).flatten(2)  # (B, T, A * value)
        again = {
            "scores": scores[:, : config.pointers],
            "query": split(self.again_query(heard), config.pointers, -1).transpose(1, 2) / 24**0.5,
            "turn": self.again_turn(heard),
        }
        points = self.pointed(weights[:, : config.pointers], batch, "delta")
        hits = self._hits(batch, past, again, points, begin)
        echo = [batch["echo_hits"][:, begin:].flatten(2)] if config.echoes else []
        both = torch.cat([heard, found], -1)
        told = torch.cat([self.drop(both), hits, *echo], -1)
        state, past["second"] = self.second(told, past.get("second"))
        past["size"] = begin + rows.shape[1]
        return {"context": self.drop(state + self.mix(both)), "points": points, **again}

    def _remember(self, batch: Batch, past: dict[str, Any], rows: Tensor, heard: Tensor, begin: int) -> None:
        """Adds the keys of new positions, and the values of the events that came behind the positions before them."""
        config = self.config
        clock, coordinate = batch["clock"][:, begin:], batch["coordinate"][:, begin:]
        key = split(self.key(heard), config.heads, -1).transpose(1, 2)
        turn = self.turned(self.turn_key(heard), config.heads, clock, coordinate)
        now = (clock / 384)[:, None, :, None].expand(-1, config.heads, -1, 1)
        lean = self.slope[None, :, None, None]
        keys = torch.cat([key, turn, lean * now, -lean.expand_as(now)], -1)
        again = torch.cat([
            split(self.again_key(rows), config.pointers, -1).transpose(1, 2),
            self.turned(self.again_turn_key(rows), config.pointers, clock, coordinate),
        ], -1)  # fmt: skip
        before = torch.cat([past["rows"], rows], 1) if begin else rows
        values = self.value(torch.cat([before[:, :-1], before[:, 1:]], -1))
        values = split(values, config.heads, config.value).transpose(1, 2)
        past["rows"] = rows[:, -1:]
        again = again if begin else again[:, :, 1:]  # the second key of an entry stands at its note itself
        for name, fresh in (("own_keys", keys), ("own_values", values), ("own_again", again)):
            past[name] = torch.cat([past[name], fresh], 2) if begin else fresh
        given = past["given"]
        entries = past["own_keys"][:, :, :-1]
        past["keys"] = torch.cat([entries, given["key"]], 2) if given else entries
        past["values"] = torch.cat([past["own_values"], given["value"]], 2) if given else past["own_values"]
        past["again"] = torch.cat([past["own_again"], given["again"]], 2) if given else past["own_again"]

    def _scores(self, batch: Batch, past: dict[str, Any], heard: Tensor, begin: int) -> Tensor:
        """(B, A, T, 1 + E) scores of nothing and of the entries."""
        config = self.config
        clock, coordinate = batch["clock"][:, begin:], batch["coordinate"][:, begin:]
        query = split(self.query(heard), config.heads, -1).transpose(1, 2) / config.size**0.5
        turn = self.turned(self.turn_query(heard), config.heads, clock, coordinate) / (2 * TURNS) ** 0.5
        now = (clock / 384)[:, None, :, None].expand(-1, config.heads, -1, 1)
        query = torch.cat([query, turn, torch.ones_like(now), now], -1)
        scores = query @ past["keys"].transpose(-1, -2)  # (B, A, T, E)
        if config.runs:
            told = (batch["runs"][:, begin:, 1:, :, None] * self.run_steps).clamp(max=1)  # (B, T, E, KINDS, 3)
            bias = told.flatten(3) @ self.run_weight.T  # (B, T, E, A)
            gate = F.softplus(self.run_gate(heard) + 0.54)[:, :, None]
            scores = scores + (bias * gate).permute(0, 3, 1, 2)
        scores = scores.masked_fill(~self.visible(batch, begin)[:, None], CLOSED)
        nothing = self.nothing[None, :, None, None].expand(*scores.shape[:3], 1)
        return torch.cat([nothing, scores], -1)

    def visible(self, batch: Batch, begin: int) -> Tensor:
        """(B, T - begin, E) which entries a position may look at."""
        count, size = batch["clock"].shape
        at = torch.arange(begin, size, device=batch["clock"].device)
        own = (torch.arange(size - 1, device=at.device) < at[:, None]).expand(count, -1, -1)
        given = batch["given_mask"][:, None].expand(-1, size - begin, -1)
        return torch.cat([own, given], -1)

    def pointed(self, weights: Tensor, batch: Batch, what: str) -> Tensor:
        """(B, P, T, classes) how surely the pointers say each class, by log; weights (B, P, T, 1 + E)."""
        own = batch[f"{what}_in"][:, 1:]
        classes = {
            "delta": ONSETS,
            "pitch": 128,
            "step": NO_STEP + 1,
            "lane": LANES,
            "duration": DURATIONS,
            "loudness": 128,
        }[what]
        own = own % 128 if what == "pitch" else own
        if what in ("delta", "loudness"):  # the time from given note to given note says nothing of ours
            one = F.one_hot(own.clamp(max=classes - 1), classes)
        else:
            given = batch[f"given_{what}"]
            given = given % 128 if what == "pitch" else (given - 1).clamp(min=0) if what == "lane" else given
            one = F.one_hot(torch.cat([own, given], 1), classes)
        one = one.to(weights.dtype)
        seen = weights[..., 1 : 1 + one.shape[1]].flatten(1, 2) @ one
        return torch.log(seen.reshape(*weights.shape[:3], classes) * (1 - FAINT) + FAINT)

    def point_again(self, batch: Batch, past: dict[str, Any], again: dict[str, Tensor], span: slice) -> Tensor:
        """(B, P, T, 1 + E) where the pointers look once the new onset is known, at positions `span`."""
        turn = self.turned(
            again["turn"], self.config.pointers, batch["clock_next"][:, span], batch["coordinate_next"][:, span]
        )
        query = torch.cat([again["query"], turn / (2 * TURNS) ** 0.5], -1)
        more = query @ past["again"].transpose(-1, -2)
        return (again["scores"] + F.pad(more, (1, 0))).softmax(-1)

    def _hits(self, batch: Batch, past: dict[str, Any], again: dict[str, Tensor], points: Tensor, begin: int) -> Tensor:
        """(B, T, 2P) how surely the pointers said the onset and the pitch of each event before it came."""
        size = batch["clock"].shape[1]
        shift: list[Tensor] = []
        if begin:  # the position before the new ones, now that its event is known
            before = past["before"]
            parts = before["scores"].split([begin, before["scores"].shape[-1] - begin], -1)
            unseen = before["scores"].new_full((*before["scores"].shape[:-1], size - begin), CLOSED)
            before = before | {"scores": torch.cat([parts[0], unseen, parts[1]], -1)}
            shift.append(self._said(batch, past, before, past["points"], slice(begin - 1, begin)))
        if size - begin > 1:
            shift.append(
                self._said(batch, past, span_of(again, slice(None, -1)), points[:, :, :-1], slice(begin, size - 1))
            )
        past["before"], past["points"] = span_of(again, slice(-1, None)), points[:, :, -1:]
        hits = torch.cat(shift, 1) if shift else points.new_zeros(len(points), 0, 2 * self.config.pointers)
        return hits if begin else F.pad(hits, (0, 0, 1, 0))

    def _said(
        self, batch: Batch, past: dict[str, Any], again: dict[str, Tensor], points: Tensor, span: slice
    ) -> Tensor:
        weights = self.point_again(batch, past, again, span)
        keys = torch.cat([batch["pitch_in"][:, 1:], batch["given_pitch"]], 1) % 128
        same = keys[:, None] == batch["pitch_next"][:, span, None]  # (B, T, E)
        pitch = torch.log((weights[..., 1:] * same[:, None]).sum(-1) * (1 - FAINT) + FAINT)
        at = batch["delta_next"][:, None, span, None].expand(-1, points.shape[1], -1, 1)
        delta = points.gather(-1, at)[..., 0]
        return torch.cat([delta, pitch], 1).transpose(1, 2) / 4

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """Nats of each factor at each position, (B, T), 0 where nothing is to be learnt."""
        past: dict[str, Any] = {}
        heard = self.listen(batch, past)
        return self.heads.losses(self, batch, past, heard)
