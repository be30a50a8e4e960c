"""`connect` on the paper venue, in a loop whose time leaps, held to the invariants."""

import asyncio
from pathlib import Path

import pytest

from exchange.units import SECOND
from exchange.words import Side
from lifecycle.config import STABLE
from lifecycle.drive.switch import KillSwitch
from lifecycle.dropin.connecting import connect
from lifecycle.dropin.quoter import NotReadyError, NotWithdrawnError, StoppedError
from lifecycle.journal.base import JournalError
from spec.trace import Reason, Target
from tests.lifecycle.dropin.virtual import around, cancel_at, leap, paper, watch


def test_what_is_wanted_rests_and_is_kept_and_is_withdrawn_on_leaving() -> None:
    async def main() -> None:
        venue = paper()
        watched = watch(venue, STABLE)
        async with connect(venue, sinks=[watched.feed]) as quoter:
            await quoter.ready()
            bids, asks = around(venue, 300, levels=3)
            first = await quoter.converge(bids, asks, answered=True)
            again = await quoter.converge(bids, asks)

            assert len(first.placed) == len(again.kept) == 6
            assert len(venue.paper.open_orders()) == 6
            assert again.calls == 0
        assert venue.paper.open_orders() == ()
        assert watched.broken == []

    leap(main())


def test_a_bot_that_jitters_for_minutes_keeps_the_invariants_and_sends_little() -> None:
    async def main() -> tuple[int, list[str], int]:
        venue = paper()
        watched = watch(venue, STABLE)
        calls = 0
        async with connect(venue, sinks=[watched.feed]) as quoter:
            await quoter.ready()
            for cycle in range(60):
                bids, asks = around(venue, 4 + cycle % 3, levels=2)
                calls += (await quoter.converge(bids, asks)).calls
                await quoter.pause(6)
            fills = len(venue.paper.fills)
            assert quoter.position == venue.paper.position
        return calls, watched.broken, fills

    calls, broken, fills = leap(main())

    assert broken == []
    assert fills > 0
    assert calls < 60 * 4


def test_before_the_first_look_nothing_is_sent_and_it_says_so() -> None:
    async def main() -> None:
        venue = paper()
        async with connect(venue) as quoter:
            done = await quoter.converge(*around(venue))

            assert [one.reason for one in done.waiting] == [Reason.BLIND, Reason.BLIND]
            assert "blind" in str(done)
            assert not quoter.is_ready

    leap(main())


def test_converges_run_one_after_the_other() -> None:
    async def main() -> None:
        venue = paper()
        watched = watch(venue, STABLE)
        async with connect(venue, sinks=[watched.feed]) as quoter:
            await quoter.ready()
            bids, asks = around(venue, 300)
            done = await asyncio.gather(
                *(quoter.converge(bids, asks, answered=True) for _ in range(4))
            )

            assert [one.calls for one in done] == [2, 0, 0, 0]
            assert all(len(one.kept) == 2 for one in done[1:])
        assert watched.broken == []

    leap(main())


@pytest.mark.parametrize("answered", [False, True])
def test_a_converge_cancelled_at_any_await_has_sent_all_or_nothing(answered: bool) -> None:
    async def cancelled_at(number: int) -> bool:
        venue = paper()
        watched = watch(venue, STABLE)
        async with connect(venue, sinks=[watched.feed]) as quoter:
            await quoter.ready()
            bids, asks = around(venue, 300, levels=3)
            # Another one has the turn, so that waiting for it is an await as well.
            other = asyncio.create_task(quoter.converge(bids[:1], asks[:1], answered=True))
            await asyncio.sleep(0)
            ended = await cancel_at(quoter.converge(bids, asks, answered=answered), number)
            await other
            await venue.sleep(2)

            assert len(venue.paper.open_orders()) in (2, 6)
            assert not any(order.is_in_flight for order in quoter.manager.open_orders.values())
            later = await quoter.converge(bids, asks, answered=True)
            assert len(venue.paper.open_orders()) == 6
            assert len(later.placed) + len(later.kept) == 6
        assert venue.paper.open_orders() == ()
        assert watched.broken == []
        assert len(asyncio.all_tasks()) == 1
        return ended

    numbers = range(100)
    ended = next(number for number in numbers if leap(cancelled_at(number)))

    assert ended >= (2 if answered else 1)


