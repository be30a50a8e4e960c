"""Where our resting orders stand in their queues, estimated from level sizes and trades.

A venue that does not say who stands before us still shows the size of each level and every trade.
A level is kept here as the sizes that came to it, in order of arrival, and our orders as places
between them. An increase came last. A trade eats from the front. A decrease that no trade explains
is a cancellation, and nobody says whose; its size tells. Sizes are odd, and an order leaves whole
more often than in parts: a decrease as large as one remembered arrival is that arrival. Where
several are as large it is the newest, since the newest is the likeliest to go. A decrease that fits
none is several changes seen as one; it is taken off behind us, which never flatters, and off what
is ahead only when nothing is left behind. So the stated share of cancellations that stood ahead is
all of those whose size says so, and none of the others.

Measured on twelve hours of one market that was recorded order by order, following each order that
joined others within 20 bps of the touch; RMS error of the share of the level behind it (0…1), by
time, on the last six hours; the first six alone already choose this model
(`python -m tools.bench.queue`; more, and what the choice had seen, in `docs/queue.md`):

    levels seen        all behind us   pro rata   power 4   this, level unseen   this
    at every change            0.089      0.133     0.089                0.058   0.043
    every 0.5 s                0.102      0.136     0.097                0.082   0.077
    every 2 s                  0.124      0.153     0.119                0.110   0.107

"Unseen" is told of a level only from when we rest there: what is ahead is one sum to it. "Power 4"
splits every cancellation by that power of what stands ahead and behind, as backtests do (Source:
hftbacktest, queue models, `PowerProbQueueModel`). A power for the decreases
that fit no arrival was no better near the touch on the first six hours where all arrivals were
seen, and on the last six, over all orders and at the slower feeds, worse than all behind us.

All is in integers, so that equal feeds make equal estimates. It does no I/O and knows no clock.
Trades, and fills of ours, must be told before the size that they left, as a market file orders it.
"""

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from exchange.market import Queue
from exchange.units import Price, Qty
from exchange.words import Cloid, Side

ARRIVALS_MAX: Final = 128
"""Arrivals remembered at one level; further ones are counted into the last."""


def cut_ahead(decrease: Qty, ahead: Qty, behind: Qty, weight_ahead: int, weight_behind: int) -> Qty:
    """Return how much of a decrease stood ahead: split by weight, within what stood on each side.

    `decrease` is at most `ahead + behind`. Without any weight, all that can stood behind.
    """
    weights = weight_ahead + weight_behind
    cut = decrease * weight_ahead // weights if weights else 0
    return min(ahead, max(cut, decrease - behind))


class CancelModel(Struct, frozen=True):
    """Whose a decrease is that no trade explains."""

    by_size: bool = True
    """Whether a decrease as large as an arrival is taken for that arrival."""
    power: int = 0
    """What fits no arrival is split by this power of what stands ahead and behind; 1 is pro rata,
    0 puts it behind us."""

    def __post_init__(self) -> None:
        """Raise ValueError where the power is negative."""
        if self.power < 0:
            raise ValueError(f"power must not be negative, was {self.power}")

    def cut(self, decrease: Qty, ahead: Qty, behind: Qty) -> Qty:
        """Return how much of a decrease that fits no arrival stood ahead."""
        if not self.power:
            return cut_ahead(decrease, ahead, behind, 0, 0)
        return cut_ahead(decrease, ahead, behind, ahead**self.power, behind**self.power)


ALL_BEHIND: Final = CancelModel(by_size=False)
"""Nothing ahead of us is ever cancelled: the estimate that never flatters."""
PRO_RATA: Final = CancelModel(by_size=False, power=1)
"""Each unit of the level is as likely to be cancelled."""
BY_SIZE: Final = CancelModel()
"""The default."""


class _Place:
    """One of our orders in a level."""

    __slots__ = ("before", "cloid", "leaves")

    def __init__(self, cloid: Cloid, leaves: Qty, before: int) -> None:
        self.cloid: Final = cloid
        self.leaves = leaves
        self.before = before
        """How many of the level's arrivals stand ahead."""


