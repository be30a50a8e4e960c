"""L2: wanted prices on an absolute lattice, so that a difference below its step is no new price.

The lattice is anchored to price zero in whole ticks. Its step follows the volatility and the
quota, and is held until the wanted one differs by much; every change of it begins a new epoch.
Bids snap down and asks up, and a snapped price is held until the raw one has left its cell by a
margin (`spec.lattice`, where the claims are proved). Holding yields where it would do harm: where
both sides would meet, where a post-only price would cross the book seen, and where two levels
would fall on one point.
"""

from typing import Final

from exchange.instrument import Instrument
from exchange.market import Market
from exchange.units import BPS, Price
from exchange.words import Side
from lifecycle.core.ahead import is_ahead
from lifecycle.core.settings import MILLION, Settings
from spec.lattice import hold, hold_up, snap_down, snap_up
from spec.trace import Target, Targets

# Members looked up once: before Python 3.12 each access costs a function call.
_BUY: Final = Side.BUY
_SELL: Final = Side.SELL

_UNIT: Final = BPS * MILLION
"""Millionths of a basis point in the whole price."""


class Grid:
    """The lattice, and the points that the last targets stood on."""

    __slots__ = ("asks", "bids", "epoch", "instrument", "raw", "settings", "step", "wanted")

    def __init__(self, settings: Settings, instrument: Instrument) -> None:
        self.settings = settings
        self.instrument = instrument
        self.step = 0
        """In price units, whole ticks; 0 before the first targets, and where none was fit."""
        self.epoch = 0
        """How often the step has changed."""
        self.bids: tuple[Price, ...] = ()
        """The points of the last bids, best first; held."""
        self.asks: tuple[Price, ...] = ()
        self.raw: tuple[Targets, int, int] | None = None
        """Targets, volatility and headroom that the next came of."""
        self.wanted = Targets()

    def is_still(self, targets: Targets, market: Market, headroom: int) -> bool:
        """Say whether nothing has changed that the last snapped targets depend on."""
        raw = self.raw
        if raw is None or raw[1] != market.volatility or raw[2] != headroom or raw[0] != targets:
            return False
        return not self.crosses(market)

    def snap(self, targets: Targets, market: Market, headroom: int) -> Targets:
        """Return the targets on the lattice, as many and of the same sizes.

        Targets are best first, bids below asks; `headroom` is in millionths. They come back as
        they are where even the finest lattice would leave no positive price.
        """
        if self.is_still(targets, market, headroom):
            return self.wanted
        self.raw = (targets, market.volatility, headroom)
        raw_bids = [target.price for target in targets.bids]
        raw_asks = [target.price for target in targets.asks]
        self._choose_step(raw_bids, raw_asks, market.volatility, headroom)
        bids = self._points(raw_bids, self.bids, _BUY)
        asks = self._points(raw_asks, self.asks, _SELL)
        if _meet(bids, asks):
            bids = self._points(raw_bids, (), _BUY)
            asks = self._points(raw_asks, (), _SELL)
        if market.ask is not None and bids and bids[0] >= market.ask:
            bids = self._points(raw_bids, (), _BUY)
        if market.bid is not None and asks and asks[0] <= market.bid:
            asks = self._points(raw_asks, (), _SELL)
        if self.step == 0 or (bids and bids[-1] <= 0):
            self.step = 0
            self.bids = self.asks = ()
            self.wanted = targets
            return targets
        self.bids, self.asks = bids, asks
        self.wanted = Targets(
            _moved(targets.bids, raw_bids, bids), _moved(targets.asks, raw_asks, asks)
        )
        return self.wanted

    def crosses(self, market: Market) -> bool:
        """Say whether a held point crosses the book seen now."""
        bid, ask, bids, asks = market.bid, market.ask, self.bids, self.asks
        if ask is not None and bids and bids[0] >= ask:
            return True
        return bid is not None and len(asks) > 0 and asks[0] <= bid

    def _choose_step(
        self, bids: list[Price], asks: list[Price], volatility: int, headroom: int
    ) -> None:
        """Take the wanted step where the present one differs too much, or does not fit."""
        settings = self.settings
        if bids and asks:
            price = (bids[0] + asks[0]) // 2
        elif bids or asks:
            price = bids[0] if bids else asks[0]
        else:
            return
        tick = self.instrument.tick(asks[-1] if asks else bids[0])
        finest = settings.grid_min_ticks * tick
        by_volatility = price * volatility * MILLION // (_UNIT * settings.grid_divisor)
        pressure = MILLION + (MILLION - headroom) * settings.grid_pressure // MILLION
        wanted = max(finest, by_volatility) * pressure
        wanted = -(-wanted // (MILLION * tick)) * tick
        room = _spacing(bids, asks)
        if room > 0:
            # Coarser than the ladder, two levels would have one price.
            wanted = max(tick, min(wanted, room // tick * tick))
        step = self.step
        fits = step > 0 and step % tick == 0 and (room == 0 or step <= max(room, tick))
        change = wanted - step if wanted > step else step - wanted
        if fits and change * MILLION <= settings.grid_hold * step:
            return
        if wanted != step:
            self.step = wanted
            self.epoch += 1

    def _points(
        self, prices: list[Price], held: tuple[Price, ...], side: Side
    ) -> tuple[Price, ...]:
        """Return a point for each wanted price, holding those that may be held."""
        step = self.step
        if step == 0:
            return ()
        instrument, margin = self.instrument, step * self.settings.grid_margin // MILLION
        kept, has_one_tick, buys = len(held), instrument.has_one_tick, side is _BUY
        points: list[Price] = []
        before = 0
        for level, raw in enumerate(prices):
            if level >= kept:
                point = snap_down(raw, step) if buys else snap_up(raw, step)
            elif buys:
                point = hold(held[level], raw, step, margin)
            else:
                point = hold_up(held[level], raw, step, margin)
            if not has_one_tick:
                point = instrument.snap(point, side)
            if kept and level and not is_ahead(before, point, buys=buys):
                return self._points(prices, (), side)
            points.append(point)
            before = point
        return tuple(points)


def _spacing(bids: list[Price], asks: list[Price]) -> Price:
    """Return the least distance between two levels of a side, 0 without two."""
    least: Price = 0
    for level in range(1, len(bids)):
        gap = bids[level - 1] - bids[level]
        if least == 0 or gap < least:
            least = gap
    for level in range(1, len(asks)):
        gap = asks[level] - asks[level - 1]
        if least == 0 or gap < least:
            least = gap
    return least


def _meet(bids: tuple[Price, ...], asks: tuple[Price, ...]) -> bool:
    return bool(bids and asks and bids[0] >= asks[0])


def _moved(
    targets: tuple[Target, ...], prices: list[Price], points: tuple[Price, ...]
) -> tuple[Target, ...]:
    moved = list(targets)
    for level, point in enumerate(points):
        if prices[level] != point:
            moved[level] = Target(point, targets[level].qty)
    return tuple(moved)
