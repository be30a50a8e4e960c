"""A journal read once: the run as it was, in numbers, and the script of what it was made from.

The records are fed to a new manager, which must decide as the one that wrote them did; what is
counted, is counted of that as in any other run. Which cycles came before their time no record
says: those are, that follow the loss of an order and are less than a period after the last one
that did not.

Of a portfolio one instrument is read. What the others spent of their quota its manager knows, so it
decides as it did; its promises cannot be judged by its own records alone (`lifecycle audit` does).
"""

from collections.abc import Callable
from typing import Final

from exchange.market import Market
from exchange.reports import Cancelled, Fill, Modified, Report, Snapshot
from exchange.units import MILLISECOND, Nanos, Price, Qty, seconds
from exchange.words import CancelReason, Cloid, Side
from lifecycle.core.manager import OrderManager
from lifecycle.core.resting import resting_of
from lifecycle.drive.recovery import begin
from lifecycle.journal.base import Header, JournalError
from lifecycle.rules import rules_of
from lifecycle.run.frame import Summary
from lifecycle.run.metrics import MARKOUT, Metrics
from lifecycle.run.summary import summary_of
from lifecycle.run.watched import Watched
from lifecycle.trace import replay
from lifecycle.whatif.script import Halt, Proof, Quote, Script, Stand, Start
from lifecycle.whatif.trips import Stopwatch
from spec.states import Request
from spec.trace import Cycled, Halted, Record, Reported, Restarted, Ticked, Unanswered

JITTER: Final = MILLISECOND
"""A cycle that is early by no more is in time."""


