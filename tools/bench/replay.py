"""Measure how fast a market is replayed: venue, bot and order manager, with ten orders a side.

    python -m tools.bench.replay [FILE] [--minutes N] [--rounds N] [--json FILE]

The example bot quotes ten orders a side each 6 s, and the manager has all six layers (`stable`). A
recorded market, if one is given, is read and then run; a generated one is made while it runs, and
some minutes of it are scaled to a day. Each runs on the plain loop, in bulk, and in bulk with every
record held to the invariants, in turns, so that a slow moment of the machine hits all alike; what
counts is the processor's time, the median of the rounds. Reading the file, and taking down what
becomes of its book and what the bot estimates from it, which is done once for all runs of a
recording, stand apart.

Exits 1 where both loops do not come to the same, or a limit is missed.

Others have published, on machines of their own and without an order manager: NautilusTrader 92,000
quote ticks a second with a Python strategy, hftbacktest 3.2 to 6.5 million feed events a second.
These figures are carried over, not measured here.
"""

import argparse
import platform
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from statistics import median
from typing import Final, TypeVar

import msgspec
from msgspec import Struct

from exchange.paper.tape import Tape
from lifecycle.bot.evidence import evidence_of
from lifecycle.compiled import core_word
from lifecycle.run.config import MarketConfig, QuoterConfig, RunConfig
from lifecycle.run.frame import Summary
from lifecycle.run.market import LoadedMarket, load_market
from lifecycle.run.session import Session

LEVELS: Final = 10
POLICY: Final = "stable"
ROUNDS: Final = 5
MINUTES: Final = 30.0
DAY_MINUTES: Final = 1440.0
LIMIT_A_SECOND: Final = 1_000_000
"""Rows of the recording, once it is read."""
LIMIT_DAY_S: Final = 10.0
PLAIN, BULK, WATCHED = "plain loop", "in bulk", "in bulk, watched"
READ: Final = "reading the file"
COURSE: Final = "taking down its book"

_T = TypeVar("_T")


class Speed(Struct, frozen=True):
    """How long one way to play a market takes."""

    name: str
    seconds: float
    """Of the processor, the median of the rounds."""
    rows_a_second: float
    ratio: float
    """How many times the plain loop takes."""


class Played(Struct, frozen=True):
    """One market, played in every way."""

    market: str
    rows: int
    cycles: int
    minutes: float
    """Of the market."""
    are_equal: bool
    """Whether both loops have come to the same summary."""
    before: dict[str, float]
    """What is done once, before the first run: seconds by name."""
    speeds: list[Speed]

    def seconds(self, name: str) -> float:
        """Return how long one way takes."""
        return next(speed.seconds for speed in self.speeds if speed.name == name)

    @property
    def day_s(self) -> float:
        """How long a day in bulk would take, in seconds."""
        return self.seconds(BULK) * DAY_MINUTES / self.minutes

    @property
    def rows_a_second(self) -> float:
        """Rows a second in bulk, after reading."""
        return self.rows / self.seconds(BULK)


def spent(act: Callable[[], _T]) -> tuple[float, _T]:
    """Do something; returns the processor's seconds that it took, and what came of it."""
    start = time.process_time()
    found = act()
    return time.process_time() - start, found


def plainly(market: LoadedMarket) -> LoadedMarket:
    """Return a market as rows alone, which a venue plays one by one."""
    return LoadedMarket(
        name=market.name,
        instrument=market.instrument,
        start=market.start,
        end=market.end,
        source=lambda: iter(market.source()),
    )


def finished(config: RunConfig, market: LoadedMarket, *, watch: bool) -> Summary:
    """Run to the end."""
    session = Session(config, POLICY, market, watch=watch)
    while session.step():
        pass
    return session.summary()


def config_of(file: Path | None, minutes: float) -> RunConfig:
    """Return the configuration of a recording, or of so many generated minutes."""
    where = MarketConfig(minutes=minutes) if file is None else MarketConfig(file=str(file))
    return RunConfig(market=where, quoter=QuoterConfig(levels=LEVELS))


