"""The displayed book: sizes by price, and order by order where the market was recorded so.

Our own orders are never in it. A level's size is known, or known to be nothing, between the best
and the worst visible price; beyond the worst nothing is known.
"""

from bisect import bisect_left, insort
from typing import Final, NamedTuple

from exchange.market import Row
from exchange.units import Nanos, Price, Qty


class Touch(NamedTuple):
    """The best prices and their sizes; a price of 0 means that the side is empty."""

    bid: Price = 0
    bid_qty: Qty = 0
    ask: Price = 0
    ask_qty: Qty = 0


def hit_side(bid: Price, ask: Price, price: Price) -> int:
    """Return which side a trade without aggressor has hit, by its distance to the touch."""
    if not bid or not ask:
        return 1 if bid else -1
    return 1 if 2 * price <= bid + ask else -1


class Levels:
    """One side of the displayed book."""

    __slots__ = ("_keys", "sign", "sizes")

    def __init__(self, sign: int) -> None:
        self.sign: Final = sign
        """+1 for bids, -1 for asks: the better of two prices has the greater product."""
        self.sizes: Final[dict[Price, Qty]] = {}
        # Their products with the sign: the worst one first, the best one last.
        self._keys: Final[list[int]] = []

    @property
    def best(self) -> Price:
        """Return the best price, 0 where there is none."""
        keys = self._keys
        if not keys:
            return 0
        # Not by multiplying with the sign: compiled, that is slow where it is negative.
        return keys[-1] if self.sign > 0 else -keys[-1]

    @property
    def worst(self) -> Price:
        """Return the worst visible price, 0 where there is none."""
        keys = self._keys
        if not keys:
            return 0
        return keys[0] if self.sign > 0 else -keys[0]

    def put(self, price: Price, qty: Qty) -> Qty:
        """Set a level's size; 0 means gone, -1 that it left the visible window.

        Returns its size before.
        """
        sizes = self.sizes
        size = sizes.get(price, 0)
        if qty > 0:
            sizes[price] = qty
            if not size:
                insort(self._keys, price * self.sign)
        elif size:
            del sizes[price]
            del self._keys[bisect_left(self._keys, price * self.sign)]
        return size

    def take(self, price: Price, qty: Qty) -> Qty:
        """Deduct a trade from a level; returns its size before."""
        size = self.sizes.get(price, 0)
        if size:
            self.put(price, max(0, size - qty))
        return size

    def show(self, price: Price, qty: Qty) -> dict[Price, Qty]:
        """Set the best level: whatever stood before it is gone. Price 0 empties the side.

        Returns what stood before it.
        """
        if price == 0:
            gone = dict(self.sizes)
            self.clear()
            return gone
        gone = {}
        keys, key = self._keys, price * self.sign
        while keys and keys[-1] > key:
            better = keys.pop() * self.sign
            gone[better] = self.sizes.pop(better)
        self.put(price, qty)
        return gone

    def clear(self) -> None:
        """Forget all levels."""
        self.sizes.clear()
        self._keys.clear()

    def displayed(self, price: Price) -> Qty | None:
        """Return the size at `price`, None where it lies beyond what is visible."""
        size = self.sizes.get(price)
        if size is not None:
            return size
        worst = self.worst
        if worst and (price - worst) * self.sign > 0:
            return 0
        return None


class Book:
    """Both sides of the displayed book."""

    __slots__ = ("_burst", "asks", "bids", "sides")

    def __init__(self) -> None:
        self.bids: Final = Levels(1)
        self.asks: Final = Levels(-1)
        self.sides: Final = {1: self.bids, -1: self.asks}
        self._burst: tuple[Nanos, int] = (-1, 0)

    def depth(self, row: Row) -> None:
        """Apply a depth row; the first of a burst of snapshot rows clears its side."""
        ts, _, _, _, _, _, _, price, qty, side, _, act = row
        levels = self.sides[side]
        if act == "S" and self._burst != (ts, side):
            self._burst = (ts, side)
            levels.clear()
        levels.put(price, qty)

    def touch(self) -> Touch:
        """Return the best prices and sizes."""
        bid, ask = self.bids.best, self.asks.best
        return Touch(bid, self.bids.sizes.get(bid, 0), ask, self.asks.sizes.get(ask, 0))


class SingleOrders:
    """The orders of others one by one, each level in order of arrival."""

    __slots__ = ("_levels", "_where")

    def __init__(self) -> None:
        self._levels: dict[tuple[int, Price], dict[str, Qty]] = {}
        self._where: dict[str, tuple[int, Price]] = {}

    def level(self, side: int, price: Price) -> dict[str, Qty]:
        """Return what remains of each order of a level, first come first; not to be changed."""
        return self._levels.get((side, price), {})

    def where(self, oid: str) -> tuple[int, Price] | None:
        """Return side and price of an order, None where it is not known."""
        return self._where.get(oid)

    def put(self, oid: str, side: int, price: Price, qty: Qty) -> Qty:
        """Set what remains of an order and return what remained before, 0 if it was not there.

        An order that grows or moves goes to the end of its queue; with nothing left it is removed.
        """
        key = (side, price)
        old = self._where.get(oid)
        before = 0
        if old is not None:
            level = self._levels[old]
            before = level[oid]
            if old == key and 0 < qty <= before:
                level[oid] = qty
                return before
            del level[oid], self._where[oid]
            if not level:
                del self._levels[old]
        if qty > 0:
            self._levels.setdefault(key, {})[oid] = qty
            self._where[oid] = key
        return before

    def clear(self) -> None:
        """Forget all orders."""
        self._levels.clear()
        self._where.clear()
