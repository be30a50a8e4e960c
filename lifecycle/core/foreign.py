"""Orders that rest at the venue and are not in the record.

What carries a prefix of ours was placed by us, and the record of it is lost with the end of a
journal: it is taken over whenever it is seen. What is someone else's and rests when we start is
left alone, unless the policy is to take it over, or to cancel it. Later on nothing of others is
taken over: whoever places by hand keeps the order.
"""

from exchange.reports import OpenOrder, Snapshot
from lifecycle.core.desk import Desk
from lifecycle.core.order import Order
from spec.states import PhaseEvent


def adopt(desk: Desk, snapshot: Snapshot) -> None:
    """Take over, of what a snapshot lists besides our orders, what is ours or the policy wants.

    With the first snapshot after a start the policy has been followed.
    """
    blotter, settings = desk.blotter, desk.settings
    others = desk.adopting and settings.adopt_foreign
    desk.adopting = False
    for row in snapshot.open:
        if row.oid not in blotter.foreign:
            continue
        ours = row.cloid is not None and row.cloid.startswith(desk.proofs)
        if not ours and not others:
            continue
        order = _enter(desk, row, snapshot)
        if not ours and settings.cancel_foreign:
            blotter.unwanted.add(order.cloid)


def _enter(desk: Desk, row: OpenOrder, snapshot: Snapshot) -> Order:
    blotter = desk.blotter
    order = Order(row.cloid or f"oid:{row.oid}", row.side, row.price, row.qty, snapshot.at)
    order.is_adopted = True
    order.leg.taken_at = snapshot.at
    blotter.add(order)
    del blotter.foreign[row.oid]
    blotter.advance(order, PhaseEvent.ACCEPTED, snapshot)
    blotter.witness(order, snapshot.at)
    # Last, because the fills heard of since the snapshot may have ended it.
    blotter.bind(order, order.leg, row.oid, snapshot)
    return order
