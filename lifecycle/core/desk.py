"""The whole mutable state of one order manager, and the few acts that change it by sending.

Every request that leaves is made here, so that each gets its number and its expiry, moves its
order's machine, and is entered in the ledger.
"""

from fractions import Fraction
from typing import Final, Self

from exchange.commands import Cancel, Modify, Place, Query, QueryOpen, QueryOrder
from exchange.instrument import Instrument
from exchange.market import Queue
from exchange.units import Nanos, Price, Qty
from exchange.venue import Capabilities
from exchange.words import Cloid, Side
from lifecycle.core.account import Account
from lifecycle.core.blotter import Blotter
from lifecycle.core.budget import Budget, Spending
from lifecycle.core.grid import Grid
from lifecycle.core.guards import Guards
from lifecycle.core.ledger import Ledger
from lifecycle.core.order import Order
from lifecycle.core.refusals import Refusals
from lifecycle.core.settings import MILLION, Settings
from spec.states import Hold, HoldEvent, RequestEvent
from spec.trace import Plan, Targets

FOREVER: Nanos = 1 << 62
PROOF: Final = 8
"""A shorter prefix of a cloid may be anyone's, and proves nothing."""

# Looked up once: an attribute of an enum costs a call on Python 3.11.
_FREE: Final = Hold.FREE
_RELEASE: Final = HoldEvent.RELEASE
_SEND_PLACE: Final = RequestEvent.SEND_PLACE
_SEND_MODIFY: Final = RequestEvent.SEND_MODIFY
_SEND_CANCEL: Final = RequestEvent.SEND_CANCEL
_EARNED: Final = Spending.EARNED
_MODIFY: Final = Modify


