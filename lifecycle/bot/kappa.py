"""Kappa, estimated again and again: how fast fills become rare with distance from the mid.

Four sources, as in the bot that was recorded: a prior; how far from the mid the book's depth
rests; the exponential law of how far takers reach; and the same from the median of the recent
ones, which one deep sweep does not move. Each is honest and each is noisy, and with a minute of
data none is more than a correction to the prior: they are blended in logarithms by their
confidence, and the prior has what confidence is left. So the blend jitters by about a percent from
cycle to cycle, which is the point of the example: this is the noise that an order manager has to
live with.

Kappa is in units of the price: at 1169, fills become rarer by a factor e every 1/1169 of the
price, 8.55 bps.
"""

from collections import deque
from dataclasses import dataclass
from math import exp, log
from statistics import fmean, median
from typing import Final

from exchange.columns import Columns
from exchange.market import Row
from exchange.units import SECOND, Nanos
from lifecycle.bot.evidence import Evidence, Sampler, evidence_of

PRIOR: Final = 930.0
"""Lower than what the blend hovers around, because every other source leans to the high side."""
WINDOW: Final = 60 * SECOND
RECENT: Final = 30 * SECOND
"""The window of the robust source."""
GLANCE: Final = 10 * SECOND
"""The window of the book, which says what it has to say with every batch."""

FACTOR_MAX: Final = 5.0
"""No source is believed further from the prior than by this factor."""

BOOK_WEIGHT: Final = 0.30
TRADES_WEIGHT: Final = 0.18
ROBUST_WEIGHT: Final = 0.10
"""What each source weighs at full confidence; the prior weighs the rest."""
BOOK_HALF: Final = 5.0
REACHES_HALF: Final = 20.0
"""Samples at which a source has half of its confidence."""


@dataclass(frozen=True, slots=True)
class Kappa:
    """One estimate; a source is None where its window holds no sample."""

    blend: float
    book: float | None
    trades: float | None
    robust: float | None


class KappaEstimator:
    """Gathers market rows, and answers with kappa when asked.

    Rows come in the order of their time. A market in columns that is seen from its beginning is not
    gone through: what it says is looked up, as far as it was seen.
    """

    def __init__(self, prior: float = PRIOR) -> None:
        self._prior = prior
        self._sampler: Final = Sampler()
        self._is_fresh = True
        """Nothing was seen."""
        self._columns: Columns | None = None
        self._evidence: Evidence | None = None
        """What is looked up, and the market that it is of; None where rows are gone through."""
        self._packets = 0
        """How many of its packets were seen."""

    @property
    def mid(self) -> float | None:
        """The mid of the newest touch that had two sides, in price units."""
        evidence = self._evidence
        if evidence is not None:
            return evidence.twice_mids[self._packets - 1] / 2 or None
        twice_mid = self._sampler.twice_mid
        return None if twice_mid is None else twice_mid / 2

    def see(self, row: Row) -> None:
        """Take in one market row."""
        self._go_through()
        self._sampler.see(row)

    def see_columns(self, columns: Columns, first: int, last: int) -> None:
        """Take in the rows of some packets."""
        if first == last:
            return
        if self._is_fresh and first == 0:
            self._is_fresh = False
            self._columns, self._evidence = columns, evidence_of(columns)
        if self._columns is columns and self._packets == first:
            self._packets = last
            return
        self._go_through()
        self._sampler.see_columns(columns, first, last)

    def estimate(self, now: Nanos) -> Kappa:
        """Return kappa from what has been seen in the window before `now`."""
        evidence, packets = self._evidence, self._packets
        if evidence is not None:
            depths = evidence.depths(packets, now - GLANCE)
            reaches = evidence.reaches(packets, now - WINDOW)
            recent = evidence.reaches(packets, now - RECENT)
        else:
            depths, reaches, recent = self._sampled(now)
        book = self._believable(fmean(depths)) if depths else None
        trades = self._believable(1 / fmean(reaches)) if reaches else None
        robust = self._believable(log(2) / median(recent)) if recent else None
        shift = 0.0
        for kappa, weight, samples, half in (
            (book, BOOK_WEIGHT, len(depths), BOOK_HALF),
            (trades, TRADES_WEIGHT, len(reaches), REACHES_HALF),
            (robust, ROBUST_WEIGHT, len(recent), REACHES_HALF),
        ):
            if kappa is not None:
                shift += weight * samples / (samples + half) * log(kappa / self._prior)
        return Kappa(self._prior * exp(shift), book, trades, robust)

    def _believable(self, kappa: float) -> float:
        return max(self._prior / FACTOR_MAX, min(self._prior * FACTOR_MAX, kappa))

    def _sampled(self, now: Nanos) -> tuple[list[float], list[float], list[float]]:
        """Return the sampler's samples: of the book, of takers, and of recent takers."""
        sampler = self._sampler
        sampler.end_taker()
        _forget(sampler.depths, now - GLANCE)
        _forget(sampler.reaches, now - WINDOW)
        depths = [depth for _, depth in sampler.depths]
        reaches = [reach for _, reach in sampler.reaches]
        recent = [reach for at, reach in sampler.reaches if at >= now - RECENT]
        return depths, reaches, recent

    def _go_through(self) -> None:
        """Look nothing up from now on; what was seen so far is gone through after all."""
        self._is_fresh = False
        columns = self._columns
        if columns is not None:
            self._columns = self._evidence = None
            self._sampler.see_columns(columns, 0, self._packets)


def _forget(samples: deque[tuple[Nanos, float]], before: Nanos) -> None:
    """Drop the samples older than `before`."""
    while samples and samples[0][0] < before:
        samples.popleft()
