"""What a bot wants, what it has cancelled, and what the manager is told of both."""

import pytest

from exchange.words import Side
from lifecycle.core.order import Order
from lifecycle.dropin.hyperliquid_sdk_book import INVENTED, BotBook, BotOrder
from spec.states import PhaseEvent
from spec.trace import Target, Targets

QTY = 500


def resting(book: BotBook, side: Side, price: int, cloid: str, oid: str) -> BotOrder:
    """Have an order of the manager's stand for a new one of the bot's."""
    one = book.add(side, price, QTY)
    one.order, one.real = cloid, oid
    book.name(one)
    return one


def test_what_is_cancelled_is_wanted_until_it_is_dropped() -> None:
    book = BotBook()
    one = resting(book, Side.BUY, 100, "a", "1")
    book.defer(one)

    assert book.targets()[0] == Targets((Target(100, QTY),))
    book.drop_deferred()
    assert book.targets()[0] == Targets()


def test_a_new_order_takes_the_place_of_the_nearest_that_was_cancelled() -> None:
    book = BotBook()
    rungs = [resting(book, Side.BUY, price, f"{price}", f"{price}") for price in (100, 98, 96)]
    for one in rungs:
        book.defer(one)
    new = book.add(Side.BUY, 97, QTY)

    assert new.order in {"98", "96"}
    assert book.targets()[0].bids[0].price == 100
    assert len(book.targets()[0].bids) == 3
    assert book.add(Side.SELL, 110, QTY).order is None


def test_what_is_cancelled_is_not_in_the_way_of_what_is_wanted() -> None:
    book = BotBook()
    ask = resting(book, Side.SELL, 105, "a", "1")
    book.defer(ask)
    resting(book, Side.BUY, 106, "b", "2")

    assert book.targets()[0] == Targets((Target(106, QTY),))


def test_what_is_wanted_and_has_no_order_gets_that_of_one_cancelled() -> None:
    book = BotBook()
    new = book.add(Side.BUY, 99, QTY)
    old = resting(book, Side.BUY, 95, "a", "1")
    book.defer(old)

    assert new.order is None
    assert book.targets()[0] == Targets((Target(99, QTY),))


def test_cancelled_orders_of_both_sides_never_meet() -> None:
    book = BotBook()
    bid = resting(book, Side.BUY, 100, "a", "1")
    book.defer(bid)
    ask = resting(book, Side.SELL, 99, "b", "2")
    book.defer(ask)
    targets, _ = book.targets()

    assert targets.bids == () or targets.asks == ()


def test_fills_are_taken_off_what_is_wanted_and_end_it() -> None:
    book = BotBook()
    one = resting(book, Side.BUY, 100, "a", "1")
    order = Order("a", Side.BUY, 100, QTY, 0)
    order.advance(PhaseEvent.ACCEPTED, 0)
    order.filled = 200

    assert not book.learn({"a": order})
    assert one.qty == 300
    order.filled = QTY
    assert book.learn({"a": order})
    assert one.end == "filled"
    assert book.live == []


@pytest.mark.parametrize(("acted", "end"), [(False, "canceled"), (True, "")])
def test_only_what_others_cancel_ends_what_is_wanted(acted: bool, end: str) -> None:
    book = BotBook()
    one = resting(book, Side.BUY, 100, "a", "1")
    order = Order("a", Side.BUY, 100, QTY, 0)
    order.advance(PhaseEvent.ACCEPTED, 0)
    order.advance(PhaseEvent.CANCELLED, 0)
    if acted:
        book.acted.add("a")

    assert book.learn({"a": order})
    assert one.end == end
    assert one.order is None


def test_an_oid_that_another_live_order_goes_by_is_not_told_twice() -> None:
    book = BotBook()
    resting(book, Side.BUY, 100, "a", "1")
    other = book.add(Side.BUY, 99, QTY)
    other.real = "1"

    assert book.name(other) > INVENTED
    assert book.by_oid[1] is not other
