"""A venue of functions as a thing: what it is made of, its thread, and its second life."""

import asyncio
import subprocess
import sys
import threading
from typing import Any, Final

import pytest

from lifecycle.dropin.callbacks import CallbackVenue, Named, Ticket
from lifecycle.dropin.clock import Clock
from lifecycle.dropin.connecting import connect
from lifecycle.dropin.quoter import NotWithdrawnError, StoppedError
from lifecycle.journal.base import JournalError
from spec.trace import Halted, Record
from tests.lifecycle.dropin.client import Client, instant
from tests.lifecycle.dropin.virtual import START, LoopClock, leap

FUNCTIONS: Final = ("open_orders", "place", "modify", "cancel")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"fills": "hear"}, "fills must be a function, \"heard\" or None, was 'hear'"),
        ({"modify": True}, "modify must be a function, was True"),
        ({"order": 1}, "order must be a function, was 1"),
        ({"touch": (1, 2)}, r"touch must be a function, was \(1, 2\)"),
        ({"capabilities": None}, "capabilities must be Capabilities, was None"),
        ({"clock": 1}, "clock must be a Clock, which has .*, or None, was 1"),
        ({"poll_s": "5"}, "poll_s must be a number of seconds, was '5'"),
        ({"poll_s": 0}, "poll_s must be finite and positive, was 0"),
        ({"lag_s": None}, "lag_s must be a number of seconds, was None"),
    ],
)
def test_what_a_venue_cannot_be_made_of_is_refused(options: dict[str, Any], said: str) -> None:
    client: dict[str, Any] = dict.fromkeys(FUNCTIONS, print)

    with pytest.raises((TypeError, ValueError), match=f"^{said}$"):
        CallbackVenue(instant().instrument, **(client | options))


def test_a_function_that_never_returns_keeps_no_process_from_ending() -> None:
    code = (
        "from time import sleep\n"
        "from lifecycle.dropin.calls import Worker\n"
        "assert Worker('w').call(len, 'ab').result() == 2\n"
        "Worker('v').call(sleep, 3600)\n"
        "Worker('u').call(exit).exception()\n"
    )

    done = subprocess.run([sys.executable, "-c", code], timeout=30, check=False)

    assert done.returncode == 0


def test_a_venue_that_was_left_may_be_connected_again() -> None:
    async def main() -> None:
        clock = Clock(START)
        client = Client(instant(), clock.now)
        venue = CallbackVenue(
            client.venue.instrument,
            clock=clock,
            **{name: getattr(client, name) for name in FUNCTIONS},
            lag_s=0,
        )
        for _ in range(2):
            async with connect(venue) as quoter:
                await quoter.ready(5)
                await quoter.converge([("1900", "0.1")], [], answered=True)
                assert len(client.venue.open_orders()) == 1
            assert client.venue.open_orders() == ()

    asyncio.run(main())
    for thread in (one for one in threading.enumerate() if one.name == "venue calls"):
        thread.join(5)
        assert not thread.is_alive()


def test_a_call_that_hangs_at_the_end_is_left_and_no_task_with_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def main() -> None:
        clock = LoopClock()
        client = Client(instant(), clock.now)

        async def place(_order: Ticket) -> str:
            await asyncio.sleep(3600)
            return "1"

        functions: dict[str, Any] = {name: getattr(client, name) for name in FUNCTIONS}
        venue = CallbackVenue(
            client.venue.instrument,
            **(functions | {"place": place}),
            clock=clock,
            threads=False,
        )

        async def bot() -> None:
            async with connect(venue, exit_timeout_s=1) as quoter:
                await quoter.ready(5)
                await quoter.converge([("1900", "0.1")], [])

        with pytest.raises(NotWithdrawnError):
            await bot()
        assert len(asyncio.all_tasks()) == 1

    leap(main())

    assert "has not returned in 5 s" in caplog.text


def test_cancels_that_wait_for_their_turn_leave_also_where_the_journal_has_failed() -> None:
    def sink(record: Record) -> None:
        if isinstance(record, Halted):
            raise JournalError("the disk is full")

    async def main() -> None:
        clock = LoopClock()
        client = Client(instant(), clock.now)

        async def cancel(order: Named) -> bool:
            await asyncio.sleep(0.5)
            return client.cancel(order)

        functions: dict[str, Any] = {name: getattr(client, name) for name in FUNCTIONS}
        venue = CallbackVenue(
            client.venue.instrument,
            **(functions | {"cancel": cancel}),
            clock=clock,
            threads=False,
        )

        async def bot() -> None:
            async with connect(venue, sinks=[sink]) as quoter:
                await quoter.ready(5)
                bids = [(1900.0 - away, 0.1) for away in range(8)]
                await quoter.converge(bids, [], answered=True)
                assert len(client.venue.open_orders()) == 8

        with pytest.raises(StoppedError, match="disk is full"):
            await bot()
        assert client.venue.open_orders() == ()

    leap(main())
