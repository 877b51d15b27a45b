"""The heads of the score network: onset, lane, pitch, duration and velocity of the next note, one after the other.

Pitches are chosen by structure: intervals to what was just heard and to what sounds, degrees of the pitch classes
that are heard, what the pointers found, as it stands or moved by its interval, and what stood there some bars ago.
"""

from __future__ import annotations

from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from continuo_daw.assistant.codecs.score.classes import (
    DIRECT,
    DURATIONS,
    LEFTS,
    METERS,
    NO_ONSET,
    NO_PITCH,
    NO_STEP,
    ONSETS,
    PLACES,
)
from continuo_daw.assistant.codecs.score.echoes import LAGS
from continuo_daw.assistant.codecs.score.hints import DURATION_HINTS, FROM, ONSET_HINTS
from continuo_daw.assistant.codecs.score.window import DRUMS, LANES, PROGRAMS
from continuo_daw.training.families.score.parts import gate_layer, hinted, nats, rest, split, weighed

REACH = 49  # semitones that intervals to what was heard tell apart, to each side
KERNELS = 4  # of what sounds
DEGREES = 6  # kernels over pitch classes
CLOSED = -1e4
ECHOED = ("onset", "pitch", "moved", "duration", "velocity")
FACTORS = ("onset", "lane", "pitch", "duration", "velocity")

Batch = dict[str, Tensor]


class Pointing(Protocol):
    """What the heads need of the network: where its pointers look, and what they say; see `net.py`."""

    def pointed(self, weights: Tensor, batch: Batch, what: str) -> Tensor: ...

    def point_again(self, batch: Batch, past: dict[str, Any], again: Batch, span: slice) -> Tensor: ...


