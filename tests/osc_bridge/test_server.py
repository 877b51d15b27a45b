"""The server over a real socket: questions, clips, requests, repeats, buttons, and what is refused."""

from __future__ import annotations

import random
import struct
import time
from collections.abc import Callable
from types import SimpleNamespace

import pytest
from conftest import Wire
from pythonosc.osc_bundle_builder import OscBundleBuilder
from pythonosc.osc_message_builder import OscMessageBuilder, build_msg
from scale_engine import ScaleEngine, scale

from assistant.clip import TICKS, Clip, Note, clip_of
from assistant.tasks import TASKS, options_of
from osc_bridge.addresses import ONLY_SENT
from osc_bridge.encode import encode, note_parts, note_values
from osc_bridge.link import Target

INLINE = ("notes", 60, 0.0, 1.0, 96, 0, 64, 1.0, 1.0, 90, 0)
CLIP = clip_of((Note(0, 60, 960, 96), Note(960, 64, 960, 90)))


def upload(wire: Wire, name: str, notes: tuple[Note, ...], shuffle: int = 0, leave_out: int = -1) -> None:
    parts = [
        encode("/continuo/clip", *b, notes=n)
        for b, n in note_parts("/continuo/clip", (name,), 0, len(notes), notes, 1400)
    ]
    if leave_out >= 0:
        del parts[leave_out]
    if shuffle:
        parts *= 2
        random.Random(shuffle).shuffle(parts)
    for index, part in enumerate(parts):
        wire.send_bytes(part)
        if index % 16 == 15:
            time.sleep(0.005)


