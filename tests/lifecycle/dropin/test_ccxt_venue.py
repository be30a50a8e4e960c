"""ccxt's own class of Hyperliquid at a served venue: the whole way, asked and watched."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import cache
from itertools import takewhile
from typing import Any

import pytest

pytest.importorskip("ccxt", reason="needs the extra ccxt")
pytest.importorskip("aiohttp", reason="needs the extra hyperliquid")
import ccxt.async_support
import ccxt.pro

from exchange.hyperliquid.served.admin import truth
from exchange.hyperliquid.served.knobs import Knobs
from exchange.hyperliquid.served.server import Server
from exchange.market import Row
from exchange.paper.generator import GeneratorConfig, generate
from exchange.reports import Accepted, Disconnected, Fill, Modified, Reconnected, Snapshot
from exchange.units import SECOND, seconds
from exchange.venue import NoAnswer
from lifecycle.dropin.ccxt_venue import CcxtVenue
from tests.exchange.hyperliquid.client.driven import Run, ladder
from tests.exchange.hyperliquid.client.serving import KEY, served

SYMBOL = "ETH/USDC:USDC"
FAULTY = Knobs(lost_acks=0.1, lost_requests=0.05, errors_after=0.05, errors_before=0.05)


@cache
def rows() -> tuple[Row, ...]:
    """Return a minute and a half of a generated market."""
    return tuple(takewhile(lambda row: row.ts < 90 * SECOND, generate(GeneratorConfig(), 3)))


@asynccontextmanager
async def run(kind: Any, knobs: Knobs) -> AsyncIterator[tuple[Run, Server]]:
    """Join a manager to a served market that moves, by ccxt's class."""
    options = {
        # The served venue takes the test network's signatures.
        "sandboxMode": True,
        "approvedBuilderFee": True,
        "refSet": True,
        "enableUnifiedMargin": False,
        "fetchMarkets": {"types": ["swap"]},
    }
    exchange = kind(
        {
            "privateKey": "0x" + "0123456789" * 6 + "0123",
            "walletAddress": KEY.address,
            "enableRateLimit": False,
            "options": options,
        }
    )
    async with served(rows(), knobs=knobs, speed=10.0, stands=False) as server:
        stream = "ws" + server.url.removeprefix("http") + "/ws"
        exchange.urls["api"] = {
            "public": server.url,
            "private": server.url,
            "ws": {"public": stream},
        }
        try:
            quick: dict[str, Any] = {"poll_s": 0.4, "book_s": 0.2, "lag_s": 0.15, "timeout_s": 1.0}
            async with CcxtVenue(exchange, SYMBOL, **quick) as venue:
                yield Run(venue), server  # type: ignore[arg-type]
        finally:
            await exchange.close()


def judge(made: Run, server: Server) -> None:
    """Compare what we believe with what is so, to the last fill."""
    account = truth(server.world, server.faults)["accounts"][KEY.address.lower()]
    position = made.venue.instrument.qty(account["positions"].get("ETH", "0"))
    ours = {one.report.oid for one in made.heard if isinstance(one.report, Fill)}
    for one in made.heard:
        if isinstance(one.report, Snapshot):
            ours |= {fill.oid for fill in one.report.fills}

    assert account["open"] == []
    assert made.manager.position == position
    assert ours == {str(fill.oid) for fill in account["fills"]}
    assert account["repeated_cloids"] == 0
    assert made.watched.broken == []


async def trade(made: Run, until: Callable[[], bool], limit_s: float = 20.0) -> None:
    """Quote until something has been seen: how long that takes is the machine's affair."""
    wanted = ladder(made.venue, 3, 500, sway=40)
    end = made.venue.clock.now() + seconds(limit_s)
    while not until() and made.venue.clock.now() < end:
        await made.go(0.3, wanted)
    # What has arrived so far has done so before the withdrawal.
    made.driver.deliver(made.venue.clock.now(), made.heard.append)


@pytest.mark.parametrize("kind", [ccxt.async_support.hyperliquid, ccxt.pro.hyperliquid])
def test_a_market_is_made_by_ccxt(kind: Any) -> None:
    async def story() -> None:
        async with run(kind, Knobs()) as (made, server):
            await trade(made, lambda: made.cycles >= 5 and made.count(Modified) > 0)

            assert await made.withdraw(10), made.summary()
            assert made.count(Modified) > 0
            judge(made, server)

    asyncio.run(story())


def test_answers_that_are_lost_lose_nothing() -> None:
    async def story() -> None:
        async with run(ccxt.async_support.hyperliquid, FAULTY) as (made, server):
            await trade(made, lambda: made.cycles >= 6 and made.count(NoAnswer) > 0)
            server.faults.knobs = Knobs()

            assert await made.withdraw(20), made.summary()
            judge(made, server)

    asyncio.run(story())


def test_a_stream_that_breaks_is_told_and_watched_again() -> None:
    async def story() -> None:
        async with run(ccxt.pro.hyperliquid, Knobs(disconnect_every_s=10)) as (made, server):
            seen = (Accepted, Disconnected, Reconnected)
            await trade(made, lambda: all(made.count(kind) for kind in seen))
            server.faults.knobs = Knobs()

            assert await made.withdraw(20), made.summary()
            assert made.count(Disconnected) > 0
            assert made.count(Reconnected) > 0
            judge(made, server)

    asyncio.run(story())
