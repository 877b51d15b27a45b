"""Tracks on the command line, with the models that ship: which one is worked on, what becomes of the others."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from midi_files import QUARTER, chunks_of, dump, file_of, kit, meta, meter, name, note, program, tempo, track, tune

from continuo_daw.assistant import files
from continuo_daw.assistant.__main__ import main
from continuo_daw.assistant.errors import AssistantError
from continuo_daw.assistant.music.clip import TICKS
from continuo_daw.assistant.music.midi import read_score

CONDUCTOR = track([name("Song"), tempo(0, 90), (0, meta(0x06, b"Verse")), (0, meta(0x59, b"\x01\x00"))])
LEAD = track([name("Lead"), program(3, 41), *tune(16, 3, 67), (700, b"\xb2\x40\x7f"), (900, b"\xe2\x28\x46")])
BASS = track([name("Bass"), program(6, 34), *tune(16, 6, 40)])
DRUMS = track([name("Kit"), *kit(16)])
BAND = file_of(CONDUCTOR, LEAD, BASS, DRUMS)
PITCHED = ("continue", "vary", "walk", "refine", "refine_duration")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a few files."""
    monkeypatch.chdir(tmp_path)
    bare = [*tune(16), (QUARTER, b"\xb0\x40\x7f")]
    for path, data in {
        "band": BAND,
        "kit": file_of(DRUMS),
        "mixed": file_of(track([*tune(16), *kit(16), program(1, 74)]), kind=0),
        "one": file_of(track([name("Flute"), program(4, 74), *tune(16, 4, 72)]), kind=0),
        "rit": file_of(track([tempo(k, 120 - 7 * k) for k in range(9)] + tune(8))),
        "turn": file_of(track([meter(0, 3, 4), meter(6, 4, 4), *tune(14)])),
        "far": file_of(track([tempo(0, 100), tempo(2000, 90)]), track(tune(16))),
        "pickup": file_of(track([meter(0, 1, 4), meter(1, 3, 4), *tune(13)])),
        "quint": file_of(track([e for k in range(40) for e in note(k / 5, 60 + k % 5, 0.1875)])),
        "pad": file_of(
            track([e for k in range(2) for p in (48, 55, 60) for e in note(32 * k, p + 2 * k, 32 - 1 / 48, 1)])
        ),
        "sjis": file_of(track([(0, meta(3, "メロディ".encode("shift_jis"))), (0, meta(5, b"\x82\xb3")), *bare])),
    }.items():
        (tmp_path / f"{path}.mid").write_bytes(data)
    return tmp_path


def run(line: str) -> None:
    assert main([*line.split(), "--seed=3", "-o", "out.mid"]) == 0


def refused(line: str, capsys: pytest.CaptureFixture[str]) -> str:
    assert main([*line.split(), "-o", "out.mid"]) == 1
    assert not Path("out.mid").exists()
    return capsys.readouterr().err


