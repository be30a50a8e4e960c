"""How a live run is asked to end: once to withdraw everything, again to be warned, again to leave.

A signal is only counted when it comes, and looked at between two rounds.
"""

import signal
import threading
from types import FrameType, TracebackType
from typing import Any, Final, Self

from lifecycle.cli.stop import caught

_MORE: Final = ("SIGQUIT", "SIGTSTP")
"""Caught as well, where there are such: Ctrl-\\ and Ctrl-Z, which would leave orders resting."""
WARNED: Final = 2
GIVEN_UP: Final = 3


class Shutdown:
    """Counts how often the run was asked to end, by a signal or by a key."""

    def __init__(self) -> None:
        self.asked = 0
        """1: to withdraw everything; 2: to be told what that would leave; 3: to leave it."""
        self.why = ""
        """What asked first."""
        self.is_refused = False
        """It was asked to pause, which it does not: orders would rest and nobody would look."""
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        """Catch the signals, where that is possible: in the main thread."""
        if threading.current_thread() is threading.main_thread():
            more = (getattr(signal, name) for name in _MORE if hasattr(signal, name))
            for number in (*caught(), *more):
                self._before[number] = signal.signal(number, self._caught)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Give the signals back."""
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def ask(self, why: str) -> None:
        """Ask once, whoever asks again."""
        self.why = self.why or why
        self.asked = max(1, self.asked)

    def _caught(self, number: int, frame: FrameType | None) -> None:
        del frame
        name = signal.Signals(number).name
        if number == signal.SIGINT:
            # Only a person who insists may leave something resting.
            self.why = self.why or f"signal {name}"
            self.asked = min(self.asked + 1, GIVEN_UP)
        elif number == getattr(signal, "SIGTSTP", None):
            self.is_refused = True
        else:
            self.ask(f"signal {name}")
