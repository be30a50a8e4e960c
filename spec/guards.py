"""When the guards forbid something: read from the facts, exactly, for the invariants."""

from exchange.commands import Cancel, Modify, Place
from exchange.units import MINUTE, Price, Qty
from spec.facts import Facts
from spec.trace import Cycled, Reason

GUARDS = frozenset(
    {
        Reason.HALTED,
        Reason.STALE_MARKET,
        Reason.COLLAR,
        Reason.SIZE,
        Reason.RATE,
        Reason.BREAKER,
        Reason.FOREIGN,
    }
)
"""The reasons that name a guard."""


def is_stale_market(facts: Facts, cycle: Cycled) -> bool:
    """Say whether the market of a cycle was too old to quote by."""
    ages = (facts.rules.market_stale, facts.rules.market_withdraw)
    return any(age is not None and cycle.now - cycle.market.at > age for age in ages)


def withdraws(facts: Facts, cycle: Cycled) -> bool:
    """Say whether a cycle must take everything back."""
    most = facts.rules.market_withdraw
    return facts.halted or (most is not None and cycle.now - cycle.market.at > most)


def is_outside(facts: Facts, cycle: Cycled, price: Price) -> bool:
    """Say whether a price is outside the collar."""
    collar = facts.rules.collar_bps
    if collar is None:
        return False
    bid, ask = cycle.market.bid or cycle.market.ask, cycle.market.ask or cycle.market.bid
    if bid is None or ask is None:
        return True
    return abs(2 * price - bid - ask) * 10_000 > collar * (bid + ask)


def is_too_large(facts: Facts, qty: Qty) -> bool:
    """Say whether a size is more than one order may have."""
    most = facts.rules.qty_max
    return most is not None and qty > most


def sent_in_a_minute(facts: Facts, cycle: Cycled) -> int:
    """Return how many requests were sent in the minute before a cycle's own."""
    return sum(at > cycle.now - MINUTE for at in facts.sent_at)


def is_broken(facts: Facts) -> bool:
    """Say whether the breaker is open."""
    most = facts.rules.rejects_max
    return most is not None and facts.refused_in_row >= most


def is_true(facts: Facts, cycle: Cycled, reason: Reason, price: Price, qty: Qty) -> bool:
    """Say whether a guard that a decision names did hold this price and size back."""
    requests = [c for c in cycle.plan.commands if isinstance(c, (Place, Modify, Cancel))]
    match reason:
        case Reason.HALTED:
            return facts.halted
        case Reason.STALE_MARKET:
            return is_stale_market(facts, cycle)
        case Reason.COLLAR:
            return is_outside(facts, cycle, price)
        case Reason.SIZE:
            return is_too_large(facts, qty)
        case Reason.RATE:
            most = facts.rules.rate_max
            return most is not None and sent_in_a_minute(facts, cycle) + len(requests) >= most
        case Reason.BREAKER:
            probed = any(not isinstance(request, Cancel) for request in requests)
            waits = cycle.now < facts.probed_at + facts.rules.reject_pause
            return is_broken(facts) and (probed or waits)
        case _:
            return False
