"""What becomes of orders, modifies and cancels at the exchange without its wire."""

from decimal import Decimal

import pytest

from exchange.hyperliquid.codec_words import find_error, find_status
from exchange.hyperliquid.wire import (
    BatchModify,
    CancelByCloid,
    CancelByCloidWire,
    Modify,
    ModifyWire,
    Order,
    ScheduleCancel,
    done,
    refused,
)
from tests.exchange.hyperliquid.served.stage import (
    EPOCH_MS,
    ETH,
    Stage,
    at,
    order,
    statuses,
    terms,
    trade,
)

NEVER = "Order was never placed, already canceled, or filled. asset=1"
CLOID = "0x" + "0" * 31 + "7"


# Orders.


def test_an_order_rests_and_is_listed_under_the_oid_of_its_acknowledgement() -> None:
    stage = Stage()

    oid = stage.rest("1999.5", cloid=7)

    (listed,) = stage.account.open_orders()
    assert listed.basic().oid == oid
    assert listed.basic().cloid == CLOID
    assert stage.told() == [(oid, "open")]


def test_a_cloid_is_read_in_either_case() -> None:
    stage = Stage()
    oid = stage.rest("1999.5", cloid=0xAB)

    found = stage.account.find("0x" + "0" * 30 + "AB")

    assert found is not None
    assert found.oid == oid


def test_a_taker_is_told_open_and_filled_at_once_and_pays_the_takers_fee() -> None:
    stage = Stage()

    (status,) = stage.place(order("2000.1", "0.5", tif="Ioc"))

    oid = status.filled.oid
    assert (status.filled.total_sz, status.filled.avg_px) == ("0.5", "2000.1")
    assert stage.told() == [(oid, "open"), (oid, "filled")]
    assert [u.order.sz for u in stage.news.updates] == ["0.5", "0.0"]
    (fill,) = stage.news.fills
    assert (fill.crossed, fill.dir, fill.fee) == (True, "Open Long", "0.450022")


def test_what_an_ioc_does_not_find_is_dropped() -> None:
    stage = Stage()

    (status,) = stage.place(order("2000.2", "5", tif="Ioc"))

    assert status.filled.total_sz == "2.0"
    assert status.filled.avg_px == "2000.15"
    assert stage.open_prices() == []
    assert [status for _, status in stage.told()] == ["open", "canceled"]


def test_an_ioc_that_finds_nothing_leaves_a_record_of_its_rejection() -> None:
    stage = Stage()

    (status,) = stage.place(order("2000.0", tif="Ioc", cloid=7))

    assert status.error.startswith("Order could not immediately match")
    found = stage.account.find(CLOID)
    assert found is not None
    assert found.status == "iocCancelRejected"


def test_a_post_only_order_that_would_cross_is_rejected_with_the_touch() -> None:
    stage = Stage()

    (status,) = stage.place(order("2000.1"))

    text = "Post only order would have immediately matched, bbo was 2000.0@2000.1. asset=1"
    assert status.error == text
    assert [status for _, status in stage.told()] == ["badAloPxRejected"]


def test_a_taker_cancels_what_of_its_own_it_would_meet() -> None:
    stage = Stage()
    resting = stage.rest("2000.0", buy=True)

    (status,) = stage.place(order("1999.9", "0.2", buy=False, tif="Ioc"))

    assert status.filled.total_sz == "0.2"
    assert (resting, "selfTradeCanceled") in stage.told()


def test_the_market_fills_what_rests_when_its_turn_has_come() -> None:
    stage = Stage([trade(at(1), 20_000, 10_500, -1)])
    oid = stage.rest("2000.0")

    stage.block(at(2))

    (fill,) = stage.news.fills
    assert (fill.oid, fill.sz, fill.crossed, fill.time) == (oid, "0.05", False, EPOCH_MS + 1000)
    assert [u.order.sz for u in stage.news.updates] == ["0.05"]
    assert stage.told() == [(oid, "open")]


def test_one_static_fault_refuses_the_whole_batch_before_anything_happens() -> None:
    stage = Stage()

    told = stage.place(order("1999.5"), order("1999.55"), order("1999.4"))

    assert [one.error for one in told] == ["Price must be divisible by tick size. asset=1"]
    assert stage.account.orders == {}


def test_one_failure_at_the_book_leaves_the_rest_of_the_batch() -> None:
    stage = Stage()

    told = stage.place(order("1999.5"), order("2000.5"), order("1999.4"))

    assert [one.error is None for one in told] == [True, False, True]
    assert stage.open_prices() == ["1999.5", "1999.4"]


