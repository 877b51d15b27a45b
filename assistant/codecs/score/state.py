"""The features of the score network while it writes: kept event by event, the same numbers as `features_of` gives.

All rows write one event a step, so that they share its number; each is at an onset of its own. The features of a step
come in the order in which a note is drawn: `heard`, then `at_onset`, `in_lane`, `at_pitch`; `advance` takes the note.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from continuo_daw.assistant.codecs.score.classes import (
    FADING,
    NO_CLASS,
    NO_DURATION,
    NO_ONSET,
    START_KEY,
    Array,
    duration_class,
    onset_class,
    places,
    step_class,
)
from continuo_daw.assistant.codecs.score.echo_state import EchoState
from continuo_daw.assistant.codecs.score.given import given_features, given_gap, given_sound
from continuo_daw.assistant.codecs.score.hints import BEAT, RECENT, heard_from
from continuo_daw.assistant.codecs.score.run_state import RunState
from continuo_daw.assistant.codecs.score.window import DRUMS, KEY, LANES, LENGTH, LOUDNESS, ONSET, TRACK, Window

Features = dict[str, NDArray[Any]]
SILENCE = -1


class ScoreState:
    """rows: how many are written at once; window: what is given and where, its notes are not looked at.

    room: entries that the memory holds; the oldest ones make room. Features are (rows, ...).
    """

    def __init__(self, window: Window, rows: int, room: int) -> None:
        self.window, self.rows, self.room, self.count = window, rows, room, 0
        self.number = np.arange(rows)
        self.programs = np.zeros(LANES, np.int64)
        self.programs[: len(window.programs)] = window.programs
        self.given = given_features([window])
        self.event = np.zeros((rows, 5), np.int64)
        self.delta, self.moved = np.zeros(rows, np.int64), np.zeros(rows, np.int64)
        self.last = np.full((rows, LANES), -1)  # pitch of the last note of each lane
        self.loud = np.zeros((rows, LANES), np.int64)
        # of each lane: its last onset, until when it sounds, and its lowest and highest key at that onset and before
        self.lane_onset, self.until = np.full((rows, LANES), -1), np.full((rows, LANES), -1)
        self.bounds, self.bounds_before = (np.full((2, rows, LANES), -1) for _ in range(2))
        self.ends = np.zeros((rows, 128), np.int64)  # until when a tone of each key sounds
        self.chord, self.chord_before = (np.zeros((rows, 128), np.int8) for _ in range(2))
        self.chord_onset = np.full(rows, SILENCE)
        self.classes, self.fading = (np.zeros((rows, 12), np.float32) for _ in range(2))
        self.recent = np.zeros((RECENT, rows, 5), np.int64)  # the latest first
        self.before = np.full(rows, -1)  # the pitch of its lane before the last event
        self.echo, self.runs = EchoState(rows), RunState(self.given, rows, room)
        self.place = places(self.event[:, ONSET], window)
        self.asked: Features = {}

    def heard(self) -> Features:
        """What is known behind the last event."""
        event, start = self.event, self.count == 0
        program = self.programs[event[:, TRACK]]
        tone = (program != DRUMS) & (not start)
        pitch, onset = event[:, KEY], event[:, ONSET]
        self.shares = (
            self.classes / np.maximum(self.classes.sum(-1, keepdims=True), 1),
            self.fading / np.maximum(self.fading.sum(-1, keepdims=True), 1e-6),
        )
        sound = (self.ends > onset[:, None]).astype(np.int8)
        given, _ = self._given_sound(onset)
        found = {
            "pitch_in": np.full(self.rows, START_KEY) if start else pitch + 128 * (program == DRUMS),
            "class_in": np.where(tone, pitch % 12, NO_CLASS),
            "step_in": step_class(pitch, self.before, tone),
            "duration_in": np.full(self.rows, NO_DURATION) if start else duration_class(event[:, LENGTH]),
            "delta_in": np.full(self.rows, NO_ONSET) if start else onset_class(self.delta),
            "velocity_in": np.full(self.rows, 16) if start else event[:, LOUDNESS] // 8,
            "lane_in": event[:, TRACK], "program_in": program, "loudness_in": event[:, LOUDNESS],
            "place": self.place["place"], "meter": self.place["meter"], "left": self.place["left"],
            "clock": onset.astype(np.float32), "coordinate": self.place["coordinate"].astype(np.float32),
            "sound_now": sound, "heard": self.shares[0], "fading": self.shares[1], "given_now": given,
            "from_now": heard_from(np.where(tone, pitch, -1)[None], _rows(self.shares), [sound[None]])[0],
            "gap": given_gap([self.window], onset[None])[0], "onset_hints": self._onset_hints(),
            "runs": self.runs.found(),
        }  # fmt: skip
        return found | self.echo.known()

    def at_onset(self, onset: Array) -> Features:
        """What the onset (rows,) of the new event tells; before any of its other values."""
        event = self.event
        delta = onset - event[:, ONSET]
        same = (delta == 0) & (self.count > 0)
        self.next = places(onset, self.window)
        given, around = self._given_sound(onset)
        sound = (self.ends > onset[:, None]).astype(np.int8)
        chord = np.where((self.chord_onset < onset)[:, None], self.chord, self.chord_before)
        self.asked = {"onset": onset, "same": same, "sound_next": sound, "chord": chord}
        found: Features = {
            "place_next": self.next["place"], "meter_next": self.next["meter"], "left_next": self.next["left"],
            "clock_next": onset.astype(np.float32), "coordinate_next": self.next["coordinate"].astype(np.float32),
            "delta_next": onset_class(delta), "sound_next": sound, "chord": chord, "given_next": given,
            "around": around, "lane_floor": np.where(same, event[:, TRACK], 0), "lane_told": self._lane_told(onset),
            "duration_hints": self._duration_hints(onset, delta),
        }  # fmt: skip
        return found | self.echo.at_onset(onset, same)

    def in_lane(self, lane: Array) -> Features:
        """What the lane (rows,) of the new event tells, behind its onset."""
        at, asked = (self.number, lane), self.asked
        program = self.programs[lane]
        last = self.last[at]
        group = np.where(self.lane_onset[at] < asked["onset"], self.bounds[:, *at], self.bounds_before[:, *at])
        within = asked["same"] & (lane == self.event[:, TRACK])
        base = np.where(program != DRUMS, last, -1)
        sounds = [asked["sound_next"][None], asked["chord"][None]]
        asked |= {"lane": lane, "last": last, "tone": program != DRUMS}
        found = {
            "lane_next": lane, "program_next": program, "last": last, "low": group[0], "top": group[1],
            "floor": np.where(within, self.event[:, KEY] + 1, 0), "loud": self.loud[at],
            "from_last": heard_from(base[None], _rows(self.shares), sounds)[0],
        }  # fmt: skip
        return found | self.echo.in_lane(lane, last, within)

    def at_pitch(self, pitch: Array) -> Features:
        """What the pitch (rows,) of the new event tells, behind its lane."""
        asked = self.asked
        found = {
            "pitch_next": pitch,
            "step_next": step_class(pitch, asked["last"], asked["tone"]),
            "near_loud": self._near_loud(asked["lane"], pitch),
        }
        return found | self.echo.at_pitch(pitch)

    def advance(self, event: Array) -> None:
        """Takes the new event (rows, 5), whose onset `at_onset` has been told."""
        onset, lane, pitch, duration, velocity = (event[:, column] for column in (ONSET, TRACK, KEY, LENGTH, LOUDNESS))
        at = (self.number, lane)
        tone = self.programs[lane] != DRUMS
        self.delta = onset - self.event[:, ONSET]
        self.moved = np.where(self.delta > 0, self.delta, self.moved)
        self.before = self.last[at].copy()
        fresh = self.lane_onset[at] < onset
        self.bounds_before[:, *at] = np.where(fresh, self.bounds[:, *at], self.bounds_before[:, *at])
        self.bounds[0][at] = np.where(fresh, pitch, self.bounds[0][at])
        self.bounds[1][at] = pitch
        self.lane_onset[at], self.last[at], self.loud[at] = onset, pitch, velocity
        self.until[at] = np.maximum(self.until[at], onset + duration)
        self._advance_tones(onset, pitch, onset + duration, tone)
        self.recent = np.roll(self.recent, 1, 0)
        self.recent[0] = event
        self.event, self.count = event.astype(np.int64), self.count + 1
        self.place = self.next
        self.echo.advance(self.event, self.before, self.delta, self.place["bar"])
        self.runs.advance(pitch, self.delta, duration)

    def take(self, event: Array) -> None:
        """Takes an event (rows, 5) of which no features were asked for."""
        self.echo.known()
        self.next = places(event[:, ONSET], self.window)
        self.advance(event)

    def keep(self, rows: Array) -> None:
        """Goes on with some of the rows alone, in this order; a row may stand there more than once."""
        self.rows, self.number = len(rows), np.arange(len(rows))
        for name in (
            "event", "delta", "moved", "last", "loud", "lane_onset", "until", "ends", "chord", "chord_before",
            "chord_onset", "classes", "fading", "before",
        ):  # fmt: skip
            setattr(self, name, getattr(self, name)[rows])
        self.bounds, self.bounds_before = self.bounds[:, rows], self.bounds_before[:, rows]
        self.recent = self.recent[:, rows]
        self.place = {name: value[rows] for name, value in self.place.items()}
        self.echo.keep(rows)
        self.runs.keep(rows)

    def _advance_tones(self, onset: Array, pitch: Array, end: Array, tone: NDArray[np.bool_]) -> None:
        """Keys that sound, chords and pitch classes, in rows where the new event is a tone."""
        own, keys = self.number[tone], pitch[tone]
        self.ends[own, keys] = np.maximum(self.ends[own, keys], end[tone])
        fresh = (tone & (self.chord_onset < onset))[:, None]
        self.chord_before = np.where(fresh, self.chord, self.chord_before)
        self.chord = np.where(fresh, 0, self.chord).astype(np.int8)
        self.chord[own, keys] = 1
        self.chord_onset = np.where(tone, onset, self.chord_onset)
        self.fading = self.fading * np.exp(-self.delta / FADING).astype(np.float32)[:, None]
        self.fading[own, keys % 12] += 1
        self.classes[own, keys % 12] += 1

    def _given_sound(self, onset: Array) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
        if not len(self.window.given):
            return np.zeros((self.rows, 128), np.int8), np.zeros((self.rows, 12), np.float32)
        sound, near = given_sound([self.window], onset[None])
        return sound[0], near[0]

    def _onset_hints(self) -> Array:
        if not self.count:
            return np.full((self.rows, 6), NO_ONSET)
        onset, place, bar = self.event[:, ONSET], self.place["place"], self.place["bar"]
        first, latest = self._ends(onset)
        steps = np.stack([
            self.event[:, LENGTH], first - onset, latest - onset, self.moved, bar - place % bar, BEAT - place % BEAT,
        ], -1)  # fmt: skip
        return np.where(steps > 0, onset_class(np.maximum(steps, 0)), NO_ONSET)

    def _duration_hints(self, onset: Array, delta: Array) -> Array:
        place, bar = self.next["place"], self.next["bar"]
        first, latest = self._ends(onset)
        moved = np.where(delta > 0, delta, self.moved)
        steps = np.stack([
            self.event[:, LENGTH], first - onset, latest - onset, moved, bar - place % bar, BEAT - place % BEAT,
        ], -1)  # fmt: skip
        return np.where(steps > 0, duration_class(np.maximum(steps, 1)), NO_DURATION)

    def _ends(self, onset: Array) -> tuple[Array, Array]:
        """(rows,) twice: the first and the last end behind `onset` of the latest events; `onset` where none is."""
        ends = self.recent[..., ONSET] + self.recent[..., LENGTH]
        ends = np.where(ends > onset, ends, onset)
        later = np.where(ends > onset, ends, 1 << 40).min(0)
        return np.where(later < 1 << 40, later, onset), ends.max(0)

    def _lane_told(self, onset: Array) -> NDArray[np.float32]:
        heard = self.lane_onset >= 0
        since = np.minimum((onset[:, None] - self.lane_onset) / 96, 4.0)
        return np.stack([
            np.where(heard, since, 0), heard & (self.until > onset[:, None]), heard,
        ], -1).astype(np.float32)  # fmt: skip

    def _near_loud(self, lane: Array, pitch: Array) -> Array:
        number = min(self.count, RECENT)
        if not number:
            return np.zeros(self.rows, np.int64)
        recent = self.recent[:number]
        far = np.abs(recent[..., KEY] - pitch) * 32 + np.arange(number)[:, None]
        far = np.where(recent[..., TRACK] == lane, far, 1 << 20)
        best = far.argmin(0)
        found: Array = np.where(far[best, self.number] < 1 << 20, recent[best, self.number, LOUDNESS], 0)
        return found


def _rows(values: tuple[NDArray[np.float32], ...]) -> list[NDArray[np.float32]]:
    return [value[None] for value in values]
