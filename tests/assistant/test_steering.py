"""Steering of `generate` and `continue`: limits hold whatever the network does, wishes are met, nonsense is named."""

from __future__ import annotations

import numpy as np
import pytest
from steered import SCALE, keeps, made

from continuo_daw.assistant.engine import Engine
from continuo_daw.assistant.errors import AssistantError
from continuo_daw.assistant.music.clip import TICKS, Clip, Note, clip_of
from continuo_daw.assistant.music.keys import histogram, key_of_clip
from continuo_daw.assistant.music.swing import swing_of
from continuo_daw.assistant.request import Request
from continuo_daw.assistant.sampling.wishes import KEYS
from continuo_daw.assistant.tasks import options_of

BEAT = TICKS
PLAYED = clip_of([Note(max(0, i * BEAT + (-1) ** i * 17), 62 + i, BEAT // 2 + 11 * i, 70) for i in range(7)])
CHORDS = clip_of(
    [Note(i * 2 * BEAT + k * 7, p, 2 * BEAT - 100, 70) for i in range(4) for k, p in enumerate((48, 55, 64))]
)
UPBEAT = Clip((*SCALE.notes, Note(7 * BEAT + BEAT // 2, 67, 3 * BEAT)), SCALE.length)

RAGGED = Clip(SCALE.notes, SCALE.length + 13)


LIMITS: tuple[dict[str, object], ...] = (
    {"pitch_low": 60, "pitch_high": 62},
    {"polyphony": 1},
    {"polyphony": 3, "density": 6},
    {"shortest": 1.5},
    {"longest": 0.25},
    {"shortest": 0.5, "longest": 0.5, "polyphony": 2},
    {"shortest": 4, "longest": 6},
    {"key": "F#m", "scale_strict": True, "end_on_tonic": True},
    {"key": "Eb major pentatonic", "scale_strict": True, "pitch_low": 70, "pitch_high": 73, "start_on_beat": True},
    {"swing": 71, "shortest": 0.25, "longest": 1, "polyphony": 2},
    {"chords": "C | G7", "start_on_beat": True, "polyphony": 2, "velocity": 30},
)


@pytest.mark.parametrize("options", LIMITS, ids=lambda options: " ".join(options))
@pytest.mark.parametrize("model", ["one-round", "one-micro", "many-round", "many-micro"])
def test_limits_hold_whatever_the_network_does(wild: Engine, model: str, options: dict[str, object]) -> None:
    for clip in (None, SCALE, UPBEAT, RAGGED):
        for candidate in made(wild, clip, bars=3, model=model, candidates=2, **options):
            assert candidate.clip.length == 3 * 4 * TICKS
            keeps(candidate.clip, options)


@pytest.mark.parametrize("meter", ["3/4", "7/8", "6/8", "5/4"])
def test_limits_hold_in_every_meter(wild: Engine, meter: str) -> None:
    options = {"shortest": 0.75, "longest": 2, "polyphony": 2, "key": "G", "scale_strict": True}
    for candidate in made(wild, bars=2, meter=meter, model="many-round", **options):
        keeps(candidate.clip, options)


def test_a_limit_of_each_bar_holds_in_it(wild: Engine) -> None:
    limits = {"pitch_low": "40,60,80", "pitch_high": "50,70,90", "longest": "1,0.5,0.25"}
    for model in ("one-round", "many-round"):
        clip = made(wild, bars=3, model=model, **limits)[0].clip
        for note in clip.notes:
            bar = note.start // clip.bar
            assert 40 + 20 * bar <= note.pitch <= 50 + 20 * bar
            assert note.duration <= (1, 0.5, 0.25)[bar] * TICKS


@pytest.mark.parametrize(("density", "register"), [(0.5, 60), (1.0, 72), (2.0, 65), (4.0, 80)])
def test_density_and_register_are_reached(shipped: Engine, density: float, register: float) -> None:
    for candidate in made(shipped, bars=8, density=density, register=register, candidates=2):
        assert candidate.measures["density"] == pytest.approx(density, rel=0.1)
        assert candidate.measures["register"] == pytest.approx(register, abs=1)
        assert candidate.measures["density_asked"] == f"{density:g}"


def test_pitch_classes_are_reached(shipped: Engine) -> None:
    wanted = np.array([3, 0, 2, 0, 2, 1, 0, 3, 0, 1, 0, 0.0])
    clip = made(shipped, bars=8, density=2, pitch_classes=",".join(map(str, wanted)))[0].clip
    assert np.abs(histogram(clip) - wanted / wanted.sum()).sum() < 0.2


def test_a_list_has_a_value_for_each_bar_and_its_last_one_stays(shipped: Engine) -> None:
    candidate = made(shipped, bars=4, density="1,4")[0]
    counts = [sum(n.start // candidate.clip.bar == bar for n in candidate.clip.notes) for bar in range(4)]
    assert counts[0] < 8 < min(counts[1:])
    assert candidate.measures["density_asked"] == "1,4"
    assert len(str(candidate.measures["density"]).split(",")) == 4


def test_chords_pull_each_bar(shipped: Engine) -> None:
    candidate = made(shipped, bars=4, chords="C | F#m", density=2)[0]
    inside = [n.pitch % 12 in ((0, 4, 7), (6, 9, 1))[n.start // candidate.clip.bar % 2] for n in candidate.clip.notes]
    assert np.mean(inside) > 0.8
    assert candidate.measures["chords"] == f"{np.mean(inside):.0%} inside"


def test_swing_and_velocity_are_exact(shipped: Engine) -> None:
    clip = made(shipped, bars=4, density=2, swing=66, velocity="40,100")[0].clip
    assert swing_of(clip) == pytest.approx(66, abs=0.1)
    bars = [[n.velocity for n in clip.notes if n.start // clip.bar == bar] for bar in range(4)]
    assert [round(np.mean(bar)) for bar in bars] == [40, 100, 100, 100]


@pytest.mark.parametrize(("clip", "model"), [(PLAYED, "one-micro"), (PLAYED, "one-round"), (CHORDS, "many-round")])
def test_the_rhythm_of_a_clip_is_kept_to_the_tick(wild: Engine, clip: Clip, model: str) -> None:
    new = made(wild, clip, model=model, bars=2 * clip.bars, rhythm_from="clip", pitch_low=50, pitch_high=60)[0].clip
    wanted = [(n.start + k * clip.length, n.duration) for k in range(2) for n in clip.notes]
    assert [(n.start, min(n.duration, new.length - n.start)) for n in new.notes] == sorted(wanted)
    assert {n.pitch for n in new.notes} != {n.pitch for n in clip.notes}
    assert all(50 <= n.pitch <= 60 for n in new.notes)


@pytest.mark.parametrize(("clip", "model"), [(SCALE, "one-round"), (CHORDS, "many-round")])
def test_the_pitches_of_a_clip_are_kept_in_their_order(wild: Engine, clip: Clip, model: str) -> None:
    new = made(wild, clip, model=model, bars=4, pitches_from="clip", density=2)[0].clip
    known = [n.pitch for n in clip.notes]
    assert [n.pitch for n in new.notes] == (known * (len(new.notes) // len(known) + 1))[: len(new.notes)]
    assert [n.start for n in new.notes] != [n.start for n in clip.notes][: len(new.notes)]


def test_generate_keeps_what_a_clip_has_and_stands_behind_it(shipped: Engine) -> None:
    clip = Clip(SCALE.notes, 9 * TICKS, 90.0, (3, 4))
    candidate = made(shipped, clip, "generate", rhythm_from="clip", bars=3)[0]
    assert (candidate.at, candidate.clip.meter, candidate.clip.tempo) == (clip.length, (3, 4), 90.0)
    assert [n.start for n in candidate.clip.notes] == [n.start for n in clip.notes]


def test_auto_takes_the_value_of_the_clip(shipped: Engine) -> None:
    asked = {"key": "auto", "density": "auto", "register": "auto", "pitch_low": "auto", "pitch_high": "auto"}
    measures = made(shipped, SCALE, **asked, scale_strict=True)[0].measures
    assert measures["key_asked"] == str(key_of_clip(SCALE)) == "C major"
    assert measures["density_asked"] == "1"
    assert measures["register_asked"] == "63.625"
    assert (measures["pitch_low_asked"], measures["pitch_high_asked"]) == ("60", "67")
    assert measures["key"] == "100% inside"


def test_a_steered_candidate_is_the_same_alone_and_among_others(shipped: Engine) -> None:
    alone = made(shipped, bars=2, density=2)
    among = made(shipped, bars=2, density=2, candidates=6)
    assert among[0] == alone[0]
    assert len({candidate.clip.notes for candidate in among}) == 6


def test_every_option_says_what_was_asked_and_what_was_reached(shipped: Engine) -> None:
    asked: dict[str, object] = {
        "key": "D dorian", "scale_strict": True, "density": 2, "register": 65,
        "pitch_classes": "1,0,1,1,0,1,0,1,0,1,0,1", "pitch_low": 50, "pitch_high": 80,
        "polyphony": 2, "shortest": 0.25, "longest": 4, "velocity": 70, "swing": 55,
        "chords": "Dm7 G7", "start_on_beat": True, "end_on_tonic": True,
    }  # fmt: skip
    candidate = made(shipped, bars=4, **asked)[0]
    keeps(candidate.clip, asked | {"key": "D dorian"})
    assert {f"{key}_asked" for key in asked} <= candidate.measures.keys()
    assert {*asked} - {"scale_strict"} <= candidate.measures.keys()
    assert {*asked, "rhythm_from", "pitches_from"} == {*KEYS}


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"key": "H major"}, "key H major is not a key such as C"),
        ({"key": "auto"}, "key auto needs a clip with notes that sound"),
        ({"scale_strict": True}, "scale_strict true needs a key"),
        ({"end_on_tonic": True}, "end_on_tonic true needs a key"),
        ({"density": 9}, "density 9 is not a number from 0.05 to 8, or several joined by commas, one for each bar"),
        ({"density": "1,x"}, "density 1,x is not a number from 0.05 to 8"),
        ({"density": "1,2,3,4,5"}, "density 1,2,3,4,5 has 5 values for 4 bars"),
        ({"register": 128}, "register 128 is not a number from 0 to 127"),
        ({"pitch_low": 70, "pitch_high": 60}, "pitch_low 70 is above pitch_high 60"),
        ({"pitch_low": 61, "pitch_high": 61, "key": "C", "scale_strict": True}, "pitch_low 61 to pitch_high 61 holds"),
        ({"pitch_low": 61, "pitch_high": 71, "key": "C", "end_on_tonic": True}, "end_on_tonic true: the limits"),
        ({"polyphony": 0}, "polyphony 0 is not a number from 1 to 32"),
        ({"polyphony": "1,2"}, "polyphony 1,2 is not one whole number from 1 to 32"),
        ({"shortest": 2, "longest": 1}, "shortest 2 is longer than longest 1"),
        ({"shortest": 16, "bars": 1}, "shortest 16 is more than 2, half of all bars"),
        ({"shortest": 0.26, "longest": 0.27}, "shortest 0.26, longest 0.27: no note of the grid is so long"),
        ({"swing": 80}, "swing 80 is not a number from 50 to 75"),
        ({"velocity": "64,0"}, "velocity 64,0 is not a number from 1 to 127"),
        ({"pitch_classes": "1,2,3"}, "pitch_classes 1,2,3 is not 12 weights"),
        ({"chords": "C | Qx"}, "chords Qx is not one of chord symbols such as"),
        ({"chords": "C | | G"}, "has a bar without a chord"),
        ({"chords": "C D E F G"}, "chords C D E F G has 5 bars for 4 bars of music"),
        ({"rhythm_from": "clip"}, "rhythm_from clip needs a clip with notes that sound"),
        ({"rhythm_from": "song"}, "rhythm_from song is not one of none, clip"),
        ({"start_on_beat": "perhaps"}, "start_on_beat perhaps is not true or false"),
    ],
)  # fmt: skip
def test_a_wrong_value_is_named_with_its_range(shipped: Engine, options: dict[str, object], text: str) -> None:
    with pytest.raises(AssistantError) as caught:
        shipped.plan(Request("generate", (), options)) if "0.26" not in text else made(shipped, **options)
    assert caught.value.code == "bad_args"
    assert text in caught.value.text


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"rhythm_from": "clip", "density": 2}, "density 2 cannot be asked while rhythm_from clip keeps the rhythm"),
        ({"pitches_from": "clip", "key": "C"}, "key C cannot be asked while pitches_from clip keeps the pitches"),
        (
            {"pitches_from": "clip", "rhythm_from": "clip"},
            "pitches_from clip cannot be asked while rhythm_from",
        ),
    ],
)
def test_what_is_kept_cannot_be_asked_for(shipped: Engine, options: dict[str, object], text: str) -> None:
    with pytest.raises(AssistantError, match=text):
        shipped.plan(Request("continue", (SCALE,), options))


def test_a_rhythm_with_chords_needs_room(wild: Engine) -> None:
    with pytest.raises(AssistantError, match="rhythm_from clip has 3 notes at once, the limits leave 2 pitches"):
        made(wild, CHORDS, model="many-round", rhythm_from="clip", pitch_low=60, pitch_high=61)


def test_models_that_do_not_choose_note_by_note_say_so(shipped: Engine) -> None:
    with pytest.raises(AssistantError, match="density 2 cannot be asked of melody-2bars"):
        made(shipped, model="melody-2bars", density=2)


@pytest.mark.parametrize("task", ["generate", "continue"])
def test_both_tasks_have_every_option(task: str) -> None:
    assert {*KEYS, "originality"} <= {option.key for option in options_of(task)}


def test_the_first_bar_of_what_is_made_sounds(shipped: Engine) -> None:
    for clip in (None, SCALE):
        for candidate in made(shipped, clip, candidates=16, bars=4):
            assert candidate.clip.notes[0].start < candidate.clip.bar
