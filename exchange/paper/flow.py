"""The flow of orders that makes the generated market, block by block (`exchange.paper.generator`).

It is written for speed: the best prices that makers quote are remembered, rows go into columns, and
what is drawn is drawn without a detour. The distributions are those of Python's `random`, of which
a change would make another market of every seed.
"""

from collections.abc import Callable
from math import ceil, cos, exp, floor, log, pi, sin, sqrt
from random import Random
from typing import Final

from exchange.columns import BBO, DEPTH, SNAPSHOT, TRADE, UPDATE, Columns
from exchange.units import BPS, MILLISECOND, MINUTE, Nanos, Price, Qty

BAND: Final = 30
"""Levels on each side of the reference price that receive limit and cancel flow."""
REACH_MAX: Final = 24
"""The most levels that one sweep takes: less than the band, so that a book is left."""
RESERVE: Final = 4
"""Levels of a side that neither sweep nor withdrawal touches."""

HALF_SPREAD: Final = 0.2
"""Ticks that makers keep between their quote and the reference price. Rounding to whole ticks
makes the spread one tick or two, two with a probability of twice this."""
DECAY: Final = 17.0
"""Levels over which the size of queues falls by a factor e."""
QUEUE: Final = 150_000
"""Lots at which a queue next to the touch is as likely to be left alone as to be joined."""
LIMIT_MEDIAN: Final = 30_000.0
LIMIT_SPREAD: Final = 1.0
"""Median (lots) and log-deviation of the size of limit orders and cancels at the touch."""
TRADE_MEDIAN: Final = 1_500.0
TRADE_SPREAD: Final = 1.5
"""The same for takers who do not sweep."""
STALE_RATE: Final = 4.0
"""Withdrawals a second of a level that the reference price has overtaken."""
LEAN: Final = 0.8
"""How much one tick between mid and reference price changes the log-odds of a taker's side."""

BLOCK_MIN: Final = 60 * MILLISECOND
BLOCK_SPAN: Final = 80 * MILLISECOND
"""Blocks last the minimum plus a uniform share of the span."""

NORMAL: Final = 4 * exp(-0.5) / sqrt(2.0)
"""Of Kinderman and Monahan's way to draw from the normal distribution."""
TURN: Final = 2.0 * pi
MINUTE_NS: Final = 60e9
"""`MINUTE` for floats, which compiled code need not look up."""
MARGIN: Final = 4
"""Prices beyond half and double the start that rounding may lead to."""

Draw = Callable[[], float]


def normal(draw: Draw) -> float:
    """Draw from the standard normal distribution, as `Random.normalvariate` does.

    Source: Kinderman and Monahan, "Computer generation of random variables using the ratio of
    uniform deviates", 1977.
    """
    while True:
        one = draw()
        other = 1.0 - draw()
        z = NORMAL * (one - 0.5) / other
        if z * z / 4.0 <= -log(other):
            return z


class Ladder:
    """One side of the book: the size at each price that may ever be quoted, and the best price.

    A price's place is counted outwards from the middle, so that the better price is always the
    lower place, on both sides: price = origin + sign × place.
    """

    __slots__ = (
        "best",
        "count",
        "first",
        "last",
        "origin",
        "queues",
        "shown",
        "sign",
        "since",
        "until",
    )

    def __init__(self, sign: int, origin: Price, places: int) -> None:
        """Start empty; `sign` is +1 for asks, -1 for bids."""
        self.sign: Final = sign
        self.origin: Final = origin
        self.queues: Final[list[Qty]] = [0] * places
        self.count = 0
        """Queues that are not empty."""
        self.best = places
        self.last = 0
        """No queue beyond this place was ever joined, or is left."""
        self.first = 0
        """The best place at which a maker quotes now."""
        self.shown: Final[list[Qty]] = [0] * places
        """The levels as the last batch of depth rows left them."""
        self.since = places
        self.until = -1
        """The best place when it was last asked for changes, and the last one shown."""

    def price(self, place: int) -> Price:
        """Return the price of a place."""
        # Not by multiplying with the sign: compiled, that is slow where it is negative.
        return self.origin + place if self.sign > 0 else self.origin - place

    def add(self, place: int, qty: Qty) -> None:
        """Join or open a queue."""
        queue = self.queues[place]
        self.queues[place] = queue + qty
        if not queue:
            self.count += 1
            self.best = min(self.best, place)
            self.last = max(self.last, place)

    def take(self, place: int, qty: Qty) -> None:
        """Remove `qty` from a queue, which must not be all of the side's last queue."""
        queues = self.queues
        left = queues[place] - qty
        if left > 0:
            queues[place] = left
            return
        queues[place] = 0
        self.count -= 1
        if place == self.best:
            place += 1
            while not queues[place]:
                place += 1
            self.best = place

    def forget(self) -> None:
        """Drop the queues that the reference price left behind long ago: nobody sees them."""
        beyond = self.best + 2 * BAND
        for place in range(beyond, self.last + 1):
            if self.queues[place]:
                self.queues[place] = 0
                self.count -= 1
        self.last = min(self.last, beyond)

    def changes(self, levels: int, gone: Columns, come: Columns) -> None:
        """Tell the levels gone since last asked, and those that are new or changed.

        Shown are the best `levels` levels; one that is there and no longer shown has size -1.
        """
        if self.count > 3 * BAND:
            self.forget()
        queues, shown, side = self.queues, self.shown, -self.sign
        left = min(levels, self.count)
        place, until = min(self.best, self.since), self.until
        self.since = self.best
        while left or place <= until:
            queue = queues[place]
            now = queue if left else 0
            if now:
                left -= 1
                self.until = place
            if now != shown[place]:
                shown[place] = now
                told = come if now else gone
                told.prices.append(self.price(place))
                told.qtys.append(now or (-1 if queue else 0))
                told.thirds.append(side)
            place += 1


