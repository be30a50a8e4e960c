"""The whole way: manager, driver, client, wire, served venue; with and without faults."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from itertools import takewhile
from typing import Any

from msgspec.structs import replace

from exchange.hyperliquid.served.admin import truth
from exchange.hyperliquid.served.knobs import Knobs
from exchange.hyperliquid.served.server import Server
from exchange.market import Row
from exchange.paper.generator import GeneratorConfig, generate
from exchange.reports import Disconnected, Fill, Modified, Reconnected, Snapshot
from exchange.units import SECOND
from tests.exchange.hyperliquid.client.driven import Run, ladder
from tests.exchange.hyperliquid.client.serving import QUICK, client, play, served

SPEED = 10.0
OPTIONS = replace(
    QUICK, look_lag_ms=150, action_timeout_s=1.0, backoff_s_max=0.5, ip_weight=100_000
)
# Without 429: the manager's pause after one is as long as a whole run here.
FAULTY = Knobs(
    lost_acks=0.1,
    lost_requests=0.05,
    errors_before=0.05,
    errors_after=0.05,
    duplicates=0.1,
    reorders=0.1,
    disconnect_every_s=20,
)


@cache
def rows() -> tuple[Row, ...]:
    """Return a minute and a half of a generated market."""
    return tuple(takewhile(lambda row: row.ts < 90 * SECOND, generate(GeneratorConfig(), 3)))


@asynccontextmanager
async def run(knobs: Knobs, **options: Any) -> AsyncIterator[tuple[Run, Server]]:
    """Join a manager to a served market that moves."""
    async with (
        served(rows(), knobs=knobs, speed=SPEED, stands=False) as server,
        client(server.url, options=replace(OPTIONS, **options)) as venue,
    ):
        yield Run(venue), server


def judge(made: Run, server: Server) -> None:
    """Compare what we believe with what is so, to the last fill."""
    accounts = truth(server.world, server.faults)["accounts"]
    account = next(iter(accounts.values()))
    theirs = {f"{fill.time}:{fill.tid}" for fill in account["fills"]}
    ours: set[str] = set()
    for received in made.heard:
        report = received.report
        if isinstance(report, Fill):
            ours.add(report.trade_id)
        elif isinstance(report, Snapshot):
            ours.update(fill.trade_id for fill in report.fills)
    assert account["open"] == []
    assert ours == theirs
    position = made.venue.instrument.qty(account["positions"].get("ETH", "0"))
    assert made.manager.position == position
    assert account["repeated_cloids"] == 0
    assert made.watched.broken == []


def test_a_market_is_made_over_the_wire() -> None:
    async def story() -> None:
        async with run(Knobs()) as (made, server):
            await made.go(3.0, ladder(made.venue, 3, 500, sway=40))

            assert await made.withdraw(5)
            assert made.count(Modified) > 3
            judge(made, server)

    play(story)


def test_faults_on_the_wire_lose_nothing() -> None:
    async def story() -> None:
        async with run(FAULTY) as (made, server):
            await made.go(5.0, ladder(made.venue, 3, 500, sway=40))
            server.faults.knobs = Knobs()

            assert await made.withdraw(10), made.summary()
            assert made.count(Disconnected) == made.count(Reconnected) > 1
            judge(made, server)

    play(story)


def test_faults_on_the_wire_lose_nothing_where_nonces_are_burnt() -> None:
    async def story() -> None:
        async with run(FAULTY, burns=True) as (made, server):
            await made.go(4.0, ladder(made.venue, 3, 500, sway=40))
            server.faults.knobs = Knobs()

            assert await made.withdraw(10), made.summary()
            judge(made, server)

    play(story)
