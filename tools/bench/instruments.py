"""Many instruments: what a cycle over all of them costs, and an order in ten or a hundred thousand.

    python -m tools.bench.instruments [--largest N] [--json FILE]

A cycle is over all instruments, with ladders of ten a side: unchanged, and with every order moved.
Reports are handed over one by one, each with its record in a journal on disk.
"""

import argparse
import gc
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path
from statistics import median
from typing import Final

import msgspec
from msgspec import Struct

from exchange.commands import Modify, Place
from exchange.instrument import Instrument
from exchange.reports import Accepted, Fill, Modified
from exchange.units import SECOND, Nanos
from exchange.venue import Capabilities
from lifecycle.compiled import core_word
from lifecycle.config import Config, QuotaConfig, RiskConfig
from lifecycle.core.portfolio import Cycle, Portfolio, Quote
from lifecycle.journal.base import Header
from lifecycle.journal.portfolio import PortfolioJournal
from tools.bench.core import MID, SHIFT, book, ladder

LEVELS: Final = 10
SIZES: Final = (10, 100, 1_000, 10_000, 100_000)
MANY: Final = 500
ROUNDS: Final = 7
CONFIG: Final = Config(
    quota=QuotaConfig(cap=10**9), risk=RiskConfig(collar_bps=9_999.0, requests_per_minute=10**7)
)


class Size(Struct, frozen=True):
    """What so many orders cost."""

    instruments: int
    orders: int
    unchanged_ms: float
    moved_ms: float

    @property
    def unchanged_us(self) -> float:
        """Of one order."""
        return 1000 * self.unchanged_ms / self.orders

    @property
    def moved_us(self) -> float:
        """Of one order."""
        return 1000 * self.moved_ms / self.orders


class Crowd:
    """A portfolio whose ladders rest."""

    def __init__(self, instruments: int, levels: int = LEVELS) -> None:
        self.instruments = tuple(
            Instrument(f"C{number}", price_unit=Decimal("0.1"), lot=Decimal("0.0001"))
            for number in range(instruments)
        )
        self.portfolio = Portfolio(self.instruments, config=CONFIG, session="bench")
        self.symbols = [one.symbol for one in self.instruments]
        self.now: Nanos = 0
        self.oids = 0
        self.here, self.there = ladder(levels), ladder(levels, SHIFT, 2_000)
        self.answer(self.cycle())

    def quotes(self) -> dict[str, Quote]:
        """Return what is wanted of every instrument now."""
        quote = Quote(self.here, book(self.now))
        return dict.fromkeys(self.symbols, quote)

    def cycle(self) -> Cycle:
        """Run one cycle over all."""
        return self.portfolio.cycle(self.now, self.quotes())

    def answer(self, cycle: Cycle) -> None:
        """Grant everything that was sent."""
        receive, now = self.portfolio.receive, self.now
        for batch in cycle.batches:
            for sent in batch:
                one = sent.command
                self.oids += 1
                if isinstance(one, Place):
                    receive(sent.symbol, Accepted(now, one.cloid, str(self.oids), one.request), now)
                elif isinstance(one, Modify):
                    done = Modified(now, one.cloid, str(self.oids), one.qty, one.price, one.request)
                    receive(sent.symbol, done, now)

    def move(self) -> float:
        """Time a cycle in which every order moves, in milliseconds; then have it granted."""
        self.now += SECOND
        self.portfolio.tick(self.now)
        self.here, self.there = self.there, self.here
        took, cycle = _timed(self.cycle)
        sent = sum(len(batch) for batch in cycle.batches)
        assert sent >= self.portfolio.open_orders, f"all must move, did {sent}"
        self.answer(cycle)
        return took

    def stay(self) -> float:
        """Time a cycle in which nothing has happened, in milliseconds."""
        self.cycle()
        took, cycle = _timed(self.cycle)
        assert not cycle.batches, "nothing must move"
        return took


def size(orders: int) -> Size:
    """Measure so many orders, in ladders of ten a side as far as they reach."""
    instruments = max(1, orders // (2 * LEVELS))
    crowd = Crowd(instruments, LEVELS if orders >= 2 * LEVELS else orders // 2)
    moved = [crowd.move() for _ in range(ROUNDS)]
    unchanged = [crowd.stay() for _ in range(ROUNDS)]
    return Size(instruments, crowd.portfolio.open_orders, median(unchanged), median(moved))


def reports_per_second(count: int, folder: Path) -> float:
    """Return how many reports a second are received, each with its record on disk."""
    crowd = Crowd(MANY)
    header = Header.of_now(
        "bench", crowd.instruments[0], Capabilities(), CONFIG, portfolio=crowd.instruments
    )
    journal = PortfolioJournal.create(folder / "bench.journal", header)
    crowd.portfolio.keep_in(journal.append)
    orders = [
        (symbol, order)
        for symbol in crowd.symbols
        for order in crowd.portfolio.managers[symbol].open_orders.values()
    ]
    now = crowd.now + SECOND
    made = [
        (symbol, Fill(now, order.cloid, order.oid or "", 1, MID, f"t{number}"))
        for number, (symbol, order) in enumerate((orders * (count // len(orders) + 1))[:count])
    ]
    receive = crowd.portfolio.receive
    start = time.perf_counter_ns()
    for symbol, fill in made:
        receive(symbol, fill, now)
    took = time.perf_counter_ns() - start
    journal.close()
    return count * SECOND / took


def _timed(act: Callable[[], Cycle]) -> tuple[float, Cycle]:
    start = time.perf_counter_ns()
    cycle = act()
    return (time.perf_counter_ns() - start) / 1e6, cycle


def table(sizes: Sequence[Size]) -> str:
    """Return the sizes as text, a line each."""
    lines = [f"{'orders':>9} {'unchanged':>13} {'an order':>11} {'all moved':>13} {'an order':>11}"]
    lines += [
        f"{one.orders:>9,} {one.unchanged_ms:>10.3f} ms {one.unchanged_us:>8.3f} µs "
        f"{one.moved_ms:>10.3f} ms {one.moved_us:>8.3f} µs"
        for one in sizes
    ]
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, and write where that was asked for."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.bench.instruments", description="Measure many instruments."
    )
    parser.add_argument("--largest", type=int, default=SIZES[-1], help="orders (default 100,000)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the medians there")
    given = parser.parse_args(arguments)
    if given.largest < SIZES[0]:
        parser.error(f"--largest must be at least {SIZES[0]}, was {given.largest}")
    print(f"{core_word()}, medians of {ROUNDS}")
    sizes = []
    gc.disable()
    for orders in (*(one for one in SIZES if one <= given.largest), MANY * 2 * LEVELS):
        sizes.append(size(orders))
        gc.collect()
    print(table(sizes))
    with tempfile.TemporaryDirectory() as folder:
        rate = reports_per_second(20_000, Path(folder))
    print(f"reports received and journalled: {rate:,.0f} a second")
    if given.json is not None:
        found = {"core": core_word(), "sizes": sizes, "reports_per_second": rate}
        given.json.write_bytes(msgspec.json.format(msgspec.json.encode(found)) + b"\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
