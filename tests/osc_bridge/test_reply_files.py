"""Reply files: the answers as text and MIDI, whole or not there."""

from __future__ import annotations

import json
import os
import shlex
import time
from collections.abc import Callable
from pathlib import Path

import mido
import pytest
from scale_engine import ScaleEngine, scale
from wire import Wire

from continuo_daw.assistant.errors import AssistantError
from continuo_daw.assistant.music.midi import read_midi
from continuo_daw.osc_bridge.daemon.link import Target
from continuo_daw.osc_bridge.daemon.spool import ReplyFile, as_text, sweep


def test_the_file_says_what_the_messages_say(wire: Wire, spool: Path) -> None:
    wire.send("/continuo/generate", "my job", "seed", 3, "candidates", 2, "reply_file", "out-1_A")
    messages = wire.answers()
    lines = (spool / "out-1_A.reply").read_text().splitlines()
    assert [
        [type(v)(t) for v, t in zip(m, shlex.split(line), strict=True)] for m, line in zip(messages, lines, strict=True)
    ] == messages
    assert lines[0] == '/continuo/accepted "my job" generate scale'
    assert sorted(path.name for path in spool.iterdir()) == ["out-1_A.0.mid", "out-1_A.1.mid", "out-1_A.reply"]
    for index in (0, 1):
        assert read_midi(spool / f"out-1_A.{index}.mid").notes == scale(3, index, 8)


def test_the_music_is_that_of_the_track(wire: Wire, spool: Path) -> None:
    """Its name, channel and program, its tempo and meter, and the changes of them."""
    wire.send("/continuo/clip", "a", 0, 1, 60, 0.0, 1.0, 96, 0)
    wire.send("/continuo/clip/info", "a", 7.0, 90, 3, 4, "name", "Bass", "channel", 4, "program", 34, "upbeat", 1.0)
    wire.send("/continuo/clip/meter", "a", 4.0, 6, 8)
    wire.send("/continuo/clip/tempo", "a", 2.0, 80.0)
    for task in ("continue", "vary"):
        wire.send(f"/continuo/{task}", task, "clip", "a", "reply_file", task)
        wire.answers()
    behind, again = (mido.MidiFile(spool / f"{task}.0.mid").tracks[0] for task in ("continue", "vary"))
    for track in (behind, again):
        assert track.name == "Bass"
        assert {message.channel for message in track if not message.is_meta} == {3}
        assert [message.program for message in track if message.type == "program_change"] == [33]
    assert times_of(behind) == [(0, "set_tempo", 750_000), (0, "time_signature", (6, 8))]
    assert times_of(again)[-1] == (1920, "set_tempo", 750_000)


def times_of(track: mido.MidiTrack) -> list[tuple[int, str, object]]:
    """Tempos in microseconds and meters, by their ticks."""
    tick, found = 0, []
    for message in track:
        tick += message.time
        if message.type == "set_tempo":
            found.append((tick, message.type, message.tempo))
        elif message.type == "time_signature":
            found.append((tick, message.type, (message.numerator, message.denominator)))
    return found


def test_a_refused_request_writes_its_file_too(wire: Wire, spool: Path) -> None:
    wire.send("/continuo/continue", 7, "bars", "many", "reply_file", "out")
    _, code, text = wire.fail()
    assert (spool / "out.reply").read_text() == f"/continuo/fail 7 {code} {json.dumps(text)}\n"


def test_a_refused_request_leaves_the_music_of_an_earlier_one(wire: Wire, spool: Path) -> None:
    wire.send("/continuo/generate", 7, "seed", 1, "reply_file", "out")
    wire.answers()
    music = (spool / "out.0.mid").read_bytes()
    wire.send("/continuo/continue", 8, "bars", "many", "reply_file", "out")
    wire.fail()
    assert (spool / "out.0.mid").read_bytes() == music


def test_a_name_that_is_not_taken_is_answered_at_the_reply_port(
    wire: Wire, make_wire: Callable[[Target], Wire]
) -> None:
    listener = make_wire(wire.target)
    wire.send("/continuo/generate", 7, "reply_file", "a/b", "reply_port", listener.port)
    assert listener.fail()[:2] == (7, "bad_args")


def test_a_name_that_an_unfinished_request_uses_is_refused(wire: Wire, spool: Path, engine: ScaleEngine) -> None:
    engine.seconds = 60
    wire.send("/continuo/generate", 7, "seed", 1, "reply_file", "out")
    wire.until("/continuo/notes")
    wire.send("/continuo/generate", 8, "seed", 2, "reply_file", "OUT")
    assert wire.answers()[-1][:3] == ["/continuo/fail", 8, "busy"]
    assert not list(spool.glob("*.reply"))
    engine.seconds = 0
    wire.answers()
    assert (spool / "out.reply").read_text().splitlines()[-1].startswith("/continuo/done 7 ")
    wire.send("/continuo/generate", 8, "seed", 2, "reply_file", "OUT")
    assert wire.answers()[-1][:2] == ["/continuo/done", 8]


