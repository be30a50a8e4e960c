"""What a snapshot or the status of one order proves: the answers to our own questions.

Older evidence never overwrites newer: a row is compared with the newest evidence about its order,
and an absence with the order's last sign of life. Absence is proof only when nothing of ours can
still be on its way: for an order in doubt after its request's expiry, and then twice. An idle
order that a snapshot lacks is queried first.

The reconciliation of a listed order, as a table (first match):

| | the row names | while | means |
|---|---|---|---|
| @A | a closed order | listed after it closed | divergence |
| @B | our oid | placing, in doubt or not | the place is proven |
| @C | an oid we never saw | modifying, cancel-replace | the modify is proven |
| @D | our oid at the new price or size | modifying, amend | the modify is proven |
| @E | our oid as it was | in doubt, and refused or expired | the request was not done |
| @F | our oid as it was | in flight, or in doubt before expiry | nothing yet |
| @G | our oid at another price | idle | divergence; the venue's word is taken |
| @H | an oid we never saw | idle, cancelling | divergence; the venue's word is taken |
| @I | an old leg of ours | any | divergence, the row is not believed |
| @K | a leg of ours of which only a fill had told | any | it is the current leg |
| @J | one order by oid, another by cloid | any | divergence, the row is not believed |
"""

from typing import Final

from exchange.reports import OpenOrder, OrderStatus, Snapshot
from exchange.units import Qty
from exchange.words import Cloid, Status
from lifecycle.core.blotter import Blotter
from lifecycle.core.order import Leg, Order
from lifecycle.core.reports import on_fill
from spec.states import Phase, PhaseEvent, Request, RequestEvent

# Members looked up once: before Python 3.12 each access costs a function call.
_RESTING: Final = Phase.RESTING
_ACCEPTED: Final = PhaseEvent.ACCEPTED
_CANCELLED: Final = PhaseEvent.CANCELLED
_FILLED_WHOLE: Final = PhaseEvent.FILLED_WHOLE
_GONE: Final = PhaseEvent.GONE
_LEG_ENDED: Final = PhaseEvent.LEG_ENDED
_REJECTED: Final = PhaseEvent.REJECTED
_CANCELLING_IN_DOUBT: Final = Request.CANCELLING_IN_DOUBT
_IDLE: Final = Request.IDLE
_MODIFYING_IN_DOUBT: Final = Request.MODIFYING_IN_DOUBT
_DISPROVED: Final = RequestEvent.DISPROVED
_PLACE_ANSWERED: Final = RequestEvent.PLACE_ANSWERED


def on_snapshot(blotter: Blotter, snapshot: Snapshot) -> None:
    """Compare all open orders with the record, after booking the fills that came with them."""
    for fill in snapshot.fills:
        on_fill(blotter, fill)
    listed: set[Cloid] = set()
    foreign = {}
    for row in snapshot.open:
        order = blotter.find(row.cloid, row.oid)
        if order is None:
            foreign[row.oid] = row.side
            continue
        listed.add(order.cloid)
        if row.cloid is not None and row.cloid != order.cloid and row.cloid in blotter.orders:
            # The row names two of our orders: it proves nothing, not even an absence.
            listed.add(row.cloid)
            blotter.diverge("@J listed-under-two-names", order, snapshot)
            continue
        _on_listed(blotter, order, row, snapshot)
    blotter.foreign = foreign
    for order in list(blotter.open.values()):
        if order.cloid not in listed:
            _on_absent(blotter, order, snapshot, by_snapshot=True)


def _on_listed(blotter: Blotter, order: Order, row: OpenOrder, snapshot: Snapshot) -> None:
    if order.is_closed:
        if snapshot.at > order.closed_at:
            blotter.diverge("@A listed-though-closed", order, snapshot)
        return
    if snapshot.at < order.evidence_at:
        return
    known = order.leg_of(row.oid)
    if order.leg.oid is None and order.is_modifying and row.price != order.leg.price:
        # Its oid was never named: the price says that this is the new leg.
        _listed_under_new_oid(blotter, order, row, snapshot)
    elif order.leg.oid is None and order.is_modifying:
        blotter.bind(order, order.leg, row.oid, snapshot)
        _listed_as_known(blotter, order, row, snapshot)
    elif order.leg.oid is None:
        blotter.bind(order, order.leg, row.oid, snapshot)
        blotter.advance(order, _ACCEPTED, snapshot)
        blotter.ask(order, _PLACE_ANSWERED, snapshot)
    elif known is None:
        _listed_under_new_oid(blotter, order, row, snapshot)
    elif known.is_guess:
        # The record of the modify that made it is lost; what rests is what it is now.
        order.promote(known)
        known.price, known.qty, known.taken_at = row.price, known.filled + row.qty, snapshot.at
        _listed_as_known(blotter, order, row, snapshot)
    elif known is not order.leg:
        blotter.diverge("@I listed-under-old-oid", order, snapshot)
        return
    else:
        _listed_as_known(blotter, order, row, snapshot)
    if not order.is_closed:
        leg = order.leg
        if order.request is not _IDLE:
            leg.reported = max(leg.reported, leg.qty - row.qty)
        else:
            if blotter.amends and row.qty > leg.qty - leg.filled:
                # An amendment of ours whose record is lost.
                leg.qty = leg.filled + row.qty
            # The newest look replaces what was made of older ones.
            leg.reported = max(0, leg.qty - row.qty)
        if leg.reported > leg.filled:
            _know(order)
            # The venue is ahead of the fills that we have: exposure counts them, fetch them.
            blotter.query(order)
        blotter.witness(order, snapshot.at)


