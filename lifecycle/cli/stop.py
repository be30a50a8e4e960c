"""Turns Ctrl-C and termination into a flag, so that a run ends between two steps, never inside."""

import signal
import threading
from types import FrameType, TracebackType
from typing import Any, Final, Self

_CAUGHT: Final = (signal.SIGINT, signal.SIGTERM)


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
            for number in _CAUGHT:
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
