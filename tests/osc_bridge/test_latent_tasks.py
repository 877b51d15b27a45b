"""`continuo serve` with latent models: the tasks that go through codes, from datagram to notes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest
import tiny_phrases
from tiny import tune
from wire import Wire, clip_parts, notes_of, quickest, tuples

from continuo_daw.assistant.errors import AssistantError
from continuo_daw.assistant.music.clip import TICKS, Clip, Note
from continuo_daw.assistant.tasks import options_of
from continuo_daw.osc_bridge.clients.child import Child, daemon
from continuo_daw.osc_bridge.clients.client import Client

LATENT_TASKS = ("interpolate", "blend", "vary", "walk")
A, B = tune(1, 2), tune(2, 2)
MODEL = {"model": "tiny-vae-one", "seed": 5}


@pytest.fixture(scope="module")
def child(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Child]:
    """A daemon on a free port; the user has a model of each family."""
    home = tmp_path_factory.mktemp("home")
    for family in ("vae", "seqae"):
        tiny_phrases.bundle(home / "models", family, bars=2 if family == "vae" else 1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CONTINUO_HOME", str(home))
        with daemon() as child:
            yield child


@pytest.fixture
def client(child: Child) -> Iterator[Client]:
    with Client(child.host, child.port) as client:
        yield client


@pytest.fixture
def wire(child: Child, make_wire: Callable[[tuple[str, int]], Wire]) -> Wire:
    return make_wire((child.host, child.port))


def give(wire: Wire, name: str, clip: Clip) -> None:
    numerator, denominator = clip.meter
    wire.send("/continuo/clip/info", name, clip.length / TICKS, clip.tempo, numerator, denominator)
    wire.send_parts(clip_parts(name, clip.notes))


def refused(wire: Wire, address: str, *arguments: object) -> str:
    """The text of a `bad_args`, which is the last answer."""
    wire.send(address, *arguments)
    _, identity, code, text = wire.answers()[-1]
    assert (identity, code) == (arguments[0], "bad_args")
    return str(text)


def test_the_table_lists_the_tasks_and_their_options(client: Client) -> None:
    tasks = client.tasks()
    for name in LATENT_TASKS:
        assert list(tasks[name]) == [option.key for option in options_of(name)]


def test_a_way_between_two_clips(wire: Wire) -> None:
    give(wire, "A", A)
    give(wire, "B", B)
    wire.send(
        "/continuo/interpolate", "job-8", "clip", "A", "clip", "B", "steps", 5, "model", "tiny-vae-one", "seed", 5
    )
    messages = wire.answers()
    assert messages[0] == ["/continuo/accepted", "job-8", "interpolate", "tiny-vae-one"]
    assert messages[-1][:5] == ["/continuo/done", "job-8", "interpolate", 5, "tiny-vae-one"]
    results = [message for message in messages if message[0] == "/continuo/result"]
    assert sorted(int(str(message[2])) for message in results) == [0, 1, 2, 3, 4]
    for _, _, candidate, total, at, length, *_ in results:
        assert (at, length) == (0.0, 8.0)
        notes = notes_of(messages, int(str(candidate)))
        assert len(notes) == total > 0
        assert all(0 <= note[1] < note[1] + note[2] < 8.001 for note in notes.values())  # type: ignore[operator]
    for candidate, clip in ((0, A), (4, B)):
        assert [notes_of(messages, candidate)[k] for k in range(len(clip.notes))] == tuples(clip.notes)


def test_the_ends_come_first(wire: Wire) -> None:
    give(wire, "A", A)
    give(wire, "B", B)
    wire.send("/continuo/interpolate", 1, "clip", "A", "clip", "B", "steps", 6, "model", "tiny-vae-one")
    order = [message[2] for message in wire.answers() if message[0] == "/continuo/result"]
    assert order == [0, 5, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("task", "clips", "options", "count"),
    [
        ("interpolate", (A, tune(3, 5)), {"steps": 4, "space": "binary", "model": "tiny-seqae-one"}, 4),
        ("interpolate", (A, B), {"steps": 3, "space": "data", "model": "tiny-seqae-one"}, 3),
        ("blend", (A, B, tune(3, 2)), {"weights": "1,2,1", "candidates": 2, "model": "tiny-vae-one"}, 2),
        ("vary", (A,), {"amount": 0.5, "candidates": 3, "model": "tiny-vae-one"}, 3),
        ("vary", (A,), {"pitch": 4.0, "model": "tiny-vae-one"}, 1),
        ("walk", (A,), {"bars": 8, "candidates": 2, "model": "tiny-seqae-one"}, 2),
        ("walk", (), {"bars": 4, "meter": "3/4", "model": "tiny-seqae-one"}, 1),
        ("generate", (), {"bars": 3, "candidates": 2, "model": "tiny-vae-one"}, 2),
    ],
)
def test_a_task_gives_the_same_notes_again(
    client: Client, task: str, clips: tuple[Clip, ...], options: dict[str, object], count: int
) -> None:
    first, again = (client.run(task, clips, seed=7, **options) for _ in range(2))  # type: ignore[arg-type]
    assert first.candidates == again.candidates
    assert (len(first.candidates), first.model, first.seed) == (count, options["model"], 7)
    bars = options.get("bars")
    for candidate in first.candidates:
        assert bars is None or candidate.clip.length == bars * candidate.clip.bar
        assert candidate.at == (clips[0].length if task == "walk" and clips else 0)


def test_a_rhythm_is_kept_over_the_wire(client: Client) -> None:
    found = client.run("vary", [A], keep="rhythm", amount=1, **MODEL).candidates[0].clip
    assert [(n.start, n.duration, n.velocity) for n in found.notes] == [
        (n.start, n.duration, n.velocity) for n in A.notes
    ]
    assert [n.pitch for n in found.notes] != [n.pitch for n in A.notes]


def test_what_cannot_be_done_is_said(wire: Wire) -> None:
    give(wire, "A", A)
    give(wire, "B", B)
    give(wire, "waltz", tune(3, 2, (3, 4)))
    give(wire, "breve", tune(3, 2, (4, 2)))
    ab = ("clip", "A", "clip", "B")
    vae = ("model", "tiny-vae-one")
    wanted = "is not 2 numbers from 0 to 1000, not all 0, one for each clip"
    assert refused(wire, "/continuo/blend", 1, *ab, "weights", "1,x") == f"weights 1,x {wanted}"
    assert refused(wire, "/continuo/blend", 2, *ab, "weights", "1,2,3") == f"weights 1,2,3 {wanted}"
    for number, task in enumerate(("interpolate", "blend")):
        text = refused(wire, f"/continuo/{task}", 10 + number, "clip", "A", "clip", "waltz")
        assert text == "clips in 4/4 and 3/4 have no bar in common: give them one meter"
    text = refused(wire, "/continuo/vary", 20, "clip", "breve", *vae)
    assert text == "meter 4/2 has bars of more than 6 quarters, so tiny-vae-one cannot take it"
    assert "no binary codes" in refused(wire, "/continuo/interpolate", 30, *ab, "space", "binary", *vae)
    assert "candidates 2 is not 1" in refused(wire, "/continuo/interpolate", 31, *ab, "candidates", 2)
    assert "takes 2 clips, 1 were given" in refused(wire, "/continuo/interpolate", 32, "clip", "A")
    assert "while keep rhythm holds it" in refused(
        wire, "/continuo/vary", 33, "clip", "A", "keep", "rhythm", "density", 1
    )


def test_cancel_within_200_milliseconds(client: Client) -> None:
    long = [tune(1, 64), tune(2, 64)]

    def cancel() -> float:
        number = client.start("interpolate", long, steps=32, **MODEL)
        time.sleep(0.05)
        start = time.monotonic()
        client.cancel(number)
        with pytest.raises(AssistantError) as caught:
            client.wait(number)
        assert caught.value.code == "cancelled"
        return time.monotonic() - start

    assert quickest(cancel, 0.2) < 0.2
    assert len(client.run("vary", [A], **MODEL).candidates) == 1  # the worker goes on with the next


def test_notes_over_the_end_and_muted_notes_come_back(client: Client) -> None:
    notes = (*A.notes[:-1], Note(7000, 60, 9000, 90), Note(100, 72, 50, 1, True))
    odd = Clip(notes, A.length)
    clips = [candidate.clip for candidate in client.run("interpolate", [odd, B], steps=3, **MODEL).candidates]
    assert (clips[0].notes, clips[2].notes) == (odd.notes, B.notes)
    assert client.run("vary", [odd], amount=0, **MODEL).candidates[0].clip == odd


def test_a_way_between_two_tempos_arrives_at_the_second(client: Client) -> None:
    fast = Clip(B.notes, B.length, 180.0)
    found = client.run("interpolate", [A, fast], steps=3, **MODEL).candidates  # type: ignore[arg-type]
    assert [candidate.clip.tempo for candidate in found] == [120.0, 150.0, 180.0]
