"""The Remote Script for Ableton Live and the score around a clip: its track and bars, and where an answer goes."""
# ruff: noqa: F401, F811 - fixtures come by import

from __future__ import annotations

from types import SimpleNamespace

import pytest
from live_rig import TUNE, Open, engine, home, open_desk, rows


def test_drums_and_the_upbeat_go_along_and_drums_are_refined(open_desk: Open) -> None:
    desk = open_desk()
    desk.live.tracks[0].name = "Kit"
    desk.live.tracks[0].devices.append(SimpleNamespace(set=desk.live, alive=True, can_have_drum_pads=True))
    desk.live.show(desk.live.make(TUNE, 4.0, start=6.0, meter=(6, 8)))
    desk.play("refine_velocity")
    (info,) = [m.arguments for m in desk.relay.messages() if m.address == "/continuo/clip/info"]
    assert info[3:] == (6, 8, "name", "Kit", "drums", 1)
    desk.relay.sent.clear()
    desk.live.show(desk.live.make(TUNE, 4.0, row=1, start=7.0, meter=(6, 8)))
    assert "the clip is drums" in desk.play("continue", "drums")
    (info,) = [m.arguments for m in desk.relay.messages() if m.address == "/continuo/clip/info"]
    assert info[5:] == ("name", "Kit", "drums", 1, "upbeat", 2.0)
    assert len([clip for clip in desk.live.in_slots() if clip]) == 2


def test_what_replaces_a_stretch_takes_the_place_of_its_notes(open_desk: Open) -> None:
    """Of beats 1 to 3 of a clip whose visible part begins at beat 8."""
    desk = open_desk()
    outside = [(40, -1.0, 0.5, 20.0, 0), (41, 4.0, 0.5, 21.0, 0)]
    clip = desk.live.make([*TUNE, *outside], 4.0, start=8.0)
    before, fine = desk.live.snapshot(), {note["pitch"]: dict(note) for note in clip.notes.values()}
    desk.live.show(clip)
    desk.set_options("vary", {"from": 1, "to": 3})
    assert desk.play("vary") == "Continuo: Vary: 8 notes changed"
    now = rows(clip)
    assert [note[1] for note in now if 9.0 <= note[1] < 11.0] == [9.0 + k / 4 for k in range(8)]
    kept = {note["pitch"]: note for note in clip.notes.values() if not 9.0 <= note["start_time"] < 11.0}
    assert kept == {pitch: fine[pitch] for pitch in (40, 41, 60, 72)}
    assert len(desk.live.undo_steps) == 1
    desk.live.undo()
    assert desk.live.snapshot() == before


def test_a_clip_that_changed_is_not_written_over(open_desk: Open, engine: SimpleNamespace) -> None:
    desk = open_desk()
    clip = desk.live.make(TUNE, 4.0)
    desk.live.show(clip)
    desk.set_options("vary", {"from": 1, "to": 3})
    engine.seconds = 60.0
    desk.play("vary", "Vary ...")
    while not engine.requests:
        desk.tick()
    clip.notes[min(clip.notes)]["velocity"] = 33.0
    before = desk.live.snapshot()
    engine.seconds = 0.0
    assert "nothing was written" in desk.until("written")
    assert desk.live.snapshot() == before


@pytest.mark.parametrize("options", [{"from": 1, "to": 3, "candidates": 2}, {"to": 3, "bars": 2}])
def test_several_answers_and_those_that_reach_behind_the_clip_are_new_clips(
    open_desk: Open, options: dict[str, object]
) -> None:
    desk = open_desk()
    clip = desk.live.make(TUNE, 4.0)
    desk.live.show(clip)
    before = dict(clip.notes)
    task = "vary" if "from" in options else "continue"
    desk.set_options(task, options)
    desk.play(task)
    assert clip.notes == before
    assert len([slot for slot in desk.live.in_slots() if slot]) == 1 + int(str(options.get("candidates", 1)))
