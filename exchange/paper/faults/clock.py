"""The venue's clock, where it is off."""

from random import Random
from typing import Final

from exchange.paper.faults.plan import FOREVER
from exchange.units import Nanos

_MILLION: Final = 1_000_000


class SkewedClock:
    """A clock that is off by up to so much, either way; it never stands still or runs backwards."""

    def __init__(self, skew: Nanos, drift_ppm: int, random: Random) -> None:
        """Draw where it starts; `skew` is the most it is off, `drift_ppm` how fast it wanders."""
        self._skew: Final = skew
        self._drift_ppm: Final = drift_ppm
        self._phase: Final = random.randrange(4 * skew) if skew else 0
        self._start: Nanos = 0
        self._until: Nanos = FOREVER

    def set(self, start: Nanos, until: Nanos) -> None:
        """Say when the run starts, and from when on the clock comes right."""
        self._start, self._until = start, until

    def offset(self, at: Nanos) -> Nanos:
        """Return what the clock shows at true time `at`, less `at`."""
        if self._skew == 0:
            return 0
        if at < self._until:
            return self._wandering(at)
        # It is slewed, not set: half a second a second.
        left = self._wandering(self._until)
        passed = (at - self._until) // 2
        return max(0, left - passed) if left > 0 else min(0, left + passed)

    def _wandering(self, at: Nanos) -> Nanos:
        """Go up and down between both ends, at the same speed."""
        skew = self._skew
        way = (self._phase + (at - self._start) * self._drift_ppm // _MILLION) % (4 * skew)
        return way - skew if way < 2 * skew else 3 * skew - way
