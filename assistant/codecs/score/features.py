"""What the score network is told of a window: events as classes, and everything that follows from them by arithmetic.

Position n of a row stands behind event n (event 0 is START) and asks for event n + 1. `known` features follow from
events up to n; `asked` ones also from the onset, and the later ones from lane and pitch, of event n + 1, because a
note is drawn in that order: onset, lane, pitch, duration, velocity.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from continuo_daw.assistant.codecs.score.classes import (
    END,
    END_CLASS,
    FADING,
    IGNORED,
    NO_CLASS,
    NO_DURATION,
    NO_ONSET,
    NOTE,
    PAD,
    START,
    START_KEY,
    Array,
    duration_class,
    onset_class,
    places,
    rest_class,
    step_class,
)
from continuo_daw.assistant.codecs.score.echoes import echoes, run_lengths
from continuo_daw.assistant.codecs.score.given import given_features, given_gap, given_sound
from continuo_daw.assistant.codecs.score.hints import duration_hints, heard_from, near_loud, onset_hints
from continuo_daw.assistant.codecs.score.window import DRUMS, KEY, LANES, LENGTH, LOUDNESS, ONSET, TRACK, Window


def features_of(windows: Sequence[Window]) -> dict[str, NDArray[Any]]:
    """The arrays of some windows; rows are as long as the longest. See the functions below for what they hold."""
    size, longest = len(windows), max(len(window.notes) for window in windows)
    events = {
        key: np.zeros((size, longest + 2), np.int64) for key in ("onset", "lane", "pitch", "duration", "velocity")
    }
    events["kind"] = np.full((size, longest + 2), PAD)
    learnt = np.zeros((size, longest + 2), bool)
    rows = []
    for row, window in enumerate(windows):
        count = len(window.notes)
        for key, column in (
            ("onset", ONSET),
            ("lane", TRACK),
            ("pitch", KEY),
            ("duration", LENGTH),
            ("velocity", LOUDNESS),
        ):
            events[key][row, 1 : count + 1] = window.notes[:, column]
        events["onset"][row, count + 1 :] = events["onset"][row, count]
        events["kind"][row, : count + 1] = NOTE
        events["kind"][row, 0] = START
        events["kind"][row, count + 1] = END if window.ends else PAD
        learnt[row, 1 : count + 1] = window.learnt
        learnt[row, count + 1] = window.ends
        rows.append(row_features(window, longest + 2, {key: value[row] for key, value in events.items()}))
    table = {key: np.stack([row[key] for row in rows]) for key in rows[0]} | events
    table["program"] = table["programs"][np.arange(size)[:, None], events["lane"]]
    table["delta"] = np.diff(events["onset"], axis=1, prepend=0)
    given = given_features(windows)
    found = known(table) | asked(table, windows) | targets(table, learnt) | given
    found |= echoes(table)
    found |= onset_hints(table) | duration_hints(table)
    found["runs"] = run_lengths(table, given)
    found |= relative(table, found)
    found |= {"condition": np.stack([w.condition for w in windows]), "style": np.array([w.style for w in windows])}
    found["one"] = np.array([len(w.programs) == 1 and bool(w.voices[0]) for w in windows], np.int64)
    found["given_now"], _ = given_sound(windows, events["onset"][:, :-1])
    found["given_next"], found["around"] = given_sound(windows, events["onset"][:, 1:])
    return found


def row_features(window: Window, size: int, events: dict[str, Any]) -> dict[str, Any]:
    """What is computed row by row, for each of `size` events, or with an event more for each position."""
    count = len(window.notes)
    onset, lane, pitch = (events[key] for key in ("onset", "lane", "pitch"))
    programs = np.zeros(LANES, np.int64)
    programs[: len(window.programs)] = window.programs
    last, low, top = (np.full(size, -1) for _ in range(3))
    loud = np.zeros(size, np.int64)
    real = np.arange(1, count + 1)
    for each in range(len(window.programs)):
        own = real[lane[1 : count + 1] == each]
        if not len(own):
            continue
        last[own[1:]] = pitch[own[:-1]]
        loud[own[1:]] = events["velocity"][own[:-1]]
        onsets, first = np.unique(onset[own], return_index=True)
        before = np.searchsorted(onsets, onset[own], "left") - 1
        lows, tops = pitch[own][first], pitch[own][np.append(first[1:], len(own)) - 1]
        low[own] = np.where(before >= 0, lows[before], -1)
        top[own] = np.where(before >= 0, tops[before], -1)
    tones = window.programs[window.notes[:, TRACK]] != DRUMS
    now, later = sounding(window.notes, tones, size)
    before = chord_before(window.notes[tones], onset[1:])
    return places(onset, window) | {
        "programs": programs, "lanes": np.int64(len(window.programs)), "last": last, "low": low, "top": top,
        "loud": loud, "sound_now": now, "sound_next": later, "chord": before,
    }  # fmt: skip


def sounding(
    notes: NDArray[np.int32], tones: NDArray[np.bool_], size: int
) -> tuple[NDArray[np.int8], NDArray[np.int8]]:
    """(size - 1, 128) twice: what of the events up to n sounds at the onset of n, and at the onset of n + 1."""
    own = np.flatnonzero(tones)
    onset, end, key = notes[:, ONSET], notes[own, ONSET] + notes[own, LENGTH], notes[own, KEY]
    stop_now = np.searchsorted(onset, end, "left") + 1  # the first event whose onset it does not reach
    found = []
    for stop in (stop_now, stop_now - 1):
        change = np.zeros((size, 128), np.int8)
        np.add.at(change, (own + 1, key), 1)
        np.add.at(change, (np.minimum(np.maximum(stop, own + 1), size - 1), key), -1)
        found.append((change.cumsum(0, dtype=np.int8)[:-1] > 0).astype(np.int8))
    return found[0], found[1]


def chord_before(tones: NDArray[np.int32], onset: Array) -> NDArray[np.int8]:
    """(N, 128) the tones of the last onset before each `onset` (N,)."""
    found = np.zeros((len(onset), 128), np.int8)
    if len(tones):
        onsets, group = np.unique(tones[:, ONSET], return_inverse=True)
        chords = np.zeros((len(onsets) + 1, 128), np.int8)
        chords[group + 1, tones[:, KEY]] = 1
        found = chords[np.searchsorted(onsets, onset, "left")]
    return found


def relative(table: dict[str, Any], found: dict[str, Any]) -> dict[str, Any]:
    """What is heard as it lies from the last event, `from_now`, and from the last of the lane asked, `from_last`."""
    tone = (table["program"] != DRUMS) & (table["kind"] == NOTE)
    now = np.where(tone, table["pitch"], -1)[:, :-1]
    last = np.where(table["program"] != DRUMS, table["last"], -1)[:, 1:]
    shares = [found["heard"], found["fading"]]
    return {
        "from_now": heard_from(now, shares, [table["sound_now"]]),
        "from_last": heard_from(last, shares, [table["sound_next"], table["chord"]]),
    }


def known(table: dict[str, Any]) -> dict[str, Any]:
    """The features of position n that events up to n give; (B, T) unless said otherwise."""
    cut = {key: value[:, :-1] for key, value in table.items() if value.ndim == 2 and key != "programs"}
    start, drum = cut["kind"] == START, cut["program"] == DRUMS
    pitched = ~start & ~drum & (cut["kind"] == NOTE)
    classes = np.eye(12, dtype=np.float32)[cut["pitch"] % 12] * pitched[..., None]
    heard = classes.cumsum(1)
    fading = np.zeros_like(classes)
    fade = np.exp(-cut["delta"] / FADING).astype(np.float32)
    for n in range(1, classes.shape[1]):
        fading[:, n] = fading[:, n - 1] * fade[:, n, None] + classes[:, n]
    return {
        "pitch_in": np.where(start, START_KEY, cut["pitch"] + 128 * drum),
        "class_in": np.where(pitched, cut["pitch"] % 12, NO_CLASS),
        "step_in": step_class(cut["pitch"], cut["last"], pitched),
        "duration_in": np.where(start, NO_DURATION, duration_class(np.maximum(cut["duration"], 1))),
        "delta_in": np.where(start, NO_ONSET, onset_class(cut["delta"])),
        "velocity_in": np.where(start, 16, cut["velocity"] // 8),
        "lane_in": cut["lane"],
        "program_in": cut["program"],
        "place": cut["place"], "meter": cut["meter"], "left": cut["left"],
        "clock": cut["onset"].astype(np.float32), "coordinate": cut["coordinate"].astype(np.float32),
        "loudness_in": cut["velocity"],
        "sound_now": table["sound_now"],
        "heard": heard / np.maximum(heard.sum(-1, keepdims=True), 1),  # (B, T, 12) shares of pitch classes
        "fading": fading / np.maximum(fading.sum(-1, keepdims=True), 1e-6),  # the same, of late
    }  # fmt: skip


def asked(table: dict[str, Any], windows: Sequence[Window]) -> dict[str, Any]:
    """The features of position n that the onset of event n + 1 gives, and behind it lane and pitch; (B, T)."""
    after = {key: value[:, 1:] for key, value in table.items() if value.ndim == 2 and key != "programs"}
    delta, same = after["delta"], after["delta"] == 0
    same &= table["kind"][:, :-1] == NOTE
    lane_floor = np.where(same, table["lane"][:, :-1], 0)
    within = same & (after["lane"] == table["lane"][:, :-1])
    found = {
        "place_next": after["place"], "meter_next": after["meter"], "left_next": after["left"],
        "clock_next": after["onset"].astype(np.float32), "coordinate_next": after["coordinate"].astype(np.float32),
        "delta_next": onset_class(delta), "sound_next": table["sound_next"],
        "chord": table["chord"],
        "lane_floor": lane_floor, "lane_next": after["lane"], "program_next": after["program"],
        "last": after["last"], "low": after["low"], "top": after["top"],
        "floor": np.where(within, table["pitch"][:, :-1] + 1, 0),
        "pitch_next": after["pitch"], "duration_next": duration_class(np.maximum(after["duration"], 1)),
        "loud": after["loud"], "near_loud": near_loud(table, NOTE), "programs": table["programs"],
        "lanes": table["lanes"], "step_next": step_class(after["pitch"], after["last"], after["program"] != DRUMS),
    }  # fmt: skip
    if table["lanes"].max() > 1:
        found["lane_told"] = lane_told(table)
    found["gap"] = given_gap(windows, table["onset"][:, :-1])
    return found


def lane_told(table: dict[str, Any]) -> NDArray[np.float32]:
    """(B, T, LANES, 3) of each lane at the onset asked: quarters since its last onset / 4, whether it sounds, whether
    it was heard at all."""
    onset, lane = table["onset"], table["lane"]
    count, size = onset.shape
    number = np.arange(size)
    found = np.zeros((count, size - 1, LANES, 3), np.float32)
    real = table["kind"] == NOTE
    for each in range(int(table["lanes"].max())):
        own = real & (lane == each)
        at = np.maximum.accumulate(np.where(own, number, -1), 1)[:, :-1]
        until = np.maximum.accumulate(np.where(own, onset + table["duration"], -1), 1)[:, :-1]
        before = np.take_along_axis(onset, np.maximum(at, 0), 1)
        heard = at >= 0
        found[:, :, each, 0] = np.where(heard, np.minimum((onset[:, 1:] - before) / 96, 4.0), 0)
        found[:, :, each, 1] = heard & (until > onset[:, 1:])
        found[:, :, each, 2] = heard
    return found


def targets(table: dict[str, Any], learnt: NDArray[np.bool_]) -> dict[str, Any]:
    """The classes of event n + 1, `IGNORED` where nothing is to be learnt; (B, T)."""
    kind, learnt = table["kind"][:, 1:], learnt[:, 1:]
    note = learnt & (kind == NOTE)
    delta, duration = table["delta"][:, 1:], np.maximum(table["duration"][:, 1:], 1)
    several = table["lanes"][:, None] > 1
    onset = np.where(kind == END, END_CLASS, onset_class(delta))
    return {
        "to_onset": np.where(note | (learnt & (kind == END)), onset, IGNORED),
        "to_onset_rest": np.where(note, rest_class(delta), IGNORED),
        "to_lane": np.where(note & several, table["lane"][:, 1:], IGNORED),
        "to_pitch": np.where(note, table["pitch"][:, 1:], IGNORED),
        "to_duration": np.where(note, duration_class(duration), IGNORED),
        "to_duration_rest": np.where(note, rest_class(duration), IGNORED),
        "to_velocity": np.where(note, table["velocity"][:, 1:], IGNORED),
    }