def notes_of(messages: list[list[object]], candidate: int = 0) -> dict[int, tuple[object, ...]]:
    """The notes of a candidate by index."""
    notes = {}
    for address, *arguments in messages:
        if address == "/continuo/notes" and arguments[1] == candidate:
            first, values = int(arguments[2]), arguments[4:]  # type: ignore[call-overload]
            notes.update({first + k // 5: tuple(values[k : k + 5]) for k in range(0, len(values), 5)})
    return notes


def tuples(notes: tuple[Note, ...]) -> list[tuple[object, ...]]:
    values = note_values(notes)
    return [tuple(values[k : k + 5]) for k in range(0, len(values), 5)]


# asking about the daemon


@pytest.mark.parametrize("token", [7, 0.5, "abc"])
def test_ping(wire: Wire, token: object) -> None:
    wire.send("/continuo/ping", token)
    assert wire.receive() == ["/continuo/pong", token]


def test_ping_without_type_tags(wire: Wire) -> None:
    wire.send_bytes(b"/continuo/ping\0\0")
    assert wire.receive() == ["/continuo/pong", ""]


def test_version(wire: Wire) -> None:
    wire.send("/continuo/version")
    address, name, version, protocol = wire.receive()
    assert (address, name, protocol) == ("/continuo/version.reply", "continuo", 1)
    assert isinstance(version, str)


def test_status(wire: Wire, spool: object) -> None:
    wire.send("/continuo/generate", "a", "seed", 1)
    wire.answers()
    wire.send("/continuo/generate", "b", "candidates", "many")
    wire.answers()
    wire.send("/continuo/status")
    address, device, running, queued, done, failed, uptime, models, folder = wire.receive()
    assert (address, device) == ("/continuo/status.reply", "cpu")
    assert (running, queued, done, failed) == (0, 0, 1, 0)
    assert models == "scale"
    assert isinstance(uptime, float) and 0 <= uptime < 60
    assert folder == str(spool)


def test_tasks(wire: Wire) -> None:
    wire.send("/continuo/tasks")
    messages = wire.until("/continuo/done")
    assert messages[-1] == ["/continuo/done", "", "tasks", len(TASKS)]
    for name, task in TASKS.items():
        assert ["/continuo/task", name, task.SUMMARY, "scale", *task.CLIPS] in messages
        keys = [message[2] for message in messages if message[:2] == ["/continuo/option", name]]
        assert keys == [option.key for option in options_of(name)]
    candidates = next(m for m in messages if m[:3] == ["/continuo/option", "generate", "candidates"])
    assert candidates[3:8] == ["int", "1", "16", "1", ""]


def test_sync_waits_for_what_came_before(wire: Wire, engine: ScaleEngine) -> None:
    engine.seconds = 0.3
    wire.send("/continuo/generate", "a", "seed", 1)
    wire.send("/continuo/sync", 5)
    messages = wire.until("/continuo/synced")
    assert [message[0] for message in messages[-2:]] == ["/continuo/done", "/continuo/synced"]
    assert messages[-1] == ["/continuo/synced", 5]
    wire.send("/continuo/sync", "idle")
    assert wire.receive() == ["/continuo/synced", "idle"]


# giving a clip and asking for music


def test_a_request_and_all_its_answers(wire: Wire) -> None:
    wire.send("/continuo/continue", 7, "seed", 3, "candidates", 2, *INLINE)
    messages = wire.answers()
    assert messages[0] == ["/continuo/accepted", 7, "continue", "scale"]
    for candidate in (0, 1):
        assert list(notes_of(messages, candidate).values()) == tuples(scale(3, candidate, 8))
        result = ["/continuo/result", 7, candidate, 8, 4.0, 4.0, "density", 4.0]
        assert result in messages
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
    upload(wire, "long", notes, shuffle=3)
    wire.send("/continuo/continue", 1, "clip", "long")
    assert wire.answers()[-1][0] == "/continuo/done"
    assert engine.requests[0].clips == (Clip(notes, 1200 * TICKS, 90.0, (3, 4)),)


def test_a_lost_part_is_named_and_the_same_request_works_once_it_came(wire: Wire, engine: ScaleEngine) -> None:
    notes = scale(0, 0, 200)
    upload(wire, "a", notes, leave_out=1)
    wire.send("/continuo/continue", 1, "clip", "a")
    identity, code, text = wire.fail()
    assert (identity, code) == (1, "incomplete")
    assert "clip a: notes 54 to 107 of 200 are missing" in str(text)
    upload(wire, "a", notes)
    wire.send("/continuo/continue", 1, "clip", "a")
    assert wire.answers()[-1][0] == "/continuo/done"
    assert engine.requests[0].clips == (clip_of(notes),)


def test_an_answer_larger_than_a_datagram_comes_in_parts(wire: Wire, engine: ScaleEngine) -> None:
    engine.length = 1000
    wire.send("/continuo/generate", "a", "seed", 1)
    messages = wire.answers()
    assert [notes_of(messages)[k] for k in range(1000)] == tuples(scale(1, 0, 1000))


def test_notes_arrive_while_the_rest_is_made(wire: Wire, engine: ScaleEngine) -> None:
    engine.seconds = 0.8
    wire.send("/continuo/generate", "a", "seed", 1)
    start = time.monotonic()
    first = wire.until("/continuo/notes")[-1]
    assert (first[3], first[4]) == (0, -1)
    assert time.monotonic() - start < 0.7
    wire.answers()
    assert time.monotonic() - start > 0.75


def test_progress_comes_at_most_ten_times_a_second(wire: Wire, engine: ScaleEngine) -> None:
    engine.seconds, engine.length = 0.5, 400
    wire.send("/continuo/generate", "a", "seed", 1)
    fractions = []
    while (message := wire.receive())[0] != "/continuo/done":
        fractions += [float(str(message[2]))] if message[0] == "/continuo/progress" else []
    assert 3 <= len(fractions) <= 11
    assert fractions == sorted(fractions) and fractions[0] >= 0 and fractions[-1] <= 1


def test_refinements_answer_in_the_order_of_the_client(
    monkeypatch: pytest.MonkeyPatch, make_server: Callable[..., Target], make_wire: Callable[[Target], Wire]
) -> None:
    task = SimpleNamespace(NAME="refine_velocity", SUMMARY="velocities", OPTIONS=(), CLIPS=(1, 1))
    monkeypatch.setitem(TASKS, "refine_velocity", task)  # type: ignore[arg-type]
    wire = make_wire(make_server())
    starts = [4.0, 0.0, 1.0, 5.0, 2.0, 3.0]
    wire.send("/continuo/refine_velocity", "a", "notes", *(v for s in starts for v in (60, s, 1.0, 90, 0)))
    notes = notes_of(wire.answers())
    assert [notes[k][1] for k in range(6)] == starts
    assert [notes[k][3] for k in range(6)] == [1 + int(start) for start in starts]


# what is refused


@pytest.mark.parametrize(
    ("arguments", "identity", "text"),
    [
        (("a", "candidate", 3), "a", "did you mean candidates?"),
        (("a", "candidates", 17), "a", "candidates 17 is not a whole number from 1 to 16"),
        (("a", "seed"), "a", "seed has no value"),
        (("a", "seed", 1, "seed", 2), "a", "seed is given twice"),
        (("a", 1, 2), "a", "1 stands where the name of an option should"),
        (("a", "notes", 60, 0.0, 1.0), "a", "3 is no multiple of five"),
        (("a", "notes", 60, 0.0, 1.0, 96, 0, 60, 0.0, -1.0, 96, 0), "a", "note 1: duration -1.0"),
        (("a", "notes", 60, 0.0, float("nan"), 96, 0), "a", "note 0: duration nan"),
        (("a", "reply_port", 80), "a", "reply_port 80"),
        (("a", "reply_file", "../../x"), "a", "reply_file ../../x"),
        (("a", "reply_file", "nul"), "a", "reply_file nul"),
        ((7.5, "seed", 1), 7.5, "the id 7.5 does not do"),
        ((2**40, "seed", 1), str(2**40), "the id 1099511627776 does not do"),
        ((), "", "the id is missing"),
        ((None, "seed", 1), "", "the id is missing"),
        ((float("inf"), "seed", 1), "", "the id inf does not do"),
        (("j" * 256, "seed", 1), "", "does not do"),
    ],
)
def test_a_wrong_argument_is_named(wire: Wire, arguments: tuple[object, ...], identity: object, text: str) -> None:
    builder = OscMessageBuilder("/continuo/continue")
    for argument in arguments:
        builder.add_arg(argument)  # type: ignore[arg-type]
    wire.send_bytes(builder.build().dgram)
    got, code, words = wire.fail()
    assert (got, code) == (identity, "bad_args")
    assert text in str(words)


def test_an_unknown_clip(wire: Wire) -> None:
    wire.send("/continuo/continue", 7, "clip", "A")
    assert wire.fail() == (7, "not_found", "clip A was not given in the last ten minutes")


def test_an_unknown_model(wire: Wire) -> None:
    wire.send("/continuo/generate", 7, "model", "none")
    assert wire.fail() == (7, "no_model", "no model none")


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (("A", 0, 20_001), "too_large", "at most 20000"),
        (("A", -1, 5), "bad_args", "first -1 is not a whole number"),
        (("A", 0), "bad_args", "total None is not"),
        (("A", 0, 5, 200, 0.0, 1.0, 90, 0), "bad_args", "note 0: pitch 200"),
        (("A", 3, 9, 60, 0.0, 1.0, 90, 0, 60, 0.0, 1.0, 0, 0), "bad_args", "note 4: velocity 0"),
    ],
)
def test_a_wrong_part_of_a_clip_is_answered_with_the_name(
    wire: Wire, arguments: tuple[object, ...], code: str, text: str
) -> None:
    wire.send("/continuo/clip", *arguments)
    identity, got, words = wire.fail()
    assert (identity, got) == ("A", code)
    assert text in str(words)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("A", 0.0), "length_beats 0.0 is not"),
        (("A", 4.0, 4), "tempo_bpm 4 is not a number from 5 to 1000"),
        (("A", 4.0, 120, 4, 3), "4/3 is not a meter"),
        (("A", 4.0, 120, 0), "numerator 0 is not"),
    ],
)
def test_a_wrong_description_of_a_clip(wire: Wire, arguments: tuple[object, ...], text: str) -> None:
    wire.send("/continuo/clip", "A", 0, 0)
    wire.send("/continuo/clip/info", *arguments)
    identity, code, words = wire.fail()
    assert (identity, code) == ("A", "bad_args")
    assert text in str(words)


