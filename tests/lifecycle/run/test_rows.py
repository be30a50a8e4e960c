"""The text of a frame."""

from typing import get_args

import pytest

from exchange.instrument import Instrument
from exchange.market import Market, Queue
from exchange.reports import (
    Accepted,
    Cancelled,
    CancelRejected,
    Disconnected,
    Fill,
    Limited,
    Modified,
    ModifyRejected,
    OrderStatus,
    Reconnected,
    Rejected,
    Report,
    Snapshot,
)
from exchange.units import MILLISECOND, SECOND
from exchange.words import Alive, CancelReason, Side, Status
from lifecycle.core.order import Order
from lifecycle.run.rows import mid_and_spread, order_row, report_line
from spec.states import PhaseEvent
from spec.trace import Action, Decision, Reason

ETH = Instrument("ETH")

LINES: list[tuple[Report, str]] = [
    (Accepted(0, "a", "7"), "accepted a, oid 7"),
    (Rejected(0, "a", "post_only"), "rejected a: post_only"),
    (Fill(0, "a", "7", 1_000, 20_000, "t", Side.BUY), "fill bought 0.1000 at 2000.0, a"),
    (Fill(0, None, "7", 1_000, 20_000, "t"), "fill 0.1000 at 2000.0, 7"),
    (Modified(0, "a", "8", 1_000, 20_001), "modified a to 2000.1, oid 8"),
    (ModifyRejected(0, "a", "gone", Alive.NO), "modify rejected a: gone, alive false"),
    (Cancelled(0, "a", "7", CancelReason.USER), "cancelled a: user"),
    (Cancelled(0, None, "7", CancelReason.VENUE), "cancelled 7: venue"),
    (CancelRejected(0, "a", "too_late"), "cancel rejected a: too_late"),
    (Limited(0), "limited: the request quota is used up"),
    (Disconnected(0), "disconnected"),
    (Reconnected(0), "reconnected"),
    (Snapshot(0, ()), "snapshot: 0 open"),
    (OrderStatus(0, "a", Status.OPEN), "status a: open"),
]


@pytest.mark.parametrize(("report", "line"), LINES, ids=[line for _, line in LINES])
def test_a_report_is_one_line_with_its_time(report: Report, line: str) -> None:
    assert report_line(report, 61_250 * MILLISECOND, ETH) == f"   61.25 s  {line}"


def test_every_kind_of_report_has_a_line() -> None:
    assert {type(report) for report, _ in LINES} == set(get_args(Report))


@pytest.mark.parametrize(("side", "drift"), [(Side.BUY, 2.0), (Side.SELL, -2.0)])
def test_drift_is_positive_where_the_order_is_more_aggressive_than_wanted(
    side: Side, drift: float
) -> None:
    order = Order("a", side, 20_004, 1_000, SECOND)
    order.advance(PhaseEvent.ACCEPTED, SECOND)
    decision = Decision("a", side, 1, Action.KEEP, Reason.LATCHED, 20_004, 20_000, 1_000, 1_000, 6)

    row = order_row(order, 3, decision, Queue(5_000, 0), ETH, 4 * SECOND)

    assert row.drift_bps == pytest.approx(drift)
    assert row.band_bps == pytest.approx(3.0)
    assert (row.lane, row.level, row.state) == (3, 1, "resting")
    assert (row.price, row.target, row.ahead) == ("2000.4", "2000.0", "0.5000")
    assert (row.age_s, row.why) == (3.0, "keep, latched")


def test_an_order_that_nothing_was_decided_about_has_no_target() -> None:
    row = order_row(Order("a", Side.BUY, 20_000, 1, 0), 0, None, None, ETH, 0)

    assert (row.target, row.why, row.ahead, row.drift_bps) == ("", "", "", 0.0)


def test_the_mid_is_written_in_quote_currency() -> None:
    mid, spread_bps = mid_and_spread(Market(0, 20_000, 20_001), ETH)

    assert mid == "2000.05"
    assert spread_bps == pytest.approx(0.5, rel=1e-3)


def test_a_market_with_an_empty_side_has_no_mid() -> None:
    assert mid_and_spread(Market(0, None, 20_001), ETH) == ("", 0.0)
