"""Giving a clip and asking for music: what arrives at the engine, and what comes back."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import SimpleNamespace

import pytest
from scale_engine import ScaleEngine, scale
from wire import CLIP, INLINE, PATIENCE, Wire, clip_parts, notes_of, shuffled, tuples

from continuo_daw.assistant.music.clip import TICKS, Clip, clip_of
from continuo_daw.assistant.tasks import TASKS
from continuo_daw.osc_bridge.daemon.link import Target


def test_a_request_and_all_its_answers(wire: Wire) -> None:
    wire.send("/continuo/continue", 7, "seed", 3, "candidates", 2, *INLINE)
    messages = wire.answers()
    assert messages[0] == ["/continuo/accepted", 7, "continue", "scale"]
    for candidate in (0, 1):
        assert list(notes_of(messages, candidate).values()) == tuples(scale(3, candidate, 8))
        (result,) = [m for m in messages if m[0::2][:2] == ["/continuo/result", candidate]]
        assert result[1:8] == [7, candidate, 8, 4.0, 4.0, "density", 4.0]
        assert messages.index(result) > max(
            k for k, m in enumerate(messages) if m[0:3:2] == ["/continuo/notes", candidate]
        )
    assert messages[-1] == ["/continuo/done", 7, "continue", 2, "scale", 3, 0.0]
    assert [m[4] for m in messages if m[0] == "/continuo/notes" and m[2] == 0] == [-1, 8]


def test_the_inline_clip_reaches_the_engine(wire: Wire, engine: ScaleEngine) -> None:
    wire.send("/continuo/continue", 7, *INLINE)
    wire.answers()
    assert engine.requests[0].clips == (CLIP,)


@pytest.mark.parametrize("identity", [7, 7.0, "seven", "7"])
def test_the_id_comes_back_in_its_type(wire: Wire, identity: object) -> None:
    wire.send("/continuo/generate", identity, "seed", 1)
    for message in wire.answers():
        assert message[1] == identity
        assert type(message[1]) is type(identity)


def test_numbers_are_interchangeable(wire: Wire, engine: ScaleEngine) -> None:
    wire.send("/continuo/generate", 1.0, "seed", 3.0, "candidates", True)
    assert wire.answers()[-1][:5] == ["/continuo/done", 1.0, "generate", 1, "scale"]


def test_nothing_as_a_value_is_the_default(wire: Wire, engine: ScaleEngine) -> None:
    wire.send("/continuo/generate", 1, "candidates", None)
    assert wire.answers()[-1][3] == 1
    assert "candidates" not in engine.requests[0].options


def test_a_clip_of_4000_notes_in_shuffled_and_doubled_parts(wire: Wire, engine: ScaleEngine) -> None:
    notes = scale(0, 0, 4000)
    wire.send("/continuo/clip/info", "long", 1200.0, 90, 3, 4)
    wire.send_parts(shuffled(clip_parts("long", notes) * 2, seed=3))
    wire.send("/continuo/continue", 1, "clip", "long")
    assert wire.answers()[-1][0] == "/continuo/done"
    assert engine.requests[0].clips == (Clip(notes, 1200 * TICKS, 90.0, (3, 4)),)


def test_a_lost_part_is_named_and_the_same_request_works_once_it_came(wire: Wire, engine: ScaleEngine) -> None:
    notes = scale(0, 0, 200)
    parts = clip_parts("a", notes)
    wire.send_parts([*parts[:1], *parts[2:]])
    wire.send("/continuo/continue", 1, "clip", "a")
    identity, code, text = wire.fail()
    assert (identity, code) == (1, "incomplete")
    assert "clip a: notes 54 to 107 of 200 are missing" in str(text)
    wire.send_parts(parts)
    wire.send("/continuo/continue", 1, "clip", "a")
    assert wire.answers()[-1][0] == "/continuo/done"
    assert engine.requests[0].clips == (clip_of(notes),)


def test_an_answer_larger_than_a_datagram_comes_in_parts(wire: Wire, engine: ScaleEngine) -> None:
    engine.length = 1000
    wire.send("/continuo/generate", "a", "seed", 1)
    messages = wire.answers()
    assert [notes_of(messages)[k] for k in range(1000)] == tuples(scale(1, 0, 1000))


def test_notes_arrive_while_the_rest_is_made(wire: Wire, engine: ScaleEngine) -> None:
    engine.seconds = 4 * PATIENCE
    start = time.monotonic()
    wire.send("/continuo/generate", "a", "seed", 1)
    first = wire.until("/continuo/notes")[-1]
    assert (first[3], first[4]) == (0, -1)
    assert time.monotonic() - start < PATIENCE
    engine.seconds = 0
    assert wire.answers()[-1][:2] == ["/continuo/done", "a"]


def test_progress_comes_at_most_ten_times_a_second(wire: Wire, engine: ScaleEngine) -> None:
    engine.seconds, engine.length = 0.5, 400
    start = time.monotonic()
    wire.send("/continuo/generate", "a", "seed", 1)
    fractions = []
    while (message := wire.receive())[0] != "/continuo/done":
        fractions += [float(str(message[2]))] if message[0] == "/continuo/progress" else []
    assert 3 <= len(fractions) <= 1 + 10 * (time.monotonic() - start)
    assert fractions == sorted(fractions) and fractions[0] >= 0 and fractions[-1] <= 1


def test_refinements_answer_in_the_order_of_the_client(
    monkeypatch: pytest.MonkeyPatch, make_server: Callable[..., Target], make_wire: Callable[[Target], Wire]
) -> None:
    task = SimpleNamespace(NAME="refine_velocity", SUMMARY="velocities", OPTIONS=(), CLIPS=(1, 1), PLACE="in_place")
    task.check, task.count = (lambda *_: None), (lambda *_: 1)
    monkeypatch.setitem(TASKS, "refine_velocity", task)  # type: ignore[arg-type]
    wire = make_wire(make_server())
    starts = [4.0, 0.0, 1.0, 5.0, 2.0, 3.0]
    wire.send("/continuo/refine_velocity", "a", "notes", *(v for s in starts for v in (60, s, 1.0, 90, 0)))
    notes = notes_of(wire.answers())
    assert [notes[k][1] for k in range(6)] == starts
    assert [notes[k][3] for k in range(6)] == [1 + int(start) for start in starts]
