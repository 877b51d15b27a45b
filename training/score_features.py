"""What the score network is told of a window: events as classes, and everything that follows from them by arithmetic.

Position n of a row stands behind event n (event 0 is START) and asks for event n + 1. `known` features follow from
events up to n; `asked` ones also from the onset, and the later ones from lane and pitch, of event n + 1, because a
note is drawn in that order: onset, lane, pitch, duration, velocity.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from training.score_echoes import echoes, run_lengths
from training.score_hints import duration_hints, near_loud, onset_hints
from training.score_songs import KEY, LENGTH, LOUDNESS, ONSET, TRACK
from training.score_windows import DRUMS, LANES, MOST_BARS, SPARE, Window

DIRECT = 96  # steps that have a class of their own
BUCKETS = 15  # classes of `DIRECT` steps each beyond them
ONSETS = DIRECT + 1 + BUCKETS + 1  # classes of the time to the next onset: 0 to 96, buckets, END
END_CLASS, NO_ONSET = ONSETS - 1, ONSETS
DURATIONS = DIRECT + BUCKETS  # classes of a duration: 1 to 96, buckets
NO_DURATION = DURATIONS
NO_PITCH, NO_CLASS = 128, 12
START_KEY = 256  # keys of drums stand 128 higher than tones
STEPS, NO_STEP = 51, 51  # intervals of -25 to 25 semitones
UNKNOWN_PLACE = 384
PLACES, METERS = 385, 66
LEFTS, UNKNOWN_LEFT = MOST_BARS + 2, MOST_BARS + 1
IGNORED = -100
FADING = 192.0  # steps in which the weight of a heard pitch class falls to 1/e
NEAR = 48.0  # steps around an onset from which given notes colour it
START, NOTE, END, PAD = range(4)

Array = NDArray[np.int64]


def onset_class(delta: Array) -> Array:
    """The class of the steps to the next onset."""
    return np.where(delta <= DIRECT, delta, DIRECT + 1 + np.minimum((delta - DIRECT - 1) // DIRECT, BUCKETS - 1))


def duration_class(duration: Array) -> Array:
    """The class of a duration."""
    return np.where(duration <= DIRECT, duration - 1, DIRECT + np.minimum((duration - DIRECT - 1) // DIRECT, BUCKETS - 1))


def rest_class(steps: Array) -> Array:
    """Which step within its bucket, -100 where the class says all."""
    return np.where(steps <= DIRECT, IGNORED, (steps - DIRECT - 1) % DIRECT)


def places(onset: Array, window: Window) -> dict[str, Array]:
    """For onsets (N,): place in the bar, meter, steps a bar, bars since the start, bars left."""
    bars = window.bars.astype(np.int64)
    at = np.maximum(np.searchsorted(bars[:, 0], onset, "right") - 1, 0)
    size = bars[at, 1]
    step = np.where(size > 0, size, SPARE)
    before = np.cumsum([0, *(np.diff(bars[:, 0]) / np.where(bars[:-1, 1] > 0, bars[:-1, 1], SPARE))])
    coordinate = before[at] + (onset - bars[at, 0]) / step
    place = np.where(size > 0, np.minimum((onset - bars[at, 0]) % step, UNKNOWN_PLACE - 1), UNKNOWN_PLACE)
    left = np.full(len(onset), UNKNOWN_LEFT)
    if window.end >= 0:
        last = max(int(np.searchsorted(bars[:, 0], window.end - 1, "right")) - 1, 0)
        end = before[last] + (window.end - bars[last, 0]) / (bars[last, 1] or SPARE)
        left = np.clip(np.ceil(end - 1e-6) - np.floor(coordinate), 0, MOST_BARS).astype(np.int64)
    return {"place": place, "meter": bars[at, 2], "bar": step, "coordinate": coordinate, "left": left}


def batch_of(windows: Sequence[Window]) -> dict[str, Tensor]:
    """The tensors of some windows; rows are as long as the longest. See the functions below for what they hold."""
    size, longest = len(windows), max(len(window.notes) for window in windows)
    events = {key: np.zeros((size, longest + 2), np.int64) for key in ("onset", "lane", "pitch", "duration", "velocity")}
    events["kind"] = np.full((size, longest + 2), PAD)
    learnt = np.zeros((size, longest + 2), bool)
    rows = []
    for row, window in enumerate(windows):
        count = len(window.notes)
        for key, column in (("onset", ONSET), ("lane", TRACK), ("pitch", KEY), ("duration", LENGTH), ("velocity", LOUDNESS)):
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
    found |= {"condition": np.stack([w.condition for w in windows]), "style": np.array([w.style for w in windows])}
    found["given_now"], _ = given_sound(windows, events["onset"][:, :-1])
    found["given_next"], found["around"] = given_sound(windows, events["onset"][:, 1:])
    return {key: torch.from_numpy(np.ascontiguousarray(value)) for key, value in found.items()}


def row_features(window: Window, size: int, events: dict[str, Array]) -> dict[str, Array]:
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


def sounding(notes: NDArray[np.int32], tones: NDArray[np.bool_], size: int) -> tuple[NDArray[np.int8], NDArray[np.int8]]:
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


def known(table: dict[str, Array]) -> dict[str, Array]:
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


def step_class(pitch: Array, last: Array, told: NDArray[np.bool_]) -> Array:
    """The class of the interval from `last` to `pitch`."""
    return np.where(told & (last >= 0), np.clip(pitch - last, -25, 25) + 25, NO_STEP)


def asked(table: dict[str, Array], windows: Sequence[Window]) -> dict[str, Array]:
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
        "loud": after["loud"], "near_loud": near_loud(table, NOTE), "programs": table["programs"], "lanes": table["lanes"],
        "step_next": step_class(after["pitch"], after["last"], after["program"] != DRUMS),
    }  # fmt: skip
    if table["lanes"].max() > 1:
        found["lane_told"] = lane_told(table)
    found["gap"] = given_gap(windows, table["onset"][:, :-1])
    return found


def lane_told(table: dict[str, Array]) -> NDArray[np.float32]:
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


def targets(table: dict[str, Array], learnt: NDArray[np.bool_]) -> dict[str, Array]:
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


def given_features(windows: Sequence[Window]) -> dict[str, Array]:
    """The given notes as classes, (B, M); M may be 0. `given_mask` is False behind the last one."""
    most = max(len(window.given) for window in windows)
    names = ("pitch", "class", "step", "duration", "velocity", "program", "lane", "place", "meter", "delta", "key")
    found = {f"given_{name}": np.zeros((len(windows), most), np.int64) for name in names}
    found["given_clock"] = np.zeros((len(windows), most), np.float32)
    found["given_coordinate"] = np.zeros((len(windows), most), np.float32)
    found["given_mask"] = np.zeros((len(windows), most), bool)
    for row, window in enumerate(windows):
        count = len(window.given)
        if not count:
            continue
        notes = window.given.astype(np.int64)
        drum = window.given_programs == DRUMS
        last = np.full(count, -1)
        for each in np.unique(notes[:, TRACK]):
            own = np.flatnonzero(notes[:, TRACK] == each)
            last[own[1:]] = notes[own[:-1], KEY]
        where = places(notes[:, ONSET], window)
        values = {
            "pitch": notes[:, KEY] + 128 * drum, "class": np.where(drum, NO_CLASS, notes[:, KEY] % 12),
            "step": step_class(notes[:, KEY], last, ~drum), "duration": duration_class(notes[:, LENGTH]),
            "velocity": notes[:, LOUDNESS] // 8, "program": window.given_programs, "lane": window.given_lane + 1,
            "place": where["place"], "meter": where["meter"], "clock": notes[:, ONSET],
            "coordinate": where["coordinate"], "mask": True, "key": notes[:, KEY],
            "delta": onset_class(np.diff(notes[:, ONSET], prepend=notes[0, ONSET])),
        }  # fmt: skip
        for name, value in values.items():
            found[f"given_{name}"][row, :count] = value
    return found


def given_gap(windows: Sequence[Window], onset: Array) -> Array:
    """(B, T) steps from each onset to the next given one behind it, `DIRECT` + 1 where it is farther or none."""
    found = np.full(onset.shape, DIRECT + 1)
    for row, window in enumerate(windows):
        if len(window.given):
            given = np.append(window.given[:, ONSET].astype(np.int64), 1 << 40)
            found[row] = np.minimum(given[np.searchsorted(given, onset[row], "right")] - onset[row], DIRECT + 1)
    return found


def given_sound(windows: Sequence[Window], onset: Array) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """What of the given tones sounds at onsets (B, T): (B, T, 128), and (B, T, 12) the classes of those near it."""
    sound = np.zeros((*onset.shape, 128), np.int8)
    near = np.zeros((*onset.shape, 12), np.float32)
    for row, window in enumerate(windows):
        given = window.given[window.given_programs != DRUMS]
        if not len(given):
            continue
        start, end = given[:, ONSET], given[:, ONSET] + given[:, LENGTH]
        at, back = np.unique(onset[row], return_inverse=True)
        on = ((start <= at[:, None]) & (at[:, None] < end)).astype(np.float32)
        sound[row] = (on @ np.eye(128, dtype=np.float32)[given[:, KEY]] > 0)[back]
        far = np.maximum(np.maximum(start - at[:, None], at[:, None] - end), 0)
        weight = np.exp(-far / NEAR).astype(np.float32)
        classes = weight @ np.eye(12, dtype=np.float32)[given[:, KEY] % 12]
        near[row] = (classes / np.maximum(classes.sum(-1, keepdims=True), 1e-6))[back]
    return sound, near
