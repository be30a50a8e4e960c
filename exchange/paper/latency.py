"""How long things take on the way to the paper venue and back.

A request's round trip is drawn once and split into its way out (the venue executes at its end)
and its way back (we know at its end), so that what we measure at our side has the quantiles that
were put in. Market data and pushed reports have a delay of their own, so answers and fills
overtake each other as they do in life.
"""

from array import array
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

import numpy as np

from exchange.commands import Cancel, Command, Modify, Place
from exchange.units import MILLISECOND, Nanos


@dataclass(frozen=True, slots=True)
class Quantiles:
    """A distribution of durations, linear between the quantiles that are given."""

    shares: tuple[float, ...]
    """Cumulative shares, rising from 0 to 1."""
    values: tuple[Nanos, ...]
    """The duration at each share, never falling."""

    def __post_init__(self) -> None:
        """Check that the shares span 0…1 and that neither list falls."""
        if len(self.shares) != len(self.values) or len(self.shares) < 2:
            raise ValueError(
                f"quantiles must have a value for each share, was {self.shares}, {self.values}"
            )
        if self.shares[0] != 0 or self.shares[-1] != 1 or list(self.shares) != sorted(self.shares):
            raise ValueError(f"shares must rise from 0 to 1, was {self.shares}")
        if self.values[0] < 0 or list(self.values) != sorted(self.values):
            raise ValueError(f"values must rise from 0 or more, was {self.values}")

    def at(self, share: float) -> Nanos:
        """Return the duration that a `share` of all draws does not exceed."""
        index = min(bisect_right(self.shares, share), len(self.shares) - 1)
        low, high = self.shares[index - 1], self.shares[index]
        first, last = self.values[index - 1], self.values[index]
        if high == low:
            return last
        return first + round((last - first) * (share - low) / (high - low))

    def draw(self, random: Random) -> Nanos:
        """Draw one duration."""
        return self.at(random.random())

    def after(self, times: Sequence[Nanos], random: Random, last: Nanos) -> list[Nanos]:
        """Draw a duration for each of some times, and return when each is over.

        None is over before the one before it, nor before `last`. It is as `draw` one by one.
        """
        draw = random.random
        draws = np.array(array("d", [draw() for _ in times]))
        shares, values = np.array(self.shares), np.array(self.values, dtype=np.int64)
        index = np.minimum(np.searchsorted(shares, draws, side="right"), len(shares) - 1)
        low, high = shares[index - 1], shares[index]
        first, span = values[index - 1], values[index] - values[index - 1]
        width = high - low
        share = np.divide(span * (draws - low), width, out=np.zeros_like(draws), where=width > 0)
        delays = np.where(width > 0, first + np.rint(share).astype(np.int64), values[index])
        over = np.maximum.accumulate(np.maximum(np.array(array("q", times)) + delays, last))
        found: list[Nanos] = over.tolist()
        return found

    def scaled(self, median: Nanos) -> "Quantiles":
        """Return the same shape around another median."""
        middle = self.at(0.5)
        return Quantiles(self.shares, tuple(value * median // middle for value in self.values))


def milliseconds(shares: tuple[float, ...], values: tuple[int, ...]) -> Quantiles:
    """Build quantiles from milliseconds."""
    return Quantiles(shares, tuple(value * MILLISECOND for value in values))


@dataclass(frozen=True, slots=True)
class Latency:
    """Round trips by kind of command."""

    place: Quantiles
    """Places and modifies."""
    cancel: Quantiles
    query: Quantiles

    def round_trip(self, command: Command, random: Random) -> tuple[Nanos, Nanos]:
        """Draw the way out and the way back of a request that carries `command`."""
        if isinstance(command, Place | Modify):
            whole = self.place.draw(random)
        elif isinstance(command, Cancel):
            whole = self.cancel.draw(random)
        else:
            whole = self.query.draw(random)
        return whole // 2, whole - whole // 2


SHARES: Final = (0.0, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1.0)
NO_DELAY: Final = Quantiles((0.0, 1.0), (0, 0))

# One real client's round trips over two days: 3,220 places and 1,119 batch cancels.
SLOW_PLACE: Final = milliseconds(SHARES, (1038, 1126, 1185, 1283, 1382, 1479, 1740, 2150, 3071))
SLOW_CANCEL: Final = milliseconds(SHARES, (315, 379, 432, 532, 606, 709, 968, 1266, 2508))

# Of a fast client only the medians are known; the shape is taken from the slow one.
FAST_PLACE: Final = SLOW_PLACE.scaled(400 * MILLISECOND)
FAST_CANCEL: Final = SLOW_CANCEL.scaled(700 * MILLISECOND)

LATENCIES: Final = {
    "none": Latency(place=NO_DELAY, cancel=NO_DELAY, query=NO_DELAY),
    "fast": Latency(place=FAST_PLACE, cancel=FAST_CANCEL, query=FAST_PLACE),
    "slow": Latency(place=SLOW_PLACE, cancel=SLOW_CANCEL, query=SLOW_CANCEL),
}
"""The latencies by the names that the configuration uses."""

HYPERLIQUID_FEED: Final = milliseconds(
    (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1.0), (179, 264, 309, 356, 421, 626, 943, 2924)
)
"""Delay of 15,259 touch updates, from exchange time to one recorder."""

FAST_FEED: Final = HYPERLIQUID_FEED.scaled(200 * MILLISECOND)
"""The same shape, half a fast client's round trip late."""

FEEDS: Final[dict[str, Quantiles | None]] = {
    "none": NO_DELAY,
    "fast": FAST_FEED,
    "recorded": None,
}
"""The feed delays by the names that the configuration uses; None takes the recording's own."""
