"""The market without our own orders."""

from decimal import Decimal
from typing import Any

from msgspec import convert

from exchange.hyperliquid.clock import Offset
from exchange.hyperliquid.sight import Sight
from exchange.hyperliquid.wire_info import BookLevel, L2Book
from exchange.hyperliquid.wire_socket import OrderUpdate, Touch, WireTrade
from exchange.instrument import Instrument
from exchange.market import Market, Queue, Row, RowKind
from exchange.reports import Fill, OpenOrder
from exchange.units import MILLISECOND
from exchange.words import Side

TEST = Instrument("ETH", price_unit=Decimal("0.1"), lot=Decimal("0.01"))


def level(px: str, sz: str) -> BookLevel:
    return BookLevel(px, sz)


def touch(bid: tuple[str, str] | None, ask: tuple[str, str] | None, time: int = 1) -> Touch:
    sides = (None if one is None else level(*one) for one in (bid, ask))
    return Touch("ETH", time, (next(sides), next(sides)))


def book(bids: list[tuple[str, str]], asks: list[tuple[str, str]], time: int = 1) -> L2Book:
    return L2Book("ETH", time, ([level(*one) for one in bids], [level(*one) for one in asks]))


def update(oid: int, px: str, sz: str, status: str = "open", **more: Any) -> OrderUpdate:
    order = {"coin": "ETH", "side": "B", "limitPx": px, "sz": sz, "oid": oid, "timestamp": 1}
    plain = {"order": order | {"origSz": sz} | more, "status": status, "statusTimestamp": 1}
    return convert(plain, OrderUpdate)


def made(**more: Any) -> Sight:
    sight = Sight("ETH", TEST, Offset(), **more)
    sight.on_book(book([("100", "5"), ("99.9", "3")], [("100.1", "4")]), 0)
    return sight


def bid(sight: Sight) -> tuple[int | None, int]:
    market = sight.market()
    return market.bid, market.bid_qty


def test_the_touch_is_what_was_shown_last() -> None:
    sight = made()
    sight.on_touch(touch(("100.2", "1.5"), ("100.3", "2"), time=5), 5 * MILLISECOND)

    assert sight.market() == Market(5 * MILLISECOND, 1002, 1003, 150, 200)


def test_an_older_touch_that_was_overtaken_changes_nothing() -> None:
    sight = made()
    sight.on_touch(touch(("100.2", "1.5"), None, time=5), 0)
    sight.on_touch(touch(("100.1", "9"), None, time=4), 0)

    assert bid(sight) == (1002, 150)


def test_a_side_without_orders_has_no_price() -> None:
    sight = made()
    sight.on_touch(touch(None, ("100.3", "2"), time=5), 0)

    assert sight.market().bid is None


def test_our_order_is_taken_out_of_the_touch() -> None:
    sight = made()
    sight.on_update(update(7, "100", "2"))

    assert bid(sight) == (1000, 300)


def test_where_we_are_alone_the_touch_is_the_next_level_of_others() -> None:
    sight = made()
    sight.on_update(update(7, "100.05", "2", limitPx="100.2"))
    sight.on_update(update(8, "99.9", "1"))
    sight.on_touch(touch(("100.2", "2"), ("100.3", "2"), time=5), 0)

    assert bid(sight) == (1000, 500)


def test_where_nobody_else_is_known_the_side_is_empty() -> None:
    sight = Sight("ETH", TEST, Offset())
    sight.on_update(update(7, "100", "2"))
    sight.on_touch(touch(("100", "2"), ("100.3", "2"), time=5), 0)

    assert bid(sight) == (None, 0)


def test_a_fill_and_the_word_on_it_are_not_counted_twice() -> None:
    sight = made()
    sight.on_update(update(7, "100", "2"))
    sight.on_update(update(7, "100", "1.5", origSz="2"))
    sight.on_fill(Fill(1, None, "7", 50, 1000, "t"))

    assert bid(sight) == (1000, 350)


def test_an_order_that_ends_is_no_longer_taken_out() -> None:
    sight = made()
    sight.on_update(update(7, "100", "2"))
    sight.on_update(update(8, "100", "1"))
    sight.on_update(update(7, "100", "2", "canceled"))
    sight.on_fill(Fill(1, None, "8", 100, 1000, "t"))
    sight.on_update(update(7, "100", "2"))

    assert bid(sight) == (1000, 500)


