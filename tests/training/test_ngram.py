"""The n-gram baseline against figures worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from continuo_daw.assistant.codecs.events import START, EventCodec
from continuo_daw.training.evaluation.ngram import cross_entropy, transposed

VOCABULARY = 5
TRAIN = [np.array([START, 3, 4, 3])]
# discount 1/2: each of the two events that were seen gives a half, shared among five
SHARED = 0.5 * 2 / 3 / VOCABULARY
ONE = {3: 1.5 / 3 + SHARED, 4: 0.5 / 3 + SHARED, 0: SHARED}


def chances(test: list[list[int]], order: int, lead: int = 1, train: list[NDArray[np.int64]] = TRAIN) -> list[float]:
    pieces = [np.array(piece) for piece in test]
    nats = cross_entropy(train, pieces, VOCABULARY, order, discount=0.5, lead=lead)
    return np.exp(-nats).tolist()


def test_order_0_knows_only_the_number_of_tokens() -> None:
    assert chances([[START, 3, 0]], 0) == pytest.approx([0.2, 0.2])


def test_single_events_are_discounted() -> None:
    assert chances([[START, 3, 4, 0]], 1) == pytest.approx([ONE[3], ONE[4], ONE[0]])


def test_pairs_fall_back_on_single_events() -> None:
    # START 3, 3 4 and 4 3 were seen once each
    wanted = [0.5 + 0.5 * ONE[3], 0.5 + 0.5 * ONE[4], 0.5 * ONE[4]]
    assert chances([[START, 3, 4, 4]], 2) == pytest.approx(wanted)


def test_a_context_that_was_never_seen_says_nothing() -> None:
    assert chances([[START, 0, 3]], 2)[1] == pytest.approx(ONE[3])


def test_start_is_no_event() -> None:
    assert len(chances([[START, 3], [START, 4]], 1)) == 2
    assert chances([[START, START]], 1) == pytest.approx([SHARED])  # as an event it was never seen


def test_a_context_does_not_reach_into_the_piece_before() -> None:
    # 3 and 4 stood once each at the start of a piece, and 4 START 4 is no trigram of these
    train = [np.array([START, 3, 4]), np.array([START, 4])]
    single = 1.5 / 3 + SHARED
    pair = 0.5 / 2 + 0.5 * single
    assert chances([[START, 4]], 3, train=train) == pytest.approx([0.5 / 2 + 0.5 * pair])


@pytest.mark.parametrize("order", [0, 1, 2, 3])
def test_the_chances_of_all_tokens_add_up_to_one(order: int) -> None:
    train = [np.array([START, *np.random.default_rng(0).integers(0, VOCABULARY, 30)])]
    for context in ([START, 3], [3, 4], [4, 4]):
        every = chances([[*context, token] for token in range(VOCABULARY)], order, lead=2, train=train)
        assert sum(every) == pytest.approx(1)


def test_what_was_learnt_costs_less_in_higher_orders() -> None:
    pattern = np.array([START, *[2, 3, 4, 0] * 8])
    costs = [cross_entropy([pattern], [pattern], VOCABULARY, order).mean() for order in range(4)]
    assert costs[0] > costs[1] - 0.2 > costs[2]
    assert costs[2] < 0.5 < costs[1]


def test_a_piece_is_moved_by_every_interval() -> None:
    codec = EventCodec()
    pitch, duration = codec.token("PITCH", 60), codec.token("DURATION", 24)
    found = transposed(codec, [np.array([START, pitch, duration])], 3)
    assert [piece.tolist() for piece in found] == [[START, pitch + k, duration] for k in (-3, -2, -1, 0, 1, 2)]


def test_a_piece_is_not_moved_beyond_the_pitches() -> None:
    codec = EventCodec()
    top, low = codec.token("PITCH", 126), codec.token("PITCH", 1)
    assert len(transposed(codec, [np.array([START, top])], 6)) == 8  # -6 to 1
    assert len(transposed(codec, [np.array([START, low])], 6)) == 7  # -1 to 5
    assert len(transposed(codec, [np.array([START, top])], 0)) == 1


def test_a_piece_without_a_pitch_stays_in_every_copy() -> None:
    assert [piece.tolist() for piece in transposed(EventCodec(), [np.array([START])], 2)] == [[START]] * 4


def test_several_discounts_at_once_are_each_alone() -> None:
    pattern = np.array([START, 1, 2, 1, 3, 1, 2])
    both = cross_entropy([pattern], [pattern], VOCABULARY, 3, np.array([[0.3], [0.8]]))
    assert np.array_equal(both[0], cross_entropy([pattern], [pattern], VOCABULARY, 3, 0.3))
    assert np.array_equal(both[1], cross_entropy([pattern], [pattern], VOCABULARY, 3, 0.8))
