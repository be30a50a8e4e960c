"""Time hummingbot's `InFlightOrder` and `ClientOrderTracker` on order updates; prints JSON, in µs.

Runs where `hummingbot` is installed, and imports nothing of ours. The updates are made before. The
tracker has forty resting orders, and a connector that does nothing. What an accepted order holds is
what the process grows by, in bytes.
"""

import asyncio
import json
import logging
import resource
import time
from decimal import Decimal
from statistics import median
from typing import Any, Final

from hummingbot.connector.client_order_tracker import ClientOrderTracker
from hummingbot.core.data_type.common import OrderType, TradeType
from hummingbot.core.data_type.in_flight_order import InFlightOrder, OrderState, OrderUpdate

ROUNDS: Final = 40
ORDERS: Final = 40
HELD: Final = 20_000
PAIR: Final = "ETH-USD"


class Connector:
    """What the tracker asks of a connector, and nothing behind it."""

    def __init__(self) -> None:
        self.current_timestamp = 1_700_000_000.0

    def trigger_event(self, *_: Any) -> None:
        """Forget."""


def orders(count: int = ORDERS) -> list[InFlightOrder]:
    """Return so many new orders."""
    return [
        InFlightOrder(
            client_order_id=f"c{number}",
            trading_pair=PAIR,
            order_type=OrderType.LIMIT,
            trade_type=TradeType.BUY,
            amount=Decimal(10),
            price=Decimal(100),
            creation_timestamp=1_700_000_000.0,
        )
        for number in range(count)
    ]


def updates(state: OrderState, count: int = ORDERS) -> list[OrderUpdate]:
    """Return an update for each."""
    return [
        OrderUpdate(PAIR, 1_700_000_001.0, state, f"c{number}", f"{number}")
        for number in range(count)
    ]


def resident() -> int:
    """Return how many bytes the process has in memory."""
    with open("/proc/self/statm") as file:  # noqa: PTH123 - imports as little as it can
        return int(file.read().split()[1]) * resource.getpagesize()


async def tracked() -> float:
    """Return what the tracker takes for an update."""
    tracker = ClientOrderTracker(Connector())
    for order in orders():
        tracker.start_tracking_order(order)
    opened = updates(OrderState.OPEN)
    start = time.perf_counter_ns()
    for update in opened:
        await tracker.process_order_update(update)
    return (time.perf_counter_ns() - start) / ORDERS / 1000


def main() -> None:
    """Measure an acceptance, at an order alone and through the tracker."""
    # It logs every change of an order; here nobody listens.
    logging.basicConfig(level=logging.INFO, handlers=[logging.NullHandler()])
    alone = []
    for _ in range(ROUNDS):
        made, opened = orders(), updates(OrderState.OPEN)
        start = time.perf_counter_ns()
        for order, update in zip(made, opened, strict=True):
            order.update_with_order_update(update)
        alone.append((time.perf_counter_ns() - start) / ORDERS / 1000)
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    through = [loop.run_until_complete(tracked()) for _ in range(ROUNDS)]
    before = resident()
    held = orders(HELD)
    for order, update in zip(held, updates(OrderState.OPEN, HELD), strict=True):
        order.update_with_order_update(update)
    found = {
        "InFlightOrder, bytes": (resident() - before) / HELD,
        "InFlightOrder, accepted": median(alone),
        "ClientOrderTracker, accepted": median(through),
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
