"""`blend`: what lies between several clips, by weight."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from tiny import tune

from continuo_daw.assistant.errors import AssistantError
from continuo_daw.assistant.latent.space import Latent, clip_from, levelled
from continuo_daw.assistant.music.clip import TICKS, Clip, Note
from continuo_daw.assistant.request import Candidate
from continuo_daw.assistant.tasks import blend

Ask = Callable[..., tuple[Candidate, ...]]
BAR = 4 * TICKS
CLIPS = tuple(tune(seed, 2) for seed in range(8))
WANTED = "is not 2 numbers from 0 to 1000, not all 0, one for each clip"


@pytest.mark.parametrize(
    ("text", "shares"),
    [
        ("", [0.5, 0.5]),
        ("1,3", [0.25, 0.75]),
        ("1 3", [0.25, 0.75]),
        (" 2 , 2 ", [0.5, 0.5]),
        ("0,0.001", [0, 1]),
        ("1000,1e-300", [1, 0]),
    ],
)
def test_weights_are_shares(text: str, shares: list[float]) -> None:
    assert blend.weights_of({"weights": text}, 2).tolist() == pytest.approx(shares)


@pytest.mark.parametrize("text", ["1", "1,2,3", "one,two", "1;2", "-1,2", "0,0", "nan,1", "inf,1", "1001,1", "1e400,1"])
def test_weights_that_are_none_are_refused(ask: Ask, text: str) -> None:
    with pytest.raises(AssistantError) as caught:
        ask("blend", *CLIPS[:2], weights=text)
    assert (caught.value.code, caught.value.text) == ("bad_args", f"weights {text} {WANTED}")


@pytest.mark.parametrize("count", [2, 3, 8])
def test_clips_are_blended_into_one(ask: Ask, count: int) -> None:
    (found,) = ask("blend", *CLIPS[:count])
    assert found.at == 0
    assert found.clip.length == 2 * BAR
    assert found.clip.notes and all(note.end <= found.clip.length for note in found.clip.notes)


def test_the_mean_of_the_codes_is_played(ask: Ask, latent: Latent) -> None:
    a, b = CLIPS[:2]
    code = (0.25 * latent.encode(a) + 0.75 * latent.encode(b)).astype(np.float32)
    wanted = clip_from(latent, latent.decode(code[None], 2, 96)[0], a)
    found = ask("blend", a, b, weights="1,3")[0].clip
    level = 0.25 * np.mean([note.velocity for note in a.notes]) + 0.75 * np.mean([note.velocity for note in b.notes])
    assert found.notes == levelled(wanted.notes, float(level))


def test_length_and_tempo_are_weighed(ask: Ask) -> None:
    first, last = replace(tune(1, 2), tempo=60.0), replace(tune(2, 6), tempo=120.0)
    found = ask("blend", first, last, weights="1,3")[0].clip
    assert (found.bars, found.tempo) == (5, 105.0)


def test_muted_notes_and_notes_over_the_end_do_no_harm(ask: Ask) -> None:
    plain = ask("blend", *CLIPS[:2], model="vae-one-2")
    last = CLIPS[1].notes[-1]
    notes = (*CLIPS[1].notes[:-1], replace(last, duration=50_000), Note(100, 90, 960, 1, True))
    assert ask("blend", CLIPS[0], replace(CLIPS[1], notes=notes), model="vae-one-2") == plain


def test_further_candidates_lie_near_the_first_by_temperature(ask: Ask) -> None:
    def clips(temperature: float) -> list[Clip]:
        return [c.clip for c in ask("blend", *CLIPS[:3], candidates=6, temperature=temperature)]

    assert len(set(clips(0.0))) == 1
    assert clips(0.1)[0] == clips(2.0)[0] == clips(0.0)[0]
    assert len(set(clips(2.0))) > len(set(clips(0.1)))


def test_a_candidate_is_the_same_alone_and_among_others(ask: Ask) -> None:
    many = ask("blend", *CLIPS[:2], candidates=5, temperature=1)
    assert many[:3] == ask("blend", *CLIPS[:2], candidates=3, temperature=1)
    assert many != ask("blend", *CLIPS[:2], candidates=5, temperature=1, seed=6)


def test_binary_codes_are_blended_by_the_majority(ask: Ask, bits: Latent) -> None:
    a, b, c = CLIPS[:3]
    sum_of_codes = sum(bits.encode(clip) for clip in (a, b, c))
    code = np.where(sum_of_codes > 0, 1, -1).astype(np.float32)
    wanted = clip_from(bits, bits.decode(code[None], 2, 96)[0], a)
    found = ask("blend", a, b, c, model="seqae-one-1")[0].clip
    assert [(n.start, n.pitch) for n in found.notes] == [(n.start, n.pitch) for n in wanted.notes]


@pytest.mark.parametrize(
    ("clips", "text"),
    [
        (CLIPS[:1], "blend takes 2 to 8 clips, 1 were given"),
        ((*CLIPS, CLIPS[0]), "blend takes 2 to 8 clips, 9 were given"),
        ((CLIPS[0], CLIPS[1], tune(1, 2, (6, 8))), "clips in 4/4 and 6/8 have no bar in common: give them one meter"),
        ((CLIPS[0], Clip((), BAR)), "clip 2 has no notes that sound"),
    ],
)
def test_what_cannot_be_blended_is_refused(ask: Ask, clips: tuple[Clip, ...], text: str) -> None:
    with pytest.raises(AssistantError) as caught:
        ask("blend", *clips)
    assert (caught.value.code, caught.value.text) == ("bad_args", text)
