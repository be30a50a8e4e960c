"""Measures the queue estimate against the truth, on a market that was recorded order by order.

    python -m tools.bench.queue FILE

Real orders are followed as if they were ours, from the row that adds them to the one that removes
them. Where they truly stand is read off the single orders; the estimators are told what a bot
would be told: sizes of levels and trades. What is compared is the share of the level that stands
behind us. Its error is weighted by time, and by changes of the level as the estimator saw them.

Followed is every order that joins others; where nobody is ahead there is nothing to estimate. Each
has estimators of its own, for which all other orders are those of others. Orders from before the
recording are unknown to both sides. The halves of the recording are scored apart: what is chosen is
chosen on the first.
"""

import argparse
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import log1p, sqrt
from pathlib import Path
from typing import Final, NamedTuple, TypeAlias

from exchange.market import Queue, Row, RowKind
from exchange.paper.book import Levels, SingleOrders
from exchange.queue_estimate import (
    ALL_BEHIND,
    BY_SIZE,
    PRO_RATA,
    CancelModel,
    QueueEstimator,
    front,
)
from exchange.recording import open_recording
from exchange.units import BPS, MILLISECOND, SECOND, Nanos, Price, Qty
from exchange.words import Side

RECORDING: Final = Path("bts_btc_20150501_am.csv.gz")
NEAR_BPS: Final = 20
"""An order that joins within so much of the touch is near it."""
FEEDS: Final[Mapping[str, Nanos]] = {
    "every change of a level": 0,
    "levels every 0.5 s": 500 * MILLISECOND,
    "levels every 2 s": 2 * SECOND,
}
"""How often sizes of levels are seen; trades are always seen at once."""


Key: TypeAlias = tuple[int, Price]
"""A side and a price."""


class ByLogarithm(CancelModel, frozen=True):
    """Splits by the logarithms of what stands ahead and behind, as backtests do."""

    def cut(self, decrease: Qty, ahead: Qty, behind: Qty) -> Qty:
        """Return how much of a decrease stood ahead."""
        weights = log1p(ahead) + log1p(behind)
        cut = round(decrease * log1p(ahead) / weights)
        return min(ahead, max(cut, decrease - behind))


class Candidate(NamedTuple):
    """One way to estimate."""

    model: CancelModel
    is_watching: bool = False
    """Whether it is told of levels before we rest there."""


CANDIDATES: Final[Mapping[str, Candidate]] = {
    "all behind us": Candidate(ALL_BEHIND),
    "pro rata": Candidate(PRO_RATA),
    "logarithm": Candidate(ByLogarithm(by_size=False)),
    "power 2": Candidate(CancelModel(by_size=False, power=2)),
    "power 4": Candidate(CancelModel(by_size=False, power=4)),
    "by size": Candidate(BY_SIZE, is_watching=True),
    "by size, else pro rata": Candidate(CancelModel(power=1), is_watching=True),
    "by size, else power 4": Candidate(CancelModel(power=4), is_watching=True),
    "unseen: by size": Candidate(BY_SIZE),
    "unseen: by size, else pro rata": Candidate(CancelModel(power=1)),
    "unseen: by size, else power 4": Candidate(CancelModel(power=4)),
}
"""What is measured, by name; unseen: told of a level only from when we rest there."""
DEFAULT: Final = "by size"


@dataclass(slots=True)
class Errors:
    """Errors of one candidate, added up with their weights."""

    weight: float = 0.0
    squares: float = 0.0
    sizes: float = 0.0

    def add(self, error: float, weight: float) -> None:
        """Count one error."""
        self.weight += weight
        self.squares += weight * error * error
        self.sizes += weight * abs(error)

    @property
    def rms(self) -> float:
        """Return the root of the mean square, 0 where nothing was counted."""
        return sqrt(self.squares / self.weight) if self.weight else 0.0

    @property
    def mean(self) -> float:
        """Return the mean size of an error, 0 where nothing was counted."""
        return self.sizes / self.weight if self.weight else 0.0


@dataclass(slots=True)
class Score:
    """How far one candidate was off."""

    by_time: Errors = field(default_factory=Errors)
    by_change: Errors = field(default_factory=Errors)


class Group(NamedTuple):
    """Which moments a score is about."""

    is_second_half: bool
    is_near: bool


