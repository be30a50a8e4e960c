"""Turns Ctrl-C, termination and a lost terminal into a flag: a run ends between two steps only."""

import signal
import threading
from types import FrameType, TracebackType
from typing import Any, Self


def caught() -> tuple[signal.Signals, ...]:
    """Return what asks a run to end: Ctrl-C, termination, and a terminal that goes away.

    The last not under `nohup`, which has it ignored.
    """
    hangup = getattr(signal, "SIGHUP", None)
    asks = (signal.SIGINT, signal.SIGTERM)
    if hangup is None or signal.getsignal(hangup) is signal.SIG_IGN:
        return asks
    return (*asks, hangup)


class Stop:
    """Says whether the run was asked to end; a second Ctrl-C interrupts at once."""

    def __init__(self) -> None:
        self.signal: int | None = None
        """The signal that asked, None while nobody has."""
        self._before: dict[signal.Signals, Any] = {}

    def __bool__(self) -> bool:
        """Say whether the run was asked to end."""
        return self.signal is not None

    def __enter__(self) -> Self:
        """Catch the signals, where that is possible: in the main thread."""
        if threading.current_thread() is threading.main_thread():
            for number in caught():
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

    @property
    def code(self) -> int:
        """The exit code by which a shell knows the signal, 0 without one."""
        return 0 if self.signal is None else 128 + self.signal

    def _caught(self, number: int, frame: FrameType | None) -> None:
        del frame
        if self.signal is not None and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.signal = number
