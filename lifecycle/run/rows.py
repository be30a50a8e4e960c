"""Makes the text that a frame holds: orders, reports and prices, as people read them."""

from decimal import Decimal
from typing import assert_never

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
from exchange.units import BPS, SECOND, Nanos
from exchange.words import Side
from lifecycle.core.order import Order
from lifecycle.run.frame import OrderRow
from spec.trace import Decision


def order_row(
    order: Order,
    lane: int,
    decision: Decision | None,
    queue: Queue | None,
    instrument: Instrument,
    now: Nanos,
) -> OrderRow:
    """Describe an order, with the last decision about it and its place in the queue, if known."""
    target, drift, band, why = "", 0.0, 0.0, ""
    if decision is not None:
        why = f"{decision.action}, {decision.reason}"
        if decision.target > 0:
            target = instrument.price_text(decision.target)
            drift = (order.price - decision.target) * order.side * BPS / decision.target
            band = decision.band * BPS / decision.target
    return OrderRow(
        lane=lane,
        cloid=order.cloid,
        state=order.state.value,
        side=order.side,
        level=order.level if decision is None else decision.level,
        price=instrument.price_text(order.price),
        target=target,
        qty=instrument.qty_text(order.leaves),
        filled=instrument.qty_text(order.filled),
        drift_bps=drift,
        band_bps=band,
        ahead="" if queue is None else instrument.qty_text(queue.ahead),
        age_s=(now - order.placed_at) / SECOND,
        why=why,
    )


def report_line(report: Report, since_start: Nanos, instrument: Instrument) -> str:
    """Write a report on one line, with the time at which it came."""
    return f"{since_start / SECOND:8.2f} s  {_report_text(report, instrument)}"


def _report_text(report: Report, instrument: Instrument) -> str:
    match report:
        case Accepted():
            return f"accepted {report.cloid}, oid {report.oid}"
        case Rejected():
            return f"rejected {report.cloid}: {report.reason}"
        case Fill():
            side = "" if report.side is None else "bought " if report.side is Side.BUY else "sold "
            qty, price = instrument.qty_text(report.qty), instrument.price_text(report.price)
            return f"fill {side}{qty} at {price}, {report.cloid or report.oid}"
        case Modified():
            price = instrument.price_text(report.price)
            return f"modified {report.cloid} to {price}, oid {report.oid}"
        case ModifyRejected():
            return f"modify rejected {report.cloid}: {report.reason}, alive {report.alive}"
        case Cancelled():
            return f"cancelled {report.cloid or report.oid}: {report.reason}"
        case CancelRejected():
            return f"cancel rejected {report.cloid}: {report.reason}"
        case Limited():
            return "limited: the request quota is used up"
        case Disconnected():
            return "disconnected"
        case Reconnected():
            return "reconnected"
        case Snapshot():
            return f"snapshot: {len(report.open)} open"
        case OrderStatus():
            return f"status {report.cloid}: {report.status}"
        case _ as unreachable:
            assert_never(unreachable)


def mid_and_spread(market: Market, instrument: Instrument) -> tuple[str, float]:
    """Return the mid as text and the spread in bps; empty and 0 without a touch."""
    if market.bid is None or market.ask is None:
        return "", 0.0
    twice = market.bid + market.ask
    mid = Decimal(twice) * instrument.price_unit / 2
    return f"{mid:f}", (market.ask - market.bid) * 2 * BPS / twice
