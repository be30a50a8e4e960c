"""S24, S25, V8, V9: the hard limits hold, and hold back only what they must."""

from exchange.commands import Modify, Place
from exchange.units import Qty
from spec.guards import (
    GUARDS,
    is_broken,
    is_outside,
    is_stale_market,
    is_too_large,
    is_true,
    sent_in_a_minute,
    withdraws,
)
from spec.invariants.base import Invariant, growing, sent
from spec.trace import Cycled, Reason
from spec.witness import Witness


def _s24(facts: Witness, cycle: Cycled) -> str | None:
    more = growing(cycle.plan)
    if more and facts.halted:
        return f"{len(more)} placed or modified although everything is to go"
    if more and is_stale_market(facts, cycle):
        return f"{len(more)} placed or modified by a market seen at {cycle.market.at}"
    return None


def _s25(facts: Witness, cycle: Cycled) -> str | None:
    before, most = sent_in_a_minute(facts, cycle), facts.rules.rate_max
    # Cancels pass whatever the rate: those of the same cycle may have been decided on later.
    for number, command in enumerate(growing(cycle.plan)):
        if is_outside(facts, cycle, command.price):
            return f"{command.cloid} at {command.price} is outside the collar"
        if is_too_large(facts, _left(facts, command)):
            return f"{command.cloid} with {command.qty} is above the largest order"
        if most is not None and before + number >= most:
            return f"{command.cloid} is request {before + number + 1} of a minute"
        early = cycle.now < facts.probed_at + facts.rules.reject_pause
        if is_broken(facts) and (number > 0 or early):
            return f"{command.cloid} is sent after {facts.refused_in_row} refusals in a row"
    return None


def _left(facts: Witness, command: Place | Modify) -> Qty:
    """Return what a place or modify leaves on the book."""
    order = facts.orders.get(command.cloid)
    if order is None or type(command) is Place or not facts.rules.capabilities.qty_is_total:
        return command.qty
    return command.qty - order.leg.filled


def _v8(facts: Witness, cycle: Cycled) -> str | None:
    if not withdraws(facts, cycle) or facts.limited or (facts.blind and not facts.halted):
        return None
    allowed = facts.cancels_allowed
    cancels = len(sent(cycle.plan)) - len(growing(cycle.plan))
    if allowed is not None and facts.cancels + cancels >= allowed:
        return None
    touched = {command.cloid for command in sent(cycle.plan)}
    for order in facts.orders.values():
        if not order.closed and order.idle and order.cloid not in touched:
            return f"{order.cloid} is left on the book although everything is to go"
    return None


def _v9(facts: Witness, cycle: Cycled) -> str | None:
    for decision in cycle.plan.decisions:
        reason = decision.reason
        if reason not in GUARDS or decision.cloid is None:
            continue  # V1 says it of a target without an order.
        if reason is Reason.FOREIGN:
            holds = decision.cloid in facts.unwanted
        else:
            holds = is_true(facts, cycle, reason, decision.target, decision.target_qty)
        if not holds:
            return f"{decision.cloid} was held back by {reason}, which is not so"
    return None


GUARDED = (
    Invariant("S24", "halted, or without a fresh market, nothing is placed", on_send=_s24),
    Invariant("S25", "what is sent is inside collar, size, rate and breaker", on_send=_s25),
    Invariant("V8", "when everything is to go, it goes at once", on_cycle=_v8),
    Invariant("V9", "a guard holds back only what it must", on_cycle=_v9),
)
