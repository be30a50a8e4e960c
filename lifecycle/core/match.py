"""Which order stands for which target: as many keeps as possible, then the rest in order.

One side at a time. Orders and targets are on a line, so the leftovers are paired from the touch
outwards. The number of calls is minimal: a keep costs none, a modify one, an order or a target
without a partner one, and a pair too far apart to modify two. A brute-force test says so.
"""

from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

from exchange.units import Price
from lifecycle.core.ahead import is_ahead
from spec.trace import Target

Pairs: TypeAlias = list[int]
"""For each order the index of its target, -1 without one."""

_NOWHERE: Final[list[int]] = []
"""Shared by all orders that no target is near to, and never written to."""


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

    `prices` are those of the orders, `wanted` those of the targets, both from the touch outwards.
    `taken[j]` targets are not to be had; order i may stand for target j when `stands(i, j)`,
    which is asked within `reach` only, in price units. Same points are paired first, then the
    nearest, then augmenting paths make the number of pairs the greatest possible.
    """
    count = len(wanted)
    pairs = [-1] * len(prices)
    owner = [-1] * count
    edges: list[list[int]] = []
    first = 0
    for i, price in enumerate(prices):
        # What is too near to the touch for this order is so for all that are further outwards.
        limit = price + reach if buys else price - reach
        while first < count and is_ahead(wanted[first], limit, buys=buys):
            first += 1
        near = _NOWHERE
        j, limit = first, price - reach if buys else price + reach
        while j < count and not is_ahead(limit, wanted[j], buys=buys):
            if not taken[j] and stands(i, j):
                if near is _NOWHERE:
                    near = []
                near.append(j)
            j += 1
        if len(near) > 1:
            near.sort(key=lambda j: abs(wanted[j] - price))
        edges.append(near)
    if not any(edges):
        return pairs
    for same in (True, False):
        for i, candidates in enumerate(edges):
            if pairs[i] != -1:
                continue
            for j in candidates:
                if owner[j] == -1 and (not same or wanted[j] == prices[i]):
                    pairs[i] = j
                    owner[j] = i
                    break
    for i, candidates in enumerate(edges):
        if pairs[i] == -1 and candidates:
            _augment(i, edges, pairs, owner, set())
    return pairs


def _augment(
    i: int, edges: list[list[int]], pairs: Pairs, owner: list[int], tried: set[int]
) -> bool:
    """Find a target for order i, moving others to another of theirs; depth ≤ len(targets)."""
    for j in edges[i]:
        if j in tried:
            continue
        tried.add(j)
        if owner[j] == -1 or _augment(owner[j], edges, pairs, owner, tried):
            owner[j] = i
            pairs[i] = j
            return True
    return False


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