class _Level:
    """What others have at one price, in order of arrival, and our places between it."""

    __slots__ = ("arrivals", "model", "places", "total")

    def __init__(self, model: CancelModel) -> None:
        self.model: Final = model
        self.arrivals: Final[list[Qty]] = []
        self.places: Final[list[_Place]] = []
        self.total: Qty = 0

    def queue(self, place: _Place) -> Queue:
        ahead = sum(self.arrivals[: place.before])
        return Queue(ahead, self.total - ahead)

    def resize(self, total: Qty) -> None:
        """Learn what others have here now, trades deducted."""
        change = total - self.total
        if change > 0:
            self._arrive(change)
        elif total == 0:
            self.arrivals.clear()
            self.total = 0
            for place in self.places:
                place.before = 0
        elif change < 0:
            self._cancel(-change)

    def _arrive(self, qty: Qty) -> None:
        arrivals, places = self.arrivals, self.places
        self.total += qty
        # What stands behind one of ours never becomes one with what stands before it.
        is_split = not arrivals or (places and places[-1].before == len(arrivals))
        if is_split or len(arrivals) < ARRIVALS_MAX:
            arrivals.append(qty)
        else:
            arrivals[-1] += qty

    def _cancel(self, decrease: Qty) -> None:
        arrivals = self.arrivals
        if self.model.by_size:
            for index in range(len(arrivals) - 1, -1, -1):
                if arrivals[index] == decrease:
                    self._reduce(index, decrease)
                    return
        end = len(arrivals)
        # Ours cut the level into parts; the last place first, each with all that is ahead of it.
        for place in reversed(self.places):
            ahead, behind = sum(arrivals[: place.before]), sum(arrivals[place.before : end])
            cut = self.model.cut(decrease, ahead, behind)
            first = place.before
            self._reduce_newest(first, end, decrease - cut)
            decrease, end = cut, first
        self._reduce_newest(0, end, decrease)

    def _reduce_newest(self, first: int, end: int, qty: Qty) -> None:
        """Take `qty` off the arrivals from `first` up to `end`, the newest first."""
        for index in range(end - 1, first - 1, -1):
            if not qty:
                return
            part = min(qty, self.arrivals[index])
            qty -= part
            self._reduce(index, part)

    def _reduce(self, index: int, qty: Qty) -> None:
        """Take `qty` off one arrival."""
        self.total -= qty
        left = self.arrivals[index] - qty
        if left:
            self.arrivals[index] = left
            return
        del self.arrivals[index]
        for place in self.places:
            if place.before > index:
                place.before -= 1

    def trade(self, qty: Qty, *, has_ours: bool) -> None:
        """Let a trade eat from the front; where ours are really there, they take their part of it.

        What is left of ours is not changed: that they were reached is only estimated.
        """
        if has_ours:
            for place in self.places:
                ahead = sum(self.arrivals[: place.before])
                qty -= min(place.leaves, max(0, qty - ahead))
        while qty and self.arrivals:
            part = min(qty, self.arrivals[0])
            qty -= part
            self._reduce(0, part)

    def clear_before(self, place: _Place) -> None:
        """Remove what stands ahead of one of ours."""
        for _ in range(place.before):
            self._reduce(0, self.arrivals[0])