def test_an_unknown_address_names_the_nearest(wire: Wire) -> None:
    wire.send("/continuo/generat", 7)
    assert wire.fail() == (7, "bad_args", "unknown address: /continuo/generat; did you mean /continuo/generate?")


def test_a_damaged_datagram_is_answered_without_an_id(wire: Wire) -> None:
    wire.send_bytes(b"/continuo/generate\0\0,Q\0\0")
    assert wire.fail()[:2] == ("", "bad_packet")


def test_a_flood_of_damaged_datagrams_is_answered_now_and_then(wire: Wire) -> None:
    for _ in range(300):
        wire.send_bytes(b"abc")
    wire.send("/continuo/ping", 1)
    assert 40 <= len(wire.until("/continuo/pong")) <= 60


@pytest.mark.parametrize("address", [*sorted(ONLY_SENT), "/fail", "/live/error"])
def test_what_only_servers_send_is_never_answered(wire: Wire, address: str) -> None:
    wire.send(address, 1)
    wire.send("/continuo/ping", 1)
    assert wire.receive() == ["/continuo/pong", 1]


def test_a_datagram_from_the_own_port_is_not_answered(make_server: Callable[..., Target]) -> None:
    import socket

    port = make_server()[1]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.2", port))
        other.settimeout(0.3)
        other.sendto(build_msg("/continuo/ping", [1]).dgram, ("127.0.0.1", port))
        with pytest.raises(TimeoutError):
            other.recv(100)


