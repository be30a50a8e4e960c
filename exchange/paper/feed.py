"""What has become visible of the market, and when; and what it was at each exchange time.

All rows of one exchange time become visible together, each kind in order. Where the recording's
own delay is used each kind has its own, as its feed had when it was recorded; a recorder's clock
that ran behind the exchange's leaves only the variation of the delay.
"""

from bisect import bisect_right
from heapq import heappop, heappush
from random import Random
from typing import Final

from exchange.market import Row
from exchange.paper.book import Touch
from exchange.paper.latency import FAST_FEED, Quantiles
from exchange.units import Nanos, Price


class Feed:
    """The market's way to the bot."""

    def __init__(self, delay: Quantiles | None, random: Random) -> None:
        """Draw delays from `delay`; None takes the recording's own."""
        self._delay: Final = delay
        self._random: Final = random
        self._base: Nanos = 0
        self._last: list[Nanos] = [0, 0, 0, 0]
        self._serial = 0
        self._pending: list[tuple[Nanos, int, list[Row]]] = []
        self._times: list[Nanos] = []
        self._touches: list[Touch] = []
        self._visible: list[Nanos] = []
        self._seen = 0

    def packet(self, rows: list[Row], touch: Touch) -> None:
        """Take all rows of one exchange time, and the touch after them."""
        ts = rows[-1][0]
        if self._delay is not None:
            visible = max(self._last[0], ts + self._delay.draw(self._random))
            self._last[0] = visible
            self._push(visible, rows)
        else:
            visible = self._recorded(rows)
        self._times.append(ts)
        self._touches.append(touch)
        self._visible.append(max(visible, self._visible[-1]) if self._visible else visible)

    def _recorded(self, rows: list[Row]) -> Nanos:
        """Schedule rows as they were recorded; return when the first of them is visible."""
        earliest: Nanos | None = None
        for kind, last in enumerate(self._last):
            same = [row for row in rows if row[2] == kind]
            if not same:
                continue
            visible = max(last, same[-1][0] + self._delay_of(same[-1]))
            self._last[kind] = visible
            self._push(visible, same)
            earliest = visible if earliest is None else min(earliest, visible)
        return earliest or 0

    def _delay_of(self, row: Row) -> Nanos:
        if row.recv < 0:
            return FAST_FEED.draw(self._random)
        delay = row.recv - row.ts
        self._base = min(self._base, delay)
        return delay - self._base

    def _push(self, visible: Nanos, rows: list[Row]) -> None:
        self._serial += 1
        heappush(self._pending, (visible, self._serial, rows))

    def seen(self, now: Nanos) -> list[Row]:
        """Return the rows that have become visible since the last call, in that order."""
        pending = self._pending
        rows: list[Row] = []
        while pending and pending[0][0] <= now:
            rows += heappop(pending)[2]
        return rows

    def touch(self, now: Nanos) -> tuple[Nanos, Touch]:
        """Return the newest touch visible at `now` and its exchange time; `now` never falls."""
        visible, seen = self._visible, self._seen
        while seen < len(visible) and visible[seen] <= now:
            seen += 1
        self._seen = seen
        if seen == 0:
            return 0, Touch()
        return self._times[seen - 1], self._touches[seen - 1]

    def mid_at(self, at: Nanos) -> Price | None:
        """Return twice the mid at exchange time `at`, None where the book had not two sides."""
        index = bisect_right(self._times, at)
        if index == 0:
            return None
        touch = self._touches[index - 1]
        return touch.bid + touch.ask if touch.bid and touch.ask else None
