"""The pure core in an asyncio loop of one's own; `lifecycle.connect` is this, and more careful."""

import asyncio

from lifecycle import OrderManager, Target, Targets
from lifecycle.drive.driver import Driver
from lifecycle.drive.recovery import new_session
from lifecycle.dropin.practice import LivePaper, practice

CYCLE = 6_000_000_000  # nanoseconds, as all times of the core


async def quote(venue: LivePaper, cycles: int) -> OrderManager:
    """Quote so many cycles; the driver does the bookkeeping of `own_loop.py`."""
    manager = OrderManager(venue.instrument, capabilities=venue.capabilities)
    driver = Driver(manager, venue)  # sinks=[journal.append] records before anything is sent
    driver.start(venue.clock.now(), new_session())
    until = venue.clock.now()
    for _ in range(cycles):
        until += CYCLE
        while (left := until - venue.clock.now()) > 0:
            await venue.wait(min(left / 1e9, 0.5))
            driver.deliver(venue.clock.now())
        now = venue.clock.now()
        market = venue.market(now)
        if market.bid and market.ask:
            bids, asks = (Target(market.bid - 5, 1000),), (Target(market.ask + 5, 1000),)
            driver.cycle(now, Targets(bids, asks), market)
    driver.halt(venue.clock.now(), "the end")
    while not manager.nothing_rests:  # withdraw, and wait for the proof
        driver.cycle(venue.clock.now(), Targets(), venue.market(venue.clock.now()))
        await venue.wait(0.5)
        driver.deliver(venue.clock.now())
    return manager


if __name__ == "__main__":
    done = asyncio.run(quote(practice(speed=60), cycles=20))
    print(f"{done.requests_used} places and modifies, position {done.position}")
