"""The Remote Script for Ableton Live: what is lost, cancelled, refused or chosen as options; the home of its daemon."""
# ruff: noqa: F401, F811 - fixtures come by import

from __future__ import annotations

import sys
import time
from pathlib import Path
from types import SimpleNamespace

import golden
import pytest
from live_rig import NOTES, TUNE, Open, engine, home, open_desk, played, rows, unreliable

from continuo_daw.assistant.errors import AssistantError

# the wire


@pytest.mark.parametrize("seed", range(4))
def test_lost_repeated_and_shuffled_datagrams(open_desk: Open, engine: SimpleNamespace, seed: int) -> None:
    engine.length = 700
    desk = open_desk()
    clip = golden.CLIPS["LONG"]
    desk.live.show(desk.live.make(clip.notes, clip.length))
    desk.set_options("continue", {"candidates": 2})
    desk.hurry()
    desk.relay.ask = unreliable(seed, 0.3)
    desk.relay.answer = unreliable(seed + 100, 0.3)
    desk.play("continue")
    new = desk.live.in_slots()[1:3]
    assert [len(clip.notes) for clip in new] == [700, 700]
    assert [note[1] for note in rows(new[0])] == [k / 4 for k in range(700)]
    assert len(engine.requests) == 1 and len(engine.requests[0].clips[0].notes) == 600


def test_damaged_and_foreign_answers_are_passed_over(open_desk: Open) -> None:
    desk = open_desk()
    desk.live.show(desk.live.make(TUNE, 4.0))
    noise = [b"", b"abcd", b"/continuo/done\0\0,i\0\0", b"/continuo/notes\0,N\0\0", b"/live/x\0,\0\0\0", b"\xff" * 8]
    desk.relay.answer = lambda datagrams: [one for datagram in datagrams for one in (*noise, datagram)]
    desk.play("continue")
    assert rows(desk.live.in_slots()[1]) == played()


def test_progress_is_shown(open_desk: Open, engine: SimpleNamespace) -> None:
    desk = open_desk()
    engine.length, engine.seconds = 40, 0.5
    desk.live.show(desk.live.make(TUNE, 4.0))
    desk.play("vary")
    percents = [int(text.split()[2]) for text in desk.hand.messages if text.endswith(" %")]
    assert percents == sorted(set(percents)) and len(percents) > 1


def test_cancel_ends_the_work_and_changes_nothing(open_desk: Open, engine: SimpleNamespace) -> None:
    desk = open_desk()
    desk.live.show(desk.live.make(TUNE, 4.0))
    before = desk.live.snapshot()
    assert "nothing to cancel" in desk.play("cancel", "cancel")
    engine.seconds = 60.0
    desk.play("continue", " %")
    assert "is being made; Cancel ends it" in desk.play("vary", "Cancel")
    desk.play("cancel", "Continue: cancelled")
    end = time.monotonic() + 20
    while not engine.stopped and time.monotonic() < end:
        desk.tick()
    assert engine.stopped == 1 and desk.live.snapshot() == before and not desk.live.undo_steps
    engine.seconds = 0.0
    desk.play("continue")


# what goes wrong


def test_it_says_which_clip_it_needs(open_desk: Open) -> None:
    desk = open_desk()
    desk.live.show(None)
    assert desk.play("vary", "select") == "Continuo: select a MIDI clip first"
    desk.live.show(desk.live.make([], 4.0, track=2, midi=False), track=2)
    assert "this one is audio" in desk.play("refine", "select")


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ("bars = many", "bars many is not a whole number from 1 to 64"),
        ("bar = 3", "did you mean bars"),
        ("model = none", "no model none"),
    ],
)
def test_the_daemons_own_words_are_shown(open_desk: Open, home: Path, option: str, words: str) -> None:
    desk = open_desk()
    desk.live.show(desk.live.make(TUNE, 4.0))
    (home / "options.txt").write_text(f"[continue]\n{option}\n")
    assert words in desk.play("continue", words)
    assert words in desk.play("show", "Last error")
    (home / "options.txt").write_text("")
    desk.play("continue")


