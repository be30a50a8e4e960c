"""The example bot: sees the market, and says what it wants to quote.

A cycle hands over the rows that have arrived since the last one (`see`) and asks for targets
(`quote`). The quotes are GLFT's with a kappa estimated afresh each time (`lifecycle.bot.kappa`),
around the mid of the market seen. What it estimates stands in attributes, for a view. It knows
nothing of orders.

Its estimates jitter with every cycle, and without smoothing so do its targets: that is what the
recorded bot suffered from, and still the default. With a smoothing table kappa, gamma, the size
and the volatility are smoothed before anything is computed from them. The estimates in `kappa` and
`sigma` stay raw; `delta` and `volatility` follow the smoothed ones.
"""

from bisect import bisect_left
from collections.abc import Iterable
from math import isfinite, log, sqrt
from typing import Final

from exchange.columns import BBO, Columns, Sight
from exchange.instrument import Instrument
from exchange.market import Market, Row
from exchange.units import BPS, MINUTE, SECOND, Nanos, Qty, seconds
from lifecycle import Smoothing
from lifecycle.bot.glft import half_spread, ladder, rounded
from lifecycle.bot.kappa import Kappa, KappaEstimator
from lifecycle.config import SmoothingConfig
from lifecycle.run.config import QuoterConfig
from spec.trace import Targets

SAMPLE: Final = SECOND
"""Between two samples of the mid; faster ones would take the bounce of the touch for moves."""
SIGMA_ALPHA: Final = 0.05
"""Weight of the newest squared move in the volatility."""

REGIME_FACTOR: Final = 2.5
"""Volatility so many times the smoothed one, or one part in so many, is another market."""
REGIME_CYCLES: Final = 3
"""In a row that it must be so: a single jump of the mid is not a regime.

Rare, with both: once in 35 minutes of recorded ETH (3.5 to 11 bps, for minutes) and never in the
same ones of WLFI; on random walks never in a steady one, and in 38 of 40 that became five times
as wild, after 22 s on average. A market that calms down is followed by the average alone, unless
it does so tenfold.
"""
MILLION: Final = 1_000_000
OFF: Final = SmoothingConfig(enabled=False)