def test_a_bot_cancelled_at_any_await_leaves_no_task_and_nothing_resting() -> None:
    async def cancelled_at(number: int) -> bool:
        venue = paper()
        watched = watch(venue, STABLE)

        async def bot() -> None:
            async with connect(venue, sinks=[watched.feed]) as quoter:
                await quoter.ready()
                await quoter.converge(*around(venue, 300, levels=2), answered=True)
                await quoter.pause(1)

        ended = await cancel_at(bot(), number)
        # What has been handed over arrives, also when nobody waits for it any more.
        await asyncio.sleep(0.1)
        venue.paper.poll(venue.clock.now() + 10 * SECOND)

        assert venue.paper.open_orders() == ()
        assert watched.broken == []
        assert len(asyncio.all_tasks()) == 1
        return ended

    numbers = range(200)
    ended = next(number for number in numbers if leap(cancelled_at(number)))

    assert ended > 10


def test_leaving_while_cancelled_withdraws_all_the_same() -> None:
    async def main() -> None:
        venue = paper()
        rests = asyncio.Event()

        async def bot() -> None:
            async with connect(venue) as quoter:
                await quoter.ready()
                await quoter.converge(*around(venue, 300), answered=True)
                rests.set()
                await venue.sleep(100)

        task = asyncio.create_task(bot())
        await rests.wait()
        assert len(venue.paper.open_orders()) == 2
        task.cancel()
        await asyncio.wait((task,))

        assert task.cancelled()
        assert venue.paper.open_orders() == ()
        assert len(asyncio.all_tasks()) == 1

    leap(main())


def test_leaving_that_is_cancelled_itself_leaves_no_task_and_has_sent_the_cancels() -> None:
    async def main() -> None:
        venue = paper()
        inside = asyncio.Event()

        async def bot() -> None:
            async with connect(venue) as quoter:
                await quoter.ready()
                await quoter.converge(*around(venue, 300), answered=True)
                inside.set()

        task = asyncio.create_task(bot())
        await inside.wait()
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait((task,))
        venue.paper.poll(venue.clock.now() + 10**9)

        assert task.cancelled()
        assert venue.paper.open_orders() == ()
        assert len(asyncio.all_tasks()) == 1

    leap(main())


def test_what_rests_is_left_and_found_again_by_the_journal(tmp_path: Path) -> None:
    path = tmp_path / "bot.journal"

    async def main() -> None:
        venue = paper()
        async with connect(venue, journal=path, on_exit="leave") as quoter:
            await quoter.ready()
            bids, asks = around(venue, 300)
            await quoter.converge(bids, asks)
        resting = venue.paper.open_orders()
        async with connect(venue, journal=path) as quoter:
            await quoter.ready()
            again = await quoter.converge(bids, asks)

            assert len(resting) == len(again.kept) == 2
            assert quoter.recovery is not None
            assert len(quoter.recovery.resting) == 2
        assert venue.paper.open_orders() == ()

    leap(main())


def test_a_journal_of_another_configuration_is_refused(tmp_path: Path) -> None:
    from msgspec.structs import replace

    path = tmp_path / "bot.journal"
    other = replace(STABLE, bands=replace(STABLE.bands, latch_bps=9.0))

    async def main() -> None:
        venue = paper()
        async with connect(venue, journal=path):
            pass
        with pytest.raises(JournalError, match="latch_bps"):
            async with connect(venue, other, journal=path):
                pass

    leap(main())


class Deaf:
    """A paper venue that says nothing from some time on."""

    def __init__(self) -> None:
        self.live = paper()
        self.instrument, self.capabilities = self.live.instrument, self.live.capabilities
        self.clock, self.submit, self.market = self.live.clock, self.live.submit, self.live.market
        self.seen = self.live.seen
        self.is_deaf = False

    def poll(self, now: int) -> list[object]:
        """Return what has been heard."""
        received = self.live.poll(now)
        return [] if self.is_deaf else list(received)

    async def wait(self, timeout_s: float) -> bool:
        """Wait all of the time."""
        await self.live.sleep(timeout_s)
        return True


