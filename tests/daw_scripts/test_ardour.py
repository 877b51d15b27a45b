"""The scripts of Ardour, as `continuo install` puts them, in the real Ardour.

One Ardour with a screen goes through all that its user does, because it takes long to start and only one can run.
"""
# ruff: noqa: F401, F811 - fixtures come by import

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import golden
import mido
import pytest
from ardour_notes import PPQN, Note, Region, Seed, file_notes, read_state
from ardour_rig import HERE, Ardour, installed, make_session, prepared, programs, run_lua, running
from scale_daemon import end_daemon, free_port, scale_daemon

from continuo_daw.assistant.tasks import options_of
from continuo_daw.osc_bridge.install.scripts import built

TASKS = tuple(golden.ACTIONS)
TUNE = (
    Note(0, 1900, 60, 80, 0),
    Note(1920, 1900, 64, 70, 0),
    Note(3840, 1900, 67, 90, 0),
    Note(7680, 3801, 65, 80, 1),  # another channel, and a length that the wire does not hold to the tick
    Note(11520, 3800, 62, 66, 0),
)
BEFORE, BEHIND = Note(0, 5000, 60, 100, 0), Note(18 * PPQN, PPQN, 60, 100, 0)  # the first sounds into the tune
TRIMMED = (BEFORE, *(note._replace(start=note.start + 2 * PPQN) for note in TUNE), BEHIND)
SEEDS = (
    Seed("Keys", "A", 0, 2 * PPQN, 8 * PPQN, TRIMMED, controllers=((960, 64, 127), (5000, 64, 0))),
    Seed("Keys", "B", 8 * PPQN, 0, 8 * PPQN, tuple(note._replace(pitch=note.pitch - 5) for note in TUNE)),
)
OPTIONS = "continue bars 2 seed 7\ninterpolate seed 7 steps 3\n"


def test_what_is_sent_is_what_all_scripts_send(programs: None, tmp_path: Path) -> None:
    session, spool = tmp_path / "song", tmp_path / "home" / "spool"
    spool.mkdir(parents=True)
    (spool / "tasks.ask").write_text("/continuo/tasks\n")
    with scale_daemon(spool.parent) as port:
        environment = os.environ | {"CONTINUO_HOME": str(spool.parent)}
        command = [sys.executable, "-m", "continuo_daw.assistant", "ask", "tasks", "--port", str(port)]
        subprocess.run(command, env=environment, check=True)
    # the first region is cut at both ends: notes before and behind it are not of the clip
    before = Note(0, 3000, 30, 100, 0)
    behind = Note(20 * PPQN, PPQN, 31, 100, 0)
    first = Seed("A", "A", 3 * PPQN, 2 * PPQN, 6 * PPQN, (before, *_notes(golden.A, 2 * PPQN), behind))
    make_session(
        tmp_path, session, (first, Seed("B", "B", 9 * PPQN, 0, 6 * PPQN, _notes(golden.B))), golden.TEMPO, "3/4"
    )
    (session / "continuo.txt").write_text(
        "".join(_as_options(task, options) for task, (_, options, _) in golden.ACTIONS.items())
    )
    hook = tmp_path / "hook.lua"
    hook.write_bytes(built("ardour")["continuo_hook.lua"])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2**20)
        run_lua(tmp_path, HERE / "ardour_send.lua", session, "song", hook, spool, listener.getsockname()[1], *TASKS)
        listener.settimeout(5)
        for task in TASKS:
            expected = golden.messages(task, "ID", reply_file="ID", muted=False)
            sent = [listener.recv(65_535) for _ in expected]
            identity = _identity(sent[-1])
            told = {name: {"name": name, "channel": 1} for name in "AB"}
            assert sent == golden.datagrams(task, identity, reply_file=identity, muted=False, told=told), task


