"""A journal, told: its records are fed to a real manager again, and what changes is written down.

The manager must decide as the one that wrote the journal did, or its numbers would be others.
Orders are told all at once in a few figures (`Orders`), or one at a time, step by step (`Life`).
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

from msgspec import Struct

from exchange.commands import Place
from exchange.units import Nanos, Qty
from exchange.words import Cloid, Side
from lifecycle.core.manager import OrderManager
from lifecycle.core.order import Order
from lifecycle.drive.recovery import begin
from lifecycle.journal.base import Header, JournalError
from lifecycle.trace import outcome, step
from spec.states import State
from spec.trace import Action, Cycled, Decision, Plan, Reaction, Reason, Record

TELL_EVERY: Final = 1000
"""Records between two words about how far it is."""
_LEFT: Final = (Action.KEEP, Action.WAIT)

Tell = Callable[[int, Nanos], None]


class OrderLine(Struct, frozen=True, kw_only=True):
    """One order in a few figures."""

    cloid: Cloid
    side: Side
    placed_at: Nanos
    """When it was sent, or first seen."""
    ended_at: Nanos | None
    """None: it is open at the end of the journal."""
    state: State
    """How it ended, or how it stands; never retired."""
    legs: int
    fills: int
    filled: Qty
    cycles: int
    """That decided about it."""
    kept: int
    """Cycles that kept it, or left it alone."""
    modified: int
    why: tuple[tuple[Reason, int], ...]
    """Why it was kept or left alone, most frequent first."""


class Orders(Struct, frozen=True, kw_only=True):
    """All orders of a journal, in the order of their placing."""

    source: str
    first_at: Nanos
    last_at: Nanos
    records: int
    orders: tuple[OrderLine, ...]


class Replay:
    """A manager that lives a journal again."""

    def __init__(self, header: Header, manager: OrderManager | None = None) -> None:
        """Live with a new manager, or one that others share a quota with (`Part.manager`)."""
        self.header = header
        self.manager = begin(header) if manager is None else manager

    def step(self, number: int, record: Record) -> Plan | Reaction:
        """Live one record; returns its output as this manager made it.

        Raises JournalError where that is not what is on record.
        """
        expected = outcome(record)
        try:
            output = step(self.manager, record)
        except ValueError as error:
            raise self._differs(number) from error
        if output != expected:
            raise self._differs(number)
        return output

    def _differs(self, number: int) -> JournalError:
        return JournalError(
            f"record {number} must be decided as it was by version {self.header.version}, is not: "
            "explain it with that version; `lifecycle audit --replay` shows the difference"
        )


def find(records: Iterable[Record], text: str) -> Cloid:
    """Return the one cloid that is `text`, or else begins or ends with it.

    Raises ValueError where there is none, or several.
    """
    cloids: dict[Cloid, None] = {}
    for record in records:
        if isinstance(record, Cycled):
            cloids.update(dict.fromkeys(_named(record.plan)))
    if text in cloids:
        return text
    found = [one for one in cloids if one.startswith(text) or one.endswith(text)]
    if len(found) == 1:
        return found[0]
    if not found:
        raise ValueError(f"CLOID must name one of {len(cloids)} orders, was {text!r}")
    shown = ", ".join(found[:5]) + (", …" if len(found) > 5 else "")
    raise ValueError(f"CLOID must name one order, {text!r} fits {len(found)}: {shown}")


def tell_orders(
    source: str,
    header: Header,
    records: Iterable[Record],
    tell: Tell | None = None,
    *,
    manager: OrderManager | None = None,
) -> Orders:
    """Tell all orders of a journal; raises JournalError as `Replay.step`."""
    replay = Replay(header, manager)
    manager = replay.manager
    tallies: dict[Cloid, _Tally] = {}
    live: set[Cloid] = set()
    first = last = 0
    number = -1
    for number, record in enumerate(records):
        first, last = (first, record.now) if number else (record.now, record.now)
        replay.step(number, record)
        now_live = manager.open_orders.keys()
        if now_live != live:
            for cloid in now_live:
                if cloid not in tallies:
                    tallies[cloid] = _Tally(record.now)
            for cloid in live - now_live:
                tallies[cloid].end(record.now, manager.orders[cloid])
            live = set(now_live)
        if isinstance(record, Cycled):
            for decision in record.plan.decisions:
                if decision.cloid is not None and decision.cloid in tallies:
                    tallies[decision.cloid].count(decision)
        if tell is not None and number % TELL_EVERY == 0:
            tell(number, record.now - first)
    return Orders(
        source=source,
        first_at=first,
        last_at=last,
        records=number + 1,
        orders=tuple(tally.line(manager.orders[cloid]) for cloid, tally in tallies.items()),
    )


class _Tally:
    """What is counted of one order while its journal goes by."""

    def __init__(self, now: Nanos) -> None:
        self.placed_at = now
        self.ended_at: Nanos | None = None
        self.state: State | None = None
        self.cycles = 0
        self.modified = 0
        self.left: Counter[Reason] = Counter()

    def end(self, now: Nanos, order: Order) -> None:
        """Note how it ended, before it retires."""
        self.ended_at = now
        self.state = order.state

    def count(self, decision: Decision) -> None:
        """Count a cycle."""
        if decision.action is Action.PLACE:
            return
        self.cycles += 1
        self.modified += decision.action is Action.MODIFY
        if decision.action in _LEFT:
            self.left[decision.reason] += 1

    def line(self, order: Order) -> OrderLine:
        """Return its figures."""
        return OrderLine(
            cloid=order.cloid,
            side=order.side,
            placed_at=self.placed_at,
            ended_at=self.ended_at,
            state=self.state or order.state,
            legs=1 + len(order.old_legs),
            fills=sum(len(leg.trades) for leg in order.legs),
            filled=order.filled,
            cycles=self.cycles,
            kept=self.left.total(),
            modified=self.modified,
            why=tuple(self.left.most_common()),
        )


def _named(plan: Plan) -> Iterator[Cloid]:
    """Yield the orders of ours that a cycle names."""
    for command in plan.commands:
        if isinstance(command, Place):
            yield command.cloid
    for decision in plan.decisions:
        if decision.cloid is not None:
            yield decision.cloid


def oids_of(order: Order | None) -> Sequence[str | None]:
    """Return the oids of an order's legs, oldest first."""
    if order is None:
        return ()
    return [leg.oid for leg in order.legs]