@pytest.mark.parametrize(
    ("wire", "text"),
    [
        (order("1999.55"), "Price must be divisible by tick size. asset=1"),
        (order("0"), "Order has invalid price. asset=1"),
        (order("1999.5", "0.00001"), "Order has invalid size. asset=1"),
        (order("1999.5", "0"), "Order has zero size. asset=1"),
        (order("1999.5", "0.001"), "Order must have minimum value of $10. asset=1"),
        (order("1999.5", "100000"), "Insufficient margin to place order. asset=1"),
        (
            order("1999.5", reduce_only=True),
            "Reduce only order would increase position. asset=1",
        ),
        (order("1999.5", asset=4711), "Not served: there is no such perpetual. asset=4711"),
    ],
)
def test_each_rule_is_refused_in_the_venues_words(wire: object, text: str) -> None:
    (status,) = Stage().place(wire)  # type: ignore[arg-type]

    assert status.error == text
    # Whoever reads the venue's words reads these; there is one that only we can say.
    assert find_error(text) is not None or text.startswith("Not served")


def test_a_price_far_from_the_market_is_refused_as_a_whole() -> None:
    reply = Stage().do(Order([order("90")], "na"))

    assert reply == refused("Order price cannot be more than 95% away from the reference price")


def test_closing_a_position_may_be_worth_less_than_the_least() -> None:
    stage = Stage()
    stage.place(order("2000.1", "0.1", tif="Ioc"))
    stage.place(order("2000.0", "0.097", buy=False, tif="Ioc"))

    (status,) = stage.place(order("2000.0", "0.1", buy=False, tif="Ioc", reduce_only=True))

    assert status.filled.total_sz == "0.003"
    assert stage.account.holding(stage.world.universe.live).size == 0


def test_a_reduce_only_order_goes_when_the_position_has_gone() -> None:
    stage = Stage()
    stage.place(order("2000.1", "0.1", tif="Ioc"))
    oid = stage.rest("2001.0", buy=False, reduce_only=True)

    stage.place(order("2000.0", "0.1", buy=False, tif="Ioc"))

    assert stage.open_prices() == []
    assert (oid, "reduceOnlyCanceled") in stage.told()


def test_a_position_is_entered_turned_and_closed_at_its_cost() -> None:
    stage = Stage()
    stage.place(order("2000.1", "0.2", tif="Ioc"))

    stage.place(order("2000.0", "0.5", buy=False, tif="Ioc"))
    stage.place(order("2000.1", "0.3", tif="Ioc"))

    fills = stage.account.fills
    assert [f.dir for f in fills] == ["Open Long", "Long > Short", "Close Short"]
    assert [f.closed_pnl for f in fills] == ["0.0", "-0.02", "-0.03"]
    paid = sum(Decimal(f.fee or 0) for f in fills)
    assert abs(stage.account.cash - (1_000_000 - Decimal("0.05") - paid)) < Decimal("0.00001")


# Modifies.


def test_a_modify_makes_a_new_oid_and_says_that_it_is_open_first() -> None:
    stage = Stage()
    old = stage.rest("1999.5", cloid=7)

    (status,) = statuses(stage.do(BatchModify([ModifyWire(old, order("1999.6", "0.2", cloid=7))])))

    new = status.resting.oid
    assert new != old
    assert stage.told() == [(new, "open"), (old, "canceled")]
    assert stage.open_prices() == ["1999.6"]
    found = stage.account.find(CLOID)
    assert found is not None
    assert found.oid == new


def test_a_modify_by_cloid_that_names_none_leaves_an_order_without() -> None:
    stage = Stage()
    stage.rest("1999.5", cloid=7)

    (status,) = statuses(stage.do(BatchModify([ModifyWire(CLOID, order("1999.6"))])))

    found = stage.account.find(status.resting.oid)
    assert found is not None
    assert found.wanted.cloid is None


def test_a_modify_that_would_cross_leaves_nothing() -> None:
    stage = Stage()
    oid = stage.rest("1999.5")

    (status,) = statuses(stage.do(BatchModify([ModifyWire(oid, order("2000.1"))])))

    assert status.error.startswith("Post only order would have immediately matched")
    assert stage.open_prices() == []
    assert [word for _, word in stage.told()] == ["badAloPxRejected", "canceled"]


def test_the_single_modify_wraps_what_the_new_order_was_refused_for() -> None:
    stage = Stage()
    oid = stage.rest("1999.5")

    reply = stage.do(Modify(oid, order("2000.1")))

    inner = "Post only order would have immediately matched, bbo was 2000.0@2000.1"
    assert reply == refused(f"Error placing new order during modify: {inner}")