def test_a_session(programs: None, tmp_path: Path) -> None:
    home, session, spool, scripts, port = prepared(tmp_path, SEEDS, OPTIONS)
    try:
        with running(home, session, scripts, tmp_path / "talk") as ardour:
            ardour.wait(lambda: list(spool.glob("*.alive")))
            continues_with_a_daemon_that_starts_by_itself(ardour, spool)
            interpolates(ardour, spool)
            refines_both_with_the_shipped_models(ardour)
            end_daemon(port)
            finds_the_daemon_gone(ardour)
            end_daemon(port)
            with scale_daemon(spool.parent, port=port):
                refines_in_place(ardour)
                says_what_is_wrong(ardour, spool)
                takes_options(ardour, session)
                tells_what_it_does(ardour)
            with scale_daemon(spool.parent, seconds=30, port=port):
                cancels(ardour, spool)
            wanted = ardour.regions()
            saved = (session / "song.ardour").stat().st_mtime_ns
            ardour.send("/save_state")
            ardour.wait(lambda: (session / "song.ardour").stat().st_mtime_ns != saved)
            time.sleep(1)  # the MIDI files follow
    finally:
        end_daemon(port)
    assert read_state(run_lua(home, HERE / "ardour_read.lua", session, "song")) == wanted
    controllers = [
        (message.control, message.value)
        for message in mido.MidiFile(next(session.rglob("A.mid")))
        if message.type == "control_change" and message.control == 64
    ]
    assert controllers == [(64, 127), (64, 0)]


def continues_with_a_daemon_that_starts_by_itself(ardour: Ardour, spool: Path) -> None:
    before = ardour.regions()
    ardour.select("B.1")
    ardour.press("continue")
    ardour.wait(lambda: len(ardour.regions()) == 3)
    *others, new = ardour.regions()
    assert others == before
    assert (new.track, new.position, new.length) == ("Keys", 16 * PPQN, 8 * PPQN)
    assert new.name.startswith("continue ")
    file = next(spool.glob("*.0.mid"))
    assert new.notes and new.notes == file_notes(file)
    ardour.send("/undo")
    ardour.wait(lambda: ardour.regions() == before)
    ardour.send("/redo")
    ardour.wait(lambda: ardour.regions() == [*before, new])


def interpolates(ardour: Ardour, spool: Path) -> None:
    before = ardour.regions()
    known = set(spool.glob("*.mid"))
    ardour.select("A.1", "B.1")
    ardour.press("interpolate")
    ardour.wait(lambda: len(ardour.regions()) == len(before) + 3)
    new = [region for region in ardour.regions() if region.name.startswith("interpolate ")]
    assert [region.position for region in new] == [16 * PPQN, 24 * PPQN, 32 * PPQN]
    assert [region.notes for region in new] == [file_notes(path) for path in sorted(set(spool.glob("*.mid")) - known)]
    assert [note.pitch for note in new[0].notes] == [note.pitch for note in TUNE]
    ardour.send("/undo")
    ardour.wait(lambda: ardour.regions() == before)  # one step takes all three


def refines_both_with_the_shipped_models(ardour: Ardour) -> None:
    """The very notes of the visible part move and get louder or softer; whatever the models say, they stay in it."""
    before = ardour.regions()
    ardour.select("A.1")
    ardour.press("refine")
    ardour.wait(lambda: ardour.regions() != before)
    old, new = before[0], _of(ardour, "A.1")
    assert new._replace(notes=()) == old._replace(notes=()) and ardour.regions()[1:] == before[1:]
    assert (new.notes[0], new.notes[-1]) == (old.notes[0], old.notes[-1])
    assert sorted((n.pitch, n.channel) for n in new.notes) == sorted((n.pitch, n.channel) for n in old.notes)
    assert all(new.start <= note.start < new.start + new.length for note in new.notes[1:-1])
    assert {note.velocity for note in new.notes[1:-1]} != {note.velocity for note in old.notes[1:-1]}
    ardour.send("/undo")
    ardour.wait(lambda: ardour.regions() == before)


def finds_the_daemon_gone(ardour: Ardour) -> None:
    """It was there when the scripts asked for its tasks; the request starts another and is not lost."""
    before = ardour.regions()
    ardour.select("B.1")
    ardour.press("continue")
    ardour.wait(lambda: len(ardour.regions()) == len(before) + 1)
    assert {region.notes for region in ardour.regions()} == {region.notes for region in before}  # the same seed
    ardour.send("/undo")
    ardour.wait(lambda: ardour.regions() == before)


