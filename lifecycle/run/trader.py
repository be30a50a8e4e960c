"""A bot and its order manager at a venue: what a run is, whoever turns its clock.

A trader looks at the market seen, asks the example bot what it wants, has the manager decide, and
counts what came of it. It neither waits nor knows where time comes from: `lifecycle.run.session`
turns a simulated clock, `lifecycle.run.live` lives by the real one.

Every run is held to the invariants while it runs, and its churn is tracked: a spiral there makes
the bot's smoother more patient for as long as it lasts.
"""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Final, Protocol

from msgspec import structs

from exchange.instrument import Instrument
from exchange.market import Market, Row
from exchange.reports import Report
from exchange.units import SECOND, Nanos, seconds
from exchange.venue import NoAnswer, Received, Venue
from exchange.words import Cloid
from lifecycle.bot.quoter import Quoter
from lifecycle.core.churn import Churn
from lifecycle.core.manager import OrderManager
from lifecycle.core.resting import resting_of
from lifecycle.drive.driver import NOTHING_WANTED, Driver, Sink
from lifecycle.drive.recovery import Recovery
from lifecycle.drive.switch import KillSwitch
from lifecycle.observe.observer import Observer
from lifecycle.rules import rules_of
from lifecycle.run.config import RunConfig
from lifecycle.run.frame import Frame, Summary
from lifecycle.run.metrics import Metrics
from lifecycle.run.rows import mid_and_spread, order_row, report_line
from lifecycle.run.summary import summary_of
from lifecycle.run.watched import Watched
from spec.trace import Plan, Targets

REPORTS_SHOWN: Final = 8


class SeenVenue(Venue, Protocol):
    """A venue whose market can be seen."""

    def market(self, now: Nanos) -> Market:
        """Return the book visible at `now`, which never falls."""

    def seen(self, now: Nanos) -> list[Row]:
        """Return the rows that have become visible since the last call."""


