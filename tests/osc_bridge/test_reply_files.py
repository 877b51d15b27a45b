"""Reply files: the answers as text and MIDI, whole or not there."""

from __future__ import annotations

import json
import os
import shlex
import time
from pathlib import Path

import pytest
from scale_engine import ScaleEngine, scale
from wire import Wire

from assistant.clip import clip_of
from assistant.midi import read_midi
from assistant.request import AssistantError
from osc_bridge.spool import ReplyFile, as_text, sweep


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
        assert read_midi(spool / f"out-1_A.{index}.mid") == clip_of(scale(3, index, 8))


def test_a_refused_request_writes_its_file_too(wire: Wire, spool: Path) -> None:
    wire.send("/continuo/continue", 7, "bars", "many", "reply_file", "out")
    _, code, text = wire.fail()
    assert (spool / "out.reply").read_text() == f"/continuo/fail 7 {code} {json.dumps(text)}\n"


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
    ReplyFile(spool, "out")
    assert sorted(path.name for path in spool.iterdir()) == ["other.reply", "out.txt"]


def test_a_link_in_the_way_is_replaced_and_not_followed(spool: Path, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("mine")
    file = ReplyFile(spool, "out")
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
        ReplyFile(tmp_path / "file", "out")
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
