"""What time it is, for whoever lives by the real clock or by one that runs faster."""

from collections.abc import Callable
from time import monotonic_ns, time_ns
from typing import Final, Protocol, runtime_checkable

from exchange.units import Nanos


@runtime_checkable
class Clocked(Protocol):
    """Something that says what time it is."""

    def now(self) -> Nanos:
        """Return how late it is, in nanoseconds; never less than before."""


class Clock:
    """Nanoseconds since 1970 by this machine, or from a start of one's own, at any speed."""

    __slots__ = ("_last", "_start", "_steady", "_steady_start", "speed")

    def __init__(
        self,
        start: Nanos | None = None,
        speed: float = 1.0,
        *,
        steady: Callable[[], Nanos] = monotonic_ns,
    ) -> None:
        """Start now: at `start`, or else by the wall clock, which is read once.

        Raises ValueError where the speed is not positive.
        """
        if not speed > 0:
            raise ValueError(f"speed must be positive, was {speed}")
        self.speed: Final = speed
        self._steady: Final = steady
        self._steady_start: Final = steady()
        self._start: Final = time_ns() if start is None else start
        self._last: Nanos = self._start

    def now(self) -> Nanos:
        """Return how late it is."""
        passed = round((self._steady() - self._steady_start) * self.speed)
        self._last = max(self._last, self._start + passed)
        return self._last


def clock_of(venue: object) -> Clocked:
    """Return the clock that a venue lives by; the machine's where it has none of its own."""
    clock = getattr(venue, "clock", None)
    return clock if isinstance(clock, Clocked) else Clock()
