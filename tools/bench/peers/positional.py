"""The BitMEX sample market maker: amend by position in the list.

Wanted orders are listed from the outside in, and the n-th order of a side, in the order of
placing, stands for the n-th of them. It is amended where its price is off by more than the relist
interval, or where what is left of it is not the wanted size. Orders without a partner are
cancelled, wanted ones without a partner are placed. Listing from the outside in spares the rest of
the ladder when the innermost order fills.

Source: BitMEX sample-market-maker, `converge_orders`.
"""

from exchange.words import Side
from tools.bench.peers.base import SIDES, PeerManager, Turn, is_idle


class Positional(PeerManager):
    """Positional amend; `width` is the relist interval in basis points of the price."""

    __slots__ = ()

    def decide(self, turn: Turn) -> None:
        """Converge side by side."""
        for side in SIDES:
            _converge(turn, side)


def _converge(turn: Turn, side: Side) -> None:
    wanted = turn.wanted[side]
    outside_in = range(len(wanted) - 1, -1, -1)
    orders = turn.orders(side)
    for rank, order in enumerate(orders):
        level = outside_in[rank] if rank < len(wanted) else -1
        band = turn.band(wanted[level]) if level >= 0 else 0
        if not is_idle(order):
            turn.wait(order, level, band)
        elif level < 0:
            turn.cancel(order, level, band)
        elif abs(order.price - wanted[level].price) > band or order.leaves != wanted[level].qty:
            turn.modify(order, level, band)
        else:
            turn.keep(order, level, band)
    for level in outside_in[len(orders) :]:
        turn.place(side, level, turn.band(wanted[level]))
