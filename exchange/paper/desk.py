"""The paper venue's own rules: what becomes of a command when it arrives.

A command is executed at one moment against the true book. What is said about it comes in two
kinds: its answer, which names its request, and what is pushed to whoever listens. Checks run in the
order in which Hyperliquid makes them: expiry, quota, form (price, size, notional), and only then
the book. A cancel-replace modify that fails at the book has already taken the old order off it.

Not modelled: margin, fees, funding, and the market's reaction to our orders. What a venue may do
unasked (cancel, refuse everything, show an earlier moment) it does only where faults are injected.
"""

from typing import Final, NamedTuple, assert_never

from exchange.commands import Cancel, Command, Modify, Place, QueryOpen, QueryOrder
from exchange.instrument import Instrument
from exchange.paper.matching import Execution, Matching
from exchange.paper.order import PaperOrder
from exchange.paper.quota import Quota
from exchange.reports import (
    Accepted,
    Cancelled,
    CancelRejected,
    Fill,
    Limited,
    Modified,
    ModifyRejected,
    OpenOrder,
    OrderStatus,
    Rejected,
    Report,
    Snapshot,
)
from exchange.units import Nanos, Price, Qty
from exchange.venue import Capabilities
from exchange.words import Alive, CancelReason, Cloid, Oid, Side, Status

_OPEN: Final = Status.OPEN
FIRST_OID: Final = 1_000_001
"""Oids and trade ids are numerals, as on most venues."""
FIRST_TRADE: Final = 1


class Said(NamedTuple):
    """What the venue says about a command."""

    answers: tuple[Report, ...] = ()
    pushed: tuple[Report, ...] = ()


class Look(NamedTuple):
    """All that queries may ask about, as it was at one moment."""

    at: Nanos
    open: tuple[OpenOrder, ...]
    fills: int
    """How many there had been."""
    orders: dict[Cloid, tuple[Status, Qty, Oid]]
    """Status, quantity filled over all legs, and current oid."""


