"""Originality: runs are found exactly, copies are found changed, and a damaged index is refused."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny import tune, walk

from continuo_daw.assistant.bundles.bundle import Card
from continuo_daw.assistant.errors import AssistantError
from continuo_daw.assistant.music.clip import TICKS, Clip, Note, clip_of
from continuo_daw.assistant.originality.index import Found, Index, Run, alarm_level, human_level
from continuo_daw.assistant.originality.index_file import index_bytes, read_index
from continuo_daw.assistant.originality.lines import line_of
from continuo_daw.assistant.originality.shared_runs import REACH, SharedRuns, order_of


def moved(clip: Clip, semitones: int = 0, scale: float = 1.0) -> Clip:
    """Every note so much higher, at times so much longer."""
    return clip_of(
        replace(n, pitch=n.pitch + semitones, start=round(n.start * scale), duration=round(n.duration * scale))
        for n in clip.notes
    )


PIECES = [(f"Tune {number}", (walk(number, 60), walk(100 + number, 40))) for number in range(12)]
INDEX = Index.of(PIECES, one=True)


def excerpt(piece: int, first: int, count: int) -> Clip:
    """Notes of the first section of a piece, from a bar line on."""
    notes = PIECES[piece][1][0].notes[first : first + count]
    start = notes[0].start // (4 * TICKS) * 4 * TICKS
    return clip_of(replace(note, start=note.start - start) for note in notes)


@pytest.mark.parametrize("semitones", [-5, 0, 7, 12])
def test_a_transposed_copy_is_found_whole(semitones: int) -> None:
    found = INDEX.search(moved(excerpt(3, 10, 20), semitones))
    assert (found.copied_notes, found.copied_share) == (20, 1.0)
    assert (found.nearest, found.piece, found.similarity) == ("Tune 3", 3, 1.0)
    assert (found.semitones, found.scale) == (-semitones, 1.0)
    assert found.runs == (Run(0, 10, 20),)
    assert found.pairs == tuple((note, note + 10) for note in range(20))


@pytest.mark.parametrize("scale", [0.5, 1.5, 2.0])
def test_another_tempo_is_the_same_tune_but_no_shared_run(scale: float) -> None:
    found = INDEX.search(moved(excerpt(5, 0, 24), 3, scale))
    assert found.nearest == "Tune 5"
    assert found.similarity == pytest.approx(0.98)
    assert found.scale == pytest.approx(1 / scale)
    assert found.runs == (Run(0, 0, 24),)
    assert found.copied_notes < 8


def test_changed_notes_break_runs_and_leave_similarity() -> None:
    notes = list(excerpt(4, 5, 24).notes)
    notes[8] = replace(notes[8], pitch=notes[8].pitch + 1)
    del notes[18]
    found = INDEX.search(clip_of(notes))
    assert found.copied_notes == 9  # notes 9 to 17
    assert (found.nearest, found.runs) == ("Tune 4", (Run(0, 5, 8), Run(9, 14, 9), Run(18, 24, 5)))
    assert 0.8 < found.similarity < 1


def test_the_second_section_of_a_piece_follows_the_first() -> None:
    found = INDEX.search(PIECES[6][1][1])
    assert (found.nearest, found.copied_notes) == ("Tune 6", 40)
    assert found.runs == (Run(0, 60, 40),)
    assert INDEX.bar_of(6, 60) == PIECES[6][1][0].bars + 1


def test_a_run_does_not_go_on_into_the_next_piece() -> None:
    first, second = PIECES[0][1][1], PIECES[1][1][0]
    across = clip_of([*first.notes[-6:], *(replace(n, start=n.start + first.notes[-1].end) for n in second.notes[:6])])
    across = clip_of(replace(note, start=note.start - across.notes[0].start) for note in across.notes)
    assert INDEX.search(across).copied_notes in (6, 7)  # 7 where the step between the pieces is by chance in one


def test_the_order_of_the_notes_counts() -> None:
    notes = excerpt(2, 0, 24).notes
    backwards = clip_of(replace(a, pitch=b.pitch) for a, b in zip(notes, reversed(notes), strict=True))
    found = INDEX.search(backwards)
    assert found.copied_share == 0
    assert found.copied_notes < 6
    assert found.similarity < 0.6


def test_a_long_clip_is_as_like_as_its_likest_part() -> None:
    stranger = walk(999, 300)
    copied = moved(excerpt(7, 0, 60), 4)
    whole = stranger.joined(copied)
    found = INDEX.search(whole)
    assert (found.copied_notes, found.nearest) == (60, "Tune 7")
    assert Run(300, 0, 60) in found.runs
    assert found.similarity > 2 * INDEX.search(stranger).similarity


@pytest.mark.parametrize(
    "clip",
    [
        Clip((), 3840),
        clip_of([Note(0, 60, 480)]),
        clip_of([Note(0, 60, 480, muted=True), Note(480, 62, 480)]),
        replace(excerpt(1, 0, 20), drums=True),
    ],
)
def test_what_is_no_tune_shares_nothing(clip: Clip) -> None:
    assert INDEX.search(clip) == Found()


def test_an_index_of_nothing_finds_nothing() -> None:
    assert read_index(index_bytes(Index.of([], one=True))).search(walk(1, 20)) == Found()


def test_what_is_stored_is_found() -> None:
    again = read_index(index_bytes(INDEX))
    assert again.search(excerpt(3, 10, 20)) == INDEX.search(excerpt(3, 10, 20))
    assert again.titles.tolist() == [title for title, _ in PIECES]
    assert (again.pitches[:60] == [note.pitch for note in PIECES[0][1][0].notes]).all()
    assert (again.onsets[:60] == [note.start // 40 for note in PIECES[0][1][0].notes]).all()


def searched(index: Index) -> list[Found]:
    """What is found of copies, of changed copies and of strangers."""
    clips = [moved(excerpt(piece, 7, 30), piece - 6, scale) for piece in range(12) for scale in (0.5, 1.0)]
    clips += [clip_of(n for n in clip.notes if n.start % 7) for clip in clips] + [walk(500 + k, 200) for k in range(9)]
    return [index.search(clip) for clip in clips]


@pytest.mark.parametrize("one", [True, False])
def test_an_index_that_was_stored_sorted_finds_the_same(one: bool) -> None:
    fresh = Index.of([*PIECES, ("Chords", (tune(1, 12, voices=3),))], one)
    again = read_index(index_bytes(fresh))
    assert again.stored is not None
    assert again.sorted is again.stored
    assert searched(again) == searched(fresh)


def test_an_index_of_an_older_version_is_sorted_as_it_is_read() -> None:
    old = read_index(damaged(**{name: ... for name in SORTED}))
    assert old.stored is None
    assert searched(old) == searched(INDEX)
    assert index_bytes(old) == index_bytes(INDEX)


def test_the_line_is_the_highest_of_what_starts_together() -> None:
    chord = [Note(0, 60, 480), Note(10, 67, 480), Note(480, 64, 240), Note(480, 64, 960), Note(960, 62, 1, muted=True)]
    clip = clip_of(chord)
    assert line_of(clip, one=True).pitch.tolist() == [67, 64]
    assert line_of(clip, one=False).pitch.tolist() == [60, 67, 64]


def test_chords_are_found_in_a_corpus_of_many_voices() -> None:
    pieces = [(f"Piece {seed}", (tune(seed, 12, voices=3),)) for seed in range(6)]
    index = Index.of(pieces, one=False)
    whole = pieces[2][1][0]
    part = whole.window(4 * whole.bar, 8 * whole.bar)
    found = index.search(moved(part, 2))
    assert found.copied_notes == len(part.notes)
    assert (found.copied_share, found.nearest) == (1.0, "Piece 2")
    assert len(found.pairs) == len(part.notes)


def test_repeated_notes_are_like_nothing_in_particular() -> None:
    drone = [Note(at * 480, 60, 480) for at in range(40)]
    index = Index.of([*PIECES, ("Drone", (clip_of(drone),))], one=True)
    found = index.search(clip_of(drone[:32]))
    assert (found.copied_notes, found.copied_share, found.nearest) == (32, 1.0, "Drone")
    assert found.similarity < 0.8


@given(
    st.lists(st.lists(st.integers(0, 2), min_size=1, max_size=60), min_size=1, max_size=4),
    st.lists(st.integers(0, 3), min_size=1, max_size=30),
)
@settings(max_examples=200, deadline=None)
def test_runs_are_as_long_as_trying_all_places_finds(corpus: list[list[int]], wanted: list[int]) -> None:
    symbols = np.array([value for part in corpus for value in (-5, *part)])
    length, place = SharedRuns.of(symbols, order_of(symbols)).longest(np.array(wanted))
    text = symbols.tolist()

    def common(at: int, begin: int) -> int:
        size = 0
        while at + size < len(wanted) and begin + size < len(text) and wanted[at + size] == text[begin + size]:
            size += 1
        return size

    assert length.tolist() == [max(common(at, b) for b in range(len(text))) for at in range(len(wanted))]
    assert length.tolist() == [
        common(at, int(b)) if n else 0 for at, (b, n) in enumerate(zip(place, length, strict=True))
    ]


def test_runs_beyond_the_order_are_followed_to_their_end() -> None:
    symbols = np.random.default_rng(1).integers(0, 50, 5 * REACH)
    length, _ = SharedRuns.of(symbols, order_of(symbols)).longest(symbols[7 : 7 + 3 * REACH])
    assert length.tolist() == list(range(3 * REACH, 0, -1))


@given(st.data())
@settings(max_examples=25, deadline=None)
def test_planted_copies_are_found(data: st.DataObject) -> None:
    piece, first = data.draw(st.integers(0, 11)), data.draw(st.integers(0, 28))
    notes = list(moved(excerpt(piece, first, 32), data.draw(st.integers(-12, 12))).notes)
    for at in data.draw(st.sets(st.integers(0, 31), min_size=3, max_size=6)):
        notes[at] = replace(notes[at], pitch=notes[at].pitch + data.draw(st.sampled_from([-3, -2, -1, 1, 2, 3])))
    found = INDEX.search(moved(clip_of(notes), 0, data.draw(st.sampled_from([0.5, 1.0, 2.0]))))
    assert found.nearest == f"Tune {piece}"
    assert found.similarity > 0.7
    assert len(found.pairs) >= 26


SORTED = ("order_low", "order_high", "at_low", "at_high", "seeds", "counts", "interval_bits", "ratio_bits")


def damaged(**arrays: Any) -> bytes:
    """A file that has other arrays than those of the index; `...` leaves one out."""
    with np.load(io.BytesIO(index_bytes(INDEX))) as stored:
        whole = {**stored} | arrays
    file = io.BytesIO()
    np.savez_compressed(file, **{name: array for name, array in whole.items() if array is not ...})
    return file.getvalue()


@pytest.mark.parametrize(
    ("data", "wrong"),
    [
        (b"", "not a zip"),
        (index_bytes(INDEX)[:500], "not a zip"),
        (damaged(titles=...), "titles"),
        (damaged(titles=np.array([None] * 12)), "allow_pickle|Object arrays"),
        (damaged(titles=INDEX.titles[:5]), "first"),
        (damaged(steps=INDEX.steps[:-1]), "steps"),
        (damaged(steps=INDEX.steps.astype(float)), "steps"),
        (damaged(interval=np.full(1200, 100, np.int8)), "pitch is outside"),
        (damaged(first=INDEX.first[::-1].copy()), "do not follow"),
        (damaged(first=np.zeros_like(INDEX.first)), "do not follow"),
        (damaged(bars=INDEX.bars - 5), "bars"),
        (damaged(bars=np.array(3)), "bars"),
        (damaged(order_high=...), "order_high"),
        (damaged(order_low=np.zeros(1200)), "order_low and order_high do not fit"),
        (damaged(order_low=np.zeros(9, np.uint16), order_high=np.zeros(9, np.uint8)), "order does not fit"),
        (damaged(order_high=np.full(1200, 3, np.uint8)), "order does not fit"),
        (damaged(at_high=np.full(INDEX.sorted.seeds.at.shape, 3, np.uint8)), "seeds do not fit the notes"),
        (damaged(seeds=np.zeros(3)), "seeds and counts"),
        (damaged(seeds=np.array(3)), "seeds and counts"),
        (damaged(counts=np.diff(INDEX.sorted.seeds.begin) - 1), "seeds and counts"),
        (damaged(seeds=np.zeros(len(INDEX.sorted.seeds.value), np.int64)), "seeds do not fit the notes"),
        (damaged(ratio_bits=np.zeros(3)), "ratio_bits"),
        (damaged(interval=np.zeros(70_000_000, np.int8)), "unpacks to more"),
    ],
)
def test_a_damaged_index_is_refused(data: bytes, wrong: str) -> None:
    with pytest.raises(AssistantError, match=wrong) as caught:
        read_index(data)
    assert caught.value.code == "no_model"


def test_too_many_notes_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("continuo_daw.assistant.originality.index.MOST_NOTES", 1199)
    with pytest.raises(ValueError, match="1200 notes are more than 1199"):
        Index.of(PIECES, one=True)


def card(metrics: dict[str, Any]) -> Card:
    return Card(1, "m", "M", "charrnn", (), {}, {}, {}, {}, "CC0", metrics, "", "")


HUMAN = [
    {"notes": 16, "copied_notes_p90": 6.0, "copied_share_mean": 0.1},
    {"notes": 64, "copied_notes_p90": 10.0, "copied_share_mean": 0.3},
]
LEVELS = card({"originality": {"human": HUMAN, "checker": [{"notes": 16, "alarm": 0.7}, {"notes": 64, "alarm": 0.4}]}})


@pytest.mark.parametrize(
    ("notes", "level"), [(1, (6, 0.1)), (16, (6, 0.1)), (32, (8, 0.2)), (64, (10, 0.3)), (999, (10, 0.3))]
)
def test_the_human_level_lies_between_those_measured(notes: int, level: tuple[float, float]) -> None:
    assert human_level(LEVELS, notes) == pytest.approx(level)


def test_the_alarm_lies_between_those_measured() -> None:
    assert alarm_level(LEVELS, 32) == pytest.approx(0.55)


@pytest.mark.parametrize(
    "metrics", [{}, {"originality": None}, {"originality": {"human": []}}, {"originality": {"human": [3]}}]
)
def test_a_card_that_says_nothing_has_no_level(metrics: dict[str, Any]) -> None:
    assert human_level(card(metrics), 16) is None
    assert alarm_level(card(metrics), 16) is None
