"""Time hummingbot's `InFlightOrder` and `ClientOrderTracker` on order updates; prints JSON, in µs.

Runs where `hummingbot` is installed, and imports nothing of ours. The updates are made before. The
tracker has forty resting orders, and a connector that does nothing.
"""

import asyncio
import json
import logging
import time
from decimal import Decimal
from statistics import median
from typing import Any, Final

from hummingbot.connector.client_order_tracker import ClientOrderTracker
from hummingbot.core.data_type.common import OrderType, TradeType
from hummingbot.core.data_type.in_flight_order import InFlightOrder, OrderState, OrderUpdate

ROUNDS: Final = 40
ORDERS: Final = 40
PAIR: Final = "ETH-USD"


class Connector:
    """What the tracker asks of a connector, and nothing behind it."""

    def __init__(self) -> None:
        self.current_timestamp = 1_700_000_000.0

    def trigger_event(self, *_: Any) -> None:
        """Forget."""


def orders() -> list[InFlightOrder]:
    """Return as many new orders."""
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
        for number in range(ORDERS)
    ]


def updates(state: OrderState) -> list[OrderUpdate]:
    """Return an update for each."""
    return [
        OrderUpdate(PAIR, 1_700_000_001.0, state, f"c{number}", f"{number}")
        for number in range(ORDERS)
    ]


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
    found = {
        "InFlightOrder, accepted": median(alone),
        "ClientOrderTracker, accepted": median(through),
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