async def go_deaf(error: Exception | None = None) -> None:
    """Quote, hear nothing more, and leave."""
    venue = Deaf()
    async with connect(venue, exit_timeout_s=10) as quoter:  # type: ignore[arg-type]
        await quoter.ready()
        await quoter.converge(*around(venue.live, 300), answered=True)
        venue.is_deaf = True
        if error is not None:
            raise error


def test_what_is_not_proven_to_be_gone_is_an_error_that_names_it() -> None:
    async def main() -> None:
        with pytest.raises(NotWithdrawnError, match=r"may still rest: .* \(oid 1000001\)"):
            await go_deaf()
        assert len(asyncio.all_tasks()) == 1

    leap(main())


def test_an_error_of_the_body_goes_on_with_a_note_where_nothing_is_proven() -> None:
    async def main() -> None:
        with pytest.raises(KeyError, match="mine") as caught:
            await go_deaf(KeyError("mine"))

        assert "may still rest" in caught.value.__notes__[0]

    leap(main())


def test_a_venue_that_does_not_answer_is_not_ready_in_time() -> None:
    async def main() -> None:
        venue = Deaf()
        venue.is_deaf = True
        with pytest.raises(NotReadyError, match="has not shown"):
            async with connect(venue, exit_timeout_s=1) as quoter:  # type: ignore[arg-type]
                await quoter.ready(5)

    leap(main())


def test_a_silent_bot_has_everything_withdrawn_until_it_speaks_again() -> None:
    async def main() -> None:
        venue = paper()
        async with connect(venue, silence_s=20) as quoter:
            await quoter.ready()
            bids, asks = around(venue, 300)
            await quoter.converge(bids, asks)
            await venue.sleep(19)
            assert len(venue.paper.open_orders()) == 2
            await venue.sleep(3)
            assert venue.paper.open_orders() == ()
            await quoter.converge(*around(venue, 300), answered=True)
            assert len(venue.paper.open_orders()) == 2

    leap(main())


def test_the_kill_switch_withdraws_between_two_converges() -> None:
    async def main() -> None:
        venue, switch = paper(), KillSwitch()
        async with connect(venue, switch=switch) as quoter:
            await quoter.ready()
            await quoter.converge(*around(venue, 300), answered=True)
            switch.throw("a test")
            await venue.sleep(2)
            assert venue.paper.open_orders() == ()
            done = await quoter.converge(*around(venue, 300))
            assert {one.reason for one in done.decisions} == {Reason.HALTED}

    leap(main())


def test_a_fill_ends_a_pause() -> None:
    async def main() -> None:
        venue = paper()
        is_early = False
        async with connect(venue) as quoter:
            await quoter.ready()
            until = venue.clock.now() + 900 * SECOND
            while not is_early and venue.clock.now() < until:
                await quoter.converge(*around(venue, 2), answered=True)
                is_early = await quoter.pause(6)
            assert is_early
            assert len(quoter.manager.open_orders) < 2
            assert venue.paper.fills

    leap(main())


def test_outside_of_its_block_a_quoter_refuses() -> None:
    async def main() -> None:
        venue = paper()
        async with connect(venue) as quoter:
            pass
        with pytest.raises(StoppedError, match="inside its"):
            await quoter.converge([], [])

    leap(main())


def test_quotes_that_cannot_be_are_refused_and_nothing_happens() -> None:
    async def main() -> None:
        venue = paper()
        async with connect(venue) as quoter:
            await quoter.ready()
            with pytest.raises(ValueError, match="bids must stay below asks"):
                await quoter.converge([Target(30000, 1000)], [Target(29000, 1000)])
            with pytest.raises(ValueError, match="multiple of"):
                await quoter.converge([("2500.123", "1")], [])
            assert venue.paper.known == ()
            assert (await quoter.converge([], [])).decisions == ()

    leap(main())


def test_a_decision_reads_as_a_sentence() -> None:
    async def main() -> None:
        venue = paper()
        async with connect(venue) as quoter:
            await quoter.ready()
            done = await quoter.converge([("2000", "0.1")], [])
            placed = done.waiting or done.placed

            assert placed[0].side is Side.BUY
            assert "0.1000 at 2000.0" in str(placed[0])

    leap(main())
