"""The Bitwig script, byte for byte as it ships, against a strict model of Bitwig's API and the real daemon.

It has not been run in Bitwig itself: `bitwig_model.js` says which documentation each behaviour comes from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import golden
import pytest
from bitwig_rig import FOLDER, Bitwig, datagram
from scale_daemon import scale_daemon

from continuo_daw.assistant.music.midi import read_midi

LABELS = {
    "generate": "Generate",
    "continue": "Continue",
    "interpolate": "Interpolate",
    "vary": "Vary",
    "walk": "Walk",
    "refine_duration": "Refine durations",
    "refine_velocity": "Refine velocities",
    "refine": "Refine both",
}

KEYS = {"name": "Keys", "channel": 1}  # the track of the model


@pytest.fixture
def bitwig(require_program: Callable[[str], str], tmp_path: Path) -> Iterator[Bitwig]:
    with scale_daemon(tmp_path / "home") as daemon:
        model = Bitwig(require_program("duk"), tmp_path, daemon)
        yield model
        model.close()


@pytest.fixture
def alone(require_program: Callable[[str], str], tmp_path: Path) -> Iterator[Bitwig]:
    """Without a daemon: the test speaks for it."""
    model = Bitwig(require_program("duk"), tmp_path, None)
    yield model
    model.close()


def answer_tasks(bitwig: Bitwig, task: str = "refine", least: int = 1, most: int = 1) -> None:
    bitwig.hear("/continuo/status.reply", "cpu", 0, 0, 0, 0, 1.0, "scale", "/spool")
    bitwig.hear("/continuo/task", task, "", "scale", least, most)
    bitwig.hear("/continuo/done", "", "tasks", 1)


def test_the_files_are_plain() -> None:
    for path in FOLDER.iterdir():
        assert path.read_bytes().isascii()
        assert path.read_bytes().count(b"\n") < 300


@pytest.mark.parametrize("action", golden.ACTIONS)
def test_every_button_sends_what_all_scripts_send(bitwig: Bitwig, action: str) -> None:
    _, options, clips = golden.ACTIONS[action]
    typed = " ".join(f"{key} {value}" for key, value in options.items() if key not in ("tempo", "meter"))
    bitwig.run(f"world.settings['{LABELS[action]} options'].set('{typed}'); see()")
    for index, name in enumerate(clips):
        bitwig.select(golden.CLIPS[name], at=6.0 * index)
        bitwig.push(LABELS[action])
        if index + 1 < len(clips):
            bitwig.until(f"clip {index + 1} kept")
            bitwig.events.clear()
    if not clips:
        bitwig.push(LABELS[action])
    bitwig.until(" changed" if action.startswith("refine") else "new clip")
    identity = str(bitwig.sent[-1][1][0])
    expected = golden.messages(action, identity, reply_file=identity, told=dict.fromkeys("AB", KEYS))
    assert bitwig.music() == expected
    assert identity.startswith("bitwig-")


def test_a_long_clip_goes_in_parts(bitwig: Bitwig) -> None:
    bitwig.select(golden.LONG)
    bitwig.push("Vary")
    bitwig.until("new clip")
    identity = str(bitwig.sent[-1][1][0])
    sent = golden.collected(bitwig.music())
    assert sent[:2] == golden.messages("vary", identity, clips=["LONG"], told={"A": KEYS})[:2]
    assert all(len(datagram(address, list(values))) <= golden.MOST_BYTES for address, values in bitwig.sent)


def test_new_clips_go_into_the_empty_slots_after_the_selected(bitwig: Bitwig) -> None:
    bitwig.select(golden.A)
    bitwig.run("selection.slot = 3; [1, 3].forEach(function (k) { selection.slots[k].content = true; }); see()")
    bitwig.run("world.settings['Continue options'].set('candidates 5 seed 3'); see()")
    bitwig.push("Continue")
    bitwig.until("4 of 5 clips")  # six scenes, four of them empty
    inserted = bitwig.told("insert")
    assert [slot for slot, _ in inserted] == [4, 5, 0, 2]  # type: ignore[misc]
    paths = [Path(str(path)) for _, path in inserted]  # type: ignore[misc]
    assert [read_midi(path).notes[0].pitch for path in paths] == [39, 40, 41, 42]
    assert bitwig.told("pinned") == [True, False]


def test_refinement_changes_the_notes_and_puts_them_back(bitwig: Bitwig) -> None:
    bitwig.select(golden.A)
    given = bitwig.notes()
    bitwig.push("Refine velocities")
    bitwig.until("11 notes changed")
    order = sorted(given, key=lambda note: (note["start"], note["key"]))
    expected = {(note["key"], note["start"]): (k + 1) / 127 for k, note in enumerate(order)}
    assert {(note["key"], note["start"]): note["velocity"] for note in bitwig.notes()} == pytest.approx(expected)
    assert {event[0] for event in bitwig.told("set")} == {"velocity"}  # type: ignore[index]
    assert bitwig.told("insert") == []
    bitwig.push("Put back")
    assert bitwig.notes() == given
    bitwig.push("Put back")
    assert "nothing to put back" in str(bitwig.told("popup")[-1])


def test_refinement_moves_and_stretches_neighbours(alone: Bitwig) -> None:
    notes = (60, 0.0, 0.9, 64, 0), (60, 1.0, 0.5, 64, 0), (60, 2.0, 0.5, 64, 0), (72, 3.0, 1.0, 9, 0)
    alone.select(golden.GoldenClip(notes), at=8.0)
    given = alone.notes()
    alone.push("Refine both")
    answer_tasks(alone)
    identity = alone.sent[-1][1][0]
    better = [60, 0.0, 0.99, 64, 0, 60, 2.0, 0.75, 64, 0, 60, 2.75, 0.5, 70, 0, 72, 3.0, 1.0, 9, 0]
    alone.hear("/continuo/notes", identity, 0, 2, 4, *better[10:])  # in any order
    alone.hear("/continuo/notes", identity, 0, 0, 4, *better[:10])
    alone.hear("/continuo/result", identity, 0, 4, 0.0, 4.0, "density", 1.0, "place", "in_place")
    alone.hear("/continuo/done", identity, "refine", 1, "scale", 3, 0.1)
    alone.run("advance(300); see()")
    found = [(n["key"], n["start"] - 8, n["duration"], round(n["velocity"] * 127)) for n in alone.notes()]
    assert found == [(60, 0.0, 0.99, 64), (60, 2.0, 0.75, 64), (60, 2.75, 0.5, 70), (72, 3.0, 1.0, 9)]
    assert [key for key, _ in alone.told("move")] == [60, 60]  # type: ignore[misc]
    alone.push("Put back")
    alone.run("advance(300); see()")
    assert alone.notes() == given


def test_a_clip_that_changed_meanwhile_is_left_alone(alone: Bitwig) -> None:
    alone.select(golden.A)
    alone.push("Refine both")
    answer_tasks(alone)
    identity = alone.sent[-1][1][0]
    values = [value for note in golden.A.notes for value in (*note[:3], 50, 0)]
    alone.hear("/continuo/notes", identity, 0, 0, 11, *values)
    alone.select(golden.B)
    alone.hear("/continuo/result", identity, 0, 4, 0.0, 4.0, "density", 1.0, "place", "in_place")
    alone.hear("/continuo/done", identity, "refine", 1, "scale", 3, 0.1)
    assert "nothing was written" in str(alone.told("popup")[-1])
    assert alone.told("set") == []


def test_notes_outside_the_visible_part_stay_at_home(alone: Bitwig) -> None:
    alone.select(golden.A)
    alone.run("selection.Launcher.loop = false; see()")
    alone.run("selection.Launcher.playStart = 1; selection.Launcher.playStop = 3; see()")
    alone.push("Refine both")
    answer_tasks(alone)
    inside = [note for note in golden.A.notes if 1 <= note[1] < 3]
    _, (_, _, total, *values) = next(message for message in alone.music() if message[0] == "/continuo/clip")
    assert total == len(inside)
    assert values[1::5] == pytest.approx([note[1] - 1 for note in inside], abs=1e-6)
    assert next(values for address, values in alone.sent if address == "/continuo/clip/info")[1] == 2


def test_the_upbeat_and_drums_go_along(alone: Bitwig) -> None:
    """The loop begins on beat 2 of a bar of 3/4."""
    alone.select(golden.A, at=4.0)
    alone.run("selection.Launcher.notes.forEach(function (note) { note.channel = 9; }); see()")
    alone.push("Refine both")
    answer_tasks(alone)
    info = next(values for address, values in alone.sent if address == "/continuo/clip/info")
    assert info[5:] == ("name", "Keys", "channel", 10, "drums", 1, "upbeat", 2)


def test_cancel_and_another_press(require_program: Callable[[str], str], tmp_path: Path) -> None:
    with scale_daemon(tmp_path / "home", seconds=20.0) as daemon:
        bitwig = Bitwig(require_program("duk"), tmp_path, daemon)
        bitwig.select(golden.A)
        bitwig.push("Continue")
        bitwig.until("Continue 0 %")
        bitwig.push("Vary")
        assert "still busy with Continue" in str(bitwig.told("popup")[-1])
        identity = bitwig.music()[-1][1][0]
        bitwig.push("Cancel")
        assert bitwig.sent[-1] == golden.messages("cancel", str(identity))[0]
        assert "Continue cancelled" in str(bitwig.told("popup")[-1])
        bitwig.push("Show what Continuo is doing")
        bitwig.until("on cpu")
        bitwig.push("Vary")
        bitwig.until("Vary 0 %")
        bitwig.close()


def test_the_daemon_is_missing(alone: Bitwig) -> None:
    alone.select(golden.A)
    alone.push("Continue")
    alone.run("advance(1900)")
    assert alone.told("popup") == []
    alone.run("advance(200)")
    assert "continuo serve" in str(alone.told("popup")[-1])
    assert alone.told("pinned") == [True, False]
    alone.push("Continue")  # and the next press asks again
    assert alone.sent[-1][0] == "/continuo/tasks"


def test_a_job_that_falls_silent_is_given_up(alone: Bitwig) -> None:
    alone.select(golden.A)
    alone.push("Refine both")
    answer_tasks(alone)
    alone.hear("/continuo/accepted", alone.sent[-1][1][0], "refine", "scale")
    alone.run("advance(69000)")
    assert alone.told("popup") == []
    alone.run("advance(2000)")
    assert "does not answer" in str(alone.told("popup")[-1])


@pytest.mark.parametrize(
    ("setup", "label", "words"),
    [
        ("selection.Launcher = null", "Continue", "nothing is selected in the Launcher"),
        ("selection.Launcher.notes = []", "Continue", "no notes in its visible part"),
        ("selection.notes = false", "Continue", "instrument track"),
        ("selection.Launcher.length = 300", "Vary", "shorten its loop"),
        ("world.settings['Vary options'].set('amount')", "Vary", "name value name value"),
        ("world.settings['Vary options'].set('amont 0.5')", "Vary", "did you mean amount?"),
        ("world.settings['Take notes from'].set('Arranger')", "Vary", "nothing is selected in the Arranger"),
        ("0", "Cancel", "nothing is running"),
    ],
)
def test_why_a_button_can_do_nothing(bitwig: Bitwig, setup: str, label: str, words: str) -> None:
    bitwig.select(golden.A)
    bitwig.run(f"{setup}; see()")
    bitwig.push(label)
    bitwig.until(words)
    assert bitwig.told("insert") == bitwig.told("set") == []


def test_no_port_is_free(alone: Bitwig) -> None:
    alone.run("port = FIRST_PORT + 10")
    alone.push("Generate")
    assert "no free UDP port" in str(alone.told("popup")[-1])


def test_answers_to_other_programs_mean_nothing_here(alone: Bitwig) -> None:
    alone.select(golden.A)
    alone.push("Refine both")
    answer_tasks(alone)
    alone.hear("/continuo/progress", 0, 0.5)
    alone.hear("/continuo/fail", "live-1732200000-1", "busy", "not yours")
    alone.hear("/continuo/done", 0, "continue", 1, "scale", 3, 0.1)
    assert alone.told("popup") == []
    alone.push("Cancel")
    alone.hear("/continuo/done", alone.sent[-1][1][0], "refine", 1, "scale", 3, 0.1)  # too late
    assert len(alone.told("popup")) == 1


def test_a_clip_of_the_arranger(bitwig: Bitwig) -> None:
    bitwig.select(golden.A, "Arranger")
    bitwig.run("world.settings['Take notes from'].set('Arranger'); see()")
    bitwig.push("Vary")
    bitwig.until("1 new clip")
    assert bitwig.music()[:2] == golden.messages("vary", str(bitwig.sent[-1][1][0]), told={"A": KEYS})[:2]


def test_options_and_state_are_shown(bitwig: Bitwig) -> None:
    bitwig.push("Show options")
    bitwig.until_told("line")
    assert any(str(line).startswith("Vary: keep  choice") for line in bitwig.told("line"))
    bitwig.run("advance(40000)")
    assert any(str(popup).startswith("Continuo: Continue: bars 1..64, ") for popup in bitwig.told("popup"))
    bitwig.push("Show what Continuo is doing")
    assert "Last problem here: none" in bitwig.until("on cpu, 0 running")


def test_leaving_takes_the_reply_port_back(alone: Bitwig) -> None:
    assert alone.sent == [("/continuo/reply_port", (alone.server.getsockname()[1],))]
    alone.run("exit()")
    assert alone.sent[-1] == ("/continuo/reply_port", (0,))
