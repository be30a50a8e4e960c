"""From another bot's log to the records of a trace.

Each line becomes one record: what was sent a cycle without targets and decisions, what the venue
said a report. Answers are matched to requests by their order, as such a bot does: an answer is to
what is unanswered. Nothing is corrected: what makes no sense here is for the promises to judge.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import pairwise
from typing import Final

from exchange.commands import Cancel, Modify, Place, Request
from exchange.instrument import Instrument
from exchange.market import Market
from exchange.reports import (
    Accepted,
    Cancelled,
    CancelRejected,
    Fill,
    Limited,
    Modified,
    ModifyRejected,
    OrderStatus,
    Rejected,
    Report,
)
from exchange.units import Nanos, Price, Qty
from exchange.words import Alive, CancelReason, Cloid, Oid, Outcome, Side, Status
from lifecycle.audit.log_lines import Line, LogFile
from lifecycle.audit.mapping import Kind
from spec.trace import Cycled, Plan, Reaction, Record, Reported, Target, Targets, Unanswered

_NOTHING: Final = Reaction()
_OUTCOMES: Final = {Kind.TIMEOUT: Outcome.TIMEOUT, Kind.ERROR: Outcome.SERVER_ERROR}
_CANCEL_REASONS: Final = {
    Kind.CANCELLED: CancelReason.USER,
    Kind.EXPIRED: CancelReason.EXPIRED,
}


@dataclass(slots=True)
class _Known:
    """One order, as far as the log has told of it."""

    cloid: Cloid
    side: Side | None = None
    price: Price = 0
    qty: Qty = 0
    filled: Qty = 0
    placed: bool = False
    reduce_only: bool = False
    asked: Request | None = None
    """What is unanswered."""
    has_moved: bool = False
    """It was modified, and its oid may have changed without a word."""
    oids: list[Oid] = field(default_factory=list)
    """Those that the venue has said."""


class Importer:
    """Makes records of lines."""

    def __init__(
        self,
        log: LogFile,
        instrument: Instrument,
        *,
        timeout: Nanos,
        levels: int | None = None,
        amends: bool = False,
    ) -> None:
        """Count in the units of `instrument`.

        `timeout` is after how long a request is in doubt, `levels` how many quotes a side are
        wanted; with `amends` a modify changes an order in place, and its size is the total.
        """
        self.strangers = 0
        """Lines that tell of an order that was never placed in the log."""
        self.ignored = 0
        self.out_of_order = 0
        """Lines with a time before that of the line above them."""
        self._log = log
        self._instrument = instrument
        self._timeout = timeout
        self._amends = amends
        wanted = (Target(0, 0),) * (levels or 0)
        self._targets = Targets(wanted, wanted)
        """Nothing but their number is known."""
        self._orders: dict[Cloid, _Known] = {}
        self._by_oid: dict[Oid, _Known] = {}
        self._requests = 0

    def records(self, lines: Iterable[Line]) -> Iterator[tuple[int, Record]]:
        """Make a record of each line that says something; with its number, in order of time.

        Raises LogError where a line lacks what its event needs.
        """
        ordered = list(lines)
        self.out_of_order = sum(later.at < line.at for line, later in pairwise(ordered))
        for line in sorted(ordered, key=lambda line: line.at):
            record = self._record(line)
            if record is None:
                self.ignored += 1
            else:
                yield line.number, record

    def _record(self, line: Line) -> Record | None:
        match line.kind:
            case Kind.IGNORE:
                return None
            case Kind.LIMITED:
                return self._heard(line, Limited(line.at))
            case Kind.PLACE:
                return self._sent(line, self._place(line, self._order(line)))
            case Kind.NEW:
                order = self._order(line)
                if isinstance(order.asked, Place):
                    return self._heard(line, self._accepted(line, order))
                return self._sent(line, self._place(line, order))
            case Kind.MODIFY:
                return self._sent(line, self._modify(line, self._order(line)))
            case Kind.CANCEL:
                return self._sent(line, self._cancel(line, self._order(line)))
            case Kind.TIMEOUT | Kind.ERROR:
                asked = self._order(line).asked
                if asked is None:
                    return None
                return Unanswered(line.at, asked, _OUTCOMES[line.kind], _NOTHING)
            case _:
                order = self._order(line)
                self.strangers += not order.placed
                return self._heard(line, self._report(line, order))

    def _sent(self, line: Line, command: Request) -> Cycled:
        plan = Plan((command,), ())
        return Cycled(line.at, self._targets, Market(line.at, None, None), plan)

    def _heard(self, line: Line, report: Report) -> Reported:
        return Reported(line.at, report, _NOTHING)

    # Orders.

    def _order(self, line: Line) -> _Known:
        """Return the order that a line names, by its cloid first."""
        named = None if line.oid is None else self._by_oid.get(line.oid)
        if line.cloid is None:
            if line.oid is None:
                raise self._log.fault(line.number, f"{line.word!r} must name an order, was nobody")
            order = named or self._orders.setdefault(line.oid, _Known(line.oid))
        else:
            order = self._orders.setdefault(line.cloid, _Known(line.cloid))
        if line.oid is not None and named is None:
            self._by_oid[line.oid] = order
        return order

    def _hear_oid(self, line: Line, order: _Known) -> Oid:
        """Return the oid that a report is about: the one named, the last, or the cloid."""
        if line.oid is not None and line.oid not in order.oids:
            order.oids.append(line.oid)
        if line.oid is None and not order.oids:
            order.oids.append(order.cloid)
        return line.oid or order.oids[-1]

    def _price(self, line: Line, otherwise: Price | None) -> Price:
        if line.price is None:
            if otherwise:
                return otherwise
            raise self._lacks(line, "price")
        try:
            return self._instrument.price(line.price)
        except ValueError as error:
            raise self._bad(line, "price", error) from None

    def _qty(self, line: Line, otherwise: Qty | None) -> Qty:
        if line.qty is None:
            if otherwise:
                return otherwise
            raise self._lacks(line, "qty")
        try:
            return self._instrument.qty(line.qty)
        except ValueError as error:
            raise self._bad(line, "qty", error) from None

    def _side(self, line: Line, order: _Known) -> Side:
        side = line.side or order.side
        if side is None:
            raise self._lacks(line, "side")
        return side

    def _lacks(self, line: Line, name: str) -> ValueError:
        column = self._log.columns.get(name, name)
        return self._log.fault(
            line.number, f"column {column!r} ({name}) must be given for {line.word!r}, was empty"
        )

    def _bad(self, line: Line, name: str, error: ValueError) -> ValueError:
        return self._log.fault(
            line.number, f"column {self._log.columns.get(name, name)!r} ({name}): {error}"
        )

    # Commands.

    def _number(self, line: Line) -> int:
        self._requests = self._requests + 1 if line.request is None else line.request
        return self._requests

    def _place(self, line: Line, order: _Known) -> Place:
        place = Place(
            self._number(line),
            order.cloid,
            self._side(line, order),
            self._price(line, None),
            self._qty(line, None),
            post_only=False,
            reduce_only=bool(line.reduce_only),
            expires_at=line.at + self._timeout,
        )
        self._orders[order.cloid] = known = _Known(
            order.cloid, place.side, place.price, place.qty, placed=True, asked=place
        )
        known.reduce_only = place.reduce_only
        if line.oid is not None:
            self._by_oid[line.oid] = known
        return place

    def _modify(self, line: Line, order: _Known) -> Modify:
        left = order.qty if self._amends else order.qty - order.filled
        reduce_only = order.reduce_only if line.reduce_only is None else line.reduce_only
        modify = Modify(
            self._number(line),
            order.cloid,
            self._leg(line, order),
            self._side(line, order),
            self._price(line, order.price),
            self._qty(line, left),
            post_only=False,
            reduce_only=reduce_only,
            expires_at=line.at + self._timeout,
        )
        order.asked = modify
        order.has_moved = True
        return modify

    def _cancel(self, line: Line, order: _Known) -> Cancel:
        expires_at = line.at + self._timeout
        order.asked = Cancel(self._number(line), order.cloid, self._leg(line, order), expires_at)
        return order.asked

    def _leg(self, line: Line, order: _Known) -> Oid | None:
        """Return the oid that a command names, None where the venue may not have said it yet."""
        if line.oid in order.oids or (order.oids and not order.has_moved):
            return line.oid
        return None

    # Reports.

    def _report(self, line: Line, order: _Known) -> Report:
        at, cloid, kind = line.at, order.cloid, line.kind
        if kind is Kind.ACK:
            kind = _done(order.asked)
        elif kind is Kind.REJECTED:
            kind = _refused(order.asked)
        match kind:
            case Kind.MODIFIED:
                return self._modified(line, order)
            case Kind.CANCELLED | Kind.EXPIRED:
                number = order.asked.request if isinstance(order.asked, Cancel) else 0
                if not isinstance(order.asked, Modify):
                    order.asked = None
                return Cancelled(at, cloid, line.oid, _CANCEL_REASONS[kind], number)
            case Kind.FILL:
                return self._fill(line, order)
            case Kind.REJECTED:
                return Rejected(at, cloid, line.word, self._answers(order))
            case Kind.MODIFY_REJECTED:
                # Most venues leave the order as it was; where one does not, its end is told apart.
                return ModifyRejected(at, cloid, line.word, Alive.YES, self._answers(order))
            case Kind.CANCEL_REJECTED:
                return CancelRejected(at, cloid, line.word, self._answers(order))
            case Kind.ABSENT:
                return OrderStatus(at, cloid, Status.UNKNOWN_ORDER)
            case _:
                return self._accepted(line, order)

    def _accepted(self, line: Line, order: _Known) -> Report:
        """Return that it rests: the answer to its place, or a look at it later."""
        oid = self._hear_oid(line, order)
        if isinstance(order.asked, Place):
            return Accepted(line.at, order.cloid, oid, self._answers(order))
        return OrderStatus(line.at, order.cloid, Status.OPEN, oid=oid)

    def _modified(self, line: Line, order: _Known) -> Modified:
        asked = order.asked if isinstance(order.asked, Modify) else None
        order.price = self._price(line, order.price if asked is None else asked.price)
        order.qty = self._qty(line, order.qty if asked is None else asked.qty)
        if not self._amends:
            order.filled = 0
        oid = self._hear_oid(line, order)
        return Modified(
            line.at, order.cloid, oid, order.qty, order.price, self._answers(order) if asked else 0
        )

    def _fill(self, line: Line, order: _Known) -> Fill:
        price = order.price
        if line.price is not None:
            # An average need not be a whole number of units.
            price = round(line.price / self._instrument.price_unit)
        qty = self._qty(line, order.qty - order.filled)
        order.filled += qty
        if isinstance(order.asked, Place):
            order.asked = None
        trade = line.trade_id or f"line {line.number}"
        oid = self._hear_oid(line, order)
        return Fill(line.at, order.cloid, oid, qty, price, trade, line.side or order.side)

    @staticmethod
    def _answers(order: _Known) -> int:
        """Take what is unanswered as answered; returns its number, 0 where nothing is."""
        number = 0 if order.asked is None else order.asked.request
        order.asked = None
        return number


def _done(asked: Request | None) -> Kind:
    match asked:
        case Modify():
            return Kind.MODIFIED
        case Cancel():
            return Kind.CANCELLED
        case _:
            return Kind.ACCEPTED


def _refused(asked: Request | None) -> Kind:
    match asked:
        case Modify():
            return Kind.MODIFY_REJECTED
        case Cancel():
            return Kind.CANCEL_REJECTED
        case _:
            return Kind.REJECTED


def finest(lines: Iterable[Line], symbol: str) -> Instrument:
    """Return an instrument whose units are the finest decimal steps that a log's orders have."""
    price = qty = 0
    for line in lines:
        if line.kind is not Kind.FILL:
            price = min(price, _exponent(line.price))
        qty = min(qty, _exponent(line.qty))
    return Instrument(symbol, Decimal(1).scaleb(price), Decimal(1).scaleb(qty), Decimal(0))


def _exponent(value: Decimal | None) -> int:
    exponent = 0 if value is None else value.normalize().as_tuple().exponent
    return exponent if isinstance(exponent, int) else 0
