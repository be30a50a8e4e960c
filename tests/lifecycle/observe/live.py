"""A short real run against the paper venue: what the tests of observation observe."""

from collections.abc import Callable
from typing import Final

from exchange.commands import Command
from exchange.market import Market
from exchange.paper.latency import FEEDS, LATENCIES
from exchange.paper.quota import Quota
from exchange.paper.venue import PaperVenue
from exchange.units import MINUTE, SECOND, Nanos
from exchange.venue import NoAnswer
from lifecycle.core.manager import OrderManager
from lifecycle.core.traced import TracedManager
from lifecycle.run.config import MarketConfig, VenueConfig
from lifecycle.run.market import load_market
from spec.trace import Record, Target, Targets

LENGTH: Final = 6 * MINUTE
MARKET: Final = load_market(MarketConfig(minutes=6, seed=3), VenueConfig())
LEVELS: Final = 3
CYCLE: Final = 6 * SECOND


def run(
    sink: Callable[[Record], None],
    before_cycle: Callable[[OrderManager, Nanos, Market], None] = lambda *_: None,
) -> OrderManager:
    """Quote three levels around the mid for six minutes, a cycle each six seconds."""
    rows = MARKET.rows()
    latency, feed = LATENCIES["fast"], FEEDS["fast"]
    venue = PaperVenue(MARKET.instrument, rows, latency=latency, feed=feed, quota=Quota(), seed=3)
    traced = TracedManager(OrderManager(MARKET.instrument, session="obs"), sink)
    for now in range(MARKET.start + SECOND, MARKET.start + LENGTH, SECOND):
        for received in venue.poll(now):
            assert not isinstance(received.report, NoAnswer)
            send(venue, traced.receive(received.report, received.at).queries, now)
        send(venue, traced.tick(now).queries, now)
        market = venue.market(now)
        if now % CYCLE == 0 and market.bid is not None and market.ask is not None:
            before_cycle(traced.manager, now, market)
            send(venue, traced.cycle(now, ladder(market.bid, market.ask), market).commands, now)
    return traced.manager


def send(venue: PaperVenue, commands: tuple[Command, ...], now: Nanos) -> None:
    if commands:
        venue.submit(commands, now)


def ladder(bid: int, ask: int) -> Targets:
    """Quote at the touch and behind it."""
    step, lots = 20, 5000
    return Targets(
        tuple(Target(bid - step * level, lots) for level in range(LEVELS)),
        tuple(Target(ask + step * level, lots) for level in range(LEVELS)),
    )