@dataclass(slots=True)
class Followed:
    """A real order that is taken for ours."""

    oid: str
    is_near: bool
    estimators: Sequence[QueueEstimator]
    """One of each candidate."""
    since: Nanos
    """Up to when its errors are counted."""
    truth: float = 0.0
    estimates: Sequence[float] = ()


@dataclass(slots=True)
class Outcome:
    """What one replay has found."""

    scores: dict[Group, list[Score]]
    """In the order of the candidates."""
    orders: dict[Group, int]
    """How many orders were followed, by when and where they joined."""


class Replay:
    """One pass over the recording, all candidates side by side."""

    def __init__(self, candidates: Iterable[Candidate], every: Nanos, middle: Nanos) -> None:
        """Show levels `every` so often, 0 at each change; `middle` starts the second half."""
        self._candidates: Final = tuple(candidates)
        self._every: Final = every
        self._middle: Final = middle
        self._singles: Final = SingleOrders()
        self._books: Final = {1: Levels(1), -1: Levels(-1)}
        # It knows the levels that none of ours has joined yet; without ours no power matters.
        self._watcher: Final = QueueEstimator()
        self._followed: Final[dict[Key, dict[str, Followed]]] = {}
        self._changed: Final[dict[Key, None]] = {}
        self._next_look: Nanos = 0
        groups = [Group(half, near) for half in (False, True) for near in (False, True)]
        self.outcome: Final = Outcome(
            {group: [Score() for _ in self._candidates] for group in groups},
            dict.fromkeys(groups, 0),
        )

    def row(self, row: Row) -> None:
        """Apply what happened to a single order."""
        ts, side, price, qty, oid, act = row.ts, row.side, row.price, row.qty, row.oid, row.act
        if act == "X":
            return
        if self._every and ts >= self._next_look:
            self._look(ts)
            self._next_look = ts - ts % self._every + self._every
        old = self._singles.where(oid)
        if act != "A":
            if old is None:
                # It rested since before the recording.
                return
            side, price = old
        qty = 0 if act in {"C", "P"} else qty
        key = (side, price)
        self._count(ts, key)
        if act == "A":
            self._join(ts, key, oid, qty)
        before = self._singles.put(oid, side, price, qty)
        self._books[side].put(price, sum(self._singles.level(side, price).values()))
        if act == "F":
            self._trade(key, oid, before - qty, qty)
        if not qty and key in self._followed:
            self._followed[key].pop(oid, None)
        self._changed[key] = None
        if not self._every:
            self._look(ts)
        self._compare(key)

    def _join(self, ts: Nanos, key: Key, oid: str, qty: Qty) -> None:
        """Follow a new order where it joins others."""
        side, price = key
        level_qty = sum(self._singles.level(side, price).values())
        if not level_qty:
            return
        best = self._books[side].best
        is_near = (best - price) * side * BPS <= NEAR_BPS * best
        estimators = []
        for candidate in self._candidates:
            estimator = QueueEstimator(candidate.model, shows_ours=True)
            if candidate.is_watching:
                size = 0
                for arrival in self._watcher.arrivals(Side(side), price):
                    size += arrival
                    estimator.on_level(Side(side), price, size)
            estimator.rest(oid, Side(side), price, qty, level_qty)
            estimators.append(estimator)
        self._followed.setdefault(key, {})[oid] = Followed(oid, is_near, estimators, ts)
        self.outcome.orders[Group(ts >= self._middle, is_near)] += 1

    def _trade(self, key: Key, oid: str, qty: Qty, leaves: Qty) -> None:
        """Tell of a trade that hit the order `oid`, and tell that order of its fill."""
        side, price = Side(key[0]), key[1]
        self._watcher.on_trade(side, price, qty)
        for ours in self._followed.get(key, {}).values():
            for estimator in ours.estimators:
                estimator.on_trade(side, price, qty)
                if ours.oid == oid:
                    estimator.filled(oid, leaves)

    def _look(self, ts: Nanos) -> None:
        """Show the estimators the levels that have changed."""
        for key in self._changed:
            self._count(ts, key)
            side, price = Side(key[0]), key[1]
            size = self._books[side].sizes.get(price, 0)
            self._watcher.on_level(side, price, size)
            for ours in self._followed.get(key, {}).values():
                for estimator in ours.estimators:
                    estimator.on_level(side, price, size)
            self._compare(key)
            for ours in self._followed.get(key, {}).values():
                scores = self.outcome.scores[Group(ts >= self._middle, ours.is_near)]
                for score, estimate in zip(scores, ours.estimates, strict=True):
                    score.by_change.add(estimate - ours.truth, 1.0)
        self._changed.clear()

    def _compare(self, key: Key) -> None:
        """Bring truth and estimates of the orders followed at a level up to date."""
        followed = self._followed.get(key)
        if not followed:
            return
        level = self._singles.level(*key)
        total, ahead = sum(level.values()), 0
        for oid, qty in level.items():
            ours = followed.get(oid)
            if ours is not None:
                ours.truth = front(Queue(ahead, total - ahead - qty))
                queues = [estimator.queue(oid) for estimator in ours.estimators]
                ours.estimates = [front(queue) for queue in queues if queue is not None]
            ahead += qty

    def _count(self, ts: Nanos, key: Key) -> None:
        """Count the errors that have stood since the last change."""
        for ours in self._followed.get(key, {}).values():
            seconds = (ts - ours.since) / SECOND
            if not seconds:
                # Of one that has just joined nothing has been compared.
                continue
            ours.since = ts
            scores = self.outcome.scores[Group(ts >= self._middle, ours.is_near)]
            for score, estimate in zip(scores, ours.estimates, strict=True):
                score.by_time.add(estimate - ours.truth, seconds)


