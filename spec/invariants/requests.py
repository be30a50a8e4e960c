"""S1–S3, S8, S12, S15–S20: one request at a time, about orders that are ours, ended by evidence.

Every possibly-live order has a decision in every cycle. One that is missing was believed gone, and
the state that it was in says which promise that breaks.
"""

from typing import Final

from exchange.commands import Cancel, Command, Modify, Place
from exchange.units import SECOND, Nanos
from spec.facts import OrderFacts
from spec.invariants.base import Invariant, commands_of, growing, sent
from spec.trace import Action, Cycled, Decision, Reason, Record
from spec.witness import Witness

_DOUBTED: Final = (Reason.IN_DOUBT, Reason.BLIND)
_ASKED: Final = (Reason.IN_FLIGHT, Reason.BLIND)
_PLACE: Final = Action.PLACE


def _s1(facts: Witness, cycle: Cycled) -> str | None:
    asked = set()
    for command in sent(cycle.plan):
        order = facts.orders.get(command.cloid)
        if command.cloid in asked or (order is not None and order.request is not None):
            return f"{_name(command)} of {command.cloid} while its last request is unanswered"
        asked.add(command.cloid)
    return None


def _s2(facts: Witness, cycle: Cycled) -> str | None:
    for command in sent(cycle.plan):
        order = facts.orders.get(command.cloid)
        if order is not None and order.closed:
            return f"{_name(command)} of {command.cloid}, which is closed"
    for decision in cycle.plan.decisions:
        order = None if decision.cloid is None else facts.orders.get(decision.cloid)
        if order is not None and order.closed:
            return f"{decision.cloid} is closed, and was decided about as if it were live"
    return None


def _missing(facts: Witness, cycle: Cycled) -> list[OrderFacts]:
    """Return the possibly-live orders that a cycle forgot."""
    decided = {decision.cloid for decision in cycle.plan.decisions}
    return [
        order for order in facts.orders.values() if not order.closed and order.cloid not in decided
    ]


def _decision_of(cycle: Cycled, order: OrderFacts) -> Decision | None:
    for decision in cycle.plan.decisions:
        if decision.cloid == order.cloid:
            return decision
    return None


def _s3(facts: Witness, cycle: Cycled) -> str | None:
    for order in facts.orders.values():
        if order.closed or not order.in_doubt:
            continue
        decision = _decision_of(cycle, order)
        if decision is None:
            if type(order.request) is Place:
                continue  # S20 says it.
            return f"{order.cloid} is in doubt, and was believed gone"
        if decision.reason not in _DOUBTED:
            return f"{order.cloid} is in doubt, and was decided as {decision.reason}"
    return None


def _s8(facts: Witness, cycle: Cycled) -> str | None:
    for order in _missing(facts, cycle):
        if order.last_old_leg and not order.in_doubt:
            return f"{order.cloid} was believed gone after a report about an old leg"
    return None


REFUSAL_PAUSE: Nanos = SECOND
REFUSAL_PAUSE_MAX: Nanos = 60 * SECOND


def refusal_pause(count: int) -> Nanos:
    """Return how long what was refused so often in a row must rest."""
    return min(REFUSAL_PAUSE * 2 ** min(count - 1, 16), REFUSAL_PAUSE_MAX) if count else 0


def _s12(facts: Witness, cycle: Cycled) -> str | None:
    if not facts.refused:
        return None
    for command in growing(cycle.plan):
        thing, qty = (command.side if type(command) is Place else command.cloid), command.qty
        if type(command) is Modify and facts.rules.capabilities.qty_is_total:
            order = facts.orders.get(command.cloid)
            qty -= 0 if order is None else order.leg.filled
        count, last = facts.refused.get((thing, command.price, qty), (0, 0))
        if count and cycle.now < last + refusal_pause(count):
            return f"{_name(command)} of {command.cloid} repeats what was refused {count} times"
    return None


def _s15(facts: Witness, cycle: Cycled) -> str | None:
    for command in sent(cycle.plan):
        if type(command) is Modify:
            order = facts.orders.get(command.cloid)
            if order is not None and (command.side, command.reduce_only) != (
                order.side,
                order.reduce_only,
            ):
                return f"the modify of {command.cloid} changes its side or reduce-only"
    return None


def _s16(facts: Witness, cycle: Cycled) -> str | None:
    for order in facts.orders.values():
        if order.closed or order.request is None or order.in_doubt:
            continue
        decision = _decision_of(cycle, order)
        if decision is None:
            return f"{order.cloid} is in flight, and was believed gone"
        if decision.reason not in _ASKED:
            return f"{order.cloid} is in flight, and was decided as {decision.reason}"
    return None


def _number(command: Command) -> int:
    return command.request


def _s17(facts: Witness, record: Record) -> str | None:
    commands = commands_of(record)
    if not commands:
        return None
    last = facts.last_request
    placed = set()
    for command in sorted(commands, key=_number) if len(commands) > 1 else commands:
        if command.request <= last:
            return f"request number {command.request} was used before"
        last = command.request
        if type(command) is Place:
            if command.cloid in facts.orders or command.cloid in placed:
                return f"cloid {command.cloid} was used before"
            placed.add(command.cloid)
    return None


def _s18(facts: Witness, cycle: Cycled) -> str | None:
    for command in sent(cycle.plan):
        if not isinstance(command, (Modify, Cancel)):
            continue
        order = facts.orders.get(command.cloid)
        if order is None:
            return f"{_name(command)} of {command.cloid}, which we never placed"
        if command.oid is not None and order.leg_of(command.oid) is None:
            return f"{_name(command)} of {command.cloid} names oid {command.oid}, never its own"
    return None


def _s19(facts: Witness, cycle: Cycled) -> str | None:
    for decision in cycle.plan.decisions:
        if decision.cloid is None or decision.action is _PLACE:
            continue
        order = facts.orders.get(decision.cloid)
        if order is None or order.closed:
            continue
        if (decision.price, decision.qty) != (order.leg.price, order.leg.leaves):
            return (
                f"{decision.cloid} was taken to rest {decision.qty} at {decision.price}, the "
                f"newest evidence says {order.leg.leaves} at {order.leg.price}"
            )
    return None


def _s20(facts: Witness, cycle: Cycled) -> str | None:
    for order in _missing(facts, cycle):
        if order.in_doubt and type(order.request) is Place:
            return f"{order.cloid}: its place is in doubt and not fenced, and was believed undone"
    return None


def _name(command: Place | Modify | Cancel) -> str:
    return type(command).__name__.lower()


REQUESTS = (
    Invariant("S1", "one unanswered request per order", on_send=_s1),
    Invariant("S2", "no command for an order that is closed", on_cycle=_s2),
    Invariant("S3", "unknown is never failed: a doubt ends by evidence only", on_cycle=_s3),
    Invariant("S8", "evidence about an old leg never ends the order", on_cycle=_s8),
    Invariant("S12", "nothing unanswered or refused is repeated without a pause", on_send=_s12),
    Invariant("S15", "side and reduce-only of an order never change", on_send=_s15),
    Invariant("S16", "an answer belongs to one request; a duplicate answers none", on_cycle=_s16),
    Invariant("S17", "cloids and request numbers are never used twice", on_record=_s17),
    Invariant("S18", "only orders proven ours are modified or cancelled", on_send=_s18),
    Invariant("S19", "older information never overwrites newer", on_cycle=_s19),
    Invariant("S20", "absence proves nothing of a place that is not fenced", on_cycle=_s20),
)
