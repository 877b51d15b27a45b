"""The client against the server, through a socket that loses what it is told to lose."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from scale_engine import ScaleEngine, scale
from wire import quickest

from continuo_daw.assistant.errors import AssistantError
from continuo_daw.assistant.music.clip import TICKS, Clip, Note, clip_of
from continuo_daw.assistant.request import Context, Placement
from continuo_daw.assistant.tasks import TASKS, options_of
from continuo_daw.osc_bridge.clients.client import Client
from continuo_daw.osc_bridge.daemon.link import Target

CLIP = Clip((Note(0, 60, 960, 96), Note(960, 64, 960, 90)), 6 * TICKS, 90.0, (3, 4))


@pytest.fixture
def client(make_server: Callable[..., Target]) -> Iterator[Client]:
    with Client(*make_server(), timeout=20) as client:
        yield client


def test_questions(client: Client) -> None:
    assert 0 < quickest(client.ping, 0.5) < 0.5
    assert client.version()[::2] == ("continuo", 1)
    assert client.version()[3] == "1.1"
    assert client.status()["models"] == "scale"
    tasks = client.tasks()
    assert list(tasks) == list(TASKS)
    assert list(tasks["generate"]) == [option.key for option in options_of("generate")]
    client.sync()


def test_a_result(client: Client, engine: ScaleEngine) -> None:
    heard = []
    result = client.run("continue", [CLIP], seed=3, candidates=2, on_notes=lambda *notes: heard.append(notes))
    assert engine.requests[0].clips == (CLIP,)
    assert (result.model, result.seed, len(result.candidates)) == ("scale", 3, 2)
    for index, candidate in enumerate(result.candidates):
        assert candidate.clip == Clip(scale(3, index, 8), 3 * TICKS, 90.0, (3, 4))
        assert candidate.at == CLIP.length
        assert candidate.measures == {"density": 4.0}
    assert heard[:2] == [(0, 0, scale(3, 0, 8)[:4], -1), (0, 4, scale(3, 0, 8)[4:], 8)]


def test_a_long_clip_and_a_long_answer(client: Client, engine: ScaleEngine) -> None:
    engine.length = 3000
    clip = clip_of(scale(0, 0, 4000))
    result = client.run("continue", [clip], seed=3)
    assert engine.requests[0].clips == (clip,)
    assert result.candidates[0].clip == clip_of(scale(3, 0, 3000))


def test_a_request_without_options_is_no_button(client: Client) -> None:
    assert len(client.run("generate").candidates) == 1


def test_a_result_has_the_tempo_and_meter_that_were_asked_for(client: Client) -> None:
    clip = client.run("generate", seed=1, tempo=90, meter="3/4").candidates[0].clip
    assert (clip.tempo, clip.meter) == (90.0, (3, 4))


@pytest.mark.parametrize(("task", "meter", "tempo"), [("generate", (4, 4), 90.0), ("walk", (3, 4), 70.0)])
def test_a_walk_is_played_as_its_clip_and_generate_as_it_was_asked(
    client: Client, task: str, meter: tuple[int, int], tempo: float
) -> None:
    given = Clip((Note(0, 60, 480),), 2880, 70.0, (3, 4))
    clip = client.run(task, [given], seed=1, tempo=90, meter="4/4").candidates[0].clip
    assert (clip.meter, clip.tempo) == (meter, tempo)


def test_an_error_of_the_daemon(client: Client) -> None:
    with pytest.raises(AssistantError, match="did you mean bars") as caught:
        client.run("generate", bar=4)
    assert caught.value.code == "bad_args"


def test_cancel(client: Client, engine: ScaleEngine) -> None:
    engine.seconds = 60
    number = client.start("generate", seed=1)
    threading.Timer(0.1, client.cancel, (number,)).start()
    with pytest.raises(AssistantError) as caught:
        client.wait(number)
    assert caught.value.code == "cancelled"


def test_two_requests_at_once(client: Client, engine: ScaleEngine) -> None:
    engine.seconds = 0.2
    first, second = client.start("generate", seed=1), client.start("generate", seed=2)
    assert client.wait(second).seed == 2
    assert client.wait(first).seed == 1
    assert len(engine.requests) == 2


def test_a_request_longer_than_the_silence(client: Client, engine: ScaleEngine) -> None:
    engine.seconds, engine.length = 2.5, 4
    assert client.run("generate", seed=1).candidates[0].clip == clip_of(scale(1, 0, 4))
    assert len(engine.requests) == 1


def test_timeout(make_server: Callable[..., Target], engine: ScaleEngine) -> None:
    engine.seconds = 60
    with Client(*make_server(), timeout=0.5) as client:
        with pytest.raises(AssistantError, match="no answer") as caught:
            client.run("generate", seed=1)
        assert caught.value.code == "timeout"
        client.sync()  # the client cancelled what it gave up
        assert client.status()["failed"] == 1


def test_nobody_listens() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with Client(port=port, timeout=2) as client, pytest.raises(AssistantError, match=f"127.0.0.1:{port}: is `continuo"):
        client.ping()


class Lossy:
    """A relay between one client and the server that drops the datagrams whose running numbers are given."""

    def __init__(self, target: Target, lose_up: set[int], lose_down: set[int]) -> None:
        self.up = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.down = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.up.bind(("127.0.0.1", 0))
        self.down.connect(target)
        self.address = self.up.getsockname()
        self.client: Target | None = None
        for source, lose, forward in ((self.up, lose_up, self.down.send), (self.down, lose_down, self.to_client)):
            threading.Thread(target=self.relay, args=(source, lose, forward), daemon=True).start()

    def to_client(self, datagram: bytes) -> None:
        assert self.client
        self.up.sendto(datagram, self.client)

    def relay(self, source: socket.socket, lose: set[int], forward: Callable[[bytes], object]) -> None:
        number = 0
        while True:
            datagram, sender = source.recvfrom(65_535)
            if source is self.up:
                self.client = sender
            if number not in lose:
                forward(datagram)
            number += 1


@pytest.mark.parametrize(
    ("lose_up", "lose_down"),
    [
        ({0}, set()),
        ({1}, set()),
        ({4}, set()),
        (set(), {0}),
        (set(), {1}),
        (set(), {3}),
        (set(), {4}),
        ({2}, {0, 2, 5}),
    ],
    ids=["info", "part", "request", "accepted", "notes", "result", "done", "several"],
)
def test_what_is_lost_is_asked_for_again(
    make_server: Callable[..., Target], engine: ScaleEngine, lose_up: set[int], lose_down: set[int]
) -> None:
    notes = scale(0, 0, 400)  # 3 parts
    relay = Lossy(make_server(), lose_up, lose_down)
    with Client(*relay.address, timeout=30) as client:
        result = client.run("continue", [clip_of(notes)], seed=3)
    assert [candidate.clip.notes for candidate in result.candidates] == [scale(3, 0, 8)]
    assert [request.clips[0].notes for request in engine.requests] == [notes]


def test_the_score_around_a_clip_goes_along(client: Client, engine: ScaleEngine) -> None:
    meters, tempos = ((2 * TICKS, (3, 4)), (8 * TICKS, (4, 4))), ((480, 80.0),)
    clip = Clip(scale(0, 0, 8), 12 * TICKS, 90.0, (4, 4), False, 960, tempos, meters, "Bass", 4, 34)
    drums = Clip(scale(0, 0, 4), 4 * TICKS, drums=True, channel=10)
    client.run("continue", [clip], context=[Context(drums, -480), Context(clip)], seed=1)
    (request,) = engine.requests
    assert request.clips == (clip,)
    assert request.context == (Context(drums, -480), Context(clip, 0))


@pytest.mark.parametrize(
    ("task", "options", "placement"),
    [
        ("continue", {}, Placement("behind", 12 * TICKS)),
        ("continue", {"to": 4}, Placement("over", 4 * TICKS, 8 * TICKS)),
        ("vary", {"from": 2, "to": 7}, Placement("over", 2 * TICKS, 7 * TICKS)),
        ("vary", {}, Placement("free")),
        ("refine_velocity", {}, Placement("in_place", 0, 12 * TICKS)),
    ],
)
def test_a_candidate_is_the_one_that_the_engine_made(
    client: Client, engine: ScaleEngine, task: str, options: dict[str, int], placement: Placement
) -> None:
    """Placement, channel, program, drums, tempo, meter, up-beat and what is not notes."""
    engine.data = (("chord", ((0.0, "C"), (2.5, "G7"))), ("map", ()))
    time = {"upbeat": 960, "meters": ((9 * TICKS, (2, 4)),), "tempos": ((6 * TICKS, 70.0),)}
    notes = scale(0, 0, 40)
    clip = Clip(notes, 12 * TICKS, 90.0, (4, 4), name="Bass", channel=4, program=34, **time)  # type: ignore[arg-type]
    made = []
    run = engine.run
    engine.run = lambda *asked, **how: made.append(run(*asked, **how)) or made[-1]  # type: ignore[method-assign,func-returns-value]
    (candidate,) = client.run(task, [clip], seed=1, **options).candidates
    (wanted,) = made[0].candidates
    assert candidate.placement == placement == wanted.placement
    assert candidate.data == (("chord", ((0.0, "C"), (2.5, "G7"))), ("map", ()))
    if placement.place != "in_place":  # the changes of time inside it are the one thing that the wire does not carry
        wanted = replace(wanted, clip=replace(wanted.clip, meters=(), tempos=()))
    assert (candidate.clip, candidate.at) == (wanted.clip, wanted.at)