class Trader:
    """One run's bot, manager, driver and counters; whoever turns the clock calls it.

    Times given are the venue's; times shown are since the start of the run.
    """

    def __init__(
        self,
        config: RunConfig,
        policy: str,
        name: str,
        venue: SeenVenue,
        manager: OrderManager,
        start: Nanos,
        mid_at: Callable[[Nanos], int | None],
        *,
        watch: bool = True,
        sinks: Sequence[Sink] = (),
        observer: Observer | None = None,
        switch: KillSwitch | None = None,
        recovery: Recovery | None = None,
        prefix: str = "0",
    ) -> None:
        """Join what a run is made of; `config` is the policy's, `name` the market's.

        `mid_at` returns twice the mid of a time that has passed. `watch` holds the manager to the
        invariants. `sinks` take what it is told and what comes of it, before anything is sent;
        `observer` sees it after. `recovery` is what the manager was restored from.
        """
        self.config = config
        self.policy = policy
        self.name = name
        self.instrument: Instrument = venue.instrument
        self.manager = manager
        self.recovery = recovery
        self._seen = venue
        self.watched: Watched | None = None
        """What the invariants say of the run; None where they are not asked."""
        if watch:
            rules = rules_of(config, venue.instrument, venue.capabilities, prefix)
            tell = None if observer is None else observer.violated
            self.watched = Watched(rules, start, tell)
        watching = () if self.watched is None else (self.watched.feed,)
        refill = config.orders.refill_s
        self.driver = Driver(
            manager,
            venue,
            (*sinks, *watching),
            observers=() if observer is None else (observer.feed,),
            refill=None if refill is None else seconds(refill),
        )
        self.quoter = Quoter(config.quoter, venue.instrument, smoothing=config.smoothing)
        self.metrics = Metrics(start, mid_at)
        self.churn = Churn(config.churn)
        self.start = start
        self._at = start
        """The time that the run has come to."""
        self._tracked_fills = 0
        self._tracked_suppressed = 0
        self._observer = observer
        self._switch = switch
        self._alerts: list[str] = []
        self._plan = Plan((), ())
        """What was decided last."""
        self._lanes: dict[Cloid, int] = {}
        self._reports: deque[tuple[Nanos, Report]] = deque(maxlen=REPORTS_SHOWN)

    @property
    def now(self) -> Nanos:
        """How far the run has come."""
        return self._at - self.start

    @property
    def end(self) -> Nanos:
        """How long the run is; 0 where it has no end of its own."""
        return 0

    @property
    def rows(self) -> int:
        """Market rows so far."""
        return 0

    def is_withdrawn(self) -> bool:
        """Whether everything was to go, and it is proven that nothing rests."""
        return self.manager.nothing_rests

    def frame(self) -> Frame:
        """Return what a view may show of this moment."""
        manager, instrument = self.manager, self.instrument
        market = self._seen.market(self._at)
        mid, spread = mid_and_spread(market, instrument)
        long, short = manager.exposure
        self._assign_lanes()
        decisions = {decision.cloid: decision for decision in self._plan.decisions}
        orders = tuple(
            order_row(
                order,
                self._lanes[cloid],
                decisions.get(cloid),
                market.queues.get(cloid),
                instrument,
                self._at,
            )
            for cloid, order in manager.open_orders.items()
        )
        start = self.start
        lines = (report_line(report, at - start, instrument) for at, report in self._reports)
        return Frame(
            policy=self.policy,
            market=self.name,
            now=self.now,
            end=self.end,
            warm=self.metrics.warm_at is not None,
            mid=mid,
            spread_bps=spread,
            orders=orders,
            position=instrument.qty_text(manager.position),
            exposure_long=instrument.qty_text(long),
            exposure_short=instrument.qty_text(short),
            headroom=manager.headroom,
            requests_used=manager.requests_used,
            request_cap=self.config.quota.cap,
            calls_last_minute=self.metrics.calls_last_minute,
            reports=tuple(lines),
            summary=self.summary(),
            horizon_h=manager.quota_horizon_h(self._at),
            cycle_line=self.churn.cycle_line() if self.churn.cycles else "",
            window_line=self.churn.window_line() if self.churn.cycles else "",
            window=self.churn.window if self.churn.cycles else None,
            alerts=self.churn.alerts,
            recovery=() if self.recovery is None else tuple(self.recovery.lines()),
        )

    def summary(self) -> Summary:
        """Return the numbers so far."""
        numbers = summary_of(
            self.policy,
            self.name,
            self.metrics,
            self.instrument,
            until=self._at,
            position=self.manager.position,
            watched=self.watched,
            rows=self.rows,
        )
        return structs.replace(
            numbers,
            kept_by={cause.value: count for cause, count in sorted(self.churn.kept_by.items())},
            suppressed=dict(self.quoter.smoothing.suppressed),
            alerts=list(self._alerts),
        )

    # What whoever turns the clock calls.

    def _look_at_switch(self) -> None:
        why = None if self._switch is None else self._switch.why
        if why is not None and not self.manager.is_halted:
            self.driver.halt(self._at, why)
            self._cycle(early=True)

    def _heard(self, received: Received) -> None:
        report = received.report
        if not isinstance(report, NoAnswer):
            self.metrics.report(report, self.manager.orders, received.at)
            self._reports.append((received.at, report))

    def _cycle(self, *, early: bool = False) -> None:
        now, manager = self._at, self.manager
        self.quoter.see(self._rows_seen(now))
        market = self._seen.market(now)
        targets = self.quoter.quote(market, manager.position, now)
        if targets is None:
            if not manager.is_halted:
                self.driver.skip(now)
                return
            targets = NOTHING_WANTED
        volatility = self.quoter.volatility
        if volatility > 0:
            market = structs.replace(market, volatility=volatility)
        if self._observer is None:
            plan = self.driver.cycle(now, targets, market)
        else:
            self._observer.look(manager, now, market, self.churn, early=early)
            with self._observer.cycle_timer():
                plan = self.driver.cycle(now, targets, market)
        self.metrics.cycle(now, targets, plan, manager.orders)
        self._track(targets, plan, early=early)
        self._plan = plan
        self._assign_lanes()

    def _rows_seen(self, now: Nanos) -> Iterable[Row]:
        """Return the market rows that have become visible since the last cycle."""
        return self._seen.seen(now)

    def _track(self, targets: Targets, plan: Plan, *, early: bool) -> None:
        """Tell the churn tracker of a cycle, and the smoother what follows from it."""
        smoothing, fills = self.quoter.smoothing, self.metrics.fills
        suppressed = sum(smoothing.suppressed.values())
        changes = self.churn.track(
            targets,
            plan,
            fills=fills - self._tracked_fills,
            resting=resting_of(self.manager),
            suppressed=suppressed - self._tracked_suppressed,
            early=early,
        )
        self._tracked_fills, self._tracked_suppressed = fills, suppressed
        self._alerts += [f"{self.now // SECOND} s, {change}" for change in changes]
        if self._observer is not None:
            for change in changes:
                self._observer.alert(self._at, change)
        smoothing.boost = self.churn.boost

    def _settle(self, until: Nanos) -> None:
        """Count what the time up to `until` has brought."""
        self.metrics.pass_time(until)
        self.metrics.judge(until)
        self.metrics.settle(resting_of(self.manager))

    def _assign_lanes(self) -> None:
        """Free the lanes of closed orders, and give new orders the lowest that are free."""
        orders = self.manager.open_orders
        lanes = self._lanes
        if lanes.keys() == orders.keys():
            return
        for cloid in [cloid for cloid in lanes if cloid not in orders]:
            del lanes[cloid]
        for cloid in orders:
            if cloid not in lanes:
                taken = set(lanes.values())
                lanes[cloid] = next(lane for lane in range(len(taken) + 1) if lane not in taken)
