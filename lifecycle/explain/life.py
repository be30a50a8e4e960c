"""The life of one order, step by step: what happened, its state before and after, and why.

Each record that concerns the order becomes a row; cycles that left it alone for the same reason
become one, with their count. A look that shows what was believed is not worth a row of its own.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from msgspec import Struct, structs

from exchange.commands import Query, QueryOpen
from exchange.reports import Disconnected, Fill, Limited, Reconnected, Report, Snapshot
from exchange.units import Nanos
from exchange.words import Cloid, Side
from lifecycle.core.manager import OrderManager
from lifecycle.core.order import Order
from lifecycle.explain.numbers import Circumstances, Numbers, numbers
from lifecycle.explain.story import TELL_EVERY, Replay, Tell, oids_of
from lifecycle.explain.words import Words
from lifecycle.journal.base import Header
from spec.states import State
from spec.trace import (
    Action,
    Cycled,
    Decision,
    Halted,
    Plan,
    Reaction,
    Record,
    Reported,
    Restarted,
    Ticked,
    Unanswered,
)

_LEFT: Final = (Action.KEEP, Action.WAIT)


class Row(Struct, frozen=True, kw_only=True):
    """One thing that happened, or several cycles alike."""

    record: int
    """The index of the first in the journal."""
    at: Nanos
    until: Nanos
    """The time of the last of them."""
    count: int = 1
    words: tuple[str, ...]
    before: State | None
    """None: it did not exist yet."""
    after: State | None
    decision: Decision | None = None
    """Of the last of them, if it was a cycle."""
    numbers: Numbers | None = None
    """Of the last of them."""
    drift_bps_min: float | None = None
    """Over all of them."""
    drift_bps_max: float | None = None


class Life(Struct, frozen=True, kw_only=True):
    """All that happened to one order."""

    source: str
    cloid: Cloid
    side: Side | None
    """None: it was named, and never lived."""
    first_at: Nanos
    """When the journal begins."""
    rows: tuple[Row, ...]
    price_unit: str
    """In quote currency, as `lot` in base: for those who write the numbers."""
    lot: str


def tell_life(
    source: str,
    header: Header,
    records: Iterable[Record],
    cloid: Cloid,
    *,
    fold: bool = True,
    tell: Tell | None = None,
    manager: OrderManager | None = None,
) -> Life:
    """Tell the life of an order; raises JournalError as `Replay.step`."""
    teller = _Teller(header, cloid, manager)
    rows: list[Row] = []
    first = 0
    for number, record in enumerate(records):
        first = first if number else record.now
        for row in teller.feed(number, record, fold=fold):
            if fold and rows and _are_alike(rows[-1], row):
                rows[-1] = _folded(rows[-1], row)
            else:
                rows.append(row)
        if tell is not None and number % TELL_EVERY == 0:
            tell(number, record.now - first)
    order = teller.order
    return Life(
        source=source,
        cloid=cloid,
        side=None if order is None else order.side,
        first_at=first,
        rows=tuple(rows),
        price_unit=str(header.instrument.price_unit),
        lot=str(header.instrument.lot),
    )


def _are_alike(one: Row, other: Row) -> bool:
    """Say whether two rows are cycles that left the order alone for the same reason."""
    was, now = one.decision, other.decision
    if was is None or now is None or was.action not in _LEFT:
        return False
    same = (was.action, was.reason, was.level, was.price, was.qty)
    return (
        same == (now.action, now.reason, now.level, now.price, now.qty)
        and one.words == other.words
        and one.after == other.before == other.after
    )


def _folded(one: Row, other: Row) -> Row:
    lows = [row.drift_bps_min for row in (one, other) if row.drift_bps_min is not None]
    highs = [row.drift_bps_max for row in (one, other) if row.drift_bps_max is not None]
    return structs.replace(
        one,
        until=other.until,
        count=one.count + other.count,
        decision=other.decision,
        numbers=other.numbers,
        drift_bps_min=min(lows, default=None),
        drift_bps_max=max(highs, default=None),
    )


class _Teller:
    """Lives a journal again, and says what happened to one order."""

    def __init__(self, header: Header, cloid: Cloid, manager: OrderManager | None) -> None:
        self._replay = Replay(header, manager)
        self._cloid = cloid
        self._words = Words(header.instrument)
        self._instrument = header.instrument
        self._desk = self._replay.manager._desk  # noqa: SLF001 - The numbers are inside.

    @property
    def order(self) -> Order | None:
        """The order as it stands, None before it exists."""
        return self._replay.manager.orders.get(self._cloid)

    def feed(self, number: int, record: Record, *, fold: bool) -> Iterator[Row]:
        """Live a record; yields a row if it concerns the order."""
        before = None if self.order is None else self.order.state
        found, interval_left = self._circumstances(), self._interval_left(record.now)
        output = self._replay.step(number, record)
        after = None if self.order is None else self.order.state
        decision = None
        figures = None
        if isinstance(output, Plan):
            assert isinstance(record, Cycled), "only a cycle makes a plan"
            words, decision = self._cycle(output)
            figures = self._numbers(record, decision, found, interval_left)
        else:
            words = self._event(record, output, is_dull=fold and before is after)
        if before is not after and not words:
            words = ["retired"] if after is State.RETIRED else ["time passed without an answer"]
        if words:
            drift = None if figures is None else figures.drift_bps
            yield Row(
                record=number,
                at=record.now,
                until=record.now,
                words=tuple(words),
                before=before,
                after=after,
                decision=decision,
                numbers=figures,
                drift_bps_min=drift,
                drift_bps_max=drift,
            )

    # Cycles.

    def _circumstances(self) -> Circumstances:
        ledger = self._desk.ledger
        return Circumstances(0, ledger.latch_factor(self._desk.settings), ledger.headroom)

    def _interval_left(self, now: Nanos) -> Nanos:
        settings, order = self._desk.settings, self.order
        last = None if order is None else order.modified_at
        if settings.modify_global:
            last = self._desk.modified_at
        return 0 if last is None else max(0, last + settings.modify_interval - now)

    def _cycle(self, plan: Plan) -> tuple[list[str], Decision | None]:
        """Return what a cycle did with the order, and its decision about it."""
        decision = next((one for one in plan.decisions if one.cloid == self._cloid), None)
        words = []
        if decision is not None:
            words.append(self._words.decided(decision.action, decision.reason))
        words += [
            self._words.sent(command)
            for command in plan.commands
            if getattr(command, "cloid", None) == self._cloid
        ]
        return words, decision

    def _numbers(
        self,
        record: Cycled,
        decision: Decision | None,
        found: Circumstances,
        interval_left: Nanos,
    ) -> Numbers | None:
        if decision is None:
            return None
        market = record.market
        found = structs.replace(found, volatility=market.volatility)
        return numbers(
            decision,
            record.wanted,
            found,
            market.queues.get(self._cloid),
            interval_left,
            self._desk.settings,
            self._instrument,
        )

    # Everything else.

    def _event(self, record: Record, reaction: Reaction, *, is_dull: bool) -> list[str]:
        words: list[str] = []
        match record:
            case Reported():
                words += self._report(record.report, is_dull=is_dull)
            case Unanswered() if record.command.cloid == self._cloid:
                command = type(record.command).__name__.lower()
                words.append(f"no answer to its {command}: {record.outcome.replace('_', ' ')}")
            case Restarted() if self._is_open:
                words.append("restarted: what was in flight is in doubt")
            case Halted() if self._is_open:
                words.append(f"halted, everything is to go: {record.why}")
            case Cycled() | Ticked() | Unanswered() | Restarted() | Halted():
                pass
        words += [
            f"this cannot be true with the record ({divergence.label}): nothing changed"
            for divergence in reaction.divergences
            if divergence.cloid == self._cloid
        ]
        words += [self._words.sent(query) for query in reaction.queries if self._is_about(query)]
        return words

    @property
    def _is_open(self) -> bool:
        return self._cloid in self._replay.manager.open_orders

    def _is_about(self, query: Query) -> bool:
        return not isinstance(query, QueryOpen) and query.cloid == self._cloid

    def _report(self, report: Report, *, is_dull: bool) -> list[str]:
        match report:
            case Snapshot():
                return self._snapshot(report, is_dull=is_dull)
            case Disconnected() | Reconnected() | Limited():
                return [self._words.reported(report)] if self._is_open else []
            case _:
                # The record is lived already: a new oid is the order's by now.
                oid = getattr(report, "oid", None)
                named = report.cloid == self._cloid
                ours = named or (oid is not None and oid in oids_of(self.order))
                return [self._words.reported(report)] if ours else []

    def _snapshot(self, snapshot: Snapshot, *, is_dull: bool) -> list[str]:
        """Return what a snapshot says of the order; a dull one nothing that was not known."""
        order = self.order
        if order is None:
            return []
        oids = oids_of(order)
        words = [
            f"a snapshot brings: {self._words.reported(fill)}"
            for fill in snapshot.fills
            if self._is_of(fill, order) and not is_dull
        ]
        rows = [row for row in snapshot.open if row.cloid == self._cloid or row.oid in oids]
        words += [
            f"a snapshot lists it: {self._words.at(row.qty, row.price)}, oid {row.oid}"
            for row in rows
            if not is_dull or row.price != order.price or row.qty != order.leaves
        ]
        if not rows and (self._is_open or not is_dull):
            words.append("a snapshot lacks it")
        return words if self._is_open or not is_dull else []

    def _is_of(self, fill: Fill, order: Order) -> bool:
        return fill.cloid == self._cloid or fill.oid in oids_of(order)
