"""Holds a run to the invariants while it runs.

Every input of the order manager and what came of it goes through one watch; what breaks is counted,
and the first of it kept as text. A run that breaks an invariant goes on: its numbers are shown, and
the verdict beside them.
"""

from collections.abc import Callable, Iterable
from typing import Final

from exchange.units import SECOND, Nanos
from lifecycle.audit.long_watch import LongWatch
from spec.invariants.all import INVARIANTS
from spec.rules import Rules
from spec.trace import Record

BROKEN_SHOWN: Final = 5


class Watched:
    """The invariants of one run, and what has broken them."""

    def __init__(
        self,
        rules: Rules,
        start: Nanos,
        tell: Callable[[Nanos, str, str], None] | None = None,
    ) -> None:
        """Watch a manager that keeps to `rules`; times are told since `start`.

        `tell` is told of each violation: when, which invariant, and what.
        """
        self.violations = 0
        self.broken: list[str] = []
        """The first of them, one line each."""
        self._watch = LongWatch(rules, INVARIANTS)
        self._start = start
        self._tell = tell

    def catch_up(self, records: Iterable[Record]) -> None:
        """Learn of what went before; what broke in it was somebody else's to tell."""
        for record in records:
            self._watch.feed(record)

    def feed(self, record: Record) -> None:
        """Judge a record."""
        for broken in self._watch.feed(record):
            self.violations += 1
            if self._tell is not None:
                self._tell(broken.now, broken.invariant, broken.what)
            if len(self.broken) < BROKEN_SHOWN:
                seconds = (broken.now - self._start) / SECOND
                self.broken.append(
                    f"{seconds:.2f} s: {broken.invariant}, {broken.sentence}: {broken.what}"
                )

    @property
    def orders_in_sight(self) -> int:
        """How many orders each record is judged by."""
        return self._watch.orders_in_sight
