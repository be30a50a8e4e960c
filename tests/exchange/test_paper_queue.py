"""Where our order stands at its price, and what of it is filled."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.market import Queue, Row
from exchange.paper.order import SHARES, PaperOrder
from exchange.words import Side
from tests.exchange.play import Play, bbo, depth, trade

OPEN = bbo(1, 1000, 300, 1010, 400)


def resting(*rows: Row, share: float = 0.5) -> Play:
    """Play a market with a bid of ours of 100 behind 300 at 1000, joined at time 1."""
    play = Play([OPEN, *rows], cancel_share_ahead=share)
    play.until(1)
    play.place("a", Side.BUY, 1000, 100)
    return play


def test_an_order_joins_behind_what_is_displayed() -> None:
    assert resting().queue("a") == Queue(ahead=300, behind=0)


def test_what_comes_later_stands_behind() -> None:
    play = resting(bbo(2, 1000, 450, 1010, 400))

    play.until(2)

    assert play.queue("a") == Queue(300, 150)


def test_a_trade_eats_what_is_ahead_before_it_fills_us() -> None:
    play = resting(trade(2, 1000, 290, -1), trade(3, 1000, 50, -1), trade(4, 1000, 500, -1))

    assert play.fills(2) == []
    assert play.queue("a") == Queue(10, 0)
    assert play.fills(3) == [(3, 40, 1000)]
    assert play.fills(4) == [(4, 60, 1000)]
    assert play.venue.position == 100
    assert play.venue.open_orders() == ()


def test_a_trade_and_the_touch_it_leaves_are_not_counted_twice() -> None:
    play = resting(trade(2, 1000, 100, -1), bbo(2, 1000, 200, 1010, 400))

    play.until(2)

    assert play.queue("a") == Queue(200, 0)


def test_a_trade_on_the_other_side_leaves_us_alone() -> None:
    play = resting(trade(2, 1010, 400, 1))

    assert play.fills(2) == []
    assert play.queue("a") == Queue(300, 0)


def test_a_trade_beyond_our_price_fills_us_whole() -> None:
    play = resting(trade(2, 999, 1, -1))

    assert play.fills(2) == [(2, 100, 1000)]


def test_a_touch_that_reaches_our_price_fills_us_whole() -> None:
    play = resting(bbo(2, 990, 10, 1000, 5))

    assert play.fills(2) == [(2, 100, 1000)]


def test_a_sell_is_filled_as_a_buy_is() -> None:
    play = Play([OPEN, trade(2, 1010, 450, 1), trade(3, 1011, 1, 1)])
    play.until(1)
    play.place("a", Side.SELL, 1010, 100)

    assert play.fills(2) == [(2, 50, 1010)]
    assert play.fills(3) == [(3, 50, 1010)]
    assert play.venue.position == -100


@pytest.mark.parametrize(("price", "filled"), [(1000, True), (1004, True), (1006, False)])
def test_a_trade_without_aggressor_hits_the_nearer_side(price: int, filled: bool) -> None:
    play = Play([OPEN, trade(2, price, 400, 0)])
    play.until(1)
    # In the spread, so that whatever hits the bids hits this one.
    play.place("a", Side.BUY, 1004 if price < 1006 else 1000, 100)

    assert bool(play.fills(2)) is filled


def test_two_orders_of_ours_at_a_price_share_a_trade_in_order_of_arrival() -> None:
    play = resting(trade(2, 1000, 450, -1))
    play.place("b", Side.BUY, 1000, 100)

    assert play.fills(2) == [(2, 100, 1000), (2, 50, 1000)]


@pytest.mark.parametrize(
    ("share", "ahead", "behind"),
    [(0.5, 200, 200), (0.0, 300, 100), (1.0, 100, 300)],
)
def test_cancellations_are_split_by_the_configured_share(
    share: float, ahead: int, behind: int
) -> None:
    play = resting(bbo(2, 1000, 600, 1010, 400), bbo(3, 1000, 400, 1010, 400), share=share)

    play.until(3)

    assert play.queue("a") == Queue(ahead, behind)


def test_what_is_ahead_never_exceeds_what_is_displayed() -> None:
    play = resting(bbo(2, 1000, 20, 1010, 400), share=0.0)

    play.until(2)

    assert play.queue("a") == Queue(20, 0)


def test_a_level_that_empties_puts_us_first() -> None:
    play = resting(bbo(2, 999, 10, 1010, 400), bbo(3, 1000, 70, 1010, 400))

    play.until(2)
    first = play.queue("a")
    play.until(3)

    assert first == Queue(0, 0)
    assert play.queue("a") == Queue(0, 70)


def test_a_level_that_leaves_the_window_keeps_our_position() -> None:
    play = resting(
        depth(2, 1, 1003, 5),
        depth(3, 1, 1000, -1),
        depth(4, 1, 1000, 300),
    )

    play.until(4)

    assert play.queue("a") == Queue(300, 0)


def test_a_snapshot_of_the_book_is_no_cancellation() -> None:
    play = resting(
        depth(2, 1, 1000, 300, "S"),
        depth(2, 1, 999, 50, "S"),
        depth(2, -1, 1010, 400, "S"),
    )

    play.until(2)

    assert play.queue("a") == Queue(300, 0)


def test_a_snapshot_that_lacks_our_level_empties_it() -> None:
    play = resting(depth(2, 1, 1001, 30, "S"), depth(2, 1, 999, 50, "S"))

    play.until(2)

    assert play.queue("a") == Queue(0, 0)


def test_depth_beside_a_touch_of_the_same_time_does_not_overrule_it() -> None:
    play = resting(depth(2, 1, 1000, 7), bbo(2, 1000, 280, 1010, 400))

    play.until(2)

    assert play.queue("a") == Queue(280, 0)


def test_below_what_is_visible_the_position_is_not_known_until_it_shows() -> None:
    play = Play([OPEN, trade(2, 900, 1, 1), bbo(3, 900, 60, 1010, 400)])
    play.until(1)
    play.place("a", Side.BUY, 900, 200)

    unknown = play.queue("a")
    play.until(3)

    assert unknown is None
    assert play.queue("a") == Queue(60, 0)


def test_a_book_in_the_middle_of_its_update_is_not_acted_on() -> None:
    # The bids rise to our ask's level before the asks have gone, and settle below it.
    rows = [depth(2, 1, 1012, 5), depth(2, 1, 1012, 0), depth(2, 1, 1001, 5)]
    play = Play([OPEN, *rows])
    play.until(1)
    play.place("a", Side.SELL, 1012, 100)

    assert play.fills(2) == []


@given(
    ahead=st.integers(0, 1000),
    behind=st.integers(0, 1000),
    steps=st.lists(
        st.tuples(st.booleans(), st.integers(0, 2000), st.integers(0, SHARES)), max_size=10
    ),
)
def test_ahead_and_behind_are_never_negative_and_sum_to_what_is_displayed(
    ahead: int, behind: int, steps: list[tuple[bool, int, int]]
) -> None:
    order = PaperOrder("a", "1", Side.BUY, 1000, 10**9, True, False)
    order.ahead, order.behind = ahead, behind
    displayed = ahead + behind

    for is_trade, number, share in steps:
        if is_trade:
            ours = order.hit(number, 0)
            displayed = max(0, displayed - number)
            order.filled += ours
        else:
            displayed = number
            order.show(displayed, share)

        assert min(order.ahead, order.behind, order.leaves) >= 0
        assert order.ahead + order.behind == displayed


def test_while_the_book_is_crossed_the_last_touch_holds() -> None:
    play = resting(depth(2, 1, 1010, 5), depth(3, -1, 1010, 0), depth(3, -1, 1020, 6))

    play.until(2)
    crossed = play.venue.market(2)
    play.until(3)
    after = play.venue.market(3)

    assert (crossed.bid, crossed.ask) == (1000, 1010)
    assert (after.bid, after.ask) == (1010, 1020)
