"""How much the mid moves in a minute, by which bands and grid are measured.

The mid is sampled once a second; faster samples would take the bounce of the touch for moves.
What is told stays as it is until it would change by more than the smoother's deadband.
"""

from math import log, sqrt
from typing import Final

from msgspec.structs import replace

from exchange.market import Market
from exchange.units import BPS, MINUTE, SECOND, Nanos
from lifecycle.config import SmoothingConfig

ALPHA: Final = 0.05
"""Weight of the newest squared move."""
SAMPLES_MIN: Final = 30
"""Before so many nothing is told: a band of too few moves is a band of noise."""
MILLION: Final = 1_000_000


class Volatility:
    """An estimate from the books seen."""

    __slots__ = ("_at", "_deadband", "_mid", "_samples", "_told", "_variance")

    def __init__(self, config: SmoothingConfig) -> None:
        self._deadband: Final = config.sigma_deadband if config.enabled else 0.0
        self._at: Nanos = 0
        self._mid = 0
        self._samples = 0
        self._variance = 0.0
        """In relative moves squared, a nanosecond."""
        self._told = 0

    def is_due(self, now: Nanos) -> bool:
        """Say whether it is time for a sample."""
        return now >= self._at + SECOND

    def see(self, market: Market) -> None:
        """Take in a book, if a sample is due."""
        if market.bid is None or market.ask is None or market.at < self._at + SECOND:
            return
        mid = market.bid + market.ask
        if self._mid:
            rate = log(mid / self._mid) ** 2 / (market.at - self._at)
            weight = max(ALPHA, 1 / (self._samples + 1))
            self._variance += weight * (rate - self._variance)
            self._samples += 1
        self._at, self._mid = market.at, mid

    def shown(self, market: Market) -> Market:
        """Take in a book, if a sample is due; return it with the volatility, where that is told."""
        self.see(market)
        told = self.told
        return market if told == 0 else replace(market, volatility=told)

    @property
    def told(self) -> int:
        """Return it as `Market.volatility` wants it: millionths of a bp per root of a minute."""
        if self._samples < SAMPLES_MIN:
            return 0
        now = round(BPS * sqrt(self._variance * MINUTE) * MILLION)
        if abs(now - self._told) > self._deadband * self._told:
            self._told = now
        return self._told