def _listed_under_new_oid(
    blotter: Blotter, order: Order, row: OpenOrder, snapshot: Snapshot
) -> None:
    if order.is_modifying and not blotter.amends:
        blotter.prove_modify(order, row.oid, row.price, max(order.goal_qty, row.qty), snapshot)
        return
    blotter.diverge("@H listed-under-another-oid", order, snapshot)
    blotter.bind(order, order.next_leg(row.oid, row.price, row.qty), row.oid, snapshot)


def _listed_as_known(blotter: Blotter, order: Order, row: OpenOrder, snapshot: Snapshot) -> None:
    leg = order.leg
    blotter.advance(order, _ACCEPTED, snapshot)
    blotter.ask(order, _PLACE_ANSWERED, snapshot)
    if order.is_modifying and blotter.amends and _shows_goal(order, row):
        blotter.prove_modify(order, row.oid, row.price, order.goal_qty, snapshot)
        return
    if order.is_in_doubt:
        if order.is_past(snapshot.at):
            if snapshot.at >= leg.ended_at:
                leg.ended = False
            blotter.ask(order, _DISPROVED, snapshot)
            blotter.settle(order, snapshot)
        return
    if order.request is _IDLE and row.price != leg.price:
        blotter.diverge("@G listed-at-another-price", order, snapshot)
        leg.price = row.price
        if blotter.amends:
            # An amendment of ours whose record is lost; the size is as much its word as the price.
            leg.qty = leg.filled + row.qty
            leg.taken_at = snapshot.at


def _shows_goal(order: Order, row: OpenOrder) -> bool:
    """Say whether a row of an amended order shows the amendment done."""
    leg = order.leg
    if order.goal_price != leg.price:
        return row.price == order.goal_price
    left = order.goal_qty - leg.filled
    if order.goal_qty > leg.qty:
        # Less than before is a fill that we have not heard of, not an increase.
        return leg.leaves < row.qty <= left
    return row.qty != leg.leaves and row.qty <= left


def _on_absent(
    blotter: Blotter, order: Order, report: Snapshot | OrderStatus, *, by_snapshot: bool
) -> None:
    """Count an absence where it is evidence, and end the order when it is proven."""
    at = report.at
    if at <= order.evidence_at:
        # Older than the order's last sign of life, or of the same moment.
        return
    counted = by_snapshot and at <= order.absent_at and order.absences > 0
    if order.is_in_flight or (order.is_in_doubt and at < order.expires_at):
        # On its way, or perhaps still to come: absence proves nothing yet. It is remembered, for
        # an answer that is older than this look.
        if by_snapshot and not counted:
            order.absent_at = at
        return
    if not counted:
        order.absences += 1
        order.absent_at = at
    elif order.absent_in_snapshot:
        return
    # A snapshot of the moment of a status is no second look, but it is the snapshot.
    order.absent_in_snapshot = order.absent_in_snapshot or by_snapshot
    if order.absences >= 2 and order.absent_in_snapshot:
        _gone(blotter, order, report)
    elif by_snapshot or order.absences == 1:
        # A second status would add nothing to the first: what is missing then is a snapshot, and
        # the timers ask for that. To ask again at each answer would be a loop.
        blotter.query(order)


def _gone(blotter: Blotter, order: Order, report: Snapshot | OrderStatus) -> None:
    blotter.settle(order, report)
    if order.is_closed:
        return
    if order.leg.filled >= order.leg.qty:
        blotter.advance(order, _FILLED_WHOLE, report)
    else:
        blotter.advance(order, _GONE, report)


