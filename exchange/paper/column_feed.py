"""What has become visible of a market in columns, and when; as `exchange.paper.feed`, in bulk.

All delays of a course are drawn when it begins, in the order of its packets. A packet becomes
visible as a whole, and none before the one before it.
"""

from array import array
from bisect import bisect_right
from collections import deque
from random import Random
from typing import Final

from exchange.columns import Sight
from exchange.paper.book import Touch
from exchange.paper.course import Course
from exchange.paper.latency import Quantiles
from exchange.units import Nanos, Price


class _Stretch:
    """A course that is being played, and when its packets become visible."""

    __slots__ = ("count", "course", "looked", "played", "shown", "times", "visible")

    def __init__(self, course: Course, times: "array[int]", visible: list[Nanos]) -> None:
        self.course: Final = course
        self.count: Final = len(times)
        """Packets that it has for us."""
        self.times: Final = times
        self.visible: Final = visible
        self.played = 0
        """Packets that have happened."""
        self.shown = 0
        """Packets whose rows were asked for."""
        self.looked = 0
        """Packets whose touch was visible when it was asked for."""


class ColumnFeed:
    """The market's way to the bot, where the market is in columns."""

    def __init__(self, delay: Quantiles, random: Random) -> None:
        """Draw delays from `delay`."""
        self._delay: Final = delay
        self._random: Final = random
        self._last: Nanos = 0
        self._stretches: Final[deque[_Stretch]] = deque()
        self._seen: tuple[Nanos, Touch] = (0, Touch())
        self._times: Final[array[int]] = array("q")
        self._mids: Final[list[Price]] = []
        """Of the courses that are over: times, and twice the mids, 0 where there was none."""

    def open(self, course: Course, count: int) -> None:
        """Begin the next course, of which the first `count` packets happen."""
        if self._stretches:
            self._archive(self._stretches[-1])
        times = array("q", course.columns.times[:count])
        visible = self._delay.after(times, self._random, self._last)
        self._last = visible[-1]
        self._stretches.append(_Stretch(course, times, visible))

    def played(self, count: int) -> None:
        """Learn that so many packets of the newest course have happened."""
        self._stretches[-1].played = count

    def seen(self, now: Nanos) -> Sight:
        """Return the packets that have become visible since the last call."""
        pieces = []
        for stretch in self._stretches:
            first = stretch.shown
            last = bisect_right(stretch.visible, now, first, stretch.played)
            if last > first:
                pieces.append((stretch.course.columns, first, last))
                stretch.shown = last
            if last < stretch.count:
                break
        self._drop()
        return Sight(pieces)

    def touch(self, now: Nanos) -> tuple[Nanos, Touch]:
        """Return the newest touch visible at `now` and its exchange time; `now` never falls."""
        for stretch in self._stretches:
            last = bisect_right(stretch.visible, now, stretch.looked, stretch.played)
            if last > stretch.looked:
                course = stretch.course
                self._seen = course.columns.times[last - 1], course.touch(last - 1)
                stretch.looked = last
            if last < stretch.count:
                break
        self._drop()
        return self._seen

    def mid_at(self, at: Nanos) -> Price | None:
        """Return twice the mid at exchange time `at`, None where the book had not two sides."""
        if self._stretches:
            stretch = self._stretches[-1]
            times = stretch.course.columns.times
            index = bisect_right(times, at, 0, stretch.played)
            if index:
                course = stretch.course
                return _mid(course.bids[index - 1], course.asks[index - 1]) or None
        index = bisect_right(self._times, at)
        return (self._mids[index - 1] or None) if index else None

    def _drop(self) -> None:
        """Forget the courses that have been seen to their end; the newest stays."""
        stretches = self._stretches
        while len(stretches) > 1 and min(stretches[0].shown, stretches[0].looked) == (
            stretches[0].count
        ):
            stretches.popleft()

    def _archive(self, stretch: _Stretch) -> None:
        """Keep the mids of a course that is over."""
        course, count = stretch.course, stretch.count
        self._times.extend(stretch.times)
        bids, asks = course.bids, course.asks
        self._mids.extend([_mid(bids[packet], asks[packet]) for packet in range(count)])


def _mid(bid: Price, ask: Price) -> Price:
    """Return twice the mid, 0 where a side is empty."""
    return bid + ask if bid and ask else 0
