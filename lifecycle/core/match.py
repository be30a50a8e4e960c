"""Which order stands for which target: as many keeps as possible, then the rest in order.

One side at a time. Orders and targets are on a line, so the leftovers are paired from the touch
outwards. The number of calls is minimal: a keep costs none, a modify one, an order or a target
without a partner one, and a pair too far apart to modify two. A brute-force test says so.
"""

from collections.abc import Callable, Sequence
from typing import TypeAlias

from exchange.units import Price
from lifecycle.core.ahead import is_ahead
from spec.trace import Target

Pairs: TypeAlias = list[int]
"""For each order the index of its target, -1 without one."""


def match_keeps(
    prices: list[Price],
    wanted: list[Price],
    taken: list[bool],
    reach: int,
    stands: Callable[[int, int], bool],
    *,
    buys: bool,
) -> Pairs:
    """Pair as many orders as possible with targets that they may stand for as they are.

    `prices` are those of the orders, `wanted` those of the targets, each of them once, both from
    the touch outwards. `taken[j]` targets are not to be had; order i may stand for target j when
    `stands(i, j)`, which is asked within `reach` only, in price units. Same points are paired
    first, then the nearest, then augmenting paths make the number of pairs the greatest possible.
    """
    line = _Line(prices, wanted, taken, reach, stands, buys=buys)
    for i in range(len(prices)):
        line.settle_in_place(i)
    crowded = [i for i in range(len(prices)) if line.pairs[i] < 0 and line.settle(i)]
    for i in crowded:
        line.augment(i, set())
    return line.pairs


class _Line:
    """Orders and targets along the prices of one side, being paired.

    Whether an order may stand for a target takes time to find out, so it is asked for late: about
    the nearest target that is free, and about all only where no such has been found.
    """

    __slots__ = (
        "edges",
        "firsts",
        "owner",
        "pairs",
        "prices",
        "reach",
        "stands",
        "taken",
        "wanted",
    )

    def __init__(
        self,
        prices: list[Price],
        wanted: list[Price],
        taken: list[bool],
        reach: int,
        stands: Callable[[int, int], bool],
        *,
        buys: bool,
    ) -> None:
        self.prices = prices
        self.wanted = wanted
        self.taken = taken
        self.reach = reach
        self.stands = stands
        self.pairs: Pairs = [-1] * len(prices)
        self.owner = [-1] * len(wanted)
        """For each target the order that stands for it, -1 without one."""
        self.edges: dict[int, list[int]] = {}
        """The targets that an order may stand for, the nearest first, where that was asked."""
        self.firsts: list[int] = []
        """For each order the first target that is not nearer to the touch."""
        first = 0
        for price in prices:
            while first < len(wanted) and is_ahead(wanted[first], price, buys=buys):
                first += 1
            self.firsts.append(first)

    def settle_in_place(self, i: int) -> None:
        """Let order i stand for a free target at its own price, if it may."""
        j = self.firsts[i]
        if j < len(self.wanted) and self.wanted[j] == self.prices[i]:
            self._settle_at(i, j)

    def settle(self, i: int) -> bool:
        """Let order i stand for the nearest free target that it may stand for.

        Returns whether there is none, but others are in its reach that might make room.
        """
        j = self._nearest(i)
        # Mostly there is none, or it is this one.
        if j < 0 or self._settle_at(i, j):
            return False
        is_crowded = False
        for j in self._reached(i):
            if self._settle_at(i, j):
                return False
            is_crowded = is_crowded or self.owner[j] >= 0
        return is_crowded

    def augment(self, i: int, tried: set[int]) -> bool:
        """Find a target for order i, moving others to another of theirs; depth ≤ len(targets)."""
        edges = self.edges.get(i)
        if edges is None:
            edges = self.edges[i] = [j for j in self._reached(i) if self.stands(i, j)]
        for j in edges:
            if j in tried:
                continue
            tried.add(j)
            if self.owner[j] < 0 or self.augment(self.owner[j], tried):
                self.owner[j] = i
                self.pairs[i] = j
                return True
        return False

    def _settle_at(self, i: int, j: int) -> bool:
        """Let order i stand for target j if that is free and it may; return whether it does."""
        if self.owner[j] >= 0 or self.taken[j] or not self.stands(i, j):
            return False
        self.owner[j] = i
        self.pairs[i] = j
        return True

    def _nearest(self, i: int) -> int:
        """Return the nearest target, to be had or not; -1 where none is within reach."""
        price, outer = self.prices[i], self.firsts[i]
        inner, j, away = outer - 1, -1, self.reach + 1
        if outer < len(self.wanted):
            j, away = outer, abs(self.wanted[outer] - price)
        if inner >= 0 and abs(self.wanted[inner] - price) <= away:
            j, away = inner, abs(self.wanted[inner] - price)
        return j if away <= self.reach else -1

    def _reached(self, i: int) -> list[int]:
        """Return the targets to be had within reach of order i, the nearest first.

        Of two that are equally near the one nearer to the touch comes first.
        """
        price, wanted, taken, reach = self.prices[i], self.wanted, self.taken, self.reach
        outer, count = self.firsts[i], len(self.wanted)
        inner = outer - 1
        found: list[int] = []
        while True:
            away = abs(wanted[outer] - price) if outer < count else reach + 1
            inwards = abs(wanted[inner] - price) if inner >= 0 else reach + 1
            if away > reach and inwards > reach:
                return found
            if inwards <= away:
                j = inner
                inner -= 1
            else:
                j = outer
                outer += 1
            if not taken[j]:
                found.append(j)


def match_leftovers(
    prices: list[Price],
    wanted: list[Price],
    left_orders: list[int],
    left_targets: list[int],
    reaches: list[Price] | None,
    *,
    buys: bool,
) -> list[tuple[int, int]]:
    """Pair what is left, both lists sorted from the touch outwards, for modifying.

    `prices` are those of the orders, `wanted` those of the targets, `reaches` says how far a modify
    may go to each of these; None is any distance. Orders and targets beyond reach of each other
    stay unpaired.
    """
    if reaches is None:
        both = min(len(left_orders), len(left_targets))
        return [(left_orders[n], left_targets[n]) for n in range(both)]
    found: list[tuple[int, int]] = []
    a = b = 0
    while a < len(left_orders) and b < len(left_targets):
        i, j = left_orders[a], left_targets[b]
        # Positive: the order is further from the touch than the target.
        outward = wanted[j] - prices[i]
        if not buys:
            outward = -outward
        limit = reaches[j]
        if outward > limit:
            b += 1
        elif outward < -limit:
            a += 1
        else:
            found.append((i, j))
            a += 1
            b += 1
    return found


def nearest(price: int, targets: Sequence[Target], taken: Sequence[bool]) -> int:
    """Return the nearest free target to a price, the better one on a tie; -1 without any."""
    best, distance = -1, 0
    for j, target in enumerate(targets):
        if not taken[j]:
            away = abs(target.price - price)
            if best == -1 or away < distance:
                best, distance = j, away
    return best
