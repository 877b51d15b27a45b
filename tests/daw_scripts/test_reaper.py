"""The REAPER scripts, byte for byte as they ship, under Lua 5.4 against a strict model of REAPER's API.

They send through the real `continuo ask` to a real daemon. They have not been run in REAPER itself: `reaper_model.md`
says which documentation each behaviour of the model comes from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import golden
import pytest
from reaper_rig import PROJECT, SECOND, TEMPO, TOLD, Reaper, lua_notes, typed
from scale_daemon import scale_daemon
from scale_engine import scale

from continuo_daw.assistant.music.clip import TICKS

EDITOR = 32060  # the section of actions that the MIDI editor calls
OTHERS = '{ "cc 64 at 0.5", "program 7 at 0", "text: dolce" }'
SETUP = "track = M.track () A = M.item (track, 8, 8, { {60, 0, 1, 90, 0, 3}, {60, 1, 1.5, 60, 0, 3, true}, "
SETUP += f"{{64, 1, 1, 80, 0, 3}}, {{67, 4, 1, 70, 0, 3}}, {{72, 7.5, 2, 50, 0, 3}} }}, {{ others = {OTHERS} }})\n"
NOTES = [[60, 0, 1, 90], [60, 1, 1.5, 60], [64, 1, 1, 80], [67, 4, 1, 70], [72, 7.5, 0.5, 50]]  # as they are sent


@pytest.fixture
def lua(require_program: Callable[[str], str]) -> str:
    return require_program("lua5.4")


@pytest.fixture
def reaper(lua: str, tmp_path: Path) -> Iterator[Reaper]:
    with scale_daemon(tmp_path / "continuo") as port:
        yield Reaper(lua, tmp_path, port)


def scale_rows(seed: int, candidate: int = 0) -> list[list[object]]:
    """Pitch, start, duration, velocity of what the daemon plays."""
    return [[n.pitch, n.start / TICKS, n.duration / TICKS, n.velocity] for n in scale(seed, candidate, 8)]


def rows(take: dict) -> list[list[object]]:  # type: ignore[type-arg]
    return [note[:4] for note in take["notes"]]


def given(reaper: Reaper, number: int = 0) -> tuple[list[list[object]], tuple[object, ...]]:
    """The notes and the info of the first clip of a request."""
    (_, notes), (_, info), *_ = reaper.asked()[number]
    return [list(notes[k : k + 4]) for k in range(3, len(notes), 5)], info[1:]


def seeded(task: str, more: str = "") -> str:
    return f'M.inputs = {{ {{ name = "{task}" }}, {{ seed = "5", {more} }} }} M.press "options" M.pump ()\n'


@pytest.mark.parametrize("action", golden.ACTIONS)
def test_what_a_button_sends(reaper: Reaper, action: str) -> None:
    clips = golden.ACTIONS[action][2]
    nothing = TEMPO + "M.track ().selected = true M.project.cursor = 14 "
    project = PROJECT + (SECOND if "B" in clips else "") if clips else nothing
    (state,) = reaper.run(project + typed(action) + f'M.press "{action}" M.pump () M.dump ()')
    assert state["messages"] == []
    (sent,) = reaper.asked()
    identity = str(sent[-1][1][0])
    assert sent == golden.messages(action, identity, reply_file=identity, told=TOLD)


def test_a_long_clip_goes_in_parts(reaper: Reaper) -> None:
    item = f"M.project.tempo[1] = {{ 0, 96.5, 3, 4 }} M.item (M.track (), 0, 150, {lua_notes(golden.LONG.notes)})\n"
    reaper.run(item + typed("continue") + 'M.press "continue" M.pump ()')
    (sent,) = reaper.asked()
    identity = str(sent[-1][1][0])
    told = {"A": {"channel": 1}}
    wanted = golden.messages("continue", identity, reply_file=identity, clips=("LONG",), told=told)
    assert golden.collected(sent) == wanted
    assert max(len(golden.encode(address, *arguments)) for address, arguments in sent) <= golden.MOST_BYTES


def test_candidates_are_takes_of_one_item_behind_the_clip(reaper: Reaper) -> None:
    press = 'M.press "continue" M.pump () M.dump () M.undo () M.dump () M.redo () M.dump ()'
    after, undone, redone = reaper.run(SETUP + seeded("continue", 'candidates = "3"') + press)
    old, new = after["items"]
    assert (new["at"], new["stop"], new["loops"], new["selected"], new["active"]) == (16, 20, 0, False, 1)
    assert [take["name"] for take in new["takes"]] == ["continue 1", "continue 2", "continue 3"]
    assert [rows(take) for take in new["takes"]] == [scale_rows(5, k) for k in range(3)]
    assert {note[5] for take in new["takes"] for note in take["notes"]} == {3}  # the channel of the clip
    assert after["undo"] == ["Continuo: Continue"]
    assert undone["items"] == [old] and redone["items"] == [old, new]
    assert after["running"].strip() == "" and after["toggled"] == {"continue": 0, "options": 0}


def test_a_selected_item_goes_along_to_generate(reaper: Reaper) -> None:
    (state,) = reaper.run(PROJECT + seeded("generate") + 'M.press "generate" M.pump () M.dump ()')
    assert state["messages"] == []
    ((*_, (address, request)),) = reaper.asked()
    assert (address, request[1:3], request[3]) == ("/continuo/generate", ("seed", 5), "clip")


def test_steps_between_two_clips_are_a_row_of_items(reaper: Reaper) -> None:
    press = seeded("interpolate", 'steps = "3"') + 'M.press "interpolate" M.pump () M.dump ()'
    (state,) = reaper.run(PROJECT + SECOND + press)
    assert state["messages"] == []
    made = [item for item in state["items"] if not item["selected"]]
    assert [(item["track"], round(item["at"], 6), round(item["stop"], 6)) for item in made] == [
        (1, 26, 29),
        (1, 29, 32),
        (1, 32, 35),
    ]
    assert [rows(item["takes"][0]) for item in made] == [scale_rows(5, k) for k in range(3)]


def test_music_from_nothing_goes_to_the_edit_cursor(reaper: Reaper) -> None:
    press = 'M.press "generate" M.pump () M.dump ()'
    nowhere, somewhere = reaper.run(
        TEMPO + press + "M.track () M.track ().selected = true M.project.cursor = 14 " + seeded("generate") + press
    )
    assert nowhere["messages"] == ["Select a track or an item first: the new music goes there."]
    (made,) = somewhere["items"]
    assert (made["track"], round(made["at"], 6), rows(made["takes"][0])) == (2, 14, scale_rows(5))
    (((_, request),),) = reaper.asked()
    assert request[1:7] == ("tempo", 96.5, "meter", "3/4", "seed", 5)


def test_a_refinement_changes_the_very_notes_and_nothing_else(reaper: Reaper) -> None:
    press = 'M.press "refine_velocity" M.pump () M.dump () M.undo () M.dump ()'
    after, undone = reaper.run(SETUP + "M.dump ()" + press)[-2:]
    before = undone["items"][0]["takes"][0]
    (item,) = after["items"]
    (take,) = item["takes"]
    assert given(reaper)[0] == NOTES
    wanted = {tuple(note[:2]): 1 + k for k, note in enumerate(NOTES)}  # what the daemon makes of note k
    assert take["notes"] == [[*note[:3], wanted[tuple(note[:2])], *note[4:]] for note in before["notes"]]
    assert take["others"] == before["others"] and len(take["others"]) == 3
    assert after["undo"] == ["Continuo: Refine velocities"]
    assert [note[3] for note in before["notes"]] == [90, 60, 80, 70, 50]


@pytest.mark.parametrize("step", [0.75, -0.75, 2.5])
def test_notes_of_one_pitch_never_meet_on_their_way(reaper: Reaper, step: float) -> None:
    """An answer written by hand moves notes of one pitch over the places that others of them leave."""
    clip = [(60, 3, 1, 90), (60, 4, 1, 80), (60, 5, 1, 70), (62, 5, 1, 60)]
    answer = [*((60, start + step, 1, 64) for _, start, _, _ in clip[:3]), (62, 5, 1, 60)]
    flat = " ".join(f"{pitch} {start:.3f} {duration:.3f} {velocity} 0" for pitch, start, duration, velocity in answer)
    reaper.answer_by_hand(
        f"/continuo/notes x 0 0 4 {flat}\n/continuo/result x 0 4 0.0 9.0 place in_place\n", "refine_duration"
    )
    item = f"M.item (M.track (), 8, 9, {{ {', '.join(f'{{{p}, {s}, {d}, {v}}}' for p, s, d, v in clip)} }})\n"
    (state,) = reaper.run(item + 'M.press "refine_duration" M.pump () M.dump ()')
    assert state["messages"] == []
    assert rows(state["items"][0]["takes"][0]) == sorted(map(list, answer), key=lambda note: (note[1], note[0]))


@pytest.mark.parametrize(
    ("meanwhile", "text"),
    [
        ("A.takes[1].source.notes[1].velocity = 91", "The clip was changed meanwhile"),
        ("table.remove (track.items)", "The clip is not there any more"),
    ],
)
def test_a_clip_that_was_changed_is_left_alone(reaper: Reaper, meanwhile: str, text: str) -> None:
    tasks = 'M.inputs = { false } M.press "options" M.pump ()'  # so that a press need not ask for them first
    press = f'{tasks} M.press "refine_velocity" {meanwhile} M.dump () M.pump () M.dump ()'
    changed, after = reaper.run(SETUP + press)
    assert after["items"] == changed["items"]
    assert after["messages"][0].startswith(text) and len(after["messages"]) == 1


def test_only_what_the_item_shows_is_sent(reaper: Reaper) -> None:
    """The item begins a beat into its source, and ends before the source does; a note sounds in, and one out."""
    notes = "{ {40, 0.5, 1, 90}, {60, 1, 1, 80}, {62, 3.5, 2, 70}, {64, 4.5, 1, 60} }"
    item = f"M.item (M.track (), 8, 3, {notes}, {{ offset = 1, length = 6 }})\n"
    (state,) = reaper.run(TEMPO + item + 'M.press "continue" M.pump () M.dump ()')
    assert given(reaper) == ([[60, 0, 1, 80], [62, 2.5, 0.5, 70]], (3, 96.5, 3, 4, "channel", 1))
    assert [round(item["at"], 6) for item in state["items"]] == [8, 11]


def test_a_loop_is_sent_once_and_continued_behind_its_item(reaper: Reaper) -> None:
    """Four beats that repeat for twelve, the item beginning in the middle of them."""
    notes = "{ {60, 0, 1, 90}, {62, 2, 1, 80} }"
    item = f"M.item (M.track (), 8, 12, {notes}, {{ offset = 1, length = 4 }})\n"
    (state,) = reaper.run(item + 'M.press "continue" M.pump () M.dump ()')
    assert given(reaper) == ([[62, 1, 1, 80], [60, 3, 1, 90]], (4, 120, 4, 4, "channel", 1))
    assert [item["at"] for item in state["items"]] == [8, 20]


@pytest.mark.parametrize(
    ("selection", "notes", "length"),
    [("{ 9, 12 }", [[60, 0, 1.5, 60], [64, 0, 1, 80]], 3), ("{ 2, 5 }", NOTES, 8), ("{ 12, 40 }", None, 4)],
)
def test_the_time_selection_counts_where_it_touches_the_item(
    reaper: Reaper, selection: str, notes: list[list[object]] | None, length: float
) -> None:
    reaper.run(f"{SETUP} M.project.loop = {selection} M.press 'vary' M.pump ()")
    upbeat = ("upbeat", 3) if length == 3 else ()  # the selection begins on beat 2
    told = (length, 120, 4, 4, "channel", 4, "program", 8, *upbeat)
    assert given(reaper) == (notes or [[67, 0, 1, 70], [72, 3.5, 0.5, 50]], told)


def test_the_selected_notes_count_in_the_midi_editor_alone(reaper: Reaper) -> None:
    press = f"M.editor = A.takes[1] A.selected = false M.press ('vary', {EDITOR}) M.pump () "
    main = "A.selected = true M.press 'vary' M.pump () A.selected = false M.press 'vary' M.pump ()"
    reaper.run(SETUP + press + main)
    assert [given(reaper, number)[0] for number in range(3)] == [[[60, 1, 1.5, 60]], NOTES, NOTES]


@pytest.mark.parametrize(
    ("project", "action", "text"),
    [
        ("M.track ()", "continue", "Nothing is selected. Select a MIDI item."),
        ("M.item (M.track (), 0, 4, {}).takes[1].source.notes = nil", "vary", "The selected item is not MIDI."),
        ("M.item (M.track (), 0, 4, {})", "refine", "There are no notes in the selected part of the item."),
        (
            SETUP,
            "interpolate",
            "Select 2 MIDI clips, not 1: interpolate makes clips on the way from one clip to anot",
        ),
        (SETUP + SECOND, "continue", "Select 1 MIDI clip, not 2: "),
    ],
)
def test_why_a_button_can_do_nothing(reaper: Reaper, project: str, action: str, text: str) -> None:
    (state,) = reaper.run(f"{project} M.press '{action}' M.pump () M.dump ()")
    assert len(state["messages"]) == 1 and state["messages"][0].startswith(text)
    assert reaper.asked() == [] and state["undo"] == []


def test_the_words_of_the_daemon_are_shown(reaper: Reaper) -> None:
    options = 'M.inputs = { { name = "2" }, { model = "nonsense" } } M.press "options" M.pump ()'
    press = 'M.press "continue" M.pump () M.press "show" M.pump () M.dump ()'
    (state,) = reaper.run(SETUP + options + press)
    fault, shown = state["messages"]
    assert fault == "no model nonsense"
    assert shown.startswith("Continuo runs on cpu, for 0 minutes.\n0 running, 0 waiting, ")
    assert shown.endswith("Models: scale\n\nLast error: no model nonsense")


def test_options_are_checked_and_remembered_with_the_project(reaper: Reaper) -> None:
    inputs = '{ name = "vary" }, { amount = "2", keep = "rhythm" }, { amount = "0,5" }, '
    inputs += '{ name = "vary" }, { amount = "" }, { name = "99" }, false'
    first, last = reaper.run(
        f"{SETUP} M.inputs = {{ {inputs} }} M.press 'options' M.pump () M.dump () M.press 'options' M.pump ()"
        "M.press 'options' M.pump () M.press 'options' M.pump () M.dump ()"
    )
    assert first["messages"][0].startswith("amount: 2 does not do (0 to 1).\n")
    assert first["options"] == {"continuo/vary": "options amount 0.5 keep rhythm"}
    assert last["options"] == {"continuo/vary": "options keep rhythm"}
    shown = [dict(zip(dialog["fields"], dialog["texts"], strict=True)) for dialog in last["dialogs"]]
    assert shown[1]["amount (0 to 1)"] == "" and shown[2]["amount (0 to 1)"] == "2"
    assert shown[4]["amount (0 to 1)"] == "0.5"
    assert shown[4]["keep (nothing rhythm pitches; else nothing)"] == "rhythm"
    assert not any(key.startswith("reply") for dialog in shown for key in dialog)
    assert last["messages"][1].startswith("There is no 99, but 1 generate, 2 continue")


def test_a_running_request_shows_its_progress_and_is_cancelled(lua: str, tmp_path: Path) -> None:
    with scale_daemon(tmp_path / "continuo", seconds=30.0) as port:
        reaper = Reaper(lua, tmp_path, port)
        until = "M.pump (function () return M.tips[#M.tips]:find ' %%$' end) M.dump ()"
        end = "M.press 'cancel' M.pump () M.dump () M.press 'cancel' M.dump ()"
        waits = f"{SETUP} M.press 'continue' {until} {end} os.execute 'sleep 2' M.press 'show' M.pump () M.dump ()"
        running, after, again, shown = reaper.run(waits)
    assert running["toggled"]["continue"] == 1
    assert running["tips"][0] == "Continuo: starts ..." and "Continuo: continue ..." in running["tips"]
    assert after["toggled"]["continue"] == 0 and after["running"].strip() == "" and after["tips"][-1] == ""
    assert after["messages"] == [] and len(after["items"]) == 1 and after["undo"] == []
    assert again["messages"] == ["Nothing is running that could be cancelled."]
    assert "0 running, 0 waiting, 0 done, 1 failed." in shown["messages"][1]
    identity = reaper.asked()[0][-1][1][0]
    assert reaper.asked()[1] == golden.messages("cancel", str(identity))


def test_continuo_is_not_there(reaper: Reaper) -> None:
    press = f"{SETUP} M.press 'continue' M.pump () M.dump ()"
    (reaper.home / "a folder" / "continuo").unlink()
    (state,) = reaper.run(press)
    assert "Run 'continuo install reaper' again." in state["messages"][0]
    (reaper.home / "continuo" / "daw.txt").unlink()
    (state,) = reaper.run(press)
    assert state["messages"] == ["Continuo is not set up for this DAW. Run 'continuo install reaper' once."]


def test_continuo_does_not_answer(reaper: Reaper) -> None:
    reaper.install("exit 1")
    (state,) = reaper.run(f"{SETUP} M.press 'continue' M.later = 91 M.pump () M.dump ()")
    assert state["messages"] == ["Continuo does not answer. Run 'continuo doctor' in a terminal to see why."]
    assert state["toggled"] == {"continue": 0} and state["running"].strip() == ""


def test_every_action_is_ascii_and_one_of_the_table(reaper: Reaper) -> None:
    files = {path.stem.removeprefix("continuo_") for path in reaper.scripts.glob("continuo_*.lua")}
    assert files == {*golden.ACTIONS, "cancel", "options", "show"}
    for path in reaper.scripts.iterdir():
        assert path.read_bytes().isascii(), path
