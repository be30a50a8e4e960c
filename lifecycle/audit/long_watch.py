"""A watch over a long trace, which costs the same at its end as at its beginning.

A watch looks at every order at every record, so in a long run what closed long ago is taken from
its sight, or each hour would cost more than the one before. Nothing more is to be said of such an
order, except that its name comes back; that is looked for here.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from msgspec import structs

from exchange.commands import Cancel, Modify, Place
from exchange.units import Nanos
from exchange.words import Cloid
from spec.invariants.base import Broken, Invariant, Watch
from spec.rules import Rules
from spec.trace import Cycled, Record

FORGET_EVERY: Final = 64
"""Records between two looks for what closed long ago."""
_WORD: Final = re.compile(r"[^\s,]+")


class LongWatch:
    """Follows one trace, however long; says of what it finds broken which order it concerns."""

    def __init__(self, rules: Rules, invariants: Sequence[Invariant]) -> None:
        """Hold a trace to these invariants."""
        self.watch = Watch(rules, invariants)
        self._sentences = {one.id: one.sentence for one in invariants}
        self._rules = rules
        self._records = 0
        self._forgotten: set[Cloid] = set()

    def feed(self, record: Record) -> list[Broken]:
        """Judge one record, and take it in; returns what it broke."""
        returned: list[Broken] = []
        if isinstance(record, Cycled) and self._forgotten:
            returned += self._returned(record)
        broken = list(returned)
        for one in self.watch.feed(record):
            cloid = self._named_in(one.what)
            if one.invariant == "S18" and returned:
                # It was ours, and is said above to be closed.
                continue
            broken.append(one if cloid is None else structs.replace(one, cloid=cloid))
        self._records += 1
        if self._records % FORGET_EVERY == 0:
            self._forget(record.now)
        return broken

    @property
    def orders_in_sight(self) -> int:
        """How many orders each record is judged by."""
        return len(self.watch.facts.orders)

    def _returned(self, cycle: Cycled) -> Iterator[Broken]:
        """Say which orders that were lost from sight a cycle concerns."""
        for decision in cycle.plan.decisions:
            if decision.cloid in self._forgotten:
                what = f"{decision.cloid} closed long ago, and is decided about"
                yield from self._broken("S2", cycle.now, what, decision.cloid)
        for command in cycle.plan.commands:
            if not isinstance(command, Place | Modify | Cancel):
                continue
            cloid = command.cloid
            if cloid not in self._forgotten:
                continue
            if isinstance(command, Place):
                yield from self._broken("S17", cycle.now, f"cloid {cloid} was used before", cloid)
                self._forgotten.discard(cloid)
            else:
                word = type(command).__name__.lower()
                what = f"{word} of {cloid}, which closed long ago"
                yield from self._broken("S2", cycle.now, what, cloid)

    def _broken(self, name: str, now: Nanos, what: str, cloid: Cloid) -> Iterator[Broken]:
        sentence = self._sentences.get(name)
        if sentence is not None:
            yield Broken(name, sentence, now, what, cloid)

    def _forget(self, now: Nanos) -> None:
        """Take from sight what closed longer ago than anything late is to be expected."""
        orders = self.watch.facts.orders
        before = now - 2 * self._rules.retire
        over = [
            cloid
            for cloid, order in orders.items()
            if order.closed and order.closed_at <= before and order.risk(self._rules) == 0
        ]
        for cloid in over:
            del orders[cloid]
        self._forgotten.update(over)

    def _named_in(self, what: str) -> Cloid | None:
        """Return the first order that a sentence names."""
        orders = self.watch.facts.orders
        for word in _WORD.findall(what):
            cloid = word.removesuffix(":")
            if cloid in orders:
                return str(cloid)
        return None
