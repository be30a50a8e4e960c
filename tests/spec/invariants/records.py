"""Traces written by hand, record by record: one bid `a` for 10 at 20000, and what becomes of it.

A record says what an order manager was told and what it did; nothing here runs one. Times are in
seconds, prices in units of 0.1, sizes in lots of 0.01: a basis point at 20000 is two units.
"""

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Final

from exchange.commands import Cancel, Command, Modify, Place, Query, QueryOpen, QueryOrder
from exchange.instrument import Instrument
from exchange.market import Market
from exchange.reports import Accepted, Fill, Modified, OpenOrder, Report, Snapshot
from exchange.units import Nanos, Price, Qty, seconds
from exchange.venue import Capabilities
from exchange.words import Cloid, Oid, Outcome, Side
from spec.rules import Rules
from spec.trace import (
    Action,
    Cycled,
    Decision,
    Halted,
    Plan,
    Reaction,
    Reason,
    Record,
    Reported,
    Restarted,
    Target,
    Targets,
    Ticked,
    Unanswered,
)

INSTRUMENT: Final = Instrument("HAND", price_unit=Decimal("0.1"), lot=Decimal("0.01"))
TIMEOUT: Final[Nanos] = seconds(5)
RULES: Final = Rules(
    instrument=INSTRUMENT,
    capabilities=Capabilities(),
    latch_bps=Fraction(3),
    widest_factor=Fraction(1),
    timeout=TIMEOUT,
)
"""The latch is 6 units, the stale band 12."""

Ladder = Sequence[tuple[Price, Qty]]


def place(
    request: int, cloid: Cloid = "a", *, at: float = 1, price: Price = 20_000, qty: Qty = 10,
    side: Side = Side.BUY,
) -> Place:  # fmt: skip
    return Place(request, cloid, side, price, qty, True, False, seconds(at) + TIMEOUT)


def modify(
    request: int, *, at: float = 2, price: Price = 20_100, qty: Qty = 10, cloid: Cloid = "a",
    oid: Oid = "101", side: Side = Side.BUY, reduce_only: bool = False,
) -> Modify:  # fmt: skip
    expires_at = seconds(at) + TIMEOUT
    return Modify(request, cloid, oid, side, price, qty, True, reduce_only, expires_at)


def cancel(request: int, cloid: Cloid = "a", *, at: float = 2, oid: Oid | None = "101") -> Cancel:
    return Cancel(request, cloid, oid, seconds(at) + TIMEOUT)


def ask(request: int, cloid: Cloid = "a") -> QueryOrder:
    return QueryOrder(request, cloid, None)


def ask_open(request: int) -> QueryOpen:
    return QueryOpen(request, 0)


def decided(
    cloid: Cloid | None, action: Action, reason: Reason, *, level: int = 0, price: Price = 20_000,
    qty: Qty = 10, target: Price = 20_000, target_qty: Qty = 10, side: Side = Side.BUY,
) -> Decision:  # fmt: skip
    return Decision(cloid, side, level, action, reason, price, target, qty, target_qty, 6)


def placed(cloid: Cloid = "a", *, level: int = 0, price: Price = 20_000) -> Decision:
    return decided(cloid, Action.PLACE, Reason.UNCOVERED, level=level, price=price, target=price)


def empty(reason: Reason, *, price: Price = 20_000, qty: Qty = 10, level: int = 0) -> Decision:
    """Return the decision that a target gets no order now."""
    return decided(
        None, Action.WAIT, reason, price=0, qty=0, target=price, target_qty=qty, level=level
    )


def cycle(
    at: float, bids: Ladder = (), *decisions: Decision, sends: Sequence[Command] = (),
    asks: Ladder = (), position: int = 0, bid: Price | None = None, ask: Price | None = None,
    points: Ladder | None = None, step: Price = 0, age: float = 0,
) -> Cycled:  # fmt: skip
    targets = Targets(
        tuple(Target(price, qty) for price, qty in bids),
        tuple(Target(price, qty) for price, qty in asks),
    )
    snapped = None
    if points is not None:
        snapped = Targets(tuple(Target(price, qty) for price, qty in points))
    plan = Plan(tuple(sends), decisions, position, snapped, step)
    return Cycled(seconds(at), targets, Market(seconds(at - age), bid, ask), plan)


def heard(at: float, report: Report, *queries: Query) -> Reported:
    return Reported(seconds(at), report, Reaction(queries))


def given_up(at: float, command: Place | Modify | Cancel, *queries: Query) -> Unanswered:
    return Unanswered(seconds(at), command, Outcome.TIMEOUT, Reaction(queries))


def ticked(at: float, *queries: Query) -> Ticked:
    return Ticked(seconds(at), Reaction(queries))


def restarted(at: float, *queries: Query, session: str = "") -> Restarted:
    return Restarted(seconds(at), Reaction(queries), session)


def halted(at: float) -> Halted:
    return Halted(seconds(at), "told to", Reaction())


def accepted(at: float = 1.1) -> Reported:
    return heard(at, Accepted(seconds(at), "a", "101", 1))


def modified(at: float = 2.1, *, request: int = 2, price: Price = 20_100) -> Reported:
    return heard(at, Modified(seconds(at), "a", "102", 10, price, request))


def filled(
    at: float, qty: Qty, *, oid: Oid = "101", cloid: Cloid | None = "a", trade: str = "t1"
) -> Reported:
    return heard(at, Fill(seconds(at), cloid, oid, qty, 20_000, trade, Side.BUY))


def listed(at: float, oid: Oid = "101", price: Price = 20_000) -> Reported:
    """Return a snapshot, taken and heard at once, in which `a` rests."""
    return heard(at, Snapshot(seconds(at), (OpenOrder(oid, "a", Side.BUY, price, 10),)))


def placing() -> list[Record]:
    """Return the beginning of every trace: `a` is sent."""
    return [cycle(1, [(20_000, 10)], placed(), sends=[place(1)])]


def resting() -> list[Record]:
    """Return how `a` comes to rest, as oid 101."""
    return [*placing(), accepted()]


def moving() -> list[Record]:
    """Return how `a` is sent to 20100, by request 2."""
    moves = decided("a", Action.MODIFY, Reason.MODIFY, target=20_100)
    return [*resting(), cycle(2, [(20_100, 10)], moves, sends=[modify(2)])]


def moved() -> list[Record]:
    """Return how it has come there, as oid 102."""
    return [*moving(), modified()]


def cancelling() -> list[Record]:
    """Return how `a` is cancelled, by request 2."""
    goes = decided("a", Action.CANCEL, Reason.WITHDRAWN, level=-1, target=0, target_qty=0)
    return [*resting(), cycle(2, (), goes, sends=[cancel(2)])]
