"""A loop whose time leaps: what would be waited for is passed over, so that minutes take no time.

Nothing is left to chance: callbacks run in their order, and the clock moves when all wait.
"""

import asyncio
import selectors
import types
from collections.abc import Coroutine, Generator
from typing import Any, Final, TypeVar

from exchange.units import MINUTE, SECOND, Nanos
from lifecycle.dropin.practice import LivePaper, practice
from lifecycle.rules import rules_of
from lifecycle.run.watched import Watched

T = TypeVar("T")
START: Final = MINUTE
"""Of the practice market, whose book is there by then."""


class LeapingSelector(selectors.SelectSelector):
    """Does not block: it leaps over the time that nobody uses."""

    def __init__(self) -> None:
        super().__init__()
        self.time = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Leap where nothing is ready."""
        ready = super().select(0)
        if not ready and timeout is None:
            raise AssertionError("somebody must be waiting for something, all wait for ever")
        if not ready and timeout is not None:
            self.time += max(0.0, timeout)
        return ready


class LeapingLoop(asyncio.SelectorEventLoop):
    """Takes its time from the selector."""

    def __init__(self) -> None:
        self.leaping = LeapingSelector()
        super().__init__(self.leaping)

    def time(self) -> float:
        """Return how far we have leapt, in seconds."""
        return self.leaping.time


class LoopClock:
    """The time of the loop that runs, as the practice market has it."""

    speed = 1.0

    def now(self) -> Nanos:
        """Return how late it is."""
        return START + round(asyncio.get_running_loop().time() * SECOND)


def leap(main: Coroutine[Any, Any, T]) -> T:
    """Run it in a loop whose time leaps."""
    with asyncio.Runner(loop_factory=LeapingLoop) as runner:
        return runner.run(main)


@types.coroutine
def cancel_at(work: Coroutine[Any, Any, Any], number: int) -> Generator[Any, Any, bool]:
    """Await some work, and cancel it at its await of this number; True where it ended before."""
    reached, step = 0, work.send
    try:
        while True:
            waited_for = step(None)
            if reached == number:
                if waited_for is not None:
                    waited_for._asyncio_future_blocking = False
                waited_for = work.throw(asyncio.CancelledError())
            reached += 1
            yield waited_for
    except StopIteration:
        return reached <= number
    except asyncio.CancelledError:
        return False


def paper(minutes: float = 20, seed: int = 1) -> LivePaper:
    """Return a paper venue that lives by the loop's time."""
    return practice(minutes=minutes, seed=seed, clock=LoopClock())


def watch(venue: Any, config: Any) -> Watched:
    """Return what holds a run at a venue to the invariants."""
    rules = rules_of(config, venue.instrument, venue.capabilities)
    return Watched(rules, START)


def around(venue: Any, distance: float = 5.0, levels: int = 1, size: str = "0.1") -> Any:
    """Return bids and asks as floats, so many price units around the mid that is seen."""
    market = venue.market(LoopClock().now())
    mid = float((market.bid + market.ask) / 2 * float(venue.instrument.price_unit))
    away = [distance * (1 + level) * float(venue.instrument.price_unit) for level in range(levels)]
    return [(mid - d, float(size)) for d in away], [(mid + d, float(size)) for d in away]
