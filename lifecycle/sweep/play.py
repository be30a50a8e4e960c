"""What a worker does: it plays a block of runs, and says of each what came of it.

A worker may be on another machine, so it first holds its own code and the market's file against
those that the sweep began with: the numbers of one table come from one code and one market.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from msgspec import Struct, structs

from exchange.market import Row
from lifecycle.caught import Caught
from lifecycle.run.compare import Job, UnusableError, market_of, play_on
from lifecycle.run.config import RunConfig
from lifecycle.run.frame import Summary
from lifecycle.run.market import GENERATED_MINUTES, LoadedMarket
from lifecycle.run.workers import is_stopped, one_line
from lifecycle.sweep.code import code_digest, file_digest
from lifecycle.sweep.plan import Block, Source

KEPT_MINUTES: Final = 60.0
"""A generated market up to this long is made once for a block, and kept: about 50 MB."""
FIRST_BROKEN: Final = 1


class Ended(Struct, frozen=True):
    """A run that is over: what came of it, or why nothing did."""

    run: str
    """Its key."""
    summary: Summary | None = None
    """Without what is told minute by minute."""
    error: str = ""
    is_input: bool = False
    """Whether the error is one of the input: the market or the settings, not of ours."""


def play_block(
    block: Block, play: Callable[[LoadedMarket, Job], Summary | None] = play_on
) -> list[Ended]:
    """Play the runs of a block; one that raises is an `Ended` like the others.

    Where the user wants to end it, what was not over by then is missing.
    """
    found: list[Ended] = []
    market = _Market()
    for key, job in block.jobs:
        summary: Summary | None = None
        with Caught() as caught:
            _check(block.code, block.source)
            summary = play(market.of(job.config), job)
        if caught.error is not None:
            found.append(ended_by(key, caught.error))
        elif summary is not None:
            found.append(Ended(key, _slim(summary)))
        if is_stopped():
            break
    return found


def ended_by(key: str, error: Exception) -> Ended:
    """Return a run that has failed."""
    is_input = isinstance(error, UnusableError)
    words = " ".join(str(error).split()) if is_input else one_line(error)
    return Ended(key, error=words, is_input=is_input)


class _Market:
    """The market of a block; its runs differ in everything but that."""

    def __init__(self) -> None:
        self._rows: Sequence[Row] | None = None

    def of(self, config: RunConfig) -> LoadedMarket:
        """Return it for a run; raises UnusableError."""
        market = market_of(config)
        minutes = config.market.minutes or GENERATED_MINUTES
        if config.market.file is not None or minutes > KEPT_MINUTES:
            return market
        rows = self._rows = self._rows or list(market.rows())
        return replace(market, source=lambda: rows)


def _check(code: str, source: Source) -> None:
    if code_digest() != code:
        raise UnusableError(
            "the worker must have the code that the sweep began with, was other code; install the "
            "same order-lifecycle there and start it again"
        )
    if source.file is None:
        return
    try:
        digest = file_digest(source.file)
    except OSError as error:
        raise UnusableError(f"{source.file}: {error.strerror or error}") from error
    if digest != source.digest:
        raise UnusableError(
            f"{source.file} must be the file that the sweep began with, was one of other contents"
        )


def _slim(summary: Summary) -> Summary:
    """Leave out what no column is made of."""
    broken = summary.broken[:FIRST_BROKEN]
    return structs.replace(
        summary, kept={}, timeline=[], kept_by={}, suppressed={}, alerts=[], series=[],
        broken=broken,
    )  # fmt: skip
