"""Markets recorded order by order: the queue is exact."""

from collections.abc import Callable
from pathlib import Path

import pytest

from exchange.commands import Place
from exchange.market import Queue, Row
from exchange.paper.latency import LATENCIES, NO_DELAY
from exchange.paper.venue import PaperVenue
from exchange.recording import open_recording
from exchange.reports import Fill
from exchange.words import Side
from tests.exchange.play import Play, bbo, single, trade

BOOK = [
    single(1, "X", "0", 0, 0, 0),
    single(1, "A", "x", 1, 1000, 50),
    single(1, "A", "y", 1, 1000, 30),
    single(1, "A", "s", -1, 1010, 90),
]


def resting(*rows: Row) -> Play:
    """Play a market with a bid of ours of 100 behind x 50 and y 30."""
    play = Play([*BOOK, *rows])
    play.until(1)
    play.place("a", Side.BUY, 1000, 100)
    return play


@pytest.mark.parametrize(
    ("rows", "queue"),
    [
        ((), Queue(80, 0)),
        ((single(2, "A", "z", 1, 1000, 20),), Queue(80, 20)),
        ((single(2, "C", "x", 1, 1000, 0),), Queue(30, 0)),
        ((single(2, "P", "x", 1, 1000, 0),), Queue(30, 0)),
        ((single(2, "F", "x", 1, 1000, 10),), Queue(40, 0)),
        ((single(2, "M", "x", 1, 1000, 20),), Queue(50, 0)),
        ((single(2, "M", "x", 1, 1000, 60),), Queue(30, 60)),
        ((single(2, "M", "x", 1, 999, 50),), Queue(30, 0)),
        ((single(2, "C", "unknown", 1, 1000, 0),), Queue(80, 0)),
        ((single(2, "A", "z", 1, 1000, 20), single(3, "C", "z", 1, 1000, 0)), Queue(80, 0)),
        ((single(2, "X", "0", 0, 0, 0), single(2, "A", "x", 1, 1000, 50)), Queue(0, 50)),
    ],
    ids=[
        "joined",
        "added-behind",
        "cancelled-ahead",
        "deletion-missed",
        "filled-ahead",
        "shrunk-ahead",
        "grown-goes-behind",
        "moved-away",
        "not-known",
        "cancelled-behind",
        "cleared",
    ],
)
def test_what_becomes_of_a_single_order_moves_the_queue(
    rows: tuple[Row, ...], queue: Queue
) -> None:
    play = resting(*rows)

    play.until(9)

    assert play.queue("a") == queue


def test_the_fill_of_an_order_behind_ours_is_ours() -> None:
    play = resting(single(2, "A", "z", 1, 1000, 150), single(3, "F", "z", 1, 1000, 90))

    assert play.fills(3) == [(3, 60, 1000)]


def test_the_fill_of_an_order_ahead_is_not_ours() -> None:
    play = resting(single(2, "F", "x", 1, 1000, 0), single(3, "F", "y", 1, 1000, 5))

    assert play.fills(3) == []


def test_the_fill_of_an_order_at_a_worse_price_fills_ours_whole() -> None:
    play = resting(single(2, "A", "low", 1, 999, 10), single(3, "F", "low", 1, 999, 0))

    assert play.fills(3) == [(3, 100, 1000)]


def test_the_fill_of_a_taker_is_nobodys_fill() -> None:
    taker = [single(2, "A", "t", 1, 1020, 90), single(3, "F", "t", 1, 1020, 0)]
    play = resting(*taker, single(3, "F", "s", -1, 1010, 0), trade(4, 1010, 90, 1))

    assert play.fills(4) == []
    assert play.queue("a") == Queue(80, 0)


def test_trades_repeat_what_the_fills_said_and_are_passed_over() -> None:
    play = resting(single(2, "F", "x", 1, 1000, 0), trade(2, 1000, 50, -1))

    play.until(2)

    assert play.queue("a") == Queue(30, 0)


def test_a_story_told_to_its_end() -> None:
    play = resting(
        single(2, "A", "z", 1, 1000, 40),
        single(3, "C", "y", 1, 1000, 0),
        single(4, "F", "x", 1, 1000, 0),
        single(5, "F", "z", 1, 1000, 10),
        single(6, "A", "w", 1, 1000, 500),
        single(7, "F", "z", 1, 1000, 0),
        single(8, "F", "w", 1, 1000, 100),
    )

    assert play.fills(9) == [(5, 30, 1000), (7, 10, 1000), (8, 60, 1000)]


def test_a_book_of_single_orders_makes_a_touch() -> None:
    play = resting()

    market = play.venue.market(1)

    assert (market.bid, market.bid_qty, market.ask, market.ask_qty) == (1000, 80, 1010, 90)


def test_a_displayed_touch_takes_the_place_of_the_one_made_of_orders() -> None:
    play = resting(bbo(2, 1001, 7, 1009, 8))

    play.until(2)
    market = play.venue.market(2)

    assert (market.bid, market.bid_qty, market.ask, market.ask_qty) == (1001, 7, 1009, 8)


def test_on_a_recorded_market_what_is_ahead_never_grows_and_fills_come_at_our_price(
    recorded: Callable[[str], Path],
) -> None:
    recording = open_recording(recorded("bts_btc_20150501_am"))
    venue = PaperVenue(recording.instrument, recording, latency=LATENCIES["none"], feed=NO_DELAY)
    qty, now, request, fills = 10**8, recording.start, 0, 0

    # A new pair of quotes at the touch whenever there is none, twice a minute, for two hours.
    for now in range(recording.start, recording.start + 7200 * 10**9, 30 * 10**9):
        before = dict(venue.market(now).queues)
        resting = {order.cloid: order.price for order in venue.open_orders()}
        for received in venue.poll(now):
            if isinstance(received.report, Fill):
                fills += 1
                assert received.report.price == resting[str(received.report.cloid)]
        for cloid, queue in venue.market(now).queues.items():
            assert 0 <= queue.ahead <= before.get(cloid, queue).ahead
            assert queue.behind >= 0
        market = venue.market(now)
        sides = {order.side for order in venue.open_orders()}
        for side, price in ((Side.BUY, market.bid), (Side.SELL, market.ask)):
            if price is not None and side not in sides:
                request += 1
                place = Place(request, f"c{request}", side, price, qty, True, False, 0)
                venue.submit([place], now)
                venue.poll(now)

    assert fills > 5


def test_two_orders_of_ours_share_the_fill_of_one_behind_them() -> None:
    play = Play([*BOOK, single(2, "A", "z", 1, 1000, 500), single(3, "F", "z", 1, 1000, 350)])
    play.until(1)
    play.place("a", Side.BUY, 1000, 100)
    play.place("b", Side.BUY, 1000, 100)

    assert play.fills(3) == [(3, 100, 1000), (3, 50, 1000)]


def test_a_removed_order_is_gone_whatever_its_row_says_remains() -> None:
    play = resting(single(2, "P", "x", 1, 1000, 50), single(3, "C", "y", 1, 1000, 30))

    play.until(3)

    assert play.queue("a") == Queue(0, 0)
