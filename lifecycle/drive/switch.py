"""The kill switch: a file that somebody makes, or a signal, and everything is withdrawn.

It is looked at, it does not interrupt: a signal that arrives in the middle of a decision is seen
after it. Once thrown it stays thrown; a file that is still there at the next start throws it again.
"""

import signal
from pathlib import Path
from types import FrameType


class KillSwitch:
    """Something to look at before each step."""

    def __init__(self, path: str | Path | None = None) -> None:
        """Watch for a file at `path`, if one is named."""
        self._path = None if path is None else Path(path)
        self._why: str | None = None

    def arm(self, *signals: signal.Signals) -> None:
        """Take these signals as a throw from now on."""
        for number in signals:
            signal.signal(number, self._on_signal)

    def throw(self, why: str) -> None:
        """Throw it; the first reason stands."""
        if self._why is None:
            self._why = why

    @property
    def why(self) -> str | None:
        """Why it was thrown, None while it was not.

        A file that cannot be looked for throws it: nobody could throw it by that any more.
        """
        if self._why is None and self._path is not None:
            try:
                if self._path.exists():
                    self.throw(f"the file {self._path} is there")
            except OSError as error:
                self.throw(f"the file {self._path} cannot be looked for: {error.strerror}")
        return self._why

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        self.throw(f"signal {signal.Signals(number).name}")
