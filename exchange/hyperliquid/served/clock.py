"""The server's two times: the market's, and the wall clock that clients are shown.

The market runs `speed` times as fast as the wall clock, from the moment the clock is started.
What the venue itself measures (latencies, blocks, cadences, rate limits) is market time and so
shrinks with the speed; what clients stamp or read (nonces, expiries, times of orders and fills)
is wall-clock time, and only its resolution suffers.
"""

from collections.abc import Callable
from time import monotonic_ns, time_ns
from typing import Final

from exchange.units import MILLISECOND, SECOND, Nanos


class MarketClock:
    """Maps between market time and wall-clock time."""

    def __init__(
        self,
        start: Nanos,
        speed: float = 1.0,
        *,
        wall: Callable[[], Nanos] = time_ns,
        steady: Callable[[], Nanos] = monotonic_ns,
    ) -> None:
        """Start at market time `start`, now.

        The wall clock is read once: steps of it later are not followed, as a step of the
        venue's time would be a fault that nobody asked for.
        Raises ValueError where the speed is not positive.
        """
        if not speed > 0:
            raise ValueError(f"speed must be positive, was {speed}")
        self.speed: Final = speed
        self._start: Final = start
        self._steady: Final = steady
        self._steady_start: Final = steady()
        self._wall_start: Final = wall()

    def now(self) -> Nanos:
        """Return the market time."""
        return self._start + round((self._steady() - self._steady_start) * self.speed)

    def wall_ms(self, market: Nanos) -> int:
        """Return the wall-clock time, in milliseconds since 1970, at a market time."""
        return (self._wall_start + round((market - self._start) / self.speed)) // MILLISECOND

    def wall_seconds_until(self, market: Nanos) -> float:
        """Return how long a market time is away on the wall clock, 0 where it has passed."""
        return max(0.0, (market - self.now()) / self.speed / SECOND)
