"""What the venue is asked and what it pushes, to reports: for whom, when, and of which leg."""

from typing import Any, Final

import pytest
from msgspec import convert, json

from exchange.commands import QueryOpen, QueryOrder
from exchange.hyperliquid.codec import Codec, Unmapped
from exchange.hyperliquid.instruments import Asset, instrument_of
from exchange.hyperliquid.wire_info import AssetMeta, BasicOrder, OrderStatusReply, UserFill
from exchange.hyperliquid.wire_socket import OrderUpdate, UserEvent
from exchange.reports import (
    Accepted,
    Cancelled,
    Fill,
    OpenOrder,
    OrderStatus,
    Rejected,
    Snapshot,
)
from exchange.words import CancelReason, Side, Status

ETH: Final = Asset("hyna:ETH", 140001, instrument_of(AssetMeta(4, "hyna:ETH", 25)))
OURS: Final = "0123456789" + "0000002a"
SENT: Final = "0x01234567890000002ac10d0000000000"
OTHER: Final = "0x" + "7" * 32
AT: Final = 5_000_000_000
ORIGIN: Final = 1_700_000_000_000_000_000
MS: Final = 1_700_000_001_000


def heard() -> tuple[Codec, list[Unmapped]]:
    """Return a codec and what it complains of."""
    complaints: list[Unmapped] = []
    return Codec(ETH, origin=ORIGIN, on_unmapped=complaints.append), complaints


def a_row(**changed: Any) -> dict[str, Any]:
    return {
        "coin": "hyna:ETH", "side": "B", "limitPx": "1500.0", "sz": "1.0", "oid": 313,
        "timestamp": MS, "origSz": "1.0", "cloid": SENT,
    } | changed  # fmt: skip


def a_fill(**changed: Any) -> dict[str, Any]:
    return {
        "coin": "hyna:ETH", "px": "2067.2", "sz": "0.01", "side": "A", "time": MS, "oid": 313,
        "tid": 9, "dir": "Close Long", "fee": "0.00893", "feeToken": "USDC", "crossed": True,
        "cloid": SENT, "somethingNew": [1],
    } | changed  # fmt: skip


def status_reply(status: str, **changed: Any) -> OrderStatusReply:
    order = {"order": a_row(**changed), "status": status, "statusTimestamp": MS}
    return convert({"status": "order", "order": order}, OrderStatusReply)


@pytest.mark.parametrize(
    ("word", "status", "oid"),
    [("open", Status.OPEN, "313"), ("filled", Status.FILLED, "313"),
     ("marginCanceled", Status.CANCELLED, "313"), ("perpMarginRejected", Status.REJECTED, None)],
)  # fmt: skip
def test_a_status_is_told_with_the_leg_that_it_is_about(
    word: str, status: Status, oid: str | None
) -> None:
    told = Codec(ETH).read_status(QueryOrder(4, OURS, "313"), status_reply(word), AT)

    assert told == OrderStatus(AT, OURS, status, None, oid, 4)


def test_an_order_that_the_venue_does_not_know_is_told_as_that() -> None:
    told = Codec(ETH).read_status(QueryOrder(4, OURS, None), OrderStatusReply("unknownOid"), AT)

    assert told == OrderStatus(AT, OURS, Status.UNKNOWN_ORDER, request=4)


@pytest.mark.parametrize(
    "reply",
    [
        status_reply("triggered"),
        status_reply("new"),
        OrderStatusReply("order"),
        OrderStatusReply("?"),
    ],
)
def test_a_status_that_is_not_clear_tells_nothing(reply: OrderStatusReply) -> None:
    codec, complaints = heard()

    assert codec.read_status(QueryOrder(4, OURS, None), reply, AT) is None
    assert len(complaints) == 1


def test_a_snapshot_holds_what_is_open_and_the_fills_of_its_coin() -> None:
    codec, _ = heard()
    plain = [a_row(), a_row(coin="ETH"), a_row(oid=314, cloid=OTHER, side="A")]
    del plain[0]["cloid"]
    orders = convert(plain, list[BasicOrder])
    fills = convert([a_fill(), a_fill(coin="ETH")], list[UserFill])

    told = codec.read_snapshot(QueryOpen(6, 0), orders, fills, AT)

    assert told == Snapshot(
        AT,
        (
            OpenOrder("313", None, Side.BUY, 150000, 10000),
            OpenOrder("314", OTHER, Side.SELL, 150000, 10000),
        ),
        (Fill(1_000_000_000, OURS, "313", 100, 206720, f"{MS}:9", Side.SELL),),
        6,
    )


def test_a_settlement_off_the_grid_still_counts() -> None:
    fill = Codec(ETH).read_fill(convert(a_fill(px="2124.647", dir="Settlement"), UserFill))

    assert fill is not None
    assert (fill.price, fill.qty) == (212465, 100)


def an_update(status: str, **changed: Any) -> OrderUpdate:
    plain = {"order": a_row(**changed), "status": status, "statusTimestamp": MS}
    return convert(plain, OrderUpdate)


@pytest.mark.parametrize(
    ("status", "expected"),
    [("open", Accepted(1_000_000_000, OURS, "313")),
     ("filled", None),
     ("canceled", Cancelled(1_000_000_000, OURS, "313", CancelReason.USER)),
     ("selfTradeCanceled", Cancelled(1_000_000_000, OURS, "313", CancelReason.SELF_TRADE)),
     ("badAloPxRejected", Rejected(1_000_000_000, OURS, "post_only"))],
)  # fmt: skip
def test_an_update_is_evidence_for_its_own_time(status: str, expected: Any) -> None:
    codec, complaints = heard()

    assert codec.read_update(an_update(status), {OURS}) == expected
    assert complaints == []


def test_a_rejected_new_leg_does_not_reject_an_order_that_was_placed() -> None:
    assert heard()[0].read_update(an_update("badAloPxRejected"), ()) is None


def test_updates_of_other_coins_and_of_the_unnamed_say_no_more_than_they_know() -> None:
    codec, complaints = heard()
    unnamed = a_row()
    del unnamed["cloid"]
    opened = convert({"order": unnamed, "status": "open", "statusTimestamp": MS}, OrderUpdate)
    gone = convert({"order": unnamed, "status": "canceled", "statusTimestamp": MS}, OrderUpdate)

    assert codec.read_update(an_update("canceled", coin="ETH"), ()) is None
    assert codec.read_update(opened, ()) is None
    assert codec.read_update(gone, (), AT) == Cancelled(AT, None, "313", CancelReason.USER)
    assert complaints == []


def test_an_update_that_is_not_understood_is_complained_of() -> None:
    codec, complaints = heard()

    assert codec.read_update(an_update("triggered"), ()) is None
    assert complaints == [Unmapped("update", "triggered")]


def test_an_event_tells_fills_and_what_the_venue_cancelled() -> None:
    plain = {"fills": [a_fill(), a_fill(coin="ETH")],
             "nonUserCancel": [{"coin": "hyna:ETH", "oid": 5}, {"coin": "ETH", "oid": 6}],
             "news": 1}  # fmt: skip
    codec, _ = heard()

    told = codec.read_event(json.decode(json.encode(plain), type=UserEvent), AT)

    assert [type(one) for one in told] == [Fill, Cancelled]
    assert told[1] == Cancelled(AT, None, "5", CancelReason.VENUE)
    assert codec.read_event(UserEvent(funding={}), AT) == []
