"""V1–V7: coverage, freshness and resolution, bounded so that a trace can break them.

A reason given for not acting is not taken on trust: each hard reason is checked against the facts.
"""

from typing import Final

from exchange.commands import Cancel, QueryOpen
from exchange.words import Side
from spec import guards
from spec.facts import OrderFacts
from spec.invariants.base import SIDES, Invariant, commands_of, growing, sent
from spec.invariants.quoting import wanted
from spec.staleness import is_left_stale
from spec.trace import Action, Cycled, Decision, Reason, Record
from spec.witness import Witness

_OWN_ORDER: Final = Reason.OWN_ORDER
_REASON_DEBOUNCED: Final = Reason.DEBOUNCED
_IN_DOUBT: Final = Reason.IN_DOUBT
STALE_CYCLES_MAX = 2
SNAPSHOTS_MAX = 2
PERIODS_MAX = 2
"""Timers run when they are told the time: a question may be late by one more period."""


def _v1(facts: Witness, cycle: Cycled) -> str | None:
    targets, decisions = cycle.wanted, cycle.plan.decisions
    for side in SIDES:
        for level in range(len(wanted(targets, side))):
            stands = facts.blind
            for decision in decisions:
                if decision.level != level or decision.side is not side:
                    continue
                stands = True
                if decision.cloid is None and not _is_true(facts, cycle, decision):
                    where = _where(side, level)
                    return f"{where} was left empty for {decision.reason}, which is not so"
            if not stands:
                return f"{_where(side, level)} has neither an order nor a reason"
    return None


def _where(side: Side, level: int) -> str:
    return f"{side.name.lower()} level {level}"


def _is_true(facts: Witness, cycle: Cycled, decision: Decision) -> bool:
    """Say whether the reason for leaving a target empty is a hard one, and holds."""
    side, rules = decision.side, facts.rules
    price, qty = decision.target, decision.target_qty
    match decision.reason:
        case Reason.BLIND:
            return facts.blind
        case Reason.LIMITED:
            return facts.limited
        case Reason.QUOTA:
            used, allowed = facts.requests + len(sent(cycle.plan)), facts.requests_allowed
            return allowed is not None and used >= allowed
        case Reason.PREDECESSOR:
            placed = [c for c in growing(cycle.plan) if c.cloid not in facts.orders]
            here = sum(1 for c in placed if c.side is side)
            full = len(facts.live(side)) + here >= len(wanted(cycle.wanted, side))
            return full or _is_replaced(cycle, decision)
        case Reason.EXPOSURE:
            more = sum(c.qty for c in growing(cycle.plan) if c.side is side)
            cap = rules.exposure_cap
            return cap is not None and facts.exposure(side) + more + qty > cap
        case Reason.BACKOFF:
            return (side, price, qty) in facts.refused
        case Reason.WOULD_CROSS:
            touch = cycle.market.ask if side is Side.BUY else cycle.market.bid
            return rules.post_only and touch is not None and (price - touch) * side >= 0
        case Reason.OWN_ORDER:
            return _meets_ours(facts, cycle, decision)
        case Reason.INVALID:
            instrument = rules.instrument
            return not (
                instrument.is_valid_price(price)
                and instrument.is_valid_qty(qty)
                and instrument.is_valid_notional(price, qty)
            )
        case _:
            # A guard's reason; another is none.
            return guards.is_true(facts, cycle, decision.reason, price, qty)


def _is_replaced(cycle: Cycled, decision: Decision) -> bool:
    """Say whether the order that stood for a target is being cancelled in this very cycle."""
    return any(
        other.action is Action.CANCEL
        and (other.side, other.level) == (decision.side, decision.level)
        for other in cycle.plan.decisions
    )


def _meets_ours(facts: Witness, cycle: Cycled, decision: Decision) -> bool:
    side = decision.side
    prices = [price for order in facts.live(side.opposite) for price in order.prices()]
    prices += [command.price for command in growing(cycle.plan) if command.side is side.opposite]
    return any((decision.target - price) * side >= 0 for price in prices)


def _v2(facts: Witness, cycle: Cycled) -> str | None:
    for decision in cycle.plan.decisions:
        if is_left_stale(facts, cycle, decision) and decision.cloid is not None:
            count = facts.orders[decision.cloid].stale_cycles + 1
            if count >= STALE_CYCLES_MAX and not facts.rules.legacy:
                return f"{decision.cloid} was left stale for {count} cycles ({decision.reason})"
    return None


