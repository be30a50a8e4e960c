"""Shows a live run while it runs: the run calls it after every round, it decides nothing.

Two displays, as for simulated runs: a screen on a terminal, lines on stderr everywhere else. What
they write never keeps the run waiting (`lifecycle.cli.apart`).
"""

import atexit
import logging
import time
from collections import deque
from contextlib import ExitStack, suppress
from functools import partial
from types import TracebackType
from typing import Final, Protocol, Self

from rich.console import Console
from rich.live import Live

from exchange.units import MINUTE
from lifecycle.cli import output
from lifecycle.cli.apart import Apart
from lifecycle.cli.gone import unless_gone
from lifecycle.cli.keys import Keys
from lifecycle.cli.shutdown import Shutdown
from lifecycle.run.live import LiveRun
from lifecycle.views.trading import NOTES_MAX, trading

DRAW_S: Final = 0.1
"""The least time between two drawings."""
CLOSE_S: Final = 1.0
"""How long a terminal may take for what was said last."""
VENUE_LOG: Final = "exchange.hyperliquid"


class LiveDisplay(Protocol):
    """Shows how a run goes, and what is to be said about it."""

    def show(self, run: LiveRun) -> None:
        """Show the run as it is now."""

    def say(self, line: str) -> None:
        """Say a line."""


class LiveScreen:
    """The terminal while the block runs; what was on it comes back whatever ends it."""

    def __init__(self, console: Console, banner: str, shutdown: Shutdown) -> None:
        self._console = console
        self._banner = banner
        self._shutdown = shutdown
        self._notes: deque[str] = deque(maxlen=NOTES_MAX)
        self._stack = ExitStack()
        self._keys = Keys()
        self._live = Live(console=console, auto_refresh=False, screen=True)
        self._drawn = float("-inf")
        self._apart = Apart()

    def __enter__(self) -> Self:
        """Take the terminal."""
        with ExitStack() as stack:
            stack.enter_context(self._keys)
            stack.enter_context(self._live)
            stack.enter_context(VenueLog(self))
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Give the terminal back, and leave there what was said last."""
        if not self._apart.close(CLOSE_S):
            # It takes nothing, so it cannot be given back either, not before the rest is over.
            atexit.register(self._give_back)
            return
        self._give_back()

    def _give_back(self) -> None:
        with unless_gone():
            self._stack.close()
            for note in self._notes:
                output.progress(note)

    def show(self, run: LiveRun) -> None:
        """Look for keys, and draw if it is time."""
        if "q" in self._keys.pressed(0).lower():
            self._shutdown.ask("key q")
        now = time.monotonic()
        if now - self._drawn >= DRAW_S and not self._apart.is_busy:
            self._drawn = now
            size = self._console.size
            drawn = trading(run.frame(), self._banner, self._notes, size.width, size.height)
            self._apart.do(partial(self._live.update, drawn, refresh=True))

    def say(self, line: str) -> None:
        """Have it shown over the orders."""
        self._notes.append(line)


class LiveLines:
    """Lines on stderr: what is said, and how it goes once a minute."""

    def __init__(self, banner: str) -> None:
        self._banner = banner
        self._due = MINUTE
        self._stack = ExitStack()
        self._apart = Apart()

    def __enter__(self) -> Self:
        """Say what kind of run it is."""
        output.progress(self._banner)
        self._stack.enter_context(VenueLog(self))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave the log alone, and wait a moment until all is said."""
        self._stack.close()
        self._apart.close(CLOSE_S)

    def show(self, run: LiveRun) -> None:
        """Say how it goes, if a minute has passed."""
        if run.now < self._due:
            return
        self._due = (run.now // MINUTE + 1) * MINUTE
        summary, frame = run.summary(), run.frame()
        self.say(
            f"{run.now // MINUTE} min: {len(frame.orders)} orders, {summary.placed} placed, "
            f"{summary.modified} modified, {summary.cancelled} cancelled, {summary.fills} fills, "
            f"position {summary.position}"
        )

    def say(self, line: str) -> None:
        """Say it."""
        self._apart.do(partial(output.progress, line))


class VenueLog(logging.Handler):
    """Has said what the venue's client warns of, while the block runs."""

    def __init__(self, display: LiveDisplay) -> None:
        super().__init__(logging.WARNING)
        self._display = display

    def __enter__(self) -> Self:
        """Listen."""
        logging.getLogger(VENUE_LOG).addHandler(self)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Listen no longer."""
        logging.getLogger(VENUE_LOG).removeHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """Say one line, to whoever is still there: the client must not fail for it."""
        with suppress(OSError):
            self._display.say(f"venue: {record.getMessage()}")
