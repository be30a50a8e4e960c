"""How a live run is looked after: what is said, and how it is asked to end."""

import asyncio
import errno
import logging
import signal
import sys
from collections.abc import Callable
from decimal import Decimal

import pytest
from rich.console import Console

from exchange.units import SECOND
from lifecycle.cli.live_rounds import Rounds
from lifecycle.cli.live_screen import LiveLines, VenueLog
from lifecycle.cli.shutdown import Shutdown
from lifecycle.cli.stop import Stop
from lifecycle.run.config import RunConfig
from lifecycle.run.guarded import idle_guards, missing_guards
from lifecycle.run.live import LiveRun
from lifecycle.views.theme import THEME
from lifecycle.views.trading import trading
from tests.lifecycle.run.test_live import CONFIG, Hall, run_of


class Board:
    """A display that remembers."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.shown = 0

    def show(self, run: LiveRun) -> None:
        """Count."""
        assert run.now >= 0
        self.shown += 1

    def say(self, line: str) -> None:
        """Remember."""
        self.lines.append(line)


def looked_after(
    asks: Callable[[LiveRun, Shutdown], None], hall: Hall | None = None
) -> tuple[bool, Board, LiveRun]:
    """Run; `asks` is called each round."""
    board, shutdown = Board(), Shutdown()
    rounds, run = Rounds(board, shutdown), run_of(hall or Hall())

    def each() -> None:
        asks(run, shutdown)
        rounds.each(run, None)

    return asyncio.run(run.run(each)), board, run


def test_asked_once_everything_is_withdrawn() -> None:
    def asks(run: LiveRun, shutdown: Shutdown) -> None:
        if run.now > 30 * SECOND:
            shutdown.ask("signal SIGTERM")

    proven, board, _ = looked_after(asks)

    assert proven
    assert [line for line in board.lines if "everything is withdrawn" in line] == board.lines
    assert board.shown > 0


@pytest.mark.skipif(not hasattr(signal, "SIGTSTP"), reason="has no job control")
def test_it_is_not_paused_and_says_so() -> None:
    def asks(run: LiveRun, shutdown: Shutdown) -> None:
        if run.now > 30 * SECOND and not paused:
            paused.append(True)
            with shutdown:
                signal.raise_signal(signal.SIGTSTP)
        if run.now > 40 * SECOND:
            shutdown.ask("signal SIGTERM")

    paused: list[bool] = []
    proven, board, _ = looked_after(asks)

    assert proven
    assert "Ctrl-Z does not pause it" in board.lines[0]
    assert len(board.lines) == 2


@pytest.mark.parametrize(("times", "gives_up"), [(2, False), (3, True)])
def test_asked_again_it_warns_and_only_then_gives_up(times: int, *, gives_up: bool) -> None:
    def asks(run: LiveRun, shutdown: Shutdown) -> None:
        if run.now > 30 * SECOND:
            shutdown.ask("signal SIGINT")
            shutdown.asked = min(times, shutdown.asked + 1)

    proven, board, run = looked_after(asks, Hall(deaf_from=29 * SECOND) if gives_up else None)

    warned = [line for line in board.lines if "Ctrl-C once more gives up" in line]
    assert len(warned) == 1
    assert proven is not gives_up
    assert (run.now < 60 * SECOND) or not gives_up


def test_a_signal_is_counted_and_given_back() -> None:
    before = signal.getsignal(signal.SIGINT)
    with Shutdown() as shutdown:
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGTERM)
        terminated = shutdown.asked
        for _ in range(5):
            signal.raise_signal(signal.SIGINT)
        interrupted = shutdown.asked

    assert (terminated, interrupted) == (1, 3)
    assert shutdown.why == "signal SIGTERM"
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.skipif(sys.platform == "win32", reason="needs signals")
@pytest.mark.parametrize("kind", [Shutdown, Stop])
def test_a_terminal_that_goes_away_ends_in_order_but_not_under_nohup(
    kind: type[Shutdown] | type[Stop],
) -> None:
    before = signal.getsignal(signal.SIGHUP)
    try:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
        with kind():
            alone = signal.getsignal(signal.SIGHUP)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        with kind():
            nohup = signal.getsignal(signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)

    assert callable(alone)
    assert nohup is signal.SIG_IGN


def test_a_run_that_can_no_longer_say_anything_withdraws_everything() -> None:
    class Gone(Board):
        """A display whose terminal is gone after a while."""

        def show(self, run: LiveRun) -> None:
            if run.now > 30 * SECOND:
                raise OSError(errno.EIO, "Input/output error")

    shutdown = Shutdown()
    rounds, run = Rounds(Gone(), shutdown), run_of(Hall())

    proven = asyncio.run(run.run(lambda: rounds.each(run, None)))

    assert proven
    assert shutdown.why == "what it says can no longer be written"
    assert run.manager.nothing_rests


def test_what_the_client_warns_of_is_said() -> None:
    board = Board()

    with VenueLog(board):
        logging.getLogger("exchange.hyperliquid.stream").warning("it %s", "broke")
    logging.getLogger("exchange.hyperliquid.stream").debug("unheard")

    assert board.lines == ["venue: it broke"]


def test_lines_are_said_once_a_minute(capsys: pytest.CaptureFixture[str]) -> None:
    with LiveLines("DRY RUN") as lines:
        run = run_of(Hall(), minutes=2.5)
        asyncio.run(run.run(lambda: lines.show(run)))

    said = capsys.readouterr().err.splitlines()
    assert said[0] == "DRY RUN"
    assert [line.partition(":")[0] for line in said[1:]] == ["1 min", "2 min"]


def test_the_screen_shows_the_banner_the_notes_and_no_end() -> None:
    run = run_of(Hall())

    def each() -> None:
        if run.now > 30 * SECOND:
            run.give_up()

    asyncio.run(run.run(each))
    console = Console(width=100, record=True, theme=THEME, file=None, quiet=False)
    with console.capture() as captured:
        console.print(trading(run.frame(), "DRY RUN: nothing is sent", ["a note"], 100, 50))

    text = captured.get()
    assert "DRY RUN: nothing is sent" in text
    assert "a note" in text
    assert "until it is stopped" in text
    assert len(text.splitlines()) <= 50


def test_the_defaults_lack_the_guards_that_only_the_user_knows() -> None:
    assert missing_guards(RunConfig()) == ["risk.exposure_cap", "risk.order_qty_max"]


def test_a_size_above_a_guard_is_said() -> None:
    instrument = Hall().instrument
    risk = CONFIG.risk.__class__(exposure_cap=Decimal("0.05"), order_qty_max=Decimal("0.05"))

    found = idle_guards(RunConfig(risk=risk), instrument)

    assert len(found) == 2
    assert all("no quote would be sent" in line for line in found)
