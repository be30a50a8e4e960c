"""The races that are claimed to be survived: each must be seen to happen.

A model in which nothing interesting happens keeps every promise. Each race is a label that a step
earns, by the state before it and what the step is.
"""

from typing import Final

from exchange.reports import (
    Accepted,
    Cancelled,
    CancelRejected,
    Fill,
    Modified,
    ModifyRejected,
    OrderStatus,
    Report,
    Snapshot,
)
from exchange.words import Alive, CancelReason
from lifecycle.check.world import Step, World
from lifecycle.core.order import Order
from spec.states import Phase, Request

_PENDING_NEW: Final = Phase.PENDING_NEW
RACES: Final = {
    "fill-before-ack": "a fill overtakes the acknowledgement of its place",
    "cancel-before-ack": "a cancellation overtakes the acknowledgement of its place",
    "new-leg-fills-first": "the replacement fills before its modify is answered",
    "old-leg-fills-meanwhile": "the old leg fills while its modify is unanswered",
    "old-leg-gone-first": "the old leg's end arrives before the modify's answer",
    "old-leg-gone-last": "the old leg's end arrives after the modify's answer",
    "late-fill": "a fill arrives after its order has closed",
    "fill-of-old-leg-late": "a fill of the old leg arrives after the modify's answer",
    "repeated-fill": "a fill is heard twice",
    "modify-leaves-nothing": "a refused modify leaves nothing",
    "modify-refused-unknown": "a modify is refused, nobody says what rests",
    "unasked-while-modifying": "the venue cancels the order while a modify is unanswered",
    "answer-after-doubt": "an answer comes after its request fell in doubt",
    "doubt-ended-by-look": "a look ends a doubt",
    "place-proven-gone": "a place in doubt is proven never to have rested",
    "stale-look": "a look is heard that is older than what we know",
    "too-late": "a cancel comes too late",
    "crash-in-flight": "the process dies with a request in flight",
    "expired": "a request expires on its way",
    "overfill": "fills in flight at a modify take the order beyond what was wanted",
    "blind": "a cycle comes while blind",
    "halt-in-flight": "all is to go while a request is in flight",
    "halt-in-doubt": "all is to go while the outcome of a request is unknown",
    "halt-blind": "all is to go while blind",
    "halt-proven": "after a halt a look proves that nothing rests",
}


def races(before: World, step: Step, after: World) -> list[str]:
    """Return the races that a step has shown."""
    kind, index, _ = step
    if kind in ("hear", "repeat"):
        report = before.venue.streams[index][0]
        return _heard(before, report, after, repeated=kind == "repeat")
    if kind == "look":
        return _looked(before, after)
    if kind == "halt":
        return _halted(before)
    found = []
    if kind == "crash" and any(order.is_in_flight for order in before.manager.open_orders.values()):
        found.append("crash-in-flight")
    if kind in ("cycle", "early"):
        if before.manager.is_blind:
            found.append("blind")
        # A cycle sends only what it places in the uplink's end: fewer from before have expired.
        kept = [request for request in before.venue.uplink if request in after.venue.uplink]
        if len(kept) < len(before.venue.uplink):
            found.append("expired")
    return found


def _heard(before: World, report: Report, after: World, *, repeated: bool) -> list[str]:
    orders = before.manager.orders
    if type(report) is OrderStatus or type(report) is Snapshot:
        stale = any(report.at < order.evidence_at for order in before.manager.open_orders.values())
        return [*_looked(before, after), *(["stale-look"] if stale else [])]
    cloid = getattr(report, "cloid", None)
    order = None if cloid is None else orders.get(cloid)
    if order is None or cloid is None:
        return []
    found = []
    now = after.manager.orders[cloid]
    if type(report) is Fill:
        found = _filled(order, report, now)
        if repeated:
            found.append("repeated-fill")
    elif type(report) is Cancelled:
        found = _cancelled(order, report)
    elif type(report) is ModifyRejected and order.is_modifying:
        if report.alive is Alive.NO and now.is_closed:
            found.append("modify-leaves-nothing")
        elif report.alive is Alive.UNKNOWN:
            found.append("modify-refused-unknown")
    elif type(report) is CancelRejected and report.reason == "too_late":
        found.append("too-late")
    answers = type(report) is Accepted or type(report) is Modified
    if answers and order.is_in_doubt and not now.is_in_doubt:
        found.append("answer-after-doubt")
    return found


def _filled(order: Order, fill: Fill, now: Order) -> list[str]:
    found = []
    if order.phase is _PENDING_NEW:
        found.append("fill-before-ack")
    if order.is_closed:
        found.append("late-fill")
    if order.is_modifying:
        known = order.leg_of(fill.oid) is not None
        found.append("old-leg-fills-meanwhile" if known else "new-leg-fills-first")
    elif order.leg.oid is not None and order.leg.oid != fill.oid and not order.is_closed:
        found.append("fill-of-old-leg-late")
    if order.old_legs and now.filled > order.legs[0].qty:
        found.append("overfill")
    return found


def _cancelled(order: Order, report: Cancelled) -> list[str]:
    if order.phase is _PENDING_NEW:
        return ["cancel-before-ack"]
    if report.reason is CancelReason.REPLACED:
        return ["old-leg-gone-first" if order.is_modifying else "old-leg-gone-last"]
    if report.reason is CancelReason.MARGIN and order.is_modifying:
        return ["unasked-while-modifying"]
    return []


def _halted(before: World) -> list[str]:
    orders = before.manager.open_orders.values()
    found = ["halt-blind"] if before.manager.is_blind else []
    if any(order.is_in_flight for order in orders):
        found.append("halt-in-flight")
    if any(order.is_in_doubt for order in orders):
        found.append("halt-in-doubt")
    return found


def _looked(before: World, after: World) -> list[str]:
    found = []
    if after.manager.nothing_rests and not before.manager.nothing_rests:
        found.append("halt-proven")
    for cloid, order in before.manager.open_orders.items():
        now = after.manager.orders[cloid]
        if order.is_in_doubt and not now.is_in_doubt:
            found.append("doubt-ended-by-look")
            if order.request is Request.PLACING_IN_DOUBT and now.phase is Phase.REJECTED:
                found.append("place-proven-gone")
    return found
