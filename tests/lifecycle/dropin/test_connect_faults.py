"""`connect` where things go wrong: at the venue, with the journal, and in the venue's own code."""

import asyncio
import logging
from typing import Any

import pytest

from exchange.paper.faults.injector import Faults
from exchange.paper.faults.plan import FaultPlan, mix
from exchange.paper.venue import PaperVenue
from exchange.units import MINUTE, SECOND
from lifecycle.config import STABLE
from lifecycle.dropin.connecting import connect
from lifecycle.dropin.practice import LivePaper
from lifecycle.dropin.quoter import StoppedError
from lifecycle.journal.base import JournalError
from lifecycle.run.config import MarketConfig, VenueConfig
from lifecycle.run.market import load_market
from spec.trace import Record
from tests.lifecycle.dropin.virtual import START, LoopClock, around, cancel_at, leap, paper, watch


def faulty(plan: FaultPlan, seed: int) -> LivePaper:
    """Return a paper venue with faults, that lives by the loop's time."""
    market = load_market(MarketConfig(minutes=30, seed=seed), VenueConfig())
    venue = PaperVenue(market.instrument, market.rows(), seed=seed, faults=Faults(plan, seed))
    venue.poll(START)
    return LivePaper(venue, LoopClock())


@pytest.mark.parametrize("seed", range(1, 5))
def test_faults_break_no_promise_and_nothing_is_left(seed: int) -> None:
    async def main() -> None:
        venue = faulty(mix(seed), seed)
        watched = watch(venue, STABLE)
        async with connect(venue, sinks=[watched.feed], exit_timeout_s=600) as quoter:
            await quoter.ready(600)
            for cycle in range(40):
                if venue.market(venue.clock.now()).bid is not None:
                    work = quoter.converge(*around(venue, 4 + cycle % 5, levels=2))
                    await cancel_at(work, cycle % 4)
                await quoter.pause(3)

        assert venue.paper.open_orders() == ()
        assert watched.broken == []

    leap(main())


def test_a_journal_that_fails_stops_the_quoter_and_takes_orders_off_the_book(
    caplog: pytest.LogCaptureFixture,
) -> None:
    fails = False

    def sink(_record: Record) -> None:
        if fails:
            raise JournalError("the disk is full")

    async def main() -> None:
        venue = paper()

        async def bot() -> None:
            nonlocal fails
            async with connect(venue, sinks=[sink]) as quoter:
                await quoter.ready()
                await quoter.converge(*around(venue, 300), answered=True)
                fails = True
                await quoter.converge(*around(venue, 300))

        with pytest.raises(JournalError, match="disk is full") as caught:
            await bot()
        venue.paper.poll(venue.clock.now() + SECOND)

        assert "has stopped" in caught.value.__notes__[0]
        assert venue.paper.open_orders() == ()
        assert len(asyncio.all_tasks()) == 1

    with caplog.at_level(logging.ERROR):
        leap(main())


def test_an_error_of_the_venues_own_stops_the_quoter_and_is_its_cause() -> None:
    async def main() -> None:
        venue = paper()
        poll = venue.poll

        def broken(now: int) -> Any:  # noqa: ARG001 - as the one it stands for
            raise ZeroDivisionError("a bug")

        async def bot() -> None:
            async with connect(venue) as quoter:
                await quoter.ready()
                await quoter.converge(*around(venue, 300), answered=True)
                venue.poll = broken  # type: ignore[method-assign]
                await quoter.pause(10)

        with pytest.raises(StoppedError, match="a bug") as caught:
            await bot()
        venue.poll = poll  # type: ignore[method-assign]

        assert isinstance(caught.value.__cause__, ZeroDivisionError)
        assert "may still rest: " in caught.value.__notes__[0]
        assert len(asyncio.all_tasks()) == 1

    leap(main())


def test_a_clock_that_was_set_back_does_not_stop_a_restart(tmp_path: Any) -> None:
    class Late(LoopClock):
        def now(self) -> int:
            return super().now() + MINUTE * self.is_ahead

        is_ahead = 1

    async def main() -> None:
        venue = paper()
        clock = Late()
        venue.clock = clock  # type: ignore[misc]
        path = tmp_path / "bot.journal"
        async with connect(venue, journal=path, on_exit="leave") as quoter:
            await quoter.ready()
            await quoter.converge([("1900.0", "0.1")], [], answered=True)
        clock.is_ahead = 0
        async with connect(venue, journal=path) as quoter:
            await quoter.ready()
            done = await quoter.converge([("1900.0", "0.1")], [])
            assert len(done.decisions) == 1

    leap(main())
