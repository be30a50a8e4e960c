"""One side of a cycle: its orders from the touch outwards, each with the target it stands for.

This is matching and L4 together, and nothing is sent here: an order is kept, or something else
is wanted of it, and `lifecycle.core.plan` decides whether that may be sent now.
"""

import enum
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise
from types import MappingProxyType
from typing import Final

from exchange.market import Queue
from exchange.units import Price, Qty
from exchange.words import Cloid, Side
from lifecycle.core.ahead import is_ahead
from lifecycle.core.assign import assign
from lifecycle.core.bands import (
    in_units,
    level_bands,
    level_latches,
    queue_factor,
    stale_band,
)
from lifecycle.core.desk import Desk
from lifecycle.core.match import match_keeps, match_leftovers, nearest
from lifecycle.core.order import Order
from lifecycle.core.settings import MILLION
from spec.states import Hold, Request
from spec.trace import Target

LADDER_MIN: Final = 2
"""So many orders must be kept, and one in so many of the levels, to be a ladder in step."""


class Want(enum.IntEnum):
    """What matching wants of one order."""

    WAIT = 0
    """It is in flight or in doubt: nothing but a query."""
    KEEP = 1
    MODIFY = 2
    REPLACE = 3
    """Too far to modify: cancel it, and place when it is proven gone."""
    WITHDRAW = 4
    """No target wants it."""


# Enum members looked up once: before Python 3.12 each access costs a function call.
_BUY: Final = Side.BUY
_IDLE: Final = Request.IDLE
_DEBOUNCED: Final = Hold.DEBOUNCED
_WAIT: Final = Want.WAIT
_KEEP: Final = Want.KEEP
_MODIFY: Final = Want.MODIFY
_REPLACE: Final = Want.REPLACE
_WITHDRAW: Final = Want.WITHDRAW


