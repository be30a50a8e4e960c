"""The best settings of a table: least or most of one number, under bounds on others.

A setting's number on a market is the median over its seeds. A bound must hold on every market;
what is minimised is the mean over the markets. A setting under which a run failed, broke an
invariant, or was over before its first cycle, is never the best.
"""

import math
import re
from collections.abc import Sequence
from statistics import fmean
from typing import Any, Final

from msgspec import Struct

from lifecycle.run.compared import Spread, spread
from lifecycle.sweep.columns import NUMBERS
from lifecycle.sweep.table import Table

_BOUND: Final = re.compile(r"\s*(\w+)\s*(>=|<=|>|<)\s*(\S+)\s*")


class AskedError(ValueError):
    """What is asked for cannot be understood; one line that says how it is written."""


class Bound(Struct, frozen=True):
    """What a number must keep to."""

    name: str
    sign: str
    limit: float

    def __str__(self) -> str:
        """Return it as it is written."""
        return f"{self.name}{self.sign}{self.limit:g}"

    def holds(self, value: float | None) -> bool:
        """Say whether a value keeps to it; one that is not there does not."""
        if value is None:
            return False
        match self.sign:
            case ">=":
                return value >= self.limit
            case "<=":
                return value <= self.limit
            case ">":
                return value > self.limit
            case _:
                return value < self.limit


class Asked(Struct, frozen=True):
    """What is the best."""

    goal: str
    is_most: bool = False
    """Whether most of the goal is the best, and not least."""
    bounds: tuple[Bound, ...] = ()


class Standing(Struct, frozen=True):
    """What came of one setting."""

    setting: dict[str, Any]
    markets: dict[str, dict[str, Spread]]
    """Each number over the seeds, by market."""
    runs: int
    failed: int
    """Of the runs."""
    violations: int
    """Broken invariants, over all runs."""
    idle: int
    """Of the runs: over before a cycle, so that nothing was called, and nothing kept either."""

    @property
    def is_sound(self) -> bool:
        """Whether every run ended, and every invariant held."""
        return not self.failed and not self.violations

    def mean(self, name: str) -> float | None:
        """Return the mean of a number over the markets; None where one of them has none."""
        medians = [numbers[name].median for numbers in self.markets.values()]
        known = [value for value in medians if value is not None]
        return fmean(known) if known and len(known) == len(medians) else None

    def holds(self, bound: Bound) -> bool:
        """Say whether a bound holds on every market."""
        return all(bound.holds(numbers[bound.name].median) for numbers in self.markets.values())

    def worst(self, bound: Bound) -> float | None:
        """Return the number of the market that is nearest to the bound, or farthest beyond it."""
        medians = [numbers[bound.name].median for numbers in self.markets.values()]
        if None in medians:
            return None
        known = [value for value in medians if value is not None]
        return min(known) if bound.sign.startswith(">") else max(known)


class Ranking(Struct, frozen=True):
    """What was asked of a table, and what it says."""

    asked: Asked
    best: tuple[Standing, ...]
    """Those that hold, the best first; where two are as good, in the table's order."""
    standings: tuple[Standing, ...]
    """All settings, in the table's order."""

    def meeting(self, bound: Bound) -> int:
        """Return how many settings keep to one of the bounds."""
        return sum(standing.holds(bound) for standing in self.standings)

    @property
    def unsound(self) -> int:
        """How many settings had runs that failed or broke an invariant."""
        return sum(not standing.is_sound for standing in self.standings)

    @property
    def idle(self) -> int:
        """How many settings had runs without a cycle."""
        return sum(standing.idle > 0 for standing in self.standings)


def number_named(word: str) -> str:
    """Return the number of this name, or the only one that begins so; raises AskedError."""
    if word in NUMBERS:
        return word
    found = [name for name in NUMBERS if name.startswith(f"{word}_")]
    if len(found) == 1:
        return found[0]
    choice = ", ".join(sorted(found or NUMBERS))
    raise AskedError(f"a number must be one of {choice}, was {word}")


def bounds_of(text: str) -> tuple[Bound, ...]:
    """Read bounds such as `presence>=0.99,staleness_rms_bps<=2`; raises AskedError."""
    found = []
    for part in text.split(","):
        match = _BOUND.fullmatch(part)
        limit = math.nan if match is None else _number(match[3])
        if match is None or math.isnan(limit):
            raise AskedError(f"a bound must be written NAME>=NUMBER or NAME<=NUMBER, was {part!r}")
        found.append(Bound(number_named(match[1]), match[2], limit))
    return tuple(found)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def ranking(table: Table, asked: Asked) -> Ranking:
    """Find the best settings of a table."""
    standings = _standings(table)
    held: list[tuple[float, Standing]] = []
    for one in standings:
        value = one.mean(asked.goal)
        if value is None or not one.is_sound or one.idle:
            continue
        if all(one.holds(bound) for bound in asked.bounds):
            held.append((-value if asked.is_most else value, one))
    held.sort(key=lambda pair: pair[0])
    return Ranking(asked, tuple(one for _, one in held), tuple(standings))


def _standings(table: Table) -> list[Standing]:
    columns = table.columns
    groups: dict[tuple[Any, ...], dict[str, list[int]]] = {}
    for row in range(len(table)):
        values = tuple(columns[name][row] for name in table.settings)
        groups.setdefault(values, {}).setdefault(columns["market"][row], []).append(row)
    found = []
    for values, markets in groups.items():
        rows = [row for of_market in markets.values() for row in of_market]
        found.append(
            Standing(
                dict(zip(table.settings, values, strict=True)),
                {name: _numbers(columns, of_market) for name, of_market in markets.items()},
                len(rows),
                sum(columns["error"][row] is not None for row in rows),
                sum(columns["violations"][row] or 0 for row in rows),
                sum(columns["cycles"][row] == 0 for row in rows),
            )
        )
    return found


def _numbers(columns: dict[str, list[Any]], rows: Sequence[int]) -> dict[str, Spread]:
    return {name: spread(columns[name][row] for row in rows) for name in NUMBERS}