def test_a_list_of_what_rests_does_not_undo_what_came_after_it_was_asked_for() -> None:
    sight = made()
    sight.on_update(update(7, "100", "1"))
    sight.on_update(update(8, "100", "1"))
    asked = sight.changes
    sight.on_update(update(8, "100", "1", "canceled"))
    sight.on_update(update(9, "100", "1"))
    sight.on_open(
        [
            OpenOrder("8", "b", Side.BUY, 1000, 100),
            OpenOrder("10", "c", Side.BUY, 1000, 50),
        ],
        asked,
    )

    # 7 is gone and 10 is there by the list, 8 is gone and 9 is there since.
    assert bid(sight) == (1000, 350)


def test_queue_positions_are_estimated() -> None:
    sight = made()
    sight.on_update(update(7, "100", "2", cloid="0x" + "ab" * 16))
    sight.on_touch(touch(("100", "7"), ("100.1", "4"), time=5), 0)
    trade = WireTrade("ETH", "A", "100", "1", 6, 1)
    sight.on_trades([trade, trade], 0)
    sight.on_touch(touch(("100", "8"), ("100.1", "4"), time=7), 0)

    assert sight.market().queues == {"0x" + "ab" * 16: Queue(400, 200)}


def test_an_order_that_the_book_showed_before_we_knew_it_is_not_ahead_of_itself() -> None:
    sight = made()
    sight.on_touch(touch(("100", "7"), ("100.1", "4"), time=5), 0)
    sight.on_update(update(7, "100", "2", cloid="0x" + "ab" * 16))

    assert sight.market().queues == {"0x" + "ab" * 16: Queue(500, 0)}


def test_rows_are_what_a_recording_would_have() -> None:
    taps: list[Row] = []
    sight = made(tap=taps.append)
    first = sight.seen()
    sight.on_book(book([("100", "6"), ("99.8", "1")], [("100.2", "4")], time=3), 9)
    sight.on_trades([WireTrade("ETH", "B", "100.1", "1", 4, 1)], 9)
    rows = sight.seen()

    assert [(row.side, row.price, row.qty, row.act) for row in first] == [
        (1, 1000, 500, "S"),
        (1, 999, 300, "S"),
        (-1, 1001, 400, "S"),
    ]
    depth = [(row.side, row.price, row.qty, row.act) for row in rows if row.kind == RowKind.DEPTH]
    assert depth == [
        (1, 999, 0, "U"),
        (1, 1000, 600, "U"),
        (1, 998, 100, "U"),
        (-1, 1001, 0, "U"),
        (-1, 1002, 400, "U"),
    ]
    assert (rows[-1].kind, rows[-1].price, rows[-1].qty, rows[-1].side) == (1, 1001, 100, 1)
    assert [row.ts for row in taps[-2:]] == [3 * MILLISECOND, 4 * MILLISECOND]
    assert sight.seen() == []


def test_a_level_beyond_the_last_shown_is_out_of_sight_and_not_gone() -> None:
    sight = made()
    sight.seen()
    sight.on_book(book([("100.1", "6"), ("100", "5")], [("100.2", "4")], time=3), 9)

    rows = [(row.price, row.qty) for row in sight.seen() if row.side == 1]
    assert rows == [(999, -1), (1001, 600)]


def test_after_a_gap_a_book_is_a_snapshot_again() -> None:
    sight = made()
    sight.seen()
    sight.lost()
    sight.on_book(book([("100", "5")], [("100.1", "4")], time=3), 9)

    assert [row.act for row in sight.seen()] == ["S", "S"]


def test_other_coins_are_not_looked_at() -> None:
    sight = made()
    sight.seen()
    other = Touch("BTC", 9, (level("1", "1"), None))
    sight.on_touch(other, 9)
    sight.on_trades([WireTrade("BTC", "B", "100.1", "1", 4, 1)], 9)
    sight.on_update(update(7, "100", "2", coin="BTC"))

    assert sight.seen() == []
    assert bid(sight) == (1000, 500)
