"""The trace vocabulary: what an order manager was told, what it decided and what it sent.

A trace is the whole of what an invariant may read. Inputs and outputs stand side by side: a cycle
with its targets and market, and the plan that came of it; a report, and the reaction to it.
"""

import enum
from typing import TypeAlias

from msgspec import Struct

from exchange.commands import Command, Query, Request
from exchange.market import Market
from exchange.reports import Report
from exchange.units import Nanos, Price, Qty
from exchange.words import Cloid, Outcome, Side


class Target(Struct, frozen=True, gc=False, array_like=True):
    """One wanted quote."""

    price: Price
    qty: Qty
    """What shall rest; compared with what remains of an order."""


class Targets(Struct, frozen=True, array_like=True):
    """All wanted quotes, best first on each side."""

    bids: tuple[Target, ...] = ()
    asks: tuple[Target, ...] = ()


class Action(enum.StrEnum):
    """What a cycle does with one order or one target."""

    KEEP = "keep"
    """The order rests as it is, and that is wanted."""
    WAIT = "wait"
    """Something else is wanted, and may not be sent now; the reason says why."""
    MODIFY = "modify"
    CANCEL = "cancel"
    PLACE = "place"


class Reason(enum.StrEnum):
    """Why."""

    SAME_POINT = "same-point"
    LATCHED = "latched"
    DEBOUNCED = "debounced"
    QUOTA = "quota"
    """The quota is low and the change is not urgent, or the ledger is empty."""
    IN_FLIGHT = "in-flight"
    IN_DOUBT = "in-doubt"
    MODIFY = "modify"
    REPLACE = "replace"
    """Too far to modify: cancelled now, placed again when it is proven gone."""
    STALE = "stale"
    """Beyond the stale band, so sent although the soft quota would have waited."""
    EMERGENCY = "emergency"
    """In the way of our other side, or over the exposure cap."""
    WITHDRAWN = "withdrawn"
    """No target wants it."""
    UNCOVERED = "uncovered"
    """A target without an order gets its place."""
    PREDECESSOR = "predecessor"
    """The side has as many possibly-live orders as targets: nothing is placed where one of them
    may still fill."""
    EXPOSURE = "exposure"
    """It would take the worst case over the exposure cap."""
    LIMITED = "limited"
    """The venue refuses requests until further notice."""
    BLIND = "blind"
    """The report stream is broken, or no snapshot has come since it was."""
    BACKOFF = "backoff"
    """The venue refused just this, and nothing has changed."""
    WOULD_CROSS = "would-cross"
    """Post-only, and the price crosses the book that we see."""
    OWN_ORDER = "own-order"
    """An order of ours on the other side is in the way."""
    INVALID = "invalid"
    """The venue does not accept such a price, size or notional."""
    GATED = "gated"
    """Dropped by the legacy policy's global debounce."""
    HALTED = "halted"
    """The kill switch, or a shutdown: everything is withdrawn, and nothing is sent but that."""
    STALE_MARKET = "stale-market"
    """What we see of the market is too old to quote by."""
    COLLAR = "collar"
    """The price is further from the mid than it may be."""
    SIZE = "size"
    """The size is above what one order may have."""
    RATE = "rate"
    """As many requests as a minute may have were sent in the last one."""
    BREAKER = "breaker"
    """The venue refused too much in a row: one probe at a time, after a pause."""
    FOREIGN = "foreign"
    """Found resting at the start and not ours; the policy is to cancel such orders."""


class Decision(Struct, frozen=True, gc=False, array_like=True):
    """What one cycle decided about one order, or about a target that has none."""

    cloid: Cloid | None
    """The order; for a place the new one; None for a target that gets no order now."""
    side: Side
    level: int
    """The index of the target from the touch, 0 best; -1 where no target wants the order."""
    action: Action
    reason: Reason
    price: Price
    """Of the order, as last confirmed or sent; 0 without an order."""
    target: Price
    """0 without a target."""
    qty: Qty
    """What remains of the order; 0 without an order."""
    target_qty: Qty
    band: int
    """The latch half-width that applied, in price units."""


class Divergence(Struct, frozen=True):
    """A report that cannot be true together with the record: nothing changed, we reconcile."""

    label: str
    cloid: Cloid | None
    report: Report


class Plan(Struct, frozen=True):
    """What a cycle sends, and a decision for every order and every target."""

    commands: tuple[Command, ...]
    decisions: tuple[Decision, ...]
    position: int = 0
    """Signed sum of all fills counted so far, in lots."""
    targets: Targets | None = None
    """What the grid made of the targets; None where they were taken as they came."""
    step: Price = 0
    """The grid's step; 0 without one."""


class Reaction(Struct, frozen=True):
    """What a report, an unanswered request or the passing of time led to: only queries."""

    queries: tuple[Query, ...] = ()
    divergences: tuple[Divergence, ...] = ()


class Cycled(Struct, frozen=True, tag="cycle"):
    """One cycle."""

    now: Nanos
    targets: Targets
    """As the bot wanted them."""
    market: Market
    plan: Plan

    @property
    def wanted(self) -> Targets:
        """The targets that were decided about: the bot's, on the grid if there is one."""
        return self.targets if self.plan.targets is None else self.plan.targets


class Reported(Struct, frozen=True, tag="report"):
    """One report, received at `now`."""

    now: Nanos
    report: Report
    reaction: Reaction


class Unanswered(Struct, frozen=True, tag="unanswered"):
    """The sender of a request learnt that it will get no answer."""

    now: Nanos
    command: Request
    outcome: Outcome
    reaction: Reaction


class Ticked(Struct, frozen=True, tag="tick"):
    """Time passed."""

    now: Nanos
    reaction: Reaction


class Restarted(Struct, frozen=True, tag="restart"):
    """The process died and came back on its journal: all that was in flight is in doubt."""

    now: Nanos
    reaction: Reaction
    session: str = ""
    """The prefix of every cloid from now on; empty: as before."""


class Halted(Struct, frozen=True, tag="halt"):
    """Nothing is wanted any more: all that rests is to go, until the next restart."""

    now: Nanos
    why: str
    reaction: Reaction


Record: TypeAlias = Cycled | Reported | Unanswered | Ticked | Restarted | Halted
