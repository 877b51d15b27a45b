"""What is asked of new music: limits that always hold, and what it should be like, bar by bar.

`wishes_of` reads the options; nothing here knows of networks or grids. A bar's value is that of the list at its place,
the last one where the list is shorter; chords repeat.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from continuo_daw.assistant.codecs.condition import MOST_DENSE
from continuo_daw.assistant.errors import AssistantError
from continuo_daw.assistant.music.attributes import beat_ticks, most_at_once
from continuo_daw.assistant.music.chords import Chord, chords_of
from continuo_daw.assistant.music.clip import TICKS, Clip
from continuo_daw.assistant.music.keys import NAMES, Key, Shares, histogram, key_of, key_of_clip
from continuo_daw.assistant.music.swing import swing_of
from continuo_daw.assistant.option import AUTO, Option, Value, numbers_of

T = TypeVar("T")
KEPT = ("none", "clip")
STEERING = (
    Option("key", "text", "", "key such as C, F#m or D dorian, a list of them, one a bar, or auto; empty: free"),
    Option("scale_strict", "bool", False, "true: nothing outside the scale of the key"),
    Option("density", "series", None, "notes a quarter", 0.05, MOST_DENSE),
    Option("register", "series", None, "mean pitch as a MIDI number, 60 is middle C", 0, 127),
    Option(
        "pitch_classes", "text", "", "how often each of C, C# ... B is wanted: 12 weights joined by commas, or auto"
    ),
    Option("pitch_low", "series", None, "no pitch below this MIDI number", 0, 127),
    Option("pitch_high", "series", None, "no pitch above this MIDI number", 0, 127),
    Option("polyphony", "series", None, "most new notes that sound at once, one value for all bars", 1, 32),
    Option("shortest", "series", None, "no note shorter than this, in quarters", 1 / 24, 16),
    Option("longest", "series", None, "no note longer than this, in quarters", 1 / 24, 64),
    Option("velocity", "series", None, "mean velocity", 1, 127),
    Option("swing", "series", None, "where the off-beat lies in percent of the beat: 50 even, 67 triplets", 50, 75),
    Option("chords", "text", "", "chord symbols, one a bar, or bars between | such as C | Am | F G; they repeat"),
    Option("rhythm_from", "choice", "none", "clip: keep the rhythm of the clip, with new pitches", choices=KEPT),
    Option("pitches_from", "choice", "none", "clip: keep the pitches of the clip, in a new rhythm", choices=KEPT),
    Option("start_on_beat", "bool", False, "true: the first note starts on a beat"),
    Option("end_on_tonic", "bool", False, "true: the last note is the tonic of the key"),
)
KEYS = tuple(option.key for option in STEERING)
_TIME = ("density", "polyphony", "shortest", "longest", "swing", "start_on_beat")
_PITCH = ("key", "scale_strict", "register", "pitch_classes", "pitch_low", "pitch_high", "chords", "end_on_tonic")
HELD = {"rhythm_from": _TIME, "pitches_from": (*_PITCH, "polyphony")}  # what each of the two decides already
BENEATH = 0.5  # weight of a key, or of weights, beneath chords

Options = Mapping[str, Value | None]


@dataclass(frozen=True)
class Wishes:
    """What is asked of `bars` bars; each tuple has a value a bar, None where nothing is asked.

    density: notes a quarter; register: mean pitch; velocity: mean; swing: percent of the beat
    keys: of each bar; strict (bars, 12): the pitch classes that may sound
    shares: (tick, weights (12,) of the pitch classes from there on) in order, empty where nothing is asked
    low, high: pitches; polyphony: notes at once; shortest, longest: ticks
    chords: (tick, chord); beat: ticks of a beat on which the first note starts; tonic: pitch class of the last note
    rhythm, pitches: the clip whose rhythm, or pitches, are kept
    asked: each option that was given, and what it asks for in words
    """

    bars: int
    density: tuple[float, ...] | None = None
    register: tuple[float, ...] | None = None
    velocity: tuple[float, ...] | None = None
    swing: tuple[float, ...] | None = None
    keys: tuple[Key, ...] | None = None
    strict: NDArray[np.bool_] | None = None
    shares: tuple[tuple[int, Shares], ...] = ()
    low: tuple[int, ...] | None = None
    high: tuple[int, ...] | None = None
    polyphony: int | None = None
    shortest: tuple[int, ...] | None = None
    longest: tuple[int, ...] | None = None
    chords: tuple[tuple[int, Chord], ...] = ()
    beat: int = 0
    tonic: int | None = None
    rhythm: Clip | None = None
    pitches: Clip | None = None
    asked: Mapping[str, str] = field(default_factory=dict)

    def allowed(self, bar: int) -> NDArray[np.bool_]:
        """(128,) the pitches that the limits leave in a bar."""
        pitch = np.arange(128)
        inside = (pitch >= (self.low or (0,) * self.bars)[bar]) & (pitch <= (self.high or (127,) * self.bars)[bar])
        if self.strict is not None:
            inside &= self.strict[bar][pitch % 12]
        return inside


def asked_of(options: Options) -> tuple[str, ...]:
    """The keys of the steering options that ask for something."""
    values = ((option.key, options.get(option.key)) for option in STEERING)
    return tuple(key for key, value in values if value is not None and value is not False and value not in ("", "none"))


def wishes_of(options: Options, clip: Clip | None, like: Clip) -> Wishes:
    """The wishes of `bars` new bars in the meter of `like`; `clip` is the given one, None where there is none.

    Raises AssistantError `bad_args` that names option, value and range.
    """
    asked, bars = asked_of(options), int(options["bars"] or 1)
    if clip and all(note.muted for note in clip.notes):
        clip = None  # nothing can be taken from it
    _refuse_conflicts(options, asked, clip)
    given = {key: _read(key, options, clip) for key in (*_SERIES, *_READERS) if key in asked}
    keys = _over("key", given.get("key"), bars, options)
    chords = _chords(str(options["chords"]), bars, like.bar) if "chords" in asked else ()
    whole = {key: _over(key, given.get(key), bars, options) for key in _SERIES}
    if ("scale_strict" in asked or "end_on_tonic" in asked) and not keys:
        name = "scale_strict" if "scale_strict" in asked else "end_on_tonic"
        raise AssistantError("bad_args", f"{name} true needs a key: C, F#m, D dorian ..., or auto for that of the clip")
    wishes = Wishes(
        bars=bars,
        **{key: whole[key] for key in ("density", "register", "velocity", "swing")},
        keys=keys,
        strict=np.stack([key.tones for key in keys]) if keys and "scale_strict" in asked else None,
        shares=_shares(given.get("pitch_classes"), keys, chords, like.bar),
        low=_whole(whole["pitch_low"], np.ceil),
        high=_whole(whole["pitch_high"], np.floor),
        polyphony=_voices(given.get("polyphony")),
        shortest=_whole(_ticks(whole["shortest"]), np.ceil),
        longest=_whole(_ticks(whole["longest"]), np.floor),
        chords=chords,
        beat=beat_ticks(like.meter) if "start_on_beat" in asked else 0,
        tonic=keys[-1].tonic if keys and "end_on_tonic" in asked else None,
        rhythm=clip if "rhythm_from" in asked else None,
        pitches=clip if "pitches_from" in asked else None,
        asked={key: show(given.get(key, options[key])) for key in asked},
    )
    _refuse_the_impossible(wishes, like.bar)
    return wishes


def show(value: Any) -> str:
    """A value as people write it."""
    if isinstance(value, tuple):
        return ",".join(map(show, value))
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, np.ndarray):
        return show(tuple(np.round(value, 3).tolist()))
    return f"{value:g}" if isinstance(value, float) else str(value)


def _refuse_conflicts(options: Options, asked: Sequence[str], clip: Clip | None) -> None:
    for keeper, decided in HELD.items():
        if keeper not in asked:
            continue
        if clip is None:
            raise AssistantError("bad_args", f"{keeper} clip needs a clip with notes that sound")
        for key in asked:
            if key in (*decided, *HELD) and key != keeper:
                what = keeper.removesuffix("_from")
                text = f"{key} {show(options[key])} cannot be asked while {keeper} clip keeps the {what}"
                raise AssistantError("bad_args", text)


def _read(key: str, options: Options, clip: Clip | None) -> Any:
    """The value of an option; where it is `auto`, that of the clip."""
    value = options[key]
    if isinstance(value, str) and value.strip().lower() == AUTO:
        if clip is None:
            raise AssistantError("bad_args", f"{key} {AUTO} needs a clip with notes that sound")
        found, (low, high) = _AUTO[key](clip), _BOUNDS[key]
        return found if low is None or high is None else min(max(found, low), high)
    if key in _SERIES:
        return numbers_of(value or 0)
    try:
        return _READERS[key](str(value))
    except ValueError as error:
        raise AssistantError("bad_args", f"{key} {error}") from None


def _over(key: str, value: Any, bars: int, options: Options) -> tuple[Any, ...] | None:
    """A value for each bar."""
    if value is None:
        return None
    values = value if isinstance(value, tuple) else (value,)  # `auto` gives one
    if len(values) > bars:
        text = f"{key} {show(options[key])} has {len(values)} values for {bars} bars: one a bar at most"
        raise AssistantError("bad_args", text)
    return (*values, *values[-1:] * (bars - len(values)))


def _whole(values: tuple[float, ...] | None, rounded: Callable[[float], float]) -> tuple[int, ...] | None:
    return None if values is None else tuple(int(rounded(value)) for value in values)


def _ticks(quarters: tuple[float, ...] | None) -> tuple[float, ...] | None:
    """Ticks; what lies less than a tick off a 24th of a quarter is meant to be that: 0.333 is a triplet."""
    if quarters is None:
        return None
    return tuple(n if abs(n - q * TICKS) < 1 else q * TICKS for q in quarters for n in (round(q * 24) * TICKS / 24,))


def _voices(given: Any) -> int | None:
    values = given if isinstance(given, tuple) else (given,)
    if len(values) > 1 or values[0] not in (None, *range(33)):
        raise AssistantError("bad_args", f"polyphony {show(given)} is not one whole number from 1 to 32 or {AUTO}")
    return None if values[0] is None else int(values[0])


def _chords(text: str, bars: int, bar: int) -> tuple[tuple[int, Chord], ...]:
    try:
        written = chords_of(text)
    except ValueError as error:
        raise AssistantError("bad_args", f"chords {error}") from None
    if len(written) > bars:
        raise AssistantError("bad_args", f"chords {text} has {len(written)} bars for {bars} bars of music")
    return tuple(
        (at * bar + bar * place // len(chords), chord)
        for at in range(bars)
        for chords in (written[at % len(written)],)
        for place, chord in enumerate(chords)
    )


def _shares(
    weights: Shares | None, keys: tuple[Key, ...] | None, chords: Sequence[tuple[int, Chord]], bar: int
) -> tuple[tuple[int, Shares], ...]:
    """What is wanted of pitch classes: chords above a key, else weights, else the key."""
    beneath = [(at * bar, weights if weights is not None else key.shares) for at, key in enumerate(keys or ())]
    if weights is not None and not beneath:
        beneath = [(0, weights)]
    if not chords:
        return tuple(beneath)
    found = []
    for at, chord in chords:
        below = beneath[min(at // bar, len(beneath) - 1)][1] if beneath else None
        if not chord.tones:
            found.append((at, np.full(12, 1 / 12) if below is None else below))
        else:
            found.append((at, chord.shares if below is None else (chord.shares + BENEATH * below) / (1 + BENEATH)))
    return tuple(found)


def _refuse_the_impossible(wishes: Wishes, ticks: int) -> None:
    """Limits between which there is nothing in bars of `ticks`."""
    for bar in range(wishes.bars):
        low, high = (
            (wishes.low or (0,))[min(bar, len(wishes.low or (0,)) - 1)],
            (wishes.high or (127,) * wishes.bars)[bar],
        )
        if low > high:
            raise AssistantError("bad_args", f"pitch_low {low} is above pitch_high {high}")
        if not wishes.allowed(bar).any():
            key = wishes.keys[bar] if wishes.keys else ""
            raise AssistantError("bad_args", f"pitch_low {low} to pitch_high {high} holds no pitch of {key}")
        if wishes.tonic is not None and not wishes.allowed(bar)[wishes.tonic :: 12].any():
            where = f"in bar {bar + 1}, which may be the last that sounds"
            raise AssistantError("bad_args", f"end_on_tonic true: the limits leave no {NAMES[wishes.tonic]} {where}")
        if wishes.shortest and wishes.shortest[bar] > wishes.bars * ticks // 2:
            room = wishes.bars * ticks / 2 / TICKS
            raise AssistantError(
                "bad_args", f"shortest {wishes.shortest[bar] / TICKS:g} is more than {room:g}, half of all bars"
            )
        if wishes.shortest and wishes.longest and wishes.shortest[bar] > wishes.longest[bar]:
            short, long = wishes.shortest[bar] / TICKS, wishes.longest[bar] / TICKS
            raise AssistantError("bad_args", f"shortest {short:g} is longer than longest {long:g}")


def _classes(text: str) -> Shares:
    try:
        weights = np.array([float(part) for part in text.split(",")])
    except ValueError:
        weights = np.zeros(0)
    if len(weights) != 12 or not np.isfinite(weights).all() or weights.min() < 0 or not weights.any():
        raise ValueError(f"{text} is not 12 weights of at least 0 joined by commas, C first, not all of them 0")
    weights /= weights.max()
    shares: Shares = weights / weights.sum()
    return shares


def _heard(measure: Callable[[NDArray[Any]], Any], name: str) -> Callable[[Clip], Any]:
    """A measure over one field of the notes that sound."""
    return lambda clip: measure(np.array([getattr(note, name) for note in clip.notes if not note.muted]))


_BOUNDS = {option.key: (option.low, option.high) for option in STEERING}
_SERIES = tuple(option.key for option in STEERING if option.type == "series")
_READERS: dict[str, Callable[[str], Any]] = {
    "key": lambda text: tuple(map(key_of, text.split(","))),
    "pitch_classes": _classes,
}
_AUTO: dict[str, Callable[[Clip], Any]] = {
    "key": key_of_clip,
    "pitch_classes": histogram,
    "polyphony": most_at_once,
    "swing": swing_of,
    "density": lambda clip: sum(not n.muted for n in clip.notes) * TICKS / max(clip.length, 1),
    "register": _heard(lambda pitch: float(pitch.mean()), "pitch"),
    "velocity": _heard(lambda velocity: float(velocity.mean()), "velocity"),
    "pitch_low": _heard(lambda pitch: int(pitch.min()), "pitch"),
    "pitch_high": _heard(lambda pitch: int(pitch.max()), "pitch"),
    "shortest": _heard(lambda duration: float(duration.min()) / TICKS, "duration"),
    "longest": _heard(lambda duration: float(duration.max()) / TICKS, "duration"),
}