def measure(
    rows: Iterable[Row], middle: Nanos, every: Nanos, candidates: Mapping[str, Candidate]
) -> Outcome:
    """Replay the single orders among `rows`; levels are seen `every` so often."""
    replay = Replay(candidates.values(), every, middle)
    for row in rows:
        if row.kind == RowKind.L3:
            replay.row(row)
    return replay.outcome


def merged(outcome: Outcome, is_second_half: bool) -> list[Score]:
    """Return the scores of one half, wherever the orders joined."""
    near, far = (outcome.scores[Group(is_second_half, is_near)] for is_near in (True, False))
    return [
        Score(
            *(
                Errors(a.weight + b.weight, a.squares + b.squares, a.sizes + b.sizes)
                for a, b in ((one.by_time, two.by_time), (one.by_change, two.by_change))
            )
        )
        for one, two in zip(near, far, strict=True)
    ]


def table(feed: str, outcome: Outcome, names: Iterable[str]) -> str:
    """Write the errors as text, a candidate a line."""
    orders = outcome.orders
    counts = [orders[Group(half, near)] for half in (False, True) for near in (True, False)]
    lines = [
        "{}; orders near and far: first half {:,} and {:,}, second {:,} and {:,}".format(
            feed, *counts
        ),
        f"{'':<32}{'first half':^16}{'second half':^48}",
        f"{'':<32}{'near':^16}{'near':^16}{'near, by change':^16}{'anywhere':^16}",
        " " * 32 + f"{'RMS':>7}{'mean':>7}  " * 4,
    ]
    near = outcome.scores[Group(False, True)], outcome.scores[Group(True, True)]
    for name, first, second, both in zip(names, *near, merged(outcome, True), strict=True):
        errors = first.by_time, second.by_time, second.by_change, both.by_time
        figures = "".join(f"{one.rms:>7.4f}{one.mean:>7.4f}  " for one in errors)
        mark = " *" if name == DEFAULT else ""
        lines.append(f"{name + mark:<32}{figures}".rstrip())
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure at each feed and print a table of each; say so where there is no recording."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.bench.queue", description="Measure the queue estimate."
    )
    parser.add_argument("file", nargs="?", type=Path, default=RECORDING, help="the recording")
    given = parser.parse_args(arguments)
    if not given.file.exists():
        print(f"skipped: the recording {given.file} is absent; say where it is")
        return 0
    recording = open_recording(given.file)
    rows = [row for row in recording if row.kind == RowKind.L3]
    middle = (recording.start + recording.end) // 2
    print("Error of the share of the level behind us, 0…1; * is the default.\n")
    for feed, every in FEEDS.items():
        print(table(feed, measure(rows, middle, every, CANDIDATES), CANDIDATES), end="\n\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