# cancel, busy, timeout, faults


def test_cancel_a_running_and_a_waiting_request(wire: Wire, engine: ScaleEngine) -> None:
    engine.seconds, engine.length = 5, 200
    wire.send("/continuo/generate", "running", "seed", 1)
    wire.send("/continuo/generate", "waiting", "seed", 1)
    wire.until("/continuo/notes")
    for identity in ("waiting", "running"):
        start = time.monotonic()
        wire.send("/continuo/cancel", identity)
        assert wire.answers()[-1][:3] == ["/continuo/fail", identity, "cancelled"]
        assert time.monotonic() - start < 0.2
    end = time.monotonic() + 1
    while not engine.stopped and time.monotonic() < end:
        time.sleep(0.01)
    assert engine.stopped == 1
    engine.seconds = 0
    wire.send("/continuo/generate", "next", "seed", 1)
    assert wire.answers()[-1][:2] == ["/continuo/done", "next"]
    assert [len(engine.requests), wire.receive(0.2)] == [2, []]


def test_cancel_reaches_a_request_of_the_same_host(
    wire: Wire, engine: ScaleEngine, make_wire: Callable[[Target], Wire]
) -> None:
    engine.seconds = 5
    wire.send("/continuo/generate", 7, "seed", 1)
    wire.until("/continuo/accepted")
    make_wire(wire.target).send("/continuo/cancel", 7.0)
    assert wire.answers()[-1][:3] == ["/continuo/fail", 7, "cancelled"]


def test_cancel_prefers_the_request_of_its_own_client(
    wire: Wire, engine: ScaleEngine, make_wire: Callable[[Target], Wire]
) -> None:
    engine.seconds = 1
    other = make_wire(wire.target)
    for each in (wire, other):
        each.send("/continuo/generate", 7, "seed", 1)
        each.until("/continuo/accepted")
    other.send("/continuo/cancel", 7)
    assert other.answers()[-1][2] == "cancelled"
    assert wire.answers()[-1][0] == "/continuo/done"


def test_cancel_of_nothing(wire: Wire) -> None:
    wire.send("/continuo/cancel", 7)
    assert wire.fail() == (7, "not_found", "no request 7 is running or waiting")


def test_cancel_after_the_end_adds_nothing(wire: Wire) -> None:
    wire.send("/continuo/generate", 7, "seed", 1)
    wire.answers()
    wire.send("/continuo/cancel", 7)
    assert wire.receive(0.2) == []


def test_a_full_queue_is_busy(
    engine: ScaleEngine, make_server: Callable[..., Target], make_wire: Callable[[Target], Wire]
) -> None:
    engine.seconds = 0.4
    wire = make_wire(make_server(queue=2))
    for identity in range(1, 6):
        wire.send("/continuo/generate", identity, "seed", 1)
        time.sleep(0.02)
    ends = {}
    while len(ends) < 5:
        last = wire.answers()[-1]
        ends[last[1]] = last[0] if last[0] == "/continuo/done" else last[2]
    assert ends == {1: "/continuo/done", 2: "/continuo/done", 3: "/continuo/done", 4: "busy", 5: "busy"}


