"""Runs policies × markets × seeds, on several cores, and returns what came of each run in order.

A run is a function of its configuration, so where and when it is played makes no difference: one
process or ten give the same numbers in the same order. Runs are handed out market by market, so a
worker reads each recording once. A run that fails takes no other with it: what went wrong stands
in its outcome.
"""

from collections.abc import Callable, Sequence
from contextlib import closing
from functools import lru_cache
from typing import Final, TypeAlias

from msgspec import Struct, structs

from lifecycle.run.config import MarketConfig, RunConfig, VenueConfig
from lifecycle.run.frame import Summary
from lifecycle.run.market import LoadedMarket, load_market
from lifecycle.run.session import Session
from lifecycle.run.workers import Done, Stopped, each, is_stopped, one_line

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


def play(job: Job) -> Summary | None:
    """Play a run to its end; None where it was ended before.

    Raises:
        UnusableError: the market cannot be used, or the configuration has no meaning for it.

    """
    return play_on(market_of(job.config), job)


def play_on(market: LoadedMarket, job: Job) -> Summary | None:
    """Play a run to its end on a market that is loaded already; see `play`."""
    try:
        session = Session(job.config, job.entrant.policy, market)
    except ValueError as error:
        raise UnusableError(str(error)) from error
    while not is_stopped():
        if not session.step():
            return structs.replace(session.summary(), policy=job.entrant.name)
    return None


def market_of(config: RunConfig) -> LoadedMarket:
    """Return the market of a run; a recording is read once, and so is one that cannot be.

    Raises:
        UnusableError: the market cannot be used.

    """
    if config.market.file is None:
        found = _load(config.market, config.venue)
    else:
        # Nothing that is read depends on the seed or on the venue.
        found = _recording(structs.replace(config.market, seed=0))
    if isinstance(found, str):
        raise UnusableError(found)
    return found


@lru_cache(maxsize=1)
def _recording(config: MarketConfig) -> LoadedMarket | str:
    return _load(config, VenueConfig())


def _load(config: MarketConfig, venue: VenueConfig) -> LoadedMarket | str:
    """Return the market, or why it cannot be used."""
    try:
        return load_market(config, venue)
    except ValueError as error:
        return str(error)
    except OSError as error:
        return f"{config.file}: {error.strerror or error}"


# In the caller.


def compare(
    jobs: Sequence[Job],
    *,
    workers: int = 1,
    stopped: Stopped = lambda: False,
    tell: Tell = lambda _: None,
    play: Play = play,
) -> list[Outcome]:
    """Play the jobs and return their outcomes in the jobs' own order.

    `stopped` is asked often: once it says so, what is under way ends between two cycles and the
    rest is not begun. `tell` hears of every outcome when it is there, in the caller's thread.
    With one worker no process is started.
    """
    found: dict[int, Outcome] = {}
    with closing(each(play, jobs, workers=workers, stopped=stopped)) as played:
        for done in played:
            found[done.index] = _outcome(done)
            tell(found[done.index])
    return [found.get(index, Outcome(job)) for index, job in enumerate(jobs)]


def _outcome(done: Done[Job, Summary | None]) -> Outcome:
    if done.error is None:
        return Outcome(done.task, summary=done.result)
    if isinstance(done.error, UnusableError):
        return Outcome(done.task, error=" ".join(str(done.error).split()), is_input=True)
    return Outcome(done.task, error=one_line(done.error))
