"""One logical order: three machines, a chain of legs, and fills that count once.

The cloid is the order's identity; each oid that the venue gives it is a leg with its own
authorised size and its own fills. What remains is always derived, never a counter of its own.
The machines move only by `advance`, `ask` and `hold_by`, which look up the compiled tables.
"""

from collections.abc import Set as AbstractSet
from typing import Final

from exchange.units import Nanos, Price, Qty
from exchange.words import Cloid, Oid, Side, TradeId
from lifecycle.core.tables import DIVERGENCE, EXPECTED, HOLD, IDLE, PHASE, REQUEST, RESTING
from spec.states import (
    Hold,
    HoldEvent,
    Phase,
    PhaseEvent,
    Request,
    RequestEvent,
    State,
    displayed,
)

# Enum members by value, and the few that the hot path compares with, looked up once.
_PHASES: Final = tuple(Phase)
_REQUESTS: Final = tuple(Request)
_HOLDS: Final = tuple(Hold)
_PENDING_NEW: Final = Phase.PENDING_NEW
_IDLE: Final = Request.IDLE
_CANCELLING: Final = Request.CANCELLING
_CANCELLING_IN_DOUBT: Final = Request.CANCELLING_IN_DOUBT
_PLACING: Final = Request.PLACING
_PLACING_IN_DOUBT: Final = Request.PLACING_IN_DOUBT
_MODIFYING: Final = Request.MODIFYING
_MODIFYING_IN_DOUBT: Final = Request.MODIFYING_IN_DOUBT
_FREE: Final = Hold.FREE
_RELEASE: Final = HoldEvent.RELEASE
_RETIRED: Final = Phase.RETIRED
_CLOSED: Final = RequestEvent.CLOSED


_NO_LEGS: Final[dict[Oid | None, "Leg"]] = {}
"""Shared by all orders that were never modified, and never written to."""


class Leg:
    """One oid's part of an order."""

    __slots__ = (
        "booked",
        "ended",
        "ended_at",
        "filled",
        "is_guess",
        "oid",
        "price",
        "qty",
        "reported",
        "taken_at",
    )

    def __init__(self, oid: Oid | None, price: Price, qty: Qty) -> None:
        self.oid = oid
        """None until the venue has named it."""
        self.price = price
        self.qty = qty
        """The authorised size: with which it came on the book, or was amended to."""
        self.filled: Qty = 0
        """Sum of the fills booked."""
        self.reported: Qty = 0
        """What the venue says has filled, where that is ahead of the fills booked."""
        self.is_guess = False
        """Only a fill has told of it, and no request of ours explains it: it is taken for an old
        leg until it is seen to rest."""
        self.ended = False
        """Gone while a modify was unanswered, whose answer decides about the order."""
        self.ended_at: Nanos = 0
        self.taken_at: Nanos = -1
        """When it was seen to rest and taken over, its size then being what remained; -1 where it
        is of our own sending."""
        self.booked: set[TradeId] | None = None
        """The fills booked, by trade id; None without any, because most legs never fill and an
        empty set is larger than all the rest."""

    @property
    def trades(self) -> AbstractSet[TradeId]:
        """The fills booked, by trade id."""
        return frozenset() if self.booked is None else self.booked

    def count(self, trade_id: TradeId) -> bool:
        """Note a fill as booked; returns False where it was before."""
        if self.booked is None:
            self.booked = {trade_id}
            return True
        if trade_id in self.booked:
            return False
        self.booked.add(trade_id)
        return True

    @property
    def leaves(self) -> Qty:
        """What remains of this leg if it still rests, by fills or by the venue's word."""
        gone = max(self.reported, self.filled)
        return self.qty - gone if self.qty > gone else 0

    @property
    def open_risk(self) -> Qty:
        """What may still be booked as filled if the leg is live."""
        return max(0, self.qty - self.filled)

    @property
    def unbooked(self) -> Qty:
        """What the venue says has filled and no fill has told us yet."""
        return max(0, self.reported - self.filled)


