"""Measure the journal: what a record costs, how large a day is, and how long reading it takes.

    python -m tools.bench.journal [--minutes N] [--levels N] [--folder DIR] [--json FILE]

The records are those of a real run: the example bot and the order manager on the generated market
against the paper venue, a cycle each 6 s, with as many orders as there are levels on both sides.
As they are made they are appended to a journal for each setting of `synchronous`, in turns as to
which is first, beside a bare SQLite commit of one number: a slow moment hits all alike.
Settings that wait for the disk get the first records only. Between two records of a run the market
is simulated, and what an append needs has left the processor's caches, as in a bot that waits for
seconds; so the same records are appended once more in a loop. Most records go to the journal's tail
and some take many from there to SQLite, which the median does not see and the mean does. Exits 1
where the median of the loop or the size of a day misses its limit.
"""

import argparse
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Final, TypeAlias, get_args

import msgspec
from msgspec import Struct, structs

from exchange.market import Queue
from lifecycle.core.manager import OrderManager
from lifecycle.journal import Header, SqliteJournal, read_journal
from lifecycle.journal.sqlite import Synchronous
from lifecycle.run.config import MarketConfig, QuoterConfig, RunConfig
from lifecycle.run.session import Session, load_market
from lifecycle.trace import replay
from spec.trace import Cycled, Record
from tools.bench.core import Resting

DAY_MINUTES: Final = 1440.0
LEVELS: Final = 10
LIMIT_US: Final = 30.0
"""Of a record in the median, at NORMAL."""
LIMIT_MB: Final = 500.0
"""Of a day."""
WAITING: Final = ("FULL", "EXTRA")
WAITING_RECORDS: Final = 500
MOVED_ROUNDS: Final = 2000
BARE: Final = "bare commit, NORMAL"
LOOPED: Final = "NORMAL, in a loop"
BARE_LOOPED: Final = "bare commit, in a loop"

Append: TypeAlias = Callable[[Record], object]


class Cost(Struct, frozen=True):
    """What appending has cost, in microseconds."""

    name: str
    records: int
    median_us: float
    mean_us: float
    p99_us: float
    longest_us: float


class Day(Struct, frozen=True):
    """A run's journal."""

    minutes: float
    cycles: int
    records: int
    orders: float
    """Decisions of a cycle on average."""
    megabytes: float
    read_s: float
    replay_s: float

    @property
    def megabytes_a_day(self) -> float:
        """What a day of such cycles takes."""
        return self.megabytes * DAY_MINUTES / self.minutes


class Race:
    """Appends each record in every way, in turns as to which is first, and times that."""

    def __init__(self) -> None:
        self.appends: dict[str, Append] = {}
        self.times: dict[str, list[float]] = {}
        self.is_cycle: list[bool] = []

    def __call__(self, record: Record) -> None:
        """Append one record."""
        number = len(self.is_cycle)
        self.is_cycle.append(isinstance(record, Cycled))
        names = [name for name in self.appends if number < WAITING_RECORDS or name not in WAITING]
        first = number % len(names)
        for name in names[first:] + names[:first]:
            self.times.setdefault(name, []).append(_time(self.appends[name], record))

    def costs(self) -> list[Cost]:
        """Sum up, the yardstick first, NORMAL by the kind of record as well."""
        found = [cost(name, self.times[name]) for name in self.appends]
        for name, is_cycle in (("NORMAL, cycles", True), ("NORMAL, all others", False)):
            both = zip(self.times["NORMAL"], self.is_cycle, strict=True)
            found.append(cost(name, [took for took, one in both if one is is_cycle]))
        return found


def run(minutes: float, levels: int, folder: Path) -> tuple[Header, list[Cost]]:
    """Play a run that writes every journal; returns their header, and what that has cost."""
    config = RunConfig(market=MarketConfig(minutes=minutes), quoter=QuoterConfig(levels=levels))
    race = Race()
    market = load_market(config.market, config.venue)
    session = Session(config, "stable", market, watch=False, sinks=(race,))
    header = Header.of_now("0", market.instrument, session.venue.capabilities, session.config)
    with ExitStack() as stack:
        race.appends[BARE] = stack.enter_context(_bare(folder / "bare.sqlite"))
        for setting in get_args(Synchronous):
            path = folder / f"{setting}.journal"
            journal = SqliteJournal.create(path, header, synchronous=setting)
            race.appends[setting] = stack.enter_context(closing(journal)).append
        while session.step():
            pass
    return header, race.costs()


def moved(levels: int) -> list[Record]:
    """Return two cycles that have nothing in common: all orders modified, there and back."""
    resting = Resting(levels)
    found: list[Record] = []
    for _ in range(2):
        resting.settle()
        resting.wait()
        queues = {cloid: Queue(12_345, 6_789) for cloid in resting.manager.open_orders}
        market = structs.replace(resting.market, at=resting.now, queues=queues)
        plan = resting.manager.cycle(resting.now, resting.moved, market)
        found.append(Cycled(resting.now, resting.moved, market, plan))
    return found


