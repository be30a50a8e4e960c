"""What a trace proves: a second, plain reading of commands and reports.

The facts know nothing of the order manager's machines or tables, and share no code with them:
they follow the rules of evidence as the scenario format says them, so that a predicate can hold
the manager's decisions against them. They are slow and simple on purpose.

An order is possibly live from its place until it is proven closed. A request is unanswered from
its sending until an answer names it, or evidence shows what became of it.
"""

from fractions import Fraction
from math import floor
from typing import Self

from exchange.commands import Cancel, Modify, Place
from exchange.reports import (
    Fill,
)
from exchange.units import Nanos, Price, Qty
from exchange.words import Cloid, Oid, Side, TradeId
from spec.rules import Rules
from spec.states import State

PROOF = 8
"""A shorter prefix of a cloid may be anyone's, and proves nothing."""


class LegFacts:
    """One oid of an order."""

    __slots__ = (
        "filled",
        "gone",
        "gone_at",
        "guessed",
        "oid",
        "price",
        "qty",
        "said_filled",
        "taken_at",
    )

    def __init__(self, oid: Oid | None, price: Price, qty: Qty) -> None:
        self.oid = oid
        self.price = price
        self.qty = qty
        self.filled: Qty = 0
        self.said_filled: Qty = 0
        """What the venue's own word says has filled, without the fills."""
        self.guessed = False
        """Only a fill has told of it, and nothing on record explains it."""
        self.gone = False
        self.gone_at: Nanos = 0
        self.taken_at: Nanos = -1
        """When it was seen and taken over, its size then being what remained; -1: it was sent."""

    @property
    def leaves(self) -> Qty:
        """What remains by fills or by the venue's word, whichever is further."""
        return max(0, self.qty - max(self.filled, self.said_filled))


class OrderFacts:
    """One order as its commands and reports show it."""

    __slots__ = (
        "absences",
        "absent_at",
        "accepted",
        "adopted",
        "answered",
        "answered_at",
        "asked_at",
        "cancelling",
        "cloid",
        "closed",
        "closed_at",
        "debounced",
        "doubt_since",
        "ended_as",
        "filled",
        "in_doubt",
        "known",
        "lacked",
        "lacked_at",
        "last_old_leg",
        "legs",
        "modified_at",
        "reduce_only",
        "request",
        "seen_at",
        "side",
        "snapshot_absence",
        "stale_cycles",
    )

    def __new__(cls, *_: object, **__: object) -> Self:
        """Leave the rest to `__init__`; a copy does without it (`lifecycle.check.clone`)."""
        return super().__new__(cls)

    def __init__(self, place: Place, now: Nanos) -> None:
        self.cloid = place.cloid
        self.side = place.side
        self.reduce_only = place.reduce_only
        self.legs = [LegFacts(None, place.price, place.qty)]
        """Oldest first; the last is the current one."""
        self.request: Place | Modify | Cancel | None = place
        """The unanswered request."""
        self.cancelling = False
        """Its newest request is a cancel, answered or not."""
        self.answered = False
        """It was refused without saying what rests."""
        self.answered_at: Nanos = 0
        self.in_doubt = False
        self.doubt_since: Nanos = 0
        self.asked_at: Nanos | None = None
        """When it was last queried."""
        self.accepted = False
        self.adopted = False
        """It was taken over: nobody knows what it was sent with."""
        self.closed = False
        self.closed_at: Nanos = 0
        self.ended_as: State | None = None
        """How it closed: filled, cancelled or rejected."""
        self.filled: Qty = 0
        self.known: Qty = 0
        """The most that anything has said to have filled in all."""
        self.seen_at: Nanos = now
        """Time of the newest evidence that it was there."""
        self.absences = 0
        self.absent_at: Nanos = 0
        self.lacked = 0
        """Snapshots since its last sign of life, of which each could have shown it and did not."""
        self.lacked_at: Nanos = 0
        self.snapshot_absence = False
        self.last_old_leg = False
        """The last report about it concerned a superseded leg."""
        self.debounced = False
        """A modify is wanted and waits for its interval."""
        self.modified_at: Nanos | None = None
        self.stale_cycles = 0
        """Consecutive cycles in which it was stale, idle, and left alone."""

    @property
    def leg(self) -> LegFacts:
        """The current leg."""
        return self.legs[-1]

    def leg_of(self, oid: Oid | None) -> LegFacts | None:
        """Return the leg with an oid; the current one where none is named."""
        if oid is None:
            return self.leg
        for leg in self.legs:
            if leg.oid == oid:
                return leg
        return None

    @property
    def idle(self) -> bool:
        """Whether nothing is unanswered."""
        return self.request is None

    def spent(self, at: Nanos) -> bool:
        """Say whether a look at this time has seen all that the unanswered request can do."""
        request = self.request
        if request is None:
            return True
        return at >= request.expires_at or (self.answered and at >= self.answered_at)

    def prices(self) -> list[Price]:
        """Return every price at which it may rest."""
        found = [self.leg.price]
        if type(self.request) is Modify:
            found.append(self.request.price)
        return found

    def learn(self) -> None:
        """Take what the current leg's word adds to what is known to have filled in all."""
        old = sum(max(0, leg.said_filled - leg.filled) for leg in self.legs[:-1])
        heard = self.filled + min(old, max(0, self.known - self.filled))
        self.known = max(self.known, heard + max(0, self.leg.said_filled - self.leg.filled))

    def risk(self, rules: Rules) -> Qty:
        """Return what may still fill: both legs of an unanswered modify in full."""
        unbooked = sum(max(0, leg.said_filled - leg.filled) for leg in self.legs[:-1])
        leg, unheard = self.leg, max(0, self.known - self.filled)
        if self.closed:
            return min(unbooked + max(0, leg.said_filled - leg.filled), unheard)
        unbooked = min(unbooked, unheard)
        risk = max(0, leg.qty - leg.filled)
        if type(self.request) is Modify:
            if rules.capabilities.modify_keeps_oid:
                risk = max(risk, self.request.qty - leg.filled)
            else:
                risk += self.request.qty
        return unbooked + risk