def _v3(facts: Witness, cycle: Cycled) -> str | None:
    for decision in cycle.plan.decisions:
        if decision.reason is not _REASON_DEBOUNCED or decision.cloid is None:
            continue
        order = facts.orders.get(decision.cloid)
        last = None if order is None else order.modified_at
        if last is None or cycle.now >= last + facts.rules.modify_interval:
            return f"{decision.cloid} was debounced although its interval has passed"
    return None


def _resolved(facts: Witness, cycle: Cycled, *, cancels: bool) -> str | None:
    """Say which order was decided as in doubt although the evidence has resolved it."""
    for decision in cycle.plan.decisions:
        if decision.reason is not _IN_DOUBT or decision.cloid is None:
            continue
        order = facts.orders.get(decision.cloid)
        if order is None:
            continue
        if order.cancelling is not cancels:
            continue
        if order.closed:
            return f"{decision.cloid} is kept in doubt, and is proven closed"
        if not order.in_doubt:
            return f"{decision.cloid} is kept in doubt, and the evidence has ended it"
        if order.lacked > SNAPSHOTS_MAX:
            return f"{decision.cloid} is kept in doubt, and {order.lacked} snapshots lack it"
    return None


def _v4(facts: Witness, cycle: Cycled) -> str | None:
    return _resolved(facts, cycle, cancels=False)


def _v5(facts: Witness, cycle: Cycled) -> str | None:
    return _resolved(facts, cycle, cancels=True)


def _v6(facts: Witness, cycle: Cycled) -> str | None:
    if facts.blind or facts.limited:
        return None
    cap, cancel_cap = facts.rules.exposure_cap, facts.cancels_allowed
    if cancel_cap is not None and facts.cancels >= cancel_cap:
        return None
    touched = {command.cloid for command in sent(cycle.plan)}
    for side in SIDES if cap is not None else ():
        idle = [order for order in facts.live(side) if order.idle and order.leg.leaves > 0]
        cancelling = sum(
            order.risk(facts.rules) for order in facts.live(side) if type(order.request) is Cancel
        )
        over = cap is not None and facts.exposure(side) - cancelling > cap
        if over and idle and not any(order.cloid in touched for order in idle):
            return f"the {side.name.lower()} side is over the cap, and nothing is cancelled"
    for decision in cycle.plan.decisions:
        if decision.reason is _OWN_ORDER:
            blocker = _blocker(facts, decision)
            if blocker is not None and blocker.cloid not in touched:
                return f"{blocker.cloid} is in the way of {decision.target}, and is left there"
    return None


def _blocker(facts: Witness, decision: Decision) -> OrderFacts | None:
    """Return an idle order of ours that a target meets."""
    side = decision.side
    for order in facts.live(side.opposite):
        if order.idle and (decision.target - order.leg.price) * side >= 0:
            return order
    return None


def _v7(facts: Witness, record: Record) -> str | None:
    cycled = type(record) is Cycled
    doubted = [one for one in facts.orders.values() if one.in_doubt and not one.closed]
    if not doubted and not cycled:
        return None
    rules, now = facts.rules, record.now
    asked: set[str | None] = set()
    if doubted:
        asked = {getattr(command, "cloid", None) for command in commands_of(record)}
    for order in doubted:
        if order.cloid in asked:
            continue
        since = order.asked_at if order.asked_at is not None else order.doubt_since
        late = now >= since + PERIODS_MAX * rules.timeout
        if order.asked_at is None or (late and cycled):
            return f"{order.cloid} is in doubt and nobody asks about it"
    if not cycled or facts.started_at is None or not facts.connected:
        return None
    compared = facts.asked_open_at
    since = facts.started_at if compared is None else compared
    if now < since + PERIODS_MAX * rules.reconcile:
        return None
    if not any(type(command) is QueryOpen for command in commands_of(record)):
        return "open orders and fills were not compared with the venue for two periods"
    return None


LIVENESS = (
    Invariant("V1", "a wanted level gets its place, or a hard reason that is true", on_cycle=_v1),
    Invariant("V2", "a stale order is acted on within two cycles", on_cycle=_v2),
    Invariant("V3", "a debounced modify is sent when its interval has passed", on_cycle=_v3),
    Invariant("V4", "a doubt ends with its evidence, within two snapshots", on_cycle=_v4),
    Invariant("V5", "so does a cancel's", on_cycle=_v5),
    Invariant("V6", "risk is reduced at once, whatever the patience", on_cycle=_v6),
    Invariant("V7", "every doubt is asked about, and the venue compared", on_record=_v7),
)