class Order:
    """One logical order, from its place to its retirement."""

    __slots__ = (
        "absences",
        "absent_at",
        "absent_in_snapshot",
        "answered",
        "answered_at",
        "cloid",
        "closed_at",
        "evidence_at",
        "expires_at",
        "filled",
        "goal_price",
        "goal_qty",
        "hold",
        "is_adopted",
        "known",
        "leg",
        "level",
        "modified_at",
        "old_legs",
        "phase",
        "placed_at",
        "queried_at",
        "reduce_only",
        "request",
        "request_no",
        "side",
        "suspect",
        "unheard",
    )

    def __init__(self, cloid: Cloid, side: Side, price: Price, qty: Qty, now: Nanos) -> None:
        self.cloid = cloid
        self.side = side
        self.reduce_only = False
        self.phase = _PENDING_NEW
        self.request = _IDLE
        self.hold = _FREE
        self.leg = Leg(None, price, qty)
        """The current leg."""
        self.old_legs: dict[Oid | None, Leg] = _NO_LEGS
        """Superseded legs by oid, oldest first; their late fills still count. Only the first can
        have been superseded before the venue named it."""
        self.unheard: Qty = 0
        """What the venue says has filled of the old legs and no fill has told us yet."""
        self.filled: Qty = 0
        """Over all legs."""
        self.is_adopted = False
        """It was taken over: nobody here knows what it was sent with."""
        self.known: Qty = 0
        """The most that anything has said to have filled over all legs. What is `reported` of an
        old leg may be a guess: once so much is heard of, none of it is unheard."""
        self.goal_price = price
        """Where the unanswered request, or the last one, takes the order."""
        self.goal_qty = qty
        """The authorised size that goes with it: of the new leg, or the amended total."""
        self.request_no = 0
        """Number of the newest request."""
        self.expires_at: Nanos = 0
        """When the newest request can no longer reach the venue."""
        self.answered = False
        """The newest request was refused without saying what rests: it will have no effect later,
        so evidence need not wait for its expiry."""
        self.answered_at: Nanos = 0
        """When the venue said so; a look from before that saw less than the refusal did."""
        self.placed_at = now
        self.modified_at: Nanos | None = None
        """When the last modify was sent."""
        self.evidence_at: Nanos = now
        """The time of the newest evidence about this order; older evidence proves nothing."""
        self.absences = 0
        """Times that it was found absent since, counted only where absence is evidence."""
        self.absent_at: Nanos = 0
        self.absent_in_snapshot = False
        self.suspect = False
        """A report diverged from this record, and nothing has confirmed it since."""
        self.queried_at: Nanos | None = None
        self.closed_at: Nanos = 0
        self.level = 0
        """The index of the target that it last stood for, 0 best."""

    # The machines.

    def advance(self, event: PhaseEvent, now: Nanos) -> bool:
        """Give the phase an event; returns False on a divergence, and then nothing has changed."""
        # As numbers: compiled, a member of an enum is a slow index.
        phase: int = self.phase
        column: int = event
        cell = PHASE[phase][column]
        if cell == DIVERGENCE:
            return False
        if cell != EXPECTED:
            self.phase = _PHASES[cell]
            if cell > RESTING:
                self._close(now)
        return True

    def _close(self, now: Nanos) -> None:
        if self.phase is _RETIRED:
            return
        # A fill, or the end of its leg, may have been heard that is newer than what ends it.
        self.closed_at = now
        if self.evidence_at > self.closed_at:
            self.closed_at = self.evidence_at
        if self.leg.ended_at > self.closed_at:
            self.closed_at = self.leg.ended_at
        self.answered = False
        self.request = _REQUESTS[_next(REQUEST[self.request][_CLOSED], self.request)]
        self.hold = _HOLDS[_next(HOLD[self.hold][_RELEASE], self.hold)]

    def ask(self, event: RequestEvent) -> bool:
        """Give the request an event; returns False on a divergence, and then nothing changed."""
        request: int = self.request
        column: int = event
        cell = REQUEST[request][column]
        if cell == DIVERGENCE:
            return False
        if cell != EXPECTED:
            self.request = _REQUESTS[cell]
            if cell == IDLE:
                self.answered = False
        return True

    def hold_by(self, event: HoldEvent) -> None:
        """Give the hold an event; every cell of its table is filled."""
        hold: int = self.hold
        column: int = event
        cell = HOLD[hold][column]
        assert cell != DIVERGENCE, f"holding must be legal in every state, was not in {self.hold!r}"
        if cell != EXPECTED:
            self.hold = _HOLDS[cell]

    # What is derived.

    @property
    def state(self) -> State:
        """The displayed state."""
        return displayed(self.phase, self.request, self.hold)

    @property
    def is_closed(self) -> bool:
        """Whether it may fill no more, late reports of earlier fills apart."""
        # The closed phases come last; the table's order is checked by the tests of states.
        phase: int = self.phase
        return phase > RESTING

    @property
    def is_placing(self) -> bool:
        """Whether its place is unanswered, in doubt or not."""
        return self.request is _PLACING or self.request is _PLACING_IN_DOUBT

    @property
    def is_cancelling(self) -> bool:
        """Whether a cancel is unanswered, in doubt or not."""
        return self.request is _CANCELLING or self.request is _CANCELLING_IN_DOUBT

    @property
    def is_modifying(self) -> bool:
        """Whether a modify is unanswered, in doubt or not."""
        return self.request is _MODIFYING or self.request is _MODIFYING_IN_DOUBT

    @property
    def is_in_doubt(self) -> bool:
        """Whether the outcome of its newest request is unknown."""
        # In-doubt states have even values; the table's order is checked by the tests of states.
        request: int = self.request
        return request != IDLE and request % 2 == 0

    def is_past(self, at: Nanos) -> bool:
        """Say whether a look at this time has seen all that the newest request can ever do."""
        return at >= self.expires_at or (self.answered and at >= self.answered_at)

    @property
    def is_in_flight(self) -> bool:
        """Whether its request is unanswered and not yet in doubt."""
        request: int = self.request
        return request % 2 == 1

    @property
    def legs(self) -> tuple[Leg, ...]:
        """All its legs, oldest first."""
        return (*self.old_legs.values(), self.leg)

    @property
    def oid(self) -> Oid | None:
        """The current leg's oid."""
        return self.leg.oid

    @property
    def price(self) -> Price:
        """The current leg's price, as last confirmed or, for a new order, sent."""
        return self.leg.price

    @property
    def leaves(self) -> Qty:
        """What remains of the current leg, 0 when closed."""
        return 0 if self.is_closed else self.leg.leaves

    def open_risk(self, amends: bool) -> Qty:
        """Return what may still be booked as filled, in the worst case.

        Both legs of an unanswered modify count; where a modify amends in place (`amends`) there
        is one leg, and the larger of its two sizes counts.
        """
        unbooked = self.unheard
        if self.is_closed:
            return min(unbooked + self.leg.unbooked, max(0, self.known - self.filled))
        if unbooked:
            unbooked = min(unbooked, max(0, self.known - self.filled))
        risk = self.leg.open_risk
        if self.request is _MODIFYING or self.request is _MODIFYING_IN_DOUBT:
            if amends:
                risk = max(risk, self.goal_qty - self.leg.filled)
            else:
                risk += self.goal_qty
        return unbooked + risk

    def leg_of(self, oid: Oid | None) -> Leg | None:
        """Return the leg with this oid, the current one first; None where there is none."""
        if oid is None or self.leg.oid == oid:
            return self.leg
        return self.old_legs.get(oid)

    def has_oid(self, oid: Oid) -> bool:
        """Say whether one of its legs has this oid."""
        return self.leg.oid == oid or oid in self.old_legs

    def promote(self, leg: Leg) -> None:
        """Make a leg that was taken for an old one the current one."""
        del self.old_legs[leg.oid]
        self.unheard -= leg.unbooked
        self.supersede(self.leg)
        self.leg = leg
        leg.is_guess = False

    def supersede(self, leg: Leg) -> None:
        """Enter a leg among the old ones."""
        if self.old_legs is _NO_LEGS:
            self.old_legs = {}
        self.old_legs[leg.oid] = leg
        if leg.reported > leg.filled:
            self.unheard += leg.unbooked

    def next_leg(self, oid: Oid, price: Price, qty: Qty) -> Leg:
        """Open a leg and make it the current one."""
        self.supersede(self.leg)
        self.leg = leg = Leg(oid, price, qty)
        return leg

    def __repr__(self) -> str:
        """Return cloid, side, state and the current leg, for people."""
        side = "buy" if self.side > 0 else "sell"
        return (
            f"<Order {self.cloid} {side} {self.leaves}/{self.leg.qty}@{self.leg.price} "
            f"{self.state} oid={self.leg.oid}>"
        )


def _next(cell: int, current: int) -> int:
    """Resolve a cell of an event that is legal in every state."""
    assert cell != DIVERGENCE, f"closing must be legal in every state, was not in {current}"
    return current if cell == EXPECTED else cell