class SidePlan:
    """The orders and targets of one side, matched."""

    __slots__ = (
        "_aims",
        "bands",
        "buys",
        "desk",
        "drift",
        "emergency",
        "factors",
        "foremost",
        "is_plain",
        "latches",
        "leaves",
        "levels",
        "limit",
        "orders",
        "prices",
        "risk",
        "side",
        "target_prices",
        "target_qtys",
        "targets",
        "uncovered",
        "wants",
    )

    def __init__(
        self,
        desk: Desk,
        side: Side,
        targets: tuple[Target, ...],
        base: int,
        factor: int,
        queues: Mapping[Cloid, Queue] = MappingProxyType({}),
    ) -> None:
        """Match one side; `base` latch and quota `factor` as in `lifecycle.core.bands`.

        `queues` are the places of our orders in theirs, where known.
        """
        self.desk = desk
        self.side = side
        self.targets = targets
        self.target_prices: list[Price] = [target.price for target in targets]
        self.target_qtys: list[Qty] = [target.qty for target in targets]
        self.buys = buys = side is _BUY
        rows = [
            (-order.leg.price if buys else order.leg.price, order.cloid, order)
            for order in desk.blotter.open.values()
            if order.side is side
        ]
        rows.sort()
        self.orders: list[Order] = [row[2] for row in rows]
        # Looked up once: both stay as they are while the cycle decides.
        self.prices: list[Price] = [order.leg.price for order in self.orders]
        self.leaves: list[Qty] = [order.leg.leaves for order in self.orders]
        settings = desk.settings
        self.latches = level_latches(settings, base, len(targets), factor)
        """The latch of each level, in millionths of a basis point."""
        self.bands = level_bands(settings, self.latches, self.target_prices)
        """The same in price units."""
        self.factors: list[int] | None = None
        """How much wider each order's band is for its place in the queue, in millionths; None
        where nothing is known of any queue."""
        if queues and settings.queue_bonus:
            self.factors = [queue_factor(settings, queues.get(one.cloid)) for one in self.orders]
        self.is_plain = self.factors is None and settings.adverse_factor == MILLION
        """A level's band is that of any order."""
        self.levels = [-1] * len(self.orders)
        """For each order the level of its target, -1 without one."""
        self.wants = [_WAIT] * len(self.orders)
        self.emergency = [False] * len(self.orders)
        """In the way of our other side, or over the exposure cap."""
        self.uncovered: list[int] = []
        """Levels that no order stands for."""
        self.foremost = self._innermost()
        """The most aggressive price of this side, of what is sent in this cycle too; None without
        any."""
        self.limit: Price | None = None
        """The touch, where post-only forbids to cross it; None where nothing forbids it."""
        self.risk = 0
        """Worst-case exposure of this side, in lots; kept only where there is a cap."""
        self._match()
        self.drift = self._ladder_drift() if settings.in_step else None
        """How far the ladder that is kept has drifted; None where there is none to be in step
        with."""
        self._aims: list[Price] | None = None

    @property
    def aims(self) -> list[Price]:
        """Where what is sent for each level goes: to its target, or in step with what is kept."""
        if self._aims is None:
            drift = self.drift
            self._aims = self.target_prices if drift is None else self._in_step(drift)
        return self._aims

    def _match(self) -> None:
        if not self.orders:
            self.uncovered = list(range(len(self.targets)))
            return
        taken = [False] * len(self.targets)
        for i, order in enumerate(self.orders):
            # Placing and modifying orders keep the target nearest to where they are going;
            # one that is being cancelled goes nowhere, and stands for nothing.
            if order.request is not _IDLE and not order.is_cancelling:
                level = nearest(order.goal_price, self.targets, taken)
                if level >= 0:
                    taken[level] = True
                    self.levels[i] = level
        idle = [i for i, order in enumerate(self.orders) if order.request is _IDLE]
        unwanted = self.desk.blotter.unwanted
        if unwanted:
            for i in [i for i in idle if self.orders[i].cloid in unwanted]:
                self.wants[i] = _WITHDRAW
                idle.remove(i)
        prices = self.prices
        if len(idle) < len(prices):
            prices = [prices[i] for i in idle]
        pairs = match_keeps(
            prices,
            self.target_prices,
            taken,
            self._widest(),
            self._stands_for(idle),
            buys=self.buys,
        )
        for n, level in enumerate(pairs):
            if level >= 0:
                self._pair_one(idle[n], level, _KEEP)
                taken[level] = True
        left = [i for i in idle if self.levels[i] < 0]
        free = [level for level in range(len(self.targets)) if not taken[level]]
        if left:
            self._pair_leftovers(left, free)
            if self._has_replacements():
                self._reconsider(idle, taken, pairs)
            for i in idle:
                if self.levels[i] < 0:
                    self.wants[i] = _WITHDRAW
        self.uncovered = self._not_stood_for()

    def _not_stood_for(self) -> list[int]:
        stood_for = [False] * len(self.targets)
        for level in self.levels:
            if level >= 0:
                stood_for[level] = True
        return [level for level, is_stood_for in enumerate(stood_for) if not is_stood_for]

    def _ladder_drift(self) -> int | None:
        """Return how far the median order that is kept has drifted; None without a ladder."""
        keeps = self.wants.count(_KEEP)
        if keeps < LADDER_MIN or LADDER_MIN * keeps < len(self.targets):
            return None
        kept = [
            price - self.target_prices[level]
            for price, level, want in zip(self.prices, self.levels, self.wants, strict=True)
            if want is _KEEP
        ]
        kept.sort()
        return kept[keeps // 2]

    def _in_step(self, drift: int) -> list[Price]:
        """Return the wanted prices moved as far as the ladder has drifted.

        Each stays inside its band, so that nothing sent there is moved again at once.
        """
        settings, snap = self.desk.settings, self.desk.instrument.snap
        adverse = settings.adverse_factor if is_ahead(drift, 0, buys=self.buys) else MILLION
        aims: list[Price] = []
        for wanted, latch, band in zip(self.target_prices, self.latches, self.bands, strict=True):
            most = band
            if adverse != MILLION:
                # Rounded as the band of an order is, or what is sent there could be outside.
                width = latch * adverse // MILLION
                most = in_units(min(width, stale_band(settings, width)), wanted)
            price = snap(wanted + max(-most, min(most, drift)), self.side)
            aims.append(price if abs(price - wanted) <= most else wanted)
        # Where the bands are narrow for some and wide for others, rungs could meet.
        apart = all(is_ahead(a, b, buys=self.buys) for a, b in pairwise(aims))
        return aims if apart else self.target_prices

    def _pair_leftovers(self, left: list[int], free: list[int]) -> None:
        """Pair for modifying what can be modified, then for replacing what cannot."""
        reaches = self._reaches()
        pairs = match_leftovers(
            self.prices, self.target_prices, left, free, reaches, buys=self.buys
        )
        self._pair(pairs, _MODIFY)
        if len(pairs) == min(len(left), len(free)):
            return
        modified = {level for _, level in pairs}
        free = [level for level in free if level not in modified]
        # A debounced modify never becomes cancel and place, however far it has drifted by now.
        debounced = [i for i in left if self.levels[i] < 0 and self.orders[i].hold is _DEBOUNCED]
        self._pair(zip(debounced, free, strict=False), _MODIFY)
        rest = [i for i in left if self.levels[i] < 0]
        self._pair(zip(rest, free[len(debounced) :], strict=False), _REPLACE)

    def _reconsider(self, idle: list[int], taken: list[bool], pairs: Sequence[int]) -> None:
        """Look for another choice of keeps that leaves less to replace.

        A keep saves two calls, a modify within reach one; among equals the least total drift.
        """
        reaches = self._reaches()
        assert reaches is not None, "with any reach nothing is replaced"
        kept = {level for level in pairs if level >= 0}
        usable = [not was or level in kept for level, was in enumerate(taken)]
        far = 1 + sum(self.target_prices) + sum(self.prices[i] for i in idle)
        far *= len(idle)
        # More than there are pairs: calls count first, then keeps, then drift.
        rank = len(idle) + 1
        stands = self._stands_for(idle)
        gains = []
        for n, i in enumerate(idle):
            order = self.orders[i]
            row = [0] * len(self.targets)
            for level, wanted in enumerate(self.target_prices):
                if not usable[level]:
                    continue
                drift = abs(self.prices[i] - wanted)
                if stands(n, level):
                    row[level] = (2 * rank + 1) * far - drift
                elif drift <= reaches[level] or order.hold is _DEBOUNCED:
                    row[level] = rank * far - drift
            gains.append(row)
        chosen = assign(gains, len(self.targets))
        free = [level for level in range(len(self.targets)) if usable[level]]
        for i, row, level in zip(idle, gains, chosen, strict=True):
            self.levels[i] = -1
            if level >= 0:
                free.remove(level)
                keeps = row[level] > rank * far
                self._pair([(i, level)], _KEEP if keeps else _MODIFY)
        rest = [i for i in idle if self.levels[i] < 0]
        self._pair(zip(rest, free, strict=False), _REPLACE)

    def _pair(self, pairs: Iterable[tuple[int, int]], want: Want) -> None:
        for i, level in pairs:
            self._pair_one(i, level, want)

    def _pair_one(self, i: int, level: int, want: Want) -> None:
        self.levels[i] = level
        self.wants[i] = want
        self.orders[i].level = level

    def _has_replacements(self) -> bool:
        # By identity: comparing two members of an enum that are numbers takes ten times as long.
        return any(want is _REPLACE for want in self.wants)

    @property
    def changes(self) -> int:
        """How many orders are wanted elsewhere, or in another size."""
        return sum(want is _MODIFY or want is _REPLACE for want in self.wants)

    def band(self, i: int, level: int) -> Price:
        """Return how far order i may be from the target of a level, in price units."""
        if self.is_plain:
            return self.bands[level]
        width = self._width(i, level)
        width = min(width, stale_band(self.desk.settings, width))
        return in_units(width, self.target_prices[level])

    def _width(self, i: int, level: int) -> int:
        """Return the latch of order i at a level, in millionths of a basis point."""
        width = self.latches[level]
        if self.factors is not None:
            width = width * self.factors[i] // MILLION
        if is_ahead(self.prices[i], self.target_prices[level], buys=self.buys):
            width = width * self.desk.settings.adverse_factor // MILLION
        return width

    def _widest(self) -> Price:
        """Return a distance beyond which no order of this side may stand for a target."""
        widest = 0
        for band in self.bands:
            if band > widest:
                widest = band
        if self.factors is None:
            return widest
        # One unit more, because each band was rounded down before it was widened here.
        return (widest + 1) * max(self.factors, default=MILLION) // MILLION + 1

    def _stands_for(self, idle: Sequence[int]) -> Callable[[int, int], bool]:
        """Return what says whether the n-th idle order may stand for a level as it is."""
        prices, leaves, bands = self.prices, self.leaves, self.bands
        wanted, sizes = self.target_prices, self.target_qtys
        size_latch = self.desk.settings.size_latch
        # Asked for every order and every level near it: without a factor the band is at hand.
        plain = self.is_plain

        def stands(n: int, level: int) -> bool:
            i = idle[n]
            band = bands[level] if plain else self.band(i, level)
            if not -band <= prices[i] - wanted[level] <= band:
                return False
            left = leaves[i]
            return abs(sizes[level] - left) * MILLION <= size_latch * left

        return stands

    def _reaches(self) -> list[Price] | None:
        """Return how far one modify may go to each target, in price units; None: any distance."""
        most = self.desk.settings.modify_max
        if most is None:
            return None
        if most == 0:
            # Not even the same price is within: every change is a replacement.
            return [-1] * len(self.target_prices)
        return [in_units(most, price) for price in self.target_prices]

    def is_stale(self, i: int) -> bool:
        """Say whether order i is beyond the stale band of its target."""
        level = self.levels[i]
        wanted = self.target_prices[level]
        band = in_units(stale_band(self.desk.settings, self._width(i, level)), wanted)
        return abs(self.prices[i] - wanted) > band

    def is_small(self, i: int) -> bool:
        """Say whether the change of order i is of low priority.

        That is a drift no more than half-way from the latch to the stale band, or a size alone.
        """
        settings, level = self.desk.settings, self.levels[i]
        price, latch = self.target_prices[level], self.band(i, level)
        stale = latch * settings.stale_factor // MILLION
        if settings.stale is not None:
            stale = in_units(settings.stale, price)
        return 2 * abs(self.prices[i] - price) <= latch + stale

    def advance(self, price: Price) -> None:
        """Note that an order of this side is sent to a price."""
        if self.foremost is None or is_ahead(price, self.foremost, buys=self.buys):
            self.foremost = price

    def _innermost(self) -> Price | None:
        """Return the most aggressive price at which any of this side's orders may rest."""
        if not self.orders:
            return None
        best = self.prices[0]
        for order in self.orders:
            goal = order.goal_price
            if order.is_modifying and is_ahead(goal, best, buys=self.buys):
                best = goal
        return best
