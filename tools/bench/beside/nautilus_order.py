"""Time NautilusTrader's `LimitOrder.apply`, of an accepted order and its fills; prints JSON, in µs.

Runs where `nautilus_trader` is installed, and imports nothing of ours. The events are made before:
only applying them is timed. What an accepted order holds is what the process grows by, in bytes.
"""

import json
import resource
import time
from statistics import median
from typing import Final

from nautilus_trader.common.component import TestClock
from nautilus_trader.common.factories import OrderFactory
from nautilus_trader.model.enums import OrderSide
from nautilus_trader.model.identifiers import StrategyId, TradeId, TraderId
from nautilus_trader.model.objects import Price, Quantity
from nautilus_trader.test_kit.providers import TestInstrumentProvider
from nautilus_trader.test_kit.stubs.events import TestEventStubs

ROUNDS: Final = 60
ORDERS: Final = 40
HELD: Final = 20_000


def main() -> None:
    """Measure orders that are accepted, and then filled in part."""
    instrument = TestInstrumentProvider.ethusdt_binance()
    factory = OrderFactory(TraderId("T-1"), StrategyId("S-1"), TestClock())
    accepted: list[float] = []
    filled: list[float] = []
    for _ in range(ROUNDS):
        orders = [
            factory.limit(
                instrument.id, OrderSide.BUY, Quantity.from_str("10.00000"), Price.from_str("10.00")
            )
            for _ in range(ORDERS)
        ]
        for order in orders:
            order.apply(TestEventStubs.order_submitted(order))
        events = [TestEventStubs.order_accepted(order) for order in orders]
        accepted.append(_timed(orders, events))
        events = [
            TestEventStubs.order_filled(
                order,
                instrument=instrument,
                last_qty=Quantity.from_str("1.00000"),
                trade_id=TradeId("1"),
            )
            for order in orders
        ]
        filled.append(_timed(orders, events))
    before = _resident()
    held = []
    for _ in range(HELD):
        order = factory.limit(
            instrument.id, OrderSide.BUY, Quantity.from_str("10.00000"), Price.from_str("10.00")
        )
        order.apply(TestEventStubs.order_submitted(order))
        order.apply(TestEventStubs.order_accepted(order))
        held.append(order)
    found = {
        "LimitOrder, bytes": (_resident() - before) / len(held),
        "LimitOrder.apply, accepted": median(accepted),
        "LimitOrder.apply, fill": median(filled),
    }
    print(json.dumps(found))


def _resident() -> int:
    with open("/proc/self/statm") as file:  # noqa: PTH123 - imports as little as it can
        return int(file.read().split()[1]) * resource.getpagesize()


def _timed(orders: list, events: list) -> float:  # type: ignore[type-arg]
    start = time.perf_counter_ns()
    for order, event in zip(orders, events, strict=True):
        order.apply(event)
    return (time.perf_counter_ns() - start) / len(orders) / 1000


if __name__ == "__main__":
    main()