def test_one_client_cannot_take_the_whole_queue(
    wire: Wire, engine: ScaleEngine, make_wire: Callable[[Target], Wire]
) -> None:
    engine.seconds = 5
    for identity in range(17):
        wire.send("/continuo/generate", identity, "seed", 1)
    messages = wire.until("/continuo/fail")
    assert messages[-1][:3] == ["/continuo/fail", 16, "busy"]
    other = make_wire(wire.target)
    other.send("/continuo/generate", 1, "seed", 1)
    assert other.receive()[0] == "/continuo/accepted"


@pytest.mark.parametrize("deaf", [False, True])
def test_the_deadline(
    engine: ScaleEngine, make_server: Callable[..., Target], make_wire: Callable[[Target], Wire], deaf: bool
) -> None:
    engine.seconds, engine.deaf = 1.0, deaf
    wire = make_wire(make_server(deadline=0.3))
    start = time.monotonic()
    wire.send("/continuo/generate", 1, "seed", 1)
    assert wire.answers()[-1][:3] == ["/continuo/fail", 1, "timeout"]
    assert 0.25 < time.monotonic() - start < 0.8
    assert wire.receive(1.0) == []


def test_a_fault_of_the_engine(wire: Wire, engine: ScaleEngine, caplog: pytest.LogCaptureFixture) -> None:
    engine.fault = ZeroDivisionError("somewhere in a model")
    wire.send("/continuo/generate", 1, "seed", 1)
    assert wire.answers()[-1][:3] == ["/continuo/fail", 1, "internal"]
    assert "somewhere in a model" in caplog.text
    engine.fault = None
    wire.send("/continuo/generate", 2, "seed", 1)
    assert wire.answers()[-1][0] == "/continuo/done"


# the same id again


def test_a_repeat_gets_the_same_answers_and_nothing_is_computed(wire: Wire, engine: ScaleEngine) -> None:
    engine.length = 2500
    wire.send("/continuo/generate", 7, "candidates", 2)
    first = wire.answers()
    wire.send("/continuo/generate", 7, "candidates", 2)
    assert wire.answers() == first
    wire.send("/continuo/generate", 7.0, "candidates", 2)
    assert wire.answers() == first
    assert len(engine.requests) == 1


def test_a_repeat_while_the_request_runs(wire: Wire, engine: ScaleEngine) -> None:
    engine.seconds = 0.5
    wire.send("/continuo/generate", 7, "seed", 1)
    wire.until("/continuo/notes")
    wire.send("/continuo/generate", 7, "seed", 1)
    messages = wire.answers()
    assert messages[0] == ["/continuo/accepted", 7, "generate", "scale"]
    assert list(notes_of(messages).values()) == tuples(scale(1, 0, 8))
    assert len(engine.requests) == 1


def test_clients_do_not_get_the_answers_of_each_other(
    wire: Wire, engine: ScaleEngine, make_wire: Callable[[Target], Wire]
) -> None:
    other = make_wire(wire.target)
    wire.send("/continuo/generate", 7, "seed", 1)
    other.send("/continuo/generate", 7, "seed", 2)
    assert wire.answers()[-1][5] == 1
    assert other.answers()[-1][5] == 2


def test_a_refused_request_may_be_mended_under_its_id(wire: Wire) -> None:
    wire.send("/continuo/generate", 7, "sead", 1)
    assert wire.fail()[1] == "bad_args"
    wire.send("/continuo/generate", 7, "seed", 1)
    assert wire.answers()[-1][0] == "/continuo/done"


# where answers go


def test_reply_port_of_a_request(wire: Wire, make_wire: Callable[[Target], Wire]) -> None:
    listener = make_wire(wire.target)
    wire.send("/continuo/generate", 7, "seed", 1, "reply_port", listener.port)
    assert listener.answers()[0][0] == "/continuo/accepted"
    wire.send("/continuo/generate", 8, "bars", "many", "reply_port", listener.port)
    assert listener.fail()[:2] == (8, "bad_args")
    assert wire.receive(0.2) == []


