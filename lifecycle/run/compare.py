"""Runs policies × markets × seeds, on several cores, and returns what came of each run in order.

A run is a function of its configuration, so where and when it is played makes no difference: one
process or ten give the same numbers in the same order. Runs are handed out market by market, so a
worker reads each recording once. A run that fails takes no other with it: what went wrong stands
in its outcome. Where a whole process dies, what was not over yet is played again, each run in a
process of its own, and only the one that did it fails.
"""

import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import (
    FIRST_COMPLETED,
    Executor,
    Future,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
    wait,
)
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import lru_cache
from multiprocessing import get_context
from typing import Final, Protocol, TypeAlias

from msgspec import Struct, structs

from lifecycle.run.config import MarketConfig, RunConfig, VenueConfig
from lifecycle.run.frame import Summary
from lifecycle.run.market import LoadedMarket, load_market
from lifecycle.run.session import Session

LOOK_S: Final = 0.1
"""How often to look whether the user wants to end it."""

SWEEP_BPS: Final = (1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 11.0, 15.0, 20.0)
"""Latch half-widths of a sweep: even steps where calls fall with the square of the band."""


class Entrant(Struct, frozen=True):
    """What is compared: a policy, or one with another band."""

    name: str
    policy: str
    latch_bps: float | None = None
    """Takes the place of the configured latch and of whatever it follows; None leaves it."""


class Job(Struct, frozen=True):
    """One run to be played."""

    entrant: Entrant
    config: RunConfig
    """Whole: with the market, the seed and the entrant's band in it."""

    @property
    def seed(self) -> int:
        """Of the generated market, and of the latencies."""
        return self.config.market.seed

    @property
    def market(self) -> str | None:
        """The recording's file, None for a generated market."""
        return self.config.market.file


class Outcome(Struct, frozen=True):
    """What came of a job; neither summary nor error where it was not played to its end."""

    job: Job
    summary: Summary | None = None
    error: str = ""
    is_input: bool = False
    """Whether the error is one of the input: the market or the configuration, not of ours."""


class UnusableError(ValueError):
    """The market or the configuration cannot be used; nothing was played."""


class Flag(Protocol):
    """A flag that one process or thread sets, and others see."""

    def set(self) -> None:
        """Set it."""

    def is_set(self) -> bool:
        """Say whether it is set."""


Play: TypeAlias = Callable[[Job], Summary | None]
Tell: TypeAlias = Callable[[Outcome], None]


def entrants(policies: Sequence[str]) -> list[Entrant]:
    """Return the policies of these names as they are, each once."""
    return [Entrant(name, name) for name in dict.fromkeys(policies)]


def sweep(bands: Sequence[float] = SWEEP_BPS) -> list[Entrant]:
    """Return the stable policy with each of these latch half-widths, in bps."""
    return [Entrant(f"stable at {band:g} bps", "stable", band) for band in bands]


def jobs_of(
    config: RunConfig,
    compared: Sequence[Entrant],
    markets: Sequence[str | None],
    seeds: Sequence[int],
) -> list[Job]:
    """List the runs of every entrant on every market with every seed.

    All of the first market come first, and of these all of the first entrant. None is the
    generated market.
    """
    return [
        Job(entrant, _configured(config, entrant, market, seed))
        for market in markets
        for entrant in compared
        for seed in seeds
    ]


def _configured(config: RunConfig, entrant: Entrant, market: str | None, seed: int) -> RunConfig:
    where = structs.replace(config.market, file=market, seed=seed)
    bands = config.bands
    if entrant.latch_bps is not None:
        bands = structs.replace(bands, enabled=True, latch_bps=entrant.latch_bps, stale_bps=None)
    return structs.replace(config, market=where, bands=bands)


# In a worker.


class _Worker:
    """What a worker knows besides its jobs."""

    stop: Flag = threading.Event()


def _begin(stop: Flag) -> None:
    _Worker.stop = stop


@lru_cache(maxsize=1)
def _recording(config: MarketConfig, venue: VenueConfig) -> LoadedMarket:
    return load_market(config, venue)


def play(job: Job) -> Summary | None:
    """Play a run to its end; None where it was ended before.

    Raises:
        UnusableError: the market cannot be used, or the configuration has no meaning for it.

    """
    session, stop = _session(job), _Worker.stop
    while not stop.is_set():
        if not session.step():
            return structs.replace(session.summary(), policy=job.entrant.name)
    return None


