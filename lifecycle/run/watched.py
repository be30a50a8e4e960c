"""Holds a run to the invariants while it runs.

Every input of the order manager and what came of it goes through one watch; what breaks is counted,
and the first of it kept as text. A run that breaks an invariant goes on: its numbers are shown, and
the verdict beside them.

A watch looks at every order at every record, so in a long run what closed long ago is taken from
its sight, or each hour would cost more than the one before. Nothing more is to be said of such an
order, except that its name comes back; that is looked for here.
"""

from typing import Final

from exchange.commands import Place
from exchange.units import SECOND, Nanos
from exchange.words import Cloid
from spec.invariants.all import INVARIANTS
from spec.invariants.base import Watch
from spec.rules import Rules
from spec.trace import Cycled, Record

BROKEN_SHOWN: Final = 5
FORGET_EVERY: Final = 64
"""Records between two looks for what closed long ago."""


class Watched:
    """The invariants of one run, and what has broken them."""

    def __init__(self, rules: Rules, start: Nanos) -> None:
        """Watch a manager that keeps to `rules`; times are told since `start`."""
        self.violations = 0
        self.broken: list[str] = []
        """The first of them, one line each."""
        self._watch = Watch(rules, INVARIANTS)
        self._start = start
        self._rules = rules
        self._records = 0
        self._forgotten: set[Cloid] = set()

    def feed(self, record: Record) -> None:
        """Judge a record."""
        if isinstance(record, Cycled) and self._forgotten:
            self._look_for_the_forgotten(record)
        for broken in self._watch.feed(record):
            self._note(broken.now, f"{broken.invariant}, {broken.sentence}: {broken.what}")
        self._records += 1
        if self._records % FORGET_EVERY == 0:
            self._forget(record.now)

    @property
    def orders_in_sight(self) -> int:
        """How many orders each record is judged by."""
        return len(self._watch.facts.orders)

    def _look_for_the_forgotten(self, cycle: Cycled) -> None:
        for decision in cycle.plan.decisions:
            if decision.cloid in self._forgotten:
                self._note(cycle.now, f"S2, {decision.cloid} closed long ago, and is decided about")
        for command in cycle.plan.commands:
            if isinstance(command, Place) and command.cloid in self._forgotten:
                self._note(cycle.now, f"S17, cloid {command.cloid} was used before")

    def _forget(self, now: Nanos) -> None:
        """Take from sight what closed longer ago than anything late is to be expected."""
        orders = self._watch.facts.orders
        before = now - 2 * self._rules.retire
        over = [
            cloid
            for cloid, order in orders.items()
            if order.closed and order.closed_at <= before and order.risk(self._rules) == 0
        ]
        for cloid in over:
            del orders[cloid]
        self._forgotten.update(over)

    def _note(self, now: Nanos, what: str) -> None:
        self.violations += 1
        if len(self.broken) < BROKEN_SHOWN:
            self.broken.append(f"{(now - self._start) / SECOND:.2f} s: {what}")
