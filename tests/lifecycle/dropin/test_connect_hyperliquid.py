"""`connect` on the Hyperliquid client, against the served venue: both by the real clock."""

import asyncio

from lifecycle.config import STABLE
from lifecycle.dropin.connecting import connect
from lifecycle.rules import rules_of
from lifecycle.run.watched import Watched
from tests.exchange.hyperliquid.client.serving import client, served


def test_a_bot_at_the_served_venue_converges_and_withdraws() -> None:
    async def main() -> None:
        async with served() as server, client(server.url) as venue:
            watched = Watched(rules_of(STABLE, venue.instrument, venue.capabilities), 0)
            async with connect(venue, sinks=[watched.feed]) as quoter:
                await quoter.ready()
                market, unit = quoter.market(), float(quoter.instrument.price_unit)
                assert market.bid is not None
                assert market.ask is not None
                bids, asks = [((market.bid - 50) * unit, 0.1)], [((market.ask + 50) * unit, 0.1)]
                first = await quoter.converge(bids, asks, answered=True)
                again = await quoter.converge(bids, asks)

                assert len(first.placed) == len(again.kept) == 2
            assert dict(quoter.manager.open_orders) == {}
            assert watched.broken == []

    asyncio.run(main())
