"""The REAPER scripts and the score around a clip: its track and time, and where an answer goes."""
# ruff: noqa: F401, F811 - fixtures come by import

from __future__ import annotations

import pytest
from reaper_rig import Reaper
from test_reaper import OTHERS, SETUP, lua, reaper, rows


def test_changes_of_tempo_and_meter_inside_the_item_go_along(reaper: Reaper) -> None:
    marks = "{ { 0, 120, 4, 4 }, { 12, 90, 4, 4 }, { 14, 90, 3, 4 }, { 17, 60, 6, 8 }, { 40, 50, 2, 4 } }"
    drums = "{ {36, 0, 1, 90, 0, 9}, {38, 1, 1, 80, 0, 9} }"
    reaper.run(f"M.project.tempo = {marks} M.item (M.track 'Kit', 10, 8, {drums}) M.press 'refine_velocity' M.pump ()")
    (_, (_, info), *changes, _) = reaper.asked()[0]
    assert info[1:] == (8, 120, 4, 4, "name", "Kit", "channel", 10, "drums", 1, "upbeat", 2)
    assert [(address.rpartition("/")[2], values[1:]) for address, values in changes] == [
        ("meter", (4, 3, 4)),
        ("meter", (7, 6, 8)),
        ("tempo", (2, 90)),
        ("tempo", (7, 60)),
    ]


def test_new_music_has_the_program_of_the_channel_that_it_goes_on(reaper: Reaper) -> None:
    later = '"program 9 at 2"'
    (state,) = reaper.run(
        SETUP.replace(OTHERS, OTHERS[:-1] + f", {later} }}") + "M.press 'continue' M.pump () M.dump ()"
    )
    (take,) = state["items"][1]["takes"]
    assert take["others"] == ["program 7 at 0"]
    assert {note[5] for note in take["notes"]} == {3}


@pytest.mark.parametrize("loop", ["", ", length = 4"])
def test_what_replaces_a_stretch_takes_the_place_of_its_notes(reaper: Reaper, loop: str) -> None:
    """In a looped item the notes that sound behind its turn lie before its begin."""
    notes = [[64, 0, 1, 50], [65, 1.5, 0.5, 51]]
    flat = " ".join(f"{pitch} {start:.1f} {duration:.1f} {velocity} 0" for pitch, start, duration, velocity in notes)
    said = "place over from 2.0 to 4.0 channel 5"
    reaper.answer_by_hand(f"/continuo/notes x 0 0 2 {flat}\n/continuo/result x 0 2 2.0 2.0 {said}\n", "vary")
    clip = "{ {60, 0, 1, 90}, {61, 1, 1, 91}, {62, 2, 1, 92}, {63, 3, 1, 93} }"
    item = f"M.item (M.track (), 8, 4, {clip}, {{ offset = {int(bool(loop))}{loop} }})\n"
    before, state, undone = reaper.run(item + "M.dump () M.press 'vary' M.pump () M.dump () M.undo () M.dump ()")
    assert state["messages"] == []
    shift = 1 if loop else 0  # of the source against the item
    kept = [[60 + k, k, 1, 90 + k] for k in range(4) if not 2 <= (k - shift) % 4 < 4]
    new = [[pitch, (2 + start + shift) % 4, duration, velocity] for pitch, start, duration, velocity in notes]
    assert rows(state["items"][0]["takes"][0]) == sorted([*kept, *new], key=lambda note: (note[1], note[0]))
    assert [note[5] for note in state["items"][0]["takes"][0]["notes"]].count(4) == 2
    assert undone["items"] == before["items"]
