"""The note loop of the score network: a few graphs a step, all rows as one batch; between them the caller draws."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from continuo_daw.assistant.codecs.score.classes import BUCKETS, DIRECT, END_CLASS, Array, duration_class, onset_class
from continuo_daw.assistant.codecs.score.state import ScoreState
from continuo_daw.assistant.codecs.score.window import KEY, LENGTH, LOUDNESS, ONSET, TRACK, Window
from continuo_daw.assistant.sampling.score_memory import Arrays, Memory, given_arrays
from continuo_daw.assistant.sampling.score_prompt import place_prompt, prompt_inputs

FACTORS = ("onset", "onset_rest", "lane", "pitch", "duration", "duration_rest", "velocity")  # in order of the draws
STATES = ("first_hidden", "first_cell", "second_hidden", "second_cell")
SURENESS = 4  # the network is told a quarter of a pointer's logarithm
Draw = Callable[[str, NDArray[np.float32]], Array]


class Runs(Protocol):
    """A graph that says what it takes."""

    inputs: tuple[str, ...]

    def run(self, arrays: Mapping[str, NDArray[Any]]) -> Arrays: ...


class ScoreWriter:
    """Writes notes behind those it has heard.

    graphs: by their names in `export/score_steps.py`; window: what is given and where, its notes are not looked at;
    sizes: `width` and `hidden` of the network; room: notes that the memory holds
    """

    def __init__(
        self, graphs: Mapping[str, Runs], window: Window, sizes: Mapping[str, Any], room: int, rows: int = 1
    ) -> None:
        self.graphs, self.lanes = graphs, len(window.programs)
        self.state = ScoreState(window, rows, room)
        given = given_arrays(self.state.given)
        self.memory = Memory(rows, room, given)
        self.fixed = self._run("given", given) | self.memory.given
        hidden, one = int(sizes["hidden"]), self.lanes == 1 and bool(window.voices[0])
        self.carried: Arrays = {name: np.zeros((1, rows, hidden), np.float32) for name in STATES}
        self.ready: Arrays = {}  # what a prompt has left to go on from
        self.told: Arrays = {
            "rows": np.zeros((rows, int(sizes["width"])), np.float32),
            "condition": np.repeat(window.condition[None], rows, 0),
            "style": np.full(rows, window.style), "one": np.full(rows, int(one)),
            "programs": np.repeat(self.state.programs[None], rows, 0), "lanes": np.full(rows, self.lanes),
            "hits": np.zeros((rows, 0), np.float32),
        }  # fmt: skip

    def hear(self, event: Array) -> None:
        """Takes an event (rows, 5) that is given and not drawn."""
        known = self._listened()
        known |= self._entered(known, event[:, ONSET])
        known |= self._laned(known, event[:, TRACK])
        self.state.at_pitch(event[:, KEY])
        self._advance(known, event)

    def hear_all(self, notes: Array) -> None:
        """Takes notes (N, 5), N > 0, before anything else, in one pass; for a writer of one row."""
        features = prompt_inputs(self.state.window, notes)
        heard = self._run("prompt", features | self.fixed)
        self.ready = {name: value for name, value in heard.items() if name not in ("keys", "values", "again")}
        self.ready |= place_prompt(self.memory, heard, features)
        for note in notes:
            self.state.take(note[None])
        self.carried = {name: heard[f"next_{name}"] for name in STATES}
        self.told["rows"] = heard["next_rows"]

    def step(self, draw: Draw) -> tuple[Array, NDArray[np.bool_]]:
        """The next event (rows, 5) and which rows want to end instead, whose event means nothing.

        draw: for one of FACTORS and its logits (rows, classes) gives the class of each row. It is asked for a lane
        where there are several, and for a rest where the class of any row is a bucket: what is random in a row must
        not depend on how often it was asked
        """
        state, event = self.state, self.state.event.copy()
        known = self._listened()
        drawn = draw("onset", known["onset_logits"])
        ended = drawn == END_CLASS
        delta = self._within(draw, "onset", known, "context", np.where(ended, 0, drawn), DIRECT + 1)
        event[:, ONSET] += delta
        known |= self._entered(known, event[:, ONSET])
        event[:, TRACK] = draw("lane", known["lane_logits"]) if self.lanes > 1 else 0
        known |= self._laned(known, event[:, TRACK])
        event[:, KEY] = draw("pitch", known["pitch_logits"])
        known |= state.at_pitch(event[:, KEY])
        known |= self._run("duration", known)
        drawn = draw("duration", known["duration_logits"])
        event[:, LENGTH] = self._within(draw, "duration", known, "long", drawn, DIRECT) + (drawn < DIRECT)
        event[:, LENGTH] += drawn >= DIRECT
        known["duration_next"] = duration_class(event[:, LENGTH])
        known |= self._run("velocity", known)
        drawn = draw("velocity", known["velocity_logits"])
        event[:, LOUDNESS] = np.where(drawn > 0, drawn, np.maximum(known["loud"], 1))
        self._advance(known, event)
        return event, ended

    def keep(self, rows: Array) -> None:
        """Goes on with some rows alone, in this order; a row may stand there more than once."""
        self.state.keep(rows)
        self.memory.keep(rows)
        self.carried = {name: value[:, rows] for name, value in self.carried.items()}
        self.told = {name: value[rows] for name, value in self.told.items()}
        self.ready = {
            name: value[:, rows] if name.endswith(("hidden", "cell")) else value[rows]
            for name, value in self.ready.items()
        }

    def _listened(self) -> Arrays:
        """All that is known behind the last event, with the logits of the onset."""
        known = self.state.heard() | self.told | self.carried
        if self.ready:
            beside = self.memory.rings | self.memory.classes | self.fixed | {"shown": self.memory.shown}
            known, self.ready = known | beside | self.ready, {}
            return known
        fresh = self._run("hear", known)
        self.memory.remember(self.state.count, fresh, known)
        self.told["rows"] = fresh["next_rows"]
        known |= fresh | self.memory.rings | self.memory.classes | self.fixed | {"shown": self.memory.shown}
        if not self.state.count:
            pointers = self.memory.rings["ring_again"].shape[1]
            known["hits"] = np.zeros((self.state.rows, 2 * pointers), np.float32)
        known |= self._run("recall", known)
        self.carried = {name: known[f"next_{name}"] for name in STATES}
        return known

    def _entered(self, known: Arrays, onset: Array) -> Arrays:
        found = self.state.at_onset(onset)
        return found | self._run("enter", known | found)

    def _laned(self, known: Arrays, lane: Array) -> Arrays:
        found = self.state.in_lane(lane)
        return found | self._run("pitch", known | found)

    def _advance(self, known: Arrays, event: Array) -> None:
        """Takes an event, and how surely the pointers said its onset and its pitch."""
        number, delta = self.state.number, event[:, ONSET] - self.state.event[:, ONSET]
        said = [known["onset_points"][number, :, onset_class(delta)], known["pitch_points"][number, :, event[:, KEY]]]
        self.told["hits"] = np.concatenate(said, 1) / SURENESS
        self.state.advance(event)

    def _within(self, draw: Draw, name: str, known: Arrays, rows: str, drawn: Array, first: int) -> Array:
        """`drawn` classes as steps: those from `first` on are buckets of DIRECT steps, within which one is drawn."""
        if not (drawn >= first).any():
            return drawn
        bucket = np.clip(drawn, 0, first + BUCKETS - 1)
        rest = draw(f"{name}_rest", self._run(f"{name}_rest", {rows: known[rows], "bucket": bucket})["rest_logits"])
        return np.where(drawn >= first, DIRECT + (drawn - first) * DIRECT + rest + (first > DIRECT), drawn)

    def _run(self, name: str, known: Mapping[str, NDArray[Any]]) -> Arrays:
        graph = self.graphs[name]
        return graph.run({name: known[name] for name in graph.inputs})
