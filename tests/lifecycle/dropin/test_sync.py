"""The synchronous facade: a loop in a thread, on a paper venue whose clock is scaled."""

import subprocess
import sys
import threading
from types import TracebackType
from typing import Any, Self

import pytest

from lifecycle.config import STABLE
from lifecycle.dropin.practice import LivePaper, practice
from lifecycle.dropin.quoter import NotReadyError, StoppedError
from lifecycle.dropin.sync import connect_sync
from lifecycle.rules import rules_of
from lifecycle.run.watched import Watched

SPEED = 10.0


def quotes(quoter: Any) -> tuple[list[Any], list[Any]]:
    market, unit = quoter.market(), float(quoter.instrument.price_unit)
    return [((market.bid - 300) * unit, 0.1)], [((market.ask + 300) * unit, 0.1)]


def test_a_bot_without_a_loop_converges_and_withdraws() -> None:
    venue = practice(speed=SPEED)
    watched = Watched(rules_of(STABLE, venue.instrument, venue.capabilities), 0)
    with connect_sync(venue, sinks=[watched.feed]) as quoter:
        quoter.ready()
        first = quoter.converge(*quotes(quoter), answered=True)
        is_early = quoter.pause(2)
        again = quoter.converge(*quotes(quoter))
        resting = venue.paper.open_orders()

    assert len(first.placed) == len(resting) == 2
    assert len(again.decisions) == 2
    assert not is_early
    assert venue.paper.open_orders() == ()
    assert watched.broken == []
    assert not [one for one in threading.enumerate() if one.name.startswith("lifecycle")]


def test_a_bot_that_raises_has_everything_withdrawn_all_the_same() -> None:
    venue = practice(speed=SPEED)

    def bot() -> None:
        with connect_sync(venue) as quoter:
            quoter.ready()
            quoter.converge(*quotes(quoter), answered=True)
            raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        bot()

    assert venue.paper.open_orders() == ()


def test_what_fails_at_the_start_is_raised_there() -> None:
    def broken() -> LivePaper:
        raise OSError("no such host")

    with pytest.raises(OSError, match="no such host"), connect_sync(broken):
        pass


def test_quotes_and_waits_that_fail_raise_in_the_bots_thread() -> None:
    venue = practice(speed=SPEED)
    with connect_sync(venue) as quoter:
        with pytest.raises(NotReadyError):
            quoter.ready(0)
        with pytest.raises(ValueError, match="multiple"):
            quoter.converge([("1.23456", 1)], [])
        with pytest.raises(TypeError, match=r"quotes must be in a list, \[\] for none, was None"):
            quoter.converge([], None)  # type: ignore[arg-type]
        with pytest.raises(TypeError, match="by itself"):
            quoter.heard("x")
        quoter.withdraw()
    assert issubclass(StoppedError, RuntimeError)


class Opened:
    """A venue that must be opened."""

    def __init__(self) -> None:
        self.live = practice(speed=SPEED)
        self.instrument, self.capabilities = self.live.instrument, self.live.capabilities
        self.clock, self.submit, self.poll = self.live.clock, self.live.submit, self.live.poll
        self.wait, self.market, self.seen = self.live.wait, self.live.market, self.live.seen
        self.said: list[str] = []

    async def __aenter__(self) -> Self:
        self.said.append("opened")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.said.append("closed")


def test_a_venue_that_must_be_opened_is_opened_and_closed() -> None:
    venue = Opened()
    with connect_sync(venue) as quoter:
        quoter.ready()

    assert venue.said == ["opened", "closed"]


def test_a_bot_that_is_interrupted_while_the_venue_is_opened_leaves_no_thread() -> None:
    code = """
import asyncio, os, signal, threading
from lifecycle import connect_sync
from tests.lifecycle.dropin.test_sync import Opened

class Slow(Opened):
    async def __aenter__(self):
        threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
        await asyncio.sleep(3600)

try:
    with connect_sync(Slow()):
        pass
except KeyboardInterrupt:
    print("interrupted")
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=False
    )

    assert done.stdout == "interrupted\n", done.stderr
    assert done.returncode == 0


def test_a_quoter_that_was_left_says_so_and_is_not_entered_again() -> None:
    connecting = connect_sync(practice(speed=SPEED))
    with connecting as quoter:
        quoter.ready()

    with pytest.raises(StoppedError, match="inside its `with`"):
        quoter.converge([], [])
    with pytest.raises(StoppedError, match="call connect_sync again"), connecting:
        pass
