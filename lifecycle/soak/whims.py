"""The bot of the soak: wants a ladder around the market, and changes its mind.

It is not a good bot but a trying one: prices jitter in and out of their bands, sizes shrink and
grow, now and then a level, a side or everything is not wanted for a while. When the market has come
to a stand it is told to be steady, and wants the same from then on.
"""

from math import ceil, floor
from random import Random
from typing import Final

from exchange.instrument import Instrument
from exchange.market import Market
from exchange.units import BPS, Price
from exchange.words import Side
from lifecycle.soak.plan import Whims
from spec.trace import Target, Targets

WHIM_MAX: Final = 6
"""Cycles that a whim lasts at most."""
MOODS: Final = ("bids", "asks", "all", "level", "shrink")
"""What it may not want for a while; `shrink`: most of each size."""


class Bot:
    """Turns the market into targets."""

    def __init__(self, whims: Whims, instrument: Instrument, seed: int) -> None:
        self._whims = whims
        self._instrument = instrument
        self._random = Random(f"whims {seed}")  # noqa: S311 - a simulation, not a secret
        self._mood = ""
        self._left = 0
        """Cycles until the mood passes."""
        self.is_steady = False
        """Whether it wants the whole ladder and always the same."""

    def quote(self, market: Market) -> Targets | None:
        """Return what shall rest now; None where the market has no two sides."""
        if market.bid is None or market.ask is None:
            return None
        self._change_mood()
        mid = (market.bid + market.ask) / 2
        lacking = self._mood if not self.is_steady else ""
        bids, asks = (
            ()
            if lacking in {word, "all"}
            else self._ladder(side, touch, mid, shrunk=lacking == "shrink")
            for side, touch, word in (
                (Side.BUY, ceil(mid) - 1, "bids"),
                (Side.SELL, floor(mid) + 1, "asks"),
            )
        )
        if lacking == "level":
            bids, asks = bids[1:], asks[:-1]
        return Targets(bids, asks)

    @property
    def volatility(self) -> int:
        """What it believes the market's volatility to be, as `Market.volatility` wants it."""
        believed = self._whims.volatility
        if believed and not self.is_steady:
            believed *= self._random.choice((1.0, 1.0, 1.0, 1.3))
        return round(believed * 1_000_000)

    def _change_mood(self) -> None:
        random = self._random
        if self._left:
            self._left -= 1
        elif random.random() < self._whims.fickle:
            self._mood, self._left = random.choice(MOODS), random.randint(1, WHIM_MAX)
        else:
            self._mood = ""

    def _ladder(self, side: Side, limit: Price, mid: float, *, shrunk: bool) -> tuple[Target, ...]:
        """Return one side, best first; no price beyond `limit`, where the sides would meet."""
        whims, instrument, random = self._whims, self._instrument, self._random
        found: dict[Price, Target] = {}
        for level in range(whims.levels):
            away = whims.half_spread_bps + level * whims.step_bps
            size = float(whims.size)
            if not self.is_steady:
                away += random.uniform(-1, 1) * whims.jitter_bps
                size *= 1 + random.uniform(-1, 1) * whims.size_jitter
            raw = mid * (1 - side * away / BPS)
            price = instrument.snap(round(raw), side)
            if (price - limit) * side > 0:
                price = instrument.snap(limit, side)
            qty = round(size * (0.4 if shrunk else 1.0))
            found.setdefault(price, Target(price, max(qty, 1)))
        return tuple(sorted(found.values(), key=lambda target: -side * target.price))
