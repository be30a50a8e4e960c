"""What becomes of commands at the paper venue, beyond what every venue must do."""

import pytest

from exchange.commands import Cancel, Place, QueryOrder
from exchange.market import Queue
from exchange.paper.quota import Quota
from exchange.reports import (
    Accepted,
    Cancelled,
    CancelRejected,
    Fill,
    Limited,
    Modified,
    ModifyRejected,
    OpenOrder,
    OrderStatus,
    Rejected,
)
from exchange.words import Alive, CancelReason, Side, Status
from tests.exchange.play import AMEND, REPLACE, Play, bbo, trade

OPEN = bbo(1, 1000, 300, 1010, 400)
FIRST = "1000001"
SECOND = "1000002"


def test_a_modify_opens_a_leg_at_the_end_of_the_queue() -> None:
    play = Play([OPEN, bbo(2, 1000, 350, 1010, 400)])
    play.until(1)
    play.place("a", Side.BUY, 1000, 100)
    play.until(2)

    said = play.modify("a", FIRST, Side.BUY, 1000, 100)

    assert said == [
        Cancelled(2, "a", FIRST, CancelReason.REPLACED),
        Modified(2, "a", SECOND, 100, 1000, request=2),
    ] or said == [
        Modified(2, "a", SECOND, 100, 1000, request=2),
        Cancelled(2, "a", FIRST, CancelReason.REPLACED),
    ]
    assert play.queue("a") == Queue(350, 0)


def test_the_size_of_a_replacement_is_what_shall_remain_whatever_has_filled() -> None:
    play = Play([OPEN, trade(2, 1000, 340, -1)])
    play.until(1)
    play.place("a", Side.BUY, 1000, 100)
    play.until(2)

    play.modify("a", FIRST, Side.BUY, 999, 100)
    status = play.send(QueryOrder(9, "a", None))

    assert play.venue.open_orders() == (OpenOrder(SECOND, "a", Side.BUY, 999, 100),)
    assert status == [OrderStatus(2, "a", Status.OPEN, 40, SECOND, 9)]


def test_a_replacement_that_would_take_leaves_nothing_resting() -> None:
    play = Play([OPEN])
    play.until(1)
    play.place("a", Side.BUY, 1000, 100)

    said = play.modify("a", FIRST, Side.BUY, 1010, 100)

    assert said == [ModifyRejected(1, "a", "post_only", Alive.NO, request=2)]
    assert play.venue.open_orders() == ()


def test_a_modify_of_a_leg_that_was_replaced_does_not_say_that_the_order_is_gone() -> None:
    play = Play([OPEN])
    play.until(1)
    play.place("a", Side.BUY, 1000, 100)
    play.modify("a", FIRST, Side.BUY, 999, 100)

    said = play.modify("a", FIRST, Side.BUY, 998, 100)

    assert said == [ModifyRejected(1, "a", "gone", Alive.UNKNOWN, request=3)]


@pytest.mark.parametrize("alive", [Alive.YES, Alive.NO])
def test_an_expired_modify_says_whether_the_order_rests(alive: Alive) -> None:
    play = Play([OPEN])
    play.until(5)
    play.place("a", Side.BUY, 1000, 100)
    if alive is Alive.NO:
        play.cancel("a")

    said = play.modify("a", FIRST, Side.BUY, 999, 100, expires_at=4)

    assert said == [ModifyRejected(5, "a", "expired", alive, request=play.request)]


def test_an_amend_that_would_take_leaves_the_order_in_its_queue() -> None:
    play = Play([OPEN], capabilities=AMEND)
    play.until(1)
    play.place("a", Side.BUY, 1000, 100)

    said = play.modify("a", FIRST, Side.BUY, 1010, 100)

    assert said == [ModifyRejected(1, "a", "post_only", Alive.YES, request=2)]
    assert play.queue("a") == Queue(300, 0)


