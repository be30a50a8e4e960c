"""Many runs of the soak, in several processes, until time, seeds or patience are at an end.

A run is a function of its seed, so where it is played makes no difference. Seeds are handed out a
few at a time; a process that dies takes only its own down, and that is a failure like any other.
"""

import signal
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from functools import cached_property
from itertools import count, islice
from multiprocessing import get_context
from pathlib import Path
from typing import Final

from msgspec import Struct

from exchange.paper.faults import Kind
from exchange.units import MINUTE, SECOND, Nanos
from lifecycle.run.compare import Flag
from lifecycle.soak.plan import MIX, Where, draw
from lifecycle.soak.run import KILL_SWITCH, Failure, Outcome, Run

LOOK_S: Final = 0.1
"""How often to look whether the user wants to end it."""
AT_A_TIME: Final = 4
"""Seeds that a worker is given at once."""
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


class _Worker:
    """What a worker knows besides its seeds."""

    stop: Flag = threading.Event()


def _begin(stop: Flag) -> None:
    # A terminal sends Ctrl-C to all; the caller tells us by the flag.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _Worker.stop = stop


def play(seed: int, plan: str = MIX) -> Outcome:
    """Play the run of one seed."""
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        return Run(draw(seed, plan), Path(folder)).play(_Worker.stop.is_set)


def _play_all(seeds: list[int], plan: str) -> list[Outcome]:
    return [play(seed, plan) for seed in seeds if not _Worker.stop.is_set()]


def soak(
    limits: Limits,
    *,
    plan: str = MIX,
    workers: int = 1,
    stopped: Callable[[], bool] = lambda: False,
    tell: Callable[[Soaked], None] = lambda _: None,
) -> Soaked:
    """Play runs until it is enough, or too much has failed; `tell` hears of each that is over.

    Once `stopped` says so what is under way ends, and counts only if it had failed. With one worker
    no process is started. Raises ValueError where there is no such plan.
    """
    draw(limits.first, plan)
    soaked = _Soak(limits, plan, stopped, tell)
    if workers == 1:
        soaked.alone()
    else:
        soaked.together(workers)
    return soaked.soaked


class _Soak:
    def __init__(
        self,
        limits: Limits,
        plan: str,
        stopped: Callable[[], bool],
        tell: Callable[[Soaked], None],
    ) -> None:
        self.limits = limits
        self.plan = plan
        self.stopped = stopped
        self.tell = tell
        self.soaked = Soaked(plan)
        self.seeds = limits.seeds()

    @cached_property
    def ends_at(self) -> float | None:
        seconds = self.limits.seconds
        return None if seconds is None else time.monotonic() + seconds

    def is_enough(self) -> bool:
        """Say whether no other run is to begin."""
        limits, soaked = self.limits, self.soaked
        if self.stopped() or len(soaked.failed) >= FAILED_MAX:
            return True
        if self.ends_at is not None and time.monotonic() >= self.ends_at:
            return True
        return limits.simulated is not None and soaked.simulated >= limits.simulated

    def take(self, outcome: Outcome) -> None:
        if outcome.is_whole or outcome.failure is not None:
            self.soaked.add(outcome)
            self.tell(self.soaked)

    def alone(self) -> None:
        for seed in self.seeds:
            if self.is_enough():
                return
            with tempfile.TemporaryDirectory(prefix="soak-") as folder:
                self.take(Run(draw(seed, self.plan), Path(folder)).play(self.stopped))

    def together(self, workers: int) -> None:
        # Forking a program with threads, such as a progress bar's, can lock it up.
        context = get_context("spawn")
        stop = context.Event()
        executor = ProcessPoolExecutor(
            workers, mp_context=context, initializer=_begin, initargs=(stop,)
        )
        under_way: dict[Future[list[Outcome]], list[int]] = {}
        try:
            while True:
                while len(under_way) < 2 * workers and not self.is_enough():
                    seeds = list(islice(self.seeds, AT_A_TIME))
                    if not seeds:
                        break
                    under_way[executor.submit(_play_all, seeds, self.plan)] = seeds
                if not under_way:
                    return
                done, _ = wait(under_way, timeout=LOOK_S, return_when=FIRST_COMPLETED)
                for future in done:
                    self.collect(future, under_way.pop(future))
                if self.is_enough():
                    stop.set()
        finally:
            stop.set()
            executor.shutdown(cancel_futures=True)

    def collect(self, future: Future[list[Outcome]], seeds: list[int]) -> None:
        error = future.exception()
        if error is None:
            for outcome in future.result():
                self.take(outcome)
            return
        words = " ".join(f"{type(error).__name__}: {error}".split())
        text = f"in one of the seeds {seeds[0]} to {seeds[-1]}: {words}"
        self.take(Outcome(seeds[0], 0, failure=Failure("error", text, 0)))