class Quoter:
    """Turns market rows into targets.

    Raises:
        ValueError: a value of the configuration is out of range.

    """

    def __init__(
        self,
        config: QuoterConfig,
        instrument: Instrument,
        *,
        smoothing: SmoothingConfig = OFF,
    ) -> None:
        _check(config)
        self.config = config
        self.instrument = instrument
        self.qty: Qty = _lots(instrument, "quoter.size", config.size)
        self.inventory_max: Qty = _lots(instrument, "quoter.inventory_max", config.inventory_max)
        self.kappa: Kappa | None = None
        """The last estimate, with its sources; None before the first quote."""
        self.delta: float | None = None
        """The last half-spread, as a share of the price."""
        self.sigma: float | None = None
        """Volatility of the mid in bps per square root of a minute, as estimated."""
        self.smoothing = Smoothing(smoothing)
        """What holds the parameters still; its counters and its boost are for the churn layer."""
        self._strange = 0
        """Cycles in a row whose volatility was of another regime."""
        self._usual: float | None = None
        """The smoothed volatility before those; it follows the new one while they are counted, and
        would hide it."""
        self._estimator = KappaEstimator()
        self._first: Nanos | None = None
        self._sampled: tuple[Nanos, float] | None = None
        """Time and mid of the last volatility sample."""
        self._variance: float | None = None
        """In relative moves squared, a nanosecond."""

    @property
    def volatility(self) -> int:
        """The smoothed volatility as of the last quote, as `Market.volatility` wants it.

        Millionths of a basis point per square root of a minute; 0 where it is not known.
        """
        sigma = self.smoothing.values.sigma
        return 0 if sigma is None else round(sigma * MILLION)

    def see(self, rows: Iterable[Row]) -> None:
        """Take in market rows, in the order of their time."""
        if isinstance(rows, Sight):
            for columns, first, last in rows.pieces:
                self._see_columns(columns, first, last)
            return
        for row in rows:
            if self._first is None:
                self._first = row.ts
            self._sample(row.ts)
            self._estimator.see(row)

    def _see_columns(self, columns: Columns, first: int, last: int) -> None:
        times = columns.times
        if self._first is None and first < last:
            self._first = times[first]
        while first < last:
            if self._sampled is None:
                self._see_first(columns, first)
                first += 1
                continue
            due = bisect_left(times, self._sampled[0] + SAMPLE, first, last)
            self._estimator.see_columns(columns, first, due)
            if due < last:
                self._sample(times[due])
            first = due

    def _see_first(self, columns: Columns, packet: int) -> None:
        """Take in a packet before which there was no sample of the mid."""
        ts = columns.times[packet]
        self._sample(ts)
        self._estimator.see_columns(columns, packet, packet + 1)
        # Where the first touch is not the last row, what comes after it has sampled its mid.
        for row in range(columns.begin(packet), columns.ends[packet] - 1):
            bid, ask = columns.prices[row], columns.thirds[row]
            if self._sampled is None and columns.kinds[row] == BBO and bid > 0 and ask > 0:
                self._sampled = ts, (bid + ask) / 2

    def quote(self, market: Market, position: int, now: Nanos) -> Targets | None:
        """Return what shall rest now; `position` is signed, in lots.

        None while warming up, where the market has no bid or no ask, and where no estimate has
        been good for anything so far.
        """
        if market.bid is None or market.ask is None or not self.is_warm(now):
            return None
        config = self.config
        self.kappa = self._estimator.estimate(now)
        self._watch()
        smooth = self.smoothing.smooth(
            kappa=self.kappa.blend, sigma=self.sigma, gamma=config.gamma, size=self.qty
        )
        if smooth.kappa is None or smooth.gamma is None or smooth.size is None:
            return None
        self.delta = half_spread(smooth.gamma, smooth.kappa)
        wanted = ladder(
            (market.bid + market.ask) / 2,
            self.delta,
            position / self.inventory_max,
            skew_bps=config.skew_bps,
            levels=config.levels,
            step_bps=config.level_step_bps,
        )
        return rounded(wanted, market.bid, market.ask, round(smooth.size), self.instrument)

    def is_warm(self, now: Nanos) -> bool:
        """Say whether enough market data has been gathered to quote."""
        return self._first is not None and now - self._first >= seconds(self.config.warmup_s)

    def _watch(self) -> None:
        """Start the smoothing again where the volatility has been another one for long enough."""
        if self.sigma is None:
            return
        if self._strange == 0:
            self._usual = self.smoothing.values.sigma
        if self._usual is None:
            return
        high, low = max(self.sigma, self._usual), min(self.sigma, self._usual)
        self._strange = self._strange + 1 if high > REGIME_FACTOR * low else 0
        if self._strange >= REGIME_CYCLES and self.smoothing.regime_change():
            self._strange = 0

    def _sample(self, now: Nanos) -> None:
        """Sample the mid for the volatility, if one is due."""
        mid = self._estimator.mid
        if mid is None:
            return
        if self._sampled is None:
            self._sampled = now, mid
            return
        then, before = self._sampled
        if now - then < SAMPLE:
            return
        rate = log(mid / before) ** 2 / (now - then)
        if self._variance is None:
            self._variance = rate
        else:
            self._variance += SIGMA_ALPHA * (rate - self._variance)
        self.sigma = BPS * sqrt(self._variance * MINUTE)
        self._sampled = now, mid


def _check(config: QuoterConfig) -> None:
    """Refuse a configuration that no quote can be made of."""
    if not (isfinite(config.gamma) and config.gamma > 0):
        raise ValueError(f"gamma must be positive and finite, was {config.gamma}")
    if config.levels < 1:
        raise ValueError(f"levels must be at least 1, was {config.levels}")
    for name in ("level_step_bps", "skew_bps", "warmup_s"):
        value: float = getattr(config, name)
        if not (isfinite(value) and value >= 0):
            raise ValueError(f"{name} must be finite and not negative, was {value}")


def _lots(instrument: Instrument, name: str, size: str) -> Qty:
    qty = instrument.qty(size, name)
    if qty <= 0:
        raise ValueError(f"{name} must be positive, was {qty} lots")
    return qty