@pytest.mark.parametrize(("price", "total", "ahead"), [(1000, 70, 300), (1000, 120, 350)])
def test_an_amend_keeps_the_queue_where_only_the_size_goes_down(
    price: int, total: int, ahead: int
) -> None:
    play = Play([OPEN, bbo(2, 1000, 350, 1010, 400)], capabilities=AMEND)
    play.until(1)
    play.place("a", Side.BUY, 1000, 100)
    play.until(2)

    said = play.modify("a", FIRST, Side.BUY, price, total)

    assert said == [Modified(2, "a", FIRST, total, price, request=2)]
    assert play.queue("a") == Queue(ahead, 350 - ahead)


def test_the_size_of_an_amend_includes_what_has_filled() -> None:
    play = Play([OPEN, trade(2, 1000, 340, -1)], capabilities=AMEND)
    play.until(1)
    play.place("a", Side.BUY, 1000, 100)
    play.until(2)

    play.modify("a", FIRST, Side.BUY, 1000, 80)

    assert play.venue.open_orders() == (OpenOrder(FIRST, "a", Side.BUY, 1000, 40),)


def test_an_amend_below_what_has_filled_is_refused() -> None:
    play = Play([OPEN, trade(2, 1000, 340, -1)], capabilities=AMEND)
    play.until(1)
    play.place("a", Side.BUY, 1000, 100)
    play.until(2)

    said = play.modify("a", FIRST, Side.BUY, 1000, 40)

    assert said == [ModifyRejected(2, "a", "qty", Alive.YES, request=2)]


def test_a_side_cannot_be_modified() -> None:
    play = Play([OPEN])
    play.until(1)
    play.place("a", Side.BUY, 1000, 100)

    said = play.modify("a", FIRST, Side.SELL, 1020, 100)

    assert said == [ModifyRejected(1, "a", "side", Alive.YES, request=2)]


@pytest.mark.parametrize(
    ("side", "price", "qty", "reason"),
    [
        (Side.BUY, 1010, 100, "post_only"),
        (Side.BUY, 1005, 100, "post_only"),
        (Side.SELL, 1000, 100, "post_only"),
        (Side.BUY, 0, 100, "price"),
        (Side.BUY, 1000, 0, "qty"),
        (Side.BUY, 999, 1, "notional"),
    ],
)
def test_a_place_is_rejected_with_its_reason(side: Side, price: int, qty: int, reason: str) -> None:
    play = Play([OPEN])
    play.until(1)
    play.place("own", Side.SELL, 1005, 100)

    said = play.place("a", side, price, qty)

    assert said == [Rejected(1, "a", reason, request=2)]


def test_a_taker_takes_what_is_displayed_and_rests_with_what_is_left() -> None:
    play = Play([OPEN, bbo(2, 1000, 300, 1010, 400)])
    play.until(1)

    said = play.place("a", Side.BUY, 1015, 450, post_only=False)

    assert sorted(type(report).__name__ for report in said) == ["Accepted", "Fill"]
    assert [(fill.qty, fill.price) for fill in said if isinstance(fill, Fill)] == [(400, 1010)]
    assert [order.qty for order in play.venue.open_orders()] == [50]


def test_a_taker_does_not_trade_with_our_own_order() -> None:
    play = Play([OPEN])
    play.until(1)
    play.place("own", Side.SELL, 1005, 100)

    said = play.place("a", Side.BUY, 1005, 100, post_only=False)

    assert said == [Rejected(1, "a", "self_trade", request=2)]


def test_a_reduce_only_order_needs_a_position_to_reduce() -> None:
    play = Play([OPEN, trade(2, 999, 1, -1)])
    play.until(1)
    play.place("a", Side.BUY, 1000, 100)

    flat = play.place("b", Side.SELL, 1020, 100, reduce_only=True)
    play.until(2)
    long = play.place("c", Side.SELL, 1020, 100, reduce_only=True)

    assert flat == [Rejected(1, "b", "reduce_only", request=2)]
    assert [type(report) for report in long] == [Accepted]


def test_a_rejected_order_is_remembered_and_a_filled_one_too() -> None:
    play = Play([OPEN, trade(2, 999, 1, -1)])
    play.until(1)
    play.place("a", Side.BUY, 1000, 100)
    play.place("b", Side.BUY, 1010, 100)
    play.until(2)

    said = play.send(QueryOrder(8, "a", None), QueryOrder(9, "b", None))

    assert said == [
        OrderStatus(2, "a", Status.FILLED, 100, FIRST, 8),
        OrderStatus(2, "b", Status.REJECTED, 0, None, 9),
    ]


