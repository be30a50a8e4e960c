"""A naive market maker on the official Hyperliquid SDK: every 6 s it cancels all and places two.

    lifecycle serve --port 3001
    python examples/naive_hyperliquid.py
    python examples/naive_hyperliquid.py --managed

With `--managed` one line is different (see `main`), and most of its calls are gone. It trades for
a new account of a local paper venue; its quotes are those of the GLFT model with a kappa that
jitters, as an estimate from little data does. Needs `hyperliquid-python-sdk`, and in a clone
`pip install '.[hyperliquid]'`.
"""

import argparse
import json
import math
import random
import time
from typing import Any

from eth_account import Account
from hyperliquid.exchange import Exchange
from hyperliquid.info import Info

COIN = "ETH"
SIZE = 0.05
GAMMA = 0.1
ALO = {"limit": {"tif": "Alo"}}


class NaiveBot:
    """Holds the ids of its two orders, and nothing else."""

    def __init__(self, exchange: Any, kappa: float) -> None:
        """Trade by an SDK `Exchange`, or by what stands in for it."""
        self.exchange = exchange
        self.user = exchange.wallet.address
        self.kappa = kappa
        self.noise = random.Random(1)  # noqa: S311 - an estimate's noise
        self.resting: list[int] = []
        self.strange = 0
        """Open orders of the account whose ids it does not hold."""
        self.refused: list[str] = []

    def cycle(self) -> None:
        """Cancel everything, and place anew around the mid."""
        listed = {row["oid"] for row in self.exchange.info.open_orders(self.user)}
        self.strange += len(listed - set(self.resting))
        for oid in self.resting:
            self.exchange.cancel(COIN, oid)
        self.resting = []
        book = self.exchange.info.l2_snapshot(COIN)["levels"]
        mid = (float(book[0][0]["px"]) + float(book[1][0]["px"])) / 2
        kappa = self.kappa * (1 + 0.01 * self.noise.gauss(0, 1))
        half = math.log(1 + GAMMA / kappa) / GAMMA
        for is_buy, away in ((True, 1 - half), (False, 1 + half)):
            price = round(float(f"{mid * away:.5g}"), 2)
            answer = self.exchange.order(COIN, is_buy, SIZE, price, ALO)
            status = answer["response"]["data"]["statuses"][0]
            if "resting" in status:
                self.resting.append(status["resting"]["oid"])
            else:
                self.refused.append(status["error"])


def main() -> None:
    """Trade for so many minutes, and say what came of it."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--url", default="http://127.0.0.1:3001")
    asked.add_argument("--minutes", type=float, default=10.0, help="of the market")
    asked.add_argument("--speed", type=float, default=1.0, help="of the served market")
    asked.add_argument("--kappa", type=float, default=2400.0)
    asked.add_argument("--managed", action="store_true")
    asked.add_argument("--journal", help="of the managed orders")
    options = asked.parse_args()
    exchange = Exchange(Account.create(), options.url, timeout=10)
    if options.managed:
        from lifecycle.dropin.clock import Clock
        from lifecycle.dropin.hyperliquid_sdk import ManagedExchange

        # The changed line; in real time and without a journal the first two arguments are enough.
        exchange = ManagedExchange(
            exchange,
            Info(options.url, skip_ws=True, timeout=10),
            journal=options.journal,
            window_s=0.5 * max(1.0, options.speed / 5),
            clock=Clock(speed=options.speed),
        )
    bot = NaiveBot(exchange, options.kappa)
    started = time.monotonic()
    cycles = 0
    while time.monotonic() - started < 60 * options.minutes / options.speed:
        bot.cycle()
        cycles += 1
        # By the clock: what a cycle takes is not added to the next.
        time.sleep(max(0.0, started + cycles * 6 / options.speed - time.monotonic()))
    if options.managed:
        exchange.close()
    said = {
        "user": bot.user,
        "cycles": cycles,
        "strange_ids": bot.strange,
        "refused": len(bot.refused),
    }
    print(json.dumps(said))


if __name__ == "__main__":
    main()
