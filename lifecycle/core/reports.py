"""What a pushed report or an answer proves about one of our orders.

Each handler first classifies: is it about the current leg, an old one, or one that we do not know
yet? Does it answer the request that is unanswered? Only then are the tables asked. While a modify
is unanswered, an oid that we have never seen can only be its new leg, so any report that names one
proves the modify; and the end of the current leg alone does not end the order, because venues
report a replaced leg as plainly cancelled.
"""

from typing import Final

from exchange.reports import (
    Accepted,
    Cancelled,
    CancelRejected,
    Fill,
    Modified,
    ModifyRejected,
    Rejected,
)
from exchange.words import Alive, CancelReason
from lifecycle.core.blotter import Blotter
from lifecycle.core.order import Leg, Order
from spec.states import Phase, PhaseEvent, Request, RequestEvent

# Members looked up once: before Python 3.12 each access costs a function call.
_UNKNOWN: Final = Alive.UNKNOWN
_YES: Final = Alive.YES
_REPLACED: Final = CancelReason.REPLACED
_FILLED: Final = Phase.FILLED
_ACCEPTED: Final = PhaseEvent.ACCEPTED
_CANCELLED: Final = PhaseEvent.CANCELLED
_FILLED_IN_PART: Final = PhaseEvent.FILLED_IN_PART
_FILLED_WHOLE: Final = PhaseEvent.FILLED_WHOLE
_LEG_ENDED: Final = PhaseEvent.LEG_ENDED
_REJECTED: Final = PhaseEvent.REJECTED
_CANCELLING_IN_DOUBT: Final = Request.CANCELLING_IN_DOUBT
_CANCEL_ANSWERED: Final = RequestEvent.CANCEL_ANSWERED
_CANCEL_REFUSED: Final = RequestEvent.CANCEL_REFUSED
_MODIFY_ANSWERED: Final = RequestEvent.MODIFY_ANSWERED
_MODIFY_REFUSED_UNKNOWN: Final = RequestEvent.MODIFY_REFUSED_UNKNOWN
_PLACE_ANSWERED: Final = RequestEvent.PLACE_ANSWERED


def answers(order: Order, request: int) -> bool:
    """Say whether an answer belongs to the order's newest request; 0 names none."""
    return request == 0 or request == order.request_no


def on_fill(blotter: Blotter, fill: Fill) -> None:
    """Book a fill, whatever the phase, and see whether it ends the order."""
    oid = fill.oid
    order = blotter.find(fill.cloid, oid)
    if order is None:
        _on_stray(blotter, fill)
        return
    leg = order.leg_of(oid)
    if leg is None:
        leg = _new_leg_of(blotter, order, fill)
    if not blotter.book(order, leg, fill):
        return
    if order.is_placing:
        # The fill overtook the acceptance.
        blotter.ask(order, _PLACE_ANSWERED, fill)
    whole = leg is order.leg and leg.filled >= leg.qty
    if whole and order.is_modifying:
        leg.ended = True
        whole = False
    blotter.advance(order, _FILLED_WHOLE if whole else _FILLED_IN_PART, fill)
    if not order.is_closed:
        blotter.witness(order, fill.at)


def _new_leg_of(blotter: Blotter, order: Order, fill: Fill) -> Leg:
    """Return the leg of a fill whose oid our order has not had so far."""
    if order.leg.oid is None:
        blotter.bind(order, order.leg, fill.oid, fill)
        return order.leg
    if order.is_modifying and not blotter.amends:
        # The replacement fills before anyone says that it exists.
        blotter.prove_modify(order, fill.oid, order.goal_price, order.goal_qty, fill)
        return order.leg
    # It is ours by its cloid, so it counts; but no request of ours explains this oid.
    # Of an order that was taken over, earlier legs may have filled before it had a name.
    before = blotter.strays.get(fill.oid, {})
    qty = sum(stray.qty for stray, _ in before.values())
    leg = Leg(fill.oid, fill.price, qty + (0 if fill.trade_id in before else fill.qty))
    leg.is_guess = True
    order.supersede(leg)
    blotter.bind(order, leg, fill.oid, fill)
    blotter.diverge("fill-of-unknown-leg", order, fill)
    return leg


def _on_stray(blotter: Blotter, fill: Fill) -> None:
    """Keep a fill of an order that we do not know; count it as far as its side is known."""
    kept = blotter.strays.setdefault(fill.oid, {})
    if fill.trade_id in kept:
        return
    side = fill.side if fill.side is not None else blotter.foreign.get(fill.oid)
    kept[fill.trade_id] = (fill, side is not None)
    if side is not None:
        blotter.position += fill.qty * side
    if fill.oid not in blotter.foreign:
        blotter.diverge("fill-of-unknown-order", None, fill)


def on_accepted(blotter: Blotter, report: Accepted) -> None:
    """Bind the oid; the place is answered."""
    oid = report.oid
    order = blotter.find(report.cloid, oid)
    if order is None:
        return
    leg = order.leg
    if leg.oid is None:
        blotter.bind(order, leg, oid, report)
    elif order.leg_of(oid) is None:
        if order.is_modifying and not blotter.amends:
            # Pushed as a new order under the same cloid: the modify's new leg.
            blotter.prove_modify(order, oid, order.goal_price, order.goal_qty, report)
            return
        blotter.diverge("accepted-under-another-oid", order, report)
        return
    if blotter.advance(order, _ACCEPTED, report) and not order.is_closed:
        blotter.ask(order, _PLACE_ANSWERED, report)
        blotter.witness(order, report.at)
        blotter.settle(order, report)


