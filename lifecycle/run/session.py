"""A run: the example bot and the order manager against the paper venue, cycle by cycle.

The session is the caller that the order manager leaves the world to: it owns the clock, which is
the market's own, hands over every report at the time it arrives, runs the timers, and sends what
comes of it. A cycle looks at the market seen, asks the bot what it wants, and has the manager
decide. Between two cycles the venue plays the market without being interrupted, unless an answer
is awaited that the manager may have a question about.

The first cycle is one period after the start; the last one is before the end, so that a run of
five minutes has the events of five minutes.

Every run is held to the invariants while it runs, and its churn is tracked: a spiral there makes
the bot's smoother more patient for as long as it lasts.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

from msgspec import structs

from exchange.commands import Command, QueryOpen, QueryOrder
from exchange.instrument import Instrument
from exchange.market import Row
from exchange.paper.latency import FEEDS, LATENCIES
from exchange.paper.quota import Quota
from exchange.paper.venue import PaperVenue
from exchange.reports import Cancelled, OrderStatus, Report, Snapshot
from exchange.units import MILLISECOND, SECOND, Nanos, Price, seconds
from exchange.venue import Capabilities
from exchange.words import CancelReason, Cloid
from lifecycle.bot.quoter import Quoter
from lifecycle.core.churn import Churn
from lifecycle.core.manager import CANCEL_REPLACE, OrderManager
from lifecycle.rules import rules_of
from lifecycle.run.config import RunConfig
from lifecycle.run.frame import Frame, Summary
from lifecycle.run.market import LoadedMarket, load_market
from lifecycle.run.metrics import Metrics
from lifecycle.run.policies import POLICIES
from lifecycle.run.rows import mid_and_spread, order_row, report_line
from lifecycle.run.watched import Watched
from lifecycle.trace import TracedManager
from spec.states import Phase, Request
from spec.trace import Decision, Plan, Targets

__all__ = ["POLICIES", "LoadedMarket", "Session", "load_market"]

POLL: Final = 100 * MILLISECOND
"""How often to look for reports while an answer is awaited."""
TIMER_MIN: Final = MILLISECOND
"""Time moves by so much at least, whatever the timers say."""
REPORTS_SHOWN: Final = 8
DRAIN: Final = 60 * SECOND
"""The longest that anything sent, or asked about it, can stay unanswered."""


class Session:
    """One policy's run.

    `now` and `end` are nanoseconds since the start of the run; the manager and the venue live in
    exchange time.
    """

    def __init__(
        self,
        config: RunConfig,
        policy: str,
        market: LoadedMarket,
        *,
        capabilities: Capabilities = CANCEL_REPLACE,
        manage: Callable[..., OrderManager] = OrderManager,
        watch: bool = True,
    ) -> None:
        """Start a run of `policy`, one of `POLICIES`, at the start of the market.

        `manage` makes the order manager; a bench puts another one there to compare with, which
        has promised nothing and is not watched. `watch` holds ours to the invariants.
        Raises ValueError where the configuration has no meaning for this market.
        """
        if policy not in POLICIES:
            raise ValueError(f"policy must be one of {', '.join(POLICIES)}, was {policy}")
        self.config = POLICIES[policy](config)
        self.policy = policy
        self.market = market
        self.cycle_ns: Nanos = seconds(config.timing.cycle_s)
        if self.cycle_ns <= 0:
            raise ValueError(f"timing.cycle_s must be positive, was {config.timing.cycle_s}")
        self._rows = 0
        self.venue = _paper_venue(config, market.instrument, self._counted(), capabilities)
        self.manager = manage(market.instrument, config=self.config, capabilities=capabilities)
        self.watched: Watched | None = None
        """What the invariants say of the run; None where they are not asked."""
        self._told: OrderManager | TracedManager = self.manager
        """The manager as whoever tells it something sees it."""
        if watch and manage is OrderManager:
            rules = rules_of(self.config, market.instrument, capabilities)
            self.watched = Watched(rules, market.start)
            self._told = TracedManager(self.manager, self.watched.feed)
        self.quoter = Quoter(config.quoter, market.instrument, smoothing=self.config.smoothing)
        self.metrics = Metrics(market.start, self.venue.mid_at)
        self.churn = Churn(self.config.churn)
        refill = self.config.orders.refill_s
        self._refill = None if refill is None else seconds(refill)
        """How long after a cycle another one may replace what has filled; None: not at all."""
        self._cycled_at = market.start
        self._has_lost = False
        """An order is gone since the last cycle that nobody cancelled."""
        self._tracked_fills = 0
        self._tracked_suppressed = 0
        self._alerts: list[str] = []
        self._at = market.start
        """The exchange time that the run has come to."""
        self._next = market.start + self.cycle_ns
        """When the next cycle is due."""
        self._asked: set[int] = set()
        """Queries without an answer so far."""
        self._decisions: dict[Cloid, Decision] = {}
        """The last decision about each open order."""
        self._lanes: dict[Cloid, int] = {}
        self._reports: deque[tuple[Nanos, Report]] = deque(maxlen=REPORTS_SHOWN)

    @property
    def now(self) -> Nanos:
        """How far the run has come."""
        return self._at - self.market.start

    @property
    def end(self) -> Nanos:
        """How long the run is."""
        return self.market.end - self.market.start

    def step(self) -> bool:
        """Advance to the next cycle and decide; False when the run has come to its end."""
        end = self.market.end
        if self._next >= end:
            if self._at < end:
                self._advance(end)
            return False
        self._advance(self._next)
        self._cycle()
        self._next += self.cycle_ns
        return True

    def drain(self) -> bool:
        """Deliver what is still under way, without another cycle; returns whether all has come.

        The market has ended: time goes on, but nothing happens in it.
        """
        until = self._at + DRAIN
        while self._at < until:
            self._advance(self._at + SECOND)
            if not self._is_awaiting():
                return True
        return False

    def frame(self) -> Frame:
        """Return what a view may show of this moment."""
        manager, instrument = self.manager, self.market.instrument
        market = self.venue.market(self._at)
        mid, spread = mid_and_spread(market, instrument)
        long, short = manager.exposure
        self._assign_lanes()
        orders = tuple(
            order_row(
                order,
                self._lanes[cloid],
                self._decisions.get(cloid),
                market.queues.get(cloid),
                instrument,
                self._at,
            )
            for cloid, order in manager.open_orders.items()
        )
        start = self.market.start
        lines = (report_line(report, at - start, instrument) for at, report in self._reports)
        return Frame(
            policy=self.policy,
            market=self.market.name,
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
        )

    def summary(self) -> Summary:
        """Return the numbers so far."""
        metrics, instrument, watched = self.metrics, self.market.instrument, self.watched
        return Summary(
            policy=self.policy,
            market=self.market.name,
            seconds=self.now / SECOND,
            cycles=metrics.cycles,
            rows=self._rows,
            placed=metrics.placed,
            modified=metrics.modified,
            cancelled=metrics.cancelled,
            rejected=metrics.rejected,
            fills=metrics.fills,
            filled_qty=instrument.qty_text(metrics.filled_qty),
            calls=metrics.calls,
            calls_per_minute=metrics.calls_per_minute(self._at),
            cancels_per_cycle=metrics.cancelled / max(1, metrics.cycles),
            modify_share=metrics.modify_share,
            queue_kept=metrics.queue_kept,
            zero_action=metrics.zero_action,
            cancel_fill=metrics.cancel_fill,
            presence=metrics.presence,
            staleness_rms_bps=metrics.staleness_rms_bps,
            staleness_limit_bps=metrics.staleness_limit_bps,
            markout_5s_bps=metrics.markout_bps,
            position=instrument.qty_text(self.manager.position),
            kept={reason.value: count for reason, count in sorted(metrics.reasons.items())},
            timeline=list(metrics.timeline),
            kept_by={cause.value: count for cause, count in sorted(self.churn.kept_by.items())},
            suppressed=dict(self.quoter.smoothing.suppressed),
            alerts=list(self._alerts),
            violations=0 if watched is None else watched.violations,
            broken=[] if watched is None else list(watched.broken),
            series=metrics.series,
        )

    # The loop.

    def _advance(self, until: Nanos) -> None:
        """Let time pass up to `until`: reports, timers, and the questions that come of them."""
        manager = self.manager
        while self._at < until:
            at = min(until, max(manager.next_timer, self._at + TIMER_MIN))
            if self._refill is not None or self._is_awaiting():
                # What a report leads to must leave now, not with the next cycle.
                at = min(at, self._at + POLL)
            self._deliver(at)
            self._at = at
            if manager.next_timer <= at:
                self._submit(self._told.tick(at).queries, at)
            if self._is_to_refill() and at < until:
                self._cycle(early=True)
        self.metrics.pass_time(until)
        self.metrics.judge(until)
        self.metrics.settle(self._resting())

    def _is_to_refill(self) -> bool:
        """Say whether a level has lost its order, and shall not wait for the next cycle."""
        due = self._refill is not None and self._at >= self._cycled_at + self._refill
        return due and self._has_lost

    def _resting(self) -> dict[Cloid, Price]:
        """Return the price of every order that rests."""
        return {
            cloid: order.price
            for cloid, order in self.manager.open_orders.items()
            if order.phase is Phase.RESTING
        }

    def _deliver(self, at: Nanos) -> None:
        """Hand over every report that has arrived by `at`, each at its own time."""
        manager = self.manager
        for received in self.venue.poll(at):
            report = received.report
            if isinstance(report, OrderStatus | Snapshot):
                self._asked.discard(report.request)
            live = len(manager.open_orders)
            reaction = self._told.receive(report, received.at)
            if len(manager.open_orders) < live:
                ours = isinstance(report, Cancelled) and report.reason is CancelReason.USER
                self._has_lost = self._has_lost or not ours
            self.metrics.report(report, manager.orders, received.at)
            self._reports.append((received.at, report))
            self._submit(reaction.queries, at)

    def _cycle(self, *, early: bool = False) -> None:
        now, manager = self._at, self.manager
        self._cycled_at = now
        self._has_lost = False
        self.quoter.see(self.venue.seen(now))
        market = self.venue.market(now)
        targets = self.quoter.quote(market, manager.position, now)
        if targets is None:
            return
        volatility = self.quoter.volatility
        if volatility > 0:
            market = structs.replace(market, volatility=volatility)
        plan = self._told.cycle(now, targets, market)
        self._submit(plan.commands, now)
        self.metrics.cycle(now, targets, plan, manager.orders)
        self._track(targets, plan, early=early)
        self._decisions = {
            decision.cloid: decision for decision in plan.decisions if decision.cloid is not None
        }
        self._assign_lanes()

    def _track(self, targets: Targets, plan: Plan, *, early: bool) -> None:
        """Tell the churn tracker of a cycle, and the smoother what follows from it."""
        smoothing, fills = self.quoter.smoothing, self.metrics.fills
        suppressed = sum(smoothing.suppressed.values())
        changes = self.churn.track(
            targets,
            plan,
            fills=fills - self._tracked_fills,
            resting=self._resting(),
            suppressed=suppressed - self._tracked_suppressed,
            early=early,
        )
        self._tracked_fills, self._tracked_suppressed = fills, suppressed
        self._alerts += [f"{self.now // SECOND} s, {change}" for change in changes]
        smoothing.boost = self.churn.boost

    def _submit(self, commands: Sequence[Command], now: Nanos) -> None:
        if not commands:
            return
        for command in commands:
            if isinstance(command, QueryOrder | QueryOpen):
                self._asked.add(command.request)
        self.venue.submit(commands, now)

    def _counted(self) -> Iterator[Row]:
        """Iterate over the market's rows, counting what has been played."""
        for row in self.market.rows():
            self._rows += 1
            yield row

    def _is_awaiting(self) -> bool:
        if self._asked:
            return True
        orders = self.manager.open_orders
        return any(order.request is not Request.IDLE for order in orders.values())

    def _assign_lanes(self) -> None:
        """Free the lanes of closed orders, and give new orders the lowest that are free."""
        orders = self.manager.open_orders
        lanes = self._lanes
        for cloid in [cloid for cloid in lanes if cloid not in orders]:
            del lanes[cloid]
        for cloid in orders:
            if cloid not in lanes:
                taken = set(lanes.values())
                lanes[cloid] = next(lane for lane in range(len(taken) + 1) if lane not in taken)


def _paper_venue(
    config: RunConfig, instrument: Instrument, rows: Iterable[Row], capabilities: Capabilities
) -> PaperVenue:
    """Build the venue that the configuration describes."""
    venue = config.venue
    return PaperVenue(
        instrument,
        rows,
        latency=LATENCIES[venue.latency],
        feed=FEEDS[venue.feed],
        quota=Quota(
            request_cap=venue.request_cap,
            requests_used=venue.requests_used,
            cancel_cap=venue.cancel_cap,
        ),
        seed=config.market.seed,
        cancel_share_ahead=venue.cancel_share_ahead,
        capabilities=capabilities,
    )
