"""The press of a button: a lone number, the last clip, the id 0."""

from __future__ import annotations

from scale_engine import ScaleEngine
from wire import CLIP, INLINE, Wire, clip_parts


def test_a_press_runs_the_task_on_the_last_clip_and_a_release_does_not(wire: Wire, engine: ScaleEngine) -> None:
    wire.send_parts(clip_parts("a", CLIP.notes))
    for value in (1.0, 0.0, 1, 0, True, False):
        wire.send("/continuo/continue", value)
    for _ in range(3):
        messages = wire.answers()
        assert {message[1] for message in messages} == {0}
        assert messages[-1][0] == "/continuo/done"
    assert wire.receive(0.2) == []
    assert [request.clips for request in engine.requests] == [(CLIP,)] * 3
    assert [dict(request.options) for request in engine.requests] == [{}] * 3


def test_a_request_with_the_id_0_repeats_no_press(wire: Wire, engine: ScaleEngine) -> None:
    wire.send("/continuo/generate", 1)
    wire.answers()
    wire.send("/continuo/generate", 0, "seed", 5)
    assert wire.answers()[-1][5] == 5


def test_a_press_takes_a_clip_that_rode_in_a_request(wire: Wire, engine: ScaleEngine) -> None:
    wire.send("/continuo/continue", 7, *INLINE)
    wire.answers()
    wire.send("/continuo/continue", 1)
    assert wire.answers()[-1][:2] == ["/continuo/done", 0]
    assert engine.requests[1].clips == (CLIP,)


def test_a_press_without_a_clip(wire: Wire) -> None:
    wire.send("/continuo/continue", 1.0)
    assert wire.fail()[:2] == (0, "bad_args")
    wire.send("/continuo/generate", 1.0)
    assert wire.answers()[-1][:2] == ["/continuo/done", 0]