class Desk:
    """Orders, ledgers, counters and connection of one manager."""

    __slots__ = (
        "adopting",
        "asked_open_at",
        "blind_since",
        "blotter",
        "budget",
        "capabilities",
        "connected",
        "due_at",
        "earnings",
        "factor",
        "grid",
        "guards",
        "instrument",
        "ledger",
        "modified_at",
        "now",
        "proofs",
        "qty_is_total",
        "queues",
        "quiet",
        "refusals",
        "requests",
        "session",
        "settings",
        "snapshot_at",
        "synced",
        "volatility",
    )

    def __new__(cls, *_: object, **__: object) -> Self:
        """Leave the rest to `__init__`; a copy does without it (`lifecycle.check.clone`)."""
        return super().__new__(cls)

    def __init__(
        self,
        settings: Settings,
        instrument: Instrument,
        capabilities: Capabilities,
        session: str,
        account: Account | None = None,
    ) -> None:
        self.settings = settings
        self.instrument = instrument
        self.capabilities = capabilities
        self.qty_is_total = capabilities.qty_is_total
        self.session = session
        """Prefix of our cloids: unique to the start, so that no cloid is ever used twice."""
        self.proofs: tuple[str, ...] = (session,) if len(session) >= PROOF else ()
        """The prefixes, of this start and those before, that prove an order ours."""
        self.adopting = False
        """We have just started: the next snapshot says what else rests."""
        self.blotter = Blotter(amends=capabilities.modify_keeps_oid)
        unit = Fraction(instrument.price_unit) * Fraction(instrument.lot)
        self.earnings = Ledger(settings, unit)
        """What this instrument's fills earn; where it has the account alone, all of its ledger."""
        self.ledger = self.earnings if account is None else account.ledger
        self.budget = Budget(settings) if account is None else account.budget
        self.grid = Grid(settings, instrument) if settings.grid else None
        self.refusals = Refusals()
        self.guards = Guards(settings)
        self.requests = 0
        """Number of the newest command; a place's cloid is made of it."""
        self.now: Nanos = 0
        """The newest time that we were told."""
        self.modified_at: Nanos | None = None
        """When the last modify of any order was sent."""
        self.connected = True
        self.synced = True
        """A snapshot has come since the connection is back."""
        self.blind_since: Nanos = 0
        self.asked_open_at: Nanos | None = None
        self.snapshot_at: Nanos = 0
        self.due_at: Nanos = 0
        """No timer is due before this."""
        self.quiet: tuple[Targets, Targets, Plan] | None = None
        """Targets as the bot wants them and on the grid, that rest as wanted, and the plan that
        said so, while nothing has happened since: the fast path."""
        self.volatility = 0
        """That those decisions were made with, in millionths of a basis point."""
        self.queues: dict[Cloid, Queue] = {}
        """The places in their queues that they were made with."""
        self.factor = MILLION
        """And by how much the quota widened their bands, in millionths."""

    @property
    def is_sharing(self) -> bool:
        """Whether other instruments spend from the same ledger."""
        return self.ledger is not self.earnings

    @property
    def is_blind(self) -> bool:
        """Whether nothing may be sent: the stream is broken, or no snapshot has come since."""
        return not (self.connected and self.synced)

    def start(self, session: str) -> None:
        """Start again, with another prefix from now on if one is given."""
        self.adopting = True
        self.guards.release()
        if session:
            self.session = session
            if len(session) >= PROOF:
                self.proofs = (*self.proofs, session)

    def due(self, at: Nanos) -> None:
        """Have the timers run at `at`, if not earlier."""
        self.due_at = min(self.due_at, at)

    def earn(self) -> None:
        """Enter what the fills heard of have earned."""
        more = self.earnings.earn(self.blotter.traded)
        if more:
            if self.is_sharing:
                self.ledger.earned += more
            self.budget.enter(_EARNED, self.now, more)

    def _number(self) -> int:
        self.requests += 1
        return self.requests

    def _sent(self, order: Order, number: int) -> Nanos:
        expires_at = self.now + self.settings.timeout
        order.request_no = number
        order.answered = False
        order.expires_at = expires_at
        order.absences = 0
        order.absent_in_snapshot = False
        if order.hold is not _FREE:
            order.hold_by(_RELEASE)
        if expires_at < self.due_at:
            self.due_at = expires_at
        return expires_at

    def place(self, side: Side, price: Price, qty: Qty, level: int) -> Place:
        """Send a new order for the target of a level."""
        number = self._number()
        cloid = f"{self.session}{number:08x}"
        order = Order(cloid, side, price, qty, self.now)
        order.level = level
        assert order.ask(_SEND_PLACE), "a new order must be able to be placed"
        expires_at = self._sent(order, number)
        self.blotter.add(order)
        self.ledger.enter(cancel=False, now=self.now)
        self.guards.enter(self.now, cancel=False)
        return Place(
            number,
            cloid,
            side,
            price,
            qty,
            self.settings.post_only,
            order.reduce_only,
            expires_at,
        )

    def modify(self, order: Order, price: Price, qty: Qty) -> Modify:
        """Send the change of an order to its target."""
        self.requests = number = self.requests + 1
        if self.qty_is_total:
            qty += order.leg.filled
        assert order.ask(_SEND_MODIFY), f"only an idle order is modified, was {order}"
        expires_at = self._sent(order, number)
        order.goal_price = price
        order.goal_qty = qty
        at: Nanos | None = self.now
        order.modified_at = self.modified_at = at
        self.ledger.enter(cancel=False, now=self.now)
        self.guards.enter(self.now, cancel=False)
        return _MODIFY(
            number,
            order.cloid,
            order.leg.oid,
            order.side,
            price,
            qty,
            self.settings.post_only,
            order.reduce_only,
            expires_at,
        )

    def cancel(self, order: Order) -> Cancel:
        """Send the cancellation of an order."""
        number = self._number()
        assert order.ask(_SEND_CANCEL), f"only an idle order is cancelled, was {order}"
        expires_at = self._sent(order, number)
        self.ledger.enter(cancel=True, now=self.now)
        self.guards.enter(self.now, cancel=True)
        return Cancel(number, order.cloid, order.leg.oid, expires_at)

    def query_orders(self) -> tuple[Query, ...]:
        """Ask about every order that something was noted about."""
        queries: list[Query] = []
        for order in self.blotter.to_query.values():
            order.queried_at = self.now
            self.due(self.now + self.settings.timeout)
            queries.append(QueryOrder(self._number(), order.cloid, order.leg.oid))
        self.blotter.to_query.clear()
        return tuple(queries)

    def query_open(self) -> QueryOpen:
        """Ask for all open orders, and the fills since the last snapshot."""
        self.asked_open_at = self.now
        self.due(self.now + min(self.settings.timeout, self.settings.reconcile))
        return QueryOpen(self._number(), self.snapshot_at)
