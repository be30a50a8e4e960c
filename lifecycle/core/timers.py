"""What time alone brings: doubts, questions, comparisons and retirement.

Unanswered requests fall in doubt, doubts are asked about, the venue is compared with the record,
and closed orders retire.

Every state that waits for something has its timer here and a query that resolves it; the
comparison runs also when nothing is believed open.
"""

from exchange.commands import Query
from exchange.units import Nanos
from lifecycle.core.desk import FOREVER, Desk
from lifecycle.core.order import Order
from spec.states import PhaseEvent, RequestEvent


def run_timers(desk: Desk) -> tuple[Query, ...]:
    """Run what is due at `desk.now`; returns the queries to send."""
    if desk.now < desk.due_at:
        return ()
    desk.due_at = FOREVER
    in_doubt = False
    for order in desk.blotter.open.values():
        in_doubt = _check(desk, order) or in_doubt
    _retire(desk)
    queries = desk.query_orders()
    every = desk.settings.reconcile
    if desk.is_blind or in_doubt or desk.guards.halted:
        every = min(every, desk.settings.timeout)
    if not desk.connected and not desk.guards.halted:
        return queries
    if desk.asked_open_at is None:
        # Nothing was ever sent: the first comparison is due one period after the start.
        desk.asked_open_at = desk.now
    if desk.now >= desk.asked_open_at + every:
        queries = (*queries, desk.query_open())
    desk.due(desk.asked_open_at + every)
    return queries


def _check(desk: Desk, order: Order) -> bool:
    """Run one order's timers; returns whether something about it is unresolved."""
    now, timeout = desk.now, desk.settings.timeout
    if order.is_in_flight:
        if now < order.expires_at:
            desk.due(order.expires_at)
            return False
        order.ask(RequestEvent.UNANSWERED)
        desk.quiet = None
        desk.blotter.query(order)
        return True
    if order.is_in_doubt or order.absences > 0 or order.suspect:
        asked: Nanos | None = order.queried_at
        if asked is None or now >= asked + timeout:
            desk.blotter.query(order)
            desk.due(now + timeout)
        else:
            desk.due(asked + timeout)
        return True
    return False


def _retire(desk: Desk) -> None:
    closing = desk.blotter.closing
    for order in list(closing.values()):
        at = order.closed_at + desk.settings.retire
        if desk.now < at:
            desk.due(at)
            continue
        if order.open_risk(desk.blotter.amends) > 0:
            # It has filled more than we have heard of: as long as that may come, it counts.
            desk.due(desk.now + desk.settings.retire)
            continue
        order.advance(PhaseEvent.RETIRE, desk.now)
        del closing[order.cloid]
