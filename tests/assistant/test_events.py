"""The event codec: every note on the grid comes back, and what the mask allows can be decoded."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from continuo_daw.assistant.codecs.events import END, KINDS, RESUME, START, EventCodec, NoteReader
from continuo_daw.assistant.codecs.stretch import starts_of, stretch_of
from continuo_daw.assistant.music.clip import Clip, Note, clip_of

MANY = EventCodec(voices="many")
ONE = EventCodec(voices="one")
MICRO = EventCodec(voices="many", timing="micro")

on_grid = st.builds(
    Note,
    start=st.integers(0, 400).map(lambda step: step * 40),
    pitch=st.integers(55, 62) | st.integers(0, 127),
    duration=st.sampled_from([1, 2, 8, 24, 95, 96, 97, 192, 193, 400]).map(lambda step: step * 40),
    velocity=st.integers(1, 127),
)
anywhere = st.builds(
    Note,
    start=st.integers(0, 20_000),
    pitch=st.integers(0, 127),
    duration=st.integers(1, 9_000),
    velocity=st.integers(1, 127),
)


def unlike(notes: list[Note]) -> list[Note]:
    """One of the notes that are alike in onset, pitch and duration."""
    return list({(n.start, n.pitch, n.duration): n for n in notes}.values())


@given(st.lists(on_grid, max_size=24))
def test_every_note_on_the_grid_comes_back(notes: list[Note]) -> None:
    clip = clip_of(unlike(notes))
    assert tuple(sorted(MANY.decode(MANY.encode(clip)))) == clip.notes


@given(st.lists(anywhere, max_size=16))
def test_micro_timing_keeps_what_is_off_the_grid(notes: list[Note]) -> None:
    rows = {((n.start + 20) // 40, n.pitch, max((n.end + 20) // 40, (n.start + 20) // 40 + 1)): n for n in notes}
    clip = clip_of(rows.values())
    assert tuple(sorted(MICRO.decode(MICRO.encode(clip)))) == clip.notes


@given(st.lists(anywhere, max_size=16))
def test_rounding_moves_no_end_by_more_than_half_a_step_but_for_the_shortest(notes: list[Note]) -> None:
    decoded = MANY.decode(MANY.encode(clip_of(notes)))
    ends = {(n.pitch, round(n.end / 40)) for n in notes} | {(n.pitch, (n.start + 20) // 40 + 1) for n in notes}
    assert all(n.start % 40 == 0 and n.end % 40 == 0 for n in decoded)
    assert {(n.pitch, (n.start + 20) // 40) for n in notes} == {(n.pitch, n.start // 40) for n in decoded}
    assert all(any(p == n.pitch and abs(e - n.end // 40) <= 1 for p, e in ends) for n in decoded)


@given(
    st.lists(st.tuples(st.integers(0, 200), st.integers(1, 200), st.integers(0, 127), st.integers(1, 127)), max_size=20)
)
def test_one_voice_with_rests_comes_back(steps: list[tuple[int, int, int, int]]) -> None:
    notes, clock = [], 0
    for rest, duration, pitch, velocity in steps:
        notes.append(Note((clock + rest) * 40, pitch, duration * 40, velocity))
        clock += rest + duration
    clip = clip_of(notes)
    assert ONE.decode(ONE.encode(clip)) == clip.notes


@given(st.lists(anywhere, max_size=20))
def test_one_voice_is_made_of_anything(notes: list[Note]) -> None:
    assert clip_of(ONE.decode(ONE.encode(clip_of(notes)))).monophonic


@pytest.mark.parametrize(
    "codec", [MANY, ONE, MICRO, EventCodec(voices="one", timing="micro"), EventCodec(resolution=48)]
)
@given(st.integers(0, 2**32 - 1))
@settings(max_examples=20, deadline=None)
def test_whatever_the_mask_allows_can_be_decoded(codec: EventCodec, seed: int) -> None:
    rng = np.random.default_rng(seed)
    grammar, tokens, state = codec.grammar, [START], np.zeros(3, np.float32)
    for _ in range(150):
        legal = np.flatnonzero(grammar.legal(tokens[-1], state))
        legal = legal[legal != END]
        assert len(legal), "a sequence must never come to a dead end"
        kind = rng.choice(np.unique(codec.kinds[legal]))  # kinds alike, so that the rare ones occur too
        tokens.append(int(rng.choice(legal[codec.kinds[legal] == kind])))
        state = grammar.advance(state, tokens[-1])
    notes = codec.decode(tokens)
    assert len({(n.start, n.pitch, n.duration) for n in notes}) == len(notes) or codec.timing == "micro"
    if codec.voices == "one" and codec.timing == "round":
        assert clip_of(notes).monophonic


@given(st.lists(on_grid, min_size=1, max_size=8), st.data())
def test_a_sequence_with_one_wrong_token_is_refused_or_says_other_notes(notes: list[Note], data: st.DataObject) -> None:
    tokens = MANY.encode(clip_of(unlike(notes))).tolist()
    at = data.draw(st.integers(0, len(tokens) - 1))
    wrong = data.draw(st.integers(0, MANY.size - 1).filter(lambda token: token != tokens[at]))
    spoilt = [*tokens[:at], wrong, *tokens[at + 1 :]]
    try:
        decoded = MANY.decode(spoilt)
    except ValueError:
        return
    assert tokens[at] in (START, END) or decoded != MANY.decode(tokens)


@pytest.mark.parametrize(
    ("names", "wrong"),
    [
        ("START PITCH60 DURATION24 PITCH60", "PITCH60 may not|may not follow"),  # a chord rises
        ("START PITCH60 DURATION24 PITCH59", "may not follow"),
        ("START PITCH60 TIME24", "may not follow"),
        ("START TIME24 TIME24", "may not follow"),
        ("START VELOCITY64", "may not follow"),
        ("PITCH60", "opens with START"),
        ("START START", "may not follow"),
        ("START PITCH60 VELOCITY64 VELOCITY65", "may not follow"),
        ("START END PITCH60", "may not follow"),
    ],
)
def test_near_legal_sequences_are_refused(names: str, wrong: str) -> None:
    known = {MANY.name(token): token for token in range(MANY.size)}
    with pytest.raises(ValueError, match=wrong):
        MANY.decode(known[name] for name in names.split())


def test_one_voice_refuses_a_note_while_another_sounds() -> None:
    known = {ONE.name(token): token for token in range(ONE.size)}
    with pytest.raises(ValueError, match="may not follow DURATION48"):
        ONE.decode(known[name] for name in ["START", "PITCH60", "DURATION48", "TIME24", "PITCH62"])


def test_a_unison_of_another_length_is_the_difference() -> None:
    clip = clip_of([Note(0, 60, 960, 80), Note(0, 60, 1920, 90)])
    names = [MANY.name(token) for token in MANY.encode(clip)]
    assert names == ["START", "PITCH60", "VELOCITY80", "DURATION24", "VELOCITY90", "DURATION24", "END"]


def test_muted_notes_are_left_out_and_the_loudest_of_equals_stays() -> None:
    clip = clip_of([Note(0, 60, 960, 80, muted=True), Note(0, 62, 960, 50), Note(0, 62, 960, 70)])
    assert MANY.decode(MANY.encode(clip)) == (Note(0, 62, 960, 70),)


def test_a_reader_gives_a_note_with_its_last_token() -> None:
    reader = NoteReader(MANY)
    tokens = MANY.encode(clip_of([Note(0, 60, 960, 80), Note(960, 62, 960, 80)]))
    given_at = [KINDS[MANY.kinds[token]] for token in tokens if reader.read(int(token))]
    assert given_at == ["DURATION", "DURATION"]


@given(st.lists(on_grid, min_size=2, max_size=20), st.data())
def test_a_stretch_sounds_as_it_did_in_the_whole(notes: list[Note], data: st.DataObject) -> None:
    clip = clip_of(unlike(notes))
    tokens = MANY.encode(clip)
    start = int(data.draw(st.sampled_from(starts_of(MANY, tokens).tolist())))
    stretch = stretch_of(MANY, tokens, start, len(tokens))
    decoded = MANY.decode(stretch.tokens)
    assert stretch.tokens[0] == (RESUME if start else START)
    shift = clip.notes[len(clip.notes) - len(decoded)].start - decoded[0].start
    moved = tuple(sorted(Note(n.start + shift, n.pitch, n.duration, n.velocity) for n in decoded))
    assert moved == clip.notes[len(clip.notes) - len(decoded) :]


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [({"resolution": 7}, "resolution 7"), ({"voices": "two"}, "voices 'two'"), ({"timing": "late"}, "timing 'late'")],
)
def test_a_codec_names_the_field_that_is_wrong(fields: dict[str, object], wrong: str) -> None:
    with pytest.raises(ValueError, match=wrong):
        EventCodec(**fields)  # type: ignore[arg-type]


def test_an_empty_clip_is_start_and_end() -> None:
    assert MANY.encode(Clip((), 0)).tolist() == [START, END]