def on_order_status(blotter: Blotter, report: OrderStatus) -> None:
    """Apply the answer to a query about one order."""
    order = blotter.find(report.cloid, None)
    if order is None or report.at < order.evidence_at:
        return
    if report.oid is not None and not _concerns_current_leg(blotter, order, report):
        return
    if order.is_closed:
        _status_of_closed(blotter, order, report)
        return
    if report.filled is not None and not order.is_adopted:
        if blotter.amends:
            _note_smaller(order, report.filled)
        _note_filled(order, report.filled)
    match report.status:
        case Status.OPEN:
            _status_open(blotter, order, report)
        case Status.FILLED:
            if report.filled is None:
                order.leg.reported = order.leg.qty
                _know(order)
            blotter.advance(order, _FILLED_WHOLE, report)
        case Status.CANCELLED:
            _status_cancelled(blotter, order, report)
        case Status.REJECTED:
            blotter.advance(order, _REJECTED, report)
        case Status.UNKNOWN_ORDER:
            _status_unknown(blotter, order, report)


def _know(order: Order) -> None:
    """Take what the current leg's word adds to what is known to have filled over all legs."""
    old = min(order.unheard, max(0, order.known - order.filled))
    order.known = max(order.known, order.filled + old + order.leg.unbooked)


def _note_smaller(order: Order, filled: Qty) -> None:
    """Learn that what a row lacked had not filled: the order is smaller than it was on record.

    So it is where the record of an amendment is lost, and the price was left as it was.
    """
    leg = order.leg
    if order.request is _IDLE and order.filled <= filled < order.known:
        leg.qty -= order.known - filled
        leg.reported = order.known = filled


def _note_filled(order: Order, filled: Qty) -> None:
    """Learn how much has filled over all legs: no fill is invented, but what is known is gone.

    What no fill has told us yet is counted to the old legs first, as far as they had anything
    left: so neither what remains nor what may still fill is taken for less than it is.
    """
    order.known = max(order.known, filled)
    unheard = filled - order.filled
    for leg in reversed(order.old_legs.values()):
        if unheard <= 0:
            return
        here, before = min(unheard, max(0, leg.qty - leg.filled)), leg.unbooked
        leg.reported = max(leg.reported, leg.filled + here)
        order.unheard += leg.unbooked - before
        unheard -= here
    if unheard > 0:
        leg = order.leg
        leg.reported = max(leg.reported, min(leg.filled + unheard, leg.qty))


def _concerns_current_leg(blotter: Blotter, order: Order, report: OrderStatus) -> bool:
    """Learn the oid that a status names; False where it is about an old leg."""
    assert report.oid is not None, "only for a status that names an oid"
    known = order.leg_of(report.oid)
    if order.leg.oid is None:
        blotter.bind(order, order.leg, report.oid, report)
    elif known is None and order.is_closed:
        # A leg that came and went unheard; its late fills will find their order.
        order.supersede(Leg(report.oid, order.goal_price, order.goal_qty))
        blotter.by_oid[report.oid] = order
    elif known is None:
        if not order.is_modifying or blotter.amends:
            blotter.diverge("status-of-another-oid", order, report)
            return False
        blotter.prove_modify(order, report.oid, order.goal_price, order.goal_qty, report)
    elif known is not order.leg:
        return False
    return True


def _status_of_closed(blotter: Blotter, order: Order, report: OrderStatus) -> None:
    if report.status is Status.OPEN and report.at > order.closed_at:
        blotter.diverge("open-though-closed", order, report)


def _status_open(blotter: Blotter, order: Order, report: OrderStatus) -> None:
    blotter.advance(order, _ACCEPTED, report)
    blotter.ask(order, _PLACE_ANSWERED, report)
    cancelling = order.request is _CANCELLING_IN_DOUBT
    # Without an oid, `open` does not say which side of a modify it saw.
    named = report.oid is not None and report.oid == order.leg.oid
    old_leg = order.request is _MODIFYING_IN_DOUBT and named
    undone = (cancelling or (old_leg and not blotter.amends)) and order.is_past(report.at)
    if undone:
        if report.at >= order.leg.ended_at:
            order.leg.ended = False
        blotter.ask(order, _DISPROVED, report)
    blotter.witness(order, report.at)
    if undone:
        # The end of its leg may have been heard, which is newer than this look.
        blotter.settle(order, report)


def _status_cancelled(blotter: Blotter, order: Order, report: OrderStatus) -> None:
    if order.is_modifying and not order.answered:
        # It may be the replaced leg that the venue speaks of; the modify's answer, or the next
        # snapshot, says whether a new one rests.
        order.leg.ended = True
        order.leg.ended_at = report.at
        blotter.advance(order, _LEG_ENDED, report)
        _on_absent(blotter, order, report, by_snapshot=False)
    else:
        order.leg.ended = True
        blotter.advance(order, _CANCELLED, report)


def _status_unknown(blotter: Blotter, order: Order, report: OrderStatus) -> None:
    if order.request is _IDLE and order.phase is _RESTING:
        # The venue has known it, so it is closed; nobody says how.
        _gone(blotter, order, report)
    else:
        _on_absent(blotter, order, report, by_snapshot=False)