def play(config: RunConfig, rounds: int) -> Played:
    """Play one market in every way, so many times each."""
    reading, market = spent(lambda: load_market(config.market, config.venue))
    before = {READ: reading, COURSE: _course_s(market)} if config.market.file is not None else {}
    plain = plainly(market)
    ways = {PLAIN: (plain, False), BULK: (market, False), WATCHED: (market, True)}
    times: dict[str, list[float]] = {name: [] for name in ways}
    summaries: dict[str, Summary] = {}
    for turn in range(-1, rounds):
        for name, (where, watch) in ways.items():
            took, summaries[name] = spent(partial(finished, config, where, watch=watch))
            # The first round warms the caches up.
            if turn >= 0:
                times[name].append(took)
    medians = {name: median(found) for name, found in times.items()}
    summary = summaries[BULK]
    return Played(
        market=market.name,
        rows=summary.rows,
        cycles=summary.cycles,
        minutes=summary.seconds / 60,
        are_equal=summaries[PLAIN] == summary,
        before=before,
        speeds=[
            Speed(name, took, summary.rows / took, medians[PLAIN] / took)
            for name, took in medians.items()
        ],
    )


def _course_s(market: LoadedMarket) -> float:
    """Return how long it takes to take down a recording's book, and what the bot makes of it."""
    source = market.tape()
    if not isinstance(source, Tape):
        return 0.0
    took, course = spent(lambda: next(iter(source.courses())))
    return took + spent(lambda: evidence_of(course.columns))[0]


def table(played: Sequence[Played]) -> str:
    """Return the numbers as text, a line each."""
    lines = []
    for one in played:
        same = "both loops come to the same" if one.are_equal else "THE LOOPS DIFFER"
        lines.append(
            f"{one.market}: {one.rows:,} rows, {one.cycles} cycles, "
            f"{one.minutes:.1f} minutes; {same}"
        )
        lines += [f"  {name:<22}{took:>9.3f} s" for name, took in one.before.items()]
        lines += [
            f"  {way.name:<22}{way.seconds:>9.3f} s{way.rows_a_second:>12,.0f} rows/s"
            f"{way.ratio:>7.1f}×"
            for way in one.speeds
        ]
        if one.before:
            whole = one.rows / (sum(one.before.values()) + one.seconds(BULK))
            lines.append(f"  {'in bulk, with reading':<22}{'':>11}{whole:>12,.0f} rows/s")
        else:
            lines.append(f"  {'a day in bulk':<22}{one.day_s:>9.1f} s")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, and write what was asked for; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.bench.replay", description="Measure how fast a market is replayed."
    )
    parser.add_argument("file", nargs="?", type=Path, help="a recorded market as well")
    parser.add_argument(
        "--minutes", type=float, default=MINUTES, help=f"of a generated market ({MINUTES:g})"
    )
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"of each way ({ROUNDS})")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the numbers there")
    given = parser.parse_args(arguments)
    if given.rounds < 1 or not given.minutes > 0:
        parser.error(
            f"--rounds and --minutes must be positive, was {given.rounds}, {given.minutes}"
        )
    files: list[Path | None] = [None]
    if given.file is None:
        print("no recording is given: only a generated market is played", file=sys.stderr)
    elif not given.file.exists():
        parser.error(f"file must be a recorded market, was {given.file}, which is not there")
    else:
        files.append(given.file)
    played = []
    for file in files:
        print(f"playing {file or 'a generated market'}", file=sys.stderr, flush=True)
        played.append(play(config_of(file, given.minutes), given.rounds))
    day = time.strftime("%Y-%m-%d")
    print(f"{core_word()}, Python {platform.python_version()}, {day}, medians")
    print(table(played))
    if given.json is not None:
        given.json.write_bytes(msgspec.json.format(msgspec.json.encode(played)) + b"\n")
    return 0 if all(one.are_equal and _is_met(one) for one in played) else 1


def _is_met(one: Played) -> bool:
    """Whether a market's limit is kept."""
    return one.rows_a_second >= LIMIT_A_SECOND if one.before else one.day_s <= LIMIT_DAY_S


if __name__ == "__main__":
    sys.exit(main())
