"""Our clock, and how far the venue's is from it.

A report's `at` is compared with the times of our own questions, so that it must be told in our
clock. Nothing that the venue sends says what time it is when we hear it: all it has are stamps of
when something happened there, in its time. Two things are certain of a stamp. It was set before we
heard of it, so the venue's clock was past it then: `stamp − heard` is a lower bound of how far that
clock is ahead of ours, and the highest of such bounds, that is the quickest message, holds. And an
answer that is stamped when the venue looks is stamped after we asked: `stamp − asked` is an upper
bound, as far as the venue does look then and not show an earlier block.

Stamps are mapped by the lower bound. So an event is never told as of earlier than it was, but as
late as the quickest message was on its way, and never as of later than it was heard. Late is the
side to err on: a look at the venue that began before an order's last sign of life proves nothing
against it. The other way, an expiry is told to the venue by the same bound: early, never late.

Bounds are of the last minutes only, since clocks drift; the process's own is read once and then
follows the steady one, so that it neither jumps nor runs backwards.
"""

from collections.abc import Callable
from time import monotonic_ns, time_ns
from typing import Final

from msgspec import Struct

from exchange.units import MILLISECOND, MINUTE, Nanos

WINDOW: Final = 5 * MINUTE
"""A bound is of at most two such, and of at least one once there are as many."""


class Clock:
    """Nanoseconds since 1970, by this machine; never backwards."""

    __slots__ = ("_last", "_start", "_steady", "_steady_start")

    def __init__(
        self,
        *,
        not_before: Nanos = 0,
        wall: Callable[[], Nanos] = time_ns,
        steady: Callable[[], Nanos] = monotonic_ns,
    ) -> None:
        """Start now, or at `not_before` where the wall clock has been set back since."""
        self._steady: Final = steady
        self._steady_start: Final = steady()
        self._start: Final = max(wall(), not_before)
        self._last: Nanos = self._start

    def now(self) -> Nanos:
        """Return how late it is."""
        self._last = max(self._last, self._start + self._steady() - self._steady_start)
        return self._last


class Bounds(Struct, frozen=True):
    """How far the venue's clock is ahead of ours, in nanoseconds; None: nothing is known."""

    low: Nanos | None
    high: Nanos | None


class Offset:
    """Learns how far the venue's clock is ahead of ours, and maps times by it."""

    __slots__ = ("_before", "_high", "_high_before", "_low", "_until")

    def __init__(self) -> None:
        self._low: Nanos | None = None
        self._before: Nanos | None = None
        self._high: Nanos | None = None
        self._high_before: Nanos | None = None
        self._until: Nanos = 0

    @property
    def bounds(self) -> Bounds:
        """Return what is known."""
        lows = [low for low in (self._low, self._before) if low is not None]
        highs = [high for high in (self._high, self._high_before) if high is not None]
        low = max(lows, default=None)
        # An answer that shows an earlier block puts the upper bound too low.
        return Bounds(low, max((min(highs), *lows)) if highs else None)

    def heard(self, stamp_ms: int, heard: Nanos) -> None:
        """Learn of a stamp, in milliseconds of the venue, and when we heard it."""
        self._turn(heard)
        bound = stamp_ms * MILLISECOND - heard
        if self._low is None or bound > self._low:
            self._low = bound

    def answered(self, asked: Nanos, stamp_ms: int, heard: Nanos) -> None:
        """Learn of an answer that was stamped when the venue looked, and when we asked for it."""
        self.heard(stamp_ms, heard)
        # The stamp is cut to the millisecond.
        bound = (stamp_ms + 1) * MILLISECOND - asked
        if self._high is None or bound < self._high:
            self._high = bound

    def _turn(self, now: Nanos) -> None:
        """Let what is too old be forgotten."""
        if now < self._until:
            return
        if self._until:
            self._before, self._low = self._low, None
            self._high_before, self._high = self._high, None
        self._until = now + WINDOW

    @property
    def low(self) -> Nanos:
        """Return the lower bound, 0 where nothing is known."""
        if self._before is None:
            return self._low or 0
        return self._before if self._low is None else max(self._low, self._before)

    def ours(self, theirs: Nanos, heard: Nanos) -> Nanos:
        """Return a time of the venue's in our clock: late rather than early, `heard` at most."""
        return min(heard, theirs - self.low)

    def theirs(self, ours: Nanos) -> Nanos:
        """Return a time of ours in the venue's clock: early rather than late."""
        return ours + self.low