class Facts:
    """Everything that a trace has proven so far."""

    __slots__ = (
        "adopting",
        "asked_open_at",
        "blind",
        "blind_since",
        "cancels",
        "connected",
        "foreign",
        "halted",
        "last_request",
        "limited",
        "now",
        "orders",
        "owners",
        "position",
        "probed_at",
        "proofs",
        "refused",
        "refused_in_row",
        "requests",
        "rules",
        "seen_fills",
        "sent_at",
        "stale_least",
        "started_at",
        "strays",
        "traded",
        "unwanted",
    )

    def __new__(cls, *_: object, **__: object) -> Self:
        """Leave the rest to `__init__`; a copy does without it (`lifecycle.check.clone`)."""
        return super().__new__(cls)

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.stale_least = rules.stale_least.as_integer_ratio()
        """`Rules.stale_least`, at hand: most orders are nearer, and need no more arithmetic."""
        self.now: Nanos = 0
        self.started_at: Nanos | None = None
        self.orders: dict[Cloid, OrderFacts] = {}
        self.owners: dict[Oid, OrderFacts] = {}
        self.seen_fills: set[tuple[Oid, TradeId]] = set()
        self.strays: list[tuple[Fill, bool]] = []
        """Fills of oids without an owner so far."""
        self.foreign: dict[Oid, Side] = {}
        self.position = 0
        self.traded = 0
        """Price units × lots of the fills of our orders."""
        self.requests = rules.quota_used
        self.cancels = rules.quota_used
        self.limited = False
        self.connected = True
        self.blind = False
        self.blind_since: Nanos = 0
        self.last_request = 0
        self.asked_open_at: Nanos | None = None
        self.refused: dict[tuple[Cloid | int, Price, Qty], tuple[int, Nanos]] = {}
        """What was refused, how often in a row, and when last."""
        self.refused_in_row = 0
        """Places and modifies of any kind."""
        self.probed_at: Nanos = 0
        """When the breaker, being open, last saw a refusal or let a request through."""
        self.sent_at: tuple[Nanos, ...] = ()
        """When the requests of the last minute were sent."""
        self.halted = False
        self.adopting = False
        """Just started: the next snapshot says what else rests."""
        self.proofs: tuple[str, ...] = (rules.session,) if len(rules.session) >= PROOF else ()
        """Prefixes of cloids that prove an order ours."""
        self.unwanted: set[Cloid] = set()
        """Orders taken over only to be cancelled."""

    @property
    def earned(self) -> int:
        """Whole requests that trading has earned, and as many cancels."""
        instrument, rate = self.rules.instrument, self.rules.quota_earns
        if not rate:
            return 0
        unit = Fraction(instrument.price_unit) * Fraction(instrument.lot)
        return floor(self.traded * unit * rate)

    @property
    def requests_allowed(self) -> int | None:
        """Places and modifies that the ledger allows in all, None without limit."""
        cap = self.rules.quota_cap
        return None if cap is None else cap + self.earned

    @property
    def cancels_allowed(self) -> int | None:
        """Cancels that their ledger allows in all, None without limit."""
        cap = self.rules.cancel_cap
        return None if cap is None else cap + self.earned

    def live(self, side: Side) -> list[OrderFacts]:
        """Return the possibly-live orders of a side."""
        return [order for order in self.orders.values() if order.side is side and not order.closed]

    def exposure(self, side: Side) -> int:
        """Return the worst case of a side in lots, which may be negative."""
        worst = self.position * side
        for order in self.orders.values():
            if order.side is side:
                worst += order.risk(self.rules)
        return worst

    def _go_blind(self) -> None:
        self.blind = True
        self.blind_since = self.now

    def _doubt(self, order: OrderFacts) -> None:
        if not order.in_doubt:
            order.in_doubt = True
            order.doubt_since = self.now
            order.asked_at = None

    def _settled(self, order: OrderFacts) -> None:
        order.request = None
        order.answered = order.in_doubt = False

    def _close(self, order: OrderFacts, at: Nanos, ended_as: State) -> None:
        order.closed = True
        order.closed_at = at
        order.ended_as = ended_as
        self._settled(order)

    def _over(self, order: OrderFacts, at: Nanos) -> None:
        """Close an order of which nobody says how it ended: its fills or its life tell."""
        leg = order.leg
        if leg.filled >= leg.qty:
            self._close(order, at, State.FILLED)
        else:
            self._close(order, at, State.CANCELLED if order.accepted else State.REJECTED)

    def _owner(self, cloid: Cloid | None, oid: Oid | None) -> OrderFacts | None:
        named = None if cloid is None else self.orders.get(cloid)
        owner = None if oid is None else self.owners.get(oid)
        if owner is None or named is None or owner is named:
            return owner or named
        # Two names for two orders: an oid used again, or a row that contradicts itself.
        reused = owner.closed or any(leg.oid == oid for leg in named.legs)
        return named if reused else owner

    def _see(self, order: OrderFacts, at: Nanos) -> None:
        if at >= order.seen_at:
            order.seen_at = at
            if at >= order.lacked_at:
                order.lacked = 0
            if at >= order.absent_at:
                order.absences = 0
            elif order.absences == 0:
                # Said before a look that lacked it: that absence counts now.
                order.absences = 1
                order.snapshot_absence = True
        elif order.request is None and order.absences == 0 and order.absent_at > order.seen_at:
            # So does one that was found while a request was unanswered that is answered late.
            order.absences = 1
            order.snapshot_absence = True

    def _named(self, order: OrderFacts, leg: LegFacts, oid: Oid) -> None:
        leg.oid = oid
        self.owners[oid] = order
        for stray in [stray for stray in self.strays if stray[0].oid == oid]:
            self.strays.remove(stray)
            self._count(order, leg, stray[0], again=stray[1])
            order.seen_at = max(order.seen_at, stray[0].at)
            self._end_if_over(order, stray[0].at)

    def _count(self, order: OrderFacts, leg: LegFacts, fill: Fill, *, again: bool = False) -> None:
        if fill.at <= leg.taken_at:
            leg.qty += fill.qty
            leg.said_filled += fill.qty
            order.known += fill.qty
        leg.filled += fill.qty
        order.filled += fill.qty
        self.traded += fill.price * fill.qty
        if not again:
            self.position += fill.qty * order.side

    def _new_leg(self, order: OrderFacts, oid: Oid, price: Price, qty: Qty) -> None:
        """Take an unanswered modify as done, because its result was seen."""
        order.leg.gone = True
        order.legs.append(LegFacts(None, price, qty))
        self._named(order, order.leg, oid)
        order.accepted = True
        self._settled(order)

    def _opens(self, order: OrderFacts, oid: Oid) -> bool:
        """Say whether an oid can only be the new leg of the order's unanswered modify."""
        return (
            type(order.request) is Modify
            and not self.rules.capabilities.modify_keeps_oid
            and order.leg.oid is not None
            and order.leg_of(oid) is None
        )

    def _end_if_over(self, order: OrderFacts, at: Nanos) -> None:
        """Close an order whose current leg has ended, unless a modify is unanswered."""
        leg = order.leg
        if order.closed or type(order.request) is Modify:
            return
        if leg.filled >= leg.qty:
            self._close(order, at, State.FILLED)
        elif leg.gone:
            self._close(order, at, State.CANCELLED)
