"""A bot to be killed: quotes a jittering ladder at a paper venue in another process.

It lives by its journal: it resumes what is there, or begins it. It never stops by itself unless it
is told to finish: then it goes on until record and venue agree, withdraws everything, and ends when
it is proven that nothing rests. Time is the market's own and runs as fast as the bot can.
"""

import sys
from pathlib import Path
from random import Random
from typing import Final

from msgspec import Struct, json

from exchange.instrument import Instrument
from exchange.market import Market
from exchange.paper.remote import RemoteVenue
from exchange.units import MILLISECOND, SECOND, Price, Qty
from exchange.words import Side
from lifecycle.config import Config, GridConfig, OrdersConfig
from lifecycle.core.desk import FOREVER
from lifecycle.core.manager import OrderManager
from lifecycle.drive.driver import Driver
from lifecycle.drive.recovery import begin, new_session, resume
from lifecycle.journal.base import Header, Journal
from lifecycle.journal.sqlite import SqliteJournal, Synchronous
from spec.trace import Target, Targets

CYCLE: Final = 2 * SECOND
STEP: Final = 50 * MILLISECOND
"""How often it looks for reports."""
QUIET: Final = 500 * MILLISECOND
"""The same while it awaits nothing but fills."""
LEVELS: Final = 2
SIZE: Final[Qty] = 100
APART: Final[Price] = 20
"""Between two levels, in price units."""
EAGER: Final[Price] = 6
"""By how much a quote may be better than the touch: some are filled at once."""
JITTER: Final[Price] = 15
"""By which every quote is moved at random each cycle: enough to leave its band often."""
PATIENCE: Final = 10 * 60 * SECOND
"""Market time in which it must come to an end when it is told to finish."""
CONFIG: Final = Config(grid=GridConfig(enabled=False), orders=OrdersConfig(post_only=False))


class Life(Struct, frozen=True):
    """What a bot is started with."""

    port: int
    journal: str
    seed: int
    finish: bool = False
    synchronous: Synchronous = "NORMAL"


def run(life: Life) -> bool:
    """Live until killed, or to the end if told to finish; returns whether that was proven."""
    venue = RemoteVenue(life.port)
    journal, manager = _restore(life, venue)
    driver = Driver(manager, venue, [journal.append])
    now = max(venue.now, manager.now)
    driver.start(now, new_session(journal.header.session))
    draw = Random(f"{life.seed} {now}")  # noqa: S311 - a simulation, not a secret
    until = now + PATIENCE if life.finish else FOREVER
    next_cycle = now
    while now < until and not manager.nothing_rests:
        now = now + STEP if driver.is_awaiting else min(now + QUIET, max(next_cycle, now + STEP))
        driver.deliver(now)
        if now < next_cycle:
            continue
        if life.finish and driver.is_agreed and not manager.is_halted:
            driver.halt(now, "told to finish")
        market = venue.market(now)
        targets = _around(market, venue.instrument, draw)
        if targets is not None:
            driver.cycle(now, targets, market)
        next_cycle = now + CYCLE
    journal.close()
    venue.close()
    return manager.nothing_rests


def _restore(life: Life, venue: RemoteVenue) -> tuple[Journal, OrderManager]:
    if Path(life.journal).exists():
        manager, journal, _ = resume(life.journal, synchronous=life.synchronous)
        return journal, manager
    header = Header.of_now(new_session(), venue.instrument, venue.capabilities, CONFIG)
    begun = SqliteJournal.create(life.journal, header, synchronous=life.synchronous)
    return begun, begin(header)


def _around(market: Market, instrument: Instrument, draw: Random) -> Targets | None:
    """Return a ladder near the touch that jitters out of its bands; now and then a level lacks.

    One side is eager: it may reach through the book, and is filled at once.
    """
    if market.bid is None or market.ask is None:
        return None
    eager = draw.choice((Side.BUY, Side.SELL))
    prices: dict[Side, list[Price]] = {}
    for side, touch in ((Side.BUY, market.bid), (Side.SELL, market.ask)):
        levels = draw.choice((LEVELS, LEVELS, LEVELS - 1))
        inner = -EAGER if side is eager else 0
        away = [level * APART + draw.randint(inner, JITTER) for level in range(levels)]
        prices[side] = [instrument.snap(touch - side * distance, side) for distance in away]
    bids = sorted(set(prices[Side.BUY]), reverse=True)
    asks = sorted({price for price in prices[Side.SELL] if price > bids[0]})
    return Targets(*(tuple(Target(price, SIZE) for price in one) for one in (bids, asks)))


if __name__ == "__main__":
    sys.exit(0 if run(json.decode(sys.argv[1], type=Life)) else 1)
