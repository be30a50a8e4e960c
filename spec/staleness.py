"""When a cycle leaves an order stale without an excuse."""

from fractions import Fraction
from typing import Final

from exchange.commands import Cancel, Modify, Place
from spec.facts import Facts
from spec.rules import drift_bps
from spec.trace import Action, Cycled, Decision, Reason

ZERO: Final = Fraction(0)
_LEFT: Final = (Action.KEEP, Action.WAIT)
"""Members looked up once: before Python 3.12 each access costs a function call."""
_HELD_SOFTLY: Final = frozenset({Reason.QUOTA, Reason.LATCHED, Reason.SAME_POINT, Reason.GATED})


def is_left_stale(facts: Facts, cycle: Cycled, decision: Decision) -> bool:
    """Say whether a cycle left an idle order alone although it is beyond the stale band.

    A debounced modify, a hard limit and a request on its way are exempt.
    """
    order = None if decision.cloid is None else facts.orders.get(decision.cloid)
    if order is None or order.closed or order.request is not None or decision.level < 0:
        return False
    if decision.action not in _LEFT or facts.blind or facts.limited:
        return False
    if decision.reason not in _HELD_SOFTLY or order.leg.price == decision.target:
        return False
    most, per = facts.stale_least
    if abs(order.leg.price - decision.target) * 10_000 * per <= most * decision.target:
        return False
    # What this cycle sends is gone when the order's turn comes: coverage may take the last request.
    growing = [c for c in cycle.plan.commands if type(c) is Place or type(c) is Modify]
    used = facts.requests + len(growing)
    allowed = facts.requests_allowed
    empty = allowed is not None and used >= allowed
    drift = drift_bps(order.leg.price, decision.target)
    reach, cancels = facts.rules.modify_bps, facts.cancels_allowed
    if reach is not None and drift > reach and cancels is not None:
        # It can only be replaced: a cancel must be left.
        gone = facts.cancels + len([c for c in cycle.plan.commands if type(c) is Cancel])
        empty = empty or gone >= cancels
    queue = cycle.market.queues.get(order.cloid)
    behind = Fraction(queue.behind, queue.ahead + queue.behind) if queue and any(queue) else ZERO
    stale = facts.rules.stale(cycle.wanted, decision.level, cycle.market.volatility, behind)
    return not empty and drift > stale
