"""S4–S7, S9–S11, S13, S14, S21–S23: what may be sent, how much of it, and when nothing may."""

from collections.abc import Sequence
from fractions import Fraction
from typing import Final

from exchange.commands import Cancel, Modify, Place
from exchange.units import Price
from exchange.words import Side
from spec.facts import OrderFacts
from spec.guards import withdraws
from spec.invariants.base import SIDES, Invariant, growing, sent
from spec.rules import drift_bps
from spec.trace import Cycled, Reason, Target, Targets
from spec.witness import Witness

ROUNDING = Fraction(1, 100_000)
"""In basis points."""
_BUY: Final = Side.BUY
_MAY_GO = frozenset(
    {
        Reason.EMERGENCY,
        Reason.WITHDRAWN,
        Reason.HALTED,
        Reason.STALE_MARKET,
        Reason.FOREIGN,
    }
)
"""Why a debounced order may be cancelled, alone."""


def wanted(targets: Targets, side: Side) -> tuple[Target, ...]:
    """Return the targets of a side."""
    return targets.bids if side is _BUY else targets.asks


def _s4(facts: Witness, cycle: Cycled) -> str | None:
    if facts.rules.legacy:
        return None
    for side in SIDES:
        places = [c for c in sent(cycle.plan) if type(c) is Place and c.side is side]
        live, room = len(facts.live(side)), len(wanted(cycle.wanted, side))
        if places and live + len(places) > room:
            return (
                f"{len(places)} placed beside {live} possibly live, for {room} targets "
                f"({side.name.lower()})"
            )
    return None


def _s5(facts: Witness, cycle: Cycled) -> str | None:
    if facts.rules.legacy:
        return None
    reasons = {decision.cloid: decision.reason for decision in cycle.plan.decisions}
    for command in sent(cycle.plan):
        order = facts.orders.get(command.cloid)
        if order is not None and order.debounced and type(command) is Cancel:
            reason = reasons.get(command.cloid)
            if reason not in _MAY_GO:
                return f"{command.cloid} was debounced, and is cancelled as {reason}"
    return None


def _s6(facts: Witness, cycle: Cycled) -> str | None:
    cap = facts.rules.exposure_cap
    if cap is None:
        return None
    for side in SIDES:
        worst = facts.exposure(side)
        grown = worst
        for command in sent(cycle.plan):
            if isinstance(command, Cancel) or command.side is not side:
                continue
            order = facts.orders.get(command.cloid)
            if order is None or not facts.rules.capabilities.modify_keeps_oid:
                grown += command.qty
            else:
                grown += max(0, command.qty - max(order.leg.qty, order.leg.filled))
        if grown > worst and grown > cap:
            return f"worst case {grown} {side.name.lower()} by what was sent, the cap is {cap}"
    return None


def _s7(facts: Witness, cycle: Cycled) -> str | None:
    if cycle.plan.position != facts.position:
        return f"position was taken as {cycle.plan.position}, the fills add up to {facts.position}"
    return None


def _s9(facts: Witness, cycle: Cycled) -> str | None:
    best: dict[Side, Price | None] = {side: _inner(facts.live(side), side) for side in SIDES}
    for command in growing(cycle.plan):
        side = command.side
        facing = best[side.opposite]
        if facing is not None and (command.price - facing) * side >= 0:
            return f"{command.cloid} at {command.price} meets our own {facing}"
        mine = best[side]
        if mine is None or (command.price - mine) * side > 0:
            best[side] = command.price
    return None


def _inner(orders: Sequence[OrderFacts], side: Side) -> Price | None:
    best: Price | None = None
    for order in orders:
        for price in order.prices():
            if best is None or (price - best) * side > 0:
                best = price
    return best


def _s10(facts: Witness, cycle: Cycled) -> str | None:
    instrument = facts.rules.instrument
    for command in growing(cycle.plan):
        price = command.price
        if not instrument.is_valid_price(price):
            return f"{command.cloid} at {price}, which is no valid price"
        if not instrument.is_valid_qty(command.qty):
            return f"{command.cloid} with size {command.qty}, which is not valid"
        if not instrument.is_valid_notional(price, command.qty):
            return f"{command.cloid} with {command.qty} at {price} is below the minimum notional"
        touch = cycle.market.ask if command.side is _BUY else cycle.market.bid
        if command.post_only and touch is not None and (price - touch) * command.side >= 0:
            return f"{command.cloid} at {price} crosses the book seen, {touch}"
    return None


def _s11(facts: Witness, cycle: Cycled) -> str | None:
    requests = len(growing(cycle.plan))
    cancels = len(sent(cycle.plan)) - requests
    cap, cancel_cap = facts.requests_allowed, facts.cancels_allowed
    if requests and cap is not None and facts.requests + requests > cap:
        return f"{facts.requests + requests} requests, the ledger allows {cap}"
    if cancels and cancel_cap is not None and facts.cancels + cancels > cancel_cap:
        return f"{facts.cancels + cancels} cancels, their ledger allows {cancel_cap}"
    return None