class Desk:
    """Executes commands; knows every order that was ever ours."""

    def __init__(
        self, instrument: Instrument, matcher: Matching, quota: Quota, capabilities: Capabilities
    ) -> None:
        self._instrument: Final = instrument
        self._matcher: Final = matcher
        self._quota: Final = quota
        self._capabilities: Final = capabilities
        self._known: Final[dict[Cloid, PaperOrder]] = {}
        self._oid = FIRST_OID
        self._trade = FIRST_TRADE
        self.position = 0
        """Signed, in lots."""
        self.repeated = 0
        """Places refused because an order of the same cloid rests."""
        self.fills: Final[list[Fill]] = []
        """All fills, in order of time."""

    @property
    def known(self) -> tuple[Cloid, ...]:
        """Every cloid that a place was accepted or refused under."""
        return tuple(self._known)

    def open_orders(self) -> tuple[OpenOrder, ...]:
        """Return what rests, bids first, in order of arrival."""
        return tuple(
            OpenOrder(order.oid, order.cloid, order.side, order.price, order.leaves)
            for order in self._matcher.resting()
        )

    def execute(self, command: Command, at: Nanos) -> Said:
        """Execute one command at exchange time `at`."""
        match command:
            case Place():
                return self._place(command, at)
            case Modify():
                return self._modify(command, at)
            case Cancel():
                return self._cancel(command, at)
            case QueryOrder() | QueryOpen():
                return self.answer(command, at)
            case _:
                assert_never(command)

    def answer(self, query: QueryOrder | QueryOpen, at: Nanos, look: Look | None = None) -> Said:
        """Answer a query from the truth at `at`, or from an earlier look."""
        if isinstance(query, QueryOrder):
            return Said((self._status(query, at) if look is None else _status(query, look),))
        count = len(self.fills) if look is None else look.fills
        fills = tuple(fill for fill in self.fills[:count] if fill.at >= query.fills_since)
        if look is None:
            return Said((Snapshot(at, self.open_orders(), fills, query.request),))
        return Said((Snapshot(look.at, look.open, fills, query.request),))

    # What may happen to it unasked.

    def look(self, at: Nanos) -> Look:
        """Take down how things are now."""
        orders = {
            cloid: (order.status, order.life_filled, order.oid)
            for cloid, order in self._known.items()
        }
        return Look(at, self.open_orders(), len(self.fills), orders)

    def resting(self) -> list[PaperOrder]:
        """Return our orders, bids first, in order of arrival."""
        return self._matcher.resting()

    def drop(self, order: PaperOrder, reason: CancelReason, at: Nanos) -> Cancelled:
        """Take an order off the book that rests, for a reason of the venue's own."""
        self._matcher.remove(order)
        order.status = Status.CANCELLED
        return Cancelled(at, order.cloid, order.oid, reason)

    def refuse(self, command: Place | Modify | Cancel, at: Nanos, reason: str) -> Said:
        """Refuse a request, whatever it asks for; it counts against no quota."""
        match command:
            case Place():
                return Said((Rejected(at, command.cloid, reason, command.request),))
            case Modify():
                return self._unmodified(command, at, reason)
            case Cancel():
                return Said((CancelRejected(at, command.cloid, reason, command.request),))
            case _:
                assert_never(command)

    def collect(self) -> list[Fill]:
        """Book what the market has filled since the last call, and return it."""
        executions = self._matcher.executions
        if not executions:
            return []
        self._matcher.executions = []
        return [self._book(execution) for execution in executions]

    def _book(self, execution: Execution) -> Fill:
        at, order, qty, price = execution
        trade_id = str(self._trade)
        self._trade += 1
        fill = Fill(at, order.cloid, order.oid, qty, price, trade_id, order.side)
        self.position += order.side * qty
        self._quota.earn(price * qty)
        self.fills.append(fill)
        return fill

    def _next_oid(self) -> Oid:
        oid = str(self._oid)
        self._oid += 1
        return oid

    # Places.

    def _place(self, command: Place, at: Nanos) -> Said:
        if self._is_expired(command.expires_at, at):
            return Said((Rejected(at, command.cloid, "expired", command.request),))
        if not self._quota.take_request():
            refused = Rejected(at, command.cloid, "limited", command.request)
            return Said((refused,), (Limited(at),))
        known = self._known.get(command.cloid)
        if known is not None and known.status is _OPEN:
            self.repeated += 1
            return Said((Rejected(at, command.cloid, "duplicate_cloid", command.request),))
        reason = self._malformed(command.price, command.qty) or self._in_the_way(command)
        order = PaperOrder.of(command, self._next_oid())
        if known is None or not reason:
            self._known[command.cloid] = order
        if reason:
            order.status = Status.REJECTED
            return Said((Rejected(at, command.cloid, reason, command.request),))
        accepted = Accepted(at, command.cloid, order.oid, command.request)
        self._rest(order, at)
        return Said((accepted,))

    def _rest(self, order: PaperOrder, at: Nanos) -> None:
        """Fill what crosses, and let the rest join the queue."""
        # What may not take was checked against the touch, and the levels may be behind that.
        levels = () if order.post_only else self._matcher.offered(order.side, order.price)
        for price, offered in levels:
            qty = min(order.leaves, offered)
            if qty > 0:
                order.filled += qty
                self._matcher.executions.append(Execution(at, order, qty, price))
        if order.filled == order.qty:
            order.status = Status.FILLED
        else:
            self._matcher.add(order)

    def _malformed(self, price: Price, qty: Qty) -> str:
        """Return why price and size are refused whatever the book is, empty if they are not."""
        if not self._instrument.is_valid_price(price):
            return "price"
        if not self._instrument.is_valid_qty(qty):
            return "qty"
        if not self._instrument.is_valid_notional(price, qty):
            return "notional"
        return ""

    def _in_the_way(self, command: Place | Modify) -> str:
        """Return why the book does not take the order, empty if it does."""
        side, price = command.side, command.price
        touch = self._matcher.touch
        other = touch.ask if side is Side.BUY else touch.bid
        own = self._matcher.own_best(side.opposite)
        crosses = other > 0 and (price - other) * side >= 0
        crosses_own = own is not None and (price - own) * side >= 0
        if command.post_only and (crosses or crosses_own):
            return "post_only"
        if crosses_own:
            return "self_trade"
        if command.reduce_only and self.position * side >= 0:
            return "reduce_only"
        return ""

    # Modifies.

    def _modify(self, command: Modify, at: Nanos) -> Said:
        order = self._find(command.cloid, command.oid)
        if self._is_expired(command.expires_at, at):
            return self._unmodified(command, at, "expired")
        if not self._quota.take_request():
            return Said(self._unmodified(command, at, "limited").answers, (Limited(at),))
        filled = 0 if order is None else order.life_filled
        leaves = command.qty - filled if self._capabilities.qty_is_total else command.qty
        reason = self._malformed(command.price, leaves)
        if not reason and order is not None and command.side is not order.side:
            reason = "side"
        if reason:
            return self._unmodified(command, at, reason)
        if order is None:
            return self._unmodified(command, at, "gone")
        if self._capabilities.modify_keeps_oid:
            return self._amend(order, command, leaves, at)
        return self._replace(order, command, leaves, at)

    def _replace(self, order: PaperOrder, command: Modify, leaves: Qty, at: Nanos) -> Said:
        """Take the old leg off the book and put a new one on it: two steps, not one."""
        reason = self._in_the_way(command)
        self._matcher.remove(order)
        if reason:
            order.status = Status.CANCELLED
            return self._unmodified(command, at, reason)
        gone = Cancelled(at, order.cloid, order.oid, CancelReason.REPLACED)
        order.filled_before, order.filled = order.life_filled, 0
        order.oid, order.price, order.qty = self._next_oid(), command.price, leaves
        self._take_flags(order, command)
        answer = Modified(at, order.cloid, order.oid, leaves, order.price, command.request)
        self._rest(order, at)
        return Said((answer,), (gone,))

    def _amend(self, order: PaperOrder, command: Modify, leaves: Qty, at: Nanos) -> Said:
        """Change the order in place; a refusal leaves it as it was."""
        reason = self._in_the_way(command)
        if reason:
            return self._unmodified(command, at, reason)
        keeps_queue = (
            self._capabilities.modify_keeps_queue_on_size_down
            and command.price == order.price
            and leaves <= order.leaves
        )
        order.qty = order.filled + leaves
        self._take_flags(order, command)
        answer = Modified(at, order.cloid, order.oid, order.qty, command.price, command.request)
        if not keeps_queue:
            self._matcher.remove(order)
            order.price = command.price
            self._rest(order, at)
        return Said((answer,))

    @staticmethod
    def _take_flags(order: PaperOrder, command: Modify) -> None:
        order.post_only, order.reduce_only = command.post_only, command.reduce_only

    def _unmodified(self, command: Modify, at: Nanos, reason: str) -> Said:
        """Refuse a modify, and say whether what it names still rests."""
        if self._find(command.cloid, command.oid) is not None:
            alive = Alive.YES
        elif self._find(command.cloid, None) is not None:
            # The leg is gone, and the order rests under another oid: neither word would be true.
            alive = Alive.UNKNOWN
        else:
            alive = Alive.NO
        return Said((ModifyRejected(at, command.cloid, reason, alive, command.request),))

    # Cancels and queries.

    def _cancel(self, command: Cancel, at: Nanos) -> Said:
        if self._is_expired(command.expires_at, at):
            return Said((CancelRejected(at, command.cloid, "expired", command.request),))
        if not self._quota.take_cancel():
            refused = CancelRejected(at, command.cloid, "limited", command.request)
            return Said((refused,), (Limited(at),))
        order = self._find(command.cloid, command.oid)
        if order is None or (command.oid is None and not self._capabilities.cancel_by_cloid):
            return Said((CancelRejected(at, command.cloid, "too_late", command.request),))
        self._matcher.remove(order)
        order.status = Status.CANCELLED
        gone = Cancelled(at, order.cloid, order.oid, CancelReason.USER, command.request)
        return Said((gone,))

    def _status(self, query: QueryOrder, at: Nanos) -> OrderStatus:
        order = self._known.get(query.cloid)
        if order is None:
            return OrderStatus(at, query.cloid, Status.UNKNOWN_ORDER, request=query.request)
        oid = None if order.status is Status.REJECTED else order.oid
        return OrderStatus(at, order.cloid, order.status, order.life_filled, oid, query.request)

    def _find(self, cloid: Cloid, oid: Oid | None) -> PaperOrder | None:
        """Return the order if it rests, under the oid if one is named."""
        order = self._known.get(cloid)
        if order is None or order.status is not _OPEN:
            return None
        return order if oid is None or oid == order.oid else None

    def _is_expired(self, expires_at: Nanos, at: Nanos) -> bool:
        """Say whether a request has come too late; an expiry of 0 is none."""
        return self._capabilities.expires and 0 < expires_at < at


def _status(query: QueryOrder, look: Look) -> OrderStatus:
    """Answer a query about one order from an earlier look."""
    seen = look.orders.get(query.cloid)
    if seen is None:
        return OrderStatus(look.at, query.cloid, Status.UNKNOWN_ORDER, request=query.request)
    status, filled, oid = seen
    named = None if status is Status.REJECTED else oid
    return OrderStatus(look.at, query.cloid, status, filled, named, query.request)
