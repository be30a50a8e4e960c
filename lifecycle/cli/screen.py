"""Shows a run while it runs: the loop that owns the session steps it, paces it and draws it.

Two displays: `Screen` on a terminal, `Lines` on stderr everywhere else. Neither decides anything.
"""

import time
from contextlib import ExitStack
from types import TracebackType
from typing import Final, Protocol, Self

from rich.console import Console
from rich.live import Live

from exchange.units import SECOND
from lifecycle.cli import output
from lifecycle.cli.keys import Keys
from lifecycle.cli.stop import Stop
from lifecycle.run.session import Session
from lifecycle.views import live

DRAW_S: Final = 0.05
"""The least time between two drawings that nobody has asked for."""
LISTEN_S: Final = 0.1
"""How long to wait before looking for keys and a new size again."""
PROGRESS_PARTS: Final = 10


class Display(Protocol):
    """Runs sessions and shows how they go."""

    def watch(self, session: Session) -> bool:
        """Run `session` to its end; False where the user ended it before."""


class Screen:
    """The terminal while the block runs; what was on it comes back whatever ends it."""

    def __init__(self, console: Console, speed: float | None, stop: Stop) -> None:
        """Pace by `speed`, simulated seconds a second; None runs as fast as possible."""
        self._console = console
        self._speed = speed
        self._stop = stop
        self._stack = ExitStack()
        self._keys = Keys()
        self._live = Live(console=console, auto_refresh=False, screen=True)
        self._drawn = float("-inf")
        self._size = console.size

    def __enter__(self) -> Self:
        """Take the terminal."""
        with ExitStack() as stack:
            stack.enter_context(self._keys)
            stack.enter_context(self._live)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Give the terminal back."""
        self._stack.close()

    def watch(self, session: Session) -> bool:
        """Run `session` to its end and show it; False where the user ended it before."""
        started, first = time.monotonic(), session.now
        while session.step():
            due = started
            if self._speed is not None:
                due += (session.now - first) / SECOND / self._speed
            if not self._until(due, session):
                return False
        self._draw(session)
        return True

    def _until(self, due: float, session: Session) -> bool:
        """Draw if it is time, and wait for `due`; False where the user ends the run."""
        now = time.monotonic()
        if due - now > DRAW_S or now - self._drawn >= DRAW_S:
            self._draw(session)
        while True:
            left = due - time.monotonic()
            typed = self._keys.pressed(min(max(left, 0.0), LISTEN_S))
            if self._stop or "q" in typed.lower():
                return False
            if left <= 0:
                return True
            if self._console.size != self._size:
                self._draw(session)

    def _draw(self, session: Session) -> None:
        self._size = self._console.size
        self._live.update(live(session.frame(), self._size.width, self._size.height), refresh=True)
        self._drawn = time.monotonic()


class Lines:
    """Lines on stderr: where a run begins and ends, and about every tenth of it."""

    def __init__(self, speed: float | None, stop: Stop) -> None:
        """Pace by `speed`, simulated seconds a second; None runs as fast as possible."""
        self._speed = speed
        self._stop = stop

    def watch(self, session: Session) -> bool:
        """Run `session` to its end; False where it was interrupted."""
        summary = session.summary()
        output.progress(output.started(summary.policy, summary.market, session.end / SECOND))
        to_end = self._run(session, summary.policy)
        output.progress(output.ended(session.summary()))
        return to_end

    def _run(self, session: Session, policy: str) -> bool:
        part = max(1, session.end // PROGRESS_PARTS)
        due = part
        started, first = time.monotonic(), session.now
        while session.step():
            if self._stop:
                return False
            if session.now >= due:
                output.progress(f"{policy}: {100 * session.now // session.end} %")
                due += part
            if self._speed is not None:
                self._sleep_until(started + (session.now - first) / SECOND / self._speed)
        return True

    def _sleep_until(self, due: float) -> None:
        while not self._stop and (left := due - time.monotonic()) > 0:
            time.sleep(min(left, LISTEN_S))
