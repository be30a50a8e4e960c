"""A manager that keeps its trace: every input, and what came of it.

The manager is a function of its inputs, so the trace is all that is needed to rebuild it
(`lifecycle.trace.replay`).
"""

from collections.abc import Callable

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
