"""A run: the example bot and the order manager against the paper venue, cycle by cycle.

The session is the caller that the order manager leaves the world to: it owns the clock, which is
the market's own, hands over every report at the time it arrives, runs the timers, and sends what
comes of it. A cycle looks at the market seen, asks the bot what it wants, and has the manager
decide. Between two cycles the venue plays the market without being interrupted, unless an answer
is awaited that the manager may have a question about.

The first cycle is one period after the start; the last one is before the end, so that a run of
five minutes has the events of five minutes.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from exchange.instrument import Instrument
from exchange.market import Row
from exchange.paper.latency import FEEDS, LATENCIES
from exchange.paper.quota import Quota
from exchange.paper.venue import PaperVenue
from exchange.units import MILLISECOND, SECOND, Nanos, seconds
from exchange.venue import Capabilities
from lifecycle.core.manager import CANCEL_REPLACE, OrderManager
from lifecycle.drive.driver import Sink
from lifecycle.drive.switch import KillSwitch
from lifecycle.observe.observer import Observer
from lifecycle.run.config import RunConfig
from lifecycle.run.market import LoadedMarket, load_market
from lifecycle.run.policies import POLICIES
from lifecycle.run.trader import Trader

__all__ = ["POLICIES", "LoadedMarket", "Session", "load_market"]

POLL: Final = 100 * MILLISECOND
"""How often to look for reports while an answer is awaited."""
TIMER_MIN: Final = MILLISECOND
"""Time moves by so much at least, whatever the timers say."""
DRAIN: Final = 60 * SECOND
"""The longest that anything sent, or asked about it, can stay unanswered."""


class Session(Trader):
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
        sinks: Sequence[Sink] = (),
        observer: Observer | None = None,
        switch: KillSwitch | None = None,
        prefix: str = "0",
    ) -> None:
        """Start a run of `policy`, one of `POLICIES`, at the start of the market.

        `manage` makes the order manager; a bench puts another one there to compare with, which
        has promised nothing and is not watched. `watch` holds ours to the invariants. `sinks` take
        what it is told and what comes of it, before anything is sent; `observer` sees it after.
        `switch` is looked at all the time: when it is thrown, everything is withdrawn, and the run
        ends when that is proven. `prefix` begins every cloid.
        Raises ValueError where the configuration has no meaning for this market.
        """
        if policy not in POLICIES:
            raise ValueError(f"policy must be one of {', '.join(POLICIES)}, was {policy}")
        managed = POLICIES[policy](config)
        self.market = market
        self.cycle_ns: Nanos = seconds(config.timing.cycle_s)
        if self.cycle_ns <= 0:
            raise ValueError(f"timing.cycle_s must be positive, was {config.timing.cycle_s}")
        # A bench's manager has no names of its own.
        naming = {"session": prefix} if manage is OrderManager else {}
        self.venue = _paper_venue(config, market.instrument, market.tape(), capabilities)
        super().__init__(
            managed,
            policy,
            market.name,
            self.venue,
            manage(market.instrument, config=managed, capabilities=capabilities, **naming),
            market.start,
            self.venue.mid_at,
            watch=watch and manage is OrderManager,
            sinks=sinks,
            observer=observer,
            switch=switch,
            prefix=prefix,
        )
        self._next = market.start + self.cycle_ns
        """When the next cycle is due."""

    @property
    def end(self) -> Nanos:
        """How long the run is."""
        return self.market.end - self.market.start

    @property
    def rows(self) -> int:
        """Market rows so far, the next one among them."""
        return self.venue.rows_played + (not self.venue.done)

    def step(self) -> bool:
        """Advance to the next cycle and decide; False when the run has come to its end."""
        end = self.market.end
        if self.is_withdrawn():
            return False
        if self._next >= end:
            if self._at < end:
                self._advance(end)
            return False
        self._advance(self._next)
        if self.is_withdrawn():
            return False
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
            if not self.driver.is_awaiting:
                return True
        return False

    # The loop.

    def _advance(self, until: Nanos) -> None:
        """Let time pass up to `until`: reports, timers, and the questions that come of them."""
        manager = self.manager
        while self._at < until and not self.is_withdrawn():
            self._look_at_switch()
            if self.config.orders.refill_s is not None:
                self._skip(until)
            at = min(until, max(manager.next_timer, self._at + TIMER_MIN))
            if self.config.orders.refill_s is not None or self.driver.is_awaiting:
                # What a report leads to must leave now, not with the next cycle.
                at = min(at, self._at + POLL)
            self.driver.deliver(at, self._heard)
            self._at = at
            if self.driver.is_to_refill(at) and at < until:
                self._cycle(early=True)
        self._settle(until)

    def _skip(self, until: Nanos) -> None:
        """Pass over the times at which one would look for reports, and there would be none."""
        until = min(until, self.manager.next_timer)
        if until - self._at <= POLL or self.driver.is_to_refill(until):
            return
        quiet = self.venue.quiet_until(until)
        self._at += max(0, (quiet - 1 - self._at) // POLL) * POLL

    def _rows_seen(self, now: Nanos) -> Iterable[Row]:
        return self.venue.sight(now)


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