def on_rejected(blotter: Blotter, report: Rejected) -> None:
    """End an order whose place was refused; nothing rests."""
    order = blotter.orders.get(report.cloid)
    if order is not None and answers(order, report.request):
        blotter.advance(order, _REJECTED, report)


def on_modified(blotter: Blotter, report: Modified) -> None:
    """Move the order onto its new leg; the modify is answered."""
    order = blotter.orders.get(report.cloid)
    if order is None:
        return
    oid, request = report.oid, report.request
    known = order.leg_of(oid)
    ours = order.is_modifying and answers(order, request)
    if ours and (known is None or blotter.amends):
        if blotter.amends and not _is_goal(order, report):
            return
        blotter.prove_modify(order, oid, report.price, report.qty, report)
        if not order.is_closed:
            blotter.witness(order, report.at)
        return
    if ours and known is order.leg and request == order.request_no:
        # The answer to this very request: the venue has kept the oid.
        known.price, known.qty, known.ended = report.price, report.qty, False
        blotter.ask(order, _MODIFY_ANSWERED, report)
        blotter.witness(order, report.at)
        blotter.settle(order, report)
    elif known is None:
        blotter.diverge("modified-to-unknown-oid", order, report)
    elif known is order.leg and not blotter.amends and not order.is_closed:
        # The acknowledgement of a modify that its own new leg proved before; it knows best.
        known.qty = report.qty
        known.price = report.price
        blotter.witness(order, report.at)
        blotter.settle(order, report)


def _is_goal(order: Order, report: Modified) -> bool:
    """Say whether an amendment that names no request is the one that is unanswered."""
    return report.request != 0 or (
        report.price == order.goal_price and report.qty == order.goal_qty
    )


def on_modify_rejected(blotter: Blotter, report: ModifyRejected) -> None:
    """Settle a refused modify: only `alive` counts, the reason is for people."""
    order = blotter.orders.get(report.cloid)
    if order is None or order.is_closed or not answers(order, report.request):
        return
    if not order.is_modifying:
        blotter.ask(order, _MODIFY_ANSWERED, report)
        return
    if report.alive is _UNKNOWN and not order.leg.ended:
        blotter.ask(order, _MODIFY_REFUSED_UNKNOWN, report)
        order.answered = True
        order.answered_at = report.at
        blotter.query(order)
        return
    if report.alive is not _YES:
        # Refused, and the old leg is gone: nothing rests.
        order.leg.ended = True
    blotter.ask(order, _MODIFY_ANSWERED, report)
    if not order.leg.ended:
        blotter.witness(order, report.at)
    blotter.settle(order, report)


def on_cancelled(blotter: Blotter, report: Cancelled) -> None:
    """End the order, if it is its current leg that is gone and no modify is unanswered."""
    oid = report.oid
    order = blotter.find(report.cloid, oid)
    if order is None:
        if oid is not None:
            blotter.foreign.pop(oid, None)
        return
    leg = order.leg
    if oid is not None and leg.oid is None:
        # The cancellation overtook the acceptance.
        blotter.bind(order, leg, oid, report)
    known = order.leg_of(oid)
    if known is None:
        _cancelled_unknown_leg(blotter, order, report)
    elif known is not leg:
        blotter.advance(order, _LEG_ENDED, report)
    elif report.reason is _REPLACED:
        _replaced(blotter, order, report)
    elif order.is_modifying:
        leg.ended = True
        leg.ended_at = report.at
        blotter.advance(order, _LEG_ENDED, report)
    else:
        _ended(blotter, order, report)


def _cancelled_unknown_leg(blotter: Blotter, order: Order, report: Cancelled) -> None:
    if report.oid is not None and order.is_modifying and not blotter.amends:
        # The new leg came and went before the modify was answered.
        order.leg.ended = False
        blotter.prove_modify(order, report.oid, order.goal_price, order.goal_qty, report)
        if report.reason is not _REPLACED:
            _ended(blotter, order, report)
    elif report.reason is _REPLACED:
        blotter.advance(order, _LEG_ENDED, report)
    else:
        blotter.diverge("cancelled-under-another-oid", order, report)


def _replaced(blotter: Blotter, order: Order, report: Cancelled) -> None:
    """Note the end of the current leg by a replacement."""
    if order.is_closed or order.is_modifying:
        order.leg.ended = True
        blotter.advance(order, _LEG_ENDED, report)
    else:
        # Something replaced it, and it was not a modify of ours that we know of.
        blotter.diverge("replaced-without-modify", order, report)


def _ended(blotter: Blotter, order: Order, report: Cancelled) -> None:
    if order.is_cancelling and order.phase is not _FILLED:
        blotter.ask(order, _CANCEL_ANSWERED, report)
    order.leg.ended = True
    blotter.advance(order, _CANCELLED, report)


def on_cancel_rejected(blotter: Blotter, report: CancelRejected) -> None:
    """Leave the cancel in doubt: refused is not gone, and too late does not say why."""
    order = blotter.orders.get(report.cloid)
    if order is None or order.is_closed or not answers(order, report.request):
        return
    blotter.ask(order, _CANCEL_REFUSED, report)
    if order.request is _CANCELLING_IN_DOUBT:
        order.answered = True
        order.answered_at = report.at
        blotter.query(order)
