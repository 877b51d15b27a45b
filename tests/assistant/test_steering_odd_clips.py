"""Steering behind clips that end off the grid, in odd meters, with notes where nobody expects them."""

from __future__ import annotations

from random import Random

import pytest
from steered import SCALE, clip_in, keeps, made

from continuo_daw.assistant.engine import Engine
from continuo_daw.assistant.errors import AssistantError
from continuo_daw.assistant.music.attributes import beat_ticks
from continuo_daw.assistant.music.clip import TICKS, Clip, Note, clip_of

AHEAD = clip_in(3840, (0, 60, 480), (960, 62, 480), (3835, 64, 5))  # played ahead of the next bar line
LATE = clip_in(7680, (3840, 60, 480), (4800, 62, 480))  # a whole bar is silent before
LONG = clip_in(3840, (240, 60, 3800))
OFF = clip_in(3821, (0, 60, 480), (960, 62, 480))


@pytest.mark.parametrize("model", ["one-round", "many-round"])
@pytest.mark.parametrize(
    ("clip", "options"),
    [
        (AHEAD, {"bars": 1, "rhythm_from": "clip"}),
        (AHEAD, {"bars": 3, "rhythm_from": "clip"}),
        (LATE, {"bars": 2, "rhythm_from": "clip", "pitch_low": 40, "pitch_high": 50}),
        (LONG, {"bars": 2, "start_on_beat": True}),
        (clip_in(7680, (0, 60, 480), (7675, 60, 400)), {"bars": 1, "start_on_beat": True, "longest": 1}),
        (clip_in(1440, (0, 60, 480), (1430, 60, 400), meter=(3, 8)), {"bars": 1, "start_on_beat": True}),
        (OFF, {"bars": 1, "start_on_beat": True, "longest": 0.25}),
        (OFF, {"bars": 2, "shortest": 0.5, "polyphony": 2, "key": "C", "scale_strict": True}),
    ],
)
def test_odd_clips_leave_no_dead_end(wild: Engine, model: str, clip: Clip, options: dict[str, object]) -> None:
    for seed in range(4):
        new = made(wild, clip, model=model, seed=seed, **options)[0].clip
        given = {**options, "scale_strict": True, "key": options.get("key", "C chromatic")}
        if "start_on_beat" in given:
            given.pop("start_on_beat")
            assert new.notes[0].start % (1440 if clip.meter == (3, 8) else TICKS) == 0
        keeps(new, given)


def test_a_rhythm_that_is_played_ahead_keeps_its_notes(wild: Engine) -> None:
    new = made(wild, AHEAD, model="many-round", bars=1, rhythm_from="clip")[0].clip
    assert [(note.start, note.duration) for note in new.notes] == [(note.start, note.duration) for note in AHEAD.notes]


@pytest.mark.parametrize("length", [3840, 3859, 3821])
def test_the_limits_of_a_bar_hold_to_the_tick(wild: Engine, length: int) -> None:
    clip = clip_in(length, (0, 60, 480))
    for model in ("one-round", "many-round"):
        new = made(wild, clip, model=model, bars=4, pitch_high="50,127,50,127", pitch_low="0,60,0,60", density=4)[
            0
        ].clip
        assert all((note.pitch <= 50) == (note.start // new.bar % 2 == 0) for note in new.notes)


def test_bars_that_the_grid_does_not_divide_keep_their_limits(wild: Engine) -> None:
    low = ",".join(["0", "60"] * 8)
    high = ",".join(["50", "127"] * 8)
    new = made(wild, model="many-round", bars=16, meter="3/64", pitch_low=low, pitch_high=high, density=8)[0].clip
    assert all((note.pitch <= 50) == (note.start // new.bar % 2 == 0) for note in new.notes)


def test_zero_is_a_value(wild: Engine) -> None:
    assert all(note.pitch == 0 for note in made(wild, model="one-round", bars=1, pitch_high=0)[0].clip.notes)


def test_auto_stays_in_the_range_of_its_option(wild: Engine) -> None:
    cluster = clip_of([Note(0, 40 + k, 960) for k in range(40)])
    measures = made(wild, cluster, model="many-round", bars=1, polyphony="auto", density="auto")[0].measures
    assert (measures["polyphony_asked"], measures["density_asked"]) == ("32", "8")


def test_the_strongest_swing_is_heard(shipped: Engine) -> None:
    measures = made(shipped, bars=2, density=2, swing="75,50")[0].measures
    assert measures["swing"] == "75,50"


@pytest.mark.parametrize(
    ("clip", "options", "text"),
    [
        (
            clip_in(23040, (19200, 60, 480)),
            {"bars": 4, "rhythm_from": "clip"},
            "its first 4 bars have no note",
        ),
        (SCALE, {"bars": 3, "key": "C", "end_on_tonic": True, "pitch_low": "61,60", "pitch_high": "71,72"}, "in bar 1"),
    ],
)
def test_what_cannot_be_reached_is_refused(wild: Engine, clip: Clip, options: dict[str, object], text: str) -> None:
    with pytest.raises(AssistantError, match=text):
        made(wild, clip, model="one-round", **options)


METERS = ((4, 4), (3, 4), (6, 8), (7, 8), (5, 16), (3, 64), (2, 2), (1, 1))
CHOICES: tuple[tuple[str, tuple[object, ...]], ...] = (
    ("pitch_low", (0, 20, 55)),
    ("pitch_high", (64, 90, 127)),
    ("polyphony", (1, 2, 4)),
    ("shortest", (0.1, 0.25, 1 / 3)),
    ("longest", (0.5, 1, 3)),
    ("swing", (50, 60, 75)),
    ("key", ("D", "F#m")),
    ("start_on_beat", (True,)),
    ("density", (1, 4, 8)),
    ("register", (40, 70, 90)),
)


@pytest.mark.parametrize("seed", range(40))
def test_whatever_is_asked_is_kept_or_refused(wild: Engine, seed: int) -> None:
    """Random clips and requests; nothing but words or music within the limits may come back."""
    random = Random(seed)
    meter = random.choice(METERS)
    bar = 3840 * meter[0] // meter[1]
    length = random.choice([bar, 2 * bar, bar + random.randint(1, 40), random.randint(1, 3 * bar)])
    rows = [(random.randrange(length), random.randint(20, 110), random.randint(1, 4000)) for _ in range(6)]
    asked = {key: random.choice(values) for key, values in CHOICES if random.random() < 0.35}
    if "key" in asked:
        asked |= {key: True for key in ("scale_strict", "end_on_tonic") if random.random() < 0.5}
    bars, model = random.randint(1, 3), random.choice(sorted(wild.bundles))
    try:
        new = made(wild, clip_in(length, *rows, meter=meter), bars=bars, seed=seed, model=model, **asked)[0].clip
    except AssistantError as error:
        assert error.code == "bad_args"
        return
    assert new.length == bars * bar
    if asked.pop("start_on_beat", False):
        assert new.notes[0].start % beat_ticks(meter) == 0
    keeps(new, asked)