class QueueEstimator:
    """Estimates the queue positions of our orders at one instrument.

    Tell it every level that is visible, not only ours: what is known of a level before we join it
    tells later cancellations ahead of us from those behind.
    """

    __slots__ = ("_levels", "_model", "_places", "_shows_ours")

    def __init__(self, cancel_model: CancelModel = BY_SIZE, *, shows_ours: bool = False) -> None:
        """Start with an empty book.

        `shows_ours` says that the sizes told to `on_level` contain our own orders and that trades
        hit them, as at a real venue; at a paper venue ours are not in the book.
        """
        self._model: Final = cancel_model
        self._shows_ours: Final = shows_ours
        self._levels: Final[dict[int, dict[Price, _Level]]] = {1: {}, -1: {}}
        self._places: Final[dict[Cloid, tuple[_Level, _Place, Side, Price]]] = {}

    # Our orders.

    def rest(self, cloid: Cloid, side: Side, price: Price, qty: Qty, level_qty: Qty) -> None:
        """Let an order of ours join the end of the queue, behind `level_qty` of others.

        One that rests already leaves its place: it was moved, or it grew.
        """
        self.gone(cloid)
        level = self._level(side, price)
        level.resize(level_qty)
        place = _Place(cloid, qty, len(level.arrivals))
        level.places.append(place)
        self._places[cloid] = level, place, side, price

    def shrunk(self, cloid: Cloid, leaves: Qty) -> None:
        """Reduce an order in its place: the venue keeps the queue on a smaller size."""
        found = self._places.get(cloid)
        if found is not None:
            found[1].leaves = min(found[1].leaves, leaves)

    def filled(self, cloid: Cloid, leaves: Qty) -> None:
        """Learn of a fill, after which `leaves` is open: nothing can stand ahead of us."""
        found = self._places.get(cloid)
        if found is not None:
            level, place, _, _ = found
            level.clear_before(place)
            place.leaves = min(place.leaves, leaves)

    def gone(self, cloid: Cloid) -> None:
        """Forget an order that rests no longer; one that is not known is none."""
        found = self._places.pop(cloid, None)
        if found is None:
            return
        level, place, side, price = found
        level.places.remove(place)
        self._drop_if_empty(side, price, level)

    def queue(self, cloid: Cloid) -> Queue | None:
        """Return where an order stands among the orders of others, None where it is not known."""
        found = self._places.get(cloid)
        return None if found is None else found[0].queue(found[1])

    def queues(self) -> dict[Cloid, Queue]:
        """Return where all our orders stand."""
        return {cloid: found[0].queue(found[1]) for cloid, found in self._places.items()}

    def arrivals(self, side: Side, price: Price) -> tuple[Qty, ...]:
        """Return what is thought to be left of each arrival at a level, first come first."""
        level = self._levels[side].get(price)
        return () if level is None else tuple(level.arrivals)

    # The market.

    def on_trade(self, side: Side, price: Price, qty: Qty) -> None:
        """Let a trade eat from the level that it hit; `side` is that of the resting orders."""
        level = self._levels[side].get(price)
        if level is not None:
            level.trade(qty, has_ours=self._shows_ours)
            self._drop_if_empty(side, price, level)

    def on_level(self, side: Side, price: Price, size: Qty) -> None:
        """Learn a level's size; 0 means gone, -1 that it left the visible window."""
        levels = self._levels[side]
        level = levels.get(price)
        if size < 0:
            # Ours there keep what was last known; of others' levels nothing needs to be known.
            if level is not None and not level.places:
                del levels[price]
            return
        if level is None:
            if not size:
                return
            level = self._level(side, price)
        if self._shows_ours:
            size = max(0, size - sum(place.leaves for place in level.places))
        level.resize(size)
        self._drop_if_empty(side, price, level)

    def on_touch(self, side: Side, price: Price, size: Qty) -> None:
        """Learn the best level of a side: those before it are gone. Price 0 empties the side."""
        for other in tuple(self._levels[side]):
            if price == 0 or (other - price) * side > 0:
                self.on_level(side, other, 0)
        if price:
            self.on_level(side, price, size)

    def on_snapshot(self, side: Side, sizes: Mapping[Price, Qty]) -> None:
        """Learn all visible levels of a side; one that is missing among them is gone.

        Levels beyond the worst are not visible.
        """
        worst = (min(sizes) if side > 0 else max(sizes)) if sizes else 0
        for price in tuple(self._levels[side]):
            if price not in sizes:
                is_beyond = sizes and (worst - price) * side > 0
                self.on_level(side, price, -1 if is_beyond else 0)
        for price, size in sizes.items():
            self.on_level(side, price, size)

    def _level(self, side: Side, price: Price) -> _Level:
        levels = self._levels[side]
        level = levels.get(price)
        if level is None:
            level = levels[price] = _Level(self._model)
        return level

    def _drop_if_empty(self, side: Side, price: Price, level: _Level) -> None:
        if not level.total and not level.places:
            self._levels[side].pop(price, None)


def front(queue: Queue) -> float:
    """Return the share of the level that stands behind us, 0…1; 1 where nobody is ahead."""
    ahead, behind = queue
    return behind / (ahead + behind) if ahead else 1.0