class Spot:
    """Where limit orders and cancels go: some distance from the best price that makers quote."""

    __slots__ = ("book", "other", "room", "size", "slot")

    def __init__(self, book: Ladder, other: Ladder, slot: int) -> None:
        """Stand `slot` places behind the best one of a book; `other` is the other side's."""
        self.book: Final = book
        self.other: Final = other
        self.slot: Final = slot
        scale = exp(-slot / DECAY)
        self.room: Final = QUEUE * scale
        """The queue at which joining and leaving are as likely."""
        self.size: Final = LIMIT_MEDIAN * scale
        """What an order has here, usually."""


class Shape:
    """What a configuration comes to, as the flow counts."""

    __slots__ = ("depth_every", "diffusion", "impact", "levels", "price", "rates", "tail")

    def __init__(
        self,
        *,
        price: Price,
        variance: float,
        jump_share: float,
        trades_per_minute: float,
        sweeps_per_minute: float,
        sweep_tail: float,
        flow_per_second: float,
        levels: int,
        depth_every: Nanos,
    ) -> None:
        """Take the values of a `GeneratorConfig`; the variance is that of one minute, in bps²."""
        self.price: Final = price
        self.levels: Final = levels
        self.depth_every: Final = depth_every
        self.tail: Final = sweep_tail
        jumping = jump_share if sweeps_per_minute > 0 else 0.0
        per_sweep = jumping * variance / sweeps_per_minute if jumping else 0.0
        self.impact: Final = sqrt(per_sweep / _mean_square_reach(sweep_tail)) / BPS
        """Relative move of the reference price for each level swept."""
        self.diffusion: Final = sqrt((1 - jumping) * variance / MINUTE) / BPS
        """Relative deviation of the reference price after one nanosecond."""
        limits = 2 * flow_per_second * 60 / MINUTE
        takers = trades_per_minute / MINUTE
        self.rates: Final = (limits, takers, sweeps_per_minute / MINUTE)
        """A nanosecond: limits on both sides, and as many cancels; takers; sweeps."""


