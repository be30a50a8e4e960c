"""The cheapest pairing of orders and targets where modifies do not reach everywhere.

Needed only then, and only where pairing the leftovers in order has left both an order and a target
without a partner: a different choice of keeps might have served both. Rare and small, so plain:
each round adds the alternating path that gains most, until none gains.
"""

from collections.abc import Sequence
from typing import Final

_NONE: Final = -1


def assign(gains: Sequence[Sequence[int]], targets: int) -> list[int]:
    """Return for each order the index of its target, -1 without one, with the greatest total gain.

    `gains[i][j]` is what pairing order i with target j is worth, 0 or less where it may not be.
    O(n³) for n orders and as many targets. Source: successive longest augmenting paths, as in
    Ahuja, Magnanti, Orlin, Network Flows, 1993, chapter 9.
    """
    pairs = [_NONE] * len(gains)
    owner = [_NONE] * targets
    for _ in gains:
        path = _best_path(gains, pairs, owner)
        if path is None:
            break
        for i, j in path:
            pairs[i] = j
            owner[j] = i
    return pairs


def _best_path(
    gains: Sequence[Sequence[int]], pairs: Sequence[int], owner: Sequence[int]
) -> list[tuple[int, int]] | None:
    """Return the new pairs along the alternating path that gains most, None where none gains."""
    reached: list[int | None] = [0 if pair == _NONE else None for pair in pairs]
    """The best gain of a path that ends at this order with nothing paired to it yet."""
    through = [_NONE] * len(owner)
    """The order that each target is best reached from."""
    worth: list[int | None] = [None] * len(owner)
    for _ in range(len(gains) + 1):
        changed = False
        for i, so_far in enumerate(reached):
            if so_far is None:
                continue
            for j, gain in enumerate(gains[i]):
                known = worth[j]
                if gain <= 0 or pairs[i] == j or (known is not None and so_far + gain <= known):
                    continue
                worth[j] = so_far + gain
                through[j] = i
                changed = True
                k = owner[j]
                if k != _NONE:
                    reached[k] = so_far + gain - gains[k][j]
        if not changed:
            break
    free = [j for j, k in enumerate(owner) if k == _NONE and (worth[j] or 0) > 0]
    if not free:
        return None
    best = max(free, key=lambda j: (worth[j] or 0, -j))
    path: list[tuple[int, int]] = []
    j = best
    while True:
        i = through[j]
        path.append((i, j))
        if pairs[i] == _NONE:
            return path
        j = pairs[i]