class Recorded:
    """Reads a journal's records."""

    def __init__(
        self, header: Header, name: str, manager: OrderManager | None = None,
        *, is_shared: bool = False,
    ) -> None:  # fmt: skip
        """Read the records of a run that `header` stands for.

        `manager` decides again, None: a new one. `is_shared` where others spend of its quota.
        """
        self.header = header
        self.is_shared = is_shared
        self.name = name
        """Of the journal, for people."""
        self.records = 0
        self.manager: OrderManager = begin(header) if manager is None else manager
        config = header.config
        refill = config.orders.refill_s
        self._has_refill = refill is not None
        self._cycle_ns = seconds(config.timing.cycle_s)
        self._start: Nanos | None = None
        self._at: Nanos = 0
        self._metrics: Metrics | None = None
        self._watched: Watched | None = None
        self._mid_at: Callable[[Nanos], Price | None] | None = None
        self._events: list[Quote | Start | Halt] = []
        self._on_time_at: Nanos | None = None
        """When the last cycle was that did not come before its time."""
        self._cycled_at: Nanos = 0
        self._has_lost = False
        self._proofs: list[Proof] = []
        self._trades: set[str] = set()
        self._ahead: dict[Cloid, Qty] = {}
        """What stood ahead of each order when it was last seen."""
        self._stood: dict[Cloid, tuple[Price, Nanos]] = {}
        """The price of each order, and the first cycle that found it there."""
        self._market: Market | None = None
        self._watch = Stopwatch()

    def feed(self, record: Record) -> None:
        """Take the next record.

        Raises JournalError where this version of the manager decides otherwise than the one on
        record.
        """
        metrics = self._begun(record)
        now, manager = record.now, self.manager
        is_early = isinstance(record, Cycled) and self._is_early(now)
        if isinstance(record, Cycled) and not is_early:
            self._on_time_at = now
            self._settle(metrics, now)
        elif isinstance(record, Restarted | Halted):
            self._settle(metrics, now)
        live = len(manager.open_orders)
        stands = self._stands(record.market, now) if isinstance(record, Cycled) else ()
        self._replay(record)
        match record:
            case Cycled():
                metrics.cycle(now, record.targets, record.plan, manager.orders)
                self._watch.sent(record.plan.commands, now)
                self._events.append(Quote(now, record.targets, record.market, stands, is_early))
                self._ahead.update((c, q.ahead) for c, q in record.market.queues.items())
                self._market = record.market
                self._has_lost = False
                self._cycled_at = now
            case Reported():
                metrics.report(record.report, manager.orders, now)
                self._heard(record.report, now, is_fewer=len(manager.open_orders) < live)
            case Restarted():
                self._events.append(Start(now, self._at if self.records else now, record.session))
            case Halted():
                self._events.append(Halt(now, record.why))
            case Unanswered() | Ticked():
                pass
        if not isinstance(record, Cycled):
            self._watch.sent(record.reaction.queries, now)
        self._at = now
        self.records += 1

    def script(self) -> Script:
        """Return what was read so far, without what came of it.

        Raises JournalError where there was no cycle.
        """
        quotes = tuple(event for event in self._events if isinstance(event, Quote))
        if not quotes:
            raise JournalError(
                f"{self.name} must have cycles to replay, has none among {self.records} records"
            )
        return Script(
            header=self.header,
            start=self._start or 0,
            end=self._at,
            records=self.records,
            events=tuple(self._events),
            quotes=quotes,
            proofs=tuple(self._proofs),
            trips=self._watch.trips(),
        )

    def summary(self, mid_at: Callable[[Nanos], Price | None]) -> Summary:
        """Return the numbers of the run as it was; asked once, at the end.

        `mid_at` returns twice the mid at a time, None where it is not known.
        """
        metrics, watched = self._metrics, self._watched
        assert metrics is not None, "asked after the script, which has at least one record"
        self._mid_at = mid_at
        metrics.pass_time(self._at)
        if self._at >= self._cycled_at + self._cycle_ns:
            metrics.settle(resting_of(self.manager))
        metrics.judge(self._at + MARKOUT)
        return summary_of(
            "as it was",
            self.name,
            metrics,
            self.header.instrument,
            until=self._at,
            position=self.manager.position,
            watched=watched,
        )

    # Inside.

    def _begun(self, record: Record) -> Metrics:
        """Return the counters, which begin with the first record; have the record judged."""
        if self._metrics is None:
            header = self.header
            self._start = record.now
            self._metrics = Metrics(record.now, self._mid)
            rules = rules_of(header.config, header.instrument, header.capabilities, header.session)
            self._watched = None if self.is_shared else Watched(rules, record.now)
        if self._watched is not None:
            self._watched.feed(record)
        return self._metrics

    def _mid(self, at: Nanos) -> Price | None:
        return None if self._mid_at is None else self._mid_at(at)

    def _settle(self, metrics: Metrics, now: Nanos) -> None:
        metrics.pass_time(now)
        metrics.settle(resting_of(self.manager))

    def _is_early(self, now: Nanos) -> bool:
        before = self._on_time_at
        if before is None or not (self._has_refill and self._has_lost):
            return False
        return now < before + self._cycle_ns - JITTER

    def _replay(self, record: Record) -> None:
        try:
            replay(self.manager, (record,))
        except ValueError as error:
            header = self.header
            raise JournalError(
                f"{self.name} must be replayed by the version that wrote it ({header.version}), "
                f"this one decides otherwise at record {self.records}"
            ) from error

    def _stands(self, market: Market, now: Nanos) -> tuple[Stand, ...]:
        """Return where our orders stand, as far as the market tells."""
        orders = self.manager.open_orders
        found = []
        for cloid, queue in market.queues.items():
            order = orders.get(cloid)
            if order is not None and order.request is Request.IDLE:
                price, since = self._stood.get(cloid, (0, now))
                if price != order.price:
                    since = now
                    self._stood[cloid] = order.price, now
                found.append(Stand(order.side, order.price, queue, since))
        return tuple(found)

    def _heard(self, report: Report, now: Nanos, *, is_fewer: bool) -> None:
        self._watch.heard(report, now)
        if is_fewer:
            ours = isinstance(report, Cancelled) and report.reason is CancelReason.USER
            self._has_lost = self._has_lost or not ours
        match report:
            case Fill():
                self._filled(report)
            case Snapshot():
                for fill in report.fills:
                    self._filled(fill)
            case Modified():
                # Another leg may stand elsewhere.
                self._ahead.pop(report.cloid, None)
            case _:
                pass

    def _filled(self, fill: Fill) -> None:
        if fill.trade_id in self._trades:
            return
        self._trades.add(fill.trade_id)
        order = None if fill.cloid is None else self.manager.orders.get(fill.cloid)
        side = fill.side
        if side is None and order is not None:
            side = order.side
        if side is None:
            return
        ahead = 0
        if fill.cloid is not None:
            known = self._ahead.get(fill.cloid)
            ahead = self._displayed(side, fill.price) if known is None else known
            # What follows finds it at the front.
            self._ahead[fill.cloid] = 0
        self._proofs.append(Proof(fill.at, side, fill.price, fill.qty, ahead))

    def _displayed(self, side: Side, price: Price) -> Qty:
        """Return what was last seen at the touch, if that is the price."""
        market = self._market
        if market is None:
            return 0
        touch = (market.bid, market.bid_qty) if side is Side.BUY else (market.ask, market.ask_qty)
        return touch[1] if touch[0] == price else 0
