"""The paper venue as a live one: a market in process that runs by a clock, to try a bot on.

Nothing leaves the process and no key is needed. At a speed of 10 a minute of the market takes six
seconds; what is told in seconds (`wait`, `sleep`) is the market's time.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Final

from exchange.commands import Command
from exchange.instrument import Instrument
from exchange.market import Market, Row
from exchange.paper.venue import PaperVenue
from exchange.units import MILLISECOND, MINUTE, SECOND, Nanos
from exchange.venue import Capabilities, Received
from lifecycle.dropin.clock import Clock, Clocked
from lifecycle.run.config import MarketConfig, VenueConfig
from lifecycle.run.market import load_market

STEP: Final = 10 * MILLISECOND
"""Of market time, between two looks for what has arrived."""


class LivePaper:
    """A paper venue that lives by a clock; a `LiveVenue`."""

    def __init__(self, venue: PaperVenue, clock: Clocked, speed: float = 1.0) -> None:
        """Take over a paper venue; `speed` is how many seconds of `clock` one second takes."""
        self.paper: Final = venue
        self.clock: Final = clock
        self._speed: Final = speed
        self._inbox: deque[Received] = deque()

    @property
    def instrument(self) -> Instrument:
        """The instrument's units and rules."""
        return self.paper.instrument

    @property
    def capabilities(self) -> Capabilities:
        """How this venue's requests behave."""
        return self.paper.capabilities

    def submit(self, commands: Sequence[Command], now: Nanos) -> None:
        """Send commands; their answers come by `poll`."""
        self.paper.submit(commands, now)

    def poll(self, now: Nanos) -> list[Received]:
        """Return what has reached us up to `now` and was not returned yet."""
        self._inbox.extend(self.paper.poll(now))
        received = []
        while self._inbox and self._inbox[0].at <= now:
            received.append(self._inbox.popleft())
        return received

    async def wait(self, timeout_s: float) -> bool:
        """Wait until something has reached us, or so long of market time."""
        until = self.clock.now() + round(timeout_s * SECOND)
        while not self._inbox:
            now = self.clock.now()
            if now >= until:
                return False
            await asyncio.sleep(min(STEP, until - now) / SECOND / self._speed)
            self._inbox.extend(self.paper.poll(self.clock.now()))
        return True

    async def sleep(self, seconds: float) -> None:
        """Wait so many seconds of market time."""
        await asyncio.sleep(seconds / self._speed)

    def market(self, now: Nanos) -> Market:
        """Return the book as it is seen."""
        return self.paper.market(now)

    def seen(self, now: Nanos) -> list[Row]:
        """Return the market rows that have come since the last call."""
        return self.paper.seen(now)


def practice(
    *, speed: float = 1.0, minutes: float = 60.0, seed: int = 1, clock: Clocked | None = None
) -> LivePaper:
    """Return a live paper venue on a generated market whose book is already there.

    The market begins a minute ago, and its own clock with it, unless another `clock` is given that
    starts no earlier. The same seed gives the same market.
    """
    market = load_market(MarketConfig(minutes=minutes + 1, seed=seed), VenueConfig())
    venue = PaperVenue(market.instrument, market.rows(), seed=seed)
    venue.poll(market.start + MINUTE)
    own = Clock(market.start + MINUTE, speed) if clock is None else clock
    return LivePaper(venue, own, speed)