def test_tracks_lists_what_is_in_a_file(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tracks", "band.mid"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in lines[:3]] == [["1", "Lead"], ["2", "Bass"], ["3", "Kit"]]
    assert "program 41" in lines[0] and "drums" in lines[2] and "4/4 at 90 bpm" in lines[3]
    assert main(["tracks", "band.mid", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    rows = [(row["track"], row["channel"], row["program"], row["drums"], row["notes"]) for row in found["tracks"]]
    assert rows == [(1, 3, 41, False, 16), (2, 6, 34, False, 16), (3, 10, None, True, 48)]


def test_tracks_names_what_is_damaged(capsys: pytest.CaptureFixture[str]) -> None:
    Path("cut.mid").write_bytes(BAND[:-9])
    assert main(["tracks", "cut.mid"]) == 0
    assert "track 4 is cut short" in capsys.readouterr().err


def test_without_a_name_the_error_lists_the_tracks(capsys: pytest.CaptureFixture[str]) -> None:
    said = refused("continue band.mid", capsys)
    assert "name one with --track" in said and "1 Lead (program 41, channel 3, 16 notes)" in said and "3 Kit" in said
    for wrong in ("9", "0", "horn", "²", ",", "lead,horn"):
        assert "no one track is" in refused(f"continue band.mid --track {wrong}", capsys)


@pytest.mark.parametrize("track", ["bass", "2", "ba", "BASS"])
def test_a_track_by_name_and_number(track: str) -> None:
    run(f"continue band.mid --bars=2 --track {track}")
    (part,) = read_score("out.mid").parts
    assert (part.clip.name, part.clip.channel, part.clip.program, part.clip.tempo) == ("Bass", 6, 34, 90.0)


@pytest.mark.parametrize("track", ["all", "1,2", "lead,bass"])
def test_several_tracks_are_heard_as_one(track: str) -> None:
    run(f"refine_velocity band.mid --track {track}")
    new, old = read_score("out.mid").parts, read_score("band.mid").parts
    assert [a.clip.notes == b.clip.notes for a, b in zip(new, old, strict=True)] == [False, False, True]


def test_drums_and_tones_do_not_go_together(capsys: pytest.CaptureFixture[str]) -> None:
    for tracks in ("1,3", "kit,lead"):
        assert "drums and tones" in refused(f"continue band.mid --track {tracks}", capsys)


@pytest.mark.parametrize("task", PITCHED)
@pytest.mark.parametrize("file", ["kit.mid", "band.mid --track kit"])
def test_drums_never_reach_a_pitched_model(task: str, file: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert "the clip is drums" in refused(f"{task} {file}", capsys)


def test_drums_are_no_end_of_an_interpolation(capsys: pytest.CaptureFixture[str]) -> None:
    for task in ("interpolate", "blend"):
        assert "the clip is drums" in refused(f"{task} one.mid kit.mid", capsys)
    assert main(["map", "kit.mid", "-o", "out.png"]) == 1
    assert "drums" in capsys.readouterr().err


@pytest.mark.parametrize("task", ["continue --join", "refine", "refine_velocity", "refine_duration", "vary --join"])
def test_the_kit_of_a_mixed_file_is_untouched(task: str) -> None:
    command, *more = task.split()
    run(" ".join((command, "mixed.mid", *more)))
    old, new = (
        [(t, m) for t, m in dump(Path(f))[0] if getattr(m, "channel", 0) == 9] for f in ("mixed.mid", "out.mid")
    )
    assert old == new and len(old) == 96
    assert {m.channel for _, m in dump(Path("out.mid"))[0] if hasattr(m, "channel")} == {0, 9}


@pytest.mark.parametrize("task", ["refine", "refine_velocity", "refine_duration"])
@pytest.mark.parametrize("file", ["band --track lead", "rit", "turn", "pickup", "sjis", "mixed", "quint", "pad"])
def test_amount_0_gives_the_file_itself(task: str, file: str) -> None:
    path, *track = file.split()
    run(" ".join((task, f"{path}.mid", "--amount=0", *track)))
    assert Path("out.mid").read_bytes() == Path(f"{path}.mid").read_bytes()


def test_velocities_of_one_track_are_all_that_changes() -> None:
    run("refine_velocity band.mid --track lead")
    new = Path("out.mid").read_bytes()
    assert [a == b for a, b in zip(chunks_of(BAND), chunks_of(new), strict=True)] == [True, False, True, True]
    pairs = zip(dump(BAND)[1], dump(new)[1], strict=True)
    apart = [(a, b) for (s, a), (t, b) in pairs if (s, a) != (t, b)]
    assert apart and all(a.type == b.type == "note_on" and a.copy(velocity=b.velocity) == b for a, b in apart)
    assert len(apart) == sum(a != b for a, b in zip(BAND, new, strict=True))


def test_a_joined_answer_lies_in_its_track_and_all_else_stays(capsys: pytest.CaptureFixture[str]) -> None:
    run("continue band.mid --track bass --bars=4 --join")
    assert "context 0" in capsys.readouterr().out
    new = Path("out.mid").read_bytes()
    assert [a == b for a, b in zip(chunks_of(BAND), chunks_of(new), strict=True)] == [True, True, False, True]
    old, longer = dump(BAND)[2], dump(new)[2]
    assert longer[: len(old) - 1] == old[:-1] and longer[-1][0] == 32 * QUARTER
    assert {m.channel for _, m in longer if hasattr(m, "channel")} == {5}


def test_one_track_has_no_context(capsys: pytest.CaptureFixture[str]) -> None:
    run("continue one.mid --bars=2")
    assert "context" not in capsys.readouterr().out
    clip = read_score("out.mid").parts[0].clip
    assert (clip.name, clip.channel, clip.program) == ("Flute", 4, 74)


@pytest.mark.parametrize(
    ("line", "tempo", "meter"),
    [
        ("rit.mid", 64, (4, 4)),
        ("rit.mid --to 4", 92, (4, 4)),
        ("turn.mid", 120, (4, 4)),
        ("turn.mid --to 6", 120, (4, 4)),
        ("turn.mid --to 3", 120, (3, 4)),
        ("far.mid", 100, (4, 4)),
    ],
)
def test_time_at_the_end_rules_what_is_made_behind_it(line: str, tempo: float, meter: tuple[int, int]) -> None:
    run(f"continue {line} --bars=2")
    clip = read_score("out.mid").parts[0].clip
    assert (clip.tempo, clip.meter, clip.length) == (tempo, meter, 2 * clip.bar)
    given = read_score(line.split()[0]).parts[0].clip.time
    run(f"continue {line} --bars=2 --join")
    assert read_score("out.mid").parts[0].clip.time == given


def test_an_up_beat_is_kept_and_may_be_named(capsys: pytest.CaptureFixture[str]) -> None:
    run("continue pickup.mid --bars=2 --join")
    clip = read_score("out.mid").parts[0].clip
    assert (clip.upbeat, clip.length, clip.meter) == (TICKS, 19 * TICKS, (3, 4))
    run("refine pickup.mid")
    assert read_score("out.mid").parts[0].clip.time == clip.time
    run("continue one.mid --upbeat=2 --bars=1 --json")
    new = read_score("out.mid").parts[0].clip
    assert (new.upbeat, new.length) == (2 * TICKS, 4 * TICKS)  # the bar line behind beat 16 is 18
    Path("out.mid").unlink()
    assert "upbeat" in refused("continue one.mid --upbeat=4", capsys)


@pytest.mark.parametrize(("task", "at"), [("vary", 4), ("walk", 12), ("continue", 12)])
def test_a_stretch_is_worked_on_alone(task: str, at: int, capsys: pytest.CaptureFixture[str]) -> None:
    """A variation takes its place; what goes on behind it takes that of what is there."""
    run(
        f"{task} one.mid --from=4 --to=12 --bars=1 --json" if task != "vary" else "vary one.mid --from=4 --to=12 --json"
    )
    (found,) = json.loads(capsys.readouterr().out)["candidates"][:1]
    assert (found["place"], found["at_beats"]) == ("over", at)


def test_a_variation_of_a_stretch_leaves_what_is_around_it() -> None:
    run("vary one.mid --from=4 --to=12 --join")
    old, new = (read_score(f"{f}.mid").parts[0].clip for f in ("one", "out"))
    outside = [[n for n in c.notes if not 4 * TICKS <= n.start < 12 * TICKS] for c in (old, new)]
    assert outside[0] == outside[1] and (old.length, old.time) == (new.length, new.time)
    run("vary one.mid --from=4 --to=12 --upbeat=1 --join")
    assert read_score("out.mid").parts[0].clip.time == old.time


def test_a_stretch_that_ends_inside_a_bar_leaves_the_notes_behind_it() -> None:
    run("vary one.mid --from=2 --to=7 --join")
    old, new = (read_score(f"{f}.mid").parts[0].clip for f in ("one", "out"))
    outside = [[n for n in c.notes if not 2 * TICKS <= n.start < 7 * TICKS] for c in (old, new)]
    assert outside[0] == outside[1]


@pytest.mark.parametrize("task", ["continue one.mid", "vary one.mid", "walk one.mid", "interpolate one.mid far.mid"])
@pytest.mark.parametrize("span", ["--from=16", "--from=90 --to=99", "--from=8 --to=8", "--from=9 --to=2"])
def test_an_empty_stretch_is_named(task: str, span: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert "is empty: the clip has the beats 0 to 16" in refused(f"{task} {span}", capsys)


def test_quintuplets_and_chords_of_eight_bars_are_written_already() -> None:
    run("refine_duration quint.mid")
    assert Path("out.mid").read_bytes() == Path("quint.mid").read_bytes()
    run("refine_duration pad.mid")
    assert [n.duration for n in read_score("out.mid").parts[0].clip.notes] == [32 * TICKS] * 6


def test_no_file_is_written_twice(capsys: pytest.CaptureFixture[str]) -> None:
    Path("here").symlink_to(".")
    for picture in ("out.mid", "./out.mid", "here/out.mid"):
        assert "would be written twice" in refused(f"vary one.mid --picture {picture}", capsys)
    assert "would be written twice" in refused("vary one.mid --candidates=2 --picture out.0.mid", capsys)


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, link = tmp_path / "there.mid", tmp_path / "link.mid"
    path.write_bytes(b"old")
    link.symlink_to(path)

    def full(*_: object) -> None:
        raise OSError(28, "no space left on device")

    with monkeypatch.context() as patched, pytest.raises(AssistantError, match="no space left"):
        patched.setattr(Path, "write_bytes", full)
        files.write_whole(b"new", path)
    assert path.read_bytes() == b"old" and not list(tmp_path.glob(".*.tmp"))
    files.write_whole(b"new", link)
    assert path.read_bytes() == b"old" and link.read_bytes() == b"new" and not link.is_symlink()
    device = Path("/dev/null")
    if device.exists():
        files.write_whole(b"new", device)
        assert not device.is_file()
