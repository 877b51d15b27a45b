"""The refine tasks over the wire: note k of the answer is note k of the clip as the client gave it.

Rules stand in for the networks.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from rule_networks import rule_engine
from tiny import tune
from wire import Wire, clip_parts, notes_of

from continuo_daw.assistant.engine import Engine
from continuo_daw.assistant.errors import AssistantError
from continuo_daw.assistant.music.clip import TICKS, Clip, Note, clip_of
from continuo_daw.assistant.music.midi import read_midi
from continuo_daw.osc_bridge.clients.client import Client
from continuo_daw.osc_bridge.daemon.link import Target

# in the client's order: neither sorted nor left as they are by what is tidied; two notes are the same
UNSORTED = (
    Note(3840, 72, 400, 80),
    Note(131, 90, 20, 50),
    Note(130, 48, 480, 60),
    Note(100, 72, 480, 80),
    Note(200, 60, 100, 70, True),
    Note(2000, 50, 300, 90),
    Note(240, 60, 9, 9),
    Note(130, 48, 480, 60),
)
MODELS = {"refine_duration": "durations", "refine_velocity": "velocities", "refine": "durations+velocities"}


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Engine:
    return rule_engine(monkeypatch)


@pytest.fixture
def client(make_server: Callable[..., Target]) -> Client:
    return Client(*make_server(), timeout=20)


def values(notes: tuple[Note, ...]) -> list[float]:
    return [v for n in notes for v in (n.pitch, n.start / TICKS, n.duration / TICKS, n.velocity, int(n.muted))]


@pytest.mark.parametrize("task", MODELS)
@pytest.mark.parametrize("inside", [True, False])
def test_answers_stand_in_the_order_of_the_client(wire: Wire, task: str, inside: bool) -> None:
    if inside:
        wire.send(f"/continuo/{task}", "a", "seed", 1, "notes", *values(UNSORTED))
    else:
        wire.send_parts(clip_parts("A", UNSORTED))
        wire.send(f"/continuo/{task}", "a", "clip", "A", "seed", 1)
    messages = wire.answers()
    assert messages[0] == ["/continuo/accepted", "a", task, MODELS[task]]
    assert messages[-1][:6] == ["/continuo/done", "a", task, 1, MODELS[task], 1]
    notes = notes_of(messages)
    assert sorted(notes) == list(range(len(UNSORTED)))
    for index, note in enumerate(UNSORTED):
        pitch, start, duration, velocity, mute = notes[index]
        assert (pitch, mute) == (note.pitch, int(note.muted))
        if note.muted:
            assert velocity == note.velocity
        if note.muted or task == "refine_velocity":
            assert (start, duration) == (pytest.approx(note.start / TICKS), pytest.approx(note.duration / TICKS))
        else:
            assert start * TICKS == round(note.start / 240) * 240  # type: ignore[operator]


def test_a_long_clip_comes_back_whole(wire: Wire) -> None:
    notes = tuple(Note((4000 - k) * 120 + k % 90, 36 + k % 60, 100, 64) for k in range(4000))
    wire.send_parts(clip_parts("long", notes))
    wire.send("/continuo/refine", 1, "clip", "long", "seed", 1)
    messages = wire.answers()
    answered = notes_of(messages)
    assert [answered[k][0] for k in range(4000)] == [note.pitch for note in notes]
    assert max(abs(answered[k][1] - note.start / TICKS) for k, note in enumerate(notes)) <= 0.126  # type: ignore[operator]
    assert next(m for m in messages if m[0] == "/continuo/result")[3:5] == [4000, 0.0]


def test_only_the_notes_between_two_beats_change(wire: Wire) -> None:
    wire.send("/continuo/refine", 1, "from", 2, "to", 3.5, "notes", *values(UNSORTED))
    notes = notes_of(wire.answers())
    for index, note in enumerate(UNSORTED):
        same = notes[index] == pytest.approx(tuple(values((note,))), abs=1e-6)
        assert same is not (2 * TICKS <= note.start < 3.5 * TICKS)


def test_a_second_clip_is_the_one_to_be_like(wire: Wire) -> None:
    flat = replace(tune(3), notes=tuple(replace(note, velocity=44) for note in tune(3).notes))
    wire.send_parts(clip_parts("A", UNSORTED))
    wire.send_parts(clip_parts("B", flat.notes))
    wire.send("/continuo/refine_velocity", 1, "clip", "A", "clip", "B")
    notes = notes_of(wire.answers())
    assert [notes[k][3] for k in range(len(UNSORTED))] == [70 if note.muted else 44 for note in UNSORTED]


def test_a_button_refines_the_last_clip(wire: Wire) -> None:
    wire.send_parts(clip_parts("A", UNSORTED))
    wire.send("/continuo/refine", 1.0)
    assert wire.answers()[-1][:5] == ["/continuo/done", 0, "refine", 1, "durations+velocities"]


def test_the_table_names_both_models(client: Client, wire: Wire) -> None:
    wire.send("/continuo/tasks")
    rows = [message for message in wire.until("/continuo/done") if message[0] == "/continuo/task"]
    found = {row[1]: tuple(row[3:]) for row in rows}
    assert found["refine"] == ("durations+velocities", 1, 2)
    assert found["refine_duration"] == ("durations", 1, 1)
    assert found["generate"][0] == ""


def test_a_reply_file_holds_the_notes_and_the_clip(wire: Wire, spool: Path) -> None:
    wire.send("/continuo/refine_duration", 1, "reply_file", "tidy", "notes", *values(UNSORTED))
    notes = notes_of(wire.answers())
    written = read_midi(spool / "tidy.0.mid")
    made = [Note(round(s * TICKS), p, round(d * TICKS), v, bool(m)) for p, s, d, v, m in notes.values()]  # type: ignore[operator,call-overload,arg-type]
    assert written.notes == clip_of(made).notes


def test_the_client_gives_the_order_back(client: Client) -> None:
    clip = clip_of(UNSORTED)
    with client:
        found = client.run("refine_duration", [clip], seed=1).candidates[0]
        assert found.order is not None and found.order != tuple(range(len(UNSORTED)))
        assert [clip.notes[index].pitch for index in found.order] == [note.pitch for note in found.clip.notes]
        assert client.run("refine", [clip], amount=0).candidates[0].clip == clip


def test_the_client_says_that_a_clip_is_drums(client: Client) -> None:
    drums = Clip(clip_of(UNSORTED).notes, 7680, drums=True)
    with client:
        result = client.run("refine_velocity", [drums], seed=1)
        assert (result.model, result.candidates[0].clip.drums) == ("kits", True)
        assert client.run("refine_velocity", [drums], drums=False).model == "velocities"
        with pytest.raises(AssistantError, match="no note value"):
            client.run("refine", [drums])
