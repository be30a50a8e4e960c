"""A manager and its driver at a served venue: a small loop, as a live one would be."""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Final

from msgspec.structs import replace

from exchange.hyperliquid.venue import HyperliquidVenue
from exchange.market import Market
from exchange.reports import Disconnected, Fill, Reconnected, Snapshot
from exchange.units import SECOND, Nanos, seconds
from exchange.venue import NoAnswer, Received
from exchange.words import Side
from lifecycle.config import Config, OrdersConfig, TimingConfig
from lifecycle.core.manager import OrderManager
from lifecycle.drive.driver import NOTHING_WANTED, Driver
from lifecycle.rules import rules_of
from lifecycle.run.watched import Watched
from spec.trace import Target, Targets

SESSION: Final = "5e55104e00"
FAST: Final = replace(
    Config(),
    timing=TimingConfig(cycle_s=0.25, request_timeout_s=1.5, reconcile_s=5.0, retire_s=20.0),
    orders=OrdersConfig(refill_s=None),
)
"""A cycle each quarter of a second, to see many of them."""


@dataclass
class Run:
    """A driver in its loop, and what has come of it."""

    venue: HyperliquidVenue
    config: Config = FAST
    heard: list[Received] = field(default_factory=list)
    cycles: int = 0

    def __post_init__(self) -> None:
        """Join the manager to the venue, and a watch to both."""
        venue = self.venue
        self.manager = OrderManager(
            venue.instrument,
            config=self.config,
            capabilities=venue.capabilities,
            session=SESSION,
        )
        rules = rules_of(self.config, venue.instrument, venue.capabilities, SESSION)
        self.watched = Watched(rules, venue.clock.now())
        self.driver = Driver(self.manager, venue, (self.watched.feed,))
        self.driver.start(venue.clock.now(), SESSION)

    async def go(self, for_s: float, wanted: Callable[[Market], Targets] | None = None) -> None:
        """Cycle for a while."""
        venue, wanted = self.venue, ladder(self.venue) if wanted is None else wanted
        until = venue.clock.now() + seconds(for_s)
        cycle: Nanos = seconds(self.config.timing.cycle_s)
        due = venue.clock.now()
        while (now := venue.clock.now()) < until:
            self.driver.deliver(now, self.heard.append)
            if now >= due:
                due = now + cycle
                self.cycles += 1
                venue.seen(now)
                market = venue.market(now)
                self.driver.cycle(now, wanted(market), market)
            wake = min(due, self.manager.next_timer, until) - venue.clock.now()
            await venue.wait(max(0.001, wake / SECOND))

    async def withdraw(self, for_s: float) -> bool:
        """Want nothing any more; say whether it is proven that nothing rests, in time."""
        venue = self.venue
        until = venue.clock.now() + seconds(for_s)
        self.driver.halt(venue.clock.now(), "the test ends")
        while not self.manager.nothing_rests and venue.clock.now() < until:
            await self.go(0.3, lambda _: NOTHING_WANTED)
        return self.manager.nothing_rests

    def count(self, *kinds: type[Any]) -> int:
        """Return how many reports of some kinds were heard."""
        return sum(isinstance(one.report, kinds) for one in self.heard)

    def summary(self) -> str:
        """Return what happened, in numbers."""
        return (
            f"{self.cycles} cycles, {self.count(Fill)} fills, {self.count(NoAnswer)} without "
            f"answer, {self.count(Disconnected)}/{self.count(Reconnected)} broken and back, "
            f"{self.count(Snapshot)} snapshots, {self.watched.violations} violations"
        )


def ladder(
    venue: HyperliquidVenue, levels: int = 2, qty: int = 500, sway: int = 0
) -> Callable[[Market], Targets]:
    """Return a bot that wants to be at the touch of others, and a tick or two behind it.

    With `sway` it wants to be up to so many ticks further back, another number each time.
    """
    turns = count()

    def wanted(market: Market) -> Targets:
        if market.bid is None or market.ask is None:
            return NOTHING_WANTED
        tick = venue.instrument.tick(market.bid)
        back = next(turns) * 7 % (sway + 1)
        return Targets(
            *(
                tuple(Target(best - side * tick * (level + back), qty) for level in range(levels))
                for side, best in ((Side.BUY, market.bid), (Side.SELL, market.ask))
            )
        )

    return wanted
