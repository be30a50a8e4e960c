"""`connect` where things go wrong: at the venue, with the journal, and in the venue's own code."""

import asyncio
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from exchange.commands import Command, Place
from exchange.market import Market
from exchange.paper.faults.injector import Faults
from exchange.paper.faults.plan import FaultPlan, mix
from exchange.paper.venue import PaperVenue
from exchange.units import MINUTE, SECOND
from exchange.venue import Received
from lifecycle.config import STABLE
from lifecycle.dropin.clock import Clock
from lifecycle.dropin.connecting import connect
from lifecycle.dropin.practice import LivePaper, practice
from lifecycle.dropin.quoter import StoppedError
from lifecycle.dropin.sync import connect_sync
from lifecycle.journal.base import JournalError
from lifecycle.run.config import MarketConfig, VenueConfig
from lifecycle.run.market import load_market
from spec.trace import Halted, Record
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

        with pytest.raises(StoppedError, match="ZeroDivisionError: a bug") as caught:
            await bot()
        venue.poll = poll  # type: ignore[method-assign]
        venue.paper.poll(venue.clock.now() + SECOND)

        assert venue.paper.open_orders() == ()
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


async def hangs(_timeout_s: float) -> bool:
    await asyncio.sleep(3600)
    return False


async def returns_at_once(_timeout_s: float) -> bool:
    return True


@pytest.mark.parametrize("wait", [hangs, returns_at_once])
def test_a_venue_whose_wait_is_none_holds_up_neither_the_bot_nor_its_end(wait: Any) -> None:
    async def main() -> float:
        venue = paper()
        venue.wait = wait  # type: ignore[method-assign]
        loop = asyncio.get_running_loop()
        if wait is returns_at_once:
            # Such a venue uses the processor, and no time leaps: it is the wall clock's.
            venue.clock = Clock(START, speed=50)  # type: ignore[misc]
        began = loop.time()
        async with connect(venue, exit_timeout_s=30) as quoter:
            await quoter.ready(10)
            market = venue.market(venue.clock.now())
            assert market.bid is not None
            bid = (market.bid - 300) * float(venue.instrument.price_unit)
            await quoter.converge([(bid, 0.1)], [], answered=True)
            assert len(venue.paper.open_orders()) == 1
        assert venue.paper.open_orders() == ()
        assert len(asyncio.all_tasks()) == 1
        return loop.time() - began

    assert leap(main()) < 60


def test_a_wait_that_somebody_else_cancels_stops_the_quoter_and_takes_orders_off_the_book() -> None:
    async def main() -> None:
        venue = paper()

        async def cancelled(timeout_s: float) -> bool:
            raise asyncio.CancelledError(timeout_s)

        async def bot() -> None:
            async with connect(venue) as quoter:
                await quoter.ready()
                await quoter.converge(*around(venue, 300), answered=True)
                venue.wait = cancelled  # type: ignore[method-assign]
                await quoter.pause(10)

        with pytest.raises(StoppedError, match="wait was cancelled"):
            await bot()
        venue.paper.poll(venue.clock.now() + SECOND)

        assert venue.paper.open_orders() == ()

    leap(main())


@pytest.mark.parametrize("happens", ["before", "after", "in the middle"])
def test_a_submit_that_raises_leaves_its_requests_in_doubt(happens: str) -> None:
    async def main() -> None:
        venue = paper()
        watched = watch(venue, STABLE)
        submit, fails = venue.submit, True

        def broken(commands: Sequence[Command], now: int) -> None:
            nonlocal fails
            if fails and any(isinstance(one, Place) for one in commands):
                fails = False
                sent = {"before": 0, "after": 2, "in the middle": 1}[happens]
                submit(commands[:sent], now)
                raise ConnectionError("cut")
            submit(commands, now)

        venue.submit = broken  # type: ignore[method-assign]
        async with connect(venue, sinks=[watched.feed]) as quoter:
            await quoter.ready()
            await quoter.converge(*around(venue, 300), answered=True)
            assert not fails
            for _ in range(4):
                await quoter.pause(10)
                await quoter.converge(*around(venue, 300), answered=True)
                assert len(venue.paper.open_orders()) <= 2
            assert len(venue.paper.open_orders()) == 2
        assert venue.paper.open_orders() == ()
        assert watched.broken == []

    leap(main())


@pytest.mark.parametrize("ahead", [3600 * SECOND, -3600 * SECOND])
def test_reports_with_the_venues_own_times_do_not_move_ours(ahead: int) -> None:
    async def main() -> None:
        venue = paper()
        poll = venue.poll

        def shifted(now: int) -> list[Received]:
            told = poll(now)
            return [Received(one.at + ahead * (n % 2), one.report) for n, one in enumerate(told)]

        venue.poll = shifted  # type: ignore[method-assign]
        async with connect(venue) as quoter:
            await quoter.ready()
            for _ in range(5):
                await quoter.converge(*around(venue, 300, levels=3), answered=True)
                await quoter.pause(1)
            assert quoter.manager.now < START + MINUTE

    leap(main())


