"""Clips as they are given: parts in any order, kept for a while, whole or not at all."""

from __future__ import annotations

import random

import pytest
from scale_engine import scale

from continuo_daw.assistant.errors import AssistantError
from continuo_daw.assistant.music.clip import TICKS, Clip, Note, clip_of
from continuo_daw.assistant.music.time_map import TimeMap
from continuo_daw.osc_bridge.daemon.store import MAX_CHANGES, MAX_CLIPS, MAX_HOST_NOTES, Info, Store
from continuo_daw.osc_bridge.wire.notes import MAX_NOTES

HOST = "127.0.0.1"
NOTES = scale(0, 0, 40)


class Clock:
    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(clock: Clock) -> Store:
    return Store(clock)


def test_parts_in_any_order_and_twice(store: Store) -> None:
    parts = [(first, NOTES[first : first + 7]) for first in range(0, 40, 7)] * 2
    random.Random(1).shuffle(parts)
    for first, notes in parts:
        store.add(HOST, "a", first, 40, notes)
    assert store.clip(HOST, "a").clip == clip_of(NOTES)


def test_the_order_of_the_client_is_kept(store: Store) -> None:
    notes = (Note(960, 60, 10), Note(0, 60, 10), Note(480, 60, 10))
    store.add(HOST, "a", 0, 3, notes)
    clip, order = store.clip(HOST, "a")
    assert [notes[index] for index in order] == list(clip.notes)
    assert order == (1, 2, 0)


def test_a_missing_range_is_named(store: Store) -> None:
    for first in (0, 3, 20):
        store.add(HOST, "a", first, 40, NOTES[first : first + 2])
    with pytest.raises(AssistantError, match="clip a: notes 2 to 2, 5 to 19, 22 to 39 of 40 are missing") as caught:
        store.clip(HOST, "a")
    assert caught.value.code == "incomplete"


def test_a_clip_that_was_only_described_is_incomplete(store: Store) -> None:
    store.describe(HOST, "a", Info(960, 90.0, (3, 4)))
    with pytest.raises(AssistantError, match="no notes have arrived") as caught:
        store.clip(HOST, "a")
    assert caught.value.code == "incomplete"


def test_a_clip_without_notes(store: Store) -> None:
    store.describe(HOST, "a", Info(960, 90.0, (3, 4)))
    store.add(HOST, "a", 0, 0, ())
    assert store.clip(HOST, "a").clip == Clip((), 960, 90.0, (3, 4))


def test_the_description_may_come_first_or_last(store: Store) -> None:
    store.describe(HOST, "a", Info(20 * TICKS, 90.0, (3, 4)))
    store.add(HOST, "a", 0, 40, NOTES)
    store.add(HOST, "b", 0, 40, NOTES)
    store.describe(HOST, "b", Info(20 * TICKS, 90.0, (3, 4)))
    assert store.clip(HOST, "a").clip == store.clip(HOST, "b").clip == Clip(NOTES, 20 * TICKS, 90.0, (3, 4))


def test_another_total_starts_a_new_clip(store: Store) -> None:
    store.add(HOST, "a", 0, 40, NOTES)
    store.add(HOST, "a", 0, 2, NOTES[:2])
    assert store.clip(HOST, "a").clip == clip_of(NOTES[:2])


def test_a_note_behind_the_end_is_named(store: Store) -> None:
    store.add(HOST, "a", 0, 40, NOTES)
    store.describe(HOST, "a", Info(2 * TICKS))
    with pytest.raises(AssistantError, match=r"note 39 starts at beat 9.75, the clip ends at beat 2"):
        store.clip(HOST, "a")


def test_hosts_do_not_share_names(store: Store) -> None:
    store.add("10.0.0.1", "a", 0, 40, NOTES)
    with pytest.raises(AssistantError, match="clip a was not given") as caught:
        store.clip(HOST, "a")
    assert caught.value.code == "not_found"


def test_a_clip_is_kept_for_ten_minutes_from_its_last_use(store: Store, clock: Clock) -> None:
    store.add(HOST, "a", 0, 40, NOTES)
    clock.seconds = 599
    store.clip(HOST, "a")
    clock.seconds = 1198
    store.clip(HOST, "a")
    clock.seconds = 1798
    with pytest.raises(AssistantError, match="not given in the last ten minutes"):
        store.clip(HOST, "a")


def test_of_more_than_64_clips_the_oldest_goes(store: Store) -> None:
    for number in range(MAX_CLIPS + 1):
        store.add(HOST, str(number), 0, 40, NOTES)
    assert store.clip(HOST, "1").clip == clip_of(NOTES)
    with pytest.raises(AssistantError, match="clip 0 was not given"):
        store.clip(HOST, "0")