def test_a_repeat_from_another_port_with_the_same_reply_port(
    wire: Wire, engine: ScaleEngine, make_wire: Callable[[Target], Wire]
) -> None:
    listener = make_wire(wire.target)
    for sender in (wire, make_wire(wire.target)):
        sender.send("/continuo/generate", 7, "reply_port", listener.port)
        assert listener.answers()[-1][:2] == ["/continuo/done", 7]
    assert len(engine.requests) == 1


def test_reply_port_of_a_host_is_a_copy(wire: Wire, make_wire: Callable[[Target], Wire]) -> None:
    listener = make_wire(wire.target)
    wire.send("/continuo/reply_port", listener.port)
    wire.send("/continuo/generate", 7, "seed", 1)
    assert wire.answers() == listener.answers()
    wire.send("/continuo/reply_port", 0)
    wire.send("/continuo/ping", 1)
    assert wire.receive() == ["/continuo/pong", 1]
    assert listener.receive(0.2) == []


def test_reply_port_takes_no_port_of_the_system_and_not_the_own(wire: Wire) -> None:
    for port in (80, wire.target[1], 70_000):
        wire.send("/continuo/reply_port", port)
        assert wire.fail()[1] == "bad_args"


# buttons and patterns


def test_a_press_runs_the_task_on_the_last_clip_and_a_release_does_not(wire: Wire, engine: ScaleEngine) -> None:
    upload(wire, "a", CLIP.notes)
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


def test_patterns_start_nothing(wire: Wire, engine: ScaleEngine) -> None:
    for pattern in ("/continuo/gen*", "/continuo/{generate,continue}", "/*/generate"):
        wire.send(pattern, 7, "seed", 1)
        identity, code, text = wire.fail()
        assert (identity, code) == (7, "bad_args")
        assert "patterns reach the questions about the daemon alone" in str(text)
    assert engine.requests == []


def test_patterns_ask(wire: Wire, engine: ScaleEngine) -> None:
    wire.send("/continuo/*", 7)
    names = {wire.receive()[0] for _ in range(20)}
    assert {"/continuo/pong", "/continuo/version.reply", "/continuo/status.reply", "/continuo/task"} <= names
    assert engine.requests == []


# time tags


def bundle(seconds: float, *messages: tuple[str, object]) -> bytes:
    builder = OscBundleBuilder(time.time() + seconds)
    for address, value in messages:
        builder.add_content(build_msg(address, [value]))
    return builder.build().dgram


def test_a_bundle_waits_for_its_time_and_stays_together(wire: Wire) -> None:
    start = time.monotonic()
    wire.send_bytes(bundle(0.3, ("/continuo/ping", 1), ("/continuo/nothing", 2), ("/continuo/ping", 3)))
    wire.send("/continuo/ping", 0)
    assert wire.receive() == ["/continuo/pong", 0]
    assert time.monotonic() - start < 0.2
    assert wire.receive() == ["/continuo/pong", 1]
    assert 0.25 < time.monotonic() - start < 0.6
    assert wire.fail()[:2] == (2, "bad_args")
    assert wire.receive() == ["/continuo/pong", 3]


def test_bundles_of_the_past_and_of_now_run_at_once(wire: Wire) -> None:
    for datagram in (
        bundle(-100, ("/continuo/ping", 1)),
        b"#bundle\0" + struct.pack(">Qi", 1, 20) + encode("/continuo/ping"),
    ):
        wire.send_bytes(datagram)
        assert wire.receive(0.2)[0] == "/continuo/pong"


def test_a_time_too_far_ahead(wire: Wire) -> None:
    wire.send_bytes(bundle(60, ("/continuo/ping", 1)))
    identity, code, text = wire.fail()
    assert (identity, code) == (1, "bad_args")
    assert "60 seconds ahead" in str(text) and "at most 10" in str(text)


def test_the_agenda_is_bounded(wire: Wire) -> None:
    for number in range(300):
        wire.send_bytes(bundle(5, ("/continuo/ping", number)))
    assert wire.fail()[1] == "busy"