def test_the_single_modify_does_not_say_the_new_oid() -> None:
    stage = Stage()
    oid = stage.rest("1999.5")

    reply = stage.do(Modify(oid, order("1999.6")))

    assert reply == done()
    assert stage.open_prices() == ["1999.6"]


def test_a_good_till_cancelled_modify_does_not_take() -> None:
    stage = Stage()
    oid = stage.rest("1999.5")

    (status,) = statuses(stage.do(BatchModify([ModifyWire(oid, order("2000.1", tif="Gtc"))])))

    assert status.error.startswith("Post only order")
    assert stage.account.fills == []


@pytest.mark.parametrize(
    "wire", [order("1999.6", tif="Ioc"), order("2000.9", buy=False), order("1.3", "20", asset=9)]
)
def test_a_modify_to_another_kind_of_order_leaves_the_old_one(wire: object) -> None:
    stage = Stage()
    oid = stage.rest("1999.5")

    (status,) = statuses(stage.do(BatchModify([ModifyWire(oid, wire)])))  # type: ignore[arg-type]

    # Four is far from what the other asset trades at: that is seen even before.
    assert status.error.startswith("Attempted to modify to invalid new order")
    assert stage.open_prices() == ["1999.5"]


def test_what_is_gone_cannot_be_modified_unless_it_shall_be_placed_anyway() -> None:
    stage = Stage()
    modifies = [ModifyWire(4711, order("1999.6"))]

    (refusal,) = statuses(stage.do(BatchModify(modifies)))
    (placed,) = statuses(stage.do(BatchModify(modifies, always_place=True)))

    assert refusal.error == "Cannot modify canceled or filled order"
    assert placed.resting is not None
    assert stage.open_prices() == ["1999.6"]


def test_a_modify_does_not_deduct_what_has_filled() -> None:
    stage = Stage([trade(at(1), 20_000, 10_500, -1)])
    oid = stage.rest("2000.0")
    stage.block(at(2))

    stage.do(BatchModify([ModifyWire(oid, order("1999.9"))]))

    assert [o.basic().sz for o in stage.account.open_orders()] == ["0.1"]


# Cancels.


def test_cancels_of_filled_cancelled_and_made_up_orders_are_told_the_same() -> None:
    stage = Stage()
    cancelled = stage.rest("1999.5")
    assert stage.cancel(cancelled) == "success"
    (filled,) = stage.place(order("2000.1", tif="Ioc"))

    told = [stage.cancel(oid).error for oid in (cancelled, filled.filled.oid, 4711)]

    assert told == [NEVER] * 3


def test_an_order_is_not_cancelled_under_another_asset() -> None:
    stage = Stage()
    oid = stage.rest("1999.5")

    status = stage.cancel(oid, asset=0)

    assert status.error.endswith("asset=0")
    assert stage.open_prices() == ["1999.5"]


def test_orders_are_cancelled_by_cloid() -> None:
    stage = Stage()
    stage.rest("1999.5", cloid=7)
    cancels = [CancelByCloidWire(ETH, CLOID), CancelByCloidWire(ETH, "0x" + "9" * 32)]

    first, second = statuses(stage.do(CancelByCloid(cancels)))

    assert first == "success"
    assert second.error == NEVER


def test_all_orders_are_cancelled_at_the_time_that_was_set() -> None:
    stage = Stage()
    oid = stage.rest("1999.5")

    assert stage.do(ScheduleCancel(EPOCH_MS + 6_000)) == done()
    stage.block(at(5))
    assert stage.open_prices() == ["1999.5"]
    stage.block(at(6))

    assert stage.open_prices() == []
    assert stage.told() == [(oid, "scheduledCancel")]


def test_the_time_set_can_be_taken_back() -> None:
    stage = Stage()
    stage.rest("1999.5")

    stage.do(ScheduleCancel(EPOCH_MS + 6_000))
    stage.do(ScheduleCancel())
    stage.block(at(7))

    assert stage.open_prices() == ["1999.5"]


def test_who_has_not_traded_enough_may_not_schedule() -> None:
    stage = Stage(terms=terms(schedule_volume=Decimal(1_000_000)))

    reply = stage.do(ScheduleCancel(EPOCH_MS + 60_000))

    text = "Cannot set scheduled cancel time until enough volume traded."
    assert reply == refused(f"{text} Required: $1000000. Traded: $0.00.")


def test_every_status_that_is_shown_is_one_of_the_venues() -> None:
    stage = Stage()
    for wire in (order("2000.1"), order("2000.0", tif="Ioc"), order("1999.5", "0.001")):
        stage.place(wire)

    told = {one.status for one in stage.account.orders.values()}

    assert len(told) == 3
    assert all(find_status(status) is not None for status in told)
