"""The score around a region, in the real Ardour: a start inside a bar, changes of meter, drums, a channel."""
# ruff: noqa: F401, F811 - fixtures come by import

from __future__ import annotations

import socket
import subprocess
import sys
import time
from os import environ
from pathlib import Path

import mido
import pytest
from ardour_notes import PPQN, Note, Region, Seed
from ardour_rig import HERE, Ardour, installed, make_session, prepared, programs, run_lua, running
from pythonosc.osc_message import OscMessage
from scale_daemon import free_port, scale_daemon

from continuo_daw.osc_bridge.install.scripts import built

BASS, KIT = 3, 9  # channels counted from 0
TUNE = tuple(Note(k * PPQN, PPQN, 48 + k, 60 + k, BASS) for k in range(8))
DRUMS = tuple(Note(k * PPQN, PPQN // 4, (36, 38)[k % 2], 60 + k, KIT) for k in range(8))
CONTROLLERS, BENDS = ((960, 64, 127), (5000, 64, 0)), ((1000, 2000), (3000, 0))
SEEDS = (
    Seed("Bass", "bass", 2 * PPQN, 0, 8 * PPQN, TUNE, controllers=CONTROLLERS, bends=BENDS),  # begins on beat 3
    Seed("Kit", "kit", 0, 0, 8 * PPQN, DRUMS),
)
OPTIONS = "continue seed 7\nvary seed 7 from 2 to 4\n"


@pytest.mark.parametrize(
    ("start", "info", "changes"),
    [
        (2, (96.0, 4, 4, "upbeat", 2.0), []),
        (4, (96.0, 4, 4), [("meter", (8.0, 3, 4)), ("tempo", (8.0, 90.0)), ("tempo", (11.0, 60.0))]),
        (12, (90.0, 3, 4), [("meter", (6.0, 6, 8)), ("tempo", (3.0, 60.0)), ("tempo", (6.0, 80.0))]),
        (14, (90.0, 3, 4, "upbeat", 1.0), [("meter", (4.0, 6, 8)), ("tempo", (1.0, 60.0)), ("tempo", (4.0, 80.0))]),
    ],
)
def test_the_time_of_a_region_goes_along(
    programs: None, tmp_path: Path, start: int, info: tuple[object, ...], changes: list[object]
) -> None:
    """On beat 3; over a change of meter; from a change on; inside a bar and over the next change."""
    session, spool = tmp_path / "song", tmp_path / "home" / "spool"
    spool.mkdir(parents=True)
    (spool / "tasks.ask").write_text("/continuo/tasks\n")
    with scale_daemon(spool.parent) as port:
        command = [sys.executable, "-m", "continuo_daw.assistant", "ask", "tasks", "--port", str(port)]
        subprocess.run(command, env=environ | {"CONTINUO_HOME": str(spool.parent)}, check=True)
    seed = Seed("A", "A", start * PPQN, 0, 8 * PPQN, TUNE)
    length = 8 if start != 4 else 12
    times = "12 90 3 4;15 60 3 4;18 80 6 8;"
    make_session(tmp_path, session, (seed._replace(length=length * PPQN),), changes=times)
    hook = tmp_path / "hook.lua"
    hook.write_bytes(built("ardour")["continuo_hook.lua"])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("127.0.0.1", 0))
        run_lua(tmp_path, HERE / "ardour_send.lua", session, "song", hook, spool, listener.getsockname()[1], "continue")
        listener.settimeout(5)
        sent = [OscMessage(listener.recv(65_535)) for _ in range(3 + len(changes))]
    tempo, numerator, denominator, *upbeat = info
    assert sent[1].params[1:] == [float(length), tempo, numerator, denominator, "name", "A", "channel", 4, *upbeat]
    found = [(message.address.rpartition("/")[2], tuple(message.params[1:])) for message in sent[2:-1]]
    assert found == changes


def test_drums_and_a_channel(programs: None, tmp_path: Path) -> None:
    home, session, spool, scripts, port = prepared(tmp_path, SEEDS, OPTIONS)
    with (
        scale_daemon(spool.parent, port=port),
        running(home, session, scripts, tmp_path / "talk") as ardour,
    ):
        ardour.wait(lambda: list(spool.glob("*.alive")))
        says_that_drums_have_no_model(ardour, spool)
        refines_drums(ardour)
        continues_on_the_channel_of_the_region(ardour)
        replaces_a_stretch(ardour)
        saved = (session / "song.ardour").stat().st_mtime_ns
        ardour.send("/save_state")
        ardour.wait(lambda: (session / "song.ardour").stat().st_mtime_ns != saved)
        time.sleep(1)  # the MIDI files follow
    others = [m for m in mido.MidiFile(next(session.rglob("bass.mid"))) if m.type in ("control_change", "pitchwheel")]
    assert [(m.control, m.value) for m in others if m.type == "control_change" and m.control == 64] == [
        (64, 127),
        (64, 0),
    ]
    assert [m.pitch for m in others if m.type == "pitchwheel"] == [2000, 0]
    assert {m.channel for m in others if m.type == "pitchwheel"} == {BASS}


def says_that_drums_have_no_model(ardour: Ardour, spool: Path) -> None:
    before = ardour.regions()
    ardour.select("kit.1")
    ardour.press("continue")
    ardour.wait(lambda: ardour.windows("Continuo"))
    assert "the clip is drums" in next(spool.glob("ardour-*.error")).read_text()
    ardour.key("Return")
    ardour.wait(lambda: not ardour.windows("Continuo"))
    assert ardour.regions() == before


def refines_drums(ardour: Ardour) -> None:
    before = ardour.regions()
    ardour.select("kit.1")
    ardour.press("refine_velocity")
    ardour.wait(lambda: ardour.regions() != before)
    assert _of(ardour, "kit.1").notes == tuple(note._replace(velocity=1 + k) for k, note in enumerate(DRUMS))


def continues_on_the_channel_of_the_region(ardour: Ardour) -> None:
    """A region that begins and ends on beat 3: the new one stands right behind it."""
    before = ardour.regions()
    ardour.select("bass.1")
    ardour.press("continue")
    ardour.wait(lambda: len(ardour.regions()) == len(before) + 1)
    (new,) = [region for region in ardour.regions() if region not in before]
    assert (new.track, new.position, new.length) == ("Bass", 10 * PPQN, 4 * PPQN)
    assert {note.channel for note in new.notes} == {BASS}


def replaces_a_stretch(ardour: Ardour) -> None:
    """Of four beats in the middle of the region, and of nothing else."""
    before = ardour.regions()
    ardour.select("bass.1")
    ardour.press("vary")
    ardour.wait(lambda: ardour.regions() != before)
    after = _of(ardour, "bass.1")
    assert [note for note in after.notes if note in TUNE] == [note for k, note in enumerate(TUNE) if k not in (2, 3)]
    new = [note for note in after.notes if note not in TUNE]
    assert [(note.start, note.channel) for note in new] == [(2 * PPQN + k * PPQN // 4, BASS) for k in range(8)]
    ardour.send("/undo")
    ardour.wait(lambda: ardour.regions() == before)
    ardour.send("/redo")
    ardour.wait(lambda: _of(ardour, "bass.1") == after)


def _of(ardour: Ardour, name: str) -> Region:
    return next(region for region in ardour.regions() if region.name == name)