def looped(path: Path, folder: Path) -> list[Cost]:
    """Append what a journal holds once more, with nothing in between but a bare commit."""
    recording = read_journal(path)
    bare: list[float] = []
    ours: list[float] = []
    journal = SqliteJournal.create(folder / "looped.journal", recording.header)
    with _bare(folder / "looped.sqlite") as append, closing(journal):
        for record in recording.records():
            bare.append(_time(append, record))
            ours.append(_time(journal.append, record))
    return [cost(BARE_LOOPED, bare), cost(LOOPED, ours)]


def moved_cost(header: Header, levels: int, folder: Path) -> Cost:
    """Append cycles in which everything differs from the last, which is the worst case."""
    there, back = moved(levels)
    journal = SqliteJournal.create(folder / "moved.journal", header)
    with closing(journal):
        times = [
            _time(journal.append, record)
            for _ in range(MOVED_ROUNDS // 2)
            for record in (there, back)
        ]
    return cost(f"NORMAL, 2x{levels} all moved", times)


def cost(name: str, times: Sequence[float]) -> Cost:
    """Sum up times, in microseconds."""
    ordered = sorted(times)
    count = len(ordered)
    p99 = ordered[count * 99 // 100]
    return Cost(name, count, ordered[count // 2], sum(ordered) / count, p99, ordered[-1])


def day(path: Path, minutes: float) -> Day:
    """Read a closed journal, and replay it."""
    start = time.perf_counter()
    recording = read_journal(path)
    records = list(recording.records())
    read = time.perf_counter()
    header = recording.header
    manager = OrderManager(
        header.instrument,
        config=header.config,
        capabilities=header.capabilities,
        session=header.session,
    )
    replay(manager, records)
    end = time.perf_counter()
    decided = [len(one.plan.decisions) for one in records if isinstance(one, Cycled)]
    return Day(
        minutes=minutes,
        cycles=len(decided),
        records=len(records),
        orders=sum(decided) / max(1, len(decided)),
        megabytes=path.stat().st_size / 1e6,
        read_s=read - start,
        replay_s=end - read,
    )


@contextmanager
def _bare(path: Path) -> Iterator[Append]:
    """Open the yardstick: a table of one number, with a commit each."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("CREATE TABLE number (value INTEGER)")
    with closing(connection):
        yield lambda _: connection.execute("INSERT INTO number VALUES (1)")


def _time(append: Append, record: Record) -> float:
    """Return how long appending a record takes, in microseconds."""
    start = time.perf_counter_ns()
    append(record)
    return (time.perf_counter_ns() - start) / 1000


def table(found: Sequence[Cost]) -> str:
    """Return the costs as text, a line each."""
    lines = [f"{'':24} {'records':>8} {'median':>11} {'mean':>11} {'p99':>11} {'longest':>12}"]
    lines += [
        f"{one.name:24} {one.records:8} {one.median_us:8.1f} µs {one.mean_us:8.1f} µs "
        f"{one.p99_us:8.1f} µs {one.longest_us:9.1f} µs"
        for one in found
    ]
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print the tables, and write them where that was asked for; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tools.bench.journal", description=__doc__)
    parser.add_argument("--minutes", type=float, default=DAY_MINUTES, help="of the run; one day")
    parser.add_argument("--levels", type=int, default=LEVELS, help="of each side (default 10)")
    parser.add_argument("--folder", type=Path, help="on the disk to measure; default temporary")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the numbers there")
    given = parser.parse_args(arguments)
    if given.minutes <= 0 or given.levels < 1:
        parser.error("--minutes and --levels must be positive")
    with tempfile.TemporaryDirectory(dir=given.folder) as name:
        folder = Path(name)
        header, found = run(given.minutes, given.levels, folder)
        found += looped(folder / "NORMAL.journal", folder)
        found.append(moved_cost(header, given.levels, folder))
        one = day(folder / "NORMAL.journal", given.minutes)
    print(table(found))
    print(
        f"\n{one.cycles} cycles with {one.orders:.1f} decisions, {one.records} records: "
        f"{one.megabytes:.1f} MB ({one.megabytes_a_day:.0f} MB a day), "
        f"read in {one.read_s:.1f} s, replayed in {one.replay_s:.1f} s"
    )
    if given.json is not None:
        told = {"costs": found, "day": one}
        given.json.write_bytes(msgspec.json.format(msgspec.json.encode(told)) + b"\n")
    normal = next(cost for cost in found if cost.name == LOOPED)
    return 0 if normal.median_us < LIMIT_US and one.megabytes_a_day < LIMIT_MB else 1


if __name__ == "__main__":
    sys.exit(main())