def test_of_too_many_notes_together_the_oldest_clip_goes(store: Store) -> None:
    notes = (Note(0, 60, 1),) * MAX_NOTES
    for number in range(MAX_HOST_NOTES // MAX_NOTES + 1):
        store.add(HOST, str(number), 0, MAX_NOTES, notes)
    with pytest.raises(AssistantError, match="clip 0 was not given"):
        store.clip(HOST, "0")
    assert len(store.clip(HOST, "1").clip.notes) == MAX_NOTES


def test_changes_of_time_in_any_order_and_the_last_at_a_beat_counts(store: Store) -> None:
    store.change_meter(HOST, "a", 8 * TICKS, (2, 4))
    store.add(HOST, "a", 0, 40, NOTES)
    store.change_meter(HOST, "a", 8 * TICKS, (3, 4))
    store.change_tempo(HOST, "a", 6 * TICKS, 90.0)
    store.describe(HOST, "a", Info(20 * TICKS, 100.0, (4, 4), upbeat=4 * TICKS - 1))
    store.change_tempo(HOST, "a", 2 * TICKS, 80.0)
    clip = store.clip(HOST, "a").clip
    assert clip.time == TimeMap(
        ((0, 100.0), (2 * TICKS, 80.0), (6 * TICKS, 90.0)), ((0, (4, 4)), (8 * TICKS, (3, 4))), 4 * TICKS - 1
    )


def test_a_change_at_the_start_holds_from_there(store: Store) -> None:
    store.add(HOST, "a", 0, 40, NOTES)
    store.change_meter(HOST, "a", 0, (3, 4))
    store.change_tempo(HOST, "a", 0, 90.0)
    assert store.clip(HOST, "a").clip == clip_of(NOTES, 90.0, (3, 4))


def test_changes_behind_the_end_say_nothing(store: Store) -> None:
    store.add(HOST, "a", 0, 4, NOTES[:4])
    store.describe(HOST, "a", Info(4 * TICKS))
    for beat in (4, 5):  # what goes on behind the clip starts with the change at its end
        store.change_tempo(HOST, "a", beat * TICKS, 90.0 + beat)
        store.change_meter(HOST, "a", beat * TICKS, (beat, 8))
    clip = store.clip(HOST, "a").clip
    assert (clip.tempos, clip.meters) == (((4 * TICKS, 94.0),), ((4 * TICKS, (4, 8)),))


def test_a_clip_without_a_length_ends_with_its_last_bar_also_behind_an_upbeat(store: Store) -> None:
    store.add(HOST, "a", 0, 40, NOTES)  # ten beats
    store.describe(HOST, "a", Info(meter=(3, 4), upbeat=TICKS))
    assert store.clip(HOST, "a").clip.length == 10 * TICKS
    store.describe(HOST, "a", Info(meter=(3, 4), upbeat=2 * TICKS))
    assert store.clip(HOST, "a").clip.length == 11 * TICKS


@pytest.mark.parametrize(
    ("channel", "said", "drums"), [(10, None, True), (10, False, False), (4, None, False), (4, True, True)]
)
def test_channel_10_is_drums_where_nothing_else_is_said(
    store: Store, channel: int, said: bool | None, drums: bool
) -> None:
    store.add(HOST, "a", 0, 40, NOTES)
    store.describe(HOST, "a", Info(channel=channel, drums=said))
    assert store.clip(HOST, "a").clip.drums is drums


def test_changes_are_bounded(store: Store) -> None:
    for tick in range(MAX_CHANGES):
        store.change_tempo(HOST, "a", tick, 90.0)
    store.change_tempo(HOST, "a", 5, 91.0)
    with pytest.raises(AssistantError, match=f"clip a: at_beats 9600: a clip has at most {MAX_CHANGES} changes of the"):
        store.change_tempo(HOST, "a", 9600 * TICKS, 90.0)


def test_a_clip_of_too_many_notes(store: Store) -> None:
    with pytest.raises(AssistantError, match=f"at most {MAX_NOTES}") as caught:
        store.add(HOST, "a", 0, MAX_NOTES + 1, NOTES)
    assert caught.value.code == "too_large"


def test_notes_beyond_the_total(store: Store) -> None:
    with pytest.raises(AssistantError, match="notes 30 to 69 do not fit into a total of 40"):
        store.add(HOST, "a", 30, 40, NOTES)


def test_the_last_clip(store: Store, clock: Clock) -> None:
    assert store.last(HOST) is None
    store.add(HOST, "a", 0, 40, NOTES)
    store.add(HOST, "b", 0, 2, NOTES[:2])
    last = store.last(HOST)
    assert last and last.clip == clip_of(NOTES[:2])
    clock.seconds = 601
    assert store.last(HOST) is None
