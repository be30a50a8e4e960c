"""Time the BitMEX sample's `converge_orders`, its exchange being a list; prints JSON, in µs a call.

Runs where `bitmex-market-maker` is installed, and imports nothing of ours. It wants a module
`settings` on its path, as its users have one.
"""

import json
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any, Final

ROUNDS: Final = 60
BATCH: Final = 20
MID: Final = 100_000.0
RUNG: Final = 300.0


class Exchange:
    """Has orders, and forgets what it is told."""

    def __init__(self, orders: list[dict[str, Any]]) -> None:
        self.orders = orders

    def get_instrument(self) -> dict[str, Any]:
        """Return what the sample asks of an instrument."""
        return {"tickLog": 1}

    def get_orders(self) -> list[dict[str, Any]]:
        """Return what rests."""
        return self.orders

    def amend_orders(self, orders: list[dict[str, Any]]) -> None:
        """Forget."""


def ladder(side: str, levels: int, shift: float) -> list[dict[str, Any]]:
    """Return what is wanted of one side."""
    sign = -1 if side == "Buy" else 1
    prices = [MID + shift + sign * RUNG * (level + 0.5) for level in range(levels)]
    return [{"price": price, "orderQty": 1000, "side": side} for price in prices]


def main() -> None:
    """Measure unchanged and moved ladders of ten and two hundred a side."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "settings.py").write_text("LOG_LEVEL = 50\nWATCHED_FILES = []\n")
        sys.path.insert(0, folder)
        sys.argv[1:] = []
        import market_maker.market_maker as sample

        sample.logger.disabled = True
        found = {}
        for levels in (10, 200):
            for name, shift in (("unchanged", 0.0), ("all moved", 140_000.0)):
                resting = [
                    {**one, "leavesQty": 1000, "cumQty": 0, "orderID": f"{one['side']}{number}"}
                    for side in ("Buy", "Sell")
                    for number, one in enumerate(ladder(side, levels, 0.0))
                ]
                manager = sample.OrderManager.__new__(sample.OrderManager)
                manager.exchange = Exchange(resting)
                buys, sells = (ladder(side, levels, shift) for side in ("Buy", "Sell"))
                times = []
                for _ in range(ROUNDS if levels == 10 else ROUNDS // 10):
                    start = time.perf_counter_ns()
                    for _ in range(BATCH):
                        manager.converge_orders(buys, sells)
                    times.append((time.perf_counter_ns() - start) / BATCH / 1000)
                found[f"converge_orders, 2x{levels} {name}"] = median(times)
        print(json.dumps(found))


if __name__ == "__main__":
    main()
