"""The generated market as it was first written: a dictionary a side, and `Random` as it comes.

What production runs (`exchange.paper.flow`) is faster and gives the same rows; a seed's market must
never change unnoticed.
"""

from collections.abc import Iterator
from math import ceil, exp, floor, sqrt
from random import Random

from exchange.market import Row, RowKind
from exchange.paper.flow import (
    BAND,
    BLOCK_MIN,
    BLOCK_SPAN,
    DECAY,
    HALF_SPREAD,
    LEAN,
    LIMIT_MEDIAN,
    LIMIT_SPREAD,
    QUEUE,
    REACH_MAX,
    RESERVE,
    STALE_RATE,
    TRADE_MEDIAN,
    TRADE_SPREAD,
)
from exchange.paper.generator import GeneratorConfig
from exchange.units import BPS, MILLISECOND, MINUTE, Nanos, Price, Qty
from exchange.words import Side


def generate(config: GeneratorConfig, seed: int) -> Iterator[Row]:
    """Yield the rows of an endless market that starts at time 0."""
    return _Flow(config, Random(seed)).rows()


class _Book:
    """One side of the book: the size at each price, and the best price.

    Prices are kept with the side's sign turned, so that the better price is always the lower one:
    a bid at 100 is kept at -100, an ask at 100.
    """

    __slots__ = ("best", "queues", "shown", "sign")

    def __init__(self, sign: int) -> None:
        self.sign = sign
        """+1 asks, -1 bids."""
        self.queues: dict[int, Qty] = {}
        self.best = 0
        self.shown: dict[int, Qty] = {}
        """The levels as the last batch of depth rows left them."""

    def add(self, key: int, qty: Qty) -> None:
        """Join or open the queue at `key`."""
        queues = self.queues
        if key in queues:
            queues[key] += qty
        else:
            if not queues or key < self.best:
                self.best = key
            queues[key] = qty

    def take(self, key: int, qty: Qty) -> None:
        """Remove `qty` from the queue at `key`, which must not be all of the side's last queue."""
        queues = self.queues
        left = queues[key] - qty
        if left > 0:
            queues[key] = left
            return
        del queues[key]
        if key == self.best:
            key += 1
            while key not in queues:
                key += 1
            self.best = key

    def visible(self, levels: int) -> dict[int, Qty]:
        """Return the best `levels` levels, best first."""
        queues = self.queues
        if len(queues) > 3 * BAND:
            # The reference price left these behind long ago; nobody sees them.
            self.queues = queues = {k: q for k, q in queues.items() if k < self.best + 2 * BAND}
        keys = sorted(queues)[:levels]
        return {key: queues[key] for key in keys}

    def changes(self, levels: int) -> tuple[list[tuple[Price, Qty]], list[tuple[Price, Qty]]]:
        """Return the levels gone and the levels new or changed since last asked."""
        now = self.visible(levels)
        shown, sign, queues = self.shown, self.sign, self.queues
        gone = [(sign * key, -1 if key in queues else 0) for key in shown if key not in now]
        come = [(sign * key, qty) for key, qty in now.items() if shown.get(key) != qty]
        self.shown = now
        return gone, come


