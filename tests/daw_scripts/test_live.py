"""The Remote Script for Ableton Live, from the button to the notes: the shipped files in a model of Live."""
# ruff: noqa: F401, F811 - fixtures come by import

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import golden
import pytest
from live_rig import TUNE, Open, engine, home, open_desk, played, rows
from scale_engine import ScaleEngine

from continuo_daw.assistant.music.clip import Clip
from continuo_daw.assistant.request import Candidate, Placement, Request, Result
from continuo_daw.osc_bridge.wire.decode import decode

# what goes out


@pytest.mark.parametrize("action", golden.ACTIONS)
def test_datagrams_are_the_golden_ones(action: str, open_desk: Open) -> None:
    task, options, names = golden.ACTIONS[action]
    desk = open_desk()
    desk.live.song_state.tempo = golden.TEMPO
    desk.live.song_state.numerator, desk.live.song_state.denominator = golden.METER
    for row, name in enumerate(names):
        clip = golden.CLIPS[name]
        around = [(50, -0.5, 9.0, 77, 0), (50, clip.length, 1.0, 77, 0)]  # before and behind the visible part
        notes = [*around, *reversed(clip.notes)]
        desk.live.show(desk.live.make(notes, clip.length, row=row, start=4.0, meter=golden.METER))
        desk.tick()
    given = {key: value for key, value in options.items() if key not in ("tempo", "meter")}  # the set's own
    desk.set_options(task, given)
    desk.relay.sent.clear()
    desk.play(action)
    identity = str(desk.relay.request()[0])
    told = {"A": {"name": "1-MIDI", "upbeat": 2.0}, "B": {"name": "1-MIDI", "upbeat": 2.0}}  # each begins on beat 4
    assert desk.relay.sent == golden.datagrams(action, identity, told=told)


def test_a_long_clip_goes_in_parts(open_desk: Open) -> None:
    desk = open_desk()
    desk.live.song_state.tempo = golden.TEMPO
    clip = golden.CLIPS["LONG"]
    desk.live.show(desk.live.make(clip.notes, clip.length, meter=golden.METER))
    desk.set_options("vary", {"amount": 0.25, "keep": "rhythm", "seed": 11})
    desk.relay.sent.clear()
    desk.play("vary")
    assert max(map(len, desk.relay.sent)) <= golden.MOST_BYTES
    identity = str(desk.relay.request()[0])
    found = golden.collected((message.address, message.arguments) for message in desk.relay.messages())
    told = {"A": {"name": "1-MIDI"}}
    golden_ones = [decode(data)[0] for data in golden.datagrams("vary", identity, clips=["LONG"], told=told)]
    assert found == [(message.address, message.arguments) for message in golden_ones]


# new clips


def test_continue_makes_a_clip_in_the_next_free_slot_in_one_undo_step(open_desk: Open) -> None:
    desk = open_desk()
    mine = desk.live.make(TUNE, 4.0, meter=(3, 4))
    taken = desk.live.make(TUNE, 4.0, row=1)
    desk.live.show(mine)
    before = desk.live.snapshot()
    assert desk.play("continue") == "Continuo: Continue: in slot 3"
    first, second, new, free = desk.live.in_slots()
    assert (first, second, free) == (mine, taken, None)
    assert rows(new) == played()
    assert (new.name, new.loop_end, new.numerator, new.denominator) == ("Continue", 3.0, 3, 4)
    assert len(desk.live.undo_steps) == 1
    desk.live.undo()
    assert desk.live.snapshot() == before


@pytest.mark.parametrize("version", [11, 12])
def test_candidates_fill_slots_and_add_scenes(open_desk: Open, version: int) -> None:
    desk = open_desk(version=version, scenes=3)
    desk.live.show(desk.live.make(TUNE, 4.0, row=1))
    desk.live.view.scene = desk.live.scenes[1]
    before = desk.live.snapshot()
    desk.set_options("vary", {"candidates": 3, "seed": 5})
    assert desk.play("vary") == "Continuo: Vary: in slots 3 to 5"
    clips = desk.live.in_slots()
    assert [rows(clip) for clip in clips[2:]] == [played(index, 5) for index in range(3)]
    assert [clip.name for clip in clips[2:]] == ["Vary 1", "Vary 2", "Vary 3"]
    assert desk.live.view.scene is desk.live.scenes[1], "the selected scene is another one"
    desk.live.undo()
    assert desk.live.snapshot() == before and not desk.live.undo_steps


@pytest.mark.parametrize("version", [11, 12])
def test_in_the_arrangement_clips_go_behind_the_clip(open_desk: Open, version: int) -> None:
    desk = open_desk(version=version)
    desk.live.show(desk.live.make(TUNE, 4.0, row=None, at=8.0))
    later = desk.live.make(TUNE, 4.0, row=None, at=20.0)
    desk.set_options("continue", {"candidates": 2})
    before = desk.live.snapshot()
    assert desk.play("continue") == "Continuo: Continue: behind the clip"
    new = desk.live.tracks[0].arrangement[2:]
    assert [(clip.start_time, clip.end_time) for clip in new] == [(12.0, 16.0), (16.0, 20.0)]
    assert [rows(clip) for clip in new] == [played(0), played(1)]
    assert later.alive and desk.live.in_slots() == [None] * 4
    desk.live.undo()
    assert desk.live.snapshot() == before


def test_where_the_arrangement_is_taken_they_go_into_slots(open_desk: Open) -> None:
    desk = open_desk()
    desk.live.show(desk.live.make(TUNE, 4.0, row=None, at=8.0))
    desk.live.make(TUNE, 4.0, row=None, at=15.0)
    assert desk.play("continue") == "Continuo: Continue: in slot 1"
    assert len(desk.live.tracks[0].arrangement) == 2
    assert rows(desk.live.in_slots()[0]) == played()


