"""A manager that keeps its trace, and a manager rebuilt from one.

The trace is the journal's content: every input, and what came of it. Because the manager is a
function of its inputs, feeding them to a new one reproduces every decision and the final state.
"""

from collections.abc import Callable, Iterable

from exchange.commands import Cancel, Modify, Place
from exchange.market import Market
from exchange.reports import Report
from exchange.units import Nanos
from exchange.words import Outcome
from lifecycle.core.manager import OrderManager
from spec.trace import (
    Cycled,
    Halted,
    Plan,
    Reaction,
    Record,
    Reported,
    Restarted,
    Targets,
    Ticked,
    Unanswered,
)


class TracedManager:
    """An order manager whose every input and output goes to a sink as one record."""

    def __init__(self, manager: OrderManager, sink: Callable[[Record], None]) -> None:
        self.manager = manager
        self._sink = sink

    def cycle(self, now: Nanos, targets: Targets, market: Market) -> Plan:
        """Run one cycle, as `OrderManager.cycle`."""
        plan = self.manager.cycle(now, targets, market)
        self._sink(Cycled(now, targets, market, plan))
        return plan

    def receive(self, report: Report, now: Nanos) -> Reaction:
        """Receive one report, as `OrderManager.receive`."""
        reaction = self.manager.receive(report, now)
        self._sink(Reported(now, report, reaction))
        return reaction

    def unanswered(
        self, command: Place | Modify | Cancel, outcome: Outcome, now: Nanos
    ) -> Reaction:
        """Give up on an answer, as `OrderManager.unanswered`."""
        reaction = self.manager.unanswered(command, outcome, now)
        self._sink(Unanswered(now, command, outcome, reaction))
        return reaction

    def tick(self, now: Nanos) -> Reaction:
        """Let time pass, as `OrderManager.tick`; a record is made where something came of it."""
        due = now >= self.manager.next_timer
        reaction = self.manager.tick(now)
        if due:
            self._sink(Ticked(now, reaction))
        return reaction

    def restarted(self, now: Nanos, session: str = "") -> Reaction:
        """Start, as `OrderManager.restarted`."""
        reaction = self.manager.restarted(now, session)
        self._sink(Restarted(now, reaction, session))
        return reaction

    def halt(self, now: Nanos, why: str) -> Reaction:
        """Want nothing any more, as `OrderManager.halt`."""
        reaction = self.manager.halt(now)
        self._sink(Halted(now, why, reaction))
        return reaction


def replay(manager: OrderManager, records: Iterable[Record]) -> OrderManager:
    """Feed a new manager the inputs of a trace; returns it in the state of the one that died.

    Raises ValueError where an output differs from the one on record: the trace was made by other
    code or with another configuration, and must not be continued.
    """
    for number, record in enumerate(records):
        reproduce(manager, record, number)
    return manager


def reproduce(manager: OrderManager, record: Record, number: int) -> None:
    """Feed a manager the input of one record; raises ValueError where it decides otherwise."""
    output = step(manager, record)
    expected = record.plan if isinstance(record, Cycled) else record.reaction
    if output != expected:
        raise ValueError(
            f"record {number} must be reproduced by replaying it, was {expected}, is now {output}"
        )


def step(manager: OrderManager, record: Record) -> Plan | Reaction:
    """Feed a manager the input of one record; returns what it makes of it."""
    match record:
        case Cycled():
            return manager.cycle(record.now, record.targets, record.market)
        case Reported():
            return manager.receive(record.report, record.now)
        case Unanswered():
            return manager.unanswered(record.command, record.outcome, record.now)
        case Ticked():
            return manager.tick(record.now)
        case Restarted():
            return manager.restarted(record.now, record.session)
        case Halted():
            return manager.halt(record.now)
