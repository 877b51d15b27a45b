"""`continuo serve` with the real engine and the models that ship."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from wire import StartProcess, Wire, clip_parts, notes_of, quickest, shuffled

from continuo_daw.assistant import __main__ as program
from continuo_daw.assistant.errors import AssistantError
from continuo_daw.assistant.music.clip import TICKS, Clip, Note, clip_of
from continuo_daw.assistant.music.midi import read_midi
from continuo_daw.assistant.music.midi_write import write_midi
from continuo_daw.osc_bridge.clients.client import Client
from continuo_daw.osc_bridge.daemon.link import Target
from continuo_daw.osc_bridge.wire.decode import decode

TUNE = clip_of(Note(k * 480, pitch, 480) for k, pitch in enumerate((60, 62, 64, 65, 67, 65, 64, 62) * 2))


@pytest.fixture
def serve(start_process: StartProcess) -> Callable[[], Target]:
    """Start `continuo serve` on the processor."""
    return lambda: start_process("-m", "continuo_daw.assistant", "serve", "--device", "cpu")[1]


def test_the_same_seed_gives_the_same_notes_in_every_run(serve: Callable[[], Target]) -> None:
    results = []
    for _ in range(2):
        with Client(*serve()) as client:
            for task, clips in (("generate", ()), ("continue", (TUNE,))):
                results.append(client.run(task, clips, bars=2, candidates=2, seed=11).candidates)
    assert results[:2] == results[2:]
    assert all(candidate.clip.notes for candidates in results for candidate in candidates)
    assert [candidate.at for candidate in results[1]] == [TUNE.length] * 2
    assert [candidate.clip.bars for candidate in results[1]] == [2, 2]


def test_streamed_notes_are_the_notes_of_the_result(serve: Callable[[], Target]) -> None:
    heard: dict[int, list[Note]] = {0: [], 1: []}

    def on_notes(candidate: int, first: int, notes: tuple[Note, ...], total: int) -> None:
        assert first == len(heard[candidate])
        heard[candidate] += notes

    with Client(*serve()) as client:
        result = client.run("continue", [TUNE], bars=8, candidates=2, seed=3, on_notes=on_notes)
    for index, candidate in enumerate(result.candidates):
        assert Clip(tuple(heard[index]), candidate.clip.length) == candidate.clip


STEERED: tuple[tuple[str, dict[str, int | float | str]], ...] = (
    ("generate", {"density": "1,2.5", "key": "D dorian", "scale_strict": 1, "end_on_tonic": 1, "velocity": 70}),
    ("generate", {"chords": "C | Am | F G", "pitch_low": 55, "pitch_high": 79, "swing": 60, "originality": "avoid"}),
    ("continue", {"density": "auto", "register": 72, "longest": 1, "start_on_beat": 1, "candidates": 2}),
    ("continue", {"rhythm_from": "clip", "pitch_classes": "1,0,1,0,1,1,0,1,0,1,0,1"}),
)


@pytest.mark.parametrize(("task", "options"), STEERED)
def test_steering_is_the_same_over_osc_and_on_the_command_line(
    serve: Callable[[], Target],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    task: str,
    options: dict[str, int | float | str],
) -> None:
    clips = [TUNE] if task == "continue" else []
    for clip in clips:
        write_midi(clip, tmp_path / "in.mid")
    with Client(*serve()) as client:
        over_osc = client.run(task, clips, seed=4, **options).candidates
    switches = ("scale_strict", "end_on_tonic", "start_on_beat")
    flags = [f"--{k.replace('_', '-')}" + ("" if k in switches else f"={v}") for k, v in options.items()]
    given = [str(tmp_path / "in.mid") for _ in clips]
    assert program.main([task, *given, "-o", str(tmp_path / "out.mid"), "--seed=4", "--json", *flags]) == 0
    made = json.loads(capsys.readouterr().out)["candidates"]
    assert [read_midi(one["file"]).notes for one in made] == [one.clip.notes for one in over_osc]
    assert [one["measures"] for one in made] == [pytest.approx(dict(one.measures)) for one in over_osc]


def test_a_wrong_value_is_named_over_osc(serve: Callable[[], Target]) -> None:
    with Client(*serve()) as client:
        assert client.tasks()["generate"]["density"][:3] == ("text", "0.05", "8")
        with pytest.raises(AssistantError, match=r"density 9 is not a number from 0\.05 to 8, or several") as caught:
            client.run("generate", density=9)
    assert caught.value.code == "bad_args"


def test_cancel_within_200_milliseconds(serve: Callable[[], Target]) -> None:
    with Client(*serve()) as client:

        def cancel() -> float:
            number = client.start("generate", bars=64, candidates=16)
            time.sleep(0.05)
            start = time.monotonic()
            client.cancel(number)
            with pytest.raises(AssistantError) as caught:
                client.wait(number)
            assert caught.value.code == "cancelled"
            return time.monotonic() - start

        assert quickest(cancel, 0.2) < 0.2
        assert client.run("generate", bars=1, seed=1).model


def test_4000_notes_in_parts_of_which_one_is_lost_are_continued(
    serve: Callable[[], Target], make_wire: Callable[[Target], Wire]
) -> None:
    wire = make_wire(serve())
    chords = ((k * 480, pitch) for k in range(1000) for pitch in (48 + k % 5, 60 + k % 7, 64 + k % 7, 67 + k % 7))
    clip = clip_of(Note(start, pitch, 480) for start, pitch in chords)  # 125 bars of eighths, four voices
    lost, twice, *others = shuffled(clip_parts("long", clip.notes), seed=5)
    wire.send_parts([twice, *others, twice])
    request = ("/continuo/continue", 7, "clip", "long", "bars", 4, "seed", 3)

    wire.send(*request)
    identity, code, text = wire.fail()
    first = decode(lost)[0].arguments[1]
    last = first + len(decode(lost)[0].arguments[3:]) // 5 - 1
    assert (identity, code) == (7, "incomplete")
    assert text == f"clip long: notes {first} to {last} of 4000 are missing; send them again"

    wire.send_parts([lost])
    wire.send(*request)
    messages = wire.answers()
    assert messages[0] == ["/continuo/accepted", 7, "continue", "piano"]
    result = next(message for message in messages if message[0] == "/continuo/result")
    assert result[4:6] == [clip.length / TICKS, 4 * 4.0]
    notes = notes_of(messages)
    assert len(notes) == result[3] > 0
    assert all(0 <= start < 4 * 4.0 for _, start, *_ in notes.values())
    assert messages[-1][:5] == ["/continuo/done", 7, "continue", 1, "piano"]


def test_reply_files(serve: Callable[[], Target], make_wire: Callable[[Target], Wire], tmp_path: Path) -> None:
    wire = make_wire(serve())
    notes = (value for note in TUNE.notes for value in (note.pitch, note.start / 960, 0.5, 80, 0))
    wire.send("/continuo/continue", 7, "bars", 2, "reply_file", "song", "notes", *notes)
    assert wire.answers()[-1][0] == "/continuo/done"
    spool = tmp_path / "home" / "spool"
    assert (spool / "song.reply").read_text().splitlines()[-1].startswith("/continuo/done 7 continue 1 ")
    assert read_midi(spool / "song.0.mid").bars == 2