def test_generate_needs_a_midi_track_and_no_clip(open_desk: Open) -> None:
    desk = open_desk()
    desk.live.show(None, track=2)
    assert "select a MIDI track" in desk.play("generate", "select")
    desk.live.show(desk.live.make(TUNE, 4.0, track=0), track=1)  # a clip of another track
    desk.live.view.slot = desk.live.tracks[1].slots[2]
    assert desk.play("generate") == "Continuo: Generate: in slot 3"
    assert rows(desk.live.in_slots(1)[2]) == played()
    assert desk.relay.request()[1:] == ("tempo", 120.0, "meter", "4/4")


def test_walk_takes_a_clip_or_none(open_desk: Open) -> None:
    desk = open_desk()
    desk.live.show(None)
    desk.play("walk")
    assert "clip" not in desk.relay.request()
    desk.live.show(desk.live.make(TUNE, 4.0, row=2))
    desk.play("walk")
    assert desk.relay.request()[1] == "clip"


def test_interpolate_goes_from_the_clip_shown_before(open_desk: Open) -> None:
    desk = open_desk(scenes=12)
    one, other = desk.live.make(TUNE, 4.0), desk.live.make(TUNE[:2], 8.0, row=3)
    desk.live.show(other)
    assert "click the first" in desk.play("interpolate", "click")
    for clip in (one, other, None, other):
        desk.live.show(clip)
        desk.tick()
    desk.relay.sent.clear()
    desk.play("interpolate")
    lengths = [m.arguments[1] for m in desk.relay.messages() if m.address == "/continuo/clip/info"]
    assert lengths == [4.0, 8.0]
    one.alive = False
    assert "click the first" in desk.play("interpolate", "click")


# refinements


def test_refine_gives_the_very_notes_their_velocities(open_desk: Open) -> None:
    desk = open_desk()
    outside = [(60, -1.0, 0.5, 20.0, 0), (60, 4.0, 0.5, 21.0, 0)]
    clip = desk.live.make([*TUNE[::-1], *outside], 4.0, start=8.0)
    before = {key: dict(note) for key, note in clip.notes.items()}
    desk.live.show(clip)
    assert desk.play("refine_velocity") == "Continuo: Refine velocities: 3 notes changed"
    velocities = {60: 1.0, 64: 2.0, 67: 70.0, 72: 4.0}  # in the order of onsets; 67 is muted
    for key, note in clip.notes.items():
        inside = 8.0 <= note["start_time"] < 12.0
        assert note == {**before[key], "velocity": velocities[note["pitch"]] if inside else before[key]["velocity"]}
    assert len(desk.live.undo_steps) == 1
    desk.live.undo()
    assert clip.notes == before


class Tidy(ScaleEngine):
    """Starts every note a tick later and halves it, but for the last, which it leaves alone."""

    def run(self, request: Request, **hear: object) -> Result:
        clip: Clip = request.clips[0]
        notes = [replace(note, start=note.start + 1, duration=note.duration // 2) for note in clip.notes[:-1]]
        tidied = Clip((*notes, clip.notes[-1]), clip.length)
        candidate = Candidate(tidied, placement=Placement("in_place", 0, clip.length))
        hear["on_candidate"](0, candidate)  # type: ignore[operator]
        return Result((candidate,), "tidy", 0, 0.0)


@pytest.mark.parametrize("engine", [Tidy()])
def test_refine_gives_them_onsets_and_durations_and_leaves_the_rest_as_fine_as_it_was(open_desk: Open) -> None:
    desk = open_desk()
    fine = [(60, 0.1234567, 1.0, 96.3, 0), (64, 1.0001, 0.5, 80.4, 0), (67, 2.00001, 0.33333333, 70.7, 0)]
    clip = desk.live.make(fine, 4.0, start=16.0)
    desk.live.show(clip)
    desk.play("refine_duration")
    found = [(pitch, start - 16.0, duration, velocity) for pitch, start, duration, velocity in rows(clip)]
    assert found[2] == (67, 16.0 + 2.00001 - 16.0, 0.33333333, 70.7)
    assert [note[3] for note in found] == [96.3, 80.4, 70.7]
    assert [note[1] for note in found[:2]] == pytest.approx([120 / 960, 961 / 960])
    assert [note[2] for note in found[:2]] == [0.5, 0.25]


def test_what_changed_in_the_meantime_stays(open_desk: Open, engine: SimpleNamespace) -> None:
    desk = open_desk()
    clip = desk.live.make(TUNE, 4.0)
    desk.live.show(clip)
    engine.seconds = 60.0
    desk.play("refine_velocity", "Refine velocities ...")
    while not engine.requests:
        desk.tick()
    first, second, *_ = sorted(clip.notes)
    del clip.notes[first]
    clip.notes[second]["velocity"] = 33.0
    engine.seconds = 0.0
    assert desk.until("changed") == "Continuo: Refine velocities: 1 notes changed"
    assert [note[3] for note in rows(clip)] == [33.0, 70.0, 4.0]


def test_a_clip_that_was_deleted_is_missed(open_desk: Open, engine: SimpleNamespace) -> None:
    desk = open_desk()
    clip = desk.live.make(TUNE, 4.0)
    desk.live.show(clip)
    engine.seconds = 60.0
    desk.play("refine", "Refine both ...")
    while not engine.requests:
        desk.tick()
    clip.alive = False
    engine.seconds = 0.0
    desk.until("the clip is gone")
