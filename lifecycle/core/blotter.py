"""The record: our orders, their oids, the fills booked, and what has to be asked about.

The blotter knows no policy and sends nothing. Handlers (`lifecycle.core.reports`,
`lifecycle.core.evidence`) write into it what a report proves; the manager takes from it which
orders to query and which reports diverged from the record.
"""

from typing import Final

from exchange.reports import Fill, Report
from exchange.units import Nanos, Price, Qty
from exchange.words import Cloid, Oid, Side, TradeId
from lifecycle.core.order import Leg, Order
from spec.states import Phase, PhaseEvent, Request, RequestEvent
from spec.trace import Divergence

# Members looked up once: before Python 3.12 each access costs a function call.
_IDLE: Final = Request.IDLE
_RESTING: Final = Phase.RESTING
_ACCEPTED: Final = PhaseEvent.ACCEPTED
_CANCELLED: Final = PhaseEvent.CANCELLED
_FILLED_WHOLE: Final = PhaseEvent.FILLED_WHOLE
_MODIFY_ANSWERED: Final = RequestEvent.MODIFY_ANSWERED


class Blotter:
    """All orders by every name they have, and the position that their fills add up to."""

    __slots__ = (
        "amends",
        "by_oid",
        "closing",
        "divergences",
        "foreign",
        "open",
        "orders",
        "position",
        "strays",
        "to_query",
        "traded",
        "unwanted",
    )

    def __init__(self, *, amends: bool) -> None:
        self.amends = amends
        """Whether a modify keeps the oid; otherwise it opens a leg."""
        self.orders: dict[Cloid, Order] = {}
        """Every order ever placed, retired ones included: a late fill still finds its order."""
        self.open: dict[Cloid, Order] = {}
        """Those that are possibly live, in the order of their placing."""
        self.closing: dict[Cloid, Order] = {}
        """Those that are closed and not yet retired."""
        self.by_oid: dict[Oid, Order] = {}
        self.position = 0
        """Signed sum of all fills booked, in lots."""
        self.traded = 0
        """Volume of all fills booked to our orders, in price units × lots."""
        self.strays: dict[Oid, dict[TradeId, tuple[Fill, bool]]] = {}
        """Fills of oids that we cannot place yet, and whether the position has them because their
        side was known; booked when the oid gets a name."""
        self.foreign: dict[Oid, Side] = {}
        """Open orders of the account that are not ours, as the last snapshot listed them."""
        self.unwanted: set[Cloid] = set()
        """Orders taken over at the start only to be cancelled."""
        self.to_query: dict[Cloid, Order] = {}
        self.divergences: list[Divergence] = []

    def add(self, order: Order) -> None:
        """Enter a new order."""
        assert order.cloid not in self.orders, f"cloid must be new, was {order.cloid}"
        self.orders[order.cloid] = order
        self.open[order.cloid] = order

    def find(self, cloid: Cloid | None, oid: Oid | None) -> Order | None:
        """Return our order with this oid, or else with this cloid.

        The oid goes first: it names one leg, a cloid all that have been. Where they name two
        orders, the cloid is believed if that order has such a leg, or if the oid's order is
        closed: some venues use an oid again.
        """
        named = None if cloid is None else self.orders.get(cloid)
        if oid is None:
            return named
        owner = self.by_oid.get(oid)
        if owner is None or owner is named:
            return named if owner is None else owner
        if named is not None and (owner.is_closed or named.has_oid(oid)):
            return named
        return owner

    def diverge(self, label: str, order: Order | None, report: Report) -> None:
        """Note that record and report cannot both be true, and have the order queried."""
        cloid = None if order is None else order.cloid
        self.divergences.append(Divergence(label, cloid, report))
        if order is not None and not order.suspect:
            # Once at once, then by its timer: an answer that diverges again must not make a loop.
            order.suspect = True
            self.query(order)

    def query(self, order: Order) -> None:
        """Have the venue asked about this order."""
        self.to_query[order.cloid] = order

    # What reports prove.

    def bind(self, order: Order, leg: Leg, oid: Oid, report: Report) -> None:
        """Learn the oid of a leg, and book the fills that came before it had one."""
        leg.oid = oid
        self.by_oid[oid] = order
        strays = self.strays.pop(oid, None) if self.strays else None
        if strays is not None:
            for fill, counted in strays.values():
                self.book(order, leg, fill, counted=counted)
            self.settle(order, report)

    def book(self, order: Order, leg: Leg, fill: Fill, *, counted: bool = False) -> bool:
        """Count a fill of this leg, once; returns False where it was counted before.

        `counted`: the position has it already, because its side was known before its order.
        """
        if not leg.count(fill.trade_id):
            return False
        # Read once: a field of a report costs as much as all that is done with it.
        at, qty = fill.at, fill.qty
        is_old = leg is not order.leg
        before = leg.unbooked if is_old else 0
        if at <= leg.taken_at:
            # It came before what remained was seen: the order was sent with so much more.
            leg.qty += qty
            leg.reported += qty
            order.known += qty
        leg.filled += qty
        if is_old:
            order.unheard += leg.unbooked - before
        order.filled += qty
        self.traded += fill.price * qty
        if not counted:
            self.position += qty * order.side
        if at > order.evidence_at:
            order.evidence_at = at
        allowed = leg.qty
        if self.amends and order.is_modifying:
            # The fill may have overtaken the acknowledgement of a larger size.
            allowed = max(allowed, order.goal_qty)
        if leg.filled > allowed:
            self.diverge("overfill", order, fill)
        return True

    def advance(self, order: Order, event: PhaseEvent, report: Report) -> bool:
        """Give an order's phase an event, keep the indices true, and note a divergence."""
        if not order.advance(event, report.at):
            self.diverge(f"{order.phase.name.lower()}-{event.name.lower()}", order, report)
            return False
        if order.is_closed and order.cloid in self.open:
            del self.open[order.cloid]
            self.closing[order.cloid] = order
            if self.to_query:
                self.to_query.pop(order.cloid, None)
        return True

    def ask(self, order: Order, event: RequestEvent, report: Report) -> bool:
        """Give an order's request an event, and note a divergence."""
        if not order.ask(event):
            self.diverge(f"{order.request.name.lower()}-{event.name.lower()}", order, report)
            return False
        return True

    def settle(self, order: Order, report: Report) -> None:
        """End an order whose request has been answered and whose current leg has ended."""
        leg = order.leg
        is_whole = leg.filled >= leg.qty
        if not (is_whole or leg.ended) or order.is_closed or order.is_modifying:
            return
        self.advance(order, _FILLED_WHOLE if is_whole else _CANCELLED, report)

    def prove_modify(self, order: Order, oid: Oid, price: Price, qty: Qty, report: Report) -> None:
        """Take the unanswered modify as done: its result has been seen."""
        if self.amends:
            order.leg.price = price
            order.leg.qty = qty
            if report.at >= order.leg.ended_at:
                order.leg.ended = False
        else:
            # The old leg is dead.
            self.bind(order, order.next_leg(oid, price, qty), oid, report)
        self.ask(order, _MODIFY_ANSWERED, report)
        if order.phase is not _RESTING:
            # One that rests goes on resting: asking the table costs as much as the rest.
            self.advance(order, _ACCEPTED, report)
        leg = order.leg
        if leg.ended or leg.filled >= leg.qty:
            self.settle(order, report)

    def witness(self, order: Order, at: Nanos) -> None:
        """Note evidence that the order was there at this time."""
        if at >= order.evidence_at:
            order.evidence_at = at
            order.suspect = False
            if at >= order.absent_at:
                order.absences = 0
            elif order.absences == 0:
                # Said before a look that lacked it: it may have gone since.
                self._lacked(order)
        elif order.request is _IDLE and order.absences == 0 and order.absent_at > order.evidence_at:
            # An older answer, and the look that lacked it is newer than all we know: it was not
            # counted while the request was unanswered.
            self._lacked(order)

    def _lacked(self, order: Order) -> None:
        """Count the look that lacked an order, and was only remembered so far."""
        order.absences = 1
        order.absent_in_snapshot = True
        self.query(order)