def _session(job: Job) -> Session:
    config = job.config
    try:
        if config.market.file is None:
            market = load_market(config.market, config.venue)
        else:
            # Nothing that is read depends on the seed.
            market = _recording(structs.replace(config.market, seed=0), config.venue)
        return Session(config, job.entrant.policy, market)
    except ValueError as error:
        raise UnusableError(str(error)) from error
    except OSError as error:
        raise UnusableError(f"{config.market.file}: {error.strerror or error}") from error


# In the caller.


def compare(
    jobs: Sequence[Job],
    *,
    workers: int = 1,
    stopped: Callable[[], bool] = lambda: False,
    tell: Tell = lambda _: None,
    play: Play = play,
) -> list[Outcome]:
    """Play the jobs and return their outcomes in the jobs' own order.

    `stopped` is asked often: once it says so, what is under way ends between two cycles and the
    rest is not begun. `tell` hears of every outcome when it is there, in the caller's thread.
    With one worker no process is started.
    """
    found: dict[int, Outcome] = {}
    crashed: list[int] = []
    for index, outcome in _round(jobs, range(len(jobs)), workers, stopped, play):
        if outcome is None:
            crashed.append(index)
            continue
        found[index] = outcome
        tell(outcome)
    for index in sorted(crashed):
        for _, again in _round(jobs, (index,), 0, stopped, play):
            died = Outcome(jobs[index], error="its process died, perhaps for want of memory")
            found[index] = again or died
            tell(found[index])
    return [found.get(index, Outcome(job)) for index, job in enumerate(jobs)]


def _round(
    jobs: Sequence[Job],
    chosen: Sequence[int],
    workers: int,
    stopped: Callable[[], bool],
    play: Play,
) -> Iterator[tuple[int, Outcome | None]]:
    """Yield the outcomes of the chosen jobs as they come, None where a process died."""
    if not chosen or stopped():
        return
    with _pool(min(workers, len(chosen))) as (executor, stop):
        with _deaf():
            futures = {executor.submit(play, jobs[index]): index for index in chosen}
        left = set(futures)
        while left:
            done, left = wait(left, timeout=LOOK_S, return_when=FIRST_COMPLETED)
            for future in sorted(done, key=futures.__getitem__):
                yield futures[future], _outcome(jobs[futures[future]], future)
            if stopped():
                stop.set()
                for future in left:
                    future.cancel()


@contextmanager
def _pool(workers: int) -> Iterator[tuple[Executor, Flag]]:
    """Return threads or processes, and the flag that ends their runs; it is set at the end.

    One worker is a thread: all that it takes is to wait for it. None is a process by itself.
    """
    executor: Executor
    if workers == 1:
        flag: Flag = threading.Event()
        executor = ThreadPoolExecutor(1, initializer=_begin, initargs=(flag,))
    else:
        # Forking a program with threads, such as a progress bar's, can lock it up.
        context = get_context("spawn")
        flag = context.Event()
        executor = ProcessPoolExecutor(
            workers or 1, mp_context=context, initializer=_begin, initargs=(flag,)
        )
    try:
        yield executor, flag
    finally:
        flag.set()
        executor.shutdown(cancel_futures=True)
        # A thread was of this process: its flag must not end what is played here later.
        _begin(threading.Event())


@contextmanager
def _deaf() -> Iterator[None]:
    """Start processes that do not hear Ctrl-C, which a terminal sends to all of them.

    They inherit it; for the moment that it takes, the caller is deaf as well. Where the system can
    do it, what comes meanwhile waits, and is heard after: ignored, it would be lost.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    if hasattr(signal, "pthread_sigmask"):
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            yield
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _outcome(job: Job, future: "Future[Summary | None]") -> Outcome | None:
    if future.cancelled():
        return Outcome(job)
    error = future.exception()
    if isinstance(error, BrokenProcessPool):
        return None
    if error is None:
        return Outcome(job, summary=future.result())
    words = " ".join(str(error).split())
    if isinstance(error, UnusableError):
        return Outcome(job, error=words, is_input=True)
    return Outcome(job, error=f"{type(error).__name__}: {words}".removesuffix(": "))