def _rests(facts: Witness, cycle: Cycled, *, exactly: bool) -> bool:
    """Say whether what rests stands for the targets one by one, at the same points or in band."""
    taken = [facts.orders.get(cloid) for cloid in facts.unwanted]
    unwanted = any(order is not None and not order.closed for order in taken)
    if facts.blind or facts.limited or unwanted or withdraws(facts, cycle):
        return False
    for side in SIDES:
        targets = wanted(cycle.wanted, side)
        orders = facts.live(side)
        if len(orders) != len(targets):
            return False
        if len(orders) > 1:
            orders.sort(key=_outwards)
        for level, (order, target) in enumerate(zip(orders, targets, strict=True)):
            leaves = order.leg.leaves
            if order.request is not None:
                return False
            if exactly and (order.leg.price, leaves) != (target.price, target.qty):
                return False
            if order.leg.price != target.price and not _is_inside(facts, cycle, order, level):
                return False
            apart = abs(target.qty - leaves)
            if apart and apart > facts.rules.size_latch * leaves:
                return False
    return _apart(facts)


def _outwards(order: OrderFacts) -> Price:
    return -order.leg.price * order.side


def _is_inside(facts: Witness, cycle: Cycled, order: OrderFacts, level: int) -> bool:
    """Say whether an order is inside the band of a target of its side."""
    target = wanted(cycle.wanted, order.side)[level]
    band = facts.rules.latch(cycle.wanted, level, cycle.market.volatility)
    if (order.leg.price - target.price) * order.side > 0:
        band *= facts.rules.adverse_factor
    # What is computed in millionths may be a few of them short of the exact band.
    return drift_bps(order.leg.price, target.price) <= max(Fraction(0), band - ROUNDING)


def _apart(facts: Witness) -> bool:
    """Say whether the exposure cap leaves what rests alone."""
    cap = facts.rules.exposure_cap
    return cap is None or all(facts.exposure(side) <= cap for side in SIDES)


def _s13(facts: Witness, cycle: Cycled) -> str | None:
    if sent(cycle.plan) and _rests(facts, cycle, exactly=True):
        return f"{len(sent(cycle.plan))} sent although what rests is what is wanted"
    return None


def _s14(facts: Witness, cycle: Cycled) -> str | None:
    if sent(cycle.plan) and _rests(facts, cycle, exactly=False):
        return f"{len(sent(cycle.plan))} sent although all that rests is inside its band"
    return None


def _s21(facts: Witness, cycle: Cycled) -> str | None:
    if facts.blind:
        # The kill switch withdraws also what it cannot see.
        loose = [c for c in sent(cycle.plan) if not (facts.halted and type(c) is Cancel)]
        if loose:
            return f"{len(loose)} sent while blind"
    return None


def _s22(facts: Witness, cycle: Cycled) -> str | None:
    snapped, step = cycle.plan.targets, cycle.plan.step
    if snapped is None or snapped == cycle.targets:
        return None
    margin = step * facts.rules.grid_margin
    for side in SIDES:
        raw, points = wanted(cycle.targets, side), wanted(snapped, side)
        if [target.qty for target in raw] != [target.qty for target in points]:
            return f"the grid made {len(points)} targets of {len(raw)}, or other sizes"
        for target, point in zip(raw, points, strict=True):
            outwards = (target.price - point.price) * side
            tick = facts.rules.instrument.tick(point.price)
            if not -margin <= outwards < step + margin + tick and target.price != point.price:
                return f"the grid moved {target.price} to {point.price}, its step is {step}"
    return None


def _s23(facts: Witness, cycle: Cycled) -> str | None:
    wide = facts.rules.widest_factor
    for side in SIDES:
        for level, target in enumerate(wanted(cycle.wanted, side)):
            for command in _sent_for(cycle, side, level):
                if command.price == target.price:
                    continue
                if facts.rules.in_step:
                    band = facts.rules.latch(cycle.wanted, level, cycle.market.volatility) * wide
                else:
                    band = Fraction(0)
                if drift_bps(command.price, target.price) > band:
                    return f"{command.cloid} goes to {command.price}, {target.price} is wanted"
    return None


def _sent_for(cycle: Cycled, side: Side, level: int) -> list[Place | Modify]:
    """Return what a cycle sends for one level."""
    cloids = {
        decision.cloid
        for decision in cycle.plan.decisions
        if decision.side is side and decision.level == level
    }
    return [c for c in growing(cycle.plan) if c.cloid in cloids]


QUOTING = (
    Invariant("S4", "a place only while fewer orders may live than targets", on_send=_s4),
    Invariant("S5", "a debounced modify never becomes cancel and place", on_send=_s5),
    Invariant("S6", "what is sent keeps the worst-case exposure under the cap", on_send=_s6),
    Invariant("S7", "each fill counts once: position is the sum of the fills", on_cycle=_s7),
    Invariant("S9", "our bids stay below our asks", on_send=_s9),
    Invariant("S10", "prices and sizes are valid, post-only does not cross", on_send=_s10),
    Invariant("S11", "requests stay within the ledgers", on_send=_s11),
    Invariant("S13", "what rests as wanted costs nothing", on_send=_s13),
    Invariant("S14", "drift inside the band costs nothing", on_send=_s14),
    Invariant("S21", "blind, nothing is sent", on_send=_s21),
    Invariant("S22", "the grid moves a price by a step and its margin at most", on_cycle=_s22),
    Invariant("S23", "what is sent goes to its target, or inside its band", on_send=_s23),
)