class Flow:
    """The whole state of one generated market."""

    def __init__(self, shape: Shape, random: Random) -> None:
        """Start at time 0, without rows."""
        self._draw: Final[Draw] = random.random
        self._impact: Final = shape.impact
        self._diffusion: Final = shape.diffusion
        self._tail: Final = shape.tail
        self._levels: Final = shape.levels
        self._depth_every: Final = shape.depth_every
        self._low: Final = shape.price / 2
        self._high: Final = float(shape.price * 2)
        limits, takers, sweeps = shape.rates
        self._rate: Final = 2 * limits + takers + sweeps
        self._until_limit: Final = limits / self._rate
        self._until_cancel: Final = 2 * limits / self._rate
        self._until_taker: Final = (2 * limits + takers) / self._rate
        low, high = shape.price // 2 - MARGIN, 2 * shape.price + MARGIN
        self._asks: Final = Ladder(1, low, high - low + BAND)
        self._bids: Final = Ladder(-1, high, high - low + BAND)
        self._spots: Final = _spots(self._bids, self._asks)
        self._choices: Final = float(len(self._spots))
        self._meeting: Final = high - low
        """The sum of the places of a bid and an ask at one price."""
        self._now: Nanos = 0
        self._depth_due: Nanos = shape.depth_every
        self._reference = shape.price + 0.5
        # The second of two normal draws.
        self._spare = 0.0
        self._has_spare = False
        # The touch as it was told last.
        self._bid = self._ask = self._bid_qty = self._ask_qty = 0
        self._happens = -1.0
        """When the next thing happens; negative before the beginning."""
        self._columns = Columns()

    def columns(self, packets: int) -> Columns:
        """Return the next so many packets; the first of all is a full snapshot and the touch."""
        columns = self._columns = Columns()
        if self._happens < 0:
            self._begin()
        rows = len(columns.kinds)
        while len(columns.times) < packets:
            self._block()
            if len(columns.kinds) > rows:
                rows = len(columns.kinds)
                columns.times.append(self._now)
                columns.ends.append(rows)
        return columns

    def _begin(self) -> None:
        """Fill the book with the sizes that the flow would have led to, and show it."""
        self._quote()
        for book in (self._asks, self._bids):
            for slot in range(BAND):
                size = QUEUE * exp(-slot / DECAY) * exp(normal(self._draw) * 0.5)
                book.add(book.first + slot, 1 + int(size))
        self._tell_depth(SNAPSHOT)
        self._tell_touch()
        self._columns.close(self._now)
        self._happens = -log(1.0 - self._draw()) / self._rate

    def _block(self) -> None:
        """Let one block pass."""
        span = BLOCK_MIN + int(self._draw() * BLOCK_SPAN)
        self._now += span
        now = self._now
        self._move(span)
        self._happen(now)
        self._tell_touch()
        if now >= self._depth_due:
            self._depth_due = now + self._depth_every
            self._tell_depth(UPDATE)

    # The reference price.

    def _quote(self) -> None:
        """Find the best places at which makers quote now."""
        asks, bids = self._asks, self._bids
        asks.first = ceil(self._reference + HALF_SPREAD) - asks.origin
        bids.first = bids.origin - floor(self._reference - HALF_SPREAD)

    def _move(self, span: Nanos) -> None:
        """Move the reference price by one block, and let makers withdraw what it has overtaken."""
        self._shift(self._diffusion * sqrt(span) * self._gauss())
        withdraws = STALE_RATE * span * 60 / MINUTE_NS
        self._withdraw(self._asks, withdraws)
        self._withdraw(self._bids, withdraws)

    def _withdraw(self, book: Ladder, withdraws: float) -> None:
        while (
            book.best < book.first
            and book.count > RESERVE
            and self._draw() < withdraws * (book.first - book.best)
        ):
            book.take(book.best, book.queues[book.best])

    def _gauss(self) -> float:
        """Draw from the standard normal distribution, two at once, as `Random.gauss` does."""
        if self._has_spare:
            self._has_spare = False
            return self._spare
        angle = self._draw() * TURN
        radius = sqrt(-2.0 * log(1.0 - self._draw()))
        self._spare = sin(angle) * radius
        self._has_spare = True
        return cos(angle) * radius

    def _shift(self, move: float) -> None:
        """Move the reference price by a relative amount, reflected at half and double the start."""
        reference = self._reference * exp(move)
        if reference < self._low:
            reference = min(self._high, self._low * self._low / reference)
        elif reference > self._high:
            reference = max(self._low, self._high * self._high / reference)
        self._reference = reference
        self._quote()

    # What happens.

    def _happen(self, until: Nanos) -> None:
        """Let happen what does before `until`: limit orders, cancels, takers and sweeps.

        A limit order or a cancel is offered at some distance from the best price that makers quote.
        The longer the queue there, the less likely it is joined, and the more likely somebody in it
        gives up.
        """
        spots, choices = self._spots, self._choices
        until_limit, until_cancel = self._until_limit, self._until_cancel
        draw, happens, rate = self._draw, self._happens, self._rate
        while happens < until:
            kind = draw()
            if kind < until_cancel:
                spot = spots[int(draw() * choices)]
                book, room = spot.book, spot.room
                place = book.first + spot.slot
                queue = book.queues[place]
                if kind < until_limit:
                    # It must not cross what the reference price has overtaken and nobody has
                    # withdrawn yet.
                    if place + spot.other.best > self._meeting and draw() * (room + queue) < room:
                        size = spot.size * exp(normal(draw) * LIMIT_SPREAD)
                        book.add(place, 1 + int(size))
                elif queue and book.count > RESERVE and draw() * (room + queue) < queue:
                    size = spot.size * exp(normal(draw) * LIMIT_SPREAD)
                    book.take(place, 1 + int(size))
            elif kind < self._until_taker:
                self._taker()
            else:
                self._sweep()
            # As `Random.expovariate` draws.
            happens += -log(1.0 - draw()) / rate
        self._happens = happens

    def _hit(self) -> Ladder:
        """Draw which side a taker hits; the odds lean towards the reference price."""
        mid = (self._asks.price(self._asks.best) + self._bids.price(self._bids.best)) / 2
        gap = max(-8.0, min(8.0, self._reference - mid))
        buys = 1 / (1 + exp(-LEAN * gap))
        return self._asks if self._draw() < buys else self._bids

    def _taker(self) -> None:
        """Take from the touch, and from the next levels if the size asks for it."""
        book = self._hit()
        left = 1 + int(TRADE_MEDIAN * exp(normal(self._draw) * TRADE_SPREAD))
        while left > 0 and book.count > RESERVE:
            left -= self._trade(book, left)

    def _sweep(self) -> None:
        """Take several levels at once, the last one in part, and move the reference price."""
        book = self._hit()
        uniform = 1.0 - self._draw()
        reach = min(REACH_MAX, int(2 * uniform ** (-1 / self._tail)))
        last = book.best + reach - 1
        while book.best < last and book.count > RESERVE:
            self._trade(book, book.queues[book.best])
        if book.best == last:
            self._trade(book, 1 + int(book.queues[last] * self._draw()))
        self._shift(book.sign * self._impact * reach)

    def _trade(self, book: Ladder, qty: Qty) -> Qty:
        """Trade at the touch and return how much was done."""
        done = min(qty, book.queues[book.best])
        self._row(TRADE, book.price(book.best), done, book.sign, 0)
        book.take(book.best, done)
        return done

    # What is told of it.

    def _tell_touch(self) -> None:
        """Tell the touch where it has changed."""
        bids, asks = self._bids, self._asks
        bid, bid_qty = bids.best, bids.queues[bids.best]
        ask, ask_qty = asks.best, asks.queues[asks.best]
        if (
            bid != self._bid
            or ask != self._ask
            or bid_qty != self._bid_qty
            or ask_qty != self._ask_qty
        ):
            self._bid, self._bid_qty, self._ask, self._ask_qty = bid, bid_qty, ask, ask_qty
            self._row(BBO, bids.price(bid), bid_qty, asks.price(ask), ask_qty)

    def _tell_depth(self, act: int) -> None:
        """Tell the visible levels that have changed: those that are gone before those that came."""
        columns = self._columns
        come = Columns()
        self._bids.changes(self._levels, columns, come)
        self._asks.changes(self._levels, columns, come)
        columns.prices.extend(come.prices)
        columns.qtys.extend(come.qtys)
        columns.thirds.extend(come.thirds)
        count = len(columns.prices) - len(columns.kinds)
        columns.kinds.extend([DEPTH] * count)
        columns.fourths.extend([act] * count)

    def _row(self, kind: int, price: Price, qty: Qty, third: int, fourth: int) -> None:
        columns = self._columns
        columns.kinds.append(kind)
        columns.prices.append(price)
        columns.qtys.append(qty)
        columns.thirds.append(third)
        columns.fourths.append(fourth)


def _mean_square_reach(tail: float) -> float:
    """Return the mean square of the number of levels that a sweep takes."""
    total = 0.0
    for reach in range(2, REACH_MAX + 1):
        beyond = 0.0 if reach == REACH_MAX else (2 / (reach + 1)) ** tail
        total += reach**2 * ((2 / reach) ** tail - beyond)
    return total


def _spots(bids: Ladder, asks: Ladder) -> list[Spot]:
    """Return where flow goes, on both sides alike, each spot as often as it goes there.

    Half of the flow is spread evenly, half gathers at the touch.
    """
    spots: list[Spot] = []
    for slot in range(BAND):
        weight = 0.5 / BAND + 0.5 * (exp(-slot / 2) - exp(-(slot + 1) / 2))
        spots.extend([Spot(bids, asks, slot), Spot(asks, bids, slot)] * round(400 * weight))
    return spots