def refines_in_place(ardour: Ardour) -> None:
    before = ardour.regions()
    ardour.select("A.1")
    ardour.press("refine_velocity")
    ardour.wait(lambda: ardour.regions() != before)
    after = _of(ardour, "A.1")
    first, *tune, last = before[0].notes
    assert after.notes == (first, *(note._replace(velocity=1 + k) for k, note in enumerate(tune)), last)
    assert [region for region in ardour.regions() if region.name != "A.1"] == before[1:]
    ardour.send("/undo")
    ardour.wait(lambda: ardour.regions() == before)
    ardour.send("/redo")
    ardour.wait(lambda: _of(ardour, "A.1") == after)


def says_what_is_wrong(ardour: Ardour, spool: Path) -> None:
    before = ardour.regions()
    ardour.select("A.1")
    ardour.press("interpolate")
    ardour.wait(lambda: ardour.windows("Continuo"))
    text = next(spool.glob("ardour-*.error")).read_text()
    assert "2 MIDI clips, not 1" in text
    ardour.key("Return")
    ardour.wait(lambda: not ardour.windows("Continuo"))
    assert ardour.regions() == before


def takes_options(ardour: Ardour, session: Path) -> None:
    """The first task in the list, its first option."""
    ardour.press("options")
    ardour.wait(lambda: ardour.windows("Continuo: options of"))
    ardour.click_ok("Continuo: options of")
    pages = -(-(len(options_of("continue")) - 2) // 15)  # without those of the wire
    for page in range(1, pages + 1):
        title = f"Continuo: continue, {page} of {pages}"
        ardour.wait(lambda title=title: ardour.windows(title))
        if page == 1:
            ardour.key("ctrl+a", "5")
        ardour.click_ok(title)
    ardour.wait(lambda: not ardour.windows("Continuo"))
    assert (session / "continuo.txt").read_text() == OPTIONS.replace("bars 2", "bars 5")


def tells_what_it_does(ardour: Ardour) -> None:
    ardour.press("status")
    ardour.wait(lambda: ardour.windows("Continuo"))
    ardour.key("Return")
    ardour.wait(lambda: not ardour.windows("Continuo"))


def cancels(ardour: Ardour, spool: Path) -> None:
    before = ardour.regions()
    ardour.select("A.1")
    known = set(spool.glob("*.reply"))
    ardour.press("vary")
    ardour.wait(lambda: list(spool.glob("*.progress")))
    ardour.press("status")  # shows the progress, with a button to cancel
    ardour.wait(lambda: ardour.windows("Continuo"))
    assert not set(spool.glob("*.reply")) - known
    ardour.press("cancel")
    ardour.wait(lambda: set(spool.glob("*.reply")) - known)
    (reply,) = set(spool.glob("*.reply")) - known
    assert " cancelled " in reply.read_text().splitlines()[-1]
    ardour.wait(lambda: not ardour.windows("Continuo"))
    assert ardour.regions() == before


def _notes(clip: golden.GoldenClip, first: int = 0) -> tuple[Note, ...]:
    """Notes of a golden clip in the time of a source in which the clip starts at tick `first`."""
    return tuple(
        Note(first + round(start * PPQN), round(duration * PPQN), pitch, velocity, 0)
        for pitch, start, duration, velocity, _ in clip.notes
    )


def _as_options(task: str, options: object) -> str:
    pairs = " ".join(f"{key} {value}" for key, value in dict(options).items() if key not in ("tempo", "meter"))  # type: ignore[call-overload]
    return f"{task} {pairs}\n"


def _identity(datagram: bytes) -> str:
    """The first argument of a message, which is text."""
    behind = datagram[datagram.index(b",s") :]
    arguments = behind[(behind.index(b"\0") // 4 + 1) * 4 :]
    return arguments[: arguments.index(b"\0")].decode()


def _of(ardour: Ardour, name: str) -> Region:
    return next(region for region in ardour.regions() if region.name == name)
