"""The queue estimate: trades, arrivals, cancellations and our own orders; and how far it is off."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.market import Queue, RowKind
from exchange.paper.order import SHARES, PaperOrder
from exchange.queue_estimate import (
    ALL_BEHIND,
    ARRIVALS_MAX,
    BY_SIZE,
    PRO_RATA,
    CancelModel,
    QueueEstimator,
    cut_ahead,
    front,
)
from exchange.recording import open_recording
from exchange.units import SECOND
from exchange.words import Side
from tools.bench.queue import CANDIDATES, DEFAULT, FEEDS, Group, measure

BUY, SELL = Side.BUY, Side.SELL
MODELS = (ALL_BEHIND, PRO_RATA, BY_SIZE, CancelModel(power=4))


def resting(*sizes: int, model: CancelModel = BY_SIZE, shows_ours: bool = False) -> QueueEstimator:
    """Let a bid `a` of ours of 100 join at 1000 when the level has had these sizes in turn."""
    estimator = QueueEstimator(model, shows_ours=shows_ours)
    for size in sizes:
        estimator.on_level(BUY, 1000, size)
    estimator.rest("a", BUY, 1000, 100, sizes[-1])
    return estimator


def after(estimator: QueueEstimator, *sizes: int) -> Queue | None:
    """Return where `a` stands when its level has had these sizes in turn."""
    for size in sizes:
        estimator.on_level(BUY, 1000, size)
    return estimator.queue("a")


def test_an_order_joins_behind_what_stands_there() -> None:
    assert resting(300).queue("a") == Queue(300, 0)


def test_an_order_may_join_a_level_that_was_never_told_of() -> None:
    estimator = QueueEstimator()

    estimator.rest("a", BUY, 1000, 100, 300)

    assert estimator.queue("a") == Queue(300, 0)


def test_an_order_that_does_not_rest_has_no_place() -> None:
    estimator = resting(300)

    estimator.gone("a")
    estimator.gone("a")

    assert estimator.queue("a") is None
    assert estimator.queues() == {}


def test_what_comes_later_stands_behind() -> None:
    assert after(resting(300), 450) == Queue(300, 150)


def test_a_trade_eats_what_is_ahead_first_and_its_level_is_not_counted_twice() -> None:
    estimator = resting(300)
    estimator.on_level(BUY, 1000, 450)

    estimator.on_trade(BUY, 1000, 280)
    first = estimator.queue("a")
    estimator.on_level(BUY, 1000, 170)
    second = estimator.queue("a")
    estimator.on_trade(BUY, 1000, 60)

    assert first == second == Queue(20, 150)
    assert estimator.queue("a") == Queue(0, 110)


def test_trades_elsewhere_leave_us_alone() -> None:
    estimator = resting(300)

    estimator.on_trade(SELL, 1000, 300)
    estimator.on_trade(BUY, 999, 300)

    assert estimator.queues() == {"a": Queue(300, 0)}


def test_a_cancellation_as_large_as_an_arrival_is_that_arrival() -> None:
    assert after(resting(100, 300), 370, 170) == Queue(100, 70)
    assert after(resting(100, 300), 370, 300) == Queue(300, 0)
    assert after(resting(100, 300), 370, 270) == Queue(200, 70)


def test_of_arrivals_of_one_size_the_newest_is_cancelled() -> None:
    assert after(resting(50, 100), 150, 100) == Queue(100, 0)
    assert after(resting(50, 100), 150, 100, 50) == Queue(50, 0)


def test_a_cancellation_that_fits_no_arrival_is_taken_off_behind_us() -> None:
    assert after(resting(300), 450, 440) == Queue(300, 140)
    assert after(resting(300), 450, 280) == Queue(280, 0)


@pytest.mark.parametrize(
    ("model", "queue"),
    [
        (ALL_BEHIND, Queue(200, 0)),
        (PRO_RATA, Queue(100, 100)),
        (CancelModel(by_size=False, power=2), Queue(100, 100)),
        (BY_SIZE, Queue(0, 200)),
    ],
)
def test_models_differ_in_whose_a_cancellation_is(model: CancelModel, queue: Queue) -> None:
    # Two arrived behind us, so that 200 fits only what is ahead.
    assert after(resting(200, model=model), 300, 400, 200) == queue


def test_a_power_favours_the_deeper_side() -> None:
    model = CancelModel(by_size=False, power=2)

    assert model.cut(50, 300, 100) == 45
    assert model.cut(50, 100, 300) == 5


def test_a_power_must_not_be_negative() -> None:
    with pytest.raises(ValueError, match="power must not be negative, was -1"):
        CancelModel(power=-1)


def test_a_level_that_empties_puts_us_first() -> None:
    assert after(resting(300), 450, 0) == Queue(0, 0)
    assert after(resting(300), 450, 0, 70) == Queue(0, 70)


def test_a_level_that_leaves_the_window_keeps_our_position() -> None:
    assert after(resting(300), 450, -1) == Queue(300, 150)
    assert after(resting(300), 450, -1, 460) == Queue(300, 160)


def test_a_level_of_others_that_leaves_the_window_is_forgotten() -> None:
    estimator = QueueEstimator()
    estimator.on_level(BUY, 1000, 300)

    estimator.on_level(BUY, 1000, -1)

    assert estimator.arrivals(BUY, 1000) == ()


def test_a_touch_that_falls_back_empties_the_levels_before_it() -> None:
    estimator = resting(300)

    estimator.on_touch(BUY, 999, 40)

    assert estimator.queue("a") == Queue(0, 0)
    assert estimator.arrivals(BUY, 999) == (40,)


def test_a_touch_at_our_price_keeps_our_place() -> None:
    estimator = resting(300)

    estimator.on_touch(BUY, 1000, 450)

    assert estimator.queue("a") == Queue(300, 150)


def test_a_side_of_asks_empties_too() -> None:
    estimator = QueueEstimator()
    estimator.rest("s", SELL, 1010, 100, 300)

    estimator.on_touch(SELL, 1010, 310)
    kept = estimator.queue("s")
    estimator.on_touch(SELL, 0, 0)

    assert kept == Queue(300, 10)
    assert estimator.queue("s") == Queue(0, 0)


def test_a_touch_before_us_leaves_us_alone_and_none_empties_the_side() -> None:
    estimator = resting(300)

    estimator.on_touch(BUY, 1001, 40)
    estimator.on_touch(SELL, 0, 0)
    kept = estimator.queue("a")
    estimator.on_touch(BUY, 0, 0)

    assert kept == Queue(300, 0)
    assert estimator.queue("a") == Queue(0, 0)


@pytest.mark.parametrize(
    ("sizes", "queue"),
    [
        ({1001: 7, 1000: 350, 999: 50}, Queue(300, 50)),
        ({1001: 7, 999: 50}, Queue(0, 0)),
        ({1002: 9, 1001: 7}, Queue(300, 0)),
        ({}, Queue(0, 0)),
    ],
)
def test_a_snapshot_empties_what_it_lacks_but_not_what_lies_beyond_it(
    sizes: Mapping[int, int], queue: Queue
) -> None:
    estimator = resting(300)

    estimator.on_snapshot(BUY, sizes)

    assert estimator.queue("a") == queue


def test_where_ours_are_shown_they_are_not_those_of_others() -> None:
    estimator = resting(300, shows_ours=True)

    assert after(estimator, 400) == Queue(300, 0)
    assert after(estimator, 450) == Queue(300, 50)


def test_a_level_that_does_not_show_ours_yet_is_never_less_than_nothing() -> None:
    estimator = resting(30, shows_ours=True)

    assert after(estimator, 40) == Queue(0, 0)
    assert after(estimator, 140) == Queue(0, 40)


def test_a_trade_that_reaches_ours_spares_as_much_behind_us() -> None:
    estimator = resting(300, shows_ours=True)
    estimator.on_level(BUY, 1000, 600)

    estimator.on_trade(BUY, 1000, 420)

    assert estimator.queue("a") == Queue(0, 180)


def test_a_fill_proves_that_nothing_is_ahead() -> None:
    estimator = resting(300, shows_ours=True)
    estimator.on_level(BUY, 1000, 500)

    estimator.filled("a", 60)
    first = estimator.queue("a")
    estimator.on_level(BUY, 1000, 160)

    assert first == Queue(0, 100)
    assert estimator.queue("a") == Queue(0, 100)


def test_a_smaller_size_keeps_the_place() -> None:
    estimator = resting(300, shows_ours=True)

    estimator.shrunk("a", 40)

    assert after(estimator, 340) == Queue(300, 0)
    estimator.shrunk("a", 90)
    assert after(estimator, 400) == Queue(300, 60)


def test_orders_that_are_not_known_cannot_shrink_or_fill() -> None:
    estimator = resting(300)

    estimator.shrunk("b", 1)
    estimator.filled("b", 1)

    assert estimator.queues() == {"a": Queue(300, 0)}


def test_an_order_that_rests_again_goes_to_the_end() -> None:
    estimator = resting(300)
    estimator.on_level(BUY, 1000, 450)

    estimator.rest("a", BUY, 1000, 200, 450)

    assert estimator.queue("a") == Queue(450, 0)


def test_two_orders_of_ours_at_one_price_have_places_of_their_own() -> None:
    estimator = resting(300, shows_ours=True)
    estimator.on_level(BUY, 1000, 500)
    estimator.rest("b", BUY, 1000, 50, 400)
    estimator.on_level(BUY, 1000, 550)
    joined = estimator.queues()

    estimator.on_trade(BUY, 1000, 430)

    assert joined == {"a": Queue(300, 100), "b": Queue(400, 0)}
    assert estimator.queues() == {"a": Queue(0, 70), "b": Queue(70, 0)}


def test_between_two_orders_of_ours_a_cancellation_is_taken_off_the_newest_part_first() -> None:
    estimator = resting(300)
    estimator.rest("b", BUY, 1000, 50, 400)
    estimator.on_level(BUY, 1000, 450)

    estimator.on_level(BUY, 1000, 330)

    assert estimator.queues() == {"a": Queue(300, 30), "b": Queue(330, 0)}


def test_pro_rata_is_in_proportion_on_both_sides_of_two_orders_of_ours() -> None:
    estimator = resting(300, model=PRO_RATA)
    estimator.rest("b", BUY, 1000, 50, 400)
    estimator.on_level(BUY, 1000, 500)

    estimator.on_level(BUY, 1000, 400)

    assert estimator.queues() == {"a": Queue(240, 160), "b": Queue(320, 80)}


def test_a_full_memory_does_not_put_what_is_behind_us_before_us() -> None:
    estimator = QueueEstimator()
    for size in range(1, ARRIVALS_MAX + 1):
        estimator.on_level(BUY, 1000, size)
    estimator.rest("a", BUY, 1000, 100, ARRIVALS_MAX)

    assert after(estimator, ARRIVALS_MAX + 50) == Queue(ARRIVALS_MAX, 50)


def test_what_is_remembered_of_a_level_is_bounded() -> None:
    estimator = resting(1)

    for size in range(2, 3 * ARRIVALS_MAX):
        estimator.on_level(BUY, 1000, size)

    assert len(estimator.arrivals(BUY, 1000)) == ARRIVALS_MAX
    assert estimator.queue("a") == Queue(1, 3 * ARRIVALS_MAX - 2)


def test_the_front_is_the_share_behind_us() -> None:
    assert front(Queue(300, 100)) == 0.25
    assert front(Queue(300, 0)) == 0.0
    assert front(Queue(0, 7)) == front(Queue(0, 0)) == 1.0


EVENTS = st.lists(
    st.tuples(
        st.sampled_from(["level", "trade", "rest", "gone", "filled"]),
        st.sampled_from(["a", "b"]),
        st.integers(0, 40),
    ),
    max_size=25,
)


@pytest.mark.parametrize("shows_ours", [False, True])
@pytest.mark.parametrize("model", MODELS)
@given(events=EVENTS)
def test_ahead_only_shrinks_and_the_level_is_ahead_plus_behind(
    model: CancelModel, shows_ours: bool, events: list[tuple[str, str, int]]
) -> None:
    estimator = QueueEstimator(model, shows_ours=shows_ours)
    leaves: dict[str, int] = {}
    ahead: dict[str, int] = {}

    for kind, cloid, number in events:
        ours = sum(leaves.values()) if shows_ours else 0
        if kind == "level":
            estimator.on_level(BUY, 1000, number)
            assert sum(estimator.arrivals(BUY, 1000)) == max(0, number - ours)
        elif kind == "trade":
            estimator.on_trade(BUY, 1000, number)
        elif kind == "rest":
            estimator.rest(cloid, BUY, 1000, 5, number)
            leaves[cloid] = 5
            ahead[cloid] = number
        elif kind == "gone":
            estimator.gone(cloid)
            leaves.pop(cloid, None)
        elif cloid in leaves:
            leaves[cloid] = min(leaves[cloid], number)
            estimator.filled(cloid, number)
            assert estimator.queue(cloid) == (0, sum(estimator.arrivals(BUY, 1000)))

        arrivals = estimator.arrivals(BUY, 1000)
        assert all(arrival > 0 for arrival in arrivals)
        assert set(estimator.queues()) == set(leaves)
        for own, queue in estimator.queues().items():
            assert 0 <= queue.ahead <= ahead[own]
            assert queue.behind >= 0
            assert sum(queue) == sum(arrivals)
            assert 0 <= front(queue) <= 1
            ahead[own] = queue.ahead


@given(
    ahead=st.integers(0, 1000),
    behind=st.integers(0, 1000),
    traded=st.integers(0, 2500),
    model=st.sampled_from(MODELS),
)
def test_a_trade_reduces_what_is_ahead_first(
    ahead: int, behind: int, traded: int, model: CancelModel
) -> None:
    estimator = QueueEstimator(model)
    estimator.rest("a", BUY, 1000, 5, ahead)
    estimator.on_level(BUY, 1000, ahead + behind)

    estimator.on_trade(BUY, 1000, traded)

    left = max(0, ahead - traded)
    expected = Queue(left, max(0, ahead + behind - traded) - left)
    assert estimator.queue("a") == expected


@given(
    sides=st.tuples(st.integers(0, 10**12), st.integers(0, 10**12)),
    weights=st.tuples(st.integers(0, 10**15), st.integers(0, 10**15)),
    share=st.fractions(0, 1),
)
def test_a_cut_stays_within_what_stood_on_each_side(
    sides: tuple[int, int], weights: tuple[int, int], share: float
) -> None:
    decrease = int(sum(sides) * share)

    cut = cut_ahead(decrease, *sides, *weights)

    assert 0 <= cut <= sides[0]
    assert 0 <= decrease - cut <= sides[1]


@given(
    steps=st.lists(st.tuples(st.booleans(), st.integers(0, 500)), max_size=15),
    joined=st.integers(0, 500),
)
def test_pro_rata_is_the_neutral_share_of_the_paper_venue(
    steps: list[tuple[bool, int]], joined: int
) -> None:
    order = PaperOrder("a", "1", BUY, 1000, 10**9, True, False)
    order.join(joined, None)
    estimator = QueueEstimator(PRO_RATA)
    estimator.rest("a", BUY, 1000, 10**9, joined)

    for is_trade, number in steps:
        if is_trade:
            order.hit(number, 0)
            estimator.on_trade(BUY, 1000, number)
        else:
            order.show(number, SHARES // 2)
            estimator.on_level(BUY, 1000, number)

        assert estimator.queue("a") == (order.ahead, order.behind)


def test_on_a_recorded_market_the_estimate_beats_all_behind_and_pro_rata(
    recorded: Callable[[str], Path],
) -> None:
    recording = open_recording(recorded("bts_btc_20150501_am"))
    middle = recording.start + 6 * 3600 * SECOND
    end = middle + 3600 * SECOND
    # An hour of the second half: the first alone chooses the model.
    rows = [row for row in recording if row.kind == RowKind.L3 and middle <= row.ts < end]
    names = ("all behind us", "pro rata", "unseen: by size", DEFAULT)
    candidates = {name: CANDIDATES[name] for name in names}

    for every in FEEDS.values():
        outcome = measure(rows, middle, every, candidates)

        near = Group(is_second_half=True, is_near=True)
        errors = [score.by_time.rms for score in outcome.scores[near]]
        assert outcome.orders[near] > 100
        assert max(errors[2:]) < min(errors[:2])