def test_a_book_that_cannot_be_had_keeps_no_order_on_the_book_at_the_end() -> None:
    async def main() -> None:
        venue = paper()

        def broken(now: int) -> Market:
            raise ZeroDivisionError(f"no book at {now}")

        async def bot() -> None:
            async with connect(venue) as quoter:
                await quoter.ready()
                await quoter.converge(*around(venue, 300), answered=True)
                venue.market = broken  # type: ignore[method-assign]

        with pytest.raises(StoppedError, match="no book"):
            await bot()
        venue.paper.poll(venue.clock.now() + SECOND)

        assert venue.paper.open_orders() == ()
        assert len(asyncio.all_tasks()) == 1

    leap(main())


def test_a_journal_that_fails_at_the_end_has_the_cancels_leave_all_the_same() -> None:
    class Slow(LivePaper):
        """Sends when it is next polled, as one with a queue of its own does."""

        def __init__(self, of: LivePaper) -> None:
            super().__init__(of.paper, of.clock)
            self._queue: list[Command] = []

        def submit(self, commands: Sequence[Command], now: int) -> None:  # noqa: ARG002
            self._queue += commands

        def poll(self, now: int) -> list[Received]:
            self.paper.submit(self._queue, now)
            self._queue = []
            return super().poll(now)

    def sink(record: Record) -> None:
        if isinstance(record, Halted):
            raise JournalError("the disk is full")

    async def main() -> None:
        venue = Slow(paper())

        async def bot() -> None:
            async with connect(venue, sinks=[sink]) as quoter:
                await quoter.ready()
                await quoter.converge(*around(venue, 300), answered=True)

        with pytest.raises(StoppedError, match="disk is full"):
            await bot()
        venue.paper.poll(venue.clock.now() + SECOND)

        assert venue.paper.open_orders() == ()

    leap(main())


def test_a_start_that_fails_leaves_the_journal_to_the_next(tmp_path: Path) -> None:
    def sink(_record: Record) -> None:
        raise ZeroDivisionError("a bug")

    async def main() -> None:
        venue, path = paper(), tmp_path / "bot.journal"
        with pytest.raises(ZeroDivisionError):
            async with connect(venue, journal=path, sinks=[sink]):
                pass
        async with connect(venue, journal=path) as quoter:
            await quoter.ready()

    leap(main())


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"silence_s": "5"}, "TypeError: silence_s must be a number of seconds, was '5'"),
        ({"silence_s": -1}, "ValueError: silence_s must be finite and positive, was -1"),
        ({"exit_timeout_s": None}, "TypeError: exit_timeout_s must be a number of seconds, was "),
        ({"exit_timeout_s": float("nan")}, "ValueError: exit_timeout_s must be finite, was nan"),
        ({"observer": 1}, "TypeError: observer must be an Observer(log, metrics), or None, was 1"),
        (
            {"switch": "stop"},
            "TypeError: switch must be a KillSwitch(\"file\"), or None, was 'stop'",
        ),
        ({"journal": 1}, "TypeError: journal must be the name of a file, or None, was 1"),
        ({"journal": ""}, "ValueError: journal must be the name of a file, was ''"),
        ({"clock": 1}, "TypeError: clock must be a Clock, which has now(), or None, was 1"),
        ({"sinks": print}, "TypeError: sinks must be a list of functions, was "),
        ({"sinks": [1]}, "TypeError: sinks must be a function, was 1"),
        ({"on_exit": "stay"}, "ValueError: on_exit must be withdraw or leave, was 'stay'"),
        ({"jurnal": "x"}, "TypeError: "),
    ],
)
@pytest.mark.parametrize("join", [connect, connect_sync])
def test_what_an_option_does_not_take_is_refused_at_the_call(
    join: Any, options: dict[str, Any], error: str
) -> None:
    with pytest.raises((TypeError, ValueError)) as caught:
        join(practice(), **options)

    assert f"{type(caught.value).__name__}: {caught.value}".startswith(error)


def test_a_wait_without_an_end_is_refused() -> None:
    async def main() -> None:
        async with connect(paper()) as quoter:
            for wait in (quoter.pause, quoter.ready, quoter.withdraw):
                with pytest.raises(TypeError, match="timeout_s must be a number of seconds, was N"):
                    await wait(None)  # type: ignore[arg-type]
            with pytest.raises(ValueError, match="timeout_s must be finite, was inf"):
                await quoter.pause(float("inf"))
            assert not quoter.manager.is_halted
            assert not await quoter.pause(-1)

    leap(main())
