"""Hyperliquid's example `basic_adding`: a deviation measured against the distance quoted at.

An order is cancelled when it is off its ideal price by more than a share of the ideal distance
from the mid (half of it in the example), and placed again when the next update of the book comes,
which is long before the next cycle of ours. The example has one order a side; here each level is
such a side of its own, with its own distance.

Source: hyperliquid-python-sdk, `examples/basic_adding.py`.
"""

from exchange.words import Side
from spec.trace import Target
from tools.bench.peers.base import SIDES, PeerManager, Turn, is_idle


class ByDistance(PeerManager):
    """Deviation as a share of distance; `width` is that share."""

    __slots__ = ()

    def decide(self, turn: Turn) -> None:
        """Judge each level by itself."""
        for side in SIDES:
            self._provide(turn, side)

    def _provide(self, turn: Turn, side: Side) -> None:
        wanted = turn.wanted[side]
        free = set(range(len(wanted)))
        for order in turn.orders(side):
            level = order.level if order.level in free else -1
            band = self.deviation(turn, wanted[level]) if level >= 0 else 0
            if not is_idle(order):
                turn.wait(order, level, band)
                free.discard(level)
            elif level < 0:
                turn.cancel(order, level, band)
            elif abs(order.price - wanted[level].price) > band:
                # The level stays free: the next update of the book places it again.
                turn.cancel(order, level, band)
            else:
                turn.keep(order, level, band)
                free.discard(level)
        for level in sorted(free):
            turn.place(side, level, self.deviation(turn, wanted[level]))

    def deviation(self, turn: Turn, target: Target) -> int:
        """Return the allowed deviation from a target, in price units."""
        bid, ask = turn.market.bid, turn.market.ask
        if bid is None or ask is None:
            return 0
        return int(self.width * abs(target.price - (bid + ask) / 2))