class _Flow:
    """The flow of orders; holds the whole state of one generated market."""

    def __init__(self, config: GeneratorConfig, random: Random) -> None:
        self.config = config
        self.random = random
        self.asks = _Book(1)
        self.bids = _Book(-1)
        self.now: Nanos = 0
        self.reference = config.price + 0.5
        self.trades: list[tuple[Price, Qty, Side]] = []
        """Of the current block."""
        variance = config.volatility_bps_per_sqrt_minute**2
        mean_square = _mean_square_reach(config.sweep_tail)
        jumping = config.jump_share if config.sweeps_per_minute > 0 else 0.0
        per_sweep = jumping * variance / config.sweeps_per_minute if jumping else 0.0
        self.impact = sqrt(per_sweep / mean_square) / BPS
        """Relative move of the reference price for each level swept."""
        self.diffusion = sqrt((1 - jumping) * variance / MINUTE) / BPS
        """Relative deviation of the reference price after one nanosecond."""
        # Rates a nanosecond: limits and cancels on both sides, takers, sweeps.
        limits = 2 * config.flow_per_second * 60 / MINUTE
        takers = config.trades_per_minute / MINUTE
        sweeps = config.sweeps_per_minute / MINUTE
        self.rate = 2 * limits + takers + sweeps
        self.until_limit = limits / self.rate
        self.until_cancel = 2 * limits / self.rate
        self.until_taker = (2 * limits + takers) / self.rate
        self.scale = [exp(-slot / DECAY) for slot in range(BAND)]
        """Sizes by distance from the touch."""
        self.slots = _slots()

    def rows(self) -> Iterator[Row]:
        """Yield rows for ever."""
        self._fill()
        yield from self._snapshot()
        touch = self._touch()
        yield touch
        depth_due = self.config.depth_ms * MILLISECOND
        happens = self.random.expovariate(self.rate)
        while True:
            span = BLOCK_MIN + int(self.random.random() * BLOCK_SPAN)
            self.now += span
            self._move(span)
            while happens < self.now:
                self._happen()
                happens += self.random.expovariate(self.rate)
            for price, qty, side in self.trades:
                yield Row(self.now, -1, RowKind.TRADE, price=price, qty=qty, side=side)
            self.trades.clear()
            seen = self._touch()
            if seen != touch._replace(ts=self.now):
                touch = seen
                yield touch
            if self.now >= depth_due:
                depth_due = self.now + self.config.depth_ms * MILLISECOND
                yield from self._depth()

    def _fill(self) -> None:
        """Fill the book with the sizes that the flow would have led to."""
        for book in (self.asks, self.bids):
            first = self._first(book)
            for slot in range(BAND):
                size = QUEUE * self.scale[slot] * self.random.lognormvariate(0.0, 0.5)
                book.add(first + slot, 1 + int(size))

    def _first(self, book: _Book) -> int:
        """Return the key of the best price at which a maker quotes now."""
        if book.sign > 0:
            return ceil(self.reference + HALF_SPREAD)
        return -floor(self.reference - HALF_SPREAD)

    def _move(self, span: Nanos) -> None:
        """Move the reference price by one block, and let makers withdraw what it has overtaken."""
        random = self.random
        self._shift(self.diffusion * sqrt(span) * random.gauss(0.0, 1.0))
        withdraws = STALE_RATE * span * 60 / MINUTE
        for book in (self.asks, self.bids):
            first = self._first(book)
            while (
                book.best < first
                and len(book.queues) > RESERVE
                and random.random() < withdraws * (first - book.best)
            ):
                book.take(book.best, book.queues[book.best])

    def _shift(self, move: float) -> None:
        """Move the reference price by a relative amount, reflected at half and double the start."""
        reference = self.reference * exp(move)
        low, high = self.config.price / 2, self.config.price * 2
        if reference < low:
            reference = low * low / reference
        elif reference > high:
            reference = high * high / reference
        self.reference = reference

    def _happen(self) -> None:
        """Let one thing happen: a limit order, a cancel, a taker or a sweep."""
        draw = self.random.random()
        if draw < self.until_limit:
            self._limit(*self._somewhere())
        elif draw < self.until_cancel:
            self._cancel(*self._somewhere())
        elif draw < self.until_taker:
            self._taker()
        else:
            self._sweep()

    def _somewhere(self) -> tuple[_Book, int]:
        """Draw a side and a level's distance from the best price that makers quote."""
        draw = int(self.random.random() * 2 * len(self.slots))
        book = self.asks if draw & 1 else self.bids
        return book, self.slots[draw >> 1]

    def _limit(self, book: _Book, slot: int) -> None:
        """Offer a limit order: the longer the queue, the less likely it is joined."""
        random = self.random
        key = self._first(book) + slot
        other = self.bids if book is self.asks else self.asks
        if key <= -other.best:
            # It would cross what the reference price has overtaken and nobody has withdrawn yet.
            return
        scale = self.scale[slot]
        room = QUEUE * scale
        if random.random() * (room + book.queues.get(key, 0)) < room:
            size = LIMIT_MEDIAN * scale * random.lognormvariate(0.0, LIMIT_SPREAD)
            book.add(key, 1 + int(size))

    def _cancel(self, book: _Book, slot: int) -> None:
        """Offer a cancel: the longer the queue, the more likely somebody in it gives up."""
        random = self.random
        key = self._first(book) + slot
        queue = book.queues.get(key)
        if queue is None or len(book.queues) <= RESERVE:
            return
        scale = self.scale[slot]
        if random.random() * (QUEUE * scale + queue) < queue:
            size = LIMIT_MEDIAN * scale * random.lognormvariate(0.0, LIMIT_SPREAD)
            book.take(key, 1 + int(size))

    def _side(self) -> Side:
        """Draw a taker's side; the odds lean towards the reference price."""
        mid = (self.asks.best - self.bids.best) / 2
        gap = max(-8.0, min(8.0, self.reference - mid))
        buys = 1 / (1 + exp(-LEAN * gap))
        return Side.BUY if self.random.random() < buys else Side.SELL

    def _taker(self) -> None:
        """Take from the touch, and from the next levels if the size asks for it."""
        side = self._side()
        book = self.asks if side is Side.BUY else self.bids
        left = 1 + int(TRADE_MEDIAN * self.random.lognormvariate(0.0, TRADE_SPREAD))
        while left > 0 and len(book.queues) > RESERVE:
            left -= self._trade(book, side, left)

    def _sweep(self) -> None:
        """Take several levels at once, the last one in part, and move the reference price."""
        side = self._side()
        book = self.asks if side is Side.BUY else self.bids
        uniform = 1.0 - self.random.random()
        reach = min(REACH_MAX, int(2 * uniform ** (-1 / self.config.sweep_tail)))
        last = book.best + reach - 1
        while book.best < last and len(book.queues) > RESERVE:
            self._trade(book, side, book.queues[book.best])
        if book.best == last:
            self._trade(book, side, 1 + int(book.queues[last] * self.random.random()))
        self._shift(side * self.impact * reach)

    def _trade(self, book: _Book, side: Side, qty: Qty) -> Qty:
        """Trade at the touch and return how much was done."""
        done = min(qty, book.queues[book.best])
        self.trades.append((book.sign * book.best, done, side))
        book.take(book.best, done)
        return done

    def _touch(self) -> Row:
        bids, asks = self.bids, self.asks
        return Row(
            self.now,
            -1,
            RowKind.BBO,
            -bids.best,
            bids.queues[bids.best],
            asks.best,
            asks.queues[asks.best],
        )

    def _snapshot(self) -> Iterator[Row]:
        for book in (self.bids, self.asks):
            for price, qty in book.changes(self.config.levels)[1]:
                yield self._level(price, qty, book, "S")

    def _depth(self) -> Iterator[Row]:
        changes = [(book, *book.changes(self.config.levels)) for book in (self.bids, self.asks)]
        for book, gone, _ in changes:
            for price, qty in gone:
                yield self._level(price, qty, book, "U")
        for book, _, come in changes:
            for price, qty in come:
                yield self._level(price, qty, book, "U")

    def _level(self, price: Price, qty: Qty, book: _Book, act: str) -> Row:
        return Row(self.now, -1, RowKind.DEPTH, price=price, qty=qty, side=-book.sign, act=act)


def _mean_square_reach(tail: float) -> float:
    """Return the mean square of the number of levels that a sweep takes."""
    total = 0.0
    for reach in range(2, REACH_MAX + 1):
        beyond = 0.0 if reach == REACH_MAX else (2 / (reach + 1)) ** tail
        total += reach**2 * ((2 / reach) ** tail - beyond)
    return total


def _slots() -> list[int]:
    """Return distances from the touch, each as often as flow goes there.

    Half of the flow is spread evenly, half gathers at the touch.
    """
    slots: list[int] = []
    for slot in range(BAND):
        weight = 0.5 / BAND + 0.5 * (exp(-slot / 2) - exp(-(slot + 1) / 2))
        slots.extend([slot] * round(400 * weight))
    return slots