def test_a_fault_of_the_daemon_is_shown(open_desk: Open, engine: SimpleNamespace) -> None:
    desk = open_desk()
    desk.live.show(desk.live.make(TUNE, 4.0))
    engine.fault = AssistantError("bad_args", "the clip has no notes")
    assert desk.play("continue", "notes") == "Continuo: Continue: the clip has no notes"
    assert not desk.live.undo_steps


def test_what_live_refuses_is_said_and_leaves_no_step_open(open_desk: Open) -> None:
    desk = open_desk(scenes=2)
    desk.live.most_scenes = 2
    desk.live.show(desk.live.make(TUNE, 4.0))
    desk.set_options("vary", {"candidates": 2})
    assert "Maximum number of scenes" in desk.play("vary", "did not work")
    assert desk.live.open_step is None and desk.hand.log
    desk.live.undo()
    assert desk.live.in_slots()[1] is None


def test_show_says_what_the_daemon_does(open_desk: Open) -> None:
    desk = open_desk()
    assert desk.play("show", "runs") == "Continuo runs on cpu: 0 running, 0 waiting, 0 done, 0 failed. "


# options


def test_the_options_file_has_every_option_and_the_set_remembers(open_desk: Open, home: Path) -> None:
    desk = open_desk()
    desk.live.show(desk.live.make(TUNE, 4.0))
    desk.set_options("continue", {"bars": 2, "temperature": 1})
    text = (home / "options.txt").read_text()
    assert "# how many bars to make (int: 1 to 64)" in text and "(choice: nothing, rhythm, pitches)" in text
    assert "\n#top_p = 0.95\n" in text and "reply_port" not in text
    desk.play("continue")
    assert desk.relay.request()[1:5] == ("bars", 2, "temperature", 1.0)

    (home / "options.txt").unlink()
    desk.switch_on()  # the set is opened again, elsewhere
    desk.play("continue")
    assert desk.relay.request()[1:5] == ("bars", 2, "temperature", 1.0)
    desk.play("options", "save it")
    assert "\nbars = 2\n" in (home / "options.txt").read_text()

    other = open_desk()  # another set, while the file of the first still lies there
    other.live.show(other.live.make(TUNE, 4.0))
    other.play("continue")
    assert other.relay.request()[1] == "clip"


def test_other_midi_starts_nothing(open_desk: Open) -> None:
    desk = open_desk()
    for message in ((0x90, NOTES["walk"], 100), (0x9F, NOTES["walk"], 0), (0x9F, 35, 100), (0xBF, 36, 100), (0xF0, 1)):
        desk.script.receive_midi_chunk((message,))
    desk.tick()
    assert desk.hand.messages == [] and desk.relay.sent == []
    assert desk.forwarded == {(15, note) for note in NOTES.values()}
    desk.script.receive_midi_chunk(((0x9F, NOTES["generate"], 1),))
    desk.until("slot")


@pytest.mark.skipif(sys.platform != "linux", reason="the folders of Linux")
def test_a_daemon_gets_the_home_where_continuo_was_installed(
    open_desk: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_desk()
    monkeypatch.delenv("CONTINUO_HOME")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    told = tmp_path / "told"
    program = tmp_path / "program"
    program.write_text(f'#!/bin/sh\nprintf %s "$CONTINUO_HOME" > {told}\n')
    program.chmod(0o755)
    (tmp_path / "continuo").mkdir()
    (tmp_path / "continuo" / "daw.txt").write_text(f"command={program}\nspool=/elsewhere/spool\nport=9\n")
    daemon = sys.modules["Continuo.daemon"].Daemon()
    daemon.open()
    daemon.start()
    daemon._process.wait(20)
    daemon.close()
    assert told.read_text() == "/elsewhere"