class Heads(nn.Module):
    """hidden: cells of the context; found: numbers that the pointers read once the onset is known."""

    def __init__(self, hidden: int, pointers: int, found: int, echoes: bool) -> None:
        super().__init__()
        self.echoes = echoes
        self._make_onset(hidden, pointers)
        self._make_lane(hidden, pointers, found)
        self._make_pitch(hidden, pointers)
        self._make_duration(hidden, pointers)
        if echoes:
            lags = len(LAGS)
            self.echo_gates = nn.ModuleDict({
                name: gate_layer(96 if name == "velocity" else hidden, lags) for name in ECHOED
            })  # fmt: skip
            self.echo_trust = nn.ParameterDict({
                name: nn.Parameter(torch.full((lags, 3), 0.5)) for name in ECHOED
            })  # fmt: skip
        self._start_tables()

    def _make_onset(self, hidden: int, pointers: int) -> None:
        self.onset = nn.Linear(hidden, ONSETS)
        self.onset_copy, self.onset_hints = gate_layer(hidden, pointers), gate_layer(hidden, ONSET_HINTS)
        self.gap = nn.Embedding(DIRECT + 2, ONSETS)
        nn.init.zeros_(self.gap.weight)
        self.onset_bucket, self.onset_rest = nn.Embedding(ONSETS, hidden), nn.Linear(hidden, DIRECT)

    def _make_lane(self, hidden: int, pointers: int, found: int) -> None:
        self.enter = nn.Linear(hidden + found + 256 + 24, hidden)
        sizes = {"delta_next": ONSETS + 1, "place_next": PLACES, "meter_next": METERS, "left_next": LEFTS}
        self.where = nn.ModuleDict({name: nn.Embedding(size, hidden) for name, size in sizes.items()})
        self.lane_query, self.lane_key = nn.Linear(hidden, 64), nn.Embedding(LANES, 64)
        self.lane_program, self.lane_told = nn.Embedding(PROGRAMS, 64), nn.Linear(3, 64)
        self.lane_copy = gate_layer(hidden, pointers + len(LAGS))

    def _make_pitch(self, hidden: int, pointers: int) -> None:
        self.lane, self.program = nn.Embedding(LANES, hidden), nn.Embedding(PROGRAMS, hidden)
        self.last = nn.Embedding(NO_PITCH + 1, hidden)
        self.from_last = nn.Linear(24 + 2 * FROM, hidden, bias=False)
        self.body = nn.Linear(hidden, hidden)
        self.tone, self.drum = nn.Linear(hidden, 128), nn.Linear(hidden, 128)
        self.steps = nn.Linear(hidden, 3 * (2 * REACH + 1))
        self.kernel = nn.Parameter(torch.randn(3 * KERNELS, 2 * 127 + 1) * 0.05)
        self.kernel_gate = gate_layer(hidden, 3 * KERNELS)
        self.degree = nn.Parameter(torch.randn(DEGREES, 5, 12) * 0.05)
        self.degree_gate = gate_layer(hidden, DEGREES + 3)
        self.pitch_copy = gate_layer(hidden, 2 * pointers)

    def _make_duration(self, hidden: int, pointers: int) -> None:
        self.key, self.step = nn.Embedding(256, hidden), nn.Embedding(NO_STEP + 1, hidden)
        self.lengthen = nn.Linear(hidden, hidden)
        self.duration = nn.Linear(hidden, DURATIONS)
        self.duration_copy, self.duration_hints = gate_layer(hidden, 2 * pointers), gate_layer(hidden, DURATION_HINTS)
        self.duration_bucket, self.duration_rest = nn.Embedding(DURATIONS, hidden), nn.Linear(hidden, DIRECT)
        self.length = nn.Embedding(DURATIONS, 96)
        self.louder, self.velocity = nn.Linear(hidden, 96), nn.Linear(96, 128)
        self.loud, self.near = nn.Embedding(128, 96), nn.Embedding(128, 96)
        self.velocity_copy = gate_layer(96, 2 + pointers)

    def _start_tables(self) -> None:
        late = (self.key, self.step, self.length, self.loud, self.near)
        for table in (*self.where.values(), self.lane, self.program, self.last, *late):
            nn.init.normal_(table.weight, std=0.1)
        nn.init.normal_(self.steps.weight, std=0.02)
        keys = torch.arange(128)
        self.register_buffer("toeplitz", keys[None] - keys[:, None] + 127, persistent=False)
        self.register_buffer("circle", (keys[None, :12] - keys[:12, None]) % 12, persistent=False)

    def losses(self, net: Pointing, batch: Batch, past: dict[str, Any], heard: Batch) -> dict[str, Tensor]:
        """Nats of each factor at each position (B, T)."""
        context = heard["context"]
        found = {"onset": nats(self.onset_logits(batch, heard, 0), batch["to_onset"])}
        found["onset"] = found["onset"] + rest(
            context, batch["to_onset"], batch["to_onset_rest"], self.onset_bucket, self.onset_rest
        )
        asked = self.entered(net, batch, past, heard, 0)
        if int(batch["lanes"].max()) > 1:
            found["lane"] = nats(self.lane_logits(net, batch, asked, 0), batch["to_lane"])
        self.laned(batch, asked, 0)
        found["pitch"] = nats(self.pitch_logits(net, batch, asked, 0), batch["to_pitch"])
        self.pitched(batch, asked, 0)
        found["duration"] = nats(self.duration_logits(net, batch, asked, 0), batch["to_duration"])
        found["duration"] = found["duration"] + rest(
            asked["long"], batch["to_duration"], batch["to_duration_rest"], self.duration_bucket, self.duration_rest
        )
        found["velocity"] = nats(self.velocity_logits(net, batch, asked, 0), batch["to_velocity"])
        return found

    def onset_logits(self, batch: Batch, heard: Batch, begin: int) -> Tensor:
        """(B, T, ONSETS)."""
        context = heard["context"]
        logits = self.onset(context) + weighed(heard["points"], self.onset_copy(context))
        logits = logits + self.gap(batch["gap"][:, begin:])
        logits = hinted(logits, batch["onset_hints"][:, begin:], self.onset_hints(context))
        logits = self.echoed(logits, batch, context, "onset", "echo_delta", begin)
        # in one voice no note starts before the end of the last, which is the first hint
        end = batch["onset_hints"][:, begin:, :1]
        soonest = torch.where(end == NO_ONSET, 0, end) * batch["one"][:, None, None]
        return logits.masked_fill(torch.arange(ONSETS, device=logits.device) < soonest, CLOSED)

    def echoed(self, logits: Tensor, batch: Batch, context: Tensor, name: str, what: str, begin: int) -> Tensor:
        """`logits` with more for what stood there some bars ago."""
        if not self.echoes:
            return logits
        trust = (batch["echo_hits"][:, begin:] * self.echo_trust[name]).sum(-1)
        more = (self.echo_gates[name](context) + trust) * (1 + trust)
        return F.pad(logits, (0, 1)).scatter_add(-1, batch[what][:, begin:], more)[..., :-1]

    def entered(self, net: Pointing, batch: Batch, past: dict[str, Any], heard: Batch, begin: int) -> Batch:
        """`wide` (B, T, hidden): what is known with the onset; `weights` of the pointers."""
        weights = net.point_again(batch, past, heard, slice(begin, None))
        values = F.pad(past["values"][:, : weights.shape[1]], (0, 0, 1, 0))
        found = (weights @ values).transpose(1, 2).flatten(2)
        sound = torch.cat([batch["sound_next"][:, begin:], batch["given_next"][:, begin:]], -1).float()
        shares = torch.cat([batch["fading"][:, begin:], batch["around"][:, begin:]], -1) * 3
        wide = self.enter(torch.cat([heard["context"], found, sound, shares], -1))
        for name, table in self.where.items():
            wide = wide + table(batch[name][:, begin:])
        return {"wide": wide, "weights": weights, "context": heard["context"]}

    def lane_logits(self, net: Pointing, batch: Batch, asked: Batch, begin: int) -> Tensor:
        """(B, T, LANES)."""
        rows = F.gelu(asked["wide"])
        keys = (self.lane_key.weight + self.lane_program(batch["programs"]))[:, None]
        keys = keys + self.lane_told(batch["lane_told"][:, begin:])  # (B, T, LANES, 64)
        logits = torch.einsum("btd,btld->btl", self.lane_query(rows), keys) / 8
        points = net.pointed(asked["weights"], batch, "lane")
        gates = self.lane_copy(rows)
        pointers = points.shape[1]
        logits = logits + weighed(points, gates[..., :pointers])
        echo = batch["echo_lane"][:, begin:]
        told = F.pad(logits, (0, 1)).scatter_add(-1, torch.where(echo < 0, LANES, echo), gates[..., pointers:])
        number = torch.arange(LANES, device=logits.device)
        closed = (number >= batch["lanes"][:, None, None]) | (number < batch["lane_floor"][:, begin:, None])
        return told[..., :-1].masked_fill(closed, CLOSED)

    def laned(self, batch: Batch, asked: Batch, begin: int) -> None:
        """Adds `tone` (B, T, hidden): what is known with the lane."""
        last = batch["last"][:, begin:]
        rows = self.lane(batch["lane_next"][:, begin:]) + self.program(batch["program_next"][:, begin:])
        rows = rows + self.last(torch.where(last < 0, NO_PITCH, last))
        wide = F.gelu(asked["wide"] + rows + self.from_last(batch["from_last"][:, begin:]))
        asked["tone"] = F.gelu(self.body(wide)) + asked["context"]

    def pitch_logits(self, net: Pointing, batch: Batch, asked: Batch, begin: int) -> Tensor:
        """(B, T, 128)."""
        tone, weights = asked["tone"], asked["weights"]
        drum = (batch["program_next"][:, begin:] == DRUMS)[..., None]
        gates = self.pitch_copy(tone)
        pointers = weights.shape[1]
        copied = weighed(net.pointed(weights, batch, "pitch"), gates[..., :pointers])
        moved = weighed(net.pointed(weights, batch, "step"), gates[..., pointers:])
        relative = self.relative(batch, tone, moved, begin)
        logits = torch.where(drum, self.drum(tone), self.tone(tone) + relative) + copied
        logits = self.echoed(logits, batch, tone, "pitch", "echo_key", begin)
        echo = torch.where(drum, NO_PITCH, batch["echo_moved"][:, begin:])
        logits = self.echoed(
            logits, batch | {"echo_now": echo}, tone, "moved", "echo_now", 0 if not begin else -echo.shape[1]
        )
        floor = batch["floor"][:, begin:, None]
        return logits.masked_fill(torch.arange(128, device=logits.device) < floor, CLOSED)

    def relative(self, batch: Batch, tone: Tensor, moved: Tensor, begin: int) -> Tensor:
        """(B, T, 128) what intervals and degrees say of tones; `moved` (B, T, steps) what pointers say of intervals."""
        keys = torch.arange(128, device=tone.device)
        steps = split(self.steps(tone), 3, -1)
        found: Any = 0
        for number, name in enumerate(("last", "low", "top")):
            base = batch[name][:, begin:, None]
            at = (keys - base).clamp(-REACH, REACH) + REACH
            found = found + steps[..., number, :].gather(-1, at) * (base >= 0)
        base = batch["last"][:, begin:, None]
        found = found + moved.gather(-1, (keys - base).clamp(-25, 25) + 25) * (base >= 0)
        own, given = batch["sound_next"][:, begin:].float(), batch["given_next"][:, begin:].float()
        kernels = self.kernel[:, self.toeplitz]  # (kernels, 128, 128), from a sounding key to a new one
        gates = self.kernel_gate(tone)
        for number, sound in enumerate((own, batch["chord"][:, begin:].float(), given)):
            if sound is given and not batch["given_mask"].shape[1]:
                continue
            part = slice(number * KERNELS, (number + 1) * KERNELS)
            spread = split(sound @ kernels[part].permute(1, 0, 2).flatten(1), KERNELS, 128)
            found = found + (spread * gates[..., part, None]).sum(-2)
        return found + self.degrees(batch, tone, own, given, begin)[..., keys % 12]

    def degrees(self, batch: Batch, tone: Tensor, own: Tensor, given: Tensor, begin: int) -> Tensor:
        """(B, T, 12) what the pitch classes that are heard say of the next one."""
        heard, fading, around = (batch[name][:, begin:] for name in ("heard", "fading", "around"))
        classes = [split(F.pad(sound, (0, 4)), 11, 12).amax(-2) for sound in (own, given)]
        told = torch.cat([heard * 6, fading * 6, around * 6, *classes], -1)
        weight = self.degree[:, :, self.circle].permute(1, 2, 0, 3).flatten(2).flatten(0, 1)  # (5 * 12, DEGREES * 12)
        spread = split(told @ weight, DEGREES, 12)
        gates = self.degree_gate(tone)
        found = (spread * gates[..., :DEGREES, None]).sum(-2)
        for number, shares in enumerate((heard, fading, around)):
            found = found + gates[..., DEGREES + number, None] * torch.log(shares + 0.01)
        return found

    def pitched(self, batch: Batch, asked: Batch, begin: int) -> None:
        """Adds `long` (B, T, hidden): what is known with the pitch."""
        drum = batch["program_next"][:, begin:] == DRUMS
        rows = self.key(batch["pitch_next"][:, begin:] + 128 * drum) + self.step(batch["step_next"][:, begin:])
        asked["long"] = F.gelu(self.lengthen(asked["tone"]) + rows)

    def duration_logits(self, net: Pointing, batch: Batch, asked: Batch, begin: int) -> Tensor:
        """(B, T, DURATIONS)."""
        rows, weights = asked["long"], asked["weights"]
        gates = self.duration_copy(rows)
        plain = net.pointed(weights, batch, "duration")
        entries = torch.cat([batch["pitch_in"][:, 1:] % 128, batch["given_pitch"] % 128], 1)
        steps = torch.cat([batch["step_in"][:, 1:], batch["given_step"]], 1)
        same = entries[:, None] == batch["pitch_next"][:, begin:, None]
        asked_step = batch["step_next"][:, begin:, None]
        same = same | ((steps[:, None] == asked_step) & (asked_step < NO_STEP))
        apt = weights[..., 1:] * same[:, None]
        apt = F.pad(apt / (apt.sum(-1, keepdim=True) + 0.01), (1, 0))
        points = torch.cat([plain, net.pointed(apt, batch, "duration")], 1)
        logits = self.duration(rows) + weighed(points, gates)
        logits = hinted(logits, batch["duration_hints"][:, begin:], self.duration_hints(rows))
        return self.echoed(logits, batch, rows, "duration", "echo_length", begin)

    def velocity_logits(self, net: Pointing, batch: Batch, asked: Batch, begin: int) -> Tensor:
        """(B, T, 128) of velocities; 0 is none."""
        loud, near = batch["loud"][:, begin:], batch["near_loud"][:, begin:]
        rows = self.louder(asked["long"]) + self.length(batch["duration_next"][:, begin:])
        rows = F.gelu(rows + self.loud(loud) + self.near(near))
        gates = self.velocity_copy(rows)
        logits = self.velocity(rows) + weighed(net.pointed(asked["weights"], batch, "loudness"), gates[..., 2:])
        logits = logits.scatter_add(-1, torch.stack([loud, near], -1), gates[..., :2])
        return self.echoed(logits, batch, rows, "velocity", "echo_loud", begin)