def test_a_cancel_by_an_old_oid_is_too_late() -> None:
    play = Play([OPEN])
    play.until(1)
    play.place("a", Side.BUY, 1000, 100)
    play.modify("a", FIRST, Side.BUY, 999, 100)

    assert play.cancel("a", FIRST) == [CancelRejected(1, "a", "too_late", request=3)]
    assert [order.oid for order in play.venue.open_orders()] == [SECOND]


def test_an_expired_cancel_leaves_the_order() -> None:
    play = Play([OPEN])
    play.until(5)
    play.place("a", Side.BUY, 1000, 100)

    assert play.cancel("a", expires_at=4) == [CancelRejected(5, "a", "expired", request=2)]
    assert len(play.venue.open_orders()) == 1


def test_a_batch_beyond_the_quota_is_served_as_far_as_it_goes_and_said_limited_once() -> None:
    play = Play([OPEN], quota=Quota(request_cap=2))
    play.until(1)
    batch = [Place(n, f"c{n}", Side.BUY, 990 - n, 100, True, False, 0) for n in range(1, 5)]

    said = play.send(*batch)

    assert [type(report) for report in said] == [Accepted, Accepted, Limited, Rejected, Rejected]
    assert [r.reason for r in said if isinstance(r, Rejected)] == ["limited", "limited"]
    assert play.venue.quota.requests_used == 2


def test_a_limited_address_can_still_cancel() -> None:
    play = Play([OPEN], quota=Quota(request_cap=1))
    play.until(1)
    play.place("a", Side.BUY, 1000, 100)

    limited = play.modify("a", FIRST, Side.BUY, 999, 100)
    cancelled = play.cancel("a")

    assert limited == [
        Limited(1),
        ModifyRejected(1, "a", "limited", Alive.YES, request=2),
    ]
    assert [type(report) for report in cancelled] == [Cancelled]


def test_trading_earns_requests_by_quote_currency() -> None:
    # 100 lots of 0.1 at 100.0 are 1000 in quote currency.
    quota = Quota(request_cap=1)
    play = Play([OPEN, trade(2, 999, 1, -1)], quota=quota)
    play.until(1)
    play.place("a", Side.BUY, 1000, 100)

    play.until(2)

    assert quota.earned == 1000
    assert quota.requests_granted == 1001
    assert quota.cancels_granted == 2002


@pytest.mark.parametrize(("cap", "cancels"), [(0, 0), (10_000, 20_000), (300_000, 400_000)])
def test_cancels_have_a_larger_cap(cap: int, cancels: int) -> None:
    assert Quota(request_cap=cap).cancels_granted == cancels


def test_without_a_cap_nothing_is_refused() -> None:
    quota = Quota()

    assert all(quota.take_request() and quota.take_cancel() for _ in range(100))


def test_a_cancel_that_overtakes_its_place_is_too_late() -> None:
    play = Play([OPEN], capabilities=REPLACE)
    play.until(1)

    said = play.send(Place(1, "a", Side.BUY, 1000, 100, True, False, 0), Cancel(2, "a", None, 0))

    assert {type(report) for report in said} == {Accepted, CancelRejected}
    assert len(play.venue.open_orders()) == 1


def test_a_request_that_arrives_at_its_expiry_is_in_time() -> None:
    play = Play([OPEN])
    play.until(5)

    said = play.place("a", Side.BUY, 1000, 100, expires_at=5)

    assert [type(report) for report in said] == [Accepted]


def test_a_rejected_place_does_not_overwrite_an_older_order_of_the_same_cloid() -> None:
    play = Play([OPEN])
    play.until(1)
    play.place("a", Side.BUY, 1000, 100)
    play.cancel("a")
    play.place("a", Side.BUY, 1010, 100)

    said = play.send(QueryOrder(9, "a", None))

    assert said == [OrderStatus(1, "a", Status.CANCELLED, 0, FIRST, 9)]
