"""The score around a clip: what a client says of its track and time, and the clips that sound beside it."""

from __future__ import annotations

import pytest
from scale_engine import ScaleEngine, scale
from wire import CLIP, INLINE, Wire, clip_parts

from continuo_daw.assistant.music.clip import TICKS, Clip
from continuo_daw.assistant.request import Context

NOTES = scale(0, 0, 8)


def give(wire: Wire, name: str = "a") -> None:
    wire.send_parts(clip_parts(name, NOTES))


def test_what_is_said_of_a_track_reaches_the_engine(wire: Wire, engine: ScaleEngine) -> None:
    pairs = ("upbeat", 2.0, "name", "Bass", "channel", 4, "program", 34, "drums", 0)
    wire.send("/continuo/clip/meter", "a", 2.0, 3, 4)
    give(wire)
    wire.send("/continuo/clip/info", "a", 14.0, 90, 4, 4, *pairs)
    wire.send("/continuo/clip/tempo", "a", 1.5, 80.0)
    wire.send("/continuo/continue", 1, "clip", "a")
    assert wire.answers()[-1][0] == "/continuo/done"
    time = {"tempos": ((1440, 80.0),), "meters": ((2 * TICKS, (3, 4)),), "upbeat": 2 * TICKS}
    wanted = Clip(NOTES, 14 * TICKS, 90.0, (4, 4), name="Bass", channel=4, program=34, **time)  # type: ignore[arg-type]
    assert engine.requests[0].clips == (wanted,)


def test_arguments_left_out_take_their_defaults_before_pairs(wire: Wire, engine: ScaleEngine) -> None:
    give(wire)
    wire.send("/continuo/clip/info", "a", None, None, None, None, "channel", 3)
    wire.send("/continuo/continue", 1, "clip", "a")
    wire.answers()
    assert engine.requests[0].clips == (Clip(NOTES, 4 * TICKS, channel=3),)


@pytest.mark.parametrize(
    ("address", "arguments", "text"),
    [
        ("clip/info", ("a", 4.0, 120, 4, 4, "chanel", 3), "unknown option chanel; did you mean channel?"),
        ("clip/info", ("a", 4.0, 120, 4, 4, "channel", 17), "channel 17 is not a whole number from 1 to 16"),
        ("clip/info", ("a", 4.0, 120, 4, 4, "program", 0), "program 0 is not a whole number from 1 to 128"),
        ("clip/info", ("a", 4.0, 120, 4, 4, "drums", 2), "drums 2 is not true or false"),
        ("clip/info", ("a", 4.0, 120, 4, 4, "upbeat"), "upbeat has no value"),
        ("clip/info", ("a", 4.0, 120, 4, 4, "upbeat", 4.0), "upbeat 4 is outside 0 to less than a bar of 4 beats"),
        ("clip/info", ("a", 4.0, 120, 4, 4, "upbeat", 1, "upbeat", 2), "upbeat is given twice"),
        (
            "clip/info",
            ("a", 4.0, 120, 4, 4, 7, 8),
            "7 stands where one of name, channel, program",
        ),
        ("clip/tempo", ("a", -1.0, 100), "at_beats -1.0 is not a number from 0 to 2000000"),
        ("clip/tempo", ("a", 1.0, 4), "tempo_bpm 4 is not a number from 5 to 1000"),
        ("clip/tempo", ("a", 1), "tempo_bpm None is not a number from 5 to 1000"),
        ("clip/meter", ("a", 1.0, 3), "denominator None is not a whole number from 1 to 64"),
        ("clip/meter", ("a", 1.0, 3, 5), "meter 3/5 is not a meter"),
        ("clip/meter", (), "the name of the clip is missing"),
    ],
)
def test_what_is_wrong_is_named(wire: Wire, address: str, arguments: tuple[object, ...], text: str) -> None:
    wire.send(f"/continuo/{address}", *arguments)
    identity, code, said = wire.fail()
    assert (identity, code) == (arguments[0] if arguments else "", "bad_args")
    assert str(said).startswith(text)


def test_contexts_reach_the_engine_in_their_order(wire: Wire, engine: ScaleEngine) -> None:
    for name in ("a", "b"):
        give(wire, name)
    wire.send("/continuo/continue", 1, "context_at", "b", -1.5, "context", "a", "context", "b", *INLINE)
    (result,) = [m for m in wire.answers() if m[0] == "/continuo/result"]
    assert result[result.index("context") + 1] == 0  # no model hears them yet
    (request,) = engine.requests
    assert request.clips == (CLIP,)
    plain = Clip(NOTES, 4 * TICKS)
    assert request.context == (Context(plain, 0), Context(plain, -1440))


@pytest.mark.parametrize(
    ("pairs", "code", "text"),
    [
        (("context", "c"), "not_found", "clip c was not given"),
        (("context", "half"), "incomplete", "clip half: notes 1 to 2 of 3 are missing"),
        (("context", "a", "context", "a"), "bad_args", "context a is given twice"),
        (("context", "a", "context_at", "b", 1), "bad_args", "context_at b: the request names no such context"),
        (("context", "a", "context_at", "a"), "bad_args", "context_at a has no beats"),
        (("context", "a", "context_at", "a", "x"), "bad_args", "context_at x is not a number"),
        (
            tuple(v for k in range(33) for v in ("context", str(k))),
            "bad_args",
            "33 contexts; a request names at most",
        ),
    ],
)
def test_contexts_that_are_refused(wire: Wire, pairs: tuple[object, ...], code: str, text: str) -> None:
    give(wire)
    wire.send("/continuo/clip", "half", 0, 3, 60, 0.0, 1.0, 90, 0)
    wire.send("/continuo/continue", 1, "clip", "a", *pairs)
    identity, *said = wire.fail()
    assert (identity, said[0]) == (1, code)
    assert str(said[1]).startswith(text)