def test_a_progress_file_that_a_host_holds_open_stops_nothing(
    wire: Wire, spool: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unlink = Path.unlink

    def held(path: Path, missing_ok: bool = False) -> None:
        if path.name == "out.progress":
            raise PermissionError(13, "used by another process")
        unlink(path, missing_ok)

    monkeypatch.setattr(Path, "unlink", held)
    wire.send("/continuo/generate", 7, "seed", 1, "reply_file", "out")
    assert wire.answers()[-1][:2] == ["/continuo/done", 7]
    assert (spool / "out.progress").exists()
    wire.send("/continuo/generate", 8, "seed", 1)
    assert wire.answers()[-1][:2] == ["/continuo/done", 8]


def test_the_end_is_said_whatever_becomes_of_the_files(
    wire: Wire, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(ReplyFile, "finish", lambda *_: 1 / 0)
    wire.send("/continuo/generate", 7, "seed", 1, "reply_file", "out")
    assert wire.answers()[-1][:2] == ["/continuo/done", 7]
    assert "ZeroDivisionError" in caplog.text
    wire.send("/continuo/status")
    assert wire.receive()[2:6] == [0, 0, 1, 0]  # running, queued, done, failed


def test_a_cancelled_request_writes_its_file_too(wire: Wire, spool: Path, engine: ScaleEngine) -> None:
    engine.seconds = 60
    wire.send("/continuo/generate", 7, "seed", 1, "reply_file", "out")
    wire.until("/continuo/progress")
    assert (spool / "out.progress").read_text().startswith("/continuo/progress 7 0.")
    wire.send("/continuo/cancel", 7)
    wire.answers()
    assert (spool / "out.reply").read_text().splitlines()[-1].startswith("/continuo/fail 7 cancelled ")
    assert not (spool / "out.progress").exists()


def test_a_new_request_removes_the_files_of_the_one_before(spool: Path) -> None:
    ReplyFile(spool, "out").finish(["/continuo/done"])
    (spool / "out.3.mid").write_bytes(b"")
    (spool / "other.reply").write_bytes(b"")
    (spool / "out.txt").write_bytes(b"")
    ReplyFile(spool, "out").clear()
    assert sorted(path.name for path in spool.iterdir()) == ["other.reply", "out.txt"]


def test_a_link_in_the_way_is_replaced_and_not_followed(spool: Path, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("mine")
    file = ReplyFile(spool, "out")
    file.clear()
    for name in ("out.reply", "out.reply.tmp"):
        try:
            (spool / name).symlink_to(victim)
        except OSError:
            pytest.skip("links need a privilege here")
    file.finish(["/continuo/done"])
    assert victim.read_text() == "mine"
    assert (spool / "out.reply").read_text() == "/continuo/done\n"


@pytest.mark.parametrize("name", ["", "../x", "a/b", "a b", "a.b", "é", "a" * 65, "CON", "lpt1", "a\n"])
def test_names_that_are_not_taken(spool: Path, name: str) -> None:
    with pytest.raises(AssistantError, match="reply_file") as caught:
        ReplyFile(spool, name)
    assert caught.value.code == "bad_args"
    assert not spool.exists()


def test_a_folder_that_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(AssistantError, match="cannot be used") as caught:
        ReplyFile(tmp_path / "file", "out").clear()
    assert caught.value.code == "internal"


def test_the_files_of_yesterday_are_removed(spool: Path) -> None:
    spool.mkdir()
    yesterday = time.time() - 90_000
    for name in ("old.reply", "old.12.mid", "old.progress", "old.reply.tmp", "old.txt", "new.reply"):
        (spool / name).write_text("")
        if name.startswith("old"):
            os.utime(spool / name, (yesterday, yesterday))
    sweep(spool)
    assert sorted(path.name for path in spool.iterdir()) == ["new.reply", "old.txt"]


def test_values_as_text() -> None:
    values = (7, -1, True, 1.0, 1 / 3, "word", "two words", "", "7", 'a "b"', "new\nline", "x:y/z-1", "/path/x")
    shown = r'/a 7 -1 1 1.0 0.333333 word "two words" "" "7" "a \"b\"" "new\nline" x:y/z-1 /path/x'
    assert as_text("/a", values) == shown
