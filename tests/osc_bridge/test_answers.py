"""Answers say what they are to the clip, of which track and in which time; and what is not notes."""

from __future__ import annotations

import pytest
from scale_engine import ScaleEngine, scale
from wire import Wire, clip_parts

from continuo_daw.osc_bridge.daemon.addresses import PAIRS, PLACES
from continuo_daw.osc_bridge.wire.encode import encode, value_parts

TRACK = ("name", "Bass", "channel", 4, "program", 34)


def result_of(wire: Wire, task: str, *options: object, info: tuple[object, ...] = TRACK) -> dict[str, object]:
    """The pairs of the first result, for a clip of eight beats."""
    wire.send_parts(clip_parts("a", scale(0, 0, 32)))
    wire.send("/continuo/clip/info", "a", 8.0, 90, 3, 4, *info)
    wire.send(f"/continuo/{task}", 1, "clip", "a", *options)
    messages = wire.answers()
    result = next(m for m in messages if m[0] == "/continuo/result")
    pairs = result[6:]
    return {"at": result[4], **dict(zip(pairs[::2], pairs[1::2], strict=True))}  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("task", "options", "place"),
    [
        ("continue", (), {"place": "behind", "at": 8.0, "upbeat": 1.0}),
        ("continue", ("to", 6.0), {"place": "over", "at": 6.0, "from": 6.0, "to": 9.0, "upbeat": 0.0}),
        ("vary", (), {"place": "free", "at": 0.0, "upbeat": 0.0}),
        ("vary", ("from", 1.0, "to", 4.0), {"place": "over", "at": 1.0, "from": 1.0, "to": 4.0, "upbeat": 2.0}),
        ("refine_velocity", (), {"place": "in_place", "at": 0.0, "upbeat": 0.0}),
    ],
)
def test_what_an_answer_is(wire: Wire, task: str, options: tuple[object, ...], place: dict[str, object]) -> None:
    said = result_of(wire, task, *options)
    track = {"channel": 4, "program": 34, "drums": 0, "tempo": 90.0, "numerator": 3, "denominator": 4}
    assert said == {"density": 4.0, **track, **place}
    assert set(said) <= {"at", "density", *PAIRS} and said["place"] in PLACES


def test_drums_come_back_as_drums(wire: Wire) -> None:
    said = result_of(wire, "refine_velocity", info=("channel", 10))
    assert (said["channel"], said["drums"]) == (10, 1)


def test_without_a_clip_the_time_is_what_was_asked(wire: Wire) -> None:
    wire.send("/continuo/generate", 1, "tempo", 90, "meter", "6/8")
    result = next(m for m in wire.answers() if m[0] == "/continuo/result")
    time = ["drums", 0, "tempo", 90.0, "numerator", 6, "denominator", 8, "upbeat", 0.0]
    assert result[6:] == ["density", 4.0, "place", "free", *time]


def test_what_is_not_notes_comes_before_the_result_in_rows(wire: Wire, engine: ScaleEngine) -> None:
    chords = tuple((4.0 * k, f"C{k}") for k in range(600))
    engine.data = (("chord", chords), ("key", ()))
    wire.send("/continuo/generate", 1, "seed", 1)
    messages = wire.answers()
    kinds = [m[0] for m in messages]
    data = [m for m in messages if m[0] == "/continuo/data"]
    assert len(data) > 2 and kinds.index("/continuo/result") > max(k for k, a in enumerate(kinds) if a == data[0][0])
    rows = {}
    for _, identity, candidate, key, first, total, *values in data[:-1]:
        assert (identity, candidate, key, total) == (1, 0, "chord", 600)
        rows.update({first + k // 2: tuple(values[k : k + 2]) for k in range(0, len(values), 2)})  # type: ignore[operator]
    assert tuple(rows[k] for k in range(600)) == chords
    assert data[-1] == ["/continuo/data", 1, 0, "key", 0, 0]


@pytest.mark.parametrize("size", [200, 1400])
def test_rows_fill_the_datagrams_and_never_more(size: int) -> None:
    rows = [(k / 2, "x" * (k % 30)) for k in range(300)]
    parts = list(value_parts("/continuo/data", (1, 0, "chord"), rows, size))
    sizes = [len(encode("/continuo/data", *part)) for part in parts]
    assert max(sizes) <= size and min(sizes[:-1]) > size * 0.6
    flat = [value for part in parts for value in part[5:]]
    assert flat == [value for row in rows for value in row]
    assert [part[3] for part in parts] == [sum(len(p[5:]) // 2 for p in parts[:k]) for k in range(len(parts))]
