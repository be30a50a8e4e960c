"""What an invariant is, and how a trace is watched."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from msgspec import Struct

from exchange.commands import Cancel, Command, Modify, Place
from exchange.units import Nanos
from exchange.words import Cloid
from spec.rules import Rules
from spec.trace import Cycled, Plan, Record
from spec.witness import Witness


class Broken(Struct, frozen=True):
    """An invariant that a record broke."""

    invariant: str
    sentence: str
    now: Nanos
    what: str
    cloid: Cloid | None = None


@dataclass(frozen=True, slots=True)
class Invariant:
    """One promise."""

    id: str
    sentence: str
    on_cycle: Callable[[Witness, Cycled], str | None] | None = None
    """Judges a cycle's plan by the facts, its commands not yet noted."""
    on_send: Callable[[Witness, Cycled], str | None] | None = None
    """The same, for a promise that only a plan with requests can break."""
    on_record: Callable[[Witness, Record], str | None] | None = None
    """Judges any record, likewise."""


_last: tuple[Plan, list[Place | Modify | Cancel]] = (Plan((), ()), [])
"""The plan that was asked about last, and the answer: every invariant asks about the same one."""


def sent(plan: Plan) -> list[Place | Modify | Cancel]:
    """Return the requests of a plan, without its queries; not to be changed."""
    global _last  # noqa: PLW0603 - A memory of one, replaced as a whole.
    about, found = _last
    if about is not plan:
        found = [c for c in plan.commands if isinstance(c, (Place, Modify, Cancel))]
        _last = (plan, found)
    return found


def commands_of(record: Record) -> tuple[Command, ...]:
    """Return everything that a record says was sent."""
    return record.plan.commands if isinstance(record, Cycled) else record.reaction.queries


class Watch:
    """Follows one trace, record by record."""

    __slots__ = ("facts", "on_cycle", "on_quiet_cycle", "on_record")

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
        if isinstance(record, Cycled):
            for invariant, judge in self.on_cycle if sent(record.plan) else self.on_quiet_cycle:
                what = judge(facts, record)
                if what is not None:
                    broken.append(Broken(invariant.id, invariant.sentence, record.now, what))
        for invariant, judge_any in self.on_record:
            what = judge_any(facts, record)
            if what is not None:
                broken.append(Broken(invariant.id, invariant.sentence, record.now, what))
        if isinstance(record, Cycled):
            facts.decided(record)
        facts.note(commands_of(record))
        return broken


def watch(rules: Rules, invariants: Sequence[Invariant], trace: Iterable[Record]) -> list[Broken]:
    """Judge a whole trace; returns everything that broke, in order."""
    follower = Watch(rules, invariants)
    return [broken for record in trace for broken in follower.feed(record)]
