"""Measure what journalling and forwarding leave of the manager's speed, and how fast both are.

    python -m tools.bench.fleet [--rounds N] [--folder DIR] [--json FILE]

Fills of resting orders, one after the other, as fast as they are taken: by the manager alone, by
one that keeps a journal, and by one whose journal is forwarded to a PostgreSQL server meanwhile, in
turns as to which is first. Then what such a journal holds is forwarded in one go, as after a night
without the database. The server is started for this; where none is installed, that is said, and
left out. Exits 1 where fewer reports a second are taken with the journal than must be.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from itertools import count
from pathlib import Path
from statistics import median
from typing import Final

import msgspec
from msgspec import Struct

from exchange.reports import Fill
from exchange.units import SECOND
from lifecycle.core.manager import CANCEL_REPLACE
from lifecycle.core.traced import TracedManager
from lifecycle.drive.recovery import new_session
from lifecycle.journal import Header, SqliteJournal
from lifecycle.journal.address import Address
from lifecycle.journal.forward import FleetJournal, forward
from spec.trace import Record
from tools.bench.core import CONFIG, INSTRUMENT, Resting
from tools.postgres import Server, programs

ROUNDS: Final = 5
FILLS: Final = 900
"""Of each order, a lot each: it goes on resting."""
LEVELS: Final = 10
LIMIT_A_SECOND: Final = 20_000
"""Reports taken with the journal on."""
LONG_S: Final = 600.0


class Taken(Struct, frozen=True):
    """Reports taken in one way."""

    name: str
    reports: int
    a_second: float
    """The median of the rounds."""
    slowest: float
    fastest: float


class Measured(Struct, frozen=True):
    """What was measured."""

    taken: list[Taken]
    forwarded_a_second: float | None
    """Records, catching up; None where there is no server."""
    bytes_a_record: float


def run(rounds: int, folder: Path, tell: Callable[[str], None]) -> Measured:
    """Measure it, in a folder on the disk to be measured."""
    numbers = count()

    def header() -> Header:
        return Header.of_now(new_session(), INSTRUMENT, CANCEL_REPLACE, CONFIG)

    def file() -> SqliteJournal:
        return SqliteJournal.create(folder / f"{next(numbers)}.journal", header())

    with ExitStack() as stack:
        ways: dict[str, Callable[[], float]] = {
            "manager alone": lambda: taken(lambda _: None),
            "with its journal": lambda: journalled(file()),
        }
        address = stack.enter_context(_server(tell))
        if address is not None:
            ways["journal forwarded"] = lambda: journalled(FleetJournal(file(), address))
        times: dict[str, list[float]] = {name: [] for name in ways}
        for number in range(rounds):
            names = list(ways)
            first = number % len(names)
            for name in names[first:] + names[:first]:
                times[name].append(ways[name]())
            tell(f"round {number + 1} of {rounds}")
        reports = 2 * LEVELS * FILLS
        found = [
            Taken(name, reports, reports / median(each), reports / max(each), reports / min(each))
            for name, each in times.items()
        ]
        speed, size = catch_up(file(), address)
    return Measured(found, speed, size)


def taken(append: Callable[[Record], None]) -> float:
    """Return for how many seconds a manager takes fills of all its orders."""
    resting = Resting(LEVELS)
    orders = list(resting.manager.open_orders.values())
    now = resting.now + SECOND
    fills = [
        Fill(now, order.cloid, order.oid or "", 1, order.price, f"{number}")
        for number in range(FILLS)
        for order in orders
    ]
    receive = TracedManager(resting.manager, append).receive
    start = time.perf_counter()
    for fill in fills:
        receive(fill, now)
    return time.perf_counter() - start


def journalled(journal: SqliteJournal | FleetJournal) -> float:
    """Return the same for a manager that keeps this journal, which is then closed."""
    with closing(journal):
        took = taken(journal.append)
        if isinstance(journal, FleetJournal):
            journal.settle(LONG_S)
    return took


def catch_up(journal: SqliteJournal, address: Address | None) -> tuple[float | None, float]:
    """Forward a whole journal; returns records a second, if there is a server, and their size."""
    with closing(journal):
        taken(journal.append)
        size = sum(len(body) for _, _, body in journal.rows(0, journal.count)) / journal.count
        if address is None:
            return None, size
        start = time.perf_counter()
        forward(journal, address)
        return journal.count / (time.perf_counter() - start), size


@contextmanager
def _server(tell: Callable[[str], None]) -> Iterator[Address | None]:
    found = programs()
    if found is None:
        tell("no PostgreSQL server is installed here: forwarding is not measured")
        yield None
        return
    with Server(found) as server:
        yield Address.parse(server.url())


def table(found: Measured) -> str:
    """Return the numbers as text, a line each."""
    base = found.taken[0].a_second
    lines = [f"{'':20} {'reports/s':>10} {'slowest':>10} {'fastest':>10} {'share':>6}"]
    lines += [
        f"{one.name:20} {one.a_second:10,.0f} {one.slowest:10,.0f} {one.fastest:10,.0f} "
        f"{one.a_second / base:6.2f}"
        for one in found.taken
    ]
    if found.forwarded_a_second is not None:
        lines.append(
            f"\ncatching up: {found.forwarded_a_second:,.0f} records of "
            f"{found.bytes_a_record:.0f} bytes a second"
        )
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, and write what was asked for; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tools.bench.fleet", description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"default {ROUNDS}")
    parser.add_argument("--folder", type=Path, help="on the disk to measure; default temporary")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the numbers there")
    given = parser.parse_args(arguments)
    if given.rounds < 1:
        parser.error("--rounds must be positive")
    with tempfile.TemporaryDirectory(dir=given.folder) as name:
        found = run(given.rounds, Path(name), lambda line: print(line, file=sys.stderr))
    print(table(found))
    if given.json is not None:
        given.json.write_bytes(msgspec.json.format(msgspec.json.encode(found)) + b"\n")
    with_journal = found.taken[1]
    return 0 if with_journal.a_second >= LIMIT_A_SECOND else 1


if __name__ == "__main__":
    sys.exit(main())
