"""`continuo serve` with tiny refine networks: one datagram in, every note back under its own index."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import tiny_notes
from refine_clips import CHORDS, CLIPS
from wire import Wire, clip_parts, notes_of, shuffled

from continuo_daw.assistant.music.clip import TICKS, Note
from continuo_daw.osc_bridge.clients.child import Child, daemon

MODELS = {
    "refine_duration": "tiny-durations",
    "refine_velocity": "tiny-velocities",
    "refine": "tiny-durations+tiny-velocities",
}


@pytest.fixture(scope="module")
def child(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Child]:
    """A daemon on a free port; the user has a model of each family."""
    home = tmp_path_factory.mktemp("home")
    for family in ("durations", "velocities"):
        tiny_notes.bundle(home / "models", family)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CONTINUO_HOME", str(home))
        with daemon() as child:
            yield child


@pytest.fixture
def wire(child: Child, make_wire: Callable[[tuple[str, int]], Wire]) -> Wire:
    return make_wire((child.host, child.port))


def mixed(notes: tuple[Note, ...]) -> tuple[Note, ...]:
    """The notes in an order that no clip has."""
    return tuple(notes[index] for index in sorted(range(len(notes)), key=lambda k: (k * 7919) % len(notes)))


@pytest.mark.parametrize("task", MODELS)
@pytest.mark.parametrize("name", ["chords", "muted", "twins", "swapped", "one note", "4000 notes"])
def test_every_note_comes_back_under_its_index(wire: Wire, task: str, name: str) -> None:
    notes = mixed(CLIPS[name].notes)
    label = f"{task} {name}"
    wire.send_parts(shuffled(clip_parts(label, notes), seed=1))
    wire.send(f"/continuo/{task}", label, "clip", label, "seed", 1, "model", MODELS[task])
    messages = wire.answers()
    assert messages[0] == ["/continuo/accepted", label, task, MODELS[task]]
    assert messages[-1][:5] == ["/continuo/done", label, task, 1, MODELS[task]]
    answered = notes_of(messages)
    assert sorted(answered) == list(range(len(notes)))
    for index, note in enumerate(notes):
        pitch, start, duration, velocity, mute = answered[index]
        assert (pitch, mute) == (note.pitch, int(note.muted))
        if note.muted or task == "refine_velocity":
            assert (start, duration) == pytest.approx((note.start / TICKS, note.duration / TICKS), abs=1e-3)
        if note.muted or task == "refine_duration":
            assert velocity == note.velocity


def test_nothing_changes_with_the_amount_0(wire: Wire) -> None:
    notes = mixed(CHORDS.notes)
    wire.send_parts(clip_parts("still", notes))
    wire.send("/continuo/refine", "still", "clip", "still", "amount", 0.0, "model", MODELS["refine"])
    answered = notes_of(wire.answers())
    for index, note in enumerate(notes):
        given = note.pitch, note.start / TICKS, note.duration / TICKS, note.velocity, int(note.muted)
        assert answered[index] == pytest.approx(given, abs=1e-4)
