"""How a trace is watched, and what every invariant asks of it."""

from collections.abc import Iterable, Sequence
from typing import Final, Self

from exchange.commands import Cancel, Command, Modify, Place
from exchange.words import Side
from spec.invariants.promise import Broken, Invariant
from spec.rules import Rules
from spec.trace import Cycled, Plan, Record, Reported
from spec.witness import Witness

# Compiled, a name from another module is looked up whenever it is used; a constant is not.
_CANCEL: Final = Cancel
_CYCLED: Final = Cycled
_MODIFY: Final = Modify
_PLACE: Final = Place
_REPORTED: Final = Reported

__all__ = ["SIDES", "Broken", "Invariant", "Watch", "commands_of", "growing", "sent", "watch"]

SIDES: Final = (Side.BUY, Side.SELL)
"""Members looked up once: before Python 3.12 each access costs a function call."""

_last: tuple[Plan, list[Place | Modify | Cancel]] = (Plan((), ()), [])
"""The plan that was asked about last, and the answer: every invariant asks about the same one."""


def sent(plan: Plan) -> list[Place | Modify | Cancel]:
    """Return the requests of a plan, without its queries; not to be changed."""
    global _last  # noqa: PLW0603 - A memory of one, replaced as a whole.
    about, found = _last
    if about is not plan:
        found = [
            c
            for c in plan.commands
            if type(c) is _PLACE or type(c) is _MODIFY or type(c) is _CANCEL
        ]
        _last = (plan, found)
    return found


def growing(plan: Plan) -> list[Place | Modify]:
    """Return the requests of a plan but for its cancels."""
    return [c for c in sent(plan) if type(c) is _PLACE or type(c) is _MODIFY]


def commands_of(record: Record) -> tuple[Command, ...]:
    """Return everything that a record says was sent."""
    if type(record) is _REPORTED:
        return record.reaction.queries
    if isinstance(record, Cycled):
        return record.plan.commands
    return record.reaction.queries


class Watch:
    """Follows one trace, record by record."""

    __slots__ = ("facts", "on_cycle", "on_quiet_cycle", "on_record")

    def __new__(cls, *_: object, **__: object) -> Self:
        """Leave the rest to `__init__`; `following` does without it."""
        return super().__new__(cls)

    def __init__(self, rules: Rules, invariants: Sequence[Invariant]) -> None:
        self.facts = Witness(rules)
        self.on_cycle = tuple(
            (one, judge) for one in invariants if (judge := one.on_cycle or one.on_send)
        )
        self.on_quiet_cycle = tuple(
            (one, one.on_cycle) for one in invariants if one.on_cycle is not None
        )
        """Those that a cycle which sends nothing can break."""
        self.on_record = tuple(
            (one, one.on_record) for one in invariants if one.on_record is not None
        )

    def following(self, facts: Witness) -> "Watch":
        """Return a watch with the same invariants that goes on from other facts."""
        other = Watch.__new__(Watch)
        other.facts = facts
        other.on_cycle = self.on_cycle
        other.on_quiet_cycle = self.on_quiet_cycle
        other.on_record = self.on_record
        return other

    def feed(self, record: Record) -> list[Broken]:
        """Judge one record, and take it in; returns what it broke."""
        facts = self.facts
        facts.hear(record)
        broken = []
        cycle = record if type(record) is _CYCLED else None
        if cycle is not None:
            for invariant, judge in self.on_cycle if sent(cycle.plan) else self.on_quiet_cycle:
                what = judge(facts, cycle)
                if what is not None:
                    broken.append(Broken(invariant.id, invariant.sentence, cycle.now, what))
        for invariant, judge_any in self.on_record:
            what = judge_any(facts, record)
            if what is not None:
                broken.append(Broken(invariant.id, invariant.sentence, record.now, what))
        if cycle is not None:
            facts.decided(cycle)
        facts.note(commands_of(record))
        return broken


def watch(rules: Rules, invariants: Sequence[Invariant], trace: Iterable[Record]) -> list[Broken]:
    """Judge a whole trace; returns everything that broke, in order."""
    follower = Watch(rules, invariants)
    return [broken for record in trace for broken in follower.feed(record)]
