"""Measure what Hyperliquid's client costs: `python -m tools.bench.hyperliquid_client`.

A frame of the websocket goes all the way that it goes live, from the text that has come to the
report that `poll` hands to an order manager's `receive`, or to the market that it changes, while
forty orders of ours rest. Exits 1 where a median misses its limit.
"""

import argparse
import sys
from collections import deque
from collections.abc import Callable, Sequence
from itertools import count
from typing import Final

from msgspec import json

from exchange.hyperliquid.clock import Clock, Offset
from exchange.hyperliquid.codec import Codec
from exchange.hyperliquid.connection import Network, Options
from exchange.hyperliquid.hearing import Hearing
from exchange.hyperliquid.instruments import Asset, instrument_of
from exchange.hyperliquid.listening import Listener
from exchange.hyperliquid.sight import Sight
from exchange.hyperliquid.stream import Stream
from exchange.hyperliquid.wire_info import AssetMeta
from exchange.reports import Report
from exchange.units import MILLISECOND
from exchange.venue import Received
from exchange.words import Side
from tools.bench.measure import Case, measure, table

ROUNDS: Final = 1000
LIMIT_US: Final = 100
USER: Final = "0x" + "ab" * 20
RESTING: Final = 40
BID: Final = 200_000
TICK: Final = 10


class Way:
    """A stream without a network, and what is behind it."""

    def __init__(self) -> None:
        instrument = instrument_of(AssetMeta(4, "ETH", 25))
        options, offset = Options(), Offset()
        self.clock: Final = Clock()
        self.inbox: Final[deque[Received]] = deque()
        self.sight: Final = Sight("ETH", instrument, offset)
        listener = Listener(
            USER,
            Codec(Asset("ETH", 1, instrument)),
            self.sight,
            offset,
            Hearing(options.hold_ms * MILLISECOND),
            since_ms=0,
            hold_s=options.hold_ms / 1000,
            say=self.say,
            now=self.clock.now,
        )
        self.stream: Final = Stream(
            Network("http://127.0.0.1:1"),
            (),
            self.clock,
            options,
            heard=listener.hear,
            on_lost=lambda _: None,
            on_ready=lambda: None,
        )
        for number in range(RESTING):
            side = Side.BUY if number % 2 else Side.SELL
            price = BID - side * TICK * (number // 2)
            self.sight.rest(f"{number}", f"5e55104e{number:08x}", side, price, 500)

    def say(self, report: Report) -> None:
        """Queue a report, as the venue does."""
        self.inbox.append(Received(self.clock.now(), report))

    def hear(self, frame: str) -> Callable[[], object]:
        """Return what takes a frame, and hands out what came of it."""

        def act() -> object:
            self.stream.take(frame)
            return self.inbox.popleft() if self.inbox else None

        return act

    @property
    def ms(self) -> int:
        """Return the time, as the venue stamps it."""
        return self.clock.now() // MILLISECOND


def cases() -> list[Case]:
    """Return what is measured: each frame is another one."""
    way, numbers = Way(), count(1)

    def text(channel: str, data: object) -> str:
        return json.encode({"channel": channel, "data": data}).decode()

    def update() -> Callable[[], object]:
        order = {
            "coin": "ETH", "side": "B", "limitPx": "1990.1", "sz": "0.05", "origSz": "0.05",
            "oid": 10**11 + next(numbers), "timestamp": way.ms,
            "cloid": "0x" + f"5e55104e{next(numbers):08x}c10d".ljust(32, "0"),
        }  # fmt: skip
        row = {"order": order, "status": "canceled", "statusTimestamp": way.ms}
        return way.hear(text("orderUpdates", [row]))

    def fill() -> Callable[[], object]:
        row = {
            "coin": "ETH", "px": "1990.1", "sz": "0.01", "side": "B", "time": way.ms,
            "startPosition": "0.01", "dir": "Open Long", "closedPnl": "0.0",
            "hash": "0x" + 64 * "0", "oid": 10**11, "crossed": False, "fee": "0.00893",
            "tid": next(numbers), "feeToken": "USDC", "twapId": None,
        }  # fmt: skip
        return way.hear(text("userFills", {"user": USER, "fills": [row]}))

    def levels(side: Side, shown: int) -> list[dict[str, object]]:
        prices = (BID - side * TICK * (1 + level) for level in range(shown))
        qty = 1 + next(numbers) % 97
        return [{"px": f"{price / 100}", "sz": f"{qty / 10}", "n": 3} for price in prices]

    def bbo() -> Callable[[], object]:
        best = [levels(side, 1)[0] for side in Side]
        return way.hear(text("bbo", {"coin": "ETH", "time": way.ms, "bbo": best}))

    def book() -> Callable[[], object]:
        both = [levels(side, 5) for side in Side]
        return way.hear(text("l2Book", {"coin": "ETH", "time": way.ms, "levels": both}))

    def trade() -> Callable[[], object]:
        row = {
            "coin": "ETH", "side": "A", "px": "1999.9", "sz": "0.1", "time": way.ms,
            "hash": "0x" + 64 * "0", "tid": next(numbers), "users": [USER, USER],
        }  # fmt: skip
        return way.hear(text("trades", [row]))

    return [
        Case("an order update to `receive`", update, 1, LIMIT_US),
        Case("a fill to `receive`", fill, 1, LIMIT_US),
        Case("a touch to the market", bbo, 1, LIMIT_US),
        Case("a book of 5 levels to the market", book, 1),
        Case("a trade to the market", trade, 1, LIMIT_US),
        Case("the market, asked for", lambda: way.sight.market, 1),
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print the table; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.bench.hyperliquid_client", description="Measure Hyperliquid's client."
    )
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="timed rounds (default 1000)")
    given = parser.parse_args(arguments)
    if given.rounds < 1:
        parser.error(f"--rounds must be positive, was {given.rounds}")
    measured = measure(cases(), given.rounds)
    print(table(measured))
    return 0 if all(one.is_met for one in measured) else 1


if __name__ == "__main__":
    sys.exit(main())
