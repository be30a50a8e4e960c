"""hummingbot's pure market making: keep the whole book, or cancel all of it.

At each refresh the sorted prices of what rests are compared with those of the proposal. Where the
counts differ, or any one price is off by more than the tolerance, everything on both sides is
cancelled. New orders are made only when none is left, which takes a cycle of waiting for the
cancels. Sizes are not compared. Maximum age, minimum spread and hanging orders are off, as by
default.

Source: hummingbot, `strategy/pure_market_making`, as described in its public documentation.
"""

from tools.bench.peers.base import SIDES, PeerManager, Turn, is_idle


class AllOrNothing(PeerManager):
    """The tolerance rule; `width` is the tolerance in basis points of the price."""

    __slots__ = ()

    waits = True
    """Whether new orders wait for the proof that the old ones are gone."""

    def decide(self, turn: Turn) -> None:
        """Keep everything, or cancel everything; place when nothing is left."""
        resting = [order for side in SIDES for order in turn.orders(side)]
        if not resting and turn.leaving and self.waits:
            _wait(turn)
        elif not resting:
            _place_all(turn)
        elif _is_close(turn):
            for side in SIDES:
                for level, order in enumerate(turn.from_the_touch(side)):
                    turn.keep(order, level, turn.band(turn.wanted[side][level]))
        else:
            self._cancel_all(turn)

    def _cancel_all(self, turn: Turn) -> None:
        for side in SIDES:
            wanted = turn.wanted[side]
            for rank, order in enumerate(turn.from_the_touch(side)):
                level = rank if rank < len(wanted) else -1
                band = turn.band(wanted[level]) if level >= 0 else 0
                if is_idle(order):
                    turn.cancel(order, level, band)
                else:
                    turn.wait(order, level, band)
        if self.waits:
            _wait(turn)
        else:
            _place_all(turn)


class AllOrNothingAtOnce(AllOrNothing):
    """The same, as if cancels were proven within the cycle: its loop is faster than ours."""

    __slots__ = ()

    waits = False


def _is_close(turn: Turn) -> bool:
    """Say whether as many orders rest as are wanted, each near the price of its rank."""
    for side in SIDES:
        orders, wanted = turn.from_the_touch(side), turn.wanted[side]
        if len(orders) != len(wanted):
            return False
        for order, target in zip(orders, wanted, strict=True):
            if not is_idle(order) or abs(order.price - target.price) > turn.band(target):
                return False
    return True


def _place_all(turn: Turn) -> None:
    for side in SIDES:
        for level, target in enumerate(turn.wanted[side]):
            turn.place(side, level, turn.band(target))


def _wait(turn: Turn) -> None:
    for side in SIDES:
        for level, target in enumerate(turn.wanted[side]):
            turn.leave_bare(side, level, turn.band(target))
