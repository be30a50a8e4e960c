"""passivbot's reconciler: keep what matches within a tolerance, cancel and create the rest.

As many orders as possible are paired with wanted ones whose price and size are both within the
tolerance; every other order is cancelled, every other wanted one is created. Cancels go first, and
creates follow once they are confirmed, within the same round of its loop. Its churn gate defers
only creates more than 0.5 % from the market, and its batch limits only delay; neither is here.

Source: passivbot, `live/reconciler.py` and the plan of its churn gate.
"""

from exchange.units import BPS
from exchange.words import Side
from lifecycle.core.order import Order
from spec.trace import Target
from tools.bench.peers.base import SIDES, PeerManager, Turn, is_idle


class Tolerance(PeerManager):
    """Tolerance matching; `width` is the tolerance of price and size, in basis points."""

    __slots__ = ()

    def decide(self, turn: Turn) -> None:
        """Reconcile side by side."""
        for side in SIDES:
            self._reconcile(turn, side)

    def _reconcile(self, turn: Turn, side: Side) -> None:
        orders, wanted = turn.from_the_touch(side), turn.wanted[side]
        owner = _match([self._near(order, wanted) for order in orders], len(wanted))
        level_of = {rank: level for level, rank in enumerate(owner) if rank >= 0}
        free = [level for level, rank in enumerate(owner) if rank < 0]
        replaced = iter(free)
        for rank, order in enumerate(orders):
            level = level_of.get(rank, -1)
            keeps = level >= 0
            if not keeps:
                # What goes and what comes belong together in rank, for the decision's sake only.
                level = next(replaced, -1)
            band = turn.band(wanted[level]) if level >= 0 else 0
            if not is_idle(order):
                turn.wait(order, level, band)
            elif keeps:
                turn.keep(order, level, band)
            else:
                turn.cancel(order, level, band)
        for level in free:
            turn.place(side, level, turn.band(wanted[level]))

    def _near(self, order: Order, wanted: tuple[Target, ...]) -> list[int]:
        """Return the levels that an order may stand for, the nearest first."""
        share = self.width / BPS
        near = [
            level
            for level, target in enumerate(wanted)
            if abs(order.price - target.price) <= share * target.price
            and abs(order.leaves - target.qty) <= share * target.qty
        ]
        return sorted(near, key=lambda level: abs(order.price - wanted[level].price))


def _match(near: list[list[int]], levels: int) -> list[int]:
    """Return for each level the order that keeps it, -1 without one; as many as can be."""
    owner = [-1] * levels

    def settle(rank: int, tried: set[int]) -> bool:
        for level in near[rank]:
            if level in tried:
                continue
            tried.add(level)
            if owner[level] < 0 or settle(owner[level], tried):
                owner[level] = rank
                return True
        return False

    for rank in range(len(near)):
        settle(rank, set())
    return owner
