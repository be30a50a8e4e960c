"""What is done after every round of a live run: it is shown, and asked to end if that is wanted."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from lifecycle.cli.shutdown import GIVEN_UP, WARNED, Shutdown
from lifecycle.run.live import LiveRun

if TYPE_CHECKING:
    from exchange.hyperliquid.venue import HyperliquidVenue
    from lifecycle.cli.live_screen import LiveDisplay

_WITHDRAWING: Final = "everything is withdrawn now; it ends when it is proven that nothing rests"
_UNPAUSED: Final = "Ctrl-Z does not pause it, orders would rest unwatched: Ctrl-C withdraws them"


class Unheard:
    """The display of a run that nobody can be shown any more."""

    def show(self, run: LiveRun) -> None:
        """Show nothing."""

    def say(self, line: str) -> None:
        """Say nothing."""


class Rounds:
    """Looks after a run, round by round."""

    def __init__(self, display: "LiveDisplay", shutdown: Shutdown) -> None:
        self._display: LiveDisplay = display
        self._shutdown = shutdown
        self._told = 0
        """How many of the shutdown's requests were followed."""
        self._has_halted = False
        self._has_agreed = False
        self._is_fatal = False
        self._connections = 1

    def each(self, run: LiveRun, venue: "HyperliquidVenue | None") -> None:
        """Look at the run; `venue` is where it sends to, None in a dry run."""
        if venue is not None:
            self._keep(run, venue)
        self._end(run)
        if run.recovery is not None and not self._has_agreed and run.recovery.agreed_at is not None:
            self._has_agreed = True
            for line in run.recovery.lines():
                self._say(line)
        with self._heard():
            self._display.show(run)

    def _say(self, line: str) -> None:
        with self._heard():
            self._display.say(line)

    @contextmanager
    def _heard(self) -> Iterator[None]:
        """Show something inside; where that is no longer possible, have the run end in order."""
        try:
            yield
        except OSError:
            self._display = Unheard()
            self._shutdown.ask("what it says can no longer be written")

    def _keep(self, run: LiveRun, venue: "HyperliquidVenue") -> None:
        """Tell the dead man's switch that we are well, and stop where nothing can succeed."""
        if not run.manager.is_blind and not run.manager.is_halted:
            venue.keep_alive(run.now + run.start)
        health = venue.health()
        if health.fatal and not self._is_fatal:
            self._is_fatal = True
            self._say(f"it must not go on: {health.fatal}")
            run.stop(health.fatal)

    def _end(self, run: LiveRun) -> None:
        asked = self._shutdown.asked
        if self._shutdown.is_refused:
            self._shutdown.is_refused = False
            self._say(_UNPAUSED)
        if asked and not self._told:
            run.stop(self._shutdown.why)
        if run.manager.is_halted and not self._has_halted:
            self._has_halted = True
            self._say(_WITHDRAWING)
        if asked >= WARNED > self._told:
            left = len(run.manager.open_orders)
            self._say(
                f"{left} orders may still rest, or more, and would be left alone: Ctrl-C once more "
                "gives up, waiting is safer"
            )
        if asked >= GIVEN_UP > self._told:
            run.give_up()
        self._told = asked
