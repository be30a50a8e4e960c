"""Many runs of the soak, in several processes, until time, seeds or patience are at an end.

A run is a function of its seed, so where it is played makes no difference. A process that dies
takes only its own run down, and that is a failure like any other.
"""

import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import cached_property, partial
from itertools import count
from pathlib import Path
from typing import Final

from msgspec import Struct

from exchange.paper.faults import Kind
from exchange.units import MINUTE, SECOND, Nanos
from lifecycle.run.workers import Done, Stopped, each, is_stopped, one_line
from lifecycle.soak.plan import MIX, Where, draw
from lifecycle.soak.run import KILL_SWITCH, Failure, Outcome, Run

FAILED_MAX: Final = 20
"""After so many failures it is clear that something is wrong."""
DEATHS: Final = tuple(f"death {where.value}" for where in Where)
LOSSES: Final = ("death with lost records", "records lost")
OTHERS: Final = tuple(f"others' orders, {policy}" for policy in ("leave", "adopt", "cancel"))
KINDS: Final = (*(kind.value for kind in Kind), *DEATHS, *LOSSES, *OTHERS, KILL_SWITCH)
"""All that may go wrong, in the order in which it is shown."""


class Limits(Struct, frozen=True, kw_only=True):
    """When it is enough; None: that does not end it."""

    seconds: float | None = None
    """On the clock on the wall."""
    simulated: Nanos | None = None
    first: int = 1
    last: int | None = None
    """The last seed."""

    def seeds(self) -> Iterator[int]:
        """Return the seeds, in order."""
        return count(self.first) if self.last is None else iter(range(self.first, self.last + 1))


class Soaked:
    """What has come of the runs so far."""

    def __init__(self, plan: str) -> None:
        self.plan = plan
        self.outcomes: list[Outcome] = []
        self.wall_s = 0.0
        self._began = time.monotonic()

    def add(self, outcome: Outcome) -> None:
        """Take in one run."""
        self.outcomes.append(outcome)
        self.wall_s = time.monotonic() - self._began

    @property
    def simulated(self) -> Nanos:
        """How much time has passed in all runs together."""
        return sum(outcome.simulated for outcome in self.outcomes)

    @property
    def hours(self) -> float:
        """The same in hours."""
        return self.simulated / (60 * MINUTE)

    @property
    def hours_per_minute(self) -> float:
        """Simulated hours a minute on the wall."""
        return self.hours / self.wall_s * 60 if self.wall_s else 0.0

    @property
    def counts(self) -> dict[str, int]:
        """How often each kind of trouble happened."""
        total: Counter[str] = Counter()
        for outcome in self.outcomes:
            total.update(outcome.counts)
        return {kind: total[kind] for kind in KINDS}

    @property
    def runs_with(self) -> dict[str, int]:
        """In how many runs each kind happened."""
        return {
            kind: sum(1 for outcome in self.outcomes if outcome.counts.get(kind)) for kind in KINDS
        }

    @property
    def failed(self) -> list[Outcome]:
        """The runs that failed, by seed."""
        return sorted((o for o in self.outcomes if o.failure is not None), key=lambda o: o.seed)

    @property
    def settled_s(self) -> list[float]:
        """How long each run took to converge, in seconds, sorted."""
        times = (outcome.converged for outcome in self.outcomes)
        return sorted(at / SECOND for at in times if at is not None)


def play(seed: int, plan: str = MIX) -> Outcome:
    """Play the run of one seed."""
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        return Run(draw(seed, plan), Path(folder)).play(is_stopped)


def soak(
    limits: Limits,
    *,
    plan: str = MIX,
    workers: int = 1,
    stopped: Stopped = lambda: False,
    tell: Callable[[Soaked], None] = lambda _: None,
) -> Soaked:
    """Play runs until it is enough, or too much has failed; `tell` hears of each that is over.

    Once it is enough or `stopped` says so, what is under way ends, and counts only if it had
    failed. With one worker no process is started. Raises ValueError where there is no such plan.
    """
    draw(limits.first, plan)
    so_far = _Soak(limits, plan, stopped)
    runs = each(partial(play, plan=plan), limits.seeds(), workers=workers, stopped=so_far.is_enough)
    with closing(runs) as played:
        for done in played:
            if so_far.take(done):
                tell(so_far.soaked)
    return so_far.soaked


class _Soak:
    """What has come of the runs, and whether it is enough."""

    def __init__(self, limits: Limits, plan: str, stopped: Stopped) -> None:
        self.limits = limits
        self.stopped = stopped
        self.soaked = Soaked(plan)
        self.has_enough = False

    @cached_property
    def ends_at(self) -> float | None:
        seconds = self.limits.seconds
        return None if seconds is None else time.monotonic() + seconds

    def is_enough(self) -> bool:
        """Say whether no other run is to begin; asked between any two steps of one."""
        if self.has_enough or self.stopped():
            return True
        return self.ends_at is not None and time.monotonic() >= self.ends_at

    def take(self, done: Done[int, Outcome]) -> bool:
        """Take in what came of a run, and say whether it counts."""
        outcome = done.result
        if outcome is None:
            assert done.error is not None, "a run has an outcome or an error"
            outcome = Outcome(done.task, 0, failure=Failure("error", one_line(done.error), 0))
        if not outcome.is_whole and outcome.failure is None:
            return False
        soaked, simulated = self.soaked, self.limits.simulated
        soaked.add(outcome)
        self.has_enough = len(soaked.failed) >= FAILED_MAX or (
            simulated is not None and soaked.simulated >= simulated
        )
        return True
