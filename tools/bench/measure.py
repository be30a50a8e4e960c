"""Measuring many things side by side: medians of interleaved rounds, and a table of them.

One round times every case once, so that a slow moment of the machine hits all alike; a ratio of
two medians of one run means more than either. A case is one call, or a batch of the same calls for
what is too short for the clock. What it needs anew each time is made outside the timed part. Before
it is timed each case runs once more, because the one before it has filled the caches with its own;
`cold` leaves that out, as a bot does that waits for seconds between its cycles.
"""

import gc
import time
from collections.abc import Callable, Iterable, Sequence
from statistics import median
from typing import Final

from msgspec import Struct

WARM_UP: Final = 20
"""Untimed rounds before the first."""


class Case(Struct, frozen=True):
    """One thing to measure."""

    name: str
    prepare: Callable[[], Callable[[], object]]
    """Makes what is timed; it is not timed itself."""
    calls: int = 1
    """How many equal calls what is timed consists of."""
    limit_us: float | None = None
    """The median must stay below this, in microseconds."""


class Measured(Struct, frozen=True):
    """The outcome of one case."""

    name: str
    median_us: float
    """Of one call, in microseconds."""
    ratio: float
    """Median over that of the yardstick, the first case."""
    limit_us: float | None

    @property
    def is_met(self) -> bool:
        """Whether the median is below its limit; true without one."""
        return self.limit_us is None or self.median_us < self.limit_us


def measure(
    cases: Sequence[Case], rounds: int, warm_up: int = WARM_UP, *, cold: bool = False
) -> list[Measured]:
    """Run all cases in turn, `rounds` times, without the garbage collector; the first is 1.0."""
    times: list[list[float]] = [[] for _ in cases]
    was_enabled = gc.isenabled()
    gc.collect()
    gc.disable()
    try:
        for number in range(-warm_up, rounds):
            for case, found in zip(cases, times, strict=True):
                if not cold:
                    _time(case)
                took = _time(case)
                if number >= 0:
                    found.append(took)
    finally:
        if was_enabled:
            gc.enable()
    medians = [median(found) for found in times]
    return [
        Measured(case.name, middle, middle / medians[0], case.limit_us)
        for case, middle in zip(cases, medians, strict=True)
    ]


def _time(case: Case) -> float:
    """Return the time of one call of a case, in microseconds."""
    act = case.prepare()
    start = time.perf_counter_ns()
    act()
    end = time.perf_counter_ns()
    return (end - start) / case.calls / 1000


def table(measured: Iterable[Measured]) -> str:
    """Return the outcomes as text, a line each."""
    lines = [f"{'':44} {'median':>12} {'ratio':>9} {'limit':>10}"]
    for one in measured:
        limit = "" if one.limit_us is None else f"{one.limit_us:g} µs"
        verdict = "" if one.is_met else "  missed"
        lines.append(
            f"{one.name:44} {one.median_us:9.3f} µs {one.ratio:8.1f}× {limit:>10}{verdict}"
        )
    return "\n".join(lines)
