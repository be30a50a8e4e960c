"""A served venue on a free port, and a client of it: what the tests of the client play on."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from time import time_ns
from typing import Any, Final

from exchange.commands import Command
from exchange.hyperliquid.connection import Network, Options
from exchange.hyperliquid.nonces import Nonces
from exchange.hyperliquid.served.knobs import Knobs
from exchange.hyperliquid.served.server import Manner, Served, Server
from exchange.hyperliquid.served.world import Terms
from exchange.hyperliquid.signing import Key
from exchange.hyperliquid.venue import HyperliquidVenue
from exchange.market import Row, RowKind
from exchange.paper.generator import GENERATED
from exchange.paper.latency import LATENCIES, NO_DELAY
from exchange.units import MILLISECOND
from exchange.venue import Received

KEY: Final = Key("0123456789" * 6 + "0123")
BID: Final = 20_000
ASK: Final = 20_010
QUICK: Final = Options(look_lag_ms=250, hold_ms=200, ready_s=5.0)
"""As by default, for a venue on this machine: what it shows lags by a block or two."""


def book(at: int = 0) -> list[Row]:
    """Return a book of five levels a side of one ETH each, around 2000.05."""
    return [
        Row(at, -1, RowKind.DEPTH, price=price, qty=10_000, side=side, act="S")
        for side, best in ((1, BID), (-1, ASK))
        for price in (best - side * level for level in range(5))
    ]


@asynccontextmanager
async def served(
    rows: Iterable[Row] = (),
    *,
    terms: Terms | None = None,
    knobs: Knobs | None = None,
    speed: float = 1.0,
    stands: bool = True,
) -> AsyncIterator[Server]:
    """Serve some rows, before them a book that stands still, if it does."""
    market = Served(GENERATED, "ETH", lambda: iter([*(book() if stands else ()), *rows]), 0)
    manner = Manner(speed=speed, push_delay=NO_DELAY, knobs=knobs or Knobs(), ip_weight=0)
    server = Server(market, terms or Terms(latency=LATENCIES["none"]), manner)
    await server.start(0)
    over = asyncio.Event()
    running = asyncio.create_task(server.run(over.is_set))
    try:
        yield server
    finally:
        over.set()
        await running


@asynccontextmanager
async def client(
    url: str, *, key: Key | None = KEY, coin: str = "ETH", options: Options = QUICK, **more: Any
) -> AsyncIterator[HyperliquidVenue]:
    """Connect to a served venue, with nonces of its own."""
    with TemporaryDirectory() as folder, nonces_in(folder) as nonces:
        venue = HyperliquidVenue(
            Network(url), coin, key=key, nonces=nonces, options=options, **more
        )
        async with venue:
            yield venue


def nonces_in(folder: str | Path) -> Nonces:
    """Return nonces by the wall clock."""
    return Nonces(Path(folder) / "nonces", lambda: time_ns() // MILLISECOND)


async def heard(
    venue: HyperliquidVenue,
    *commands: Command,
    until: Callable[[list[Received]], bool] = bool,
    timeout_s: float = 5.0,
) -> list[Received]:
    """Send commands; return what is heard until it is enough, and the time is up at the latest."""
    if commands:
        venue.submit(commands, venue.clock.now())
    received: list[Received] = []
    try:
        async with asyncio.timeout(timeout_s):
            while not until(received):
                await venue.wait(timeout_s)
                received += venue.poll(venue.clock.now())
    except TimeoutError:
        pass
    return received


def play(story: Callable[[], Any]) -> None:
    """Run a story from start to end."""
    asyncio.run(story())
